//! Clicks on links of marketing messages, and views of the pages behind them.
//!
//! ```json
//! {"action_type": "marketing_messages_link_click", "timestamp": "1731705721", "wa_id": "16505551234",
//!  "marketing_messages_link_click_data": {"click_component": "cta", "click_id": "Aff-n8ZT", "tracking_token": "t"}}
//! ```
//!
//! The kind of an action is its own word: `link_click`.

use hilo_contracts::{
    capture::INBOX_EVENTS,
    details::{Click, Details},
};
use hilo_domain::read::{id, owned, said, text};
use serde_json::Value;

/// The list of actions.
pub const LIST: &str = "user_actions";

/// Actions that are known, without [`PREFIX`].
const ACTIONS: [&str; 2] = ["link_click", "landing_page_view"];

/// What nearly all words begin with.
const PREFIX: &str = "marketing_messages_";

/// An action without a word, or with one that means another fact.
const NAMELESS: &str = "user_action";

/// Kinds of facts beside messages and the inbox: an action with such a word would be taken for one, and counted.
const OTHER_EVENTS: [&str; 16] = [
    crate::automatic_event::KIND,
    crate::group::KIND,
    crate::address_book::KIND,
    crate::user_id::KIND,
    crate::flow::KIND,
    crate::history::KIND,
    crate::errors::KIND,
    "same_person",
    "opt_in",
    "opt_out",
    "preference_changed",
    "send_requested",
    "reaction",
    "welcome_requested",
    "first_response",
    "turn_answered",
];

/// Beginnings of kinds of facts, likewise.
const OTHER_FAMILIES: [&str; 6] = ["message_", "session_", "system_", "call_", "deal_", "contact_"];

/// Kind of the fact of an element of `user_actions`: its word, in lower case.
#[must_use]
pub fn kind(element: &Value) -> String {
    let word = text(element, "action_type").unwrap_or_default().to_ascii_lowercase();
    let word = word.strip_prefix(PREFIX).unwrap_or(&word);
    let is_other = is_other(word) || OTHER_FAMILIES.iter().any(|family| word.starts_with(family));
    let kind = if word.is_empty() || is_other { NAMELESS } else { word };
    kind.to_owned()
}

/// Whether an event has a kind that is known: of an action, or of another fact.
pub(crate) fn is_known(kind: &str) -> bool {
    ACTIONS.contains(&kind) || is_other(kind)
}

fn is_other(kind: &str) -> bool {
    OTHER_EVENTS.contains(&kind) || INBOX_EVENTS.contains(&kind)
}

/// What an action says. Its data stand under its own name, or under that of the click that led to it.
pub(crate) fn details(element: &Value) -> Details {
    let subtype = owned(element, "action_type");
    let data = subtype
        .as_ref()
        .and_then(|action| element.get(format!("{action}_data")))
        .or_else(|| element.get("marketing_messages_link_click_data"))
        .unwrap_or(&Value::Null);
    Details {
        click: said(Click {
            component: owned(data, "click_component"),
            product_id: id(data, "product_id"),
            click_id: id(data, "click_id"),
            tracking_token: owned(data, "tracking_token"),
        }),
        subtype,
        ..Details::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_click_has_a_component_and_a_token() {
        let element = json!({"action_type": "marketing_messages_link_click", "timestamp": "1731705721",
            "marketing_messages_link_click_data": {"click_component": "cta", "click_id": "Aff-n8ZT", "tracking_token": "t"}});
        assert_eq!(kind(&element), "link_click");
        let told = details(&element);
        assert_eq!(told.subtype.as_deref(), Some("marketing_messages_link_click"));
        let click = told.click.unwrap();
        assert_eq!(
            (
                click.component.as_deref(),
                click.click_id.as_deref(),
                click.tracking_token.as_deref()
            ),
            (Some("cta"), Some("Aff-n8ZT"), Some("t"))
        );
    }

    #[test]
    fn a_view_may_have_the_data_of_its_click() {
        let element = json!({"action_type": "marketing_messages_landing_page_view",
            "marketing_messages_link_click_data": {"product_id": 7}});
        assert_eq!(kind(&element), "landing_page_view");
        assert_eq!(details(&element).click.unwrap().product_id.as_deref(), Some("7"));
    }

    #[test]
    fn a_new_word_is_a_kind_unless_it_means_another_fact() {
        for (word, want, known) in [
            ("marketing_messages_of_tomorrow", "of_tomorrow", false),
            ("OPT_OUT", "user_action", false),
            ("message_sent", "user_action", false),
            ("", "user_action", false),
            ("link_click", "link_click", true),
        ] {
            let kind = kind(&json!({ "action_type": word }));
            assert_eq!((kind.as_str(), is_known(&kind)), (want, known), "{word}");
        }
    }
}
