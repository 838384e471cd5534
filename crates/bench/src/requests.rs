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

/// Whole HTTP requests for one tenant: `count` different ones, each with a body of `size` bytes.
pub(crate) fn signed(tenant: &str, secret: &[u8], count: usize, size: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|number| {
            let body = body(number, size);
            format!(
                "POST /webhooks/whatsapp/{tenant} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
                 User-Agent: facebookexternalua\r\nX-Hub-Signature-256: sha256={}\r\nContent-Length: {}\r\n\r\n{body}",
                signature(secret, body.as_bytes()),
                body.len()
            )
            .into_bytes()
        })
        .collect()
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
