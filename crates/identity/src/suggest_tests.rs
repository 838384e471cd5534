//! What is suggested, by small histories in the words of the fold's tests.

use crate::{
    evidence::{Evidence, Sees, matching},
    fold::{Quiet, fold},
    fold_tests::{
        Said::{self, Changed, Decided, Seen},
        after, check, evidence, ids, people,
    },
};
use hilo_contracts::item::{
    Decision,
    Ruling::{Merge, Reject, Unmerge},
    Sighting,
};
use hilo_domain::{Identifier, IdentifierKind, Millis};

/// Suggestions as `rule: one ~ other`, where a person is their first current identifier, each once.
fn suggestions(history: &[(Millis, Said)]) -> Vec<String> {
    suggestions_of(&evidence(history))
}

fn suggestions_of(evidence: &Evidence) -> Vec<String> {
    let verdict = fold(evidence);
    let name = |person: usize| {
        let spans = &verdict.people[person].spans;
        let current = spans.iter().find(|span| span.to.is_none()).unwrap_or(&spans[0]);
        current.id.value.clone()
    };
    let mut out: Vec<String> = Vec::new();
    for (one, person) in verdict.people.iter().enumerate() {
        for suggestion in &person.suggestions {
            let other = suggestion.other.map_or_else(|| "record".to_owned(), name);
            let mut both = [name(one), other];
            both.sort();
            let blocker = suggestion.blocker.map_or("", crate::rules::Blocker::name);
            out.push(
                format!("{}: {} ~ {} {blocker}", suggestion.rule.name(), both[0], both[1])
                    .trim()
                    .to_owned(),
            );
        }
    }
    out.sort();
    out.dedup();
    out
}

#[test]
fn what_may_be_one_person_is_suggested_until_somebody_decides() {
    let argentina = [(1, Seen("5491123456789 AR.1")), (2, Seen("+541123456789"))];
    let suggestion = ["ar_mobile_prefix: +541123456789 ~ AR.1"];
    assert_eq!(suggestions(&argentina), suggestion);
    let rejected = after(&argentina, &[(5, Decided(Reject, "AR.1", "+541123456789"))]);
    assert!(suggestions(&rejected).is_empty());
    assert_eq!(fold(&evidence(&rejected)).people.len(), 2);
    let reopened = after(&rejected, &[(6, Decided(Unmerge, "AR.1", "+541123456789"))]);
    assert_eq!(suggestions(&reopened), suggestion);
    let merged = after(&argentina, &[(5, Decided(Merge, "AR.1", "+541123456789"))]);
    assert!(suggestions(&merged).is_empty());
    check(&merged, &["+541123456789 +5491123456789 5491123456789 AR.1 |"]);

    let recycled = [(1, Seen("CL.7 56977770001")), (9, Seen("CL.8 56977770001"))];
    assert_eq!(suggestions(&recycled), ["same_number: CL.7 ~ CL.8 opposing_user_ids"]);
    let taken = [
        (1, Seen("573211234567 CO.1")),
        (2, Seen("573219876543 CO.2")),
        (5, Changed("573211234567", "573219876543")),
    ];
    assert_eq!(
        suggestions(&taken),
        ["number_taken_over: CO.1 ~ CO.2 opposing_user_ids"]
    );
}

#[test]
fn a_number_that_many_had_suggests_nothing() {
    let history: Vec<(Millis, Said)> = [
        "CL.1 56977770001",
        "CL.2 56977770001",
        "CL.3 56977770001",
        "CL.4 56977770001",
    ]
    .into_iter()
    .zip(1..)
    .map(|(seen, at)| (at, Seen(seen)))
    .collect();
    assert_eq!(suggestions(&history[..3]).len(), 2);
    assert!(suggestions(&history).is_empty());
}

#[test]
fn beyond_the_cap_an_automatic_merge_is_only_suggested() {
    let parents: Vec<String> = (1..=11).map(|place| format!("CL.{place} CL.ENT.9")).collect();
    let mut evidence = Evidence::default();
    for (text, at) in parents.iter().zip(1..) {
        let alone = ids(text.split(' ').next().unwrap());
        let sighting = Sighting {
            identifiers: alone,
            name: None,
            creates: true,
            ..Sighting::default()
        };
        evidence.see(
            matching(&sighting.identifiers),
            at,
            &sighting,
            Sees::ForGood,
            &Quiet::default(),
        );
        let sighting = Sighting {
            identifiers: ids(text),
            ..sighting
        };
        evidence.see(
            matching(&sighting.identifiers),
            100 + at,
            &sighting,
            Sees::ForGood,
            &Quiet::default(),
        );
    }
    let verdict = fold(&evidence);
    assert_eq!(verdict.people.len(), 2, "{:?}", people(&verdict));
    let capped = verdict.people.iter().flat_map(|person| &person.suggestions);
    assert!(capped.clone().count() == 2 && capped.clone().all(|it| it.blocker == Some(crate::rules::Blocker::Cap)));
}

#[test]
fn a_record_of_a_crm_is_suggested_to_whom_it_names_and_linked_by_a_decision() {
    let mut evidence = evidence(&[(1, Seen("CL.1 56961230001"))]);
    let record = Identifier::new(IdentifierKind::HubspotId, "512");
    evidence.claim(&record, ids("+56961230001"), 3);
    let suggested = |evidence: &Evidence| -> Vec<&'static str> {
        let verdict = fold(evidence);
        verdict
            .people
            .iter()
            .flat_map(|person| &person.suggestions)
            .map(|it| it.rule.name())
            .collect()
    };
    assert_eq!(suggested(&evidence), ["crm_phone"]);
    evidence.claim(&record, ids("CL.1"), 4);
    assert_eq!(suggested(&evidence), ["crm_user_id"]);
    let decision = Decision {
        ruling: Merge,
        user: ids("CL.1"),
        other: vec![record],
        actor: "ana".to_owned(),
        reason: String::new(),
    };
    evidence.decide(&decision, 5);
    assert!(suggested(&evidence).is_empty());
    assert_eq!(people(&fold(&evidence)), ["+56961230001 512 56961230001 CL.1 |"]);
}

fn email(text: &str) -> Identifier {
    Identifier::email(text).unwrap()
}

fn document(text: &str) -> Identifier {
    Identifier::document(text).unwrap()
}

/// Suggestions of a history after which holders stated values.
fn with_statements(history: &[(Millis, Said)], stated: &[(Millis, &str, Identifier)]) -> Vec<String> {
    let mut evidence = evidence(history);
    for (at, holder, value) in stated {
        evidence.state(value, &matching(&ids(holder)), *at);
    }
    suggestions_of(&evidence)
}

#[test]
fn what_a_number_states_is_of_whoever_had_it_then() {
    // The number goes from CL.7 to CL.8 at 9.
    let history = [
        (1, Seen("CL.7 56977770001")),
        (2, Seen("56977770001")),
        (9, Seen("CL.8 56977770001")),
        (12, Seen("56977770001")),
        (3, Seen("CL.9")),
    ];
    let same = "same_number: CL.7 ~ CL.8 opposing_user_ids";
    let stated = |at| {
        with_statements(
            &history,
            &[(at, "56977770001", email("ana@x.cl")), (3, "CL.9", email("ana@x.cl"))],
        )
    };
    assert_eq!(stated(2), ["email: CL.7 ~ CL.9 opposing_user_ids", same]);
    assert_eq!(stated(12), ["email: CL.8 ~ CL.9 opposing_user_ids", same]);
}

#[test]
fn another_email_and_another_document_speak_against_one_person() {
    let argentina = [(1, Seen("5491123456789 AR.1")), (2, Seen("541123456789"))];
    let (one, other) = ("5491123456789 AR.1", "541123456789");
    let mut stated = vec![
        (3, one, email("ana@x.ar")),
        (3, other, email("eva@x.ar")),
        (3, one, document("30.123.456")),
    ];
    let plain = ["ar_mobile_prefix: +541123456789 ~ AR.1"];
    assert_eq!(
        with_statements(&argentina, &stated),
        plain,
        "one of the two may have changed"
    );
    stated.push((4, other, document("30.999.999")));
    let against = ["ar_mobile_prefix: +541123456789 ~ AR.1 opposing_statements"];
    assert_eq!(with_statements(&argentina, &stated), against);
    // A common document speaks for, and louder.
    stated.push((5, other, document("30.123.456")));
    assert_eq!(with_statements(&argentina, &stated), ["document: +541123456789 ~ AR.1"]);
}

#[test]
fn a_record_with_another_email_and_another_document_is_told_as_somebody_else() {
    let record = Identifier::new(IdentifierKind::HubspotId, "512");
    let mut evidence = evidence(&[(1, Seen("CL.1 56961230001"))]);
    evidence.claim(&record, ids("+56961230001"), 3);
    let blockers = |evidence: &Evidence| -> Vec<Option<&'static str>> {
        let people = fold(evidence).people;
        let all = people.iter().flat_map(|person| &person.suggestions);
        all.map(|it| it.blocker.map(crate::rules::Blocker::name)).collect()
    };
    let person = matching(&ids("CL.1 56961230001"));
    evidence.state(&email("ana@x.cl"), &person, 4);
    evidence.state(&email("eva@x.cl"), std::slice::from_ref(&record), 4);
    evidence.state(&document("12.345.678-5"), &person, 4);
    assert_eq!(blockers(&evidence), [None]);
    // Of another length it may be of another kind: a person has several.
    evidence.state(&document("1.020.304.050"), std::slice::from_ref(&record), 5);
    assert_eq!(blockers(&evidence), [None]);
    evidence.state(&document("9.999.999-9"), std::slice::from_ref(&record), 5);
    assert_eq!(blockers(&evidence), [None]);
    evidence.state(&document("99.999.999-9"), std::slice::from_ref(&record), 6);
    assert_eq!(blockers(&evidence), [Some("opposing_statements")]);
}

#[test]
fn who_states_more_than_three_documents_speaks_for_many() {
    let argentina = [(1, Seen("5491123456789 AR.1")), (2, Seen("541123456789"))];
    let stated: Vec<_> = [30_123_451, 30_123_452, 30_123_453, 30_123_454]
        .map(|number: i64| (3, "541123456789", document(&number.to_string())))
        .into();
    assert_eq!(with_statements(&argentina, &stated[..3]).len(), 1);
    assert!(with_statements(&argentina, &stated).is_empty());
}
