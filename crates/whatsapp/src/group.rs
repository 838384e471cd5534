//! Events of groups.
//!
//! ```json
//! {"timestamp": "1749416383", "group_id": "Y2FwaV9ncm91cDo…", "type": "group_participants_add", "reason": "invite_link",
//!  "added_participants": [{"wa_id": "16505551234", "user_id": "US.1"}, {"input": "+56 9 6123 4567"}]}
//! {"timestamp": "1749416383", "group_id": "Y2FwaV9ncm91cDo…", "type": "group_settings_update",
//!  "group_subject": {"text": "Vecinas", "update_successful": true}}
//! ```

use crate::{Named, errors::errors};
use hilo_contracts::details::{Details, Group, GroupSetting, Member};
use hilo_domain::{
    IdentifierKind,
    read::{flag, id, id_at, id_of, list, owned, said, text},
};
use serde_json::Value;
use std::borrow::Cow;

/// The list of events of groups.
pub const LIST: &str = "groups";
/// Kind of an event of a group.
pub const KIND: &str = "group_event";

/// Lists of participants, and what happened to who is on them.
const LISTS: [(&str, &str); 3] = [
    ("added_participants", "added"),
    ("removed_participants", "removed"),
    ("failed_participants", "failed"),
];

/// The group that an event is about.
#[must_use]
pub fn group_id(element: &Value) -> Option<String> {
    id(element, "group_id")
}

/// A participant, as an event names them.
#[derive(Debug)]
pub struct Participant<'a> {
    /// By the platform's ids.
    pub named: Named<'a>,
    /// Only where no number of the platform names them: the account by its digits, or the number, as the business wrote it.
    pub input: Option<Cow<'a, str>>,
}

/// Who came to a group and who left it. Those who could not be added are nobody yet.
pub fn participants(element: &Value) -> impl Iterator<Item = Participant<'_>> {
    let lists = ["added_participants", "removed_participants"];
    let lists = lists.into_iter().filter_map(|name| list(element, name));
    lists.flatten().map(participant)
}

/// A participant may be named only by what the business gave (`input`): a user id, an account by its digits, or a number as
/// somebody wrote it.
fn participant(participant: &Value) -> Participant<'_> {
    let named = Named::contact(participant);
    let input = input(participant);
    let (named, input) = match input.as_deref().and_then(IdentifierKind::of_user_id) {
        Some(IdentifierKind::ParentBsuid) => {
            let parent = named.parent.or(input);
            (Named { parent, ..named }, None)
        }
        Some(_) => {
            let user_id = named.user_id.or(input);
            (Named { user_id, ..named }, None)
        }
        None => {
            let input = input.filter(|_| named.wa_id.is_none());
            (named, input)
        }
    };
    Participant { named, input }
}

/// What the business named somebody by: a number or a user id.
fn input(participant: &Value) -> Option<Cow<'_, str>> {
    id_of(participant).or_else(|| id_at(participant, "input"))
}

/// What happened, field by field.
pub(crate) fn details(element: &Value) -> Details {
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
    let input = input(participant);
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_setting_of_a_group_has_its_own_end() {
        let element = json!({
            "profile_picture": {"mime_type": "image/jpeg", "sha256": "h"},
            "group_subject": {"text": "Vecinas", "update_successful": true},
            "group_description": {"text": "Largo", "update_successful": false, "errors": [{"code": 100, "title": "No"}]},
            "of_tomorrow": {"update_successful": false},
            "no_setting": {"text": "x"},
        });
        let told = details(&element).group.unwrap();
        let settings: Vec<(&str, Option<bool>, usize)> = told
            .settings
            .iter()
            .map(|setting| (&*setting.name, setting.successful, setting.errors.len()))
            .collect();
        assert_eq!(
            settings,
            [
                ("group_description", Some(false), 1),
                ("group_subject", Some(true), 0),
                ("of_tomorrow", Some(false), 0),
                ("profile_picture", None, 0),
            ]
        );
        // What was refused is not what the group has.
        assert_eq!((told.subject.as_deref(), told.description), (Some("Vecinas"), None));
    }

    #[test]
    fn what_became_of_a_request_is_the_type_of_its_event() {
        for (kind, action) in [
            ("group_join_request_created", "requested"),
            ("group_join_request_revoked", "request_revoked"),
            ("group_join_request_rejected", "request_rejected"),
            ("group_of_tomorrow", "named"),
        ] {
            let told = details(&json!({"type": kind, "wa_id": "569", "errors": [{"code": 1}]}));
            let members = told.group.unwrap().members;
            assert_eq!((members.len(), members[0].action.as_str()), (1, action));
            assert_eq!((members[0].errors.len(), told.errors.len()), (0, 1));
        }
    }

    #[test]
    fn a_member_is_named_as_the_event_does() {
        let removed =
            json!({"removed_participants": ["569", "CL.1", {"input": "CL.ENT.1"}, {"wa_id": "569", "input": "CL.1"}]});
        let members = details(&removed).group.unwrap().members;
        let named: Vec<(Option<&str>, Option<&str>)> = members
            .iter()
            .map(|member| (member.wa_id.as_deref(), member.user_id.as_deref()))
            .collect();
        assert_eq!(
            named,
            [
                (Some("569"), None),
                (None, Some("CL.1")),
                (None, Some("CL.ENT.1")),
                (Some("569"), Some("CL.1")),
            ]
        );
        let participants: Vec<Participant> = participants(&removed).collect();
        let [digits, user, parent, both] = participants.as_slice() else {
            panic!("four participants")
        };
        assert_eq!((digits.named.is_nobody(), digits.input.as_deref()), (true, Some("569")));
        assert_eq!((user.named.user_id.as_deref(), &user.input), (Some("CL.1"), &None));
        assert_eq!(parent.named.parent.as_deref(), Some("CL.ENT.1"));
        assert_eq!(
            (both.named.wa_id.as_deref(), both.named.user_id.as_deref()),
            (Some("569"), Some("CL.1"))
        );
    }

    #[test]
    fn an_event_names_its_group_and_who_could_not_be_added_is_no_participant() {
        let element = json!({"group_id": "g", "type": "group_participants_add", "reason": "invite_link",
            "added_participants": [{"wa_id": "569"}], "failed_participants": [{"input": "570", "errors": [{"code": 131_026}]}]});
        assert_eq!(group_id(&element).as_deref(), Some("g"));
        assert_eq!(participants(&element).count(), 1);
        let told = details(&element);
        assert_eq!(told.subtype.as_deref(), Some("group_participants_add"));
        let group = told.group.unwrap();
        assert_eq!(group.reason.as_deref(), Some("invite_link"));
        let actions: Vec<&str> = group.members.iter().map(|member| &*member.action).collect();
        assert_eq!(actions, ["added", "failed"]);
        assert_eq!(group.members[1].errors[0].code, Some(131_026));
    }
}
