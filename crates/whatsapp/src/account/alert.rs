//! Alerts about an account, a number or a portfolio.
//!
//! ```json
//! {"entity_type": "BUSINESS", "entity_id": 506914307656634, "alert_info": {"alert_severity": "INFORMATIONAL",
//!  "alert_status": "NONE", "alert_type": "OBA_APPROVED", "alert_description": "Your account is official."}}
//! ```

use super::{Change, about};
use hilo_contracts::item::Account;
use hilo_domain::read::{id, owned, text};

pub(super) fn fact(change: &Change) -> Account {
    let value = change.value;
    let info = value.get("alert_info").unwrap_or(value);
    let (kind, id) = match (text(value, "entity_type"), id(value, "entity_id")) {
        (Some("BUSINESS"), Some(id)) => ("portfolio", id),
        (Some("PHONE_NUMBER"), Some(id)) => ("phone_number", id),
        (Some("WABA"), Some(id)) => ("waba", id),
        _ => ("waba", change.entry_id.to_owned()),
    };
    Account {
        event: owned(info, "alert_type"),
        reason: owned(info, "alert_severity"),
        ..about(kind, id, "account_alert")
    }
}

#[cfg(test)]
mod tests {
    use crate::account::tests::fact;
    use serde_json::json;

    #[test]
    fn an_alert_is_about_an_entity() {
        for (entity, subject) in [
            ("BUSINESS", ("portfolio", "7")),
            ("PHONE_NUMBER", ("phone_number", "7")),
            ("WABA", ("waba", "7")),
            ("CURRENT_STATUS_ID", ("waba", "310")),
        ] {
            let told = fact(
                "account_alerts",
                &json!({"entity_type": entity, "entity_id": 7,
                    "alert_info": {"alert_severity": "INFORMATIONAL", "alert_type": "OBA_APPROVED"}}),
            );
            assert_eq!((told.subject_kind.as_str(), told.subject_id.as_str()), subject);
            assert_eq!(
                (told.event.as_deref(), told.reason.as_deref()),
                (Some("OBA_APPROVED"), Some("INFORMATIONAL"))
            );
        }
        let early = fact("account_alerts", &json!({"alert_type": "OBA_REJECTED"}));
        assert_eq!(early.event.as_deref(), Some("OBA_REJECTED"));
    }
}
