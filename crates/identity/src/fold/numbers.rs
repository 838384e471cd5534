//! Numbers: which forms are one, whose one is when, and how it goes to somebody else.

use super::{Fold, Span};
use hilo_domain::{Identifier, IdentifierKind, Millis};

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
        let kept = !self.apart.is_empty() && self.is_kept_from(&numbers_among(ids, token), owner);
        (!kept).then_some(owner)
    }

    /// Gives a number to a person; the one who had it keeps it as former.
    pub(super) fn give(&mut self, token: &str, person: usize, at: Millis) {
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

    pub(super) fn close(&mut self, person: usize, at: Millis, which: impl Fn(&Span) -> bool) {
        for span in &mut self.people[person].spans {
            if span.to.is_none() && which(span) {
                span.to = Some(at.max(span.from));
            }
        }
    }
}

/// The numbers among `ids` that a token stands for.
pub(super) fn numbers_among(ids: &[Identifier], token: &str) -> Vec<Identifier> {
    ids.iter().filter(|id| names_number(id, token)).cloned().collect()
}

/// Whether an identifier is a form of the number that a token stands for.
pub(super) fn names_number(id: &Identifier, token: &str) -> bool {
    match (id.kind, id.number()) {
        (IdentifierKind::WaId, None) => token.strip_prefix('=') == Some(id.value.as_str()),
        (IdentifierKind::WaId, Some(number)) => number == token || id.value == token,
        (IdentifierKind::Phone, Some(number)) => {
            number == token || hilo_domain::phone::canonical_digits(token) == number
        }
        _ => false,
    }
}
