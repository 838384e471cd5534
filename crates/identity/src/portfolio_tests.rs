//! Portfolios of user ids in the fold, each rule by a small history.

use crate::{
    fold::fold,
    fold_tests::{
        Said::{self, Changed, Seen},
        after, evidence, people,
    },
    portfolio::Portfolios,
    quiet_tests::assert_same,
    rules::Rule,
};
use hilo_domain::{IdentifierKind, Millis};
use std::collections::BTreeSet;

/// User ids that begin alike are of one portfolio; those of AR are of any.
fn check_with_portfolios(history: &[(Millis, Said)], want: &[&str]) {
    let mut backwards = history.to_vec();
    backwards.reverse();
    for history in [history, &backwards] {
        let mut evidence = evidence(history);
        let users: BTreeSet<String> = evidence
            .identifiers()
            .filter(|id| id.kind == IdentifierKind::Bsuid && !id.value.starts_with("AR"))
            .map(|id| id.value.clone())
            .collect();
        let own: Vec<(&str, [&str; 1])> = users.iter().map(|user| (user.as_str(), [&user[..2]])).collect();
        evidence.portfolios = Portfolios::of(own.iter().map(|(user, portfolio)| (*user, &portfolio[..])));
        assert_eq!(people(&fold(&evidence)), want, "{history:?}");
        assert_same(&fold(&evidence), &evidence);
    }
}

#[test]
fn a_number_with_user_ids_of_several_portfolios_is_one_persons() {
    let two = [(1, Seen("56977770001 CL.7")), (9, Seen("56977770001 PE.8"))];
    check_with_portfolios(&two, &["+56977770001 56977770001 CL.7 PE.8 |"]);
    let mut evidence = evidence(&two);
    evidence.portfolios = Portfolios::of([("CL.7", &["P"][..]), ("PE.8", &["Q"])]);
    let rules = &fold(&evidence).people[0].rules;
    assert!(rules.contains(&Rule::SameNumberOtherPortfolio), "{rules:?}");
    // Where nobody knows of which portfolio one of them is, they may be of one.
    let unknown = [(1, Seen("56977770001 CL.7")), (9, Seen("56977770001 AR.8"))];
    let apart = ["+56977770001 56977770001 AR.8 |", "CL.7 | +56977770001 56977770001"];
    check_with_portfolios(&unknown, &apart);
    // Two who have user ids of one portfolio are two: the number goes over, and takes nobody along.
    let recycled = after(&two, &[(10, Seen("56977770001 CL.9"))]);
    check_with_portfolios(
        &recycled,
        &[
            "+56977770001 56977770001 CL.9 |",
            "CL.7 PE.8 | +56977770001 56977770001",
        ],
    );
    let joined = after(&recycled, &[(11, Seen("56977770001 PE.9"))]);
    check_with_portfolios(
        &joined,
        &[
            "+56977770001 56977770001 CL.9 PE.9 |",
            "CL.7 PE.8 | +56977770001 56977770001",
        ],
    );
    check_with_portfolios(
        &after(&joined, &[(12, Seen("56977770001 PE.8"))]),
        &[
            "+56977770001 56977770001 CL.7 PE.8 |",
            "CL.9 PE.9 | +56977770001 56977770001",
        ],
    );
}

#[test]
fn a_change_replaces_user_ids_of_its_portfolio_only() {
    check_with_portfolios(
        &[
            (1, Seen("56977770001 CL.7")),
            (2, Seen("56977770001 PE.8")),
            (5, Changed("CL.7", "CL.9")),
        ],
        &["+56977770001 56977770001 CL.9 PE.8 | CL.7"],
    );
    // The platform makes new user ids when a number changes, in each portfolio.
    check_with_portfolios(
        &[
            (1, Seen("56977770001 CL.7")),
            (2, Seen("56977770001 PE.8")),
            (5, Changed("56977770001", "56977770002")),
            (6, Seen("56977770002 PE.9")),
            (7, Seen("56977770002 CL.9")),
        ],
        &["+56977770002 56977770002 CL.9 PE.9 | +56977770001 56977770001 CL.7 PE.8"],
    );
}

#[test]
fn forms_of_a_number_are_two_by_user_ids_of_one_portfolio_only() {
    check_with_portfolios(
        &[(1, Seen("5215512345678 MX.1")), (2, Seen("525512345678 MX.2"))],
        &[
            "+525512345678 5215512345678 MX.1 |",
            "+525512345678 525512345678 MX.2 |",
        ],
    );
    check_with_portfolios(
        &[(1, Seen("5215512345678 MX.1")), (2, Seen("525512345678 PE.2"))],
        &["+525512345678 5215512345678 525512345678 MX.1 PE.2 |"],
    );
    // A country that lengthened its numbers gives the old form to nobody else.
    check_with_portfolios(
        &[(1, Seen("22997001122 BJ.1")), (2, Seen("2290197001122 BJ.2"))],
        &[
            "+2290197001122 2290197001122 BJ.2 |",
            "BJ.1 | +2290197001122 22997001122",
        ],
    );
}
