//! Statuses of messages, and of calls under the same name.
//!
//! ```json
//! {"id": "wamid.HBgL…", "status": "delivered", "timestamp": "1750263773", "recipient_id": "16505551234",
//!  "recipient_user_id": "US.13491208655302741918", "biz_opaque_callback_data": "cmd-7",
//!  "pricing": {"billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing"}}
//! ```

use crate::{Named, Reason, errors::error};
use hilo_contracts::{
    item::{Call, Status},
    stored::{ChargedRef, Convert as _, PaymentRef, PricingRef},
};
use hilo_domain::read::{flag, id, id_at, list, object, owned, seconds, text};
use serde_json::Value;
use std::borrow::Cow;

/// The list of statuses.
pub const LIST: &str = "statuses";

/// Names of statuses that are known.
pub const NAMES: [&str; 7] = ["sent", "delivered", "read", "failed", "played", "deleted", "warning"];

/// Whether the platform documents a status of a message.
pub(crate) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// What a status is about.
#[derive(Debug)]
pub enum About<'a> {
    /// A message.
    Message(Box<Status>),
    /// A call, with the name of the status as received.
    Call(Call, &'a str),
}

/// Both spellings of the participant of a group are in use.
const PARTICIPANT: [&str; 2] = ["recipient_participant_id", "participant_recipient_id"];
const PARTICIPANT_USER: [&str; 2] = ["recipient_participant_user_id", "participant_recipient_user_id"];
const PARTICIPANT_PARENT: [&str; 2] = [
    "recipient_participant_parent_user_id",
    "participant_recipient_parent_user_id",
];
/// The documents had three spellings of the parent.
const PARENT: [&str; 3] = ["recipient_parent_user_id", "parent_recipient_user_id", "parent_user_id"];

/// An element of `statuses` in a change of this field: what it is about, and who received it.
pub fn read<'a>(element: &'a Value, field: &str) -> Result<(About<'a>, Named<'a>), Reason> {
    let id = id(element, "id").ok_or("no_id")?;
    let status = text(element, "status").ok_or("no_status")?;
    let first = |keys: [&str; 2]| keys.into_iter().find_map(|key| id_at(element, key));
    let participant = Named {
        wa_id: first(PARTICIPANT),
        user_id: first(PARTICIPANT_USER),
        parent: first(PARTICIPANT_PARENT),
        ..Named::default()
    };
    let to_group = text(element, "recipient_type") == Some("group");
    let recipient = match (participant.is_nobody(), to_group) {
        (false, _) => participant.clone(),
        // The group is nobody.
        (true, true) => Named::default(),
        (true, false) => Named::under(element, "recipient_id", "recipient_user_id", &PARENT),
    };
    let payment = text(element, "type") == Some("payment");
    // The status of a payment names who pays as its sender.
    let recipient = if recipient.is_nobody() && payment {
        Named::sender(element)
    } else {
        recipient
    };
    if text(element, "type") == Some("call") || field == "calls" {
        let call = Call {
            id,
            event: status.to_ascii_lowercase(),
            inbound: false,
        };
        return Ok((About::Call(call, status), recipient));
    }
    let participant = participant
        .wa_id
        .or(participant.user_id)
        .or(participant.parent)
        .map(Cow::into_owned);
    let status = Status {
        message_id: id,
        status: status.to_owned(),
        participant,
        errors: list(element, "errors")
            .into_iter()
            .flatten()
            .map(|one| error(one).convert())
            .collect(),
        pricing: priced(element).map(pricing),
        callback_data: hilo_domain::read::id(element, "biz_opaque_callback_data"),
        charged: object(element, "conversation").map(|_| charged(&element["conversation"])),
        identity_hash: owned(element, "recipient_identity_key_hash"),
        payment: payment.then(|| paid(element.get("payment").unwrap_or(&Value::Null))),
    };
    Ok((About::Message(Box::new(status)), recipient))
}

fn paid(payment: &Value) -> PaymentRef {
    let transaction = payment.get("transaction").unwrap_or(&Value::Null);
    PaymentRef {
        reference_id: id(payment, "reference_id"),
        transaction_id: id(transaction, "id"),
        transaction_status: owned(transaction, "status"),
    }
}

fn charged(conversation: &Value) -> ChargedRef {
    ChargedRef {
        id: id(conversation, "id"),
        origin: conversation.get("origin").and_then(|origin| owned(origin, "type")),
        expires_at: seconds(conversation, "expiration_timestamp"),
    }
}

/// The pricing of a status: its own, or that of its conversation, where older payloads have it.
fn priced(element: &Value) -> Option<&Value> {
    let conversation = element.get("conversation").unwrap_or(&Value::Null);
    let has_pricing = |holder: &&Value| object(holder, "pricing").is_some();
    let holder = [element, conversation].into_iter().find(has_pricing)?;
    holder.get("pricing")
}

fn pricing(pricing: &Value) -> PricingRef {
    PricingRef {
        model: owned(pricing, "pricing_model"),
        kind: owned(pricing, "type"),
        // One page of the documents writes a hyphen.
        category: owned(pricing, "category").map(|category| category.replace('-', "_")),
        billable: flag(pricing, "billable"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of_message(element: &Value) -> (Status, Named<'_>) {
        match read(element, "messages") {
            Ok((About::Message(status), recipient)) => (*status, recipient),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_status_has_a_recipient_and_a_price() {
        let element = json!({"id": "a", "status": "delivered", "timestamp": "1750263773", "recipient_id": "16505551234",
            "recipient_user_id": "US.1", "parent_recipient_user_id": "US.ENT.1", "biz_opaque_callback_data": "cmd-7",
            "pricing": {"billable": true, "pricing_model": "PMP", "type": "regular", "category": "authentication-international"},
            "conversation": {"id": "c", "expiration_timestamp": "1750263774", "origin": {"type": "marketing"}}});
        let (status, recipient) = of_message(&element);
        assert_eq!((status.message_id.as_str(), status.status.as_str()), ("a", "delivered"));
        assert_eq!(status.callback_data.as_deref(), Some("cmd-7"));
        assert_eq!(
            (
                recipient.wa_id.as_deref(),
                recipient.user_id.as_deref(),
                recipient.parent.as_deref()
            ),
            (Some("16505551234"), Some("US.1"), Some("US.ENT.1"))
        );
        let pricing = status.pricing.unwrap();
        assert_eq!(
            (pricing.model.as_deref(), pricing.kind.as_deref(), pricing.billable),
            (Some("PMP"), Some("regular"), Some(true))
        );
        assert_eq!(pricing.category.as_deref(), Some("authentication_international"));
        let charged = status.charged.unwrap();
        assert_eq!(
            (charged.origin.as_deref(), charged.expires_at),
            (Some("marketing"), Some(1_750_263_774_000))
        );
        assert!(is_known("delivered") && !is_known("of_tomorrow"));
    }

    #[test]
    fn a_failure_has_errors() {
        let element =
            json!({"id": "a", "status": "failed", "errors": [{"code": 131_026, "title": "Undeliverable"}, {}]});
        let (status, recipient) = of_message(&element);
        assert_eq!((status.errors.len(), status.errors[0].code), (2, Some(131_026)));
        assert!(recipient.is_nobody());
    }

    #[test]
    fn a_participant_received_what_was_sent_to_the_group() {
        for key in ["recipient_participant_id", "participant_recipient_id"] {
            let element =
                json!({"id": "a", "status": "read", "recipient_id": "group", "recipient_type": "group", key: "569"});
            let (status, recipient) = of_message(&element);
            assert_eq!(
                (status.participant.as_deref(), recipient.wa_id.as_deref()),
                (Some("569"), Some("569"))
            );
        }
        let nobody = json!({"id": "a", "status": "read", "recipient_id": "group", "recipient_type": "group"});
        assert!(of_message(&nobody).1.is_nobody());
    }

    #[test]
    fn a_payment_is_of_who_pays() {
        let element = json!({"id": "a", "status": "captured", "type": "payment", "from": "569",
            "payment": {"reference_id": "r", "transaction": {"id": "t", "status": "success"}}});
        let (status, recipient) = of_message(&element);
        assert_eq!(recipient.wa_id.as_deref(), Some("569"));
        let payment = status.payment.unwrap();
        assert_eq!(
            (payment.reference_id.as_deref(), payment.transaction_status.as_deref()),
            (Some("r"), Some("success"))
        );
    }

    #[test]
    fn a_status_of_a_call_is_in_capitals() {
        for (kind, field) in [("call", "messages"), ("voice", "calls")] {
            let element = json!({"id": "wacid.1", "type": kind, "status": "RINGING", "recipient_id": "569"});
            let Ok((About::Call(call, word), recipient)) = read(&element, field) else {
                panic!("a call")
            };
            assert_eq!(
                (call.id.as_str(), call.event.as_str(), word),
                ("wacid.1", "ringing", "RINGING")
            );
            assert_eq!(recipient.wa_id.as_deref(), Some("569"));
        }
    }

    #[test]
    fn it_needs_an_id_and_a_name() {
        assert_eq!(read(&json!({"status": "read"}), "messages").unwrap_err(), "no_id");
        assert_eq!(read(&json!({"id": "a"}), "messages").unwrap_err(), "no_status");
    }
}
