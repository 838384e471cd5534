//! The embedded engine says what the test driver says, whatever interrupts it.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]

mod toys;

use hilo_stream::embedded::{DataDir, EmbeddedError, Engine, Log, PROCESSOR_ERROR, RawLog, Stale, TOO_COSTLY};
use hilo_stream::executor::RECORDS_DEAD_LETTERED;
use hilo_stream::{ProcessorError, Record, TestDriver, Topology, wire};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;
use toys::{DEAD, FACT, RAW, TOTAL, bury, fused, raw, topology};

type Logs = BTreeMap<&'static str, Vec<Record>>;

/// All derived logs in `dir`; offsets must be 0, 1, 2, …
fn logs(dir: &Path, topology: &Topology) -> Logs {
    let mut log = Log::open(dir, topology);
    [FACT, TOTAL, DEAD]
        .into_iter()
        .map(|topic| {
            let records = log.read(topic, 0, usize::MAX).unwrap();
            assert_eq!(log.len(topic).unwrap(), records.len() as u64);
            for (expected, (offset, _)) in (0..).zip(&records) {
                assert_eq!(*offset, expected);
            }
            (topic, records.into_iter().map(|(_, record)| record).collect())
        })
        .collect()
}

fn driven(driver: &TestDriver) -> Logs {
    [FACT, TOTAL, DEAD]
        .into_iter()
        .map(|topic| (topic, driver.topic(topic).cloned().collect()))
        .collect()
}

fn named(counts: hilo_stream::Counts) -> BTreeMap<(String, String), u64> {
    counts
        .into_iter()
        .map(|((counter, label), amount)| ((counter.to_owned(), label.to_owned()), amount))
        .collect()
}

fn step_to_end(engine: &mut Engine) -> Result<(), EmbeddedError> {
    while engine.step()? > 0 {}
    Ok(())
}

#[derive(Clone, Debug)]
enum Act {
    /// Append these lines as one delivery.
    Append(Vec<String>),
    /// Process what there is.
    Run,
    /// Process until the medium fails after so many words in the middle of a batch; then open everything again, or go
    /// on with the engine as it is.
    Crash(i64, bool),
    /// Close and open everything.
    Reopen,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let line = "[abx][a-d]{0,6}|c[0-9]{1,3}";
    let act = prop_oneof![
        4 => prop::collection::vec(line, 1..12).prop_map(Act::Append),
        2 => Just(Act::Run),
        2 => (0i64..20, any::<bool>()).prop_map(|(after, reopen)| Act::Crash(after, reopen)),
        1 => Just(Act::Reopen),
    ];
    prop::collection::vec(act, 1..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn crashes_leave_the_logs_of_an_undisturbed_run(acts in acts(), slow in any::<bool>()) {
        let home = tempfile::tempdir().unwrap();
        let fuse = Arc::new(AtomicI64::new(-1));
        let topology = fused(&fuse);
        let mut driver = TestDriver::all(&toys::topology(), bury).unwrap();
        let open = || {
            let dir = DataDir::open(home.path()).unwrap();
            let raw_log = RawLog::open(&dir, RAW).unwrap();
            let engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
            // Where a batch ends changes nothing.
            (raw_log, if slow { engine.ending_batches_after(Duration::ZERO) } else { engine })
        };
        let mut parts = Some(open());
        let mut piped = 0;
        for act in acts.into_iter().chain([Act::Run]) {
            let (raw_log, engine) = parts.as_mut().unwrap();
            match act {
                Act::Append(lines) => {
                    let records: Vec<Record> = lines.iter().map(|line| raw(line)).collect();
                    let count = records.len() as u64;
                    let offsets = raw_log.append(records.clone()).wait().unwrap();
                    prop_assert_eq!(offsets, piped..piped + count);
                    piped += count;
                    driver.pipe_all(records).unwrap();
                }
                Act::Run => step_to_end(engine).unwrap(),
                Act::Crash(after, reopen) => {
                    fuse.store(after, Ordering::Relaxed);
                    let crashed = step_to_end(engine).is_err();
                    let blown = fuse.swap(-1, Ordering::Relaxed) < 0;
                    prop_assert_eq!(crashed, blown);
                    if reopen {
                        drop(parts.take());
                        parts = Some(open());
                    }
                }
                Act::Reopen => {
                    drop(parts.take());
                    parts = Some(open());
                }
            }
        }
        prop_assert_eq!(logs(home.path(), &topology), driven(&driver));
        let mut log = Log::open(home.path(), &topology);
        prop_assert_eq!(log.counts().unwrap(), named(driver.counts()));
        prop_assert_eq!(log.position().unwrap().raw_offset, piped);
    }
}

/// The files as a kill would leave them: no clean end, commits still in the write-ahead logs.
#[test]
fn files_copied_from_under_a_living_engine_go_on() {
    let home = tempfile::tempdir().unwrap();
    let topology = topology();
    let dir = DataDir::open(home.path()).unwrap();
    let raw_log = RawLog::open(&dir, RAW).unwrap();
    let mut engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
    let mut driver = TestDriver::all(&topology, bury).unwrap();
    for line in ["abcdef", "bcdef", "ab", "c500", "abcd", "c950", "xa", "bcd", "c999"] {
        driver.pipe(raw(line)).unwrap();
        raw_log.append(vec![raw(line)]).wait().unwrap();
        // One raw record behind at each copy: the engine stops between the two files' commits.
        let killed = tempfile::tempdir().unwrap();
        for file in ["raw.db", "raw.db-wal", "engine.db", "engine.db-wal"] {
            std::fs::copy(home.path().join(file), killed.path().join(file)).unwrap();
        }
        let dir = DataDir::open(killed.path()).unwrap();
        let raw_log = RawLog::open(&dir, RAW).unwrap();
        let mut recovered = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
        assert_eq!(recovered.progress().lag_records, 1);
        step_to_end(&mut recovered).unwrap();
        assert_eq!(logs(killed.path(), &topology), driven(&driver));
        step_to_end(&mut engine).unwrap();
    }
}

#[test]
fn a_record_that_no_processor_can_handle_is_buried_alone() {
    let home = tempfile::tempdir().unwrap();
    let topology = topology();
    let dir = DataDir::open(home.path()).unwrap();
    let raw_log = RawLog::open(&dir, RAW).unwrap();
    let mut engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
    let lines = ["ab", "abcdef", "evil", "ac", "ebb", "ec", "b"];
    raw_log.append(lines.map(raw).to_vec()).wait().unwrap();
    step_to_end(&mut engine).unwrap();

    // The others are as if the offenders had never been.
    let mut driver = TestDriver::all(&topology, bury).unwrap();
    driver.pipe_all(["ab", "abcdef", "ac", "b"].map(raw)).unwrap();
    let found = logs(home.path(), &topology);
    assert_eq!(found[FACT], driven(&driver)[FACT]);
    let letters: Vec<String> = found[DEAD]
        .iter()
        .map(|record| String::from_utf8_lossy(&record.value).into_owned())
        .collect();
    let expected = ["evil", "ebb", "ec"].map(|line| format!("{PROCESSOR_ERROR}|the word starts with e|{line}"));
    assert_eq!(letters, expected);
    let mut log = Log::open(home.path(), &topology);
    let counter = (RECORDS_DEAD_LETTERED.to_owned(), PROCESSOR_ERROR.to_owned());
    assert_eq!(log.counts().unwrap()[&counter], 3);
}

/// Four of a word that doubles by halves, of seven million units each time: more than a record may cost.
#[test]
fn a_record_that_costs_too_much_is_buried_with_its_cost_and_time_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let topology = topology();
    let dir = DataDir::open(home.path()).unwrap();
    let raw_log = RawLog::open(&dir, RAW).unwrap();
    let mut engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
    let lines = ["ab", "d7-------------", "d9-----", "ac", "b", "c900", "a"];
    raw_log.append(lines.map(raw).to_vec()).wait().unwrap();
    step_to_end(&mut engine).unwrap();

    let mut driver = TestDriver::all(&topology, bury).unwrap();
    driver
        .pipe_all(["ab", "d9-----", "ac", "b", "c900", "a"].map(raw))
        .unwrap();
    let found = logs(home.path(), &topology);
    assert_eq!(found[FACT], driven(&driver)[FACT], "timers fire, whatever they cost");
    let letters: Vec<String> = found[DEAD]
        .iter()
        .map(|record| String::from_utf8_lossy(&record.value).into_owned())
        .collect();
    assert_eq!(letters.len(), 1);
    let start = format!("{TOO_COSTLY}|21000000 units of work were spent");
    assert!(
        letters[0].starts_with(&start) && letters[0].ends_with("|d7-------------"),
        "{letters:?}"
    );
    assert_eq!(engine.progress().lag_records, 0);
}

#[test]
fn records_that_wait_are_seen_until_they_are_processed() {
    let home = tempfile::tempdir().unwrap();
    let topology = topology();
    let dir = DataDir::open(home.path()).unwrap();
    let raw_log = RawLog::open(&dir, RAW).unwrap();
    let mut engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
    assert_eq!(engine.progress().standing, Duration::ZERO);
    raw_log.append(vec![raw("ab")]).wait().unwrap();
    assert!(engine.progress().standing > Duration::ZERO);
    step_to_end(&mut engine).unwrap();
    let progress = engine.progress();
    // The word, and what the global reader makes of it when time comes.
    assert_eq!((progress.standing, progress.facts), (Duration::ZERO, 1));
    assert_eq!(
        Engine::open(&dir, &topology, &raw_log, bury).unwrap().progress().facts,
        1
    );
}

#[test]
fn an_engine_with_a_backlog_stops_after_the_batch_in_hand() {
    let home = tempfile::tempdir().unwrap();
    let topology = topology();
    let dir = DataDir::open(home.path()).unwrap();
    let raw_log = RawLog::open(&dir, RAW).unwrap();
    let lines: Vec<Record> = (0..50_000).map(|number| raw(&format!("a{number}"))).collect();
    raw_log.append(lines).wait().unwrap();
    let engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
    let engine = engine.ending_batches_after(Duration::ZERO).start().unwrap();
    let watch = engine.watch();
    watch.wait(0, Duration::from_mins(1));
    assert!(engine.stop_within(Duration::from_mins(1)).unwrap());
    let left = watch.get();
    assert!(!left.running && left.lag_records > 0, "{left:?}");
    let mut engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
    assert_eq!(engine.progress().raw_offset, left.raw_offset);
    step_to_end(&mut engine).unwrap();
    let mut log = Log::open(home.path(), &topology);
    assert_eq!(log.counts().unwrap()[&("lines".to_owned(), String::new())], 50_000);
}

static LOST: AtomicBool = AtomicBool::new(true);

/// A hook that at first names a topic that has no log, so that the commit fails after the stores were drained.
fn bury_lost(record: &Record, reason: &'static str, detail: &str) -> Result<Record, ProcessorError> {
    let mut letter = bury(record, reason, detail)?;
    if LOST.load(Ordering::Relaxed) {
        letter.topic = "toy.lost";
    }
    Ok(letter)
}

#[test]
fn a_commit_that_fails_can_be_tried_again() {
    let home = tempfile::tempdir().unwrap();
    let topology = topology();
    let dir = DataDir::open(home.path()).unwrap();
    let raw_log = RawLog::open(&dir, RAW).unwrap();
    let mut engine = Engine::open(&dir, &topology, &raw_log, bury_lost).unwrap();
    let mut driver = TestDriver::all(&topology, bury).unwrap();
    for delivery in [["ab", "ac"], ["aab", "xa"]] {
        driver.pipe_all(delivery.map(raw)).unwrap();
        raw_log.append(delivery.map(raw).to_vec()).wait().unwrap();
        if raw_log.len() > 2 {
            let refused = engine.step().unwrap_err();
            assert!(matches!(refused, EmbeddedError::UnknownTopic(name) if name == "toy.lost"));
            assert_eq!(engine.progress().raw_offset, 2);
            LOST.store(false, Ordering::Relaxed);
        }
        step_to_end(&mut engine).unwrap();
    }
    assert_eq!(logs(home.path(), &topology), driven(&driver));
}

#[test]
fn a_running_engine_wakes_on_an_append_and_persists_the_time() {
    let home = tempfile::tempdir().unwrap();
    let topology = topology();
    let dir = DataDir::open(home.path()).unwrap();
    let raw_log = RawLog::open(&dir, RAW).unwrap();
    let engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap().start().unwrap();
    let watch = engine.watch();
    for (line, len) in [("ab", 1), ("c900", 2)] {
        raw_log.append(vec![raw(line)]).wait().unwrap();
        let progress = watch.wait_for(len);
        assert_eq!((progress.raw_offset, progress.lag_records), (len, 0));
    }
    assert_eq!(watch.get().now, Some(900));
    engine.stop().unwrap();
    assert!(!watch.get().running);
    let engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
    assert_eq!(engine.progress().now, Some(900));
    assert_eq!(engine.progress().raw_offset, 2);
}

#[test]
fn many_callers_share_the_raw_log_and_each_gets_its_own_offsets() {
    let home = tempfile::tempdir().unwrap();
    let topology = topology();
    let dir = DataDir::open(home.path()).unwrap();
    let raw_log = RawLog::open(&dir, RAW).unwrap();
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let raw_log = &raw_log;
            scope.spawn(move || {
                for call in 0..25 {
                    let line = format!("a{caller}-{call}");
                    let offsets = raw_log.append(vec![raw(&line), raw(&line)]).wait().unwrap();
                    let mut log = Log::open(home_of(raw_log), &toys::topology());
                    for (_, record) in log.read(RAW, offsets.start, 2).unwrap() {
                        assert_eq!(record, raw(&line));
                    }
                }
            });
        }
    });
    assert_eq!(raw_log.len(), 200);
    let stray = raw_log
        .append(vec![Record {
            topic: FACT,
            ..raw("a")
        }])
        .wait();
    assert!(matches!(stray, Err(EmbeddedError::UnknownTopic(name)) if name == FACT));
    let mut log = Log::open(home.path(), &topology);
    assert_eq!(log.len(RAW).unwrap(), 200);
    assert_eq!(log.read(RAW, 198, 10).unwrap().len(), 2);
}

fn home_of(raw_log: &RawLog) -> &Path {
    raw_log.path().parent().unwrap()
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let topology = topology();
    let missing = Log::open(home.path(), &topology).len(FACT).unwrap_err();
    assert!(matches!(missing, EmbeddedError::Missing { .. }), "{missing}");
    {
        let dir = DataDir::open(home.path()).unwrap();
        let raw_log = RawLog::open(&dir, RAW).unwrap();
        let mut engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
        raw_log.append(vec![raw("ab")]).wait().unwrap();
        step_to_end(&mut engine).unwrap();
        assert!(matches!(DataDir::open(home.path()), Err(EmbeddedError::InUse { .. })));
    }
    let dir = DataDir::open(home.path()).unwrap();
    {
        let raw_log = RawLog::open(&dir, RAW).unwrap();
        let other = Topology::new(topology.topics()[..1].to_vec(), topology.processors()[..1].to_vec()).unwrap();
        let refused = Engine::open(&dir, &other, &raw_log, bury).err().unwrap();
        assert!(matches!(refused, EmbeddedError::OtherTopology { .. }), "{refused}");
    }
    for file in ["raw.db", "raw.db-wal", "raw.db-shm"] {
        // Those beside the file are gone after a clean end.
        std::fs::remove_file(home.path().join(file)).ok();
    }
    let raw_log = RawLog::open(&dir, RAW).unwrap();
    let refused = Engine::open(&dir, &topology, &raw_log, bury).err().unwrap();
    assert!(
        matches!(
            refused,
            EmbeddedError::RawBehind {
                raw_len: 0,
                engine_offset: 1,
                ..
            }
        ),
        "{refused}"
    );
}

/// A data directory of a release that stored no versions is read as it is, and goes on.
#[test]
fn a_directory_of_before_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let topology = topology();
    let mut driver = TestDriver::all(&topology, bury).unwrap();
    for (lines, is_old) in [(["abc", "xb", "bcd"], true), (["ab", "c900", "xc"], false)] {
        {
            let dir = DataDir::open(home.path()).unwrap();
            let raw_log = RawLog::open(&dir, RAW).unwrap();
            let mut engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
            for line in lines {
                driver.pipe(raw(line)).unwrap();
                raw_log.append(vec![raw(line)]).wait().unwrap();
                step_to_end(&mut engine).unwrap();
            }
        }
        if is_old {
            for (file, tables) in [("raw.db", &["log"][..]), ("engine.db", &["log_1", "log_2", "log_3"])] {
                let connection = rusqlite::Connection::open(home.path().join(file)).unwrap();
                for table in tables {
                    let sql = format!("ALTER TABLE {table} DROP COLUMN version");
                    connection.execute_batch(&sql).unwrap();
                }
                connection.pragma_update(None, "user_version", 1).unwrap();
            }
        }
        assert_eq!(logs(home.path(), &topology), driven(&driver));
    }
}

#[test]
fn a_log_without_its_topic_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let mut log = Log::open(home.path(), &topology());
    for topic in ["toy.nothing", toys::WORD] {
        assert!(matches!(log.len(topic), Err(EmbeddedError::UnknownTopic(name)) if name == topic));
    }
}

/// A topic that no processor writes.
const OUTSIDE: &str = "toy.outside";

/// The toys with a topic that no processor writes, behind `before` others.
fn with_outside(before: &[&'static str]) -> Topology {
    let toys = topology();
    let fact = toys.topics().iter().find(|topic| topic.name == FACT).unwrap();
    let outside = before
        .iter()
        .chain([&OUTSIDE])
        .map(|name| hilo_stream::TopicSpec { name, ..fact.clone() });
    let inputs = [toys.topics()[0].clone()].into_iter().chain(outside).collect();
    Topology::new(inputs, toys.processors().to_vec()).unwrap()
}

/// Says that the state has another version, and makes it unreadable for this one.
fn of_version(home: &Path, topology: &Topology, version: u8) {
    let engine = rusqlite::Connection::open(home.join("engine.db")).unwrap();
    engine
        .execute(
            "UPDATE position SET topology = ?1 || substr(topology, instr(topology, char(10)))",
            [format!("wire {version}")],
        )
        .unwrap();
    let stores: usize = topology
        .processors()
        .iter()
        .map(|processor| processor.stores.len())
        .sum();
    for store in 1..=stores {
        engine
            .execute(&format!("UPDATE state_{store} SET value = ?1"), [[version, 0xff]])
            .unwrap();
    }
}

#[test]
fn state_of_another_release_is_emptied_at_once_and_computed_again() {
    let home = tempfile::tempdir().unwrap();
    let dir = DataDir::open(home.path()).unwrap();
    let raw_log = RawLog::open(&dir, RAW).unwrap();
    let (old, new) = (with_outside(&[]), with_outside(&["toy.more"]));
    let mut driver = TestDriver::all(&new, bury).unwrap();
    {
        let mut engine = Engine::open(&dir, &old, &raw_log, bury).unwrap();
        for line in ["abc", "xb", "bcd", "c900", "ab"] {
            driver.pipe(raw(line)).unwrap();
            raw_log.append(vec![raw(line)]).wait().unwrap();
        }
        let outside = engine.inlet().append(vec![Record {
            topic: OUTSIDE,
            ..raw("a1")
        }]);
        step_to_end(&mut engine).unwrap();
        assert_eq!(outside.wait().unwrap(), 0..1);
    }
    assert!(Stale::find(&dir, &old, &raw_log).unwrap().is_none());
    of_version(home.path(), &old, wire::VERSION - 1);
    let refused = Engine::open(&dir, &new, &raw_log, bury).err().unwrap();
    assert!(matches!(refused, EmbeddedError::OtherTopology { .. }), "{refused}");

    // Found and not cleared, it is as it was.
    drop(Stale::find(&dir, &new, &raw_log).unwrap().unwrap());
    assert_eq!(logs(home.path(), &old), driven(&driver));
    let stale = Stale::find(&dir, &new, &raw_log).unwrap().unwrap();
    assert_eq!(stale.records(), 5);
    stale.clear().unwrap();
    assert!(Stale::find(&dir, &new, &raw_log).unwrap().is_none());
    assert!(logs(home.path(), &new).values().all(Vec::is_empty));

    // Emptied by one release more before it is done: it still goes as far as at first.
    of_version(home.path(), &new, wire::VERSION - 1);
    let stale = Stale::find(&dir, &new, &raw_log).unwrap().unwrap();
    assert_eq!(stale.records(), 5);
    stale.clear().unwrap();
    let mut engine = Engine::open(&dir, &new, &raw_log, bury).unwrap();
    assert_eq!(engine.rebuilds(), Some(5));
    step_to_end(&mut engine).unwrap();
    assert_eq!(engine.rebuilds(), None);
    assert_eq!(logs(home.path(), &new), driven(&driver));
    let kept = Log::open(home.path(), &new).read(OUTSIDE, 0, 10).unwrap();
    assert_eq!(
        kept.iter().map(|(_, record)| &*record.value).collect::<Vec<_>>(),
        [b"a1"]
    );
}

#[test]
fn state_of_a_later_release_and_state_without_its_raw_log_are_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let dir = DataDir::open(home.path()).unwrap();
    let topology = topology();
    {
        let raw_log = RawLog::open(&dir, RAW).unwrap();
        let mut engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
        raw_log.append(vec![raw("ab")]).wait().unwrap();
        step_to_end(&mut engine).unwrap();
    }
    let before = logs(home.path(), &topology);
    of_version(home.path(), &topology, wire::VERSION + 1);
    {
        let raw_log = RawLog::open(&dir, RAW).unwrap();
        let refused = Stale::find(&dir, &topology, &raw_log).err().unwrap();
        assert!(
            matches!(refused, EmbeddedError::LaterState { found, .. } if found == wire::VERSION + 1),
            "{refused}"
        );
    }
    of_version(home.path(), &topology, wire::VERSION - 1);
    for file in ["raw.db", "raw.db-wal", "raw.db-shm"] {
        std::fs::remove_file(home.path().join(file)).ok();
    }
    let raw_log = RawLog::open(&dir, RAW).unwrap();
    let refused = Stale::find(&dir, &topology, &raw_log).err().unwrap();
    assert!(matches!(refused, EmbeddedError::RawBehind { .. }), "{refused}");
    assert_eq!(logs(home.path(), &topology), before);
}

#[test]
fn facts_from_outside_enter_with_a_commit_also_where_nothing_else_comes() {
    let home = tempfile::tempdir().unwrap();
    let topology = with_outside(&[]);
    let dir = DataDir::open(home.path()).unwrap();
    let raw_log = RawLog::open(&dir, RAW).unwrap();
    let engine = Engine::open(&dir, &topology, &raw_log, bury).unwrap();
    let inlet = engine.inlet();
    let running = engine.start().unwrap();
    let fact = |text: &str| Record {
        topic: OUTSIDE,
        ..raw(text)
    };
    assert_eq!(inlet.append(vec![fact("a1"), fact("a2")]).wait().unwrap(), 0..2);
    raw_log.append(vec![raw("ab")]).wait().unwrap();
    inlet.append(vec![fact("a3")]).wait().unwrap();
    let mut log = Log::open(home.path(), &topology);
    let values: Vec<Vec<u8>> = log
        .read(OUTSIDE, 0, 10)
        .unwrap()
        .into_iter()
        .map(|(_, record)| record.value)
        .collect();
    assert_eq!(values, [b"a1".to_vec(), b"a2".to_vec(), b"a3".to_vec()]);
    // What a processor writes comes from nobody else.
    let stray = inlet
        .append(vec![Record {
            topic: FACT,
            ..raw("a")
        }])
        .wait();
    assert!(matches!(stray, Err(EmbeddedError::UnknownTopic(name)) if name == FACT));
    running.stop().unwrap();
    assert!(matches!(
        inlet.append(vec![fact("a4")]).wait(),
        Err(EmbeddedError::Closed)
    ));
}
