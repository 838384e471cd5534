//! Words that opt out only as an answer to marketing, against the definition read off all that is known: in any order of
//! arrival, in threads of several segments, and where half of the thread turns out to be another person's.

use crate::{details::tests, forget_tests::Logs, processor::Conversation};
use hilo_contracts::{
    codec::{self, Codec as _},
    item::{Became, Body, ConsentRecord, Fate, Item, Move, Origin, PersonRecord, Resolved, Template},
    topics,
};
use hilo_domain::{Millis, OptOut, opt_out::Keyword, time::MINUTE};
use hilo_stream::{Record, wire};
use proptest::prelude::*;
use std::collections::BTreeMap;

const ATOM: u64 = 9;

#[derive(Clone, Debug)]
enum What {
    /// A line with a template of a category, or one without, and what is told of it.
    Line(Option<&'static str>, Vec<Became>),
    Echo(Vec<Became>),
    /// Naming one of the events, or none.
    Word(Option<prop::sample::Index>),
    Other,
}

/// When it happened, in minutes.
type Happened = (Millis, What);

fn became() -> impl Strategy<Value = Became> {
    let delivered = prop::option::weighted(0.7, 0..90i64);
    (delivered, any::<bool>(), prop::sample::select(vec![0, 1, 2])).prop_map(|(delivered, failed, kind)| Became {
        failed: failed && delivered.is_none(),
        delivered_at: delivered.map(|at| at * MINUTE),
        template: kind > 0,
        marketing: kind > 1,
    })
}

fn happened() -> impl Strategy<Value = Happened> {
    let told = || prop::collection::vec(became(), 0..3);
    let category = prop::sample::select(vec![None, Some("marketing"), Some("MARKETING_LITE"), Some("utility")]);
    let what = prop_oneof![
        4 => (category, told()).prop_map(|(category, told)| What::Line(category, told)),
        1 => told().prop_map(What::Echo),
        3 => prop::option::weighted(0.3, any::<prop::sample::Index>()).prop_map(What::Word),
        1 => Just(What::Other),
    ];
    (0..90i64, what)
}

fn id(place: usize) -> String {
    format!("m{place:03}")
}

fn item(all: &[Happened], place: usize) -> Item {
    let (at, what) = &all[place];
    let mut item = tests::item(tests::message("text"), id(place));
    (item.event_time, item.key, item.has_person) = (at * MINUTE, id(place), true);
    let Body::Message(message) = &mut item.body else {
        unreachable!()
    };
    message.id = id(place);
    match what {
        What::Line(category, _) => {
            (message.origin, message.inbound) = (Origin::Outbound, false);
            message.author.kind = "campaign".to_owned();
            message.template = category.map(|category| Template {
                name: "promo".to_owned(),
                language: None,
                category: Some(category.to_owned()),
            });
        }
        What::Echo(_) => {
            (message.origin, message.inbound) = (Origin::Echo, false);
            message.author.kind = "agent".to_owned();
        }
        What::Word(named) => {
            message.reply_to = named.map(|named| id(named.index(all.len())));
            message.opt_out = Some(OptOut::AnswerToMarketing(Keyword {
                word: "salir".to_owned(),
                languages: None,
            }));
        }
        What::Other => {}
    }
    item
}

/// What a send is in the end.
fn sent(all: &[Happened], place: usize) -> Option<Became> {
    let (at, what) = &all[place];
    let (described, told) = match what {
        What::Line(category, told) => {
            let became = Became {
                template: category.is_some(),
                marketing: category.is_some_and(|category| category != "utility"),
                ..Became::default()
            };
            (became, told)
        }
        What::Echo(told) => {
            let became = Became {
                delivered_at: Some(at * MINUTE),
                ..Became::default()
            };
            (became, told)
        }
        What::Word(_) | What::Other => return None,
    };
    Some(told.last().copied().unwrap_or(described))
}

/// Whether a word opts out, by metrics.md, chapter 3, "Words"; `is_theirs` tells which events are of its person.
fn opts_out(all: &[Happened], place: usize, is_theirs: impl Fn(usize) -> bool) -> bool {
    let (said_at, What::Word(named)) = &all[place] else {
        return false;
    };
    let named = named.map(|named| named.index(all.len()));
    let named = named
        .filter(|named| is_theirs(*named))
        .and_then(|named| sent(all, named));
    if let Some(named) = named.filter(|named| named.marketing || named.template) {
        return named.marketing;
    }
    let theirs = (0..all.len()).filter(|place| is_theirs(*place));
    let delivered = theirs.filter_map(|place| {
        let sent = sent(all, place)?;
        let at = sent.delivered_at.filter(|at| *at < said_at * MINUTE)?;
        Some((at, all[place].0, id(place), sent.marketing))
    });
    delivered.max().is_some_and(|(.., marketing)| marketing)
}

/// Of each word whether the fact of the highest revision has it opt out, and whose ledger has it.
fn told(outputs: &[Record]) -> (BTreeMap<String, bool>, BTreeMap<String, Vec<String>>) {
    let mut facts: BTreeMap<String, (i64, bool)> = BTreeMap::new();
    let mut ledgers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in outputs {
        if record.topic == topics::CONVERSATION {
            let fact = codec::conversation().decode(&record.value).unwrap();
            let Some(id) = fact.message_id else { continue };
            let had = facts.entry(id).or_default();
            assert!(had.0 < fact.revision, "a revision for each fact");
            *had = (fact.revision, fact.opt_out);
        } else if record.topic == topics::CONSENT_ITEM {
            let person = String::from_utf8(record.key.clone()).unwrap();
            let signs = ledgers.entry(person).or_default();
            match wire::decode(&record.value).unwrap() {
                ConsentRecord::Sign(sign) => {
                    signs.retain(|had| *had != sign.id);
                    signs.push(sign.id);
                }
                ConsentRecord::Forget { id, .. } => signs.retain(|had| *had != id),
            }
        }
    }
    (facts.into_iter().map(|(id, (_, out))| (id, out)).collect(), ledgers)
}

fn run(all: &[Happened], moved_from: Option<Millis>, order: &[u64], seed: u64) {
    let mut logs = Logs::default();
    let mut identity: Vec<(u64, PersonRecord)> = Vec::new();
    let mut status: Vec<(u64, PersonRecord)> = Vec::new();
    let mut orders = order.iter().copied().cycle();
    let mut next = || orders.next().unwrap_or_default();
    for (place, (_, what)) in all.iter().enumerate() {
        let item = item(all, place);
        if let What::Line(_, told) | What::Echo(told) = what {
            for (revision, became) in told.iter().enumerate() {
                let fate = Fate {
                    at: item.event_time,
                    fingerprint: item.fingerprint(),
                    atom: ATOM,
                    version: 1,
                    revision: 1 + revision as i64,
                    became: *became,
                    trace: None,
                };
                status.push((next(), PersonRecord::Fate(fate)));
            }
        }
        let resolved = Resolved {
            person_id: Some("p0".to_owned()),
            country: None,
            atom: ATOM,
            version: 1,
            item,
        };
        identity.push((next(), PersonRecord::Item(Box::new(resolved))));
    }
    if let Some(from) = moved_from {
        let moved = Move {
            version: 2,
            atom: ATOM,
            from: Some(from * MINUTE),
            to: None,
            to_person: "p1".to_owned(),
            country: None,
        };
        identity.push((next(), PersonRecord::Move(moved)));
    }
    for (from, mut records) in [("identity", identity), ("status", status)] {
        records.sort_by_key(|(order, _)| *order);
        for (_, record) in records {
            logs.send(from, "p0", record);
        }
    }
    let mut processor = Conversation::default();
    let (facts, ledgers) = told(&logs.drain(&mut processor, seed));
    let is_moved = |place: usize| moved_from.is_some_and(|from| all[place].0 >= from);
    for place in 0..all.len() {
        let want = opts_out(all, place, |other| is_moved(other) == is_moved(place));
        assert_eq!(facts[&id(place)], want, "{}", id(place));
        let sign = crate::consent::id_of("acme", &id(place));
        let holders: Vec<&str> = ledgers
            .iter()
            .filter(|(_, signs)| signs.contains(&sign))
            .map(|(person, _)| person.as_str())
            .collect();
        let owner = if is_moved(place) { "p1" } else { "p0" };
        assert_eq!(holders, if want { vec![owner] } else { vec![] }, "{}", id(place));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn a_word_opts_out_where_it_answers_marketing(
        all in prop::collection::vec(happened(), 1..12),
        moved_from in prop::option::weighted(0.3, 0..90i64),
        order in prop::collection::vec(any::<u64>(), 40),
        seed in any::<u64>(),
    ) {
        run(&all, moved_from, &order, seed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn so_it_does_in_a_long_thread(
        all in prop::collection::vec(happened(), 150..220),
        moved_from in prop::option::weighted(0.3, 0..90i64),
        order in prop::collection::vec(any::<u64>(), 500),
        seed in any::<u64>(),
    ) {
        run(&all, moved_from, &order, seed);
    }
}
