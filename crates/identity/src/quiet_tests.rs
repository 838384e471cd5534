//! A sighting is known where, and only where, the verdict over all evidence is the one before.

use crate::{
    before,
    evidence::{Added, Evidence, Sees, matching},
    fold::{Verdict, fold, fold_without},
    fold_tests::ids,
    portfolio::Portfolios,
};
use hilo_contracts::item::{Decision, IdentityChange, Ruling, Sighting};
use hilo_domain::Millis;
use proptest::prelude::*;

const WORDS: [&str; 12] = [
    "+56961230001",
    "56961230001",
    "CL.1 56961230001",
    "CL.2 56961230001",
    "CL.1 56961230002",
    "56961230002",
    "CL.3",
    "+525512345678",
    "5215512345678",
    "MX.1 5215512345678",
    "MX.2 525512345678",
    "MX.2 56961230001",
];
/// Where user ids belong: all to one, some to others, one to several, one to none that is known.
const PORTFOLIOS: [&[(&str, &[&str])]; 4] = [
    &[],
    &[("CL.1", &["p"]), ("CL.2", &["q"]), ("MX.1", &["p"]), ("MX.2", &["q"])],
    &[
        ("CL.1", &["p"]),
        ("CL.2", &["p", "q"]),
        ("CL.3", &["p"]),
        ("MX.2", &["q"]),
    ],
    &[
        ("CL.1", &["p"]),
        ("CL.2", &["p"]),
        ("CL.3", &["q"]),
        ("MX.1", &["p"]),
        ("MX.2", &["r"]),
    ],
];
const CHANGES: [(&str, &str); 4] = [
    ("56961230001", "56961230002"),
    ("56961230002 CL.1", "56961230001"),
    ("CL.1", "CL.3"),
    ("5215512345678", "56961230001"),
];

/// The verdict is the one that was found before the fold had to be fast.
pub(crate) fn assert_same(found: &Verdict, evidence: &Evidence) {
    let before = before::fold(evidence);
    assert_eq!(format!("{:?}", found.people), format!("{:?}", before.people));
    assert_eq!(found.timelines, before.timelines);
}

/// Evidence as it comes, and the verdict that was found last.
struct Arriving {
    evidence: Evidence,
    verdict: Verdict,
    verdicts: usize,
    /// Statuses whose send is not known: of which word, and when.
    waiting: Vec<(usize, Millis)>,
}

impl Arriving {
    fn new(portfolios: &[(&str, &[&str])]) -> Self {
        let evidence = Evidence {
            portfolios: Portfolios::of(portfolios.iter().copied()),
            ..Evidence::default()
        };
        let verdict = fold(&evidence);
        Self {
            evidence,
            verdict,
            verdicts: 0,
            waiting: Vec::new(),
        }
    }

    fn see(&mut self, word: usize, at: Millis, sees: Sees) -> Added {
        let mut sighting = Sighting {
            identifiers: ids(WORDS[word]),
            creates: true,
            ..Sighting::default()
        };
        match sees {
            Sees::UntilItsSend => self.waiting.push((word, at)),
            Sees::OfASend => {
                sighting.since = Some(at);
                let (found, left) = self.waiting.iter().partition(|(other, _)| *other == word);
                self.waiting = left;
                sighting.instead_of = Vec::from_iter(found).into_iter().map(|(_, at)| at).collect();
            }
            Sees::ForGood => {}
        }
        let ids = matching(&sighting.identifiers);
        self.evidence.see(ids, at, &sighting, sees, &self.verdict.quiet)
    }

    /// Finds the verdict anew where it has to be found; the one that would be found is that of all steps.
    fn judge(&mut self, added: Added) {
        let found = fold(&self.evidence);
        if added == Added::Known {
            assert_eq!(found, self.verdict);
        }
        let of_all_steps = fold_without(&self.evidence, |_, _| false);
        assert_eq!(found.people, of_all_steps.people);
        assert_eq!(found.timelines, of_all_steps.timelines);
        assert_same(&found, &self.evidence);
        self.verdict = found;
        self.verdicts += usize::from(added == Added::New);
    }

    fn take(&mut self, (at, pick, sees): (Millis, usize, Sees)) {
        let added = if pick < WORDS.len() {
            self.see(pick, at, sees)
        } else if let Some((old, new)) = CHANGES.get(pick - WORDS.len()) {
            let change = IdentityChange {
                old: ids(old),
                new: ids(new),
                kind: "number_changed".to_owned(),
            };
            self.evidence.change(&change, at)
        } else {
            let decision = Decision {
                ruling: Ruling::ALL[pick - WORDS.len() - CHANGES.len()],
                user: ids("CL.1"),
                other: ids("56961230002"),
                actor: "ana".to_owned(),
                reason: String::new(),
            };
            self.evidence.decide(&decision, at)
        };
        self.judge(added);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn what_says_nothing_leaves_the_verdict(
        history in prop::collection::vec(
            (
                0..25i64,
                // Sightings, mostly.
                prop_oneof![
                    12 => 0..WORDS.len(),
                    1 => WORDS.len()..WORDS.len() + CHANGES.len() + Ruling::ALL.len(),
                ],
                prop_oneof![Just(Sees::ForGood), Just(Sees::UntilItsSend), Just(Sees::OfASend)],
            ),
            1..40,
        ),
        portfolios in 0..PORTFOLIOS.len(),
    ) {
        let mut arriving = Arriving::new(PORTFOLIOS[portfolios]);
        for told in history {
            arriving.take(told);
        }
    }
}

/// Messages, sends and statuses of somebody whose number changed hands, in any order: the verdict is found when something
/// happened, and not once for each of them.
#[test]
fn who_writes_for_years_is_judged_a_few_times() {
    let (phone, wa_id, first, second) = (0, 1, 2, 3);
    let recycled: &[(Millis, usize, Sees)] = &[(0, first, Sees::ForGood), (1, second, Sees::ForGood)];
    let changed: &[(Millis, usize, Sees)] = &[(0, WORDS.len() + 1, Sees::ForGood)];
    for start in [recycled, changed] {
        let mut arriving = Arriving::new(&[]);
        for told in start {
            arriving.take(*told);
        }
        for day in (2..60).chain((2..60).rev()) {
            let at = 10 * day;
            arriving.take((at, second, Sees::ForGood));
            arriving.take((at + 1, phone, Sees::ForGood));
            arriving.take((at + 2, wa_id, Sees::UntilItsSend));
            arriving.take((at + 1, wa_id, Sees::OfASend));
        }
        assert!(arriving.verdicts < 20, "{}", arriving.verdicts);
    }
}
