//! Sessions by small histories, and the incremental fold against one over the whole history.

use crate::{
    event::{Event, Role},
    measure::Outcome,
    person::Person,
    reference::{fold::fold, measure::measure},
    thread::{Chain, Place, SPLIT, Segment, SessionChange, Thread, Told},
};
use hilo_contracts::{item::Inbox, stored::Session};
use hilo_domain::{
    Millis,
    time::{DAY, HOUR, MINUTE, SECOND},
};
use hilo_stream::{Context, MemoryBackend, StateStore as _, Store, wire::Encoded};
use proptest::prelude::*;
use std::collections::BTreeSet;

pub(crate) fn event(at: Millis, word: &str) -> Event {
    let inbox = |event: &str, agent: Option<&str>, reason: Option<&str>| {
        Role::Inbox(Box::new(Inbox {
            event: event.to_owned(),
            agent: agent.map(str::to_owned),
            reason: reason.map(str::to_owned),
            ..Inbox::default()
        }))
    };
    let (class, role) = match word {
        "customer" => (
            0,
            Role::Customer {
                courtesy: false,
                by_ad: false,
            },
        ),
        "ad" => (
            0,
            Role::Customer {
                courtesy: false,
                by_ad: true,
            },
        ),
        "thanks" => (
            0,
            Role::Customer {
                courtesy: true,
                by_ad: false,
            },
        ),
        "human" => (
            2,
            Role::Human {
                agent: Some("ana".to_owned()),
            },
        ),
        "bot" => (
            2,
            Role::Bot {
                bot: Some("bot-1".to_owned()),
                question: false,
            },
        ),
        "question" => (
            2,
            Role::Bot {
                bot: Some("bot-1".to_owned()),
                question: true,
            },
        ),
        "campaign" => (2, Role::Listed),
        "reaction" => (0, Role::Silent),
        "resolved" => (3, inbox("resolved", Some("ana"), Some("agenda"))),
        "assigned" => (1, inbox("assigned", Some("ana"), None)),
        "requested" => (1, inbox("handed_off", None, Some("requested"))),
        other => (1, inbox(other, None, None)),
    };
    let id = format!("{at}-{word}");
    Event {
        at,
        class,
        id: id.as_str().into(),
        key: id.as_str().into(),
        role,
        generation: 0,
        fingerprint: 0,
        atom: 1,
        version: 1,
        test: false,
        session: None,
        revision: 0,
        told: false,
        sign: None,
        answer: None,
        signed: false,
        became: None,
        described: Encoded::from_vec(Vec::new()),
    }
}

/// A thread with its stores, as the processor has them.
pub(crate) struct Bench {
    pub thread: Thread,
    segments: Store<Segment>,
    retracted: Store<i64>,
    committed: [MemoryBackend; 2],
    pub context: Context,
    /// Indexes of events are of no use across segments: what was told of them, by key.
    pub told: Vec<(String, i64)>,
}

impl Default for Bench {
    fn default() -> Self {
        let mut bench = Self {
            thread: Thread::default(),
            segments: Store::new("segments"),
            retracted: Store::new("retracted"),
            committed: Default::default(),
            context: Context::default(),
            told: Vec::new(),
        };
        bench.attach();
        bench
    }
}

impl Bench {
    fn attach(&mut self) {
        self.segments.attach(Box::new(self.committed[0].clone())).unwrap();
        self.retracted.attach(Box::new(self.committed[1].clone())).unwrap();
    }

    /// All state is encoded and read again; gives the greatest entry that was written.
    pub(crate) fn restart(&mut self) -> usize {
        let mut greatest = 0;
        let mut note = |bytes: Option<&Vec<u8>>| greatest = greatest.max(bytes.map_or(0, Vec::len));
        self.segments
            .drain_dirty(&mut |change| {
                note(change.1.as_ref());
                self.committed[0].apply(change);
            })
            .unwrap();
        self.retracted
            .drain_dirty(&mut |change| self.committed[1].apply(change))
            .unwrap();
        let encoded = Encoded::of(&self.thread).unwrap();
        self.thread = encoded.open().unwrap();
        note(Some(&encoded.into_bytes()));
        self.attach();
        greatest
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Thread, &mut Chain, &mut Context) -> T) -> T {
        let mut chain = Chain {
            segments: &mut self.segments,
            person: "p",
            number: "n",
        };
        act(&mut self.thread, &mut chain, &mut self.context)
    }

    fn refold(&mut self, place: Place, until: Option<u32>, now: Millis) -> Vec<SessionChange> {
        let mut chain = Chain {
            segments: &mut self.segments,
            person: "p",
            number: "n",
        };
        let told = &mut self.told;
        self.thread
            .refold(
                place,
                until,
                now,
                (&mut chain, &mut self.retracted),
                &mut self.context,
                |event, _| {
                    told.push((event.key.to_string(), event.revision));
                    Ok(())
                },
            )
            .unwrap()
    }

    /// As the first item of its key comes.
    pub(crate) fn add(&mut self, event: Event, now: Millis) {
        let place = self.with(|thread, chain, context| thread.insert(event, chain, context).unwrap());
        self.refold(place, place.at, now);
        self.with(|thread, chain, context| thread.tidy(place.at, chain, context).unwrap());
    }

    /// As a new item comes: it takes the place of the occurrence of its key, wherever that is.
    pub(crate) fn put(&mut self, mut event: Event, now: Millis) -> Vec<SessionChange> {
        let key = event.key.clone();
        let old = self.with(|thread, chain, context| {
            let old = thread
                .find(Millis::MIN, |had| had.key == key, chain, context)
                .unwrap()?;
            Some((old, thread.remove(old, chain).unwrap()))
        });
        let mut from = None;
        if let Some((old, gone)) = old {
            from = Some((old, gone.order() < event.order()));
            event.follows(gone);
        }
        let place = self.with(|thread, chain, context| thread.insert(event, chain, context).unwrap());
        let changes = match from {
            Some((old, _)) if old.at == place.at => {
                let index = old.index.min(place.index);
                self.refold(Place { index, ..place }, place.at, now)
            }
            Some((old, true)) => self.refold(old, place.at, now),
            Some((old, false)) => self.refold(place, old.at, now),
            None => self.refold(place, place.at, now),
        };
        let places = [from.map(|(old, _)| old.at), Some(place.at)];
        for at in places.into_iter().flatten() {
            self.with(|thread, chain, context| thread.tidy(at, chain, context).unwrap());
        }
        changes
    }

    fn take(&mut self, key: &str, now: Millis) {
        let place = self.with(|thread, chain, context| {
            let place = thread
                .find(Millis::MIN, |had| *had.key == *key, chain, context)
                .unwrap()
                .unwrap();
            thread.remove(place, chain).unwrap();
            place
        });
        self.refold(place, place.at, now);
        self.with(|thread, chain, context| thread.tidy(place.at, chain, context).unwrap());
    }

    /// Takes out all events that are `wanted`, as a move does.
    fn extract(&mut self, wanted: impl Fn(&Event) -> bool, now: Millis) {
        let mut all = Vec::new();
        self.with(|thread, chain, context| {
            thread.back(chain, context, |at, _| {
                all.insert(0, at);
                true
            })
        })
        .unwrap();
        let mut first = None;
        for at in &all {
            let found = self.with(|thread, chain, _| thread.extract(*at, &wanted, chain).unwrap());
            first = first.or(found.map(|(index, _)| Place { at: *at, index }));
        }
        let Some(first) = first else { return };
        self.refold(first, None, now);
        for at in all {
            self.with(|thread, chain, context| thread.tidy(at, chain, context).unwrap());
        }
    }

    /// All events and sessions, in order; each segment's size and links are as they should be.
    fn all(&mut self) -> (Vec<Event>, Vec<Told>) {
        let (mut events, mut sessions) = (Vec::new(), Vec::new());
        let mut behind = None;
        let mut is_tail = true;
        self.with(|thread, chain, context| {
            thread.back(chain, context, |at, segment| {
                events.splice(0..0, segment.events.iter().cloned());
                sessions.splice(0..0, segment.sessions.iter().cloned());
                assert!(segment.events.len() <= SPLIT, "{}", segment.events.len());
                assert!(is_tail || (!segment.events.is_empty() && segment.behind == behind));
                is_tail = false;
                behind = at;
                true
            })
        })
        .unwrap();
        (events, sessions)
    }
}

fn thread(history: &[(Millis, &str)], now: Millis) -> Thread {
    let mut bench = Bench::default();
    for (at, word) in history {
        bench.put(event(*at, word), now);
    }
    bench.thread
}

/// Sessions as `opened-closed reason: events`.
fn sessions(thread: &Thread) -> Vec<String> {
    thread
        .tail
        .sessions
        .iter()
        .map(|told| {
            let own: Vec<&str> = thread
                .tail
                .events
                .iter()
                .filter(|event| event.session.as_ref() == Some(&told.id))
                .map(|event| event.id.split('-').next_back().unwrap())
                .collect();
            let Session {
                opened_at,
                closed_at,
                close_reason,
                ..
            } = &told.session;
            let reason = close_reason.as_deref().unwrap_or("open");
            format!("{opened_at}..{} {reason}: {}", closed_at.unwrap_or(-1), own.join(" "))
        })
        .collect()
}

#[test]
fn campaigns_open_nothing_and_are_listed_where_a_session_is_open() {
    let thread = thread(
        &[
            (0, "campaign"),
            (5, "customer"),
            (6, "campaign"),
            (7, "assigned"),
            (8, "human"),
        ],
        9,
    );
    assert_eq!(sessions(&thread), ["5..-1 open: customer campaign assigned human"]);
}

#[test]
fn a_message_exactly_at_the_end_of_the_gap_opens_a_new_session() {
    let thread = thread(
        &[(0, "customer"), (DAY, "customer"), (2 * DAY - 1, "customer")],
        2 * DAY,
    );
    assert_eq!(
        sessions(&thread),
        [
            format!("0..{DAY} inactivity: customer"),
            format!("{DAY}..-1 open: customer customer")
        ]
    );
}

#[test]
fn thanks_within_ten_minutes_are_listed_in_the_closed_session() {
    let thread = thread(
        &[
            (0, "customer"),
            (9, "resolved"),
            (9 + 10 * MINUTE, "thanks"),
            (10 + 10 * MINUTE, "thanks"),
        ],
        HOUR,
    );
    assert_eq!(
        sessions(&thread),
        ["0..9 resolved: customer resolved thanks", "600010..-1 open: thanks"]
    );
}

#[test]
fn without_a_session_only_a_rating_has_an_effect() {
    let thread = thread(
        &[
            (0, "assigned"),
            (1, "customer"),
            (5, "resolved"),
            (6, "tagged"),
            (7, "rated"),
            (8, "reopened"),
        ],
        9,
    );
    assert_eq!(
        sessions(&thread),
        ["1..5 resolved: customer resolved rated", "8..-1 open: reopened"]
    );
    assert_eq!(
        thread.tail.sessions[1].session.reopens.as_deref(),
        Some(&*thread.tail.sessions[0].id)
    );
}

#[test]
fn clocks_start_at_the_customer_or_at_the_hand_off() {
    let first = |history: &[(Millis, &str)]| thread(history, HOUR).tail.sessions.remove(0).session;
    let clock = |clock: &Option<hilo_contracts::stored::Clock>| {
        clock
            .as_ref()
            .map(|clock| (clock.started_at, clock.stopped_at, clock.agent_started_at))
    };

    let plain = first(&[(0, "customer"), (30, "assigned"), (120, "human")]);
    assert_eq!(clock(&plain.frt_human), Some((0, Some(120), Some(30))));
    assert_eq!(plain.opened_by, "customer");

    let handed = first(&[
        (0, "customer"),
        (3, "bot"),
        (60, "customer"),
        (65, "requested"),
        (90, "assigned"),
        (185, "human"),
    ]);
    assert_eq!(clock(&handed.frt_human), Some((65, Some(185), Some(90))));
    assert_eq!(clock(&handed.frt_any), Some((0, Some(3), Some(0))));

    let contained = first(&[(0, "customer"), (3, "bot"), (9, "human")]);
    assert_eq!(
        clock(&contained.frt_human),
        None,
        "bot-owned, never handed off or assigned"
    );

    let business = first(&[(0, "human"), (5, "customer")]);
    assert_eq!(
        (business.opened_by.as_str(), clock(&business.frt_human)),
        ("business", Some((5, None, None)))
    );
    assert_eq!(clock(&first(&[(0, "human")]).frt_human), None);
}

#[test]
fn outcomes_are_the_first_that_fits() {
    let outcome = |history: &[(Millis, &str)]| {
        let mut person = Person::default();
        person.threads.insert("n".to_owned(), thread(history, 9 * DAY));
        let mut segments = Store::new("segments");
        person.returns("p", 0, &mut segments, &mut Context::default()).unwrap();
        person.threads["n"].tail.sessions[0].session.outcome.clone()
    };
    let is = |history: &[(Millis, &str)], want: Option<&str>| {
        assert_eq!(outcome(history).as_deref(), want, "{history:?}");
    };
    is(&[(0, "customer"), (1, "human")], None);
    is(
        &[(0, "customer"), (1, "bot"), (2, "human"), (3, "requested")],
        Some("human_takeover"),
    );
    is(
        &[(0, "customer"), (1, "bot"), (2, "requested"), (3, "human")],
        Some("escalated_requested"),
    );
    is(
        &[(0, "customer"), (1, "bot"), (2, "handed_off")],
        Some("escalated_rule"),
    );
    // Of two hand-offs in either order.
    for reasons in [["handed_off", "requested"], ["requested", "handed_off"]] {
        is(
            &[(0, "customer"), (1, "bot"), (2, reasons[0]), (3, reasons[1])],
            Some("escalated_requested"),
        );
    }
    is(&[(0, "customer"), (1, "question")], Some("abandoned"));
    is(&[(0, "customer"), (1, "bot")], Some("contained_silent"));
    is(
        &[(0, "customer"), (1, "bot"), (2, "resolved"), (2 + DAY, "customer")],
        Some("called_back"),
    );
    is(
        &[(0, "customer"), (1, "bot"), (2, "resolved"), (3 + DAY, "customer")],
        Some("contained_silent"),
    );
}

#[test]
fn a_session_that_opens_again_goes_on_from_its_retraction() {
    let mut bench = Bench::default();
    let mut revisions = Vec::new();
    let mut insert = |at, word| {
        let changes = bench.put(event(at, word), 0);
        let of_second = |change: &&SessionChange| change.told.session.opened_at == 5;
        revisions.extend(
            changes
                .iter()
                .filter(of_second)
                .map(|change| (change.kind, change.told.revision)),
        );
    };
    insert(5, "customer");
    // An earlier opener takes the session's place …
    insert(1, "customer");
    // … and a resolution between them gives it back.
    insert(2, "resolved");
    assert_eq!(
        revisions,
        [("session_opened", 1), ("session_retracted", 2), ("session_opened", 3)]
    );
}

#[test]
fn an_answer_within_a_day_opens_the_entry_point_window() {
    let ends = |history: &[(Millis, &str)]| {
        let thread = thread(history, 30 * DAY);
        let ends = thread.tail.sessions.iter().map(|told| told.session.entry_point_ends_at);
        ends.collect::<Vec<_>>()
    };
    // 72 h from the first answer, whoever it is, also in the second of the message.
    assert_eq!(ends(&[(0, "ad"), (5, "bot"), (9, "human")]), [Some(5 + 72 * HOUR)]);
    assert_eq!(ends(&[(7, "ad"), (7, "campaign")]), [Some(7 + 72 * HOUR)]);
    // Without an answer, without an ad, with an answer before it: none.
    assert_eq!(ends(&[(0, "ad"), (5, "assigned")]), [None]);
    assert_eq!(ends(&[(0, "customer"), (5, "human")]), [None]);
    assert_eq!(ends(&[(0, "human"), (5, "ad")]), [None]);
    // A day later to the second, and a second more: the session has to last, which another message makes it do.
    let late = |answer| ends(&[(0, "ad"), (20 * HOUR, "customer"), (answer, "human")]);
    assert_eq!(late(DAY), [Some(DAY + 72 * HOUR)]);
    assert_eq!(late(DAY + SECOND), [None]);
    // Of two the later one.
    assert_eq!(
        ends(&[(0, "ad"), (5, "human"), (9, "ad"), (11, "bot")]),
        [Some(11 + 72 * HOUR)]
    );
}

const WORDS: [&str; 13] = [
    "ad",
    "customer",
    "thanks",
    "human",
    "bot",
    "question",
    "campaign",
    "reaction",
    "resolved",
    "assigned",
    "requested",
    "rated",
    "reopened",
];

/// The whole history at once.
fn whole(events: &[Event], now: Millis) -> Vec<(Session, Outcome, Vec<String>)> {
    let mut events = events.to_vec();
    events.sort_by(|a, b| a.order().cmp(&b.order()));
    fold(&events, now)
        .iter()
        .map(|folded| {
            let (session, outcome) = measure(&events, folded);
            let own = folded.events.iter().map(|index| events[*index].id.to_string());
            (session, outcome, own.collect())
        })
        .collect()
}

/// What may happen to a thread.
#[derive(Clone, Debug)]
enum Act {
    Put(Millis, usize),
    /// A better duplicate of an event, at another time.
    Better(prop::sample::Index, Millis),
    Take(prop::sample::Index),
    /// The events from a time to another go to somebody else.
    Move(Millis, Millis),
    Restart,
}

fn acts(span: Millis, length: usize) -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        40 => (0..span, 0..WORDS.len()).prop_map(|(at, word)| Act::Put(at, word)),
        3 => (any::<prop::sample::Index>(), 0..span).prop_map(|(which, at)| Act::Better(which, at)),
        2 => any::<prop::sample::Index>().prop_map(Act::Take),
        1 => (0..span, 0..span / 4).prop_map(|(from, length)| Act::Move(from, from + length)),
        2 => Just(Act::Restart),
    ];
    prop::collection::vec(act, 1..length)
}

/// Runs the acts, then compares with the fold over all that is left at once.
fn agree(acts: &[Act], step: Millis, now: Millis) -> Result<(), TestCaseError> {
    let mut bench = Bench::default();
    let mut left: Vec<Event> = Vec::new();
    for act in acts {
        match act {
            Act::Put(at, word) => {
                let event = event(at * step, WORDS[*word]);
                left.retain(|had| had.key != event.key);
                left.push(event.clone());
                bench.put(event, now);
            }
            Act::Better(which, at) if !left.is_empty() => {
                let place = which.index(left.len());
                left[place].at = at * step;
                bench.put(left[place].clone(), now);
            }
            Act::Take(which) if !left.is_empty() => {
                let gone = left.remove(which.index(left.len()));
                bench.take(&gone.key, now);
            }
            Act::Move(from, to) => {
                let goes = |event: &Event| (from * step..to * step).contains(&event.at);
                left.retain(|event| !goes(event));
                bench.extract(goes, now);
            }
            Act::Better(..) | Act::Take(_) => {}
            Act::Restart => {
                bench.restart();
            }
        }
    }
    let want = whole(&left, now);
    let (events, sessions) = bench.all();
    prop_assert_eq!(events.len(), left.len());
    prop_assert!(events.is_sorted_by(|one, other| one.order() < other.order()));
    prop_assert_eq!(sessions.len(), want.len());
    let mut before: Option<&Told> = None;
    for (told, (session, outcome, ids)) in sessions.iter().zip(&want) {
        let mut got = told.session.clone();
        let reopens = before
            .filter(|before| {
                before
                    .session
                    .closed_at
                    .is_some_and(|at| got.opened_at <= at + 72 * HOUR)
            })
            .map(|before| before.id.to_string());
        prop_assert_eq!(&got.reopens, &reopens);
        got.reopens = None;
        got.repeated_at = None;
        if *outcome == Outcome::UnlessCalledBack {
            got.outcome = None;
        }
        let mut session = session.clone();
        session.outcome = match outcome {
            Outcome::Is(outcome) => Some((*outcome).to_owned()),
            _ => None,
        };
        prop_assert_eq!(&got, &session);
        let own: Vec<String> = events
            .iter()
            .filter(|event| event.session.as_ref() == Some(&told.id))
            .map(|event| event.id.to_string())
            .collect();
        prop_assert_eq!(&own, ids);
        before = Some(told);
    }
    // Each event was told in each of its revisions, once; one that went away and came again begins anew here.
    let stays = |act: &Act| !matches!(act, Act::Take(_) | Act::Move(..));
    if acts.iter().all(stays) {
        let told: BTreeSet<&(String, i64)> = bench.told.iter().collect();
        prop_assert_eq!(told.len(), bench.told.len());
    }
    Ok(())
}

// Steps of 17 minutes: gaps, courtesies and ties all occur.
const STEP: Millis = 17 * MINUTE + SECOND;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn any_order_and_repetition_gives_the_sessions_of_the_whole_history(acts in acts(400, 40), now in 0..600i64) {
        agree(&acts, STEP, now * STEP)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// Long threads, of many segments; with a short step they are one session.
    #[test]
    fn so_it_does_in_long_threads(acts in acts(2_000, 600), step in prop_oneof![Just(STEP), Just(SECOND)]) {
        agree(&acts, step, 1_000 * step)?;
    }
}
