//! Suggestions: what may be one person, and waits for somebody's decision.

use crate::{
    evidence::{Claim, Decided, Key, is_same, key},
    fold::{Found, Span, Suggestion, sides},
    portfolio::Portfolios,
    rules::{Blocker, Rule},
};
use hilo_contracts::item::Ruling;
use hilo_domain::{Identifier, IdentifierKind, Millis, phone};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

/// Whether one of `side` is an identifier that a person has or had.
pub(crate) fn is_named(spans: &[Span], side: &[Identifier]) -> bool {
    spans.iter().any(|span| side.iter().any(|id| is_same(id, &span.id)))
}

/// Places of the decisions that name a person, by [`sides`].
pub(crate) fn naming(spans: &[Span], sides: &BTreeMap<Key, Vec<usize>>) -> BTreeSet<usize> {
    if sides.is_empty() {
        return BTreeSet::new();
    }
    let named = spans.iter().filter_map(|span| sides.get(&key(&span.id)));
    named.flatten().copied().collect()
}

/// Suggests that two people are one: the surest suggestion of each two is kept.
pub(crate) fn pair(
    people: &mut [Found],
    one: usize,
    other: usize,
    (rule, blocker, at): (Rule, Option<Blocker>, Millis),
    evidence: &[Identifier],
) {
    if one == other || !people[one].exists || !people[other].exists {
        return;
    }
    for (person, with) in [(one, other), (other, one)] {
        let new = Suggestion {
            other: Some(with),
            rule,
            blocker,
            at,
            evidence: evidence.to_vec(),
        };
        add(&mut people[person].suggestions, new);
    }
}

fn add(suggestions: &mut Vec<Suggestion>, new: Suggestion) {
    let order = |it: &Suggestion| {
        (
            Reverse(it.rule.confidence_percent()),
            it.at,
            it.rule,
            it.blocker,
            it.evidence.clone(),
        )
    };
    let is_known =
        |had: &&mut Suggestion| had.other == new.other && (new.other.is_some() || had.evidence == new.evidence);
    match suggestions.iter_mut().find(is_known) {
        Some(had) if order(&new) < order(had) => *had = new,
        Some(_) => {}
        None => suggestions.push(new),
    }
}

/// Suggests people who have the two forms of one Argentine number now, unless both have user ids of one portfolio.
pub(crate) fn candidates(people: &mut [Found], portfolios: &Portfolios) {
    let mut meeting: BTreeMap<String, Vec<(usize, Identifier, Millis)>> = BTreeMap::new();
    for (index, person) in people.iter().enumerate() {
        for span in person.spans.iter().filter(|span| span.to.is_none()) {
            if span.id.kind == IdentifierKind::Phone
                && let Some(digits) = span.id.number().and_then(|number| phone::candidate_digits(&number))
            {
                let holders = meeting.entry(digits).or_default();
                holders.push((index, span.id.clone(), span.from));
            }
        }
    }
    for holders in meeting.values() {
        for (place, (one, id, from)) in holders.iter().enumerate() {
            for (other, other_id, other_from) in &holders[place + 1..] {
                if id != other_id && !opposed(&people[*one], &people[*other], portfolios) {
                    let mut evidence = [id.clone(), other_id.clone()];
                    evidence.sort_unstable();
                    let at = *from.max(other_from);
                    pair(people, *one, *other, (Rule::ArMobilePrefix, None, at), &evidence);
                }
            }
        }
    }
}

/// Whether both have user ids, of one portfolio and none in common.
pub(crate) fn opposed(one: &Found, other: &Found, portfolios: &Portfolios) -> bool {
    let bsuids = |found: &Found| -> BTreeSet<String> {
        let ids = found.spans.iter().map(|span| &span.id);
        ids.filter(|id| id.kind == IdentifierKind::Bsuid)
            .map(|id| id.value.clone())
            .collect()
    };
    let (one, other) = (bsuids(one), bsuids(other));
    portfolios.are_two(&one, &other)
}

/// Suggests the people whom records of a CRM name, where nobody has the record yet.
pub(crate) fn claims(people: &mut [Found], claims: &[Claim]) {
    if claims.is_empty() {
        return;
    }
    let mut had: BTreeSet<Identifier> = BTreeSet::new();
    let mut current: BTreeMap<Identifier, Vec<(usize, Identifier)>> = BTreeMap::new();
    for (index, person) in people.iter().enumerate() {
        for span in &person.spans {
            if is_record(&span.id) {
                had.insert(span.id.clone());
            }
            if person.exists && span.to.is_none() {
                let holders = current.entry(in_one_form(&span.id)).or_default();
                holders.push((index, span.id.clone()));
            }
        }
    }
    for Claim { record, ids, first } in claims {
        if had.contains(record) {
            continue;
        }
        let mut named: BTreeMap<usize, BTreeSet<&Identifier>> = BTreeMap::new();
        let claimed: BTreeSet<Identifier> = ids.iter().map(in_one_form).collect();
        for (person, id) in claimed.iter().filter_map(|id| current.get(id)).flatten() {
            named.entry(*person).or_default().insert(id);
        }
        for (person, ids) in named {
            let is_user_id = ids.iter().any(|id| id.kind == IdentifierKind::Bsuid);
            let mut evidence: Vec<Identifier> = ids.into_iter().cloned().collect();
            evidence.push(record.clone());
            evidence.sort_unstable();
            let new = Suggestion {
                other: None,
                rule: if is_user_id { Rule::CrmUserId } else { Rule::CrmPhone },
                blocker: None,
                at: *first,
                evidence,
            };
            add_record(&mut people[person].suggestions, record, new);
        }
    }
}

/// An identifier by its key: equal for those that are the same.
fn in_one_form(id: &Identifier) -> Identifier {
    let (kind, value) = key(id);
    Identifier::new(kind, value)
}

/// One record may name a person by the number once and by the user id once: the surer holds.
pub(crate) fn add_record(suggestions: &mut Vec<Suggestion>, record: &Identifier, new: Suggestion) {
    let of_record = |had: &Suggestion| had.other.is_none() && had.evidence.contains(record);
    let order = |it: &Suggestion| (it.rule, it.at, it.evidence.clone());
    match suggestions.iter_mut().find(|had| of_record(had)) {
        Some(had) if order(&new) < order(had) => *had = new,
        Some(_) => {}
        None => suggestions.push(new),
    }
}

/// Takes out what was decided, and brings the rest into its one order.
pub(crate) fn settle(people: &mut [Found], standing: &[&Decided]) {
    let is_against = |decided: &&Decided| matches!(decided.ruling, Ruling::Reject | Ruling::Split);
    let against: Vec<&Decided> = standing.iter().copied().filter(is_against).collect();
    let sides = sides(&against);
    for person in 0..people.len() {
        let mut suggestions = std::mem::take(&mut people[person].suggestions);
        if suggestions.is_empty() {
            continue;
        }
        let on = |person: usize, side: &[Identifier]| is_named(&people[person].spans, side);
        let naming = naming(&people[person].spans, &sides);
        suggestions.retain(|it| {
            !naming
                .iter()
                .map(|place| against[*place])
                .any(|Decided { user, other, .. }| match it.other {
                    Some(with) => on(person, user) && on(with, other) || on(person, other) && on(with, user),
                    None => {
                        let record =
                            |side: &[Identifier]| it.evidence.iter().any(|id| is_record(id) && side.contains(id));
                        on(person, user) && record(other) || on(person, other) && record(user)
                    }
                })
        });
        suggestions.sort_by(|a, b| (a.other, a.rule, &a.evidence).cmp(&(b.other, b.rule, &b.evidence)));
        people[person].suggestions = suggestions;
    }
}

pub(crate) fn is_record(id: &Identifier) -> bool {
    matches!(id.kind, IdentifierKind::HubspotId | IdentifierKind::SalesforceId)
}
