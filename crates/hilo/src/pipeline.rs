//! The whole topology in memory, on three threads: `normalize`, the folds, the numbers with the records of CRMs.

use crate::topology::{Tenants, dead_letter, topology};
use anyhow::{Context as _, Result, anyhow};
use hilo_bench::this_thread_seconds;
use hilo_contracts::topics;
use hilo_domain::Millis;
use hilo_stream::{
    Counts, Executor, ProcessorError, ProcessorSpec, Record,
    embedded::{TOO_COSTLY, too_costly},
};
use std::{
    collections::BTreeMap,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, ScopedJoinHandle},
};

/// Records handed over at once: large enough that the hand-over costs nothing, small enough to stay in the caches.
const BATCH: usize = 512;
/// Batches that may wait: a slow stage holds the fast one back.
const WAITING: usize = 16;

/// What a run was like.
pub struct Run {
    /// What the processors counted.
    pub counts: Counts,
    /// CPU seconds of the thread that reads, parses and fans out.
    pub fan_out_cpu: f64,
    /// CPU seconds of the thread that folds: duplicates, people, conversations, statuses, accounts.
    pub fold_cpu: f64,
    /// CPU seconds of the thread that aggregates the numbers.
    pub metrics_cpu: f64,
    /// The three stages with the state that they ended with.
    pub stages: [Executor; 3],
}

/// The processor of the first thread, and that of the last.
const FAN_OUT: &str = "normalize";
const METRICS: &str = "metrics";
/// Reads facts as the numbers do, and what it makes nobody reads: it goes with them.
const PROJECT: &str = "project";

/// What travels between the threads.
enum Step {
    /// The items of the delivery with this number. They go on together, so that the second thread handles them in the
    /// order in which the embedded engine does, and a replay gives what the live run gave.
    Items(u64, Vec<Record>),
    /// What the fan-out decided itself: a dead letter, an unclassified item.
    Decided(Record),
    Time(Millis),
}

/// A delivery that costs more than any honest one. Nothing is committed here that could be taken back, so whoever can read
/// the input again begins anew and names it among the [`Costly`].
#[derive(Debug, thiserror::Error)]
#[error(
    "record {number} of the input is too costly ({detail}), and a replay of standard input cannot begin again: put the \
     capture into a file"
)]
pub struct TooCostly {
    /// Its number among the records, from 0.
    pub number: u64,
    /// What it had cost when it was given up.
    pub detail: String,
}

/// Records that are dead letters because of what they cost, by number, with their cost.
pub type Costly = BTreeMap<u64, String>;

/// What the folds made of a batch.
enum Made {
    Facts(Vec<Record>),
    Time(Millis),
}

/// Runs `raw` through the topology; gives the derived records to `sink` in log order, in batches, on the caller's
/// thread, and the counts at the end. Time ends at the greatest event time seen.
pub fn run(
    tenants: &Tenants,
    raw: impl Iterator<Item = Result<Record>> + Send,
    sink: impl FnMut(Vec<Record>) -> Result<()>,
) -> Result<Run> {
    run_but(tenants, raw, &Costly::new(), sink)
}

/// As [`run`], where it is known already that some records are too costly.
pub fn run_but(
    tenants: &Tenants,
    raw: impl Iterator<Item = Result<Record>> + Send,
    costly: &Costly,
    mut sink: impl FnMut(Vec<Record>) -> Result<()>,
) -> Result<Run> {
    let topology = topology(tenants)?;
    // The numbers, and whoever reads what they write.
    let mut last: Vec<&ProcessorSpec> = Vec::new();
    for processor in topology.processors() {
        let reads = |writer: &ProcessorSpec| writer.writes().any(|topic| processor.inputs.contains(&topic));
        if [METRICS, PROJECT].contains(&processor.name) || last.iter().any(|writer| reads(writer)) {
            last.push(processor);
        }
    }
    let counted: Vec<&str> = last
        .iter()
        .flat_map(|processor| processor.inputs.iter().copied())
        .collect();
    let last: Vec<&str> = last.iter().map(|processor| processor.name).collect();
    let between: Vec<&str> = topology
        .processors()
        .iter()
        .map(|processor| processor.name)
        .filter(|name| *name != FAN_OUT && !last.contains(name))
        .collect();
    let mut fan_out = Executor::new(&topology, &[FAN_OUT], dead_letter)?;
    let mut fold = Executor::new(&topology, &between, dead_letter)?;
    let mut numbers = Executor::new(&topology, &last, dead_letter)?;
    let (steps, to_fold) = sync_channel::<Vec<Step>>(WAITING);
    let (made, to_numbers) = sync_channel::<Made>(WAITING);
    let (records, to_sink) = sync_channel::<Vec<Record>>(WAITING);
    thread::scope(|scope| {
        // Named, so that a profile tells them apart.
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let fan_out_thread = named("fan-out").spawn_scoped(scope, move || -> Result<(Executor, f64)> {
            fan_out_all(&mut fan_out, raw, costly, &steps)?;
            Ok((fan_out, this_thread_seconds()))
        })?;
        let fold_thread = named("folds").spawn_scoped(scope, move || -> Result<(Executor, f64)> {
            fold_all(&mut fold, &to_fold, &made)?;
            Ok((fold, this_thread_seconds()))
        })?;
        let metrics_thread = named("numbers").spawn_scoped(scope, move || -> Result<(Executor, f64)> {
            count_all(&mut numbers, &counted, &to_numbers, &records)?;
            Ok((numbers, this_thread_seconds()))
        })?;
        let mut sunk = Ok(());
        for batch in to_sink {
            if sunk.is_ok() {
                sunk = sink(batch);
            }
        }
        let joined = |thread: ScopedJoinHandle<Result<(Executor, f64)>>| {
            let stopped = |_| anyhow!("a pipeline thread stopped: this is a defect of Hilo");
            thread.join().map_err(stopped)?
        };
        let (fan_out, fan_out_cpu) = joined(fan_out_thread)?;
        let (fold, fold_cpu) = joined(fold_thread)?;
        let (numbers, metrics_cpu) = joined(metrics_thread)?;
        let stages = [fan_out, fold, numbers];
        let mut counts = Counts::new();
        for (name, count) in stages.iter().flat_map(Executor::counts) {
            *counts.entry(name).or_default() += count;
        }
        sunk.map(|()| Run {
            counts,
            fan_out_cpu,
            fold_cpu,
            metrics_cpu,
            stages,
        })
    })
}

fn fan_out_all(
    executor: &mut Executor,
    raw: impl Iterator<Item = Result<Record>>,
    costly: &Costly,
    steps: &SyncSender<Vec<Step>>,
) -> Result<()> {
    let mut batch = Vec::with_capacity(BATCH);
    for (number, record) in (0..).zip(raw) {
        let record = record?;
        match costly.get(&number) {
            Some(detail) => executor.dead_letter(&record, TOO_COSTLY, detail)?,
            None => executor.feed(record)?,
        }
        let (items, decided): (Vec<_>, Vec<_>) = executor
            .take_outputs()
            .into_iter()
            .partition(|record| record.topic == topics::ITEM);
        batch.extend(decided.into_iter().map(Step::Decided));
        batch.extend((!items.is_empty()).then_some(Step::Items(number, items)));
        batch.extend(executor.take_advance().map(Step::Time));
        if batch.len() >= BATCH
            && steps
                .send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))
                .is_err()
        {
            // The other side stopped and says why.
            return Ok(());
        }
    }
    // As above: a stopped receiver tells its own reason.
    drop(steps.send(batch));
    Ok(())
}

fn fold_all(executor: &mut Executor, steps: &Receiver<Vec<Step>>, made: &SyncSender<Made>) -> Result<()> {
    let mut now = Millis::MIN;
    let mut came = false;
    for batch in steps {
        let mut facts = Vec::with_capacity(batch.len() * 2);
        for step in batch {
            match step {
                Step::Items(number, items) => {
                    came = true;
                    now = items.iter().map(|item| item.timestamp).fold(now, Millis::max);
                    if let Err(error) = executor.feed_all(items) {
                        return Err(match error {
                            ProcessorError::TooCostly => TooCostly {
                                number,
                                detail: too_costly(executor.spent()),
                            }
                            .into(),
                            other => other.into(),
                        });
                    }
                    facts.append(&mut executor.take_outputs());
                }
                Step::Decided(record) => facts.push(record),
                Step::Time(at) => {
                    now = now.max(at);
                    executor.tick(at)?;
                    facts.append(&mut executor.take_outputs());
                    made.send(Made::Facts(std::mem::take(&mut facts))).context(STOPPED)?;
                    made.send(Made::Time(at)).context(STOPPED)?;
                }
            }
        }
        made.send(Made::Facts(facts)).context(STOPPED)?;
    }
    if came && now == Millis::MIN {
        // Items came, and the receipts contradict all of their times: there are numbers, and no time is known.
        now = 0;
    }
    if now > Millis::MIN {
        executor.tick(now)?;
        made.send(Made::Facts(executor.take_outputs())).context(STOPPED)?;
        made.send(Made::Time(now)).context(STOPPED)?;
    }
    Ok(())
}

/// Where the next stage stopped first, and says why.
const STOPPED: &str = "the next stage stopped";

fn count_all(
    executor: &mut Executor,
    counted: &[&str],
    made: &Receiver<Made>,
    records: &SyncSender<Vec<Record>>,
) -> Result<()> {
    for made in made {
        let facts = match made {
            Made::Facts(mut facts) => {
                for fact in facts.iter().filter(|fact| counted.contains(&fact.topic)) {
                    executor.feed(fact)?;
                }
                facts.append(&mut executor.take_outputs());
                facts
            }
            Made::Time(now) => {
                executor.tick(now)?;
                executor.take_outputs()
            }
        };
        records.send(facts).context(STOPPED)?;
    }
    Ok(())
}
