//! Items that are facts of their own and that nothing is folded from yet.

use crate::{
    json,
    key::Key,
    people::Named,
    update::{Draft, Update},
};
use hilo_contracts::item::{Body, Sighting};
use serde_json::Value;

fn event(element: &Value, kind: &str) -> Draft {
    Draft::new(
        Update::timestamp(element),
        Key::Content,
        Body::Event { kind: kind.to_owned() },
    )
}

/// An element of `user_actions`: a click on a link of a marketing message.
pub(super) fn user_action(update: &Update, element: &Value) -> Draft {
    let named = Named::under(element, "wa_id", "user_id", &["parent_user_id"]);
    Draft {
        person: update.person_or_only_contact(named),
        ..event(element, "link_click")
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
            let named = match participant {
                Value::String(wa_id) if !wa_id.is_empty() => Named {
                    wa_id: Some(wa_id),
                    ..Named::default()
                },
                _ => {
                    let named = Named::contact(participant);
                    Named {
                        wa_id: named.wa_id.or_else(|| json::text(participant, "input")),
                        ..named
                    }
                }
            };
            others.extend(update.person(named));
        }
    }
    Draft {
        others,
        ..event(element, "group_event")
    }
}

/// An element of `errors` beside the items of a value.
pub(super) fn error(_: &Update, element: &Value) -> Draft {
    event(element, "platform_error")
}

/// The value of `flows`.
pub(super) fn flow(update: &Update) -> Draft {
    event(update.value, "flow_event")
}
