//! Events of groups.

use super::{errors, owned, said, whole};
use hilo_contracts::details::{Details, Group, Member};
use hilo_domain::read::{id, list, object, text};
use serde_json::Value;

/// Lists of participants, and what happened to who is on them.
const LISTS: [(&str, &str); 3] = [
    ("added_participants", "added"),
    ("removed_participants", "removed"),
    ("failed_participants", "failed"),
];

/// The group that an event is about.
pub(super) fn group_id(element: &Value) -> Option<String> {
    id(element, "group_id")
}

pub(super) fn details(element: &Value) -> Details {
    let mut members: Vec<Member> = LISTS
        .into_iter()
        .flat_map(|(key, action)| {
            list(element, key)
                .into_iter()
                .flatten()
                .map(move |participant| member(participant, action))
        })
        .collect();
    // Who asks to join stands in the element itself.
    let asking = member(element, "requested");
    if asking.wa_id.is_some() || asking.user_id.is_some() {
        members.push(asking);
    }
    let named = |key: &str, block: &str| {
        owned(element, key).or_else(|| element.get(block).and_then(|block| owned(block, "text")))
    };
    Details {
        subtype: owned(element, "type"),
        errors: errors(element),
        group: said(Group {
            request_id: owned(element, "request_id"),
            members,
            initiated_by: owned(element, "initiated_by"),
            reason: owned(element, "reason"),
            invite_link: owned(element, "invite_link"),
            join_request_id: owned(element, "join_request_id"),
            subject: named("subject", "group_subject"),
            description: named("description", "group_description"),
            successful: successful(element),
        }),
        ..Details::default()
    }
}

fn member(participant: &Value, action: &str) -> Member {
    let wa_id = match participant {
        Value::String(wa_id) => said(wa_id.clone()),
        _ => owned(participant, "wa_id").or_else(|| owned(participant, "input")),
    };
    let failure = list(participant, "errors").filter(|_| action == "failed");
    Member {
        action: action.to_owned(),
        wa_id,
        user_id: text(participant, "user_id").map(str::to_owned),
        error_code: failure
            .and_then(|errors| errors.first())
            .and_then(|error| whole(error, "code")),
    }
}

/// Whether all settings that were asked for could be updated.
fn successful(element: &Value) -> Option<bool> {
    let told: Vec<bool> = element
        .as_object()?
        .keys()
        .filter_map(|key| object(element, key)?.get("update_successful")?.as_bool())
        .collect();
    (!told.is_empty()).then(|| told.iter().all(|told| *told))
}
