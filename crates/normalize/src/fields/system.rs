//! System messages that tell of a change of number or user id.

use crate::{json, people::Named, update::Update};
use hilo_contracts::item::{IdentityChange, Sighting};
use hilo_domain::Identifier;
use serde_json::Value;
use std::borrow::Cow;

/// The change that a message of type `system` tells of, with the sighting of who they were. `None` where it tells of
/// none, or not between which identifiers (then the sender is all that is known).
pub(super) fn change(update: &Update, element: &Value, kind: &str) -> Option<(Sighting, IdentityChange)> {
    let system = element.get("system").filter(|_| kind == "system")?;
    let kind = match json::text(system, "type")? {
        "user_changed_number" | "customer_changed_number" => "number_changed",
        "user_changed_user_id" => "user_id_changed",
        _ => return None,
    };
    let new = now(system);
    let previous = Named::under(system, "customer", "previous_user_id", &["previous_parent_user_id"]);
    let from = super::messages::sender(element);
    let old = Named {
        wa_id: from.wa_id.filter(|from| !update.business.is(from)).or(previous.wa_id),
        user_id: previous.user_id.or(from.user_id),
        parent: previous.parent.or(from.parent),
        ..Named::default()
    };
    between(update, old, new, kind)
}

/// Who somebody is from a system message on; where it names no sender, that is who sent it.
pub(super) fn now(system: &Value) -> Named<'_> {
    Named {
        wa_id: json::id_at(system, "wa_id").or_else(|| json::id_at(system, "new_wa_id")),
        ..Named::under(system, "", "user_id", &["parent_user_id"])
    }
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
