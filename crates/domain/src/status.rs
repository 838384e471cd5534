//! The status lattice: one earliest time per state, folded by rank and event time, never by arrival.

use crate::{ErrorClass, Millis};
use serde::{Deserialize, Serialize};

/// States of a message in rising order. `failed` is a side state, see [`StatusFold::is_failed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusRank {
    /// The platform took it.
    Sent,
    /// It reached a device.
    Delivered,
    /// It was read.
    Read,
    /// A voice note was played.
    Played,
}

/// What the statuses of one message say together. A join semilattice: [`StatusFold::add`] commutes,
/// associates and repeats without effect, so any order and any repetition of statuses gives the same fold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusFold {
    /// Earliest `sent`.
    pub sent: Option<Millis>,
    /// Earliest `delivered` as received; see [`StatusFold::delivered_at`].
    pub delivered: Option<Millis>,
    /// Earliest `read` as received; see [`StatusFold::read_at`].
    pub read: Option<Millis>,
    /// Earliest `played`.
    pub played: Option<Millis>,
    /// Latest of delivered, read and played: what a failure is compared with.
    pub last_delivery: Option<Millis>,
    /// Earliest `failed`.
    pub failed: Option<Millis>,
    /// Latest `failed`.
    pub last_failed: Option<Millis>,
    /// The failure that gives the error class: earliest, then smallest code; a failure without a code last.
    first_error: Option<(Millis, Option<i64>)>,
    /// Earliest status with an error of the class `opt_out`: the person stopped marketing.
    pub opted_out: Option<Millis>,
    /// Codes seen, sorted, distinct.
    pub error_codes: Vec<i64>,
    /// Earliest status of any name, known or not.
    pub earliest: Option<Millis>,
}

fn earliest(slot: &mut Option<Millis>, at: impl Into<Option<Millis>>) {
    *slot = [*slot, at.into()].into_iter().flatten().min();
}

fn latest(slot: &mut Option<Millis>, at: impl Into<Option<Millis>>) {
    *slot = (*slot).max(at.into());
}

impl StatusFold {
    /// Adds a status as received, at its event time, with the codes of its errors.
    /// A name that is not known (`warning`, `deleted`) moves nothing but `earliest`.
    pub fn add(&mut self, status: &str, at: Millis, codes: &[i64]) {
        earliest(&mut self.earliest, at);
        match status {
            "sent" => earliest(&mut self.sent, at),
            "delivered" => self.add_delivery(at, StatusRank::Delivered),
            "read" => self.add_delivery(at, StatusRank::Read),
            "played" => self.add_delivery(at, StatusRank::Played),
            "failed" => {
                earliest(&mut self.failed, at);
                latest(&mut self.last_failed, at);
                self.add_error((at, codes.iter().min().copied()));
            }
            _ => {}
        }
        for code in codes {
            if ErrorClass::of(Some(*code)) == ErrorClass::OptOut {
                earliest(&mut self.opted_out, at);
            }
            self.add_code(*code);
        }
    }

    fn add_error(&mut self, new: (Millis, Option<i64>)) {
        let rank = |error: &(Millis, Option<i64>)| (error.0, error.1.is_none(), error.1);
        if self.first_error.as_ref().is_none_or(|had| rank(&new) < rank(had)) {
            self.first_error = Some(new);
        }
    }

    fn add_code(&mut self, code: i64) {
        if let Err(place) = self.error_codes.binary_search(&code) {
            self.error_codes.insert(place, code);
        }
    }

    /// Adds all statuses of another fold.
    fn join(&mut self, other: &Self) {
        earliest(&mut self.sent, other.sent);
        earliest(&mut self.delivered, other.delivered);
        earliest(&mut self.read, other.read);
        earliest(&mut self.played, other.played);
        latest(&mut self.last_delivery, other.last_delivery);
        earliest(&mut self.failed, other.failed);
        latest(&mut self.last_failed, other.last_failed);
        earliest(&mut self.opted_out, other.opted_out);
        earliest(&mut self.earliest, other.earliest);
        other.first_error.iter().for_each(|error| self.add_error(*error));
        other.error_codes.iter().for_each(|code| self.add_code(*code));
    }

    /// The fold of a message to a group: of its statuses that name no participant (`self`), and of those of each
    /// participant. It has failed only if every participant has, and then all statuses count. Else those of the failed ones
    /// do not, but their codes, their opt-outs and the time of the first status stay.
    #[must_use]
    pub fn of_group<'a>(&'a self, participants: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let mut all = self.clone();
        participants.clone().for_each(|one| all.join(one));
        if participants.clone().all(Self::is_failed) {
            // A delivery that names no participant clears nobody's failure.
            all.last_delivery = None;
            return all;
        }
        let mut counted = Self::default();
        for one in std::iter::once(self).chain(participants).filter(|one| !one.is_failed()) {
            counted.join(one);
        }
        Self {
            opted_out: all.opted_out,
            error_codes: all.error_codes,
            earliest: all.earliest,
            ..counted
        }
    }

    fn add_delivery(&mut self, at: Millis, rank: StatusRank) {
        latest(&mut self.last_delivery, at);
        match rank {
            StatusRank::Played => earliest(&mut self.played, at),
            StatusRank::Read => earliest(&mut self.read, at),
            _ => earliest(&mut self.delivered, at),
        }
    }

    /// Earliest of delivered, read and played: a `read` stands for a skipped `delivered`.
    #[must_use]
    pub fn delivered_at(&self) -> Option<Millis> {
        [self.delivered, self.read, self.played].into_iter().flatten().min()
    }

    /// Earliest of read and played: a played voice note was read.
    #[must_use]
    pub fn read_at(&self) -> Option<Millis> {
        [self.read, self.played].into_iter().flatten().min()
    }

    /// Whether the message failed: a `failed` was seen, and no delivery is strictly newer than the latest of them.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.last_failed
            .is_some_and(|failed| self.last_delivery.is_none_or(|delivery| delivery <= failed))
    }

    /// The state after the fold; `None` before any known status.
    #[must_use]
    pub fn effective(&self) -> Option<&'static str> {
        if self.is_failed() {
            return Some("failed");
        }
        match () {
            () if self.played.is_some() => Some("played"),
            () if self.read.is_some() => Some("read"),
            () if self.delivered.is_some() => Some("delivered"),
            () if self.sent.is_some() => Some("sent"),
            () => None,
        }
    }

    /// Code of the earliest failure (smallest on a tie; `Some(None)` without a code); `None` when nothing failed.
    #[must_use]
    pub fn error(&self) -> Option<Option<i64>> {
        self.first_error.map(|(_, code)| code)
    }

    /// Class of the earliest failure (smallest code on a tie); `None` when nothing failed.
    #[must_use]
    pub fn error_class(&self) -> Option<ErrorClass> {
        self.first_error.map(|(_, code)| ErrorClass::of(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fold(statuses: &[(&str, Millis, &[i64])]) -> StatusFold {
        let mut fold = StatusFold::default();
        for (status, at, codes) in statuses {
            fold.add(status, *at, codes);
        }
        fold
    }

    #[test]
    fn a_read_stands_for_a_skipped_delivered() {
        let fold = fold(&[("read", 60, &[]), ("sent", 3, &[])]);
        assert_eq!(
            (fold.delivered_at(), fold.read_at(), fold.effective()),
            (Some(60), Some(60), Some("read"))
        );
    }

    #[test]
    fn only_a_strictly_newer_delivery_clears_a_failure() {
        assert_eq!(
            fold(&[("failed", 6, &[131_049]), ("delivered", 10, &[])]).effective(),
            Some("delivered")
        );
        assert_eq!(
            fold(&[("failed", 6, &[131_049]), ("delivered", 6, &[])]).effective(),
            Some("failed")
        );
        assert_eq!(
            fold(&[("failed", 6, &[131_026]), ("sent", 9, &[])]).effective(),
            Some("failed")
        );
        assert_eq!(
            fold(&[("delivered", 5, &[]), ("read", 9, &[]), ("failed", 7, &[1])]).effective(),
            Some("read")
        );
    }

    #[test]
    fn the_earliest_failure_gives_the_class() {
        let fold = fold(&[
            ("failed", 9, &[131_026]),
            ("failed", 6, &[131_049, 131_047]),
            ("failed", 6, &[]),
        ]);
        assert_eq!(fold.error_class(), Some(ErrorClass::Window));
        assert_eq!(fold.error_codes, [131_026, 131_047, 131_049]);
    }

    fn group(own: &[(&str, Millis, &[i64])], participants: &[&[(&str, Millis, &[i64])]]) -> StatusFold {
        let participants: Vec<StatusFold> = participants.iter().map(|statuses| fold(statuses)).collect();
        fold(own).of_group(participants.iter())
    }

    #[test]
    fn a_group_send_is_what_became_of_it_where_it_did_not_fail() {
        let failed: &[(&str, Millis, &[i64])] = &[("sent", 1, &[]), ("failed", 12, &[131_026])];
        let read: &[(&str, Millis, &[i64])] = &[("delivered", 5, &[]), ("read", 9, &[])];
        let one = group(&[], &[read, &[("delivered", 6, &[])], failed]);
        assert_eq!(one.effective(), Some("read"));
        assert_eq!(
            (one.sent, one.delivered_at(), one.read_at(), one.failed),
            (None, Some(5), Some(9), None)
        );
        assert_eq!((one.earliest, one.error_class()), (Some(1), None));
        assert_eq!(one.error_codes, [131_026]);
    }

    #[test]
    fn a_group_send_failed_if_it_failed_for_everybody() {
        let twice: [&[(&str, Millis, &[i64])]; 2] = [
            &[("delivered", 5, &[]), ("failed", 8, &[131_026])],
            &[("failed", 7, &[131_049])],
        ];
        // Also where the message itself is told to be sent, or delivered.
        for own in [&[][..], &[("sent", 2, &[][..])], &[("delivered", 9, &[])]] {
            let all = group(own, &twice);
            assert_eq!((all.effective(), all.failed), (Some("failed"), Some(7)));
            assert_eq!(all.error_class(), Some(ErrorClass::MarketingCap));
            assert_eq!(all.delivered_at(), Some(5));
        }
        let cleared = group(&[], &[&[("failed", 7, &[1]), ("delivered", 8, &[])], twice[1]]);
        assert_eq!((cleared.effective(), cleared.failed), (Some("delivered"), Some(7)));
    }

    #[test]
    fn a_status_without_a_participant_is_nobodys() {
        let delivered: &[(&str, Millis, &[i64])] = &[("delivered", 6, &[])];
        let sent = group(&[("sent", 2, &[])], &[delivered]);
        assert_eq!((sent.effective(), sent.sent), (Some("delivered"), Some(2)));
        let failed = group(&[("sent", 2, &[]), ("failed", 9, &[7])], &[delivered]);
        assert_eq!((failed.effective(), failed.sent), (Some("delivered"), None));
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(
            statuses in prop::collection::vec(
                (prop::sample::select(vec!["sent", "delivered", "read", "played", "failed", "warning"]), 0..20i64,
                 prop::collection::vec(0..4i64, 0..2)), 0..12),
            seed in any::<u64>(),
        ) {
            let mut shuffled = statuses.clone();
            shuffled.extend(statuses.iter().take(4).cloned());
            let count = shuffled.len().max(1) as u64;
            for place in 0..shuffled.len() {
                shuffled.swap(place, (seed.wrapping_mul(place as u64 + 7) % count) as usize);
            }
            let run = |list: &[(&str, Millis, Vec<i64>)]| {
                let mut fold = StatusFold::default();
                for (status, at, codes) in list { fold.add(status, *at, codes); }
                fold
            };
            prop_assert_eq!(run(&statuses), run(&shuffled));
        }
    }
}
