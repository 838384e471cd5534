//! The verdict: who is who, as a function of the set of evidence. Evidence is taken in the order of event time,
//! whatever the order of arrival, so that any order and any repetition of input gives the same people.
//!
//! - Together on one sighting means one person. A user id (or its parent) decides; numbers follow.
//! - A number seen with another user id belongs to the new one from the first such time on.
//! - A change replaces, per kind, what the person had. The new number goes over, without a merge; later sightings of
//!   the old number are another person.
//! - Variants of a number (MX 52/521, BR with and without the ninth digit) are one number, unless they were seen with
//!   different user ids.
//! - Opposing user ids block a merge that only a number would justify.

use crate::evidence::{Change, Evidence, is_strong};
use hilo_domain::{Identifier, IdentifierKind, Millis};
use std::collections::{BTreeMap, BTreeSet};

/// An identifier of a person and the time for which it is theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub id: Identifier,
    pub from: Millis,
    pub to: Option<Millis>,
}

/// A person found by the fold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub spans: Vec<Span>,
    pub name: Option<String>,
    /// Rule with the least confidence that was needed.
    pub rule: Rule,
}

/// Why identifiers are one person's, in falling confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// They stood together on one item.
    #[default]
    Together,
    /// A parent user id joins user ids.
    Parent,
    /// The platform named old and new.
    ChangeEvent,
    /// The number is the same by a country's rule.
    NumberVariant,
}

impl Rule {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::Parent => "parent_bsuid",
            Self::ChangeEvent => "change_event",
            Self::NumberVariant => "number_variant",
        }
    }

    pub(crate) fn confidence(self) -> f64 {
        match self {
            Self::Together | Self::Parent | Self::ChangeEvent => 1.0,
            Self::NumberVariant => 0.95,
        }
    }
}

/// Who has a piece of evidence from a time on: (from, person), rising; `None` where nobody exists by it.
pub(crate) type Timeline = Vec<(Millis, Option<usize>)>;

/// People, and for each piece of evidence whose it is when.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub people: Vec<Found>,
    pub timelines: Vec<Timeline>,
}

/// A number while the fold runs.
#[derive(Default)]
struct Number {
    owner: Option<usize>,
    /// The owner left it at this time: a later sighting is somebody else.
    released: Option<Millis>,
    seen_with: BTreeSet<String>,
    /// The owner got it by a change event, and no user id was seen with it since.
    by_change: bool,
}

#[derive(Default)]
struct Person {
    /// Where this one was merged into.
    parent: Option<usize>,
    exists: bool,
    spans: Vec<Span>,
    bsuids: BTreeSet<String>,
    rule: Rule,
    name: Option<(Millis, String)>,
}

#[derive(Default)]
struct Fold {
    people: Vec<Person>,
    numbers: BTreeMap<String, Number>,
    strong: BTreeMap<Identifier, usize>,
    /// Canonical digits whose forms are different numbers, with those forms.
    split: BTreeMap<String, BTreeSet<String>>,
}

/// Finds the people behind `evidence`.
pub(crate) fn fold(evidence: &Evidence) -> Verdict {
    enum Step<'a> {
        Change(&'a Change),
        See(usize),
    }
    let contested = evidence.is_contested();
    let mut steps: Vec<(Millis, u8, &[Identifier], Step)> = Vec::new();
    for change in &evidence.changes {
        steps.push((change.at, 0, &change.new, Step::Change(change)));
    }
    for (index, together) in evidence.together.iter().enumerate() {
        if contested && !together.times.is_empty() {
            steps.extend(
                together
                    .times
                    .iter()
                    .map(|at| (*at, 1, together.ids.as_slice(), Step::See(index))),
            );
        } else {
            steps.push((together.first, 1, &together.ids, Step::See(index)));
        }
    }
    steps.sort_by(|a, b| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)));

    let mut fold = Fold {
        split: split_numbers(evidence),
        ..Fold::default()
    };
    let mut timelines: Vec<Vec<(Millis, usize)>> = vec![Vec::new(); evidence.together.len()];
    for (at, _, _, step) in steps {
        match step {
            Step::Change(change) => fold.change(change),
            Step::See(index) => {
                let together = &evidence.together[index];
                let person = fold.see(&together.ids, at);
                let root = fold.root(person);
                fold.people[root].exists |= together.creates;
                if let Some(name) = &together.name
                    && fold.people[root].name.as_ref().is_none_or(|had| had < name)
                {
                    fold.people[root].name = Some(name.clone());
                }
                timelines[index].push((at, person));
            }
        }
    }
    fold.finish(timelines)
}

/// Numbers whose written forms were seen with different user ids and never with a common one: they are not one number.
fn split_numbers(evidence: &Evidence) -> BTreeMap<String, BTreeSet<String>> {
    let mut forms: BTreeMap<String, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for together in &evidence.together {
        for id in together.ids.iter().filter(|id| id.kind == IdentifierKind::WaId) {
            let Some(number) = id.number() else { continue };
            let seen = forms.entry(number).or_default().entry(id.value.as_str()).or_default();
            seen.extend(
                together
                    .ids
                    .iter()
                    .filter(|id| id.kind == IdentifierKind::Bsuid)
                    .map(|id| id.value.as_str()),
            );
        }
    }
    forms
        .into_iter()
        .filter(|(_, forms)| {
            let with: Vec<_> = forms.values().filter(|bsuids| !bsuids.is_empty()).collect();
            with.iter()
                .enumerate()
                .any(|(place, one)| with[place + 1..].iter().any(|other| one.is_disjoint(other)))
        })
        .map(|(number, forms)| (number, forms.into_keys().map(str::to_owned).collect()))
        .collect()
}

impl Fold {
    fn root(&self, mut person: usize) -> usize {
        while let Some(parent) = self.people[person].parent {
            person = parent;
        }
        person
    }

    fn person(&mut self) -> usize {
        self.people.push(Person::default());
        self.people.len() - 1
    }

    /// Makes one person of two; gives the one that stays.
    fn union(&mut self, one: usize, other: usize) -> usize {
        let (one, other) = (self.root(one), self.root(other));
        if one == other {
            return one;
        }
        let (stays, goes) = (one.min(other), one.max(other));
        let gone = std::mem::take(&mut self.people[goes]);
        self.people[goes].parent = Some(stays);
        let into = &mut self.people[stays];
        into.exists |= gone.exists;
        into.rule = into.rule.max(gone.rule);
        into.name = into.name.take().max(gone.name);
        into.bsuids.extend(gone.bsuids);
        into.spans.extend(gone.spans);
        stays
    }

    fn opposed(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.people[self.root(one)], &self.people[self.root(other)]);
        !one.bsuids.is_empty() && !other.bsuids.is_empty() && one.bsuids.is_disjoint(&other.bsuids)
    }

    /// Tokens of the numbers on a sighting: one for all forms of a number, unless its forms are different numbers.
    fn numbers_of(&self, ids: &[Identifier]) -> Vec<String> {
        let mut tokens: Vec<String> = Vec::new();
        let wa_id = |canonical: &str| {
            ids.iter()
                .find(|id| id.kind == IdentifierKind::WaId && id.number().as_deref() == Some(canonical))
        };
        for id in ids {
            let token = match (id.kind, id.number()) {
                (IdentifierKind::WaId | IdentifierKind::Phone, Some(canonical)) => match self.split.get(&canonical) {
                    None => canonical,
                    Some(forms) => match wa_id(&canonical) {
                        Some(form) => form.value.clone(),
                        None if forms.contains(&canonical) => canonical,
                        None => forms.first().cloned().unwrap_or(canonical),
                    },
                },
                // No number: matched as the text that it is.
                (IdentifierKind::WaId, None) => format!("={}", id.value),
                _ => continue,
            };
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        tokens
    }

    fn owner(&self, token: &str, at: Millis) -> Option<usize> {
        let number = self.numbers.get(token)?;
        let owner = number
            .owner
            .filter(|_| number.released.is_none_or(|released| at <= released))?;
        Some(self.root(owner))
    }

    /// Gives a number to a person; the one who had it keeps it as former.
    fn give(&mut self, token: &str, person: usize, at: Millis) {
        let number = self.numbers.entry(token.to_owned()).or_default();
        let before = number.owner.replace(person);
        number.released = None;
        number.by_change = false;
        if let Some(before) = before.map(|before| self.root(before))
            && before != self.root(person)
        {
            self.close(before, at, |span| names_number(&span.id, token));
        }
    }

    fn close(&mut self, person: usize, at: Millis, which: impl Fn(&Span) -> bool) {
        for span in &mut self.people[person].spans {
            if span.to.is_none() && which(span) {
                span.to = Some(at.max(span.from));
            }
        }
    }

    /// Notes that a person has `ids` at a time.
    fn note(&mut self, person: usize, ids: &[Identifier], at: Millis, tokens: &[String]) {
        let root = self.root(person);
        for id in ids {
            let is_number = matches!(id.kind, IdentifierKind::WaId | IdentifierKind::Phone);
            if is_number {
                // A number that stands on the sighting but belongs to somebody else by now is not theirs.
                let Some(token) = tokens.iter().find(|token| names_number(id, token)) else {
                    continue;
                };
                if self.owner(token, at) != Some(root) {
                    continue;
                }
            }
            let person = &mut self.people[root];
            if id.kind == IdentifierKind::Bsuid {
                person.bsuids.insert(id.value.clone());
            }
            // What a change closed stays former, even if an old device still shows it.
            let had = person
                .spans
                .iter()
                .any(|span| span.id == *id && (span.to.is_none() || !is_number));
            if !had {
                person.spans.push(Span {
                    id: id.clone(),
                    from: at,
                    to: None,
                });
            }
            if person.rule < Rule::NumberVariant && is_number && is_variant(&person.spans, id) {
                person.rule = Rule::NumberVariant;
            }
        }
    }

    fn see(&mut self, ids: &[Identifier], at: Millis) -> usize {
        let tokens = self.numbers_of(ids);
        let person = if is_strong(ids) {
            self.see_strong(ids, &tokens, at)
        } else {
            self.see_numbers(&tokens, at)
        };
        self.note(person, ids, at, &tokens);
        person
    }

    fn see_numbers(&mut self, tokens: &[String], at: Millis) -> usize {
        let mut target: Option<usize> = None;
        for token in tokens {
            if let Some(owner) = self.owner(token, at) {
                target = Some(match target {
                    Some(had) if !self.opposed(had, owner) => self.union(had, owner),
                    Some(had) => had,
                    None => owner,
                });
            }
        }
        let target = target.unwrap_or_else(|| self.person());
        for token in tokens {
            if self.owner(token, at).is_none() {
                self.give(token, target, at);
                if let Some(number) = self.numbers.get_mut(token) {
                    number.seen_with.clear();
                }
            }
        }
        target
    }

    fn see_strong(&mut self, ids: &[Identifier], tokens: &[String], at: Millis) -> usize {
        let bsuids: BTreeSet<String> = ids
            .iter()
            .filter(|id| id.kind == IdentifierKind::Bsuid)
            .map(|id| id.value.clone())
            .collect();
        let strong: Vec<&Identifier> = ids.iter().filter(|id| is_strong(std::slice::from_ref(*id))).collect();
        let mut target: Option<usize> = None;
        for id in &strong {
            if let Some(owner) = self.strong.get(*id).copied() {
                let joined = match target {
                    Some(had) if self.root(had) != self.root(owner) => {
                        let stays = self.union(had, owner);
                        self.people[stays].rule = self.people[stays].rule.max(Rule::Parent);
                        stays
                    }
                    _ => self.root(owner),
                };
                target = Some(joined);
            }
        }
        let target = target
            .or_else(|| self.newcomer(tokens, &bsuids, at))
            .unwrap_or_else(|| self.person());
        for id in strong {
            self.strong.insert(id.clone(), target);
        }
        for token in tokens {
            let owner = self.owner(token, at);
            let (repeated, unseen) = self.numbers.get(token).map_or((false, true), |number| {
                (!bsuids.is_disjoint(&number.seen_with), number.seen_with.is_empty())
            });
            match owner {
                Some(owner) if owner == self.root(target) => {}
                // The pair was seen before the number went to somebody else: that it shows up again says nothing.
                _ if repeated => continue,
                Some(owner) if unseen && !self.opposed(owner, target) => {
                    self.union(owner, target);
                }
                Some(_) => self.give(token, target, at),
                None => {
                    self.give(token, target, at);
                    if let Some(number) = self.numbers.get_mut(token) {
                        number.seen_with.clear();
                    }
                }
            }
            if let Some(number) = self.numbers.get_mut(token) {
                number.seen_with.extend(bsuids.iter().cloned());
                number.by_change = false;
            }
        }
        self.root(target)
    }

    /// Who a user id that was never seen before belongs to: the owner of a number that came by a change event and had
    /// no user id since. (The platform makes a new user id when the number changes.)
    fn newcomer(&mut self, tokens: &[String], bsuids: &BTreeSet<String>, at: Millis) -> Option<usize> {
        let token = tokens.iter().find(|token| {
            self.numbers
                .get(*token)
                .is_some_and(|number| number.by_change && number.seen_with.is_empty())
        })?;
        let owner = self.owner(token, at)?;
        self.close(owner, at, |span| {
            span.id.kind == IdentifierKind::Bsuid && !bsuids.contains(&span.id.value)
        });
        Some(owner)
    }

    fn change(&mut self, change: &Change) {
        let at = change.at;
        let old_numbers = self.numbers_of(&change.old);
        let new_numbers = self.numbers_of(&change.new);
        let known = change
            .old
            .iter()
            .find_map(|id| self.strong.get(id).copied())
            .or_else(|| old_numbers.iter().find_map(|token| self.owner(token, at)));
        let mut person = match known {
            Some(person) => self.root(person),
            None if change.old.is_empty() => {
                self.see(&change.new, at);
                return;
            }
            None => self.see(&change.old, at),
        };
        self.people[person].exists = true;
        self.people[person].rule = self.people[person].rule.max(Rule::ChangeEvent);
        for id in change.old.iter().filter(|id| is_strong(std::slice::from_ref(*id))) {
            let owner = self.strong.get(id).copied();
            person = owner.map_or(person, |owner| self.union(person, owner));
            self.strong.insert(id.clone(), person);
        }
        for id in change.new.iter().filter(|id| is_strong(std::slice::from_ref(*id))) {
            self.close(person, at, |span| span.id.kind == id.kind && span.id != *id);
            let owner = self.strong.get(id).copied();
            person = owner.map_or(person, |owner| self.union(person, owner));
            self.strong.insert(id.clone(), person);
        }
        let moves = new_numbers.iter().any(|token| !old_numbers.contains(token));
        if moves {
            let held: Vec<String> = self
                .numbers
                .iter()
                .filter(|(token, number)| {
                    !new_numbers.contains(token)
                        && number.released.is_none()
                        && number.owner.map(|owner| self.root(owner)) == Some(person)
                })
                .map(|(token, _)| token.clone())
                .collect();
            for token in held {
                if let Some(number) = self.numbers.get_mut(&token) {
                    number.released = Some(at);
                }
                self.close(person, at, |span| names_number(&span.id, &token));
            }
        }
        for token in &new_numbers {
            if self.owner(token, at) == Some(person) {
                continue;
            }
            self.give(token, person, at);
            if let Some(number) = self.numbers.get_mut(token) {
                number.seen_with.clear();
                number.by_change = true;
            }
        }
        let bsuids: Vec<String> = change
            .new
            .iter()
            .filter(|id| id.kind == IdentifierKind::Bsuid)
            .map(|id| id.value.clone())
            .collect();
        for token in &new_numbers {
            if let Some(number) = self.numbers.get_mut(token)
                && !bsuids.is_empty()
            {
                number.seen_with.extend(bsuids.iter().cloned());
                number.by_change = false;
            }
        }
        // Old identifiers that were never seen before belong to the person's past.
        for id in &change.old {
            let stays = change.new.contains(id);
            let number_stays = new_numbers.iter().any(|token| names_number(id, token));
            if !self.people[person].spans.iter().any(|span| span.id == *id) && !stays && !number_stays {
                self.people[person].spans.push(Span {
                    id: id.clone(),
                    from: at,
                    to: Some(at),
                });
            }
        }
        self.note(person, &change.new, at, &new_numbers);
    }

    fn finish(self, timelines: Vec<Vec<(Millis, usize)>>) -> Verdict {
        let mut place = vec![None; self.people.len()];
        let mut people = Vec::new();
        for (index, person) in self.people.iter().enumerate() {
            if person.parent.is_none() && person.exists && !person.spans.is_empty() {
                place[index] = Some(people.len());
                people.push(Found {
                    spans: merged_spans(&person.spans),
                    name: person.name.as_ref().map(|(_, name)| name.clone()),
                    rule: person.rule,
                });
            }
        }
        let timelines = timelines
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
        Verdict { people, timelines }
    }
}

/// Whether an identifier is a form of the number that a token stands for.
fn names_number(id: &Identifier, token: &str) -> bool {
    match (id.kind, id.number()) {
        (IdentifierKind::WaId, None) => token.strip_prefix('=') == Some(id.value.as_str()),
        (IdentifierKind::WaId, Some(number)) => number == token || id.value == token,
        (IdentifierKind::Phone, Some(number)) => {
            number == token || hilo_domain::phone::canonical_digits(token) == number
        }
        _ => false,
    }
}

/// Whether the person already has the same number in another form of the same kind.
fn is_variant(spans: &[Span], id: &Identifier) -> bool {
    let number = id.number();
    number.is_some()
        && spans.iter().any(|span| {
            span.id != *id
                && span.id.number() == number
                && span.id.value.trim_start_matches('+') != id.value.trim_start_matches('+')
        })
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
