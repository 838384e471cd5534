//! "The `to` of a send and the recipient of its statuses are one person", whoever of them is told first.

use hilo_contracts::item::Sighting;
use hilo_domain::{Identifier, IdentifierKind, Millis};
use hilo_stream::{
    ProcessorError,
    wire::{Encoded, WireError},
};
use serde::{Deserialize, Serialize};

/// Identifiers of one person.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// When the send was: a number that changes hands later belonged to that person already.
    pub at: Millis,
    pub identifiers: Vec<Identifier>,
    /// Times of the statuses that were evidence of these identifiers as long as their send was unknown.
    pub instead_of: Vec<Millis>,
}

/// The two sides of a send. Which links there are is a function of both sets, so arrival does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sides {
    addressed: Vec<(Millis, Packed)>,
    received: Vec<Recipient>,
}

/// Who received a send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Recipient {
    identifiers: Packed,
    /// Times of statuses that name only numbers, one for each status, until the send is known.
    waiting: Vec<Millis>,
}

/// Identifiers, encoded: a million sends wait for their statuses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Packed(Encoded<Vec<Identifier>>);

impl Packed {
    fn of(identifiers: &[Identifier]) -> Result<Self, WireError> {
        let matching: Vec<&Identifier> = identifiers
            .iter()
            .filter(|identifier| identifier.kind != IdentifierKind::Username)
            .collect();
        Encoded::of_each(&matching).map(Self)
    }

    fn identifiers(&self) -> Result<Vec<Identifier>, WireError> {
        self.0.open()
    }
}

impl Sides {
    /// A send to these identifiers.
    pub(super) fn addressed(&mut self, at: Millis, to: &[Identifier]) -> Result<Vec<Link>, ProcessorError> {
        let side = (at, Packed::of(to)?);
        if self.addressed.contains(&side) {
            return Ok(Vec::new());
        }
        self.addressed.reserve_exact(1);
        self.addressed.push(side);
        let mut links = Vec::new();
        for recipient in &mut self.received {
            let by = recipient.identifiers.identifiers()?;
            let instead_of = std::mem::take(&mut recipient.waiting);
            links.extend(link(at, to, &by));
            links.extend(since(at, &by, instead_of));
        }
        Ok(links)
    }

    /// A status at a time, received by whom `by` shows. It is evidence since the send, where that is known.
    pub(super) fn received(&mut self, at: Millis, by: &mut Sighting) -> Result<Vec<Link>, ProcessorError> {
        let side = Packed::of(&by.identifiers)?;
        let mut links = Vec::new();
        let place = match self.received.iter().position(|had| had.identifiers == side) {
            Some(place) => place,
            None => {
                for (place, (at, to)) in self.addressed.iter().enumerate() {
                    links.extend(link(*at, &to.identifiers()?, &by.identifiers));
                    // The status itself is evidence since the first of several lines about the send.
                    links.extend((place > 0).then(|| since(*at, &by.identifiers, Vec::new())).flatten());
                }
                self.received.reserve_exact(1);
                self.received.push(Recipient {
                    identifiers: side,
                    waiting: Vec::new(),
                });
                self.received.len() - 1
            }
        };
        if by.is_weak() {
            match self.addressed.first() {
                Some((sent, _)) => by.since = Some(*sent),
                None => self.received[place].waiting.push(at),
            }
        }
        Ok(links)
    }
}

/// Whom statuses tell of by numbers alone is who had these when the message was sent.
fn since(at: Millis, by: &[Identifier], instead_of: Vec<Millis>) -> Option<Link> {
    let is_weak = !by.iter().any(|identifier| identifier.kind.is_user_id());
    is_weak.then(|| Link {
        at,
        identifiers: by.to_vec(),
        instead_of,
    })
}

/// What joins the two sides, where nothing else does. Two different user ids of one portfolio are two people whatever
/// the send says.
fn link(at: Millis, to: &[Identifier], by: &[Identifier]) -> Option<Link> {
    let users = |side: &[Identifier]| -> Vec<Identifier> {
        side.iter()
            .filter(|identifier| identifier.kind == IdentifierKind::Bsuid)
            .cloned()
            .collect()
    };
    let (to_users, by_users) = (users(to), users(by));
    if !to_users.is_empty() && !by_users.is_empty() {
        return None;
    }
    let meets = |one: &Identifier| by.iter().any(|other| one == other || is_one_number(one, other));
    if to_users.is_empty() && by_users.is_empty() && to.iter().any(meets) {
        return None;
    }
    let matched = |identifier: &&Identifier| identifier.kind != IdentifierKind::Username;
    let mut identifiers: Vec<Identifier> = to.iter().chain(by).filter(matched).cloned().collect();
    identifiers.sort_unstable();
    identifiers.dedup();
    Some(Link {
        at,
        identifiers,
        instead_of: Vec::new(),
    })
}

fn is_one_number(one: &Identifier, other: &Identifier) -> bool {
    one.number()
        .is_some_and(|one| other.number().is_some_and(|other| one == other))
}
