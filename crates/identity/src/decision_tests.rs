//! Decisions in the fold, each rule by a small history.

use crate::{
    fold::fold,
    fold_tests::{
        Said::{self, Decided, Seen},
        after, check, evidence,
    },
};
use hilo_contracts::item::Ruling::{Merge, Split, Unmerge};
use hilo_domain::Millis;

const TWO: [(Millis, Said); 2] = [(1, Seen("CL.1 56961230001")), (2, Seen("CL.2 56961230002"))];

#[test]
fn a_merge_joins_and_an_unmerge_takes_it_back() {
    let merged = after(&TWO, &[(5, Decided(Merge, "CL.1", "+56961230002"))]);
    check(
        &merged,
        &["+56961230001 +56961230002 56961230001 56961230002 CL.1 CL.2 |"],
    );
    let unmerged = after(&merged, &[(6, Decided(Unmerge, "56961230002", "CL.1"))]);
    assert_eq!(fold(&evidence(&unmerged)).people, fold(&evidence(&TWO)).people);
    let again = after(&unmerged, &[(7, Decided(Merge, "CL.2", "CL.1"))]);
    assert_eq!(fold(&evidence(&again)).people.len(), 1);
    // What counts is when it was decided, and at one instant what is more restrictive.
    let late = after(
        &TWO,
        &[
            (5, Decided(Merge, "CL.1", "CL.2")),
            (4, Decided(Unmerge, "CL.1", "CL.2")),
        ],
    );
    assert_eq!(fold(&evidence(&late)).people.len(), 1);
    let tie = after(
        &TWO,
        &[
            (5, Decided(Unmerge, "CL.1", "CL.2")),
            (5, Decided(Merge, "CL.1", "CL.2")),
        ],
    );
    assert_eq!(fold(&evidence(&tie)).people.len(), 2);
}

#[test]
fn a_merge_joins_whoever_has_the_number_at_its_time() {
    let history = [
        (1, Seen("CL.7 56977770001")),
        (9, Seen("CL.8 56977770001")),
        (1, Seen("CL.9")),
        (5, Decided(Merge, "CL.9", "+56977770001")),
    ];
    check(
        &history,
        &[
            "+56977770001 56977770001 CL.8 |",
            "CL.7 CL.9 | +56977770001 56977770001",
        ],
    );
}

#[test]
fn a_split_keeps_apart_what_is_seen_together() {
    let together = [(1, Seen("CL.1 56961230001")), (3, Seen("56961230001"))];
    let split = after(&together, &[(5, Decided(Split, "CL.1", "56961230001"))]);
    check(&split, &["+56961230001 56961230001 |", "CL.1 |"]);
    let back = after(&split, &[(6, Decided(Unmerge, "CL.1", "56961230001"))]);
    assert_eq!(fold(&evidence(&back)).people, fold(&evidence(&together)).people);
    let family = [
        (1, Seen("CL.1 CL.ENT.9")),
        (2, Seen("CL.2 CL.ENT.9")),
        (5, Decided(Split, "CL.1", "CL.2")),
    ];
    check(&family, &["CL.1 CL.ENT.9 |", "CL.2 CL.ENT.9 |"]);
    let forms = [
        (1, Seen("5215512345678")),
        (2, Seen("525512345678")),
        (5, Decided(Split, "5215512345678", "525512345678")),
    ];
    check(
        &forms,
        &["+525512345678 5215512345678 |", "+525512345678 525512345678 |"],
    );
    // Whoever was never seen alone exists by the split.
    let shared = [
        (1, Seen("CL.1 56961230001")),
        (5, Decided(Split, "CL.1", "56961230001")),
    ];
    check(&shared, &["+56961230001 56961230001 |", "CL.1 |"]);
}
