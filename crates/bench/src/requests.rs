//! Signed deliveries as bytes on the wire, made before the clock runs.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::fmt::Write as _;

/// A text message as the platform sends it, with `size` bytes where the smallest one is not larger.
fn body(number: usize, size: usize) -> String {
    let phone = format!("569{number:08}");
    let message = |text: &str| {
        format!(
            concat!(
                r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"value":{{"#,
                r#""messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","#,
                r#""phone_number_id":"106540352242922"}},"contacts":[{{"profile":{{"name":"Sheena Nelson"}},"#,
                r#""wa_id":"{phone}"}}],"messages":[{{"from":"{phone}","id":"wamid.bench{number:08}","#,
                r#""timestamp":"1777899600","type":"text","text":{{"body":"{text}"}}}}]}},"field":"messages"}}]}}]}}"#
            ),
            phone = phone,
            number = number,
            text = text
        )
    };
    let padding = size.saturating_sub(message("").len());
    message(&"x".repeat(padding))
}

/// People of [`traffic`]: each comes back every so many deliveries.
const PEOPLE: usize = 5_000;
/// Before the number in a message id of [`traffic`].
const MESSAGE: &str = "wamid.bench";

/// Customers' messages, and as many statuses of messages to them, by turns. Each delivery is about a message of its own,
/// so that each becomes a fact, and [`number`] tells which delivery a fact comes of.
#[must_use]
pub fn traffic(tenant: &str, secret: &[u8], count: usize, unix_seconds: i64) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| {
            let phone = format!("569{:08}", 60_000_000 + number / 2 % PEOPLE);
            let content = if is_status(number) {
                format!(
                    r#""statuses":[{{"id":"{MESSAGE}{number:08}","status":"delivered","timestamp":"{unix_seconds}","recipient_id":"{phone}","recipient_user_id":"CL.{phone}"}}]"#
                )
            } else {
                format!(
                    r#""contacts":[{{"profile":{{"name":"Sheena Nelson"}},"wa_id":"{phone}","user_id":"CL.{phone}"}}],"messages":[{{"from":"{phone}","from_user_id":"CL.{phone}","id":"{MESSAGE}{number:08}","timestamp":"{unix_seconds}","type":"text","text":{{"body":"¿Tienen stock para despacho mañana?"}}}}]"#
                )
            };
            let body = format!(
                concat!(
                    r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"value":{{"#,
                    r#""messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","#,
                    r#""phone_number_id":"106540352242922"}},{content}}},"field":"messages"}}]}}]}}"#
                ),
                content = content
            );
            request(tenant, secret, &body)
        })
        .collect()
}

/// Which of [`traffic`] are statuses.
#[must_use]
pub fn is_status(number: usize) -> bool {
    number % 2 == 1
}

/// Which delivery of [`traffic`] is about a message.
#[must_use]
pub fn number(message_id: &str) -> Option<usize> {
    message_id.strip_prefix(MESSAGE)?.parse().ok()
}

/// Whole HTTP requests for one tenant: `count` different ones, each with a body of `size` bytes.
pub(crate) fn signed(tenant: &str, secret: &[u8], count: usize, size: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| request(tenant, secret, &body(number, size)))
        .collect()
}

fn request(tenant: &str, secret: &[u8], body: &str) -> Vec<u8> {
    format!(
        "POST /webhooks/whatsapp/{tenant} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
         User-Agent: facebookexternalua\r\nX-Hub-Signature-256: sha256={}\r\nContent-Length: {}\r\n\r\n{body}",
        signature(secret, body.as_bytes()),
        body.len()
    )
    .into_bytes()
}

fn signature(secret: &[u8], body: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) {
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
        }
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_webhook_bodies_of_the_size_asked_for() {
        for size in [600, 850, 100_000] {
            let body = body(7, size);
            assert_eq!(body.len(), size);
            let parsed: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(
                parsed["entry"][0]["changes"][0]["value"]["messages"][0]["from"],
                "56900000007"
            );
        }
        assert!(body(7, 0).len() > 300, "the smallest one is whole");
    }

    #[test]
    fn a_delivery_of_traffic_is_found_by_its_message() {
        let requests = traffic("bench", b"secret", 4, 1_777_899_600);
        for (at, request) in requests.iter().enumerate() {
            let text = str::from_utf8(request).unwrap();
            let (_, body) = text.split_once("\r\n\r\n").unwrap();
            let parsed: serde_json::Value = serde_json::from_str(body).unwrap();
            let list = if is_status(at) { "statuses" } else { "messages" };
            let id = &parsed["entry"][0]["changes"][0]["value"][list][0]["id"];
            assert_eq!(number(id.as_str().unwrap()), Some(at));
        }
        assert_eq!(number("wamid.HBgL"), None);
        assert_eq!(number("wamid.bench"), None);
    }

    #[test]
    fn the_signature_is_the_documented_one() {
        let signed = signature(
            b"test_app_secret",
            br#"{"object":"whatsapp_business_account","entry":[]}"#,
        );
        assert_eq!(
            signed,
            "dec6a680679a968e7e0319355b23599cbfc54502c0784668e9618baa0c633756"
        );
    }
}
