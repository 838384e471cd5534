//! Identifiers that were seen together: one person.

use super::{Fold, Span};
use crate::{
    evidence::is_strong,
    rules::{Blocker, Rule},
};
use hilo_domain::{Identifier, IdentifierKind, Millis};
use std::collections::BTreeSet;

impl Fold<'_> {
    pub(super) fn see(&mut self, ids: &[Identifier], at: Millis) -> usize {
        let ids = &*self.sided(ids);
        let tokens = self.numbers_at(ids, at);
        let person = if is_strong(ids) {
            self.see_strong(ids, &tokens, at)
        } else {
            self.see_numbers(ids, &tokens, at)
        };
        self.note(person, ids, at, &tokens);
        person
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
            if !self.apart.is_empty() && self.is_kept_from(&self.numbers_among(ids, token), target) {
                continue;
            }
            let owner = self.holder(token, ids, at);
            let number = self.numbers.get(token);
            let repeated = number.is_some_and(|number| !bsuids.is_disjoint(&number.ever_with));
            let unseen = number.is_none_or(|number| self.portfolios.is_new(&number.seen_with, &bsuids));
            match owner {
                Some(owner) if owner == self.root(target) => {}
                // A change took the number from who is seen with it again, and nobody with a user id has it: it is not theirs.
                None if repeated => continue,
                Some(owner) if repeated && self.people[owner].bsuids.is_empty() => continue,
                Some(owner)
                    if unseen && !self.is_strange(owner, target, &bsuids) && !self.is_kept_from(&user_ids, owner) =>
                {
                    let rule = self.rule_of_number(owner, &bsuids);
                    if self.join(owner, target, rule, at).is_none() {
                        continue;
                    }
                }
                Some(owner) => {
                    let blocker = self.opposed(owner, target).then_some(Blocker::OpposingUserIds);
                    let number = self.numbers_among(ids, token);
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
                None => self.give(token, target, at),
            }
            if let Some(number) = self.numbers.get_mut(token) {
                number.seen_with.extend(bsuids.iter().cloned());
                number.ever_with.extend(bsuids.iter().cloned());
                number.by_change &= !bsuids.is_empty();
            }
        }
        self.root(target)
    }

    /// By which rule the owner of a number is who is seen with it.
    fn rule_of_number(&self, owner: usize, bsuids: &BTreeSet<String>) -> Rule {
        let had = &self.people[self.root(owner)].bsuids;
        if had.is_empty() || bsuids.is_empty() || !had.is_disjoint(bsuids) {
            Rule::Together
        } else {
            Rule::SameNumberOtherPortfolio
        }
    }

    /// Whether a number's owner is known by user ids of a portfolio of those that the number is seen with now, and by none
    /// of these: whoever is seen with another user id has the number from then on.
    fn is_strange(&self, owner: usize, target: usize, bsuids: &BTreeSet<String>) -> bool {
        let had = &self.people[self.root(owner)].bsuids;
        let known = &self.people[self.root(target)].bsuids;
        let is_known = !had.is_disjoint(known);
        !is_known && self.portfolios.are_two(had, bsuids) || self.opposed(owner, target)
    }

    /// Who a user id that was never seen before belongs to: the owner of a number that came by a change event and had
    /// no user id of the portfolio since. (The platform makes a new user id when the number changes.)
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
                .is_some_and(|number| number.by_change && self.portfolios.is_new(&number.seen_with, bsuids))
        })?;
        let owner = self.holder(token, ids, at)?;
        if self.is_kept_from(ids, owner) {
            return None;
        }
        let rule = self.rule_of_number(owner, bsuids);
        if rule == Rule::SameNumberOtherPortfolio {
            self.people[owner].rules.insert(rule);
        }
        let portfolios = self.portfolios.clone();
        self.close(owner, at, |span| {
            let is_replaced = || portfolios.meet(std::iter::once(&span.id.value), bsuids);
            span.id.kind == IdentifierKind::Bsuid && !bsuids.contains(&span.id.value) && is_replaced()
        });
        Some(owner)
    }

    /// Notes that a person has `ids` at a time.
    pub(super) fn note(&mut self, person: usize, ids: &[Identifier], at: Millis, tokens: &[String]) {
        let root = self.root(person);
        for id in ids {
            let is_number = id.kind.is_number();
            // Seen at the very time at which a change ended it.
            let mut ended = false;
            if is_number {
                // A number that stands on the sighting but belongs to somebody else by now is not theirs.
                let Some(token) = tokens.iter().find(|token| self.names_number(id, token)) else {
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
