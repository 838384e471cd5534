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
//! - A decision holds for all of the history: a merge joins whoever has the identifiers at its time; a split keeps
//!   apart whatever speaks for one person; a rejection only withdraws a suggestion.

use crate::{
    evidence::{Change, Decided, Evidence, is_same, is_strong, names},
    rules::{Blocker, CAP, Rule, SHARED},
    suggest::{self, is_named},
};
use hilo_contracts::item::Ruling;
use hilo_domain::{Identifier, IdentifierKind, Millis};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// An identifier of a person and the time for which it is theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub id: Identifier,
    pub from: Millis,
    pub to: Option<Millis>,
}

/// A suggestion that a person is somebody else too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Suggestion {
    /// The other person; `None` where it is a record of a CRM.
    pub other: Option<usize>,
    pub rule: Rule,
    pub blocker: Option<Blocker>,
    pub at: Millis,
    /// What speaks for it, sorted.
    pub evidence: Vec<Identifier>,
}

/// A person found by the fold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Whether anybody saw them; who is only referred to, by a CRM event, does not exist and still has an id.
    pub exists: bool,
    pub spans: Vec<Span>,
    pub name: Option<String>,
    /// Rules that were needed, in falling confidence.
    pub rules: Vec<Rule>,
    /// Open suggestions.
    pub suggestions: Vec<Suggestion>,
    /// Decisions about the person that hold.
    pub decisions: Vec<Decided>,
}

/// Who has a piece of evidence from a time on: (from, person), rising; `None` where it names nobody.
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
    /// User ids that it was seen with since its owner got it.
    seen_with: BTreeSet<String>,
    /// User ids that it was ever seen with: a pair counts from its first time on and says nothing later.
    ever_with: BTreeSet<String>,
    /// The owner got it by a change event, and no user id was seen with it since.
    by_change: bool,
    /// How often it went to somebody.
    owners: usize,
}

#[derive(Default)]
struct Person {
    /// Where this one was merged into.
    parent: Option<usize>,
    exists: bool,
    spans: Vec<Span>,
    bsuids: BTreeSet<String>,
    rules: BTreeSet<Rule>,
    name: Option<(Millis, String)>,
}

#[derive(Default)]
struct Fold<'a> {
    people: Vec<Person>,
    numbers: BTreeMap<String, Number>,
    strong: BTreeMap<Identifier, usize>,
    /// Canonical digits whose forms are different numbers, with those forms.
    split: BTreeMap<String, BTreeSet<String>>,
    /// Who was decided to be two people.
    apart: Vec<&'a Decided>,
    hints: Vec<Hint>,
}

/// What may be one person, while the fold runs.
struct Hint {
    one: usize,
    other: usize,
    rule: Rule,
    blocker: Option<Blocker>,
    at: Millis,
    evidence: Vec<Identifier>,
    /// The number that it rests on.
    number: Option<String>,
}

/// Finds the people behind `evidence`.
pub(crate) fn fold(evidence: &Evidence) -> Verdict {
    enum Step<'a> {
        Change(&'a Change),
        See(usize),
        Decide(&'a Decided),
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
    let standing: Vec<&Decided> = evidence.standing().collect();
    for decided in standing.iter().filter(|decided| decided.ruling != Ruling::Reject) {
        steps.push((decided.at, 2, &decided.user, Step::Decide(decided)));
    }
    steps.sort_by(|a, b| (a.0, a.1, a.2).cmp(&(b.0, b.1, b.2)));

    let is_split = |decided: &&Decided| decided.ruling == Ruling::Split;
    let apart: Vec<&Decided> = standing.iter().copied().filter(is_split).collect();
    let mut fold = Fold {
        split: split_numbers(evidence, &apart),
        apart,
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
            Step::Decide(decided) => fold.decide(decided),
        }
    }
    fold.finish(timelines, evidence, &standing)
}

/// Numbers whose written forms were seen with different user ids and never with a common one, or were decided to be two
/// people's: they are not one number.
fn split_numbers(evidence: &Evidence, apart: &[&Decided]) -> BTreeMap<String, BTreeSet<String>> {
    let mut decided: BTreeSet<String> = BTreeSet::new();
    for Decided { user, other, .. } in apart.iter().copied() {
        for id in user.iter().chain(other) {
            let (Some(number), true) = (id.number(), names(user, other)) else {
                continue;
            };
            decided.insert(number);
        }
    }
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
        .filter(|(number, forms)| {
            if decided.contains(number) {
                return true;
            }
            let with: Vec<_> = forms.values().filter(|bsuids| !bsuids.is_empty()).collect();
            with.iter()
                .enumerate()
                .any(|(place, one)| with[place + 1..].iter().any(|other| one.is_disjoint(other)))
        })
        .map(|(number, forms)| (number, forms.into_keys().map(str::to_owned).collect()))
        .collect()
}

impl Fold<'_> {
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

    /// Makes one person of two, unless it was decided that they are two, or an automatic rule would give the person too
    /// much; gives the one that stays.
    fn join(&mut self, one: usize, other: usize, rule: Rule, at: Millis) -> Option<usize> {
        let (one, other) = (self.root(one), self.root(other));
        if one == other {
            return Some(one);
        }
        if self.parted(one, other) {
            return None;
        }
        if rule != Rule::Operator && self.is_too_much(one, other) {
            self.hint(one, other, rule, Some(Blocker::Cap), at, Vec::new(), None);
            return None;
        }
        let (stays, goes) = (one.min(other), one.max(other));
        let gone = std::mem::take(&mut self.people[goes]);
        self.people[goes].parent = Some(stays);
        let into = &mut self.people[stays];
        into.exists |= gone.exists;
        into.rules.extend(gone.rules);
        into.rules.insert(rule);
        into.name = into.name.take().max(gone.name);
        into.bsuids.extend(gone.bsuids);
        into.spans.extend(gone.spans);
        Some(stays)
    }

    /// Whether one person of two would have more phones or user ids than one person has.
    fn is_too_much(&self, one: usize, other: usize) -> bool {
        let spans = || self.people[one].spans.iter().chain(&self.people[other].spans);
        if spans().count() <= CAP {
            return false;
        }
        [IdentifierKind::Phone, IdentifierKind::Bsuid].into_iter().any(|kind| {
            let distinct: BTreeSet<&str> = spans()
                .filter(|span| span.id.kind == kind)
                .map(|span| span.id.value.as_str())
                .collect();
            distinct.len() > CAP
        })
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "a hint with its parts; a struct would be built once, here"
    )]
    fn hint(
        &mut self,
        one: usize,
        other: usize,
        rule: Rule,
        blocker: Option<Blocker>,
        at: Millis,
        evidence: Vec<Identifier>,
        number: Option<String>,
    ) {
        self.hints.push(Hint {
            one,
            other,
            rule,
            blocker,
            at,
            evidence,
            number,
        });
    }

    fn opposed(&self, one: usize, other: usize) -> bool {
        let (one, other) = (self.root(one), self.root(other));
        let (first, second) = (&self.people[one].bsuids, &self.people[other].bsuids);
        !first.is_empty() && !second.is_empty() && first.is_disjoint(second) || self.parted(one, other)
    }

    /// Whether somebody decided that the two are two.
    fn parted(&self, one: usize, other: usize) -> bool {
        let holds = |person: usize, side: &[Identifier]| {
            let spans = &self.people[self.root(person)].spans;
            spans
                .iter()
                .any(|span| holds_now(span) && side.iter().any(|id| is_same(id, &span.id)))
        };
        self.apart.iter().any(|Decided { user, other: side, .. }| {
            holds(one, user) && holds(other, side) || holds(one, side) && holds(other, user)
        })
    }

    /// Whether somebody decided that who is seen by `ids` is not this person.
    fn is_kept_from(&self, ids: &[Identifier], person: usize) -> bool {
        let holds = |side: &[Identifier]| {
            let spans = &self.people[self.root(person)].spans;
            spans
                .iter()
                .any(|span| holds_now(span) && side.iter().any(|id| is_same(id, &span.id)))
        };
        self.apart.iter().any(|Decided { user, other, .. }| {
            names(ids, user) && holds(other) && !holds(user) || names(ids, other) && holds(user) && !holds(other)
        })
    }

    /// Whether somebody decided that old and new are two people: then nobody changed anything.
    fn is_contradicted(&self, change: &Change) -> bool {
        self.apart.iter().any(|Decided { user, other, .. }| {
            names(&change.old, user) && names(&change.new, other)
                || names(&change.old, other) && names(&change.new, user)
        })
    }

    /// What is left of a sighting that shows both sides of a split: the side of the surer identifier.
    fn sided<'b>(&self, ids: &'b [Identifier]) -> Cow<'b, [Identifier]> {
        let mut left = Cow::Borrowed(ids);
        for Decided { user, other, .. } in &self.apart {
            if names(user, other) || !names(&left, user) || !names(&left, other) {
                continue;
            }
            let on = |side: &[Identifier], id: &Identifier| side.iter().any(|named| is_same(named, id));
            let surest = left
                .iter()
                .filter(|id| on(user, id) || on(other, id))
                .min_by_key(|id| (surety(id.kind), *id));
            let drop = if surest.is_some_and(|id| on(user, id)) {
                other
            } else {
                user
            };
            left = left.iter().filter(|id| !on(drop, id)).cloned().collect();
        }
        left
    }

    /// Who is named by one side of a decision at a time; somebody who may not exist where nobody is known by it yet.
    fn named(&mut self, ids: &[Identifier], at: Millis) -> usize {
        let known = ids.iter().find_map(|id| self.strong.get(id).copied());
        let tokens = self.numbers_of(ids);
        let known = known.or_else(|| tokens.iter().find_map(|token| self.owner(token, at)));
        if let Some(person) = known {
            return self.root(person);
        }
        let person = self.see(ids, at);
        for id in ids {
            if matches!(id.kind, IdentifierKind::HubspotId | IdentifierKind::SalesforceId) {
                self.strong.insert(id.clone(), person);
            }
        }
        person
    }

    fn decide(&mut self, decided: &Decided) {
        let other = self.named(&decided.other, decided.at);
        if decided.ruling == Ruling::Split {
            // Whoever was split off exists, even if never seen alone.
            self.people[other].exists = true;
            return;
        }
        let user = self.named(&decided.user, decided.at);
        self.join(user, other, Rule::Operator, decided.at);
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
        number.owners += 1;
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
            // Seen at the very time at which a change ended it.
            let mut ended = false;
            if is_number {
                // A number that stands on the sighting but belongs to somebody else by now is not theirs.
                let Some(token) = tokens.iter().find(|token| names_number(id, token)) else {
                    continue;
                };
                if self.owner(token, at) != Some(root) {
                    continue;
                }
                ended = self.numbers.get(token).is_some_and(|number| number.released.is_some());
            }
            let person = &mut self.people[root];
            if id.kind == IdentifierKind::Bsuid {
                person.bsuids.insert(id.value.clone());
            }
            // What a change closed stays former, even if an old device still shows it.
            let had = person
                .spans
                .iter()
                .any(|span| span.id == *id && (span.to.is_none() || ended || !is_number));
            if !had {
                person.spans.push(Span {
                    id: id.clone(),
                    from: at,
                    to: ended.then_some(at),
                });
            }
            if is_number && !person.rules.contains(&Rule::NumberVariant) && is_variant(&person.spans, id) {
                person.rules.insert(Rule::NumberVariant);
            }
        }
    }

    fn see(&mut self, ids: &[Identifier], at: Millis) -> usize {
        let ids = &*self.sided(ids);
        let tokens = self.numbers_of(ids);
        let person = if is_strong(ids) {
            self.see_strong(ids, &tokens, at)
        } else {
            self.see_numbers(ids, &tokens, at)
        };
        self.note(person, ids, at, &tokens);
        person
    }

    /// Who has a number that is seen at a time, unless somebody decided that it is not theirs.
    fn holder(&self, token: &str, ids: &[Identifier], at: Millis) -> Option<usize> {
        let owner = self.owner(token, at)?;
        let kept = !self.apart.is_empty() && self.is_kept_from(&numbers_among(ids, token), owner);
        (!kept).then_some(owner)
    }

    fn see_numbers(&mut self, ids: &[Identifier], tokens: &[String], at: Millis) -> usize {
        let mut target: Option<usize> = None;
        for token in tokens {
            if let Some(owner) = self.holder(token, ids, at) {
                target = Some(match target {
                    Some(had) if !self.opposed(had, owner) => self.join(had, owner, Rule::Together, at).unwrap_or(had),
                    Some(had) => had,
                    None => owner,
                });
            }
        }
        let target = target.unwrap_or_else(|| self.person());
        for token in tokens {
            if self.holder(token, ids, at).is_none() {
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
        let user_ids: Vec<Identifier> = strong.iter().copied().cloned().collect();
        let mut target: Option<usize> = None;
        for id in &strong {
            if let Some(owner) = self.strong.get(*id).copied() {
                if self.is_kept_from(&user_ids, owner) {
                    continue;
                }
                let joined = match target {
                    Some(had) if self.root(had) != self.root(owner) => {
                        self.join(had, owner, Rule::Parent, at).unwrap_or(had)
                    }
                    _ => self.root(owner),
                };
                target = Some(joined);
            }
        }
        let target = target
            .or_else(|| self.newcomer(ids, tokens, &bsuids, at))
            .unwrap_or_else(|| self.person());
        for id in strong {
            self.strong.insert(id.clone(), target);
        }
        for token in tokens {
            if !self.apart.is_empty() && self.is_kept_from(&numbers_among(ids, token), target) {
                continue;
            }
            let owner = self.holder(token, ids, at);
            let (repeated, unseen) = self.numbers.get(token).map_or((false, true), |number| {
                (!bsuids.is_disjoint(&number.ever_with), number.seen_with.is_empty())
            });
            match owner {
                Some(owner) if owner == self.root(target) => {}
                // The pair was seen before the number went to somebody else: that it shows up again says nothing.
                _ if repeated => continue,
                Some(owner) if unseen && !self.opposed(owner, target) && !self.is_kept_from(&user_ids, owner) => {
                    if self.join(owner, target, Rule::Together, at).is_none() {
                        continue;
                    }
                }
                Some(owner) => {
                    let blocker = self.opposed(owner, target).then_some(Blocker::OpposingUserIds);
                    let number = numbers_among(ids, token);
                    self.hint(
                        owner,
                        target,
                        Rule::SameNumber,
                        blocker,
                        at,
                        number,
                        Some(token.clone()),
                    );
                    self.give(token, target, at);
                    let root = self.root(target);
                    self.people[root].rules.insert(Rule::RecycledNumber);
                }
                None => {
                    self.give(token, target, at);
                    if let Some(number) = self.numbers.get_mut(token) {
                        number.seen_with.clear();
                    }
                }
            }
            if let Some(number) = self.numbers.get_mut(token) {
                number.seen_with.extend(bsuids.iter().cloned());
                number.ever_with.extend(bsuids.iter().cloned());
                number.by_change = false;
            }
        }
        self.root(target)
    }

    /// Who a user id that was never seen before belongs to: the owner of a number that came by a change event and had
    /// no user id since. (The platform makes a new user id when the number changes.)
    fn newcomer(
        &mut self,
        ids: &[Identifier],
        tokens: &[String],
        bsuids: &BTreeSet<String>,
        at: Millis,
    ) -> Option<usize> {
        let token = tokens.iter().find(|token| {
            self.numbers
                .get(*token)
                .is_some_and(|number| number.by_change && number.seen_with.is_empty())
        })?;
        let owner = self.holder(token, ids, at)?;
        if self.is_kept_from(ids, owner) {
            return None;
        }
        self.close(owner, at, |span| {
            span.id.kind == IdentifierKind::Bsuid && !bsuids.contains(&span.id.value)
        });
        Some(owner)
    }

    fn change(&mut self, change: &Change) {
        let at = change.at;
        let change = &Change {
            old: self.sided(&change.old).into_owned(),
            new: self.sided(&change.new).into_owned(),
            ..change.clone()
        };
        let old_numbers = self.numbers_of(&change.old);
        let new_numbers = self.numbers_of(&change.new);
        let known = change
            .old
            .iter()
            .find_map(|id| self.strong.get(id).copied())
            .or_else(|| old_numbers.iter().find_map(|token| self.holder(token, &change.old, at)));
        let kept = known.is_some_and(|known| self.is_kept_from(&change.new, known));
        if kept || self.is_contradicted(change) {
            let person = self.see(&change.new, at);
            self.people[person].exists = true;
            return;
        }
        let mut person = match known {
            Some(person) => self.root(person),
            None if change.old.is_empty() => {
                self.see(&change.new, at);
                return;
            }
            None => self.see(&change.old, at),
        };
        self.people[person].exists = true;
        self.people[person].rules.insert(Rule::ChangeEvent);
        for id in change.old.iter().filter(|id| is_strong(std::slice::from_ref(*id))) {
            let owner = self.strong.get(id).copied();
            let joined = owner.and_then(|owner| self.join(person, owner, Rule::ChangeEvent, at));
            person = joined.unwrap_or(person);
            self.strong.insert(id.clone(), person);
        }
        for id in change.new.iter().filter(|id| is_strong(std::slice::from_ref(*id))) {
            let owner = self.strong.get(id).copied();
            let joined = owner.and_then(|owner| self.join(person, owner, Rule::ChangeEvent, at));
            person = joined.unwrap_or(person);
            self.close(person, at, |span| span.id.kind == id.kind && span.id != *id);
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
            if self.is_kept_from(&numbers_among(&change.new, token), person) {
                continue;
            }
            match self.owner(token, at) {
                Some(owner) if owner == person => continue,
                Some(owner) => {
                    let number = numbers_among(&change.new, token);
                    let rule = Rule::NumberTakenOver;
                    self.hint(owner, person, rule, None, at, number, Some(token.clone()));
                }
                None => {}
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
                number.ever_with.extend(bsuids.iter().cloned());
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
        // What came back is current again.
        let back = change.new.iter().filter(|id| is_strong(std::slice::from_ref(*id)));
        for id in back {
            let spans = &mut self.people[person].spans;
            let is_former = spans.iter().any(|span| span.id == *id)
                && !spans.iter().any(|span| span.id == *id && span.to.is_none());
            if is_former {
                spans.push(Span {
                    id: id.clone(),
                    from: at,
                    to: None,
                });
            }
        }
        self.note(person, &change.new, at, &new_numbers);
    }

    fn finish(mut self, timelines: Vec<Vec<(Millis, usize)>>, evidence: &Evidence, standing: &[&Decided]) -> Verdict {
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
                .is_some_and(|number| number.owners > SHARED);
            let (one, other) = (place[self.root(hint.one)], place[self.root(hint.other)]);
            if let (Some(one), Some(other), false) = (one, other, shared) {
                let Hint { rule, blocker, at, .. } = hint;
                let opposed = suggest::opposed(&people[one], &people[other]);
                let blocker = blocker.or(opposed.then_some(Blocker::OpposingUserIds));
                suggest::pair(&mut people, one, other, (rule, blocker, at), &hint.evidence);
            }
        }
        suggest::candidates(&mut people);
        suggest::claims(&mut people, &evidence.claims);
        suggest::settle(&mut people, standing);
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

/// Whether an identifier is somebody's still: a number can go to another, a user id cannot.
fn holds_now(span: &Span) -> bool {
    span.to.is_none() || !matches!(span.id.kind, IdentifierKind::WaId | IdentifierKind::Phone)
}

/// How sure an identifier names its person; the smallest is the surest.
fn surety(kind: IdentifierKind) -> u8 {
    match kind {
        IdentifierKind::Bsuid => 0,
        IdentifierKind::ParentBsuid => 1,
        IdentifierKind::WaId => 2,
        IdentifierKind::Phone => 3,
        _ => 4,
    }
}

/// The numbers among `ids` that a token stands for.
fn numbers_among(ids: &[Identifier], token: &str) -> Vec<Identifier> {
    ids.iter().filter(|id| names_number(id, token)).cloned().collect()
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
