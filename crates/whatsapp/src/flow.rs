//! Events of flows: the value of the field `flows`. A completed flow is a message, and not here.
//!
//! ```json
//! {"event": "ENDPOINT_ERROR_RATE", "message": "The endpoint error rate is 14.28% in the last hour", "flow_id": "691244242662581",
//!  "error_rate": 14.28, "threshold": 10, "alert_state": "ACTIVATED",
//!  "errors": [{"error_type": "TIMEOUT_ERROR", "error_rate": 66.66, "error_count": 2}]}
//! ```

use crate::errors::errors;
use hilo_contracts::details::{Details, Flow, FlowError};
use hilo_domain::read::{decimal, id, list, owned, said, whole};
use serde_json::Value;

/// Kind of an event of a flow.
pub const KIND: &str = "flow_event";

/// Whether a value says anything.
#[must_use]
pub fn is_event(value: &Value) -> bool {
    value.get("event").is_some_and(|event| !event.is_null())
}

/// What an event says. The errors of an alert are counts of what its endpoint did, none of the platform.
pub(crate) fn details(value: &Value) -> Details {
    let error = |error: &Value| {
        said(FlowError {
            error_type: owned(error, "error_type"),
            error_rate: decimal(error, "error_rate"),
            error_count: whole(error, "error_count"),
        })
    };
    let errors_of_flow = list(value, "errors").into_iter().flatten().filter_map(error);
    Details {
        text: owned(value, "message"),
        subtype: owned(value, "event"),
        errors: errors(value),
        flow: said(Flow {
            flow_id: id(value, "flow_id"),
            old_status: owned(value, "old_status"),
            new_status: owned(value, "new_status"),
            error_rate: decimal(value, "error_rate"),
            threshold: decimal(value, "threshold"),
            alert_state: owned(value, "alert_state"),
            p50_latency: decimal(value, "p50_latency"),
            p90_latency: decimal(value, "p90_latency"),
            requests_count: decimal(value, "requests_count"),
            availability: decimal(value, "availability"),
            warning: owned(value, "warning"),
            reason: owned(value, "reason"),
            errors: errors_of_flow.collect(),
        }),
        ..Details::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_alert_has_a_rate_and_what_failed() {
        let value = json!({"event": "ENDPOINT_ERROR_RATE", "message": "The rate is 14.28%", "flow_id": "691244242662581",
            "error_rate": 14.28, "threshold": 10, "alert_state": "ACTIVATED",
            "errors": [{"error_type": "TIMEOUT_ERROR", "error_rate": 66.66, "error_count": 2}]});
        assert!(is_event(&value) && !is_event(&json!({"event": null})));
        let told = details(&value);
        assert_eq!(
            (told.subtype.as_deref(), told.text.as_deref()),
            (Some("ENDPOINT_ERROR_RATE"), Some("The rate is 14.28%"))
        );
        assert!(told.errors.is_empty());
        let flow = told.flow.unwrap();
        assert_eq!(
            (
                flow.flow_id.as_deref(),
                flow.error_rate.as_deref(),
                flow.threshold.as_deref()
            ),
            (Some("691244242662581"), Some("14.28"), Some("10"))
        );
        assert_eq!(flow.errors[0].error_type.as_deref(), Some("TIMEOUT_ERROR"));
        assert_eq!(
            (flow.errors[0].error_rate.as_deref(), flow.errors[0].error_count),
            (Some("66.66"), Some(2))
        );
    }

    #[test]
    fn a_change_of_status_has_both() {
        let told = details(&json!({"event": "FLOW_STATUS_CHANGE", "old_status": "DRAFT", "new_status": "PUBLISHED"}));
        let flow = told.flow.unwrap();
        assert_eq!(
            (flow.old_status.as_deref(), flow.new_status.as_deref()),
            (Some("DRAFT"), Some("PUBLISHED"))
        );
    }
}
