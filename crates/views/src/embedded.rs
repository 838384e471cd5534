//! The embedded log as an engine.

use crate::engine::{Engine, Feed, Shelf, Waiting};
use anyhow::Result;
use hilo_golden::{FOLLOWED, Place, Placed};
use hilo_stream::{
    Record, Topology,
    embedded::{Log, ProgressWatch},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// The logs of a data directory; with a watch they grow, without one somebody only looks.
pub struct Embedded {
    dir: PathBuf,
    topology: Topology,
    watch: Option<ProgressWatch>,
    /// Raw records that were there at the start.
    at_start: u64,
}

impl Embedded {
    /// The logs of `topology` in `dir`.
    #[must_use]
    pub fn new(dir: &Path, topology: &Topology, watch: Option<ProgressWatch>) -> Self {
        Self {
            dir: dir.to_owned(),
            topology: topology.clone(),
            at_start: watch.as_ref().map_or(0, |watch| watch.get().raw_len),
            watch,
        }
    }

    fn log(&self) -> Log {
        Log::open(&self.dir, &self.topology)
    }
}

impl Engine for Embedded {
    fn feed(&self, next: &mut dyn FnMut(&'static str, i32) -> Result<i64>) -> Result<Box<dyn Feed>> {
        let mut log = self.log();
        let mut topics = Vec::with_capacity(FOLLOWED.len());
        for topic in FOLLOWED {
            topics.push(Followed {
                topic,
                next: next(topic, 0)?.unsigned_abs(),
                aimed_end: log.len(topic)?,
            });
        }
        Ok(Box::new(LogFeed {
            log,
            topics,
            watch: self.watch.clone(),
            batches: 0,
        }))
    }

    fn shelf(&self) -> Result<Box<dyn Shelf>> {
        Ok(Box::new(self.log()))
    }

    fn waiting(&self) -> Waiting {
        let Some(watch) = &self.watch else {
            return Waiting::default();
        };
        let progress = watch.get();
        let since_commit = progress.last_commit.and_then(|at| at.elapsed().ok());
        Waiting {
            records: progress.lag_records,
            // Each record that waits came after the last commit.
            seconds: match since_commit {
                Some(since) if progress.lag_records > 0 => since.as_secs_f64(),
                _ => 0.0,
            },
        }
    }

    fn is_through(&self) -> bool {
        self.watch
            .as_ref()
            .is_none_or(|watch| watch.get().raw_offset >= self.at_start)
    }
}

/// How far a topic is read.
struct Followed {
    topic: &'static str,
    next: u64,
    /// End of the topic at the beginning, or when it was aimed.
    aimed_end: u64,
}

struct LogFeed {
    log: Log,
    topics: Vec<Followed>,
    watch: Option<ProgressWatch>,
    /// Commits of the engine that were waited for.
    batches: u64,
}

impl LogFeed {
    fn read(&mut self, max: usize) -> Result<Vec<Placed>> {
        let mut placed = Vec::new();
        for followed in &mut self.topics {
            for (offset, record) in self.log.read(followed.topic, followed.next, max)? {
                followed.next = offset + 1;
                placed.push(Placed {
                    partition: 0,
                    offset: offset.cast_signed(),
                    record,
                });
            }
        }
        Ok(placed)
    }
}

impl Feed for LogFeed {
    fn next(&mut self, max: usize, patience: Duration) -> Result<Vec<Placed>> {
        let placed = self.read(max)?;
        if let Some(watch) = self.watch.as_ref().filter(|_| placed.is_empty()) {
            self.batches = watch.wait(self.batches, patience).batches;
            return self.read(max);
        }
        Ok(placed)
    }

    fn behind(&mut self) -> Result<u64> {
        let mut behind = 0;
        for followed in &self.topics {
            behind += self.log.len(followed.topic)?.saturating_sub(followed.next);
        }
        Ok(behind)
    }

    fn aim(&mut self) -> Result<()> {
        for followed in &mut self.topics {
            followed.aimed_end = self.log.len(followed.topic)?;
        }
        Ok(())
    }

    fn caught_up(&mut self) -> Result<bool> {
        Ok(self.topics.iter().all(|followed| followed.next >= followed.aimed_end))
    }
}

impl Shelf for Log {
    fn at(&mut self, places: &[Place]) -> Result<BTreeMap<Place, Record>> {
        let mut found = BTreeMap::new();
        for place in places {
            let wanted = place.offset.unsigned_abs();
            let read = self.read(place.topic, wanted, 1)?.into_iter();
            found.extend(
                read.filter(|(offset, _)| *offset == wanted)
                    .map(|(_, record)| (*place, record)),
            );
        }
        Ok(found)
    }

    fn latest(&mut self, topic: &'static str, limit: usize) -> Result<Vec<Record>> {
        let mut from = self.len(topic)?.saturating_sub(limit as u64);
        let mut latest = Vec::new();
        loop {
            let records = self.read(topic, from, limit)?;
            let Some((last, _)) = records.last() else {
                return Ok(latest);
            };
            from = last + 1;
            latest.extend(records.into_iter().map(|(_, record)| record));
            if latest.len() >= limit {
                return Ok(latest);
            }
        }
    }
}
