//! Generated histories with everything that can happen to people: any order and repetition of lines, any partitions give
//! the same state and the same consent ledgers; what is decided and taken back never was; no item is without an outcome;
//! no message is in two sessions. `HILO_HISTORIES=5000` generates that many.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod nasty;

use hilo::{pipeline, topology};
use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::{Consent, Status},
    topics,
};
use hilo_golden::{Golden, Placed};
use hilo_stream::{PartitionedDriver, Record, driver};
use nasty::{LATER, SIDES, decision, history, instant, records};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{collections::BTreeMap, env, fs};

/// State files, whose each message is, open suggestions and consent ledgers, without what depends on arrival.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    state: BTreeMap<&'static str, String>,
    /// Each message of `hilo.status` with the identifiers of its person.
    persons_of: BTreeMap<String, String>,
    /// Each suggestion with the identifiers of whom it is about, sorted.
    proposals: Vec<String>,
    /// (place, what was said, what follows, hash) of each entry of each chain, sorted.
    ledgers: Vec<String>,
}

impl Found {
    fn of(golden: &Golden, persons_of: BTreeMap<String, (i64, Option<String>)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        golden.write_state(folder.path()).unwrap();
        let read = |name| {
            let text = fs::read_to_string(folder.path().join(format!("{name}.ndjson"))).unwrap();
            (name, text)
        };
        let mut ledgers = Vec::new();
        for person in golden.people_with_consents().unwrap() {
            let entries = golden.consents(&person).unwrap();
            hilo_consent::verify(&entries).unwrap();
            let told =
                |entry: Consent| format!("{} {} {} {}", entry.sequence, entry.state, entry.effective, entry.hash);
            ledgers.extend(entries.into_iter().map(told));
        }
        ledgers.sort();
        let named = |person_id: &str| {
            let Some(person) = golden.person(person_id).unwrap() else {
                return "nobody any more".to_owned();
            };
            let mut ids: Vec<String> = person.identifiers.into_iter().map(|id| id.value).collect();
            ids.sort();
            ids.join(" ")
        };
        let told = |it: hilo_golden::people::Proposal| {
            let mut two = [Some(it.person_id), it.other_person_id].map(|id| id.map(|id| named(&id)));
            two.sort();
            format!(
                "{two:?} {} {:?} {} {}",
                it.rule, it.blocker, it.proposed_at, it.evidence
            )
        };
        let mut proposals: Vec<String> = golden.proposals().unwrap().into_iter().map(told).collect();
        proposals.sort();
        let persons_of = persons_of.into_iter().map(|(message, (_, person))| {
            let name = person.map_or_else(String::new, |person| named(&person));
            (message, name)
        });
        Self {
            persons_of: persons_of.collect(),
            proposals,
            state: ["persons", "sessions", "messages"].map(read).into(),
            ledgers,
        }
    }
}

/// Who reads: the golden record, and whose each message is by the latest fact of it.
struct Readers {
    golden: Golden,
    offsets: BTreeMap<(&'static str, i32), i64>,
    status: AvroCodec<Status>,
    persons_of: BTreeMap<String, (i64, Option<String>)>,
}

impl Readers {
    fn new() -> Self {
        Self {
            golden: Golden::open_in_memory().unwrap(),
            offsets: BTreeMap::new(),
            status: codec::status(),
            persons_of: BTreeMap::new(),
        }
    }

    fn apply(&mut self, partition: i32, records: &[Record]) {
        let placed: Vec<Placed> = records
            .iter()
            .map(|record| {
                let offset = self.offsets.entry((record.topic, partition)).or_default();
                *offset += 1;
                Placed {
                    partition,
                    offset: *offset,
                    record: record.clone(),
                }
            })
            .collect();
        self.golden.apply(&placed).unwrap();
        for record in records.iter().filter(|record| record.topic == topics::STATUS) {
            let fact = self.status.decode(&record.value).unwrap();
            let latest = (fact.revision, fact.person_id);
            let had = self.persons_of.entry(fact.message_id).or_default();
            *had = latest.max(had.clone());
        }
    }

    fn found(self) -> Found {
        Found::of(&self.golden, self.persons_of)
    }
}

/// A replay, in memory.
fn replayed(lines: &[Value]) -> Found {
    let mut readers = Readers::new();
    let run = pipeline::run(
        &topology::Tenants::default(),
        records(lines).into_iter().map(Ok),
        |batch| {
            readers.apply(0, &batch);
            Ok(())
        },
    )
    .unwrap();
    let outcomes: u64 = run
        .counts
        .iter()
        .filter(|((name, _), _)| *name == "items")
        .map(|(_, count)| count)
        .sum();
    assert_eq!(outcomes, lines.len() as u64, "each line is one item with one outcome");
    let found = readers.found();
    let mut seen = Vec::new();
    for session in found.state["sessions"].lines() {
        let session: Value = serde_json::from_str(session).unwrap();
        seen.extend(
            session["messages"]
                .as_array()
                .unwrap()
                .iter()
                .map(|id| id.as_str().unwrap().to_owned()),
        );
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(
        seen.len(),
        all,
        "a message in two sessions: {}",
        found.state["sessions"]
    );
    found
}

/// The same on several partitions, whose processors take turns as `seed` says.
fn partitioned(lines: &[Value], partitions: usize, seed: u64) -> Found {
    let topology = topology::topology(&topology::Tenants::default()).unwrap();
    let mut driver = PartitionedDriver::new(&topology, partitions, seed, topology::dead_letter).unwrap();
    let raw = records(lines);
    for record in raw {
        driver.append(record);
    }
    driver.run().unwrap();
    // Time reaches every partition once all is through.
    for record in records(&[json!({"source": "clock", "at": instant(LATER)})]) {
        driver.append(record);
    }
    driver.run().unwrap();
    let mut readers = Readers::new();
    for topic in hilo_golden::TOPICS {
        for (partition, log) in (0..).zip(driver.topic(topic)) {
            readers.apply(partition, log);
        }
    }
    readers.found()
}

fn cases() -> u32 {
    let fallback = if cfg!(debug_assertions) { 150 } else { 1_000 };
    env::var("HILO_HISTORIES")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(fallback)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn order_repetition_and_partitions_do_not_matter(
        lines in history(),
        seed in any::<u64>(),
        partitions in 2..5usize,
    ) {
        let want = replayed(&lines);
        let other = driver::repeated(&driver::permuted(&lines, seed), seed);
        prop_assert_eq!(&replayed(&other), &want);
        prop_assert_eq!(&partitioned(&other, partitions, seed), &want);
    }

    #[test]
    fn what_is_decided_and_taken_back_never_was(
        lines in history(),
        seed in any::<u64>(),
        hour in 0..72i64,
        ruling in prop::sample::select(vec!["merge", "reject", "split"]),
        side in 0..SIDES.len(),
    ) {
        // Earlier decisions about the same people would be taken back too.
        let lines: Vec<Value> = lines.into_iter().filter(|line| line["source"] != "identity").collect();
        let mut decided = lines.clone();
        decided.extend([decision(hour, ruling, side), decision(hour + 1, "unmerge", side)]);
        prop_assert_eq!(replayed(&driver::permuted(&decided, seed)), replayed(&lines));
    }
}
