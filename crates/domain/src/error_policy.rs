//! What a sender should do about each platform error, as data: one row a code or range, from the platform's documents as
//! we read them. The class beside it ([`ErrorClass`]) is what the numbers use; the actions are what a sender uses.
//! The code decides, never title or subcode. The same code may come at once and as a status: it is one failure.

use crate::ErrorClass;
use serde::Serialize;

/// What to do. Several may hold at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// R: try again, with a delay that grows and jitter.
    Retry,
    /// W: wait a stated time, then try again.
    Wait,
    /// N: never send this message again as it is.
    NeverRetry,
    /// T: send a template instead, if consent and budget allow.
    ResendAsTemplate,
    /// PT: pause the template.
    PauseTemplate,
    /// PC: pause the campaign, or the number.
    PauseSender,
    /// PA: pause the account and call a person; hold what is queued.
    PauseAccount,
    /// O: record an opt-out from marketing.
    RecordOptOut,
    /// C: mark the contact, with decay.
    MarkContact,
    /// F: the request is wrong: mend it.
    FixRequest,
}

impl Action {
    /// The name in facts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Wait => "wait",
            Self::NeverRetry => "never_retry",
            Self::ResendAsTemplate => "resend_as_template",
            Self::PauseTemplate => "pause_template",
            Self::PauseSender => "pause_sender",
            Self::PauseAccount => "pause_account",
            Self::RecordOptOut => "record_opt_out",
            Self::MarkContact => "mark_contact",
            Self::FixRequest => "fix_request",
        }
    }
}

/// What to do about a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorPolicy {
    /// What the failure speaks against.
    pub class: ErrorClass,
    /// What to do, in the order in which to do it. Empty: nothing is to be done about a send.
    pub actions: &'static [Action],
    /// Least delay before the next attempt, in seconds; `None` where there is no next attempt, or where usage headers say it.
    pub retry_after_seconds: Option<i64>,
    /// Attempts after which it is a fault of the request; `None`: no such limit.
    pub attempts: Option<u32>,
}

/// Rows: first and last code, actions, least delay, attempts. The first row that holds a code decides.
type Row = (i64, i64, &'static [Action], Option<i64>, Option<u32>);

/// An unknown code: a blind retry is the costlier mistake, so it waits for a person.
const UNKNOWN: &[Action] = &[Action::NeverRetry];
/// "R few".
const FEW: Option<u32> = Some(3);
/// First delay of a retry that grows.
const BACK_OFF: Option<i64> = Some(1);

const TABLE: &[Row] = {
    use Action::{
        FixRequest as F, MarkContact as C, NeverRetry as N, PauseAccount as PA, PauseSender as PC, PauseTemplate as PT,
        RecordOptOut as O, ResendAsTemplate as T, Retry as R, Wait as W,
    };
    &[
        (0, 0, &[PA], None, None),
        (1, 1, &[R, F], BACK_OFF, FEW),
        (2, 2, &[R], BACK_OFF, None),
        (3, 3, &[PA], None, None),
        (4, 4, &[W], None, None),
        (10, 10, &[PA], None, None),
        (33, 33, &[PA], None, None),
        (100, 100, &[N, F], None, None),
        (104, 104, &[PA], None, None),
        (190, 190, &[PA], None, None),
        (200, 299, &[PA], None, None),
        (368, 368, &[PA], None, None),
        (80_007, 80_007, &[W], None, None),
        (130_403, 130_403, &[N, C], None, None),
        (130_429, 130_429, &[R], BACK_OFF, None),
        // Works once a customer service or entry point window is open.
        (130_472, 130_472, &[N], None, None),
        (130_497, 130_497, &[N, C], None, None),
        (131_000, 131_000, &[R], BACK_OFF, FEW),
        (131_005, 131_005, &[PA], None, None),
        (131_008, 131_009, &[N, F], None, None),
        (131_016, 131_016, &[R], BACK_OFF, None),
        (131_020, 131_020, &[N, F], None, None),
        (131_021, 131_021, &[N], None, None),
        (131_026, 131_026, &[N, C], None, None),
        (131_030, 131_030, &[N, F], None, None),
        (131_031, 131_031, &[PA], None, None),
        (131_037, 131_037, &[PC], None, None),
        (131_041, 131_041, &[N, F], None, None),
        (131_042, 131_042, &[PA], None, None),
        (131_044, 131_045, &[PA], None, None),
        (131_047, 131_047, &[N, T], None, None),
        (131_048, 131_048, &[PC], None, None),
        // Withheld for this person by all businesses together: a day at least, then longer, never in a loop.
        (131_049, 131_049, &[N, W], Some(86_400), None),
        (131_050, 131_050, &[N, O], None, None),
        (131_051, 131_051, &[N, F], None, None),
        // The customer's own file: ask again.
        (131_052, 131_052, &[], None, None),
        (131_053, 131_053, &[R, F], BACK_OFF, Some(1)),
        (131_055, 131_055, &[F], None, None),
        // Of one pair of numbers: 4 to the power of n seconds.
        (131_056, 131_056, &[W], Some(4), None),
        (131_057, 131_057, &[W], Some(60), None),
        (131_059, 131_059, &[N, F], None, None),
        // By phone number instead, where one is known.
        (131_062, 131_062, &[T, N], None, None),
        (131_063, 131_063, &[N], None, None),
        (131_064, 131_064, &[PC], None, None),
        (131_201, 131_215, &[N, F], None, None),
        (132_000, 132_000, &[N, F], None, None),
        (132_001, 132_001, &[N, PT], None, None),
        (132_005, 132_005, &[N, F], None, None),
        (132_007, 132_007, &[PT], None, None),
        (132_008, 132_008, &[N, F], None, None),
        (132_012, 132_012, &[N, F], None, None),
        (132_015, 132_016, &[PT], None, None),
        (132_018, 132_018, &[N, F], None, None),
        (132_068, 132_068, &[PT], None, None),
        (132_069, 132_069, &[W], Some(3_600), None),
        (133_004, 133_004, &[R], BACK_OFF, None),
        (133_000, 133_009, &[PA], None, None),
        (133_010, 133_010, &[PA], None, None),
        (133_015, 133_015, &[W], Some(300), None),
        (133_016, 133_016, &[PA], None, None),
        (134_011, 134_011, &[PA], None, None),
        (134_100, 134_100, &[F], None, None),
        (134_101, 134_101, &[W], Some(600), None),
        (134_102, 134_102, &[PT], None, None),
        (135_000, 135_000, &[N, F], None, None),
        (137_000, 137_000, &[N, C], None, None),
        // Calling: the feature is off for this person or number.
        (138_000, 138_024, &[N], None, None),
        (139_000, 139_103, &[F], None, None),
        // For information: health, insights, synchronisation.
        (141_000, 141_999, &[], None, None),
        (147_001, 147_005, &[PA], None, None),
        (200_005, 200_007, &[], None, None),
        (2_388_019, 2_388_019, &[PA], None, None),
        (2_388_039, 2_388_040, &[F], None, None),
        (2_388_047, 2_388_047, &[F], None, None),
        (2_388_072, 2_388_073, &[F], None, None),
        (2_388_293, 2_388_293, &[F], None, None),
        (2_388_299, 2_388_299, &[F], None, None),
        (2_494_100, 2_494_100, &[W], Some(60), None),
        (2_593_107, 2_593_109, &[], None, None),
    ]
};

impl ErrorPolicy {
    /// The policy of a code; `None` stands for a failure without a code.
    #[must_use]
    pub fn of(code: Option<i64>) -> Self {
        let row = code.and_then(|code| TABLE.iter().find(|(first, last, ..)| (*first..=*last).contains(&code)));
        let (actions, retry_after_seconds, attempts) = row
            .map_or((UNKNOWN, None, None), |(_, _, actions, delay, attempts)| {
                (*actions, *delay, *attempts)
            });
        Self {
            class: ErrorClass::of(code),
            actions,
            retry_after_seconds,
            attempts,
        }
    }

    /// The least delay before attempt number `attempt` (from 1), in seconds: it grows, fourfold for a pair of numbers and
    /// twofold for everything else. `None` where there is no further attempt.
    #[must_use]
    pub fn delay_seconds(code: Option<i64>, attempt: u32) -> Option<i64> {
        /// Four times a day's delay of a marketing cap is longer than anybody waits.
        const LONGEST: i64 = 7 * 86_400;
        let policy = Self::of(code);
        let first = policy.retry_after_seconds?;
        if policy.attempts.is_some_and(|attempts| attempt > attempts) {
            return None;
        }
        let factor: i64 = if code == Some(131_056) { 4 } else { 2 };
        let grown = first.saturating_mul(factor.saturating_pow(attempt.saturating_sub(1)));
        Some(grown.min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_have_the_actions_of_the_documents() {
        for (code, actions, delay) in [
            (190, &["pause_account"][..], None),
            (1, &["retry", "fix_request"], Some(1)),
            (131_016, &["retry"], Some(1)),
            (80_007, &["wait"], None),
            (130_403, &["never_retry", "mark_contact"], None),
            (131_026, &["never_retry", "mark_contact"], None),
            (131_047, &["never_retry", "resend_as_template"], None),
            (131_049, &["never_retry", "wait"], Some(86_400)),
            (131_050, &["never_retry", "record_opt_out"], None),
            (131_056, &["wait"], Some(4)),
            (132_015, &["pause_template"], None),
            (133_004, &["retry"], Some(1)),
            (133_005, &["pause_account"], None),
            (134_101, &["wait"], Some(600)),
            (999_999, &["never_retry"], None),
        ] {
            let policy = ErrorPolicy::of(Some(code));
            let names: Vec<&str> = policy.actions.iter().map(|action| action.as_str()).collect();
            assert_eq!(
                (names.as_slice(), policy.retry_after_seconds),
                (actions, delay),
                "{code}"
            );
            assert_eq!(policy.class, ErrorClass::of(Some(code)));
        }
        assert_eq!(ErrorPolicy::of(None).actions, UNKNOWN);
    }

    #[test]
    fn delays_grow_and_end() {
        let delays = |code, attempts: u32| -> Vec<_> {
            (1..=attempts)
                .map(|attempt| ErrorPolicy::delay_seconds(Some(code), attempt))
                .collect()
        };
        assert_eq!(delays(131_056, 4), [Some(4), Some(16), Some(64), Some(256)]);
        assert_eq!(delays(131_049, 3), [Some(86_400), Some(172_800), Some(345_600)]);
        assert_eq!(delays(1, 4), [Some(1), Some(2), Some(4), None]);
        assert_eq!(delays(131_026, 1), [None]);
        assert_eq!(ErrorPolicy::delay_seconds(Some(131_056), 60), Some(604_800));
    }

    /// A failure that may be tried again is of a class that passes, and whoever opted out is never tried again.
    #[test]
    fn classes_and_actions_agree() {
        let classes = |action: Action| -> BTreeSet<&str> {
            TABLE
                .iter()
                .flat_map(|(first, last, ..)| *first..=*last)
                .filter(|code| ErrorPolicy::of(Some(*code)).actions.contains(&action))
                .map(|code| ErrorClass::of(Some(code)).as_str())
                .collect()
        };
        assert_eq!(classes(Action::Retry), BTreeSet::from(["media", "rate", "transient"]));
        assert_eq!(classes(Action::RecordOptOut), BTreeSet::from(["opt_out"]));
    }
}
