//! Numbers: which forms are one, whose one is when, and how it goes to somebody else.

use super::{Fold, Span};
use hilo_domain::{Identifier, IdentifierKind, Millis, phone};

impl Fold<'_> {
    /// Tokens of the numbers on a sighting: one for all forms of a number, unless its forms are different numbers.
    pub(super) fn numbers_of(&self, ids: &[Identifier]) -> Vec<String> {
        let mut tokens: Vec<String> = Vec::new();
        let wa_id = |canonical: &str| {
            ids.iter()
                .find(|id| id.kind == IdentifierKind::WaId && id.number().as_deref() == Some(canonical))
        };
        for id in ids {
            let token = match (id.kind, id.number()) {
                (IdentifierKind::WaId | IdentifierKind::Phone, Some(canonical)) => match self.split.get(&canonical) {
                    None => canonical,
                    // One item may name both forms of one person.
                    Some(_) if id.kind == IdentifierKind::WaId => id.value.clone(),
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

    pub(super) fn owner(&self, token: &str, at: Millis) -> Option<usize> {
        let number = self.numbers.get(token)?;
        let owner = number
            .owner
            .filter(|_| number.released.is_none_or(|released| at <= released))?;
        Some(self.root(owner))
    }

    /// Who has a number that is seen at a time, unless somebody decided that it is not theirs.
    pub(super) fn holder(&self, token: &str, ids: &[Identifier], at: Millis) -> Option<usize> {
        let owner = self.owner(token, at)?;
        let kept = !self.apart.is_empty() && self.is_kept_from(&self.numbers_among(ids, token), owner);
        (!kept).then_some(owner)
    }

    /// Gives a number to a person; the one who had it keeps it as former.
    pub(super) fn give(&mut self, token: &str, person: usize, at: Millis) {
        let number = self.numbers.entry(token.to_owned()).or_default();
        let before = number.owner.replace(person);
        number.released = None;
        number.by_change = false;
        number.seen_with.clear();
        number.owners.insert(person);
        if let Some(before) = before.map(|before| self.root(before))
            && before != self.root(person)
        {
            self.close_number(before, token, at);
        }
    }

    pub(super) fn close(&mut self, person: usize, at: Millis, which: impl Fn(&Span) -> bool) {
        for span in &mut self.people[person].spans {
            if span.to.is_none() && which(span) {
                span.to = Some(at.max(span.from));
            }
        }
    }

    /// Closes what a person has of a number. Where its forms are different numbers, the phone is that of any form that is
    /// still theirs.
    pub(super) fn close_number(&mut self, person: usize, token: &str, at: Millis) {
        let open = || self.people[person].spans.iter().filter(|span| span.to.is_none());
        let canonical = phone::canonical_digits(token);
        let is_other_form = |id: &Identifier| {
            id.kind == IdentifierKind::WaId && id.value != token && id.number().as_deref() == Some(&*canonical)
        };
        let keeps_phone = self.split.contains_key(&*canonical) && open().any(|span| is_other_form(&span.id));
        let closed: Vec<Identifier> = open()
            .map(|span| &span.id)
            .filter(|id| self.names_number(id, token) && !(keeps_phone && id.kind == IdentifierKind::Phone))
            .cloned()
            .collect();
        self.close(person, at, |span| closed.contains(&span.id));
    }

    /// Tokens of the numbers of a sighting at a time: a number to dial, alone, is what a send of that time meant by it.
    pub(super) fn numbers_at(&self, ids: &[Identifier], at: Millis) -> Vec<String> {
        let is_alone = |id: &Identifier| id.kind == IdentifierKind::Phone;
        let mut tokens = self.numbers_of(ids);
        if !self.meant.is_empty() && ids.iter().all(is_alone) {
            for token in &mut tokens {
                if let Some(form) = self.meant.get(&(token.clone(), at)) {
                    (*form).clone_into(token);
                }
            }
        }
        tokens
    }

    /// The numbers among `ids` that a token stands for.
    pub(super) fn numbers_among(&self, ids: &[Identifier], token: &str) -> Vec<Identifier> {
        ids.iter().filter(|id| self.names_number(id, token)).cloned().collect()
    }

    /// Whether an identifier is a form of the number that a token stands for.
    pub(super) fn names_number(&self, id: &Identifier, token: &str) -> bool {
        match (id.kind, id.number()) {
            (IdentifierKind::WaId, None) => token.strip_prefix('=') == Some(id.value.as_str()),
            (IdentifierKind::WaId, Some(number)) if self.split.contains_key(&number) => id.value == token,
            (IdentifierKind::Phone, Some(number)) if self.split.contains_key(&number) => {
                phone::canonical_digits(token) == number
            }
            (IdentifierKind::WaId | IdentifierKind::Phone, Some(number)) => number == token,
            _ => false,
        }
    }
}
