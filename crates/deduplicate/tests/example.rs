//! The worked example: what was counted by hand.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use hilo_contracts::item::{Body, Item};
use hilo_stream::driver::{permuted, repeated};
use std::collections::{BTreeMap, BTreeSet};
use support::{identifiers, outputs, records, shared};

#[test]
fn the_counts_are_those_of_the_summary() {
    let Some(capture) = shared("example/capture.ndjson") else {
        return;
    };
    let run = support::lines(&capture);
    assert_eq!(run.outcomes(), [64, 2, 2, 2]);
    assert_eq!(run.count("lines", ""), 63);
    assert_eq!(run.count("deliveries", ""), 37);
    assert_eq!(run.count("empty_deliveries", ""), 1);
    assert_eq!(run.count("statuses", ""), 17);
    let mut reasons = run.reasons();
    reasons.sort_unstable();
    assert_eq!(reasons, ["no_value", "not_json", "unknown_field", "unknown_source"]);
    assert!(
        run.dead
            .iter()
            .all(|letter| letter.file.as_deref() == Some("test.ndjson") && letter.line.is_some())
    );
}

/// What the folds see: of the items of one key the last that is no evidence; of statuses each that differs.
fn folded(items: &[Item]) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut held: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for item in items.iter().filter(|item| !item.evidence_only) {
        let of_key = held.entry((item.tenant.clone(), item.key.clone())).or_default();
        if !matches!(item.body, Body::Status(_)) {
            of_key.clear();
        }
        of_key.insert(format!(
            "{} {:?} {:?}",
            item.event_time, item.phone_number_id, item.body
        ));
    }
    held
}

/// Who was seen when, in the end: evidence of identity is a set. A status that names only numbers is evidence at its own
/// time until its send is known.
fn evidence(items: &[Item]) -> BTreeSet<String> {
    let (mut seen, mut waiting) = (BTreeSet::new(), Vec::new());
    for item in items {
        for (place, sighting) in item.sightings.iter().enumerate() {
            let at = |at: i64| format!("{} {at} {:?}", item.tenant, identifiers(item, place));
            let is_recipient = place == 0 && item.has_person;
            let of_send = matches!(&item.body, Body::Status(status) if status.participant.is_none());
            let told = at(sighting.since.unwrap_or(item.event_time));
            if of_send && is_recipient && sighting.is_weak() && sighting.since.is_none() {
                waiting.push(told);
            } else {
                seen.insert(told);
            }
            for status in &sighting.instead_of {
                let found = waiting.iter().position(|waits| *waits == at(*status));
                waiting.swap_remove(found.unwrap());
            }
        }
    }
    seen.extend(waiting);
    seen
}

#[track_caller]
fn same<T: std::fmt::Debug + PartialEq>(
    run: impl IntoIterator<Item = T>,
    straight: impl IntoIterator<Item = T>,
    seed: u64,
) {
    let (run, straight): (Vec<T>, Vec<T>) = (run.into_iter().collect(), straight.into_iter().collect());
    let extra: Vec<&T> = run.iter().filter(|one| !straight.contains(one)).take(3).collect();
    let missing: Vec<&T> = straight.iter().filter(|one| !run.contains(one)).take(3).collect();
    assert!(
        extra.is_empty() && missing.is_empty(),
        "seed {seed}: extra {extra:#?}, missing {missing:#?}"
    );
}

#[test]
fn order_repetition_and_restarts_change_nothing() {
    let Some(mut capture) = shared("example/capture.ndjson") else {
        return;
    };
    // Duplicates that differ, with the same time and with another.
    capture.push_str(
        &shared("payloads/pywa.ndjson")
            .unwrap_or_default()
            .lines()
            .fold(String::new(), |all, line| all + line + "\n"),
    );
    let records = records(&capture);
    let straight = support::run(&records);
    for seed in 0..12 {
        let shuffled = permuted(
            &if seed % 2 == 0 {
                repeated(&records, seed)
            } else {
                records.clone()
            },
            seed,
        );
        let mut driver = support::driver();
        for (index, record) in shuffled.iter().enumerate() {
            driver.pipe(record.clone()).unwrap();
            if (index as u64 * 7 + seed).is_multiple_of(40) {
                driver.restart().unwrap();
            }
        }
        let run = outputs(&driver);
        assert_eq!(
            run.count("items", "emitted"),
            straight.count("items", "emitted"),
            "seed {seed}"
        );
        assert_eq!(run.count("statuses", ""), straight.count("statuses", ""), "seed {seed}");
        same(folded(&run.items), folded(&straight.items), seed);
        same(evidence(&run.items), evidence(&straight.items), seed);
    }
}
