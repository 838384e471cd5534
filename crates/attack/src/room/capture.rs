//! Bodies as the platform and the business send them, signed and unsigned.

use hilo_domain::time::to_rfc3339;
use hilo_service::clock;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::fmt::Write as _;

use super::http::Request;

/// A tenant of the attacked node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tenant {
    pub name: &'static str,
    pub secret: &'static str,
    pub api_token: &'static str,
    pub waba: &'static str,
    pub phone_number_id: &'static str,
    pub display: &'static str,
}

/// The tenant that misbehaves, or whose reader is curious.
pub(crate) const ACME: Tenant = Tenant {
    name: "acme",
    secret: "acme-secret-of-the-attack",
    api_token: "acme-api-token-of-the-attack",
    waba: "102900000000001",
    phone_number_id: "106500000000001",
    display: "56221234567",
};

/// The tenant beside it, which must notice nothing.
pub(crate) const BETA: Tenant = Tenant {
    name: "beta",
    secret: "beta-secret-of-the-attack",
    api_token: "beta-api-token-of-the-attack",
    waba: "102900000000002",
    phone_number_id: "106500000000002",
    display: "525512345678",
};

/// The value of `X-Hub-Signature-256`.
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let mut text = "sha256=".to_owned();
    // Any length is a key.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) {
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

/// The time of this machine.
pub(crate) fn now() -> String {
    to_rfc3339(clock::now())
}

/// Seconds since 1970, as the platform writes them.
pub(crate) fn seconds() -> i64 {
    clock::now() / 1_000
}

impl Tenant {
    /// A delivery with one change of field `messages`.
    pub(crate) fn delivery(&self, value: &Value) -> Value {
        let mut value = value.clone();
        if let Some(object) = value.as_object_mut() {
            object.insert("messaging_product".to_owned(), json!("whatsapp"));
            object.insert(
                "metadata".to_owned(),
                json!({"display_phone_number": self.display, "phone_number_id": self.phone_number_id}),
            );
        }
        json!({"object": "whatsapp_business_account", "entry": [
            {"id": self.waba, "changes": [{"field": "messages", "value": value}]}]})
    }

    /// A text of a customer.
    pub(crate) fn text(&self, id: &str, from: &str, text: &str) -> Value {
        self.delivery(&json!({
            "contacts": [{"profile": {"name": "Camila"}, "wa_id": from}],
            "messages": [{"from": from, "id": id, "timestamp": seconds().to_string(), "type": "text", "text": {"body": text}}]}))
    }

    pub(crate) fn webhook_path(&self) -> String {
        format!("/webhooks/whatsapp/{}", self.name)
    }

    /// A signed delivery.
    pub(crate) fn signed(&self, body: &Value) -> Request {
        self.signed_bytes(body.to_string().into_bytes())
    }

    pub(crate) fn signed_bytes(&self, body: Vec<u8>) -> Request {
        let signature = signature(self.secret, &body);
        Request::post(&self.webhook_path(), body).header("X-Hub-Signature-256", signature)
    }

    /// Lines of the business itself.
    pub(crate) fn lines(&self, path: &str, lines: &[Value]) -> Request {
        let text: Vec<String> = lines.iter().map(Value::to_string).collect();
        Request::post(path, text.join("\n")).bearer(self.api_token)
    }

    /// A send that the platform accepted.
    pub(crate) fn outbound(&self, id: &str, to: &Value, at: &str) -> Value {
        json!({"source": "outbound", "at": at, "phone_number_id": self.phone_number_id, "message_id": id, "to": to,
            "type": "template", "template": {"name": format!("{}_cita", self.name), "language": "es", "category": "utility"},
            "campaign": format!("{}_campaign", self.name)})
    }
}
