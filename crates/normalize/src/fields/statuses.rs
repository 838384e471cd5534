//! Statuses of messages, and of calls under the same name.

use crate::{
    json,
    key::Key,
    outcome::Reason,
    people::Named,
    update::{Draft, Update},
};
use hilo_contracts::{
    item::{Body, Call, Status},
    stored::{ChargedRef, ErrorRef, PaymentRef, PricingRef},
};
use serde_json::Value;
use std::borrow::Cow;

/// Both spellings of the participant of a group are in use.
const PARTICIPANT: [&str; 2] = ["recipient_participant_id", "participant_recipient_id"];
const PARTICIPANT_USER: [&str; 2] = ["recipient_participant_user_id", "participant_recipient_user_id"];
const PARTICIPANT_PARENT: [&str; 2] = [
    "recipient_participant_parent_user_id",
    "participant_recipient_parent_user_id",
];
/// The documents had three spellings of the parent.
const PARENT: [&str; 3] = ["recipient_parent_user_id", "parent_recipient_user_id", "parent_user_id"];

/// An element of `statuses`.
pub(super) fn status(update: &Update, element: &Value) -> Result<Draft, Reason> {
    let id = json::id(element, "id").ok_or("no_id")?;
    let status = json::text(element, "status").ok_or("no_status")?;
    let at = Update::timestamp(element);
    let first = |keys: [&str; 2]| keys.into_iter().find_map(|key| json::id_at(element, key));
    let participant = Named {
        wa_id: first(PARTICIPANT),
        user_id: first(PARTICIPANT_USER),
        parent: first(PARTICIPANT_PARENT),
        ..Named::default()
    };
    let to_group = json::text(element, "recipient_type") == Some("group");
    let recipient = match (participant.is_nobody(), to_group) {
        (false, _) => participant.clone(),
        // The group is nobody.
        (true, true) => Named::default(),
        (true, false) => Named::under(element, "recipient_id", "recipient_user_id", &PARENT),
    };
    let payment = json::text(element, "type") == Some("payment");
    // The status of a payment names who pays as its sender.
    let recipient = if recipient.is_nobody() && payment {
        super::messages::sender(element)
    } else {
        recipient
    };
    let person = update.person(recipient);
    if json::text(element, "type") == Some("call") || update.field == "calls" {
        let key = Key::Call {
            id: id.clone(),
            event: status.to_owned(),
        };
        let call = Call {
            id,
            event: status.to_ascii_lowercase(),
            inbound: false,
        };
        return Ok(Draft {
            person,
            ..Draft::new(at, key, Body::Call(call))
        });
    }
    let errors: Vec<ErrorRef> = json::list(element, "errors").into_iter().flatten().map(error).collect();
    let participant = participant
        .wa_id
        .or(participant.user_id)
        .or(participant.parent)
        .map(Cow::into_owned);
    let key = Key::Status {
        message_id: id.clone(),
        // A failed payment is not a failed message.
        status: if payment {
            format!("payment {status}")
        } else {
            status.to_owned()
        },
        participant: participant.clone(),
        code: errors.first().and_then(|error| error.code),
    };
    let body = Status {
        message_id: id,
        status: status.to_owned(),
        participant,
        errors,
        pricing: priced(element).map(pricing),
        callback_data: json::id(element, "biz_opaque_callback_data"),
        charged: json::object(element, "conversation").map(|_| charged(&element["conversation"])),
        identity_hash: json::text(element, "recipient_identity_key_hash").map(str::to_owned),
        payment: payment.then(|| paid(element.get("payment").unwrap_or(&Value::Null))),
    };
    Ok(Draft {
        person,
        ..Draft::new(at, key, Body::Status(body))
    })
}

fn error(error: &Value) -> ErrorRef {
    let details = error
        .get("error_data")
        .and_then(|data| json::text(data, "details"))
        .or_else(|| json::text(error, "details"));
    ErrorRef {
        code: error.get("code").and_then(json::integer),
        title: json::text(error, "title").map(str::to_owned),
        details: details.or_else(|| json::text(error, "message")).map(str::to_owned),
    }
}

fn paid(payment: &Value) -> PaymentRef {
    let transaction = payment.get("transaction").unwrap_or(&Value::Null);
    PaymentRef {
        reference_id: json::id(payment, "reference_id"),
        transaction_id: json::id(transaction, "id"),
        transaction_status: json::text(transaction, "status").map(str::to_owned),
    }
}

fn charged(conversation: &Value) -> ChargedRef {
    ChargedRef {
        id: json::id(conversation, "id"),
        origin: conversation
            .get("origin")
            .and_then(|origin| json::text(origin, "type"))
            .map(str::to_owned),
        expires_at: json::seconds(conversation, "expiration_timestamp"),
    }
}

/// The pricing of a status: its own, or that of its conversation, where older payloads have it.
fn priced(element: &Value) -> Option<&Value> {
    let of = |object: &'_ Value| json::object(object, "pricing").is_some();
    let conversation = element.get("conversation").unwrap_or(&Value::Null);
    let holder = [element, conversation].into_iter().find(|object| of(object))?;
    holder.get("pricing")
}

fn pricing(pricing: &Value) -> PricingRef {
    let text = |key| json::text(pricing, key).map(str::to_owned);
    PricingRef {
        model: text("pricing_model"),
        kind: text("type"),
        // One page of the documents writes a hyphen.
        category: text("category").map(|category| category.replace('-', "_")),
        billable: pricing.get("billable").and_then(Value::as_bool),
    }
}
