//! Leads and purchases that the platform sees in a conversation.
//!
//! ```json
//! {"id": "wamid.HBgL…", "event_name": "Purchase", "timestamp": 1736179200, "ctwa_clid": "Aff-n8ZT",
//!  "custom_data": {"currency": "USD", "value": 25000}}
//! ```

use hilo_contracts::details::{Details, Lead};
use hilo_domain::read::{decimal, id, owned, said};
use serde_json::Value;

/// The list of events.
pub const LIST: &str = "automatic_events";
/// Kind of an event.
pub const KIND: &str = "automatic_event";

/// What an event says, field by field.
pub(crate) fn details(element: &Value) -> Details {
    let custom = element.get("custom_data").unwrap_or(&Value::Null);
    Details {
        subtype: owned(element, "event_name"),
        lead: said(Lead {
            id: id(element, "id"),
            ctwa_clid: id(element, "ctwa_clid"),
            amount: decimal(custom, "value"),
            currency: owned(custom, "currency"),
        }),
        ..Details::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_purchase_has_an_amount() {
        let told = details(
            &json!({"id": "wamid.1", "event_name": "Purchase", "timestamp": 1_736_179_200,
            "ctwa_clid": "Aff-n8ZT", "custom_data": {"currency": "USD", "value": 25_000}}),
        );
        assert_eq!(told.subtype.as_deref(), Some("Purchase"));
        let lead = told.lead.unwrap();
        assert_eq!(
            (lead.id.as_deref(), lead.ctwa_clid.as_deref()),
            (Some("wamid.1"), Some("Aff-n8ZT"))
        );
        assert_eq!(
            (lead.amount.as_deref(), lead.currency.as_deref()),
            (Some("25000"), Some("USD"))
        );
    }
}
