//! A number or user id that the platform says has changed.

use super::{Fold, Span};
use crate::{
    evidence::{Change, is_strong},
    rules::Rule,
};
use hilo_domain::{Identifier, IdentifierKind};

impl Fold<'_> {
    pub(super) fn change(&mut self, change: &Change) {
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
            let portfolios = self.portfolios.clone();
            self.close(person, at, |span| {
                let differ = || portfolios.differ(&span.id.value, &id.value);
                span.id.kind == id.kind && span.id != *id && !differ()
            });
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
                self.close_number(person, &token, at);
            }
        }
        for token in &new_numbers {
            if self.is_kept_from(&self.numbers_among(&change.new, token), person) {
                continue;
            }
            match self.owner(token, at) {
                Some(owner) if owner == person => continue,
                Some(owner) => {
                    let number = self.numbers_among(&change.new, token);
                    let rule = Rule::NumberTakenOver;
                    self.hint(owner, person, rule, None, at, number, Some(token.clone()));
                }
                None => {}
            }
            self.give(token, person, at);
            if let Some(number) = self.numbers.get_mut(token) {
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
            }
        }
        // No number went: those that named the person are theirs still.
        if !moves {
            let numbers: Vec<Identifier> = change.old.iter().filter(|id| id.kind.is_number()).cloned().collect();
            self.note(person, &numbers, at, &old_numbers);
        }
        // Old identifiers that were never seen before belong to the person's past.
        for id in &change.old {
            let stays = change.new.contains(id) || id.kind.is_number() && !moves;
            let number_stays = new_numbers.iter().any(|token| self.names_number(id, token));
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
}
