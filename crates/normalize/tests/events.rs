//! What events of groups and user actions are called, and whom they name.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use hilo_contracts::item::Body;
use serde_json::json;
use support::{identifiers, line, lines};

#[test]
fn a_participant_may_be_named_by_a_number_or_a_user_id() {
    for (participant, want) in [
        (json!({"input": "56961234567"}), "phone:+56961234567 wa_id:56961234567"),
        (
            json!({"input": "US.13491208655302741918"}),
            "bsuid:US.13491208655302741918",
        ),
        (json!("US.13491208655302741918"), "bsuid:US.13491208655302741918"),
        (json!({"input": "US.ENT.118157"}), "parent_bsuid:US.ENT.118157"),
        (
            json!({"wa_id": "56961234567", "input": "CL.1001"}),
            "bsuid:CL.1001 phone:+56961234567 wa_id:56961234567",
        ),
        (
            json!({"user_id": "CL.1001", "input": "CL.1001", "parent_user_id": "CL.ENT.9"}),
            "bsuid:CL.1001 parent_bsuid:CL.ENT.9",
        ),
        // No form of a user id: as it came.
        (json!({"input": "us.1"}), "wa_id:us.1"),
        (json!({"input": ""}), ""),
    ] {
        let value = json!({"groups": [{"group_id": "g", "type": "group_participants_remove", "removed_participants": [participant]}]});
        let run = lines(&line("group_participants_update", &value.to_string()));
        assert_eq!(identifiers(run.item(), 0).join(" "), want, "{value}");
    }
}

#[test]
fn an_action_is_called_as_it_calls_itself() {
    for (action, want, unknown) in [
        ("marketing_messages_link_click", "link_click", 0),
        ("landing_page_view", "landing_page_view", 0),
        ("marketing_messages_landing_page_view", "landing_page_view", 0),
        ("COUPON_COPIED", "coupon_copied", 1),
        // A reader that counts these kinds must not count the action.
        ("opt_out", "user_action", 1),
        ("marketing_messages_opt_in", "user_action", 1),
        ("message_received", "user_action", 1),
        ("call_connect", "user_action", 1),
        ("marketing_messages_", "user_action", 1),
        ("", "user_action", 1),
    ] {
        let value = json!({"user_actions": [{"action_type": action, "timestamp": "1777899600"}]});
        let run = lines(&line("messages", &value.to_string()));
        assert_eq!(run.item().body, Body::Event { kind: want.into() }, "{action}");
        assert_eq!(run.count("unknown_words", "user_action"), unknown, "{action}");
    }
}
