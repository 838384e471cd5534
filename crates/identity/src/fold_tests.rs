//! The rules of the fold, each by a small history. `see` and `change` are given in any order: the fold sorts by time.

use crate::{
    evidence::{Evidence, matching},
    fold::{Verdict, fold},
};
use hilo_contracts::item::{IdentityChange, Sighting};
use hilo_domain::{Identifier, IdentifierKind, Millis};
use proptest::prelude::*;

/// `+569…` a phone, digits a wa_id (which also gives its phone), `XX.ENT.…` a parent, `XX.…` a user id, else a wa_id.
fn ids(text: &str) -> Vec<Identifier> {
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
enum Said {
    Seen(&'static str),
    Changed(&'static str, &'static str),
}
use Said::{Changed, Seen};

fn evidence(history: &[(Millis, Said)]) -> Evidence {
    let mut evidence = Evidence::default();
    for (at, said) in history {
        match said {
            Seen(text) => {
                let sighting = Sighting {
                    identifiers: ids(text),
                    name: None,
                    creates: true,
                };
                evidence.see(matching(&sighting.identifiers), *at, &sighting);
            }
            Changed(old, new) => {
                let change = IdentityChange {
                    old: ids(old),
                    new: ids(new),
                    kind: "number_changed".to_owned(),
                };
                evidence.change(&change, *at);
            }
        }
    }
    evidence
}

/// People as `current | former`, wa_ids bare, sorted.
fn people(verdict: &Verdict) -> Vec<String> {
    let mut out: Vec<String> = verdict
        .people
        .iter()
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

fn check(history: &[(Millis, Said)], want: &[&str]) {
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
    let history = [
        (1, Seen("56977770001 CL.7")),
        (9, Seen("56977770001 CL.8")),
        (12, Seen("56977770001 CL.7")),
    ];
    check(
        &history,
        &["+56977770001 56977770001 CL.8 |", "CL.7 | +56977770001 56977770001"],
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
    };
    evidence.see(matching(&sighting.identifiers), 1, &sighting);
    assert!(fold(&evidence).people.is_empty());
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

proptest! {
    #[test]
    fn order_and_repetition_of_arrival_do_not_matter(
        history in prop::collection::vec((0..30i64, 0..WORDS.len() + CHANGES.len()), 1..14),
        seed in any::<u64>(),
    ) {
        let said = |(at, pick): &(Millis, usize)| match WORDS.get(*pick) {
            Some(word) => (*at, Seen(word)),
            None => (*at, Changed(CHANGES[pick - WORDS.len()].0, CHANGES[pick - WORDS.len()].1)),
        };
        let history: Vec<_> = history.iter().map(said).collect();
        let mut other = history.clone();
        other.extend(history.iter().take(5).cloned());
        let count = other.len() as u64;
        for place in 0..other.len() {
            other.swap(place, (seed.rotate_left(place as u32) % count) as usize);
        }
        let (one, two) = (fold(&evidence(&history)), fold(&evidence(&other)));
        prop_assert_eq!(people(&one), people(&two));
    }
}
