//! System messages that report a change of number or user id.

use crate::update::Update;
use hilo_contracts::item::{IdentityChange, Sighting};
use hilo_domain::Identifier;
use hilo_whatsapp::{Named, message};
use serde_json::Value;
use std::borrow::Cow;

/// The change that a message of type `system` reports, with the sighting of who they were. `None` where it reports none, or
/// does not say between which identifiers (then the sender is all that is known).
pub(super) fn change(update: &Update, element: &Value, kind: &str) -> Option<(Sighting, IdentityChange)> {
    let message::Changed { kind, previous, now } = message::changed(element, kind)?;
    let from = Named::sender(element);
    let old = Named {
        wa_id: from.wa_id.filter(|from| !update.business.is(from)).or(previous.wa_id),
        user_id: previous.user_id.or(from.user_id),
        parent: previous.parent.or(from.parent),
        ..Named::default()
    };
    between(update, old, now, kind)
}

/// A change from `old` to `new`: what both name did not change.
pub(super) fn between(update: &Update, old: Named, new: Named, kind: &str) -> Option<(Sighting, IdentityChange)> {
    let gone = Named {
        wa_id: old.wa_id.clone().filter(|_| old.wa_id != new.wa_id),
        user_id: old.user_id.clone().filter(|_| old.user_id != new.user_id),
        parent: old.parent.clone().filter(|_| old.parent != new.parent),
        ..old.clone()
    };
    // A new user id on the same number: the number says whose.
    let has_new = |old: &Option<Cow<str>>, new: &Option<Cow<str>>| old.is_none() && new.is_some();
    let renewed = gone.is_nobody() && (has_new(&old.user_id, &new.user_id) || has_new(&old.parent, &new.parent));
    let old = if renewed { old } else { gone };
    if old.is_nobody() || new.is_nobody() {
        return None;
    }
    let new = update.person(new)?;
    let mut before = update.person(old)?;
    before.identifiers.retain(|id| renewed || !new.identifiers.contains(id));
    let change = IdentityChange {
        old: matched(&before),
        new: matched(&new),
        kind: kind.to_owned(),
    };
    (!before.identifiers.is_empty()).then_some((before, change))
}

/// Identifiers by which people are matched: a username is none.
fn matched(sighting: &Sighting) -> Vec<Identifier> {
    let matched = |id: &&Identifier| id.kind != hilo_domain::IdentifierKind::Username;
    sighting.identifiers.iter().filter(matched).cloned().collect()
}
