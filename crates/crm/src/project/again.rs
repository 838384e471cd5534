//! Everything anew, because the mapping is another one: some at each tick, so that none of them holds all.

use super::{
    due::{Marked, Subject},
    processor::Project,
};
use hilo_domain::Millis;
use hilo_stream::ProcessorError;

/// Subjects that are made anew in one stretch of time.
const AT_ONCE: usize = 5_000;
/// Length of that stretch: a tick of a running system.
const STRETCH: Millis = 1_000;

impl Project {
    /// Sees to it that everything is made anew, if the configuration is not the one by which it was made.
    pub(super) fn look_at_configuration(&mut self, now: Millis) -> Result<(), ProcessorError> {
        if !self.due.configured(self.made_by)? {
            return Ok(());
        }
        let mut all: Vec<Marked> = Vec::new();
        self.people.scan(|id, _| all.push((Subject::Person, id.to_vec())))?;
        self.sessions.scan(|id, _| all.push((Subject::Session, id.to_vec())))?;
        self.deals.scan(|id, _| all.push((Subject::Deal, id.to_vec())))?;
        self.messages.scan(|id, _| all.push((Subject::Message, id.to_vec())))?;
        for (stretch, some) in (0..).zip(all.chunks(AT_ONCE)) {
            for (subject, id) in some {
                self.due.again(*subject, id, now.saturating_add(stretch * STRETCH))?;
            }
        }
        Ok(())
    }
}
