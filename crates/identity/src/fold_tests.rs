//! The rules of the fold, each by a small history. `see` and `change` are given in any order: the fold sorts by time.

use crate::{
    evidence::{Added, Evidence, Sees, matching},
    fold::{Quiet, Verdict, fold},
};
use hilo_contracts::item::{Decision, IdentityChange, Ruling, Sighting};
use hilo_domain::{Identifier, IdentifierKind, Millis};
use proptest::prelude::*;

/// `+569…` a phone, digits a wa_id (which also gives its phone), `XX.ENT.…` a parent, `XX.…` a user id, else a wa_id.
pub(crate) fn ids(text: &str) -> Vec<Identifier> {
    text.split_whitespace()
        .flat_map(|word| {
            if word.starts_with('+') {
                return vec![Identifier::phone(word, None).unwrap()];
            }
            if word.contains(".ENT.") {
                return vec![Identifier::new(IdentifierKind::ParentBsuid, word)];
            }
            if word.as_bytes().get(2) == Some(&b'.') {
                return vec![Identifier::bsuid(word)];
            }
            let mut both = vec![Identifier::wa_id(word)];
            if word.bytes().all(|byte| byte.is_ascii_digit()) {
                both.extend(Identifier::phone(&format!("+{word}"), None));
            }
            both
        })
        .collect()
}

#[derive(Clone, Debug)]
pub(crate) enum Said {
    Seen(&'static str),
    Changed(&'static str, &'static str),
    Decided(Ruling, &'static str, &'static str),
}
use Ruling::{Merge, Reject, Split, Unmerge};
use Said::{Changed, Decided, Seen};

pub(crate) fn evidence(history: &[(Millis, Said)]) -> Evidence {
    let mut evidence = Evidence::default();
    for (at, said) in history {
        match said {
            Seen(text) => {
                let sighting = Sighting {
                    identifiers: ids(text),
                    name: None,
                    creates: true,
                    ..Sighting::default()
                };
                evidence.see(
                    matching(&sighting.identifiers),
                    *at,
                    &sighting,
                    Sees::ForGood,
                    &Quiet::default(),
                );
            }
            Changed(old, new) => {
                let change = IdentityChange {
                    old: ids(old),
                    new: ids(new),
                    kind: "number_changed".to_owned(),
                };
                evidence.change(&change, *at);
            }
            Decided(ruling, user, other) => {
                let decision = Decision {
                    ruling: *ruling,
                    user: ids(user),
                    other: ids(other),
                    actor: "ana".to_owned(),
                    reason: String::new(),
                };
                evidence.decide(&decision, *at);
            }
        }
    }
    evidence
}

/// People as `current | former`, wa_ids bare, sorted.
pub(crate) fn people(verdict: &Verdict) -> Vec<String> {
    let mut out: Vec<String> = verdict
        .people
        .iter()
        .filter(|person| person.exists)
        .map(|person| {
            let list = |current: bool| {
                let mut values: Vec<&str> = person
                    .spans
                    .iter()
                    .filter(|span| span.to.is_none() == current)
                    .map(|span| span.id.value.as_str())
                    .collect();
                values.sort_unstable();
                values.join(" ")
            };
            format!("{} | {}", list(true), list(false)).trim().to_owned()
        })
        .collect();
    out.sort();
    out
}

pub(crate) fn check(history: &[(Millis, Said)], want: &[&str]) {
    let mut backwards = history.to_vec();
    backwards.reverse();
    backwards.extend(history.iter().cloned());
    for history in [history, &backwards] {
        assert_eq!(people(&fold(&evidence(history))), want, "{history:?}");
    }
}

#[test]
fn together_is_one_person_whatever_is_missing() {
    check(
        &[
            (1, Seen("56961234567")),
            (2, Seen("CL.1")),
            (3, Seen("CL.1 56961234567")),
        ],
        &["+56961234567 56961234567 CL.1 |"],
    );
    check(&[(1, Seen("CL.1"))], &["CL.1 |"]);
    check(
        &[(1, Seen("CL.1 CL.ENT.9")), (2, Seen("CL.2 CL.ENT.9"))],
        &["CL.1 CL.2 CL.ENT.9 |"],
    );
    check(&[(1, Seen("no-number"))], &["no-number |"]);
}

#[test]
fn variants_are_one_number_and_the_wa_id_stays_as_it_came() {
    check(
        &[(1, Seen("+525512345678")), (2, Seen("5215512345678"))],
        &["+525512345678 5215512345678 |"],
    );
    check(
        &[(1, Seen("551187654321")), (2, Seen("+5511987654321"))],
        &["+5511987654321 551187654321 |"],
    );
    check(
        &[(1, Seen("5491123456789")), (2, Seen("+541123456789"))],
        &["+541123456789 |", "+5491123456789 5491123456789 |"],
    );
}

#[test]
fn variants_with_different_user_ids_are_two_numbers() {
    check(
        &[(1, Seen("5215512345678 MX.1")), (2, Seen("525512345678 MX.2"))],
        &[
            "+525512345678 5215512345678 MX.1 |",
            "+525512345678 525512345678 MX.2 |",
        ],
    );
}

#[test]
fn other_evidence_joins_what_a_variant_only_proposes() {
    check(
        &[
            (1, Seen("5491123456789")),
            (2, Seen("+541123456789")),
            (3, Seen("+541123456789 5491123456789")),
        ],
        &["+541123456789 +5491123456789 5491123456789 |"],
    );
}

#[test]
fn a_recycled_number_goes_to_the_new_user_id_from_the_first_such_time_on() {
    let history = [(1, Seen("56977770001 CL.7")), (9, Seen("56977770001 CL.8"))];
    check(
        &history,
        &["+56977770001 56977770001 CL.8 |", "CL.7 | +56977770001 56977770001"],
    );
    // A later sighting with the old one gives it back.
    let back = after(&history, &[(12, Seen("56977770001 CL.7"))]);
    check(
        &back,
        &["+56977770001 56977770001 CL.7 |", "CL.8 | +56977770001 56977770001"],
    );
    let again = after(&back, &[(13, Seen("56977770001 CL.8"))]);
    check(
        &again,
        &["+56977770001 56977770001 CL.8 |", "CL.7 | +56977770001 56977770001"],
    );
}

#[test]
fn a_number_that_came_by_a_change_goes_back_to_whom_it_is_seen_with_again() {
    let moved = [
        (1, Seen("573211234567 CO.1")),
        (2, Seen("573219876543 CO.2")),
        (5, Changed("573211234567", "573219876543")),
        (7, Seen("573219876543 CO.2")),
    ];
    check(
        &moved,
        &[
            "+573219876543 573219876543 CO.2 |",
            "CO.1 | +573211234567 +573219876543 573211234567 573219876543",
        ],
    );
}

#[test]
fn sightings_of_a_number_alone_belong_to_who_had_it_then() {
    let history = [
        (1, Seen("56977770001 CL.7")),
        (5, Seen("56977770001")),
        (9, Seen("56977770001 CL.8")),
        (11, Seen("56977770001")),
    ];
    let evidence = evidence(&history);
    let verdict = fold(&evidence);
    let alone = evidence
        .together
        .iter()
        .position(|together| together.times.len() == 2)
        .unwrap();
    let owners: Vec<&str> = verdict.timelines[alone]
        .iter()
        .map(|(_, person)| {
            let spans = &verdict.people[person.unwrap()].spans;
            spans
                .iter()
                .find(|span| span.id.kind == IdentifierKind::Bsuid)
                .unwrap()
                .id
                .value
                .as_str()
        })
        .collect();
    assert_eq!(owners, ["CL.7", "CL.8"]);
}

#[test]
fn a_number_change_replaces_and_the_old_number_is_somebody_else_later() {
    check(
        &[
            (1, Seen("+573211234567")),
            (5, Changed("573211234567", "573219876543")),
            (6, Seen("573219876543")),
        ],
        &["+573219876543 573219876543 | +573211234567 573211234567"],
    );
    check(
        &[
            (1, Seen("573211234567")),
            (5, Changed("573211234567", "573219876543")),
            (8, Seen("573211234567")),
        ],
        &[
            "+573211234567 573211234567 |",
            "+573219876543 573219876543 | +573211234567 573211234567",
        ],
    );
}

#[test]
fn a_new_number_that_was_somebody_elses_goes_over_without_a_merge() {
    check(
        &[
            (1, Seen("573211234567 CO.1")),
            (2, Seen("573219876543 CO.2")),
            (5, Changed("573211234567", "573219876543")),
        ],
        &[
            "+573219876543 573219876543 CO.1 | +573211234567 573211234567",
            "CO.2 | +573219876543 573219876543",
        ],
    );
}

#[test]
fn who_shows_up_again_with_a_number_that_came_back_has_it_still() {
    let back = [
        (1, Seen("CL.1 56961230001")),
        (2, Changed("56961230001", "56961230002")),
        (3, Changed("56961230002", "56961230001")),
    ];
    let next = (5, Seen("CL.9 56961230001"));
    // The platform makes a new user id when a number changes.
    check(
        &after(&back, std::slice::from_ref(&next)),
        &["+56961230001 56961230001 CL.9 | +56961230002 56961230002 CL.1"],
    );
    check(
        &after(&back, &[(4, Seen("CL.1 56961230001")), next]),
        &[
            "+56961230001 56961230001 CL.9 |",
            "CL.1 | +56961230001 +56961230002 56961230001 56961230002",
        ],
    );
}

#[test]
fn a_user_id_change_replaces_the_user_id_and_nothing_else() {
    check(
        &[
            (1, Seen("573211234567 CO.1")),
            (5, Changed("CO.1", "CO.3")),
            (6, Seen("573211234567 CO.3")),
        ],
        &["+573211234567 573211234567 CO.3 | CO.1"],
    );
    check(&[(5, Changed("CO.1", "CO.3"))], &["CO.3 | CO.1"]);
}

#[test]
fn a_change_told_after_the_new_identifiers_were_seen_joins_both() {
    check(
        &[
            (1, Seen("573211234567 CO.1")),
            (4, Seen("573219876543 CO.3")),
            (5, Changed("573211234567 CO.1", "573219876543 CO.3")),
        ],
        &["+573219876543 573219876543 CO.3 | +573211234567 573211234567 CO.1"],
    );
}

#[test]
fn opposing_user_ids_block_a_merge_that_only_numbers_would_justify() {
    check(
        &[
            (1, Seen("56961230001 CL.1")),
            (2, Seen("56961230002 CL.2")),
            (3, Seen("+56961230001 +56961230002")),
        ],
        &["+56961230001 56961230001 CL.1 |", "+56961230002 56961230002 CL.2 |"],
    );
}

#[test]
fn who_is_only_referred_to_does_not_exist() {
    let mut evidence = Evidence::default();
    let sighting = Sighting {
        identifiers: ids("+56961230001"),
        name: None,
        creates: false,
        ..Sighting::default()
    };
    evidence.see(
        matching(&sighting.identifiers),
        1,
        &sighting,
        Sees::ForGood,
        &Quiet::default(),
    );
    assert!(fold(&evidence).people.iter().all(|person| !person.exists));
}

pub(crate) fn after(history: &[(Millis, Said)], more: &[(Millis, Said)]) -> Vec<(Millis, Said)> {
    [history, more].concat()
}

const WORDS: [&str; 12] = [
    "56961230001",
    "56961230002",
    "+56961230001",
    "CL.1",
    "CL.2",
    "CL.3",
    "CL.1 56961230001",
    "CL.2 56961230001",
    "CL.3 56961230002",
    "CL.1 56961230002",
    "5215512345678",
    "+525512345678 CL.3",
];
const CHANGES: [(&str, &str); 4] = [
    ("56961230001", "56961230002"),
    ("CL.1", "CL.3"),
    ("56961230002 CL.2", "56961230001 CL.1"),
    ("5215512345678", "56961230001"),
];

const SIDES: [(&str, &str); 6] = [
    ("CL.1", "CL.2"),
    ("CL.3", "+56961230001"),
    ("5215512345678", "CL.1"),
    ("56961230001", "56961230002"),
    ("CL.1", "56961230001"),
    ("CL.2", "CL.3"),
];

fn said((at, pick): &(Millis, usize)) -> (Millis, Said) {
    let said = if let Some(word) = WORDS.get(*pick) {
        Seen(word)
    } else if let Some((old, new)) = CHANGES.get(pick - WORDS.len()) {
        Changed(old, new)
    } else {
        let pick = pick - WORDS.len() - CHANGES.len();
        let (user, other) = SIDES[pick / Ruling::ALL.len()];
        Decided(Ruling::ALL[pick % Ruling::ALL.len()], user, other)
    };
    (*at, said)
}

const PICKS: usize = WORDS.len() + CHANGES.len() + SIDES.len() * Ruling::ALL.len();

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn order_and_repetition_of_arrival_do_not_matter(
        history in prop::collection::vec((0..30i64, 0..PICKS), 1..14),
        seed in any::<u64>(),
    ) {
        let history: Vec<_> = history.iter().map(said).collect();
        let mut other = history.clone();
        other.extend(history.iter().take(5).cloned());
        let count = other.len() as u64;
        for place in 0..other.len() {
            other.swap(place, (seed.rotate_left(place as u32) % count) as usize);
        }
        let (one, two) = (fold(&evidence(&history)), fold(&evidence(&other)));
        prop_assert_eq!(one.people, two.people);
    }

    #[test]
    fn a_merge_that_is_taken_back_never_was(
        history in prop::collection::vec((0..30i64, 0..PICKS), 1..14),
        side in 0..SIDES.len(),
        at in 0..30i64,
        ruling in prop_oneof![Just(Merge), Just(Split), Just(Reject)],
    ) {
        let history: Vec<_> = history.iter().map(said).collect();
        let (user, other) = SIDES[side];
        // Earlier decisions about the same people would be taken back too.
        let history: Vec<_> = history.into_iter().filter(|(_, said)| !matches!(said, Decided(..))).collect();
        let mut decided = history.clone();
        decided.push((at, Decided(ruling, user, other)));
        decided.push((at + 1, Decided(Unmerge, other, user)));
        prop_assert_eq!(fold(&evidence(&decided)).people, fold(&evidence(&history)).people);
    }

    #[test]
    fn a_split_holds_whatever_is_seen(
        history in prop::collection::vec((0..30i64, 0..WORDS.len() + CHANGES.len()), 1..14),
        side in 0..SIDES.len(),
    ) {
        let mut history: Vec<_> = history.iter().map(said).collect();
        let (user, other) = SIDES[side];
        history.push((40, Decided(Split, user, other)));
        for person in fold(&evidence(&history)).people {
            let holds = |side: &str| {
                let current: Vec<_> = person.spans.iter().filter(|span| span.to.is_none()).collect();
                ids(side).iter().any(|id| current.iter().any(|span| crate::evidence::is_same(id, &span.id)))
            };
            prop_assert!(!(holds(user) && holds(other)), "{:?}", person.spans);
        }
    }
}

/// What a person is called is what was said last, also where it had been said before: the verdict must be found anew.
#[test]
fn a_name_that_is_said_again_after_another_holds() {
    let mut evidence = Evidence::default();
    let mut says = |who: &str, name: &str, at| {
        let sighting = Sighting {
            identifiers: ids(who),
            name: Some(name.to_owned()),
            creates: true,
            ..Sighting::default()
        };
        let added = evidence.see(
            matching(&sighting.identifiers),
            at,
            &sighting,
            Sees::ForGood,
            &Quiet::default(),
        );
        (added, fold(&evidence).people[0].name.clone().unwrap())
    };
    let (with_phone, alone) = ("CL.1 56961234567", "CL.1");
    let told = [
        says(with_phone, "Ana", 1),
        says(alone, "Eva", 2),
        says(with_phone, "Ana", 3),
        says(with_phone, "Ana", 4),
        says(alone, "Eva", 2),
    ];
    let want = [
        (Added::New, "Ana"),
        (Added::New, "Eva"),
        (Added::New, "Ana"),
        (Added::Known, "Ana"),
        (Added::Known, "Ana"),
    ];
    assert_eq!(told, want.map(|(added, name)| (added, name.to_owned())));
}

#[test]
fn a_username_is_shown_for_its_time_and_matches_nobody() {
    let seen = |user: &str, username: &str| Sighting {
        identifiers: vec![
            Identifier::bsuid(user),
            Identifier::new(IdentifierKind::Username, username),
        ],
        creates: true,
        ..Sighting::default()
    };
    let mut told = vec![
        (1, seen("CL.1", "ana")),
        (3, seen("CL.1", "ana")),
        (7, seen("CL.1", "anita")),
        (9, seen("CL.1", "anita")),
        // Somebody else has it later.
        (11, seen("CL.2", "ana")),
    ];
    for _ in 0..told.len() {
        told.rotate_left(1);
        let mut evidence = Evidence::default();
        for (at, sighting) in told.iter().chain(&told) {
            evidence.see(
                matching(&sighting.identifiers),
                *at,
                sighting,
                Sees::ForGood,
                &Quiet::default(),
            );
        }
        let mut shown: Vec<Vec<(String, Millis, Option<Millis>)>> = Vec::new();
        for person in fold(&evidence).people {
            let usernames = person
                .spans
                .iter()
                .filter(|span| span.id.kind == IdentifierKind::Username);
            shown.push(
                usernames
                    .map(|span| (span.id.value.clone(), span.from, span.to))
                    .collect(),
            );
        }
        shown.sort();
        let expected = [
            vec![("ana".to_owned(), 1, Some(7)), ("anita".to_owned(), 7, None)],
            vec![("ana".to_owned(), 11, None)],
        ];
        assert_eq!(shown, expected);
    }
}
