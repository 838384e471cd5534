//! What the executor promises: order, cycles, time, dead letters, subsets.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

mod toys;

use hilo_stream::driver::{permuted, repeated};
use hilo_stream::executor::{RECORDS_DEAD_LETTERED, RECORDS_DROPPED};
use hilo_stream::{Executor, PartitionedDriver, ProcessorError, Record, TestDriver, TopologyError};
use proptest::prelude::*;
use toys::{DEAD, FACT, RAW, TOTAL, WORD, bury, raw, topology};

fn texts(records: &[Record]) -> Vec<(&str, String)> {
    records
        .iter()
        .map(|record| (record.topic, String::from_utf8_lossy(&record.value).into_owned()))
        .collect()
}

#[test]
fn a_cycle_runs_to_its_end_and_derived_topics_read_inside_come_out_too() {
    let mut executor = Executor::all(&topology(), bury).unwrap();
    executor.feed(raw("abcdefgh")).unwrap();
    // Eight letters, halved by the processor's own records until three or fewer are left.
    let expected = vec![
        (FACT, "abcdefgh 1".to_owned()),
        (FACT, "abcd 2".to_owned()),
        (FACT, "ab 3".to_owned()),
    ];
    assert_eq!(texts(&executor.take_outputs()), expected);
    assert!(executor.take_outputs().is_empty());
}

#[test]
fn time_goes_downstream_after_the_outputs_in_topology_order() {
    let mut executor = Executor::all(&topology(), bury).unwrap();
    executor.feed(raw("ab")).unwrap();
    let deadline = raw("ab").timestamp + 10;
    executor.feed(raw(&format!("c{deadline}"))).unwrap();
    let closed = format!("closed 1 at {deadline}");
    // `fold` closes first; `total` has added the closing when its own tick comes.
    let sum = "ab 1".len() + closed.len();
    assert_eq!(
        texts(&executor.take_outputs()),
        vec![(FACT, "ab 1".to_owned()), (FACT, closed), (TOTAL, sum.to_string())]
    );
    assert_eq!(executor.take_advance(), Some(deadline));
    assert_eq!(executor.take_advance(), None);
}

#[test]
fn a_processor_is_not_told_the_time_that_it_announced() {
    let mut executor = Executor::new(&topology(), &["parse"], bury).unwrap();
    executor.feed(raw("c5")).unwrap();
    assert!(executor.take_outputs().is_empty());
    assert_eq!(executor.take_advance(), Some(5), "for those downstream, elsewhere");
}

#[test]
fn a_verdict_becomes_a_dead_letter_that_others_may_read() {
    let mut executor = Executor::all(&topology(), bury).unwrap();
    executor.feed(raw("xyz")).unwrap();
    executor.feed(raw("c?")).unwrap();
    executor.tick(0).unwrap();
    let letter = "unreadable|starts with x|xyz";
    assert_eq!(
        texts(&executor.take_outputs()),
        vec![(DEAD, letter.to_owned()), (TOTAL, letter.len().to_string())]
    );
    let counts = executor.take_counts();
    assert_eq!(counts[&(RECORDS_DEAD_LETTERED, "unreadable")], 1);
    assert_eq!(counts[&(RECORDS_DROPPED, "no_time")], 1);
    assert_eq!(counts[&("lines", "")], 2);
    assert!(executor.counts().is_empty());
}

#[test]
fn a_subset_hands_out_what_it_does_not_read() {
    let topology = topology();
    let mut first = Executor::new(&topology, &["parse"], bury).unwrap();
    let mut rest = Executor::new(&topology, &["total", "fold"], bury).unwrap();
    assert_eq!(rest.names(), ["fold", "total"]);
    let mut whole = Executor::all(&topology, bury).unwrap();
    let mut outputs = Vec::new();
    for line in ["abcdef", "bcd", "c400", "bcdefg", "c900"] {
        whole.feed(raw(line)).unwrap();
        first.feed(raw(line)).unwrap();
        for record in first.take_outputs() {
            assert_eq!(record.topic, WORD);
            rest.feed(record).unwrap();
        }
        if let Some(now) = first.take_advance() {
            rest.tick(now).unwrap();
        }
        outputs.append(&mut rest.take_outputs());
    }
    assert_eq!(outputs, whole.take_outputs());
}

#[test]
fn a_broadcast_reaches_each_task_once_and_is_an_output_where_there_is_one() {
    let topology = topology();
    let mut whole = Executor::all(&topology, bury).unwrap();
    whole.feed(raw("*ab")).unwrap();
    let heard = vec![(FACT, "heard *ab".to_owned())];
    assert_eq!(texts(&whole.take_outputs()), heard);
    assert!(whole.take_broadcasts().is_empty());

    let mut alone = Executor::one(&topology, "parse", bury).unwrap();
    alone.feed(raw("*ab")).unwrap();
    assert!(alone.take_outputs().is_empty());
    assert_eq!(texts(&alone.take_broadcasts()), [(WORD, "*ab".to_owned())]);
    alone.feed(raw("*ab")).unwrap();
    alone.discard().unwrap();
    assert!(alone.take_broadcasts().is_empty());

    let mut driver = PartitionedDriver::new(&topology, 3, 7, bury).unwrap();
    driver.append(raw("*ab"));
    driver.run().unwrap();
    let words: Vec<usize> = driver.topic(WORD).iter().map(Vec::len).collect();
    assert_eq!(words, [1, 1, 1]);
    let facts: Vec<Record> = driver.topic(FACT).iter().flatten().cloned().collect();
    assert_eq!(texts(&facts), [&heard[..], &heard, &heard].concat());
}

#[test]
fn misuse_is_told_by_name() {
    let refused = Executor::new(&topology(), &["fold", "flod"], bury).err().unwrap();
    assert_eq!(refused, TopologyError::UnknownProcessor("flod".to_owned()));
    let mut executor = Executor::new(&topology(), &["fold"], bury).unwrap();
    let refused = executor.feed(raw("ab")).unwrap_err();
    assert!(
        matches!(&refused, ProcessorError::Contract(text) if text.contains(RAW)),
        "{refused}"
    );
}

#[test]
fn a_discard_leaves_no_trace() {
    let topology = topology();
    let mut driver = TestDriver::all(&topology, bury).unwrap();
    driver.pipe_all(["ab", "ac", "bb"].map(raw)).unwrap();
    let before = driver.state().unwrap();

    let mut executor = Executor::all(&topology, bury).unwrap();
    for (name, store) in executor.stores_mut() {
        let backend = hilo_stream::MemoryBackend::default();
        for (key, value) in &before[&name] {
            backend.apply((key, Some(value.clone())));
        }
        store.attach(Box::new(backend)).unwrap();
    }
    executor.feed(raw("abcdef")).unwrap();
    assert!(executor.feed(raw("ebc")).is_err());
    executor.discard().unwrap();
    assert!(executor.take_outputs().is_empty());
    assert!(executor.take_counts().is_empty());
    executor.feed(raw("bz")).unwrap();
    driver.pipe(raw("bz")).unwrap();
    assert_eq!(Some(&executor.take_outputs()[0]), driver.outputs().last());
}

/// Lines of all kinds that no processor fails on.
pub fn lines() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[abx][a-d]{0,6}|c[0-9]{1,3}", 0..60)
}

proptest! {
    #[test]
    fn a_restart_changes_nothing(lines in lines(), cuts in prop::collection::vec(0usize..60, 0..5)) {
        let topology = topology();
        let mut still = TestDriver::all(&topology, bury).unwrap();
        let mut shaken = TestDriver::all(&topology, bury).unwrap();
        for (index, line) in lines.iter().enumerate() {
            still.pipe(raw(line)).unwrap();
            shaken.pipe(raw(line)).unwrap();
            if cuts.contains(&index) {
                shaken.restart().unwrap();
            }
        }
        prop_assert_eq!(still.outputs(), shaken.outputs());
        prop_assert_eq!(still.counts(), shaken.counts());
        prop_assert_eq!(still.state().unwrap(), shaken.state().unwrap());
    }

    #[test]
    fn helpers_permute_and_repeat(seed: u64, len in 0u32..50) {
        let records: Vec<u32> = (0..len).collect();
        let mut shuffled = permuted(&records, seed);
        prop_assert_eq!(&shuffled, &permuted(&records, seed));
        shuffled.sort_unstable();
        prop_assert_eq!(&shuffled, &records);
        let mut more = repeated(&records, seed);
        prop_assert!(more.len() >= records.len() && more.len() <= records.len() * 3);
        more.sort_unstable();
        more.dedup();
        prop_assert_eq!(more, records);
    }
}
