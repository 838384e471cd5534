//! Records that a lane can neither process nor bury yet: a later release wrote them, or the registry does not answer about their
//! schema id. Their partition waits, and the lane goes on elsewhere.

use super::{ANSWER, Incoming, Lane};
use crate::EngineError;
use crate::error::failed;
use crate::framing::AGAIN;
use crate::rebalance::resume_at;
use rdkafka::consumer::Consumer as _;
use rdkafka::{Offset, TopicPartitionList};
use std::time::Instant;

/// A record at which a partition waits.
pub(super) struct Held {
    why: String,
    again: Instant,
}

impl Lane {
    /// Holds the partition of a record up, before it. Nothing of it was processed.
    pub(super) fn hold(&mut self, incoming: &Incoming, problem: &str) -> Result<(), EngineError> {
        let input = &self.job.inputs[incoming.input];
        let error = EngineError::Waits {
            topic: input.name.clone(),
            partition: incoming.partition,
            offset: incoming.offset,
            problem: problem.to_owned(),
        };
        tracing::warn!(processor = self.job.spec.name, lane = self.index, %error, "a partition waits; others go on");
        let mut list = TopicPartitionList::new();
        list.add_partition(&input.name, incoming.partition);
        self.consumer.pause(&list).map_err(failed("pausing a partition"))?;
        let held = Held {
            why: error.to_string(),
            again: Instant::now() + AGAIN,
        };
        self.held.insert((incoming.input, incoming.partition), held);
        self.job.measures.waits(self.job.spec.name, self.index, self.why_held());
        Ok(())
    }

    /// Why partitions wait; `None`: none is held.
    pub(super) fn why_held(&self) -> Option<String> {
        let first = self.held.values().next()?;
        Some(match self.held.len() {
            1 => first.why.clone(),
            more => format!("{} (and {} more partitions)", first.why, more - 1),
        })
    }

    /// Lets partitions go on whose record is to be tried again. They are held anew if nothing has changed.
    pub(super) fn try_held(&mut self) -> Result<(), EngineError> {
        let now = Instant::now();
        let due: Vec<(usize, i32)> = self
            .held
            .iter()
            .filter(|(_, held)| held.again <= now)
            .map(|(place, _)| *place)
            .collect();
        let mut list = TopicPartitionList::new();
        for place in due {
            self.held.remove(&place);
            if let Some(position) = self.positions.get(&place) {
                let name = &self.job.inputs[place.0].name;
                list.add_partition_offset(name, place.1, Offset::Offset(position.next))
                    .map_err(failed("naming offsets"))?;
            }
        }
        if list.count() == 0 {
            return Ok(());
        }
        resume_at(&self.consumer, list, ANSWER)
    }
}
