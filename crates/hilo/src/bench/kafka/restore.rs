//! How long the state of many people takes to come back from its changelog.

use super::{KafkaBench, people, stage::Stage};
use crate::topology::dead_letter;
use anyhow::{Context as _, Result, ensure};
use hilo_bench::{peak_resident_bytes, reset_peak};
use hilo_contracts::topics;
use hilo_kafka::{Framing, restore};
use hilo_stream::{Changes, Executor, MemoryBackend, Topology};
use serde::Serialize;
use std::{collections::BTreeMap, fmt, path::Path, sync::Arc, time::Instant};

/// Whose state it is, and its store with one entry for everybody who is connected by what was seen.
const PROCESSOR: &str = "identity";
const PEOPLE: &str = "clusters";
/// People whose changes are one transaction.
const AT_ONCE: u64 = 10_000;
/// How often it is told how far it is.
const TOLD: u64 = 100_000;

/// What a restore was like.
#[derive(Debug, Serialize)]
pub(crate) struct Restored {
    people: u64,
    entries: u64,
    entries_by_store: BTreeMap<&'static str, u64>,
    /// Keys and values in the changelog.
    bytes: u64,
    bytes_per_person: f64,
    /// Of the file into which it is restored.
    local_copy_bytes: u64,
    seconds: f64,
    /// Of this process before it.
    memory_before_bytes: u64,
    peak_memory_bytes: u64,
}

impl fmt::Display for Restored {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        let mebibytes = |bytes: u64| bytes >> 20;
        writeln!(
            out,
            "restore                   {} people, {} entries, {} MB in {:.1} s: {:.0} people/s",
            self.people,
            self.entries,
            mebibytes(self.bytes),
            self.seconds,
            self.people as f64 / self.seconds
        )?;
        write!(
            out,
            "  {:.0} bytes of state a person; local copy {} MB; peak memory {} MB, {} MB of it before",
            self.bytes_per_person,
            mebibytes(self.local_copy_bytes),
            mebibytes(self.peak_memory_bytes),
            mebibytes(self.memory_before_bytes)
        )
    }
}

/// Fills the changelog of a task with people, and restores it: everybody in one partition, as one lane would.
pub(super) fn measure(bench: &KafkaBench, topology: &Topology, framing: &Arc<Framing>) -> Result<Restored> {
    eprintln!("making the state of {} people", bench.people);
    let stage = Stage::new("restore", bench, topology, framing, 1)?;
    let begun = Instant::now();
    let changelog = fill(&stage, bench.people)?;
    eprintln!(
        "restoring it, after {:.0} s: {} entries",
        begun.elapsed().as_secs_f64(),
        changelog.entries
    );
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    reset_peak();
    let before = peak_resident_bytes().unwrap_or_default();
    let restored = restore::measure(&stage.cluster, topology, PROCESSOR, dead_letter, folder.path())?;
    let peak = peak_resident_bytes().unwrap_or_default();
    let by_store: BTreeMap<&'static str, u64> = restored.state()?.into_iter().collect();
    let local_copy_bytes = size(folder.path())?;
    stage.remove()?;
    let people = by_store.get(PEOPLE).copied().unwrap_or_default();
    ensure!(
        people == bench.people && restored.entries == changelog.entries,
        "{people} of {} people and {} of {} entries were restored",
        bench.people,
        restored.entries,
        changelog.entries
    );
    Ok(Restored {
        people,
        entries: restored.entries,
        entries_by_store: by_store,
        bytes: changelog.bytes,
        bytes_per_person: changelog.bytes as f64 / people.max(1) as f64,
        local_copy_bytes,
        seconds: restored.took.as_secs_f64(),
        memory_before_bytes: before,
        peak_memory_bytes: peak,
    })
}

/// Puts people through the processors and what changed into the changelog. All that is told of somebody is in one slice,
/// so nothing is read back, and the memory stays that of some slices: what a full cache lets go of is forgotten.
fn fill(stage: &Stage, people: u64) -> Result<restore::Fill> {
    let mut changelog = restore::Fill::open(&stage.cluster, PROCESSOR)?;
    let mut identity = Executor::one(stage.topology, PROCESSOR, dead_letter)?;
    for (_, store) in identity.stores_mut() {
        store.attach(Box::new(MemoryBackend::default()))?;
    }
    let mut done = 0;
    while done < people {
        let slice = done..people.min(done + AT_ONCE);
        done = slice.end;
        let mut items = Executor::new(stage.topology, &["normalize", "deduplicate"], dead_letter)?;
        for number in slice {
            for record in people::deliveries(number)? {
                items.feed(record)?;
            }
            for item in items.take_outputs() {
                ensure!(
                    item.topic == topics::UNIQUE,
                    "person {number} became a record of {}: this is a defect of Hilo",
                    item.topic
                );
                identity.feed(item)?;
            }
        }
        // Of the facts themselves nothing is needed.
        drop(identity.take_outputs());
        let mut changes = Vec::new();
        for (_, store) in identity.stores_mut() {
            let mut changed = Changes::new();
            store.drain_dirty(&mut |(key, value)| changed.push((key.into(), value)))?;
            changes.push(changed);
        }
        changelog.commit(&changes)?;
        if done.is_multiple_of(TOLD) {
            eprintln!("  {done} people, {} entries", changelog.entries);
        }
    }
    Ok(changelog)
}

/// Bytes of the files in a folder.
fn size(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        sum += entry?.metadata()?.len();
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Tenants, topology};
    use std::collections::BTreeSet;

    #[test]
    fn every_person_is_somebody_else_and_some_change() {
        let topology = topology(&Tenants::default()).unwrap();
        let mut all = Executor::new(&topology, &["normalize", "deduplicate", PROCESSOR], dead_letter).unwrap();
        let mut deliveries = 0;
        for number in 0..600 {
            for record in people::deliveries(number).unwrap() {
                deliveries += 1;
                all.feed(record).unwrap();
            }
        }
        assert!(deliveries > 1_200, "{deliveries}");
        let topics: BTreeSet<&str> = all.take_outputs().iter().map(|record| record.topic).collect();
        assert!(
            !topics.contains(topics::DEAD_LETTER) && !topics.contains(topics::UNCLASSIFIED),
            "{topics:?}"
        );
        let mut entries = BTreeMap::new();
        for (name, store) in all
            .stores_mut()
            .into_iter()
            .filter(|(name, _)| name.processor == PROCESSOR)
        {
            store
                .drain_dirty(&mut |_| *entries.entry(name.store).or_insert(0) += 1)
                .unwrap();
        }
        assert_eq!(entries[PEOPLE], 600);
        // A number each, a user id for most, a record for half; those who changed have both of both.
        assert!((1_400..1_700).contains(&entries["tokens"]), "{entries:?}");
    }
}
