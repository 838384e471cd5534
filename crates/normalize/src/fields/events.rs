//! Items that are facts of their own and that nothing is folded from yet.

use crate::{
    json,
    key::Key,
    people::{Named, seen},
    update::{Draft, Update},
    vocabulary,
};
use hilo_contracts::item::{Body, Sighting};
use hilo_domain::{Identifier, IdentifierKind, phone};
use serde_json::Value;

fn event(element: &Value, kind: &str) -> Draft {
    Draft::new(
        Update::timestamp(element),
        Key::Content,
        Body::Event { kind: kind.to_owned() },
    )
}

/// An element of `user_actions`: a click on a link of a marketing message, a view of the page behind it.
pub(super) fn user_action(update: &Update, element: &Value) -> Draft {
    let named = Named::under(element, "wa_id", "user_id", &["parent_user_id"]);
    Draft {
        person: update.person_or_only_contact(named),
        ..event(element, &vocabulary::kind_of_action(json::text(element, "action_type")))
    }
}

/// An element of `automatic_events`: the platform guesses a lead or a purchase.
pub(super) fn automatic(update: &Update, element: &Value) -> Draft {
    let named = Named::under(element, "wa_id", "user_id", &["parent_user_id"]);
    Draft {
        person: update.person_or_only_contact(named),
        ..event(element, "automatic_event")
    }
}

/// An element of `groups`: it belongs to the group, its participants are seen.
pub(super) fn group(update: &Update, element: &Value) -> Draft {
    let mut others: Vec<Sighting> = Vec::new();
    // Who asks to join stands in the element itself.
    others.extend(update.person(Named::under(element, "wa_id", "user_id", &["parent_user_id"])));
    for list in ["added_participants", "removed_participants"] {
        for participant in json::list(element, list).into_iter().flatten() {
            others.extend(self::participant(update, participant));
        }
    }
    Draft {
        others,
        ..event(element, "group_event")
    }
}

/// A participant, who may be named only by what the business gave (`input`): a user id, an account by its digits, or a
/// number as somebody wrote it.
fn participant(update: &Update, participant: &Value) -> Option<Sighting> {
    let named = Named::contact(participant);
    let input = participant.as_str().or_else(|| json::text(participant, "input"));
    let input = input.filter(|input| !input.is_empty());
    let named = match input.and_then(IdentifierKind::of_user_id) {
        Some(IdentifierKind::ParentBsuid) => Named {
            parent: named.parent.or(input),
            ..named
        },
        Some(_) => Named {
            user_id: named.user_id.or(input),
            ..named
        },
        None if named.wa_id.is_some() => named,
        None => {
            let is_account = |input: &&str| phone::digits_of_wa_id(input).is_some();
            let written = input.filter(|input| !is_account(input) && !update.business.is(input));
            if let Some(phone) = written.and_then(|written| Identifier::phone(written, update.tenant.region())) {
                let mut sighting = update.person(named).unwrap_or_else(|| Sighting {
                    creates: true,
                    ..Sighting::default()
                });
                sighting.identifiers.push(phone);
                return seen(sighting);
            }
            Named { wa_id: input, ..named }
        }
    };
    update.person(named)
}

/// An element of `errors` beside the items of a value.
pub(super) fn error(_: &Update, element: &Value) -> Draft {
    event(element, "platform_error")
}

/// The value of `flows`.
pub(super) fn flow(update: &Update) -> Draft {
    event(update.value, "flow_event")
}
