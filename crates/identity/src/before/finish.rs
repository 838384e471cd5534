//! From the fold to the verdict: people, suggestions, and whose each piece of evidence is when.

use super::{
    Fold, Found, Hint, Quiet, Span, Timeline, Verdict, owner, stated,
    suggest::{self, is_named},
};
use crate::{
    evidence::{Decided, Evidence, Username},
    rules::{Blocker, SHARED},
};
use hilo_domain::{Identifier, IdentifierKind, Millis};
use std::collections::{BTreeMap, BTreeSet};

impl Fold<'_> {
    pub(super) fn finish(
        mut self,
        timelines: Vec<Vec<(Millis, usize)>>,
        quiet: Quiet,
        evidence: &Evidence,
        standing: &[&Decided],
    ) -> Verdict {
        let mut place = vec![None; self.people.len()];
        let mut people = Vec::new();
        for (index, person) in self.people.iter().enumerate() {
            if person.parent.is_none() && !person.spans.is_empty() {
                place[index] = Some(people.len());
                let spans = merged_spans(&person.spans);
                let decisions = standing
                    .iter()
                    .filter(|decided| is_named(&spans, &decided.user) || is_named(&spans, &decided.other))
                    .map(|decided| (*decided).clone())
                    .collect();
                people.push(Found {
                    exists: person.exists,
                    spans,
                    name: person.name.as_ref().map(|(_, name)| name.clone()),
                    rules: person.rules.iter().copied().collect(),
                    suggestions: Vec::new(),
                    decisions,
                });
            }
        }
        for hint in std::mem::take(&mut self.hints) {
            let shared = hint
                .number
                .as_ref()
                .and_then(|token| self.numbers.get(token))
                .is_some_and(|number| {
                    let owners: BTreeSet<usize> = number.owners.iter().map(|owner| self.root(*owner)).collect();
                    owners.len() > SHARED
                });
            let (one, other) = (place[self.root(hint.one)], place[self.root(hint.other)]);
            if let (Some(one), Some(other), false) = (one, other, shared) {
                let Hint { rule, blocker, at, .. } = hint;
                let opposed = suggest::opposed(&people[one], &people[other], &evidence.portfolios);
                let blocker = blocker.or(opposed.then_some(Blocker::OpposingUserIds));
                suggest::pair(&mut people, one, other, (rule, blocker, at), &hint.evidence);
            }
        }
        let timelines: Vec<Timeline> = timelines
            .into_iter()
            .map(|timeline| {
                let mut out: Timeline = Vec::new();
                for (at, person) in timeline {
                    let person = place[self.root(person)];
                    if out.last().is_none_or(|(_, had)| *had != person) {
                        out.push((at, person));
                    }
                }
                out
            })
            .collect();
        suggest::candidates(&mut people, &evidence.portfolios);
        suggest::claims(&mut people, &evidence.claims);
        stated::suggest(&mut people, evidence, &timelines);
        suggest::settle(&mut people, standing);
        let mut usernames: Vec<BTreeMap<&str, (Millis, Millis)>> = vec![BTreeMap::new(); people.len()];
        for (timeline, together) in timelines.iter().zip(&evidence.together) {
            for Username { text, first, last } in &together.usernames {
                if let Some(owner) = owner(timeline, *last) {
                    let seen = usernames[owner].entry(text).or_insert((*first, *last));
                    *seen = (seen.0.min(*first), seen.1.max(*last));
                }
            }
        }
        for (person, usernames) in people.iter_mut().zip(usernames) {
            person.spans.extend(username_spans(usernames));
        }
        Verdict {
            people,
            timelines,
            quiet,
        }
    }
}

/// A person has one username at a time: each until the next one is seen after it was seen last.
fn username_spans(seen: BTreeMap<&str, (Millis, Millis)>) -> Vec<Span> {
    let mut by_last: Vec<(Millis, Millis, &str)> = seen
        .into_iter()
        .map(|(text, (first, last))| (last, first, text))
        .collect();
    by_last.sort_unstable();
    let mut nexts: Vec<Option<Millis>> = by_last.iter().skip(1).map(|(_, first, _)| Some(*first)).collect();
    nexts.push(None);
    let span = |((last, from, text), next): ((Millis, Millis, &str), Option<Millis>)| Span {
        id: Identifier::new(IdentifierKind::Username, text),
        from,
        to: next.map(|next_first| next_first.max(last)),
    };
    by_last.into_iter().zip(nexts).map(span).collect()
}

/// One span per identifier: the open one where there is one, from the earliest time on.
fn merged_spans(spans: &[Span]) -> Vec<Span> {
    let mut merged: BTreeMap<&Identifier, Span> = BTreeMap::new();
    for span in spans {
        merged
            .entry(&span.id)
            .and_modify(|had| {
                had.from = had.from.min(span.from);
                had.to = match (had.to, span.to) {
                    (Some(one), Some(other)) => Some(one.max(other)),
                    _ => None,
                };
            })
            .or_insert_with(|| span.clone());
    }
    merged.into_values().collect()
}
