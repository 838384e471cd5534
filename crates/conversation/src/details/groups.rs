//! Events of groups.

use super::{errors, flag, owned, said};
use hilo_contracts::details::{Details, Group, GroupSetting, Member};
use hilo_domain::{
    IdentifierKind,
    read::{id, id_at, id_of, list, text},
};
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
    // Who asks to join, or does so no longer, stands in the element itself.
    let named = Member {
        // The event's own errors are not theirs.
        errors: Vec::new(),
        ..member(element, "named")
    };
    if named.wa_id.is_some() || named.user_id.is_some() {
        members.push(Member {
            action: of_request(element),
            ..named
        });
    }
    let settings = settings(element);
    let text_of = |key: &str, name: &str| {
        let setting = settings.iter().find(|setting| setting.name == name);
        let holds = setting.filter(|setting| setting.successful != Some(false));
        owned(element, key).or_else(|| holds?.text.clone())
    };
    Details {
        subtype: owned(element, "type"),
        errors: errors(element),
        group: said(Group {
            request_id: id(element, "request_id"),
            members,
            initiated_by: owned(element, "initiated_by"),
            reason: owned(element, "reason"),
            invite_link: owned(element, "invite_link"),
            join_approval_mode: owned(element, "join_approval_mode"),
            join_request_id: id(element, "join_request_id"),
            subject: text_of("subject", "group_subject"),
            description: text_of("description", "group_description"),
            settings,
        }),
        ..Details::default()
    }
}

/// What became of a request to join, by the type of its event.
fn of_request(element: &Value) -> String {
    match text(element, "type").and_then(|kind| kind.strip_prefix("group_join_request_")) {
        Some("created") => "requested".to_owned(),
        Some(other) => format!("request_{other}"),
        None => "named".to_owned(),
    }
}

fn member(participant: &Value, action: &str) -> Member {
    // Whom the business named, as it did: by number or by user id.
    let input = id_of(participant).or_else(|| id_at(participant, "input"));
    let input = input.as_deref();
    let (user_id, number) = match input.and_then(IdentifierKind::of_user_id) {
        Some(_) => (input, None),
        None => (None, input),
    };
    Member {
        action: action.to_owned(),
        wa_id: id(participant, "wa_id").or_else(|| number.map(str::to_owned)),
        user_id: id(participant, "user_id").or_else(|| user_id.map(str::to_owned)),
        errors: errors(participant),
    }
}

/// Settings that have a block in an event.
const SETTINGS: [&str; 3] = ["group_subject", "group_description", "profile_picture"];

/// What became of each setting; also of one that is new, by what its block says.
fn settings(element: &Value) -> Vec<GroupSetting> {
    let blocks = element.as_object().into_iter().flatten();
    let blocks = blocks.filter(|(name, block)| {
        block.is_object() && (SETTINGS.contains(&name.as_str()) || block.get("update_successful").is_some())
    });
    let mut settings: Vec<GroupSetting> = blocks.map(|(name, block)| setting(name, block)).collect();
    settings.sort_unstable_by(|one, two| one.name.cmp(&two.name));
    settings
}

fn setting(name: &str, block: &Value) -> GroupSetting {
    GroupSetting {
        name: name.to_owned(),
        text: owned(block, "text"),
        mime_type: owned(block, "mime_type"),
        sha256: owned(block, "sha256"),
        successful: flag(block, "update_successful"),
        errors: errors(block),
    }
}
