//! What is neither a message, a call nor a group: clicks, leads, flows, preferences, address book, user ids, history,
//! errors of the account.

use super::{errors, owned, said, whole};
use hilo_contracts::{
    details::{Click, Details, Flow, FlowError, History, Lead, Preference, SyncedContact, UserIdChange},
    item::Preference as Told,
};
use hilo_domain::read::{decimal, id, list, text};
use serde_json::Value;

const NOTHING: &Value = &Value::Null;

pub(super) fn preference(element: &Value, told: &Told) -> Details {
    Details {
        preference: Some(Preference {
            category: said(told.category.clone()),
            value: said(told.value.clone()),
            detail: owned(element, "detail"),
            signup_id: id(element, "signup_id"),
        }),
        ..Details::default()
    }
}

/// A user action. Its data stand under its own name, or under that of the click that led to it.
pub(super) fn action(element: &Value) -> Details {
    let subtype = owned(element, "action_type");
    let data = subtype
        .as_ref()
        .and_then(|action| element.get(format!("{action}_data")))
        .or_else(|| element.get("marketing_messages_link_click_data"))
        .unwrap_or(NOTHING);
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

pub(super) fn lead(element: &Value) -> Details {
    let custom = element.get("custom_data").unwrap_or(NOTHING);
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

pub(super) fn contact(element: &Value) -> Details {
    let contact = element.get("contact").unwrap_or(NOTHING);
    Details {
        contact: said(SyncedContact {
            action: owned(element, "action"),
            full_name: owned(contact, "full_name"),
            first_name: owned(contact, "first_name"),
        }),
        ..Details::default()
    }
}

pub(super) fn user_id(element: &Value) -> Details {
    let of = |key: &str, version: &str| element.get(key).and_then(|pair| id(pair, version));
    Details {
        text: owned(element, "detail"),
        user_id_change: said(UserIdChange {
            previous: of("user_id", "previous"),
            current: of("user_id", "current"),
            previous_parent: of("parent_user_id", "previous"),
            current_parent: of("parent_user_id", "current"),
        }),
        ..Details::default()
    }
}

/// An event of a flow. The errors of an alert are counts of what its endpoint did, none of the platform.
pub(super) fn flow(value: &Value) -> Details {
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

/// An element of `history` without messages: a chunk that was empty, or a synchronisation that was refused.
pub(super) fn history(element: &Value) -> Details {
    let metadata = element.get("metadata").unwrap_or(NOTHING);
    Details {
        errors: errors(element),
        history: said(History {
            status: None,
            phase: whole(metadata, "phase"),
            chunk_order: whole(metadata, "chunk_order"),
            progress: whole(metadata, "progress"),
        }),
        ..Details::default()
    }
}

/// An error of the account, which is an item itself.
pub(super) fn error(element: &Value) -> Details {
    Details {
        text: text(element, "message").map(str::to_owned),
        errors: vec![super::error(element)],
        ..Details::default()
    }
}
