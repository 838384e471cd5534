//! Small processors with every habit of the real ones: derived topics that are read inside, a cycle, timers, a global
//! reader, dead letters, errors on demand.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it")]
#![allow(clippy::unnecessary_wraps, reason = "the hook has this type")]

use hilo_stream::{
    Context, Processor, ProcessorError, ProcessorSpec, Record, Scope, StateStore, Store, StoreError, StoreSpec, Timers,
    TopicKind, TopicSpec, Topology, Verdict,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Input: `<letter><text>`: `c<time>` a clock line, `*…` a word for every partition, `x…` an undecodable line, `e…` a processor error, `d<n>…`
/// a word of n million units of work, else a word.
pub const RAW: &str = "toy.raw";
/// Internal: words by key, also re-sent by `fold` (a cycle).
pub const WORD: &str = "toy.word";
/// Derived, and read by `total`.
pub const FACT: &str = "toy.fact";
/// Derived.
pub const TOTAL: &str = "toy.total";
/// Derived, from the hook.
pub const DEAD: &str = "toy.dead";

/// A record of the raw topic.
pub fn raw(line: &str) -> Record {
    Record {
        topic: RAW,
        key: line.as_bytes().iter().copied().skip(1).take(1).collect(),
        value: line.as_bytes().to_vec(),
        timestamp: line.bytes().map(i64::from).sum(),
    }
}

/// The dead-letter hook.
pub fn bury(record: &Record, reason: &'static str, detail: &str) -> Result<Record, ProcessorError> {
    Ok(Record {
        topic: DEAD,
        key: record.key.clone(),
        value: [reason.as_bytes(), b"|", detail.as_bytes(), b"|", &record.value].concat(),
        timestamp: record.timestamp,
    })
}

struct Parse;

impl Processor for Parse {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let text = String::from_utf8_lossy(&record.value).into_owned();
        context.count("lines", "");
        if let Some(time) = text.strip_prefix('c') {
            let Ok(time) = time.parse() else {
                return Ok(Verdict::Drop("no_time"));
            };
            context.advance(time);
            return Ok(Verdict::Done);
        }
        if text.starts_with('x') {
            return Ok(Verdict::DeadLetter {
                reason: "unreadable",
                detail: "starts with x".to_owned(),
            });
        }
        if text.starts_with('*') {
            context.broadcast(WORD, record.timestamp, record.value.clone());
            return Ok(Verdict::Done);
        }
        context.send(WORD, record.key.clone(), record.timestamp, record.value.clone());
        Ok(Verdict::Done)
    }
}

/// Counts the words of a key; halves a word and sends it to itself; closes a key 10 after its last word.
struct Fold {
    seen: Store<u64>,
    timers: Timers,
    /// Records until the medium fails, as a crash in the middle of a batch would have it; negative: never.
    fuse: Arc<AtomicI64>,
}

impl Processor for Fold {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        if let [b'd', digit @ b'0'..=b'9', ..] = record.value[..] {
            context.spend(u64::from(digit - b'0') * 1_000_000)?;
        }
        if record.value.starts_with(b"*") {
            let heard = [b"heard ", record.value.as_slice()].concat();
            context.send(FACT, record.key.clone(), record.timestamp, heard);
            return Ok(Verdict::Done);
        }
        if self.fuse.fetch_sub(1, Ordering::Relaxed) == 0 {
            return Err(StoreError::Backend {
                store: "seen",
                source: "the fuse blew".into(),
            }
            .into());
        }
        let count = self.seen.get_or_insert_with(&record.key, || 0)?;
        *count += 1;
        let count = *count;
        self.timers.schedule(&record.key, record.timestamp + 10)?;
        let fact = format!("{} {count}", String::from_utf8_lossy(&record.value));
        context.send(FACT, record.key.clone(), record.timestamp, fact.into_bytes());
        if record.value.starts_with(b"e") {
            return Err(ProcessorError::Contract("the word starts with e".to_owned()));
        }
        if record.value.len() > 3 {
            let half = record.value[..record.value.len() / 2].to_vec();
            context.send(WORD, record.key.clone(), record.timestamp, half);
        }
        Ok(Verdict::Done)
    }

    fn tick(&mut self, now: i64, context: &mut Context) -> Result<(), ProcessorError> {
        for (at, key) in self.timers.due(now) {
            // What is due is due, whatever it costs.
            context.spend(Context::BUDGET)?;
            let count = self.seen.get(&key)?.copied().unwrap_or_default();
            self.seen.remove(&key);
            context.count("closed", "");
            context.send(FACT, key, at, format!("closed {count} at {now}").into_bytes());
        }
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.seen, &mut self.timers]
    }
}

/// Adds up facts; tells at each tick.
struct Total {
    sum: Store<u64>,
}

impl Processor for Total {
    fn process(&mut self, record: &Record, _context: &mut Context) -> Result<Verdict, ProcessorError> {
        *self.sum.get_or_insert_with(b"", || 0)? += record.value.len() as u64;
        Ok(Verdict::Done)
    }

    fn tick(&mut self, now: i64, context: &mut Context) -> Result<(), ProcessorError> {
        let sum = self.sum.get(b"")?.copied().unwrap_or_default();
        context.send(TOTAL, b"".to_vec(), now, sum.to_string().into_bytes());
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.sum]
    }
}

fn topic(name: &'static str, kind: TopicKind, key: &'static str) -> TopicSpec {
    TopicSpec {
        name,
        kind,
        key,
        schema: (kind != TopicKind::Internal).then_some(name),
        kept: "for the test",
        doc: "A toy.",
    }
}

fn store(name: &'static str) -> StoreSpec {
    StoreSpec { name, doc: "A toy." }
}

/// The toys as a topology.
pub fn topology() -> Topology {
    fused(&Arc::new(AtomicI64::new(-1)))
}

/// The toys, with a medium that fails when `fuse` has counted down.
pub fn fused(fuse: &Arc<AtomicI64>) -> Topology {
    let fuse = Arc::clone(fuse);
    let word = topic(WORD, TopicKind::Internal, "letter");
    Topology::new(
        vec![topic(RAW, TopicKind::Raw, "letter")],
        vec![
            ProcessorSpec {
                name: "parse",
                doc: "Reads lines.",
                scope: Scope::Keyed,
                inputs: vec![RAW],
                outputs: vec![word, topic(DEAD, TopicKind::Derived, "as the original")],
                also_writes: vec![],
                stores: vec![],
                factory: Arc::new(|| Box::new(Parse)),
            },
            ProcessorSpec {
                name: "fold",
                doc: "Counts words.",
                scope: Scope::Keyed,
                inputs: vec![WORD],
                outputs: vec![topic(FACT, TopicKind::Derived, "letter")],
                also_writes: vec![WORD],
                stores: vec![store("seen"), store("timers")],
                factory: Arc::new(move || {
                    Box::new(Fold {
                        seen: Store::new("seen"),
                        timers: Timers::new("timers"),
                        fuse: Arc::clone(&fuse),
                    })
                }),
            },
            ProcessorSpec {
                name: "total",
                doc: "Adds up.",
                scope: Scope::Global,
                inputs: vec![FACT, DEAD],
                outputs: vec![topic(TOTAL, TopicKind::Derived, "nothing")],
                also_writes: vec![],
                stores: vec![store("sum")],
                factory: Arc::new(|| Box::new(Total { sum: Store::new("sum") })),
            },
        ],
    )
    .unwrap()
}
