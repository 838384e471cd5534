//! CPU time of threads by what they are for.

use crate::process::ThreadSeconds;
use std::collections::BTreeMap;

/// What threads are for, and their CPU seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThreadGroups {
    /// Lanes by processor, those of one processor together.
    pub lanes: BTreeMap<String, f64>,
    /// Threads of Kafka clients, and those that take their delivery reports.
    pub clients: f64,
    /// The rest.
    pub others: f64,
}

impl ThreadGroups {
    /// What threads spent from `before` to `after`. A lane's thread is named `processor-number`; names end after 15
    /// bytes, as the system keeps them.
    #[must_use]
    pub fn between(before: &ThreadSeconds, after: &ThreadSeconds, processors: &[&str]) -> Self {
        let mut groups = Self::default();
        for processor in processors {
            groups.lanes.insert((*processor).to_owned(), 0.0);
        }
        for (name, seconds) in after {
            let spent = (seconds - before.get(name).copied().unwrap_or_default()).max(0.0);
            let place = match lane(name, processors) {
                Some(processor) => groups.lanes.entry(processor.to_owned()).or_default(),
                None if name.starts_with("rdk:") || name.starts_with("producer pollin") => &mut groups.clients,
                None => &mut groups.others,
            };
            *place += spent;
        }
        groups
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.lanes.values().sum::<f64>() + self.clients + self.others
    }
}

/// The processor whose lane a thread is.
fn lane<'a>(thread: &str, processors: &[&'a str]) -> Option<&'a str> {
    /// Bytes of a name that Linux keeps.
    const KEPT: usize = 15;
    processors.iter().copied().find(|processor| {
        // Of a long name the number, or a part of the name itself, may be gone.
        let short = processor.get(..KEPT).unwrap_or(processor);
        let rest = thread.strip_prefix(short);
        rest.is_some_and(|rest| match rest.strip_prefix('-') {
            Some(number) => {
                number.bytes().all(|byte| byte.is_ascii_digit()) && (!number.is_empty() || thread.len() == KEPT)
            }
            None => rest.is_empty() && thread.len() == KEPT,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threads(seconds: &[(&str, f64)]) -> ThreadSeconds {
        seconds.iter().map(|&(name, spent)| (name.to_owned(), spent)).collect()
    }

    #[test]
    fn threads_are_told_apart_by_their_names() {
        let before = threads(&[("hilo", 5.0), ("rdk:main", 1.0), ("gone", 3.0)]);
        let after = threads(&[
            ("hilo", 5.5),
            ("rdk:main", 1.25),
            ("rdk:broker1", 2.0),
            ("producer pollin", 0.5),
            ("status-0", 1.0),
            ("status-1", 2.0),
            ("metrics-0", 4.0),
            ("metrics", 0.125),
        ]);
        let groups = ThreadGroups::between(&before, &after, &["status", "metrics", "account"]);
        let lanes: Vec<(&str, f64)> = groups
            .lanes
            .iter()
            .map(|(name, spent)| (name.as_str(), *spent))
            .collect();
        assert_eq!(lanes, [("account", 0.0), ("metrics", 4.0), ("status", 3.0)]);
        assert_eq!((groups.clients, groups.others), (2.75, 0.625));
        assert!((groups.total() - 10.375).abs() < 1e-9, "{groups:?}");
    }

    #[test]
    fn a_name_may_have_lost_its_end() {
        let processors = ["conversation", "deduplication", "reconciliations-of-all"];
        assert_eq!(lane("conversation-0", &processors), Some("conversation"));
        assert_eq!(lane("conversation-12", &processors), Some("conversation"));
        assert_eq!(lane("deduplication-1", &processors), Some("deduplication"));
        assert_eq!(lane("reconciliations", &processors), Some("reconciliations-of-all"));
        for other in [
            "conversation",
            "conversation-",
            "conversation-x",
            "conversations-0",
            "rdk:main",
        ] {
            assert_eq!(lane(other, &processors), None, "{other}");
        }
    }
}
