//! A capture through the topology over partitions, beside its replay.

pub(crate) mod configured;

use hilo::{captures, replay, topology};
use hilo_contracts::{
    codec::{self, Codec as _},
    json, topics,
};
use hilo_golden::{Golden, Placed};
use hilo_metrics::table::{self, Table};
use hilo_stream::{PartitionedDriver, Record};
use std::{collections::BTreeMap, fs, path::Path};

/// State files and metric rows by name.
pub(crate) type Found = BTreeMap<String, Vec<u8>>;

fn files(state: &Path) -> Found {
    ["persons", "sessions", "messages"]
        .into_iter()
        .map(|name| (name.to_owned(), fs::read(state.join(format!("{name}.ndjson"))).unwrap()))
        .collect()
}

/// Rows without what depends on arrival.
fn rows(table: &Table) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = table
        .rows()
        .filter(|row| !table::is_internal(&row.metric))
        .map(|row| {
            let mut row = row.clone();
            row.revision = 0;
            let mut line = Vec::new();
            json::write_metric(&row, &mut line).unwrap();
            line
        })
        .collect();
    lines.sort();
    lines.join(&b'\n')
}

/// What a replay of a capture finds.
pub(crate) fn replayed(capture: &Path) -> Found {
    let out = tempfile::tempdir().unwrap();
    replay::replay(&[capture.to_owned()], out.path(), &configured::tenants()).unwrap();
    let mut found = files(&out.path().join("state"));
    let mut lines: Vec<String> = fs::read_to_string(out.path().join("metrics.ndjson"))
        .unwrap()
        .lines()
        .map(|line| {
            let start = line.find("\"revision\":").unwrap();
            format!("{}\"revision\":0}}", &line[..start])
        })
        .collect();
    lines.sort();
    found.insert("metrics".to_owned(), lines.join("\n").into_bytes());
    found
}

/// What is found over so many partitions, whose turns and moves `seed` decides.
pub(crate) fn partitioned(capture: &Path, partitions: usize, seed: u64) -> Found {
    let topology = topology::topology(&configured::tenants()).unwrap();
    let mut driver = PartitionedDriver::new(&topology, partitions, seed, topology::dead_letter).unwrap();
    let raw: Vec<Record> = captures::records(&[capture.to_owned()])
        .unwrap()
        .map(Result::unwrap)
        .collect();
    // In three parts, with tasks that move in between; the last clock record comes when all else is through.
    for part in raw.chunks(raw.len() / 3 + 1) {
        for record in part {
            driver.append(record.clone());
        }
        driver.run().unwrap();
        for _ in 0..5 {
            driver.move_one().unwrap();
        }
    }
    // A replay ends at the time of its newest item.
    let items = driver.topic(topics::ITEM).iter().flatten();
    let newest = items.map(|record| record.timestamp).max().unwrap_or_default();
    let clock = format!(
        r#"{{"source":"clock","at":"{}"}}"#,
        hilo_domain::time::to_rfc3339(newest)
    );
    let line = hilo_contracts::capture::from_line(clock.as_bytes(), None, 0).unwrap();
    let clock = captures::record(&codec::raw(), &line).unwrap();
    // Once more: what the first one closed is told to the numbers after it.
    for _ in 0..2 {
        driver.append(clock.clone());
        driver.run().unwrap();
    }

    let folder = tempfile::tempdir().unwrap();
    let mut golden = Golden::open_in_memory().unwrap();
    let mut turn = seed;
    let mut queues: Vec<(i32, i64, std::slice::Iter<Record>)> = Vec::new();
    for topic in [topics::IDENTITY, topics::CONVERSATION, topics::STATUS, topics::ACCOUNT] {
        for (partition, log) in (0..).zip(driver.topic(topic)) {
            queues.push((partition, 0, log.iter()));
        }
    }
    // The ledger reads partitions in any order, some records of each at a time.
    while !queues.is_empty() {
        turn = turn
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let place = (turn >> 33) as usize % queues.len();
        let (partition, offset, records) = &mut queues[place];
        let batch: Vec<Placed> = records
            .by_ref()
            .take(1 + (turn >> 20) as usize % 40)
            .map(|record| {
                *offset += 1;
                Placed {
                    partition: *partition,
                    offset: *offset,
                    record: record.clone(),
                }
            })
            .collect();
        if batch.is_empty() {
            drop(queues.swap_remove(place));
        } else {
            golden.apply(&batch).unwrap();
        }
    }
    golden.write_state(folder.path()).unwrap();
    let mut found = files(folder.path());
    let metric = codec::metric();
    let mut table = Table::default();
    for record in driver.topic(topics::METRIC).iter().flatten() {
        table.apply(metric.decode(&record.value).unwrap());
    }
    found.insert("metrics".to_owned(), rows(&table));
    found
}

/// Where the two differ, as text; nothing where they are the same.
pub(crate) fn difference(want: &Found, got: &Found) -> Option<String> {
    want.iter()
        .find(|(name, want)| **want != got[*name])
        .map(|(name, want)| {
            let lines =
                |bytes: &[u8]| -> Vec<String> { String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect() };
            let (want, got) = (lines(want), lines(&got[name]));
            let missing: Vec<_> = want.iter().filter(|line| !got.contains(line)).take(3).collect();
            let extra: Vec<_> = got.iter().filter(|line| !want.contains(line)).take(3).collect();
            format!("{name} differs\nmissing {missing:#?}\nextra {extra:#?}")
        })
}
