//! An item that changes hands and the record that takes it out, by every way that partitions allow: both follow the moves,
//! and where the item ends it is taken out.

use crate::{details::tests, event::Event, person::Person, processor::Conversation};
use hilo_contracts::{
    codec::{self, Codec as _},
    item::{Became, Body, Fate, Forget, Item, Move, Origin, PersonRecord, Resolved, Trace},
    topics,
};
use hilo_domain::Millis;
use hilo_stream::{Context, Processor as _, Record, wire};
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};

const AT: Millis = 5;
const ATOM: u64 = 9;
const PEOPLE: [&str; 3] = ["p0", "p1", "p2"];

fn item() -> Item {
    Item {
        event_time: AT,
        has_person: true,
        ..tests::item(tests::message("text"), "{}".to_owned())
    }
}

/// The log of each person, by who writes to it: order holds between one writer and one person, and nowhere else.
#[derive(Default)]
pub(crate) struct Logs(BTreeMap<(&'static str, String), VecDeque<PersonRecord>>);

impl Logs {
    pub(crate) fn send(&mut self, from: &'static str, to: &str, record: PersonRecord) {
        self.0.entry((from, to.to_owned())).or_default().push_back(record);
    }

    /// Until nobody has anything to read: whose turn it is, chance decides. Gives what was sent to others.
    pub(crate) fn drain(&mut self, processor: &mut Conversation, mut turn: u64) -> Vec<Record> {
        let mut others = Vec::new();
        while !self.0.is_empty() {
            turn = turn
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let place = (turn >> 33) as usize % self.0.len();
            let key = self.0.keys().nth(place).unwrap().clone();
            let log = self.0.get_mut(&key).unwrap();
            let record = log.pop_front().unwrap();
            if log.is_empty() {
                self.0.remove(&key);
            }
            let mut context = Context::default();
            let record = Record {
                topic: topics::PERSON_ITEM,
                key: key.1.into_bytes(),
                value: wire::encode(&record).unwrap(),
                timestamp: AT,
            };
            processor.process(&record, &mut context).unwrap();
            for sent in context.outputs {
                if sent.topic != topics::PERSON_ITEM {
                    others.push(sent);
                    continue;
                }
                let to = String::from_utf8(sent.key.clone()).unwrap();
                self.send("conversation", &to, wire::decode(&sent.value).unwrap());
            }
        }
        others
    }
}

/// What the identity processor says of an item that these have one after another, from the `first` on.
fn logs(owners: &[usize], first: usize, item: &Item) -> Logs {
    let owner = |version: usize| PEOPLE[owners[version]];
    let mut logs = Logs::default();
    for version in 0..owners.len() {
        if version > 0 && owners[version] != owners[version - 1] {
            let moved = Move {
                version: version as u64,
                atom: ATOM,
                from: None,
                to: None,
                to_person: owner(version).to_owned(),
                country: None,
            };
            logs.send("identity", owner(version - 1), PersonRecord::Move(moved));
        }
        if version == first {
            let resolved = Resolved {
                person_id: Some(owner(version).to_owned()),
                country: None,
                atom: ATOM,
                version: version as u64,
                item: item.clone(),
            };
            logs.send("identity", owner(version), PersonRecord::Item(Box::new(resolved)));
        }
    }
    logs
}

/// Who has the item in the end, and whether somebody still waits for it.
fn run(owners: &[usize], first: usize, known: Option<usize>, turn: u64) -> (Vec<String>, bool) {
    let mut logs = logs(owners, first, &item());
    if let Some(version) = known {
        let forget = Forget {
            key: "k".to_owned(),
            at: AT,
            fingerprint: item().fingerprint(),
            atom: ATOM,
            version: version as u64,
        };
        logs.send("status", PEOPLE[owners[version]], PersonRecord::Forget(forget));
    }
    let mut processor = Conversation::default();
    logs.drain(&mut processor, turn);
    let (mut holders, mut waits) = (Vec::new(), false);
    for name in PEOPLE {
        let Some(person) = processor.person(name) else { continue };
        waits |= !person.forgotten.is_empty();
        holders.extend(events(&person).map(|_| name.to_owned()));
    }
    (holders, waits)
}

/// All that a person has.
fn events(person: &Person) -> impl Iterator<Item = &Event> {
    person.threads.values().flat_map(|thread| &thread.tail.events)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn what_no_longer_holds_is_taken_out_wherever_it_went(
        owners in prop::collection::vec(0..PEOPLE.len(), 1..9),
        first in any::<prop::sample::Index>(),
        known in prop::option::weighted(0.8, any::<prop::sample::Index>()),
        seed in any::<u64>(),
    ) {
        let first = first.index(owners.len());
        // The status processor knows the item's person by any verdict from the item's first on.
        let known = known.map(|known| first + known.index(owners.len() - first));
        let last = PEOPLE[owners[owners.len() - 1]].to_owned();
        let want = if known.is_some() { Vec::new() } else { vec![last] };
        prop_assert_eq!(run(&owners, first, known, seed), (want, false));
    }
}

/// A send of the phone app.
fn echo() -> Item {
    let mut echo = item();
    if let Body::Message(message) = &mut echo.body {
        (message.origin, message.inbound) = (Origin::Echo, false);
        message.author.kind = "agent".to_owned();
    }
    echo
}

fn failed(failed: bool) -> Became {
    Became {
        failed,
        ..Became::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn what_became_of_a_send_reaches_it_wherever_it_went(
        owners in prop::collection::vec(0..PEOPLE.len(), 1..9),
        first in any::<prop::sample::Index>(),
        mut known in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..4),
        by_trace in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let first = first.index(owners.len());
        let mut logs = if by_trace {
            let mut logs = logs(&owners, first, &echo());
            logs.0.values_mut().for_each(|log| log.retain(|record| !matches!(record, PersonRecord::Item(_))));
            logs.0.retain(|_, log| !log.is_empty());
            logs
        } else {
            logs(&owners, first, &echo())
        };
        // The status processor learns of the moves one by one.
        known.sort_by_key(|(version, _)| version.index(owners.len() - first));
        for (revision, (version, has_failed)) in known.iter().enumerate() {
            let version = first + version.index(owners.len() - first);
            let fate = Fate {
                at: AT,
                fingerprint: echo().fingerprint(),
                atom: ATOM,
                version: version as u64,
                revision: 1 + revision as i64,
                became: failed(*has_failed),
                trace: by_trace.then(|| Box::new(Trace {
                    tenant: "acme".to_owned(),
                    message_id: "m".to_owned(),
                    phone_number_id: None,
                })),
            };
            logs.send("status", PEOPLE[owners[version]], PersonRecord::Fate(fate));
        }
        let mut processor = Conversation::default();
        logs.drain(&mut processor, seed);
        let mut held = Vec::new();
        for name in PEOPLE {
            let Some(person) = processor.person(name) else { continue };
            prop_assert!(person.fates.is_empty(), "{name} waits");
            held.extend(events(&person).map(|event| (name, event.became(), event.session.is_some())));
        }
        let has_failed = known[known.len() - 1].1;
        let last = PEOPLE[owners[owners.len() - 1]];
        prop_assert_eq!(held, [(last, failed(has_failed), !has_failed && !by_trace)]);
    }
}

/// Revisions of the facts about the item that come of these records, for one person.
fn revisions(records: Vec<PersonRecord>) -> Vec<i64> {
    let mut processor = Conversation::default();
    let mut context = Context::default();
    for record in records {
        let record = Record {
            topic: topics::PERSON_ITEM,
            key: b"p0".to_vec(),
            value: wire::encode(&record).unwrap(),
            timestamp: AT,
        };
        processor.process(&record, &mut context).unwrap();
    }
    let codec = codec::conversation();
    let facts = context.outputs.iter().filter(|sent| sent.topic == topics::CONVERSATION);
    facts
        .map(|sent| codec.decode(&sent.value).unwrap())
        .filter(|fact| fact.session.is_none())
        .map(|fact| fact.revision)
        .collect()
}

/// The `generation`th duplicate of the item: each is earlier than the one before.
fn duplicate(generation: u32) -> PersonRecord {
    PersonRecord::Item(Box::new(Resolved {
        person_id: Some("p0".to_owned()),
        country: None,
        atom: ATOM,
        version: 1,
        item: Item {
            generation,
            event_time: AT - Millis::from(generation),
            ..item()
        },
    }))
}

#[test]
fn a_duplicate_that_holds_has_higher_revisions_than_all_that_held_before() {
    let both = revisions(vec![duplicate(0), duplicate(1), duplicate(2)]);
    assert_eq!(both, [1, 16_777_217, 33_554_433]);
    // As the catalogue says it, wherever the ones before went.
    assert_eq!(revisions(vec![duplicate(2)]), [33_554_433]);
}

#[test]
fn a_moved_item_goes_on_from_its_revision() {
    let mut processor = Conversation::default();
    let mut context = Context::default();
    let mut pipe = |key: &[u8], record: &PersonRecord| {
        let record = Record {
            topic: topics::PERSON_ITEM,
            key: key.to_vec(),
            value: wire::encode(record).unwrap(),
            timestamp: AT,
        };
        processor.process(&record, &mut context).unwrap();
        std::mem::take(&mut context.outputs)
    };
    pipe(b"p0", &duplicate(0));
    let moved = Move {
        version: 2,
        atom: ATOM,
        from: None,
        to: None,
        to_person: "p1".to_owned(),
        country: None,
    };
    let sent = pipe(b"p0", &PersonRecord::Move(moved));
    let moved = sent.iter().find(|sent| sent.topic == topics::PERSON_ITEM).unwrap();
    let told = pipe(b"p1", &wire::decode(&moved.value).unwrap());
    let facts = told.iter().filter(|sent| sent.topic == topics::CONVERSATION);
    let facts = facts.map(|sent| codec::conversation().decode(&sent.value).unwrap());
    let of_item: Vec<i64> = facts
        .filter(|fact| fact.session.is_none())
        .map(|fact| fact.revision)
        .collect();
    assert_eq!(of_item, [2]);
}
