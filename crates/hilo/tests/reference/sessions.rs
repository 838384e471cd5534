//! Sessions with their first responses and outcomes: metrics.md, chapters 2, 4, 6 and 7.

use super::{
    configured,
    items::{Item, Kind},
    json::text,
    messages::{Message, is_reaction},
    people::People,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const HOUR: i64 = 3_600_000;
const GAP: i64 = 24 * HOUR;
const COURTESY: i64 = 10 * 60_000;

/// A person and the business's number, where that is told.
type Thread = (usize, Option<String>);

/// What happened in a thread, as far as sessions see it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Customer,
    Human,
    Bot,
    /// Campaign, automation, unknown: listed, nothing else.
    Other,
    Inbox,
}

pub(crate) struct Event<'a> {
    pub(crate) time: i64,
    class: u8,
    id: String,
    pub(crate) what: What,
    pub(crate) item: &'a Item,
    message: &'a str,
}

impl Event<'_> {
    pub(crate) fn is(&self, event: &str) -> bool {
        self.what == What::Inbox && self.item.element["event"] == event
    }
}

/// A session of `state/sessions.ndjson`.
pub(crate) struct Session<'a> {
    pub(crate) tenant: String,
    pub(crate) person: usize,
    pub(crate) phone_number_id: Option<String>,
    pub(crate) opened_at: i64,
    pub(crate) closed_at: Option<i64>,
    pub(crate) close_reason: Option<&'static str>,
    pub(crate) messages: Vec<String>,
    pub(crate) frt_human: Option<i64>,
    pub(crate) frt_any: Option<i64>,
    pub(crate) outcome: Option<&'static str>,
    pub(crate) open: Open<'a>,
}

/// A session with its events.
pub(crate) struct Open<'a> {
    thread: Thread,
    opened: i64,
    extended: i64,
    closed: Option<(i64, &'static str)>,
    pub(crate) events: Vec<Event<'a>>,
    /// Listed or counted after the close: courtesies and ratings.
    pub(crate) after: Vec<Event<'a>>,
}

/// The sessions of one tenant. `now` is the greatest event time seen.
pub(crate) fn sessions<'a>(
    items: &'a [Item],
    messages: &'a [Message<'a>],
    people: &People,
    tenant: &str,
    now: i64,
) -> Vec<Session<'a>> {
    let mut threads: BTreeMap<Thread, Vec<Event>> = BTreeMap::new();
    let place_of = |item: &Item| items.iter().position(|other| std::ptr::eq(item, other)).unwrap();
    let mut add = |item, class, id: String, what, message| {
        if let Some(person) = people.partner(place_of(item)) {
            let event = Event {
                time: item.time,
                class,
                id,
                what,
                item,
                message,
            };
            let thread = (person, item.phone_number_id.clone());
            threads.entry(thread).or_default().push(event);
        }
    };
    for message in messages.iter().filter(|message| message.tenant == tenant) {
        // What failed was never sent, as far as sessions see it.
        let arrives = message.effective() != Some("failed");
        let counts = |item: &&Item| arrives && !is_group(item) && !is_reaction(item);
        if let Some(item) = message.sent().filter(counts) {
            add(item, 2, message.id.to_owned(), author(item), message.id);
        }
        if let Some(item) = message.customer().filter(|item| !is_group(item)) {
            add(item, 0, message.id.to_owned(), What::Customer, message.id);
        }
    }
    let mut seen = BTreeSet::new();
    for item in items
        .iter()
        .filter(|item| item.tenant == tenant && item.kind == Kind::Inbox)
    {
        if seen.insert(&item.key) {
            let class = if item.element["event"] == "resolved" { 3 } else { 1 };
            add(item, class, item.told.clone(), What::Inbox, "");
        }
    }
    let mut all: Vec<Open> = Vec::new();
    for (thread, mut events) in threads {
        events.sort_by(|one, two| (one.time, one.class, &one.id).cmp(&(two.time, two.class, &two.id)));
        all.extend(cut(&thread, events, now));
    }
    let outcomes: Vec<_> = all.iter().map(|session| session.outcome(&all)).collect();
    all.into_iter()
        .zip(outcomes)
        .map(|(session, outcome)| Session {
            tenant: tenant.to_owned(),
            person: session.thread.0,
            phone_number_id: session.thread.1.clone(),
            opened_at: session.opened,
            closed_at: session.closed.map(|closed| closed.0),
            close_reason: session.closed.map(|closed| closed.1),
            messages: session
                .events
                .iter()
                .chain(&session.after)
                .filter(|event| event.what != What::Inbox)
                .map(|event| event.message.to_owned())
                .collect(),
            frt_human: session.frt_human(),
            frt_any: session.frt_any(),
            outcome,
            open: session,
        })
        .collect()
}

fn is_group(item: &Item) -> bool {
    text(&item.element, "group_id").is_some()
}

fn author(item: &Item) -> What {
    match (item.kind, text(&item.element["author"], "kind")) {
        (Kind::Echo, _) if configured::is_auto_reply(item) => What::Other,
        (Kind::Echo, _) | (_, Some("agent")) => What::Human,
        (_, Some("bot")) => What::Bot,
        _ => What::Other,
    }
}

/// Cuts a thread's events, which are in order, into sessions.
fn cut<'a>(thread: &Thread, events: Vec<Event<'a>>, now: i64) -> Vec<Open<'a>> {
    let mut sessions: Vec<Open> = Vec::new();
    for event in events {
        let time = event.time;
        close_if_due(sessions.last_mut(), time);
        let open = sessions.last_mut().filter(|session| session.closed.is_none());
        let extends = matches!(event.what, What::Customer | What::Human | What::Bot) || event.is("reopened");
        if let Some(open) = open {
            if extends {
                open.extended = time;
            }
            if event.is("resolved") {
                open.closed = Some((time, "resolved"));
            }
            open.events.push(event);
            continue;
        }
        if let Some(last) = sessions.last_mut()
            && (event.is("rated") || is_courtesy(last, &event))
        {
            last.after.push(event);
            continue;
        }
        if extends {
            sessions.push(Open {
                thread: thread.clone(),
                opened: time,
                extended: time,
                closed: None,
                events: vec![event],
                after: Vec::new(),
            });
        }
    }
    close_if_due(sessions.last_mut(), now);
    sessions
}

fn close_if_due(session: Option<&mut Open>, now: i64) {
    if let Some(session) = session
        && session.closed.is_none()
        && now >= session.extended + GAP
    {
        session.closed = Some((session.extended + GAP, "inactivity"));
    }
}

const COURTESIES: &[&str] = &[
    "",
    "gracias",
    "muchas gracias",
    "mil gracias",
    "ok",
    "okay",
    "vale",
    "listo",
    "perfecto",
    "dale",
    "obrigado",
    "obrigada",
    "valeu",
    "thanks",
    "thank you",
];

fn is_courtesy(last: &Open, event: &Event) -> bool {
    let Some((closed, "resolved")) = last.closed else {
        return false;
    };
    let element = event.item.says();
    if event.what != What::Customer || event.time > closed + COURTESY || element["type"] != "text" {
        return false;
    }
    let body = element["text"]["body"].as_str().unwrap_or("none").to_lowercase();
    COURTESIES.contains(&body.trim_matches(|character: char| !character.is_alphanumeric()))
}

impl Open<'_> {
    /// Whether the platform's test opened it.
    pub(crate) fn is_test(&self) -> bool {
        self.events[0].item.is_test()
    }

    fn first_customer(&self) -> Option<usize> {
        self.events.iter().position(|event| event.what == What::Customer)
    }

    /// A session enters the measures with its first customer message: the events from there on.
    pub(crate) fn measured(&self) -> &[Event<'_>] {
        self.first_customer().map_or(&[], |first| &self.events[first..])
    }

    fn is_bot_owned(&self) -> bool {
        let owner = |event: &&Event| {
            matches!(event.what, What::Bot | What::Human) || event.is("handed_off") || event.is("assigned")
        };
        let first = self.measured().iter().find(owner);
        first.is_some_and(|event| event.what == What::Bot || event.is("handed_off"))
    }

    fn handed_off(&self) -> Option<i64> {
        let measured = self.measured();
        let before_human = measured.iter().take_while(|event| event.what != What::Human);
        let assigned = || before_human.into_iter().find(|event| event.is("assigned"));
        let handed_off = measured.iter().find(|event| event.is("handed_off"));
        handed_off.or_else(assigned).map(|event| event.time)
    }

    /// When the clock of the first human response starts.
    pub(crate) fn human_start(&self) -> Option<i64> {
        let customer = self.measured().first()?.time;
        if self.is_bot_owned() {
            self.handed_off()
        } else {
            Some(customer)
        }
    }

    fn frt_human(&self) -> Option<i64> {
        let start = self.human_start()?;
        Some(self.first(start, &[What::Human])?.time - start)
    }

    fn frt_any(&self) -> Option<i64> {
        let start = self.measured().first()?.time;
        Some(self.first(start, &[What::Human, What::Bot])?.time - start)
    }

    /// The first of these at or after a start.
    pub(crate) fn first(&self, start: i64, what: &[What]) -> Option<&Event<'_>> {
        self.measured()
            .iter()
            .find(|event| what.contains(&event.what) && event.time >= start)
    }

    fn outcome(&self, all: &[Open]) -> Option<&'static str> {
        let closed = self.closed?.0;
        self.measured().iter().find(|event| event.what == What::Bot)?;
        let mut before_hand_off = self.events.iter().take_while(|event| !event.is("handed_off"));
        if before_hand_off.any(|event| event.what == What::Human) {
            return Some("human_takeover");
        }
        let handed_off = |reasons: &[&str]| {
            let mut hand_offs = self.events.iter().filter(|event| event.is("handed_off"));
            hand_offs
                .any(|event| reasons.is_empty() || reasons.contains(&text(&event.item.element, "reason").unwrap_or("")))
        };
        if handed_off(&["requested"]) {
            return Some("escalated_requested");
        }
        if handed_off(&["failure", "bot_error", "low_confidence"]) {
            return Some("escalated_failure");
        }
        if handed_off(&[]) {
            return Some("escalated_rule");
        }
        let goal = |event: &Event| event.what == What::Inbox && event.item.element["outcome"] == "goal_reached";
        if self.events.iter().chain(&self.after).any(goal) || self.is_satisfied(closed) {
            return Some("contained_confirmed");
        }
        let last = self
            .events
            .iter()
            .rfind(|event| matches!(event.what, What::Customer | What::Bot));
        let question = |event: &Event| {
            event.what == What::Bot
                && (event.item.element["type"] == "interactive" || event.item.element["expects_reply"] == true)
        };
        if last.is_some_and(question) {
            return Some("abandoned");
        }
        let back = all.iter().any(|other| {
            other.thread.0 == self.thread.0
                && !other.is_test()
                && other.opened >= closed
                && other.measured().first().is_some_and(|first| first.time <= closed + GAP)
        });
        Some(if back { "called_back" } else { "contained_silent" })
    }

    /// Whether the winning answer to the satisfaction question is among the top two of its scale.
    fn is_satisfied(&self, closed: i64) -> bool {
        let mut answers = self.events.iter().chain(&self.after).filter(|event| {
            let line = &event.item.element;
            let instrument = text(&line["context"], "instrument");
            let effort = instrument == Some("ces") || (instrument.is_none() && line["scale"] == 7);
            event.is("rated") && !effort && line["score"].is_number() && line["scale"].is_number()
        });
        let last = answers.rfind(|event| event.time <= closed + 72 * HOUR);
        last.is_some_and(|event| {
            let number = |key: &str| Value::as_f64(&event.item.element[key]).unwrap_or(0.0);
            let (score, scale) = (number("score"), number("scale"));
            if scale <= 3.0 {
                score >= scale
            } else {
                score >= scale - 1.0
            }
        })
    }
}
