//! Bodies and lines as JSON, and reading what is in them.

use hilo_contracts::without_lone_surrogates;
pub(crate) use hilo_domain::read::{decimal, id, id_at, instant, list, owned, text};
use serde_json::Value;
use std::borrow::Cow;

/// Why bytes could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub reason: &'static str,
    /// Where it stopped; never the content.
    pub detail: String,
}

/// The value of a whole body or line. Escapes of half a character stand as U+FFFD.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|error| Unreadable {
        reason: "not_utf8",
        detail: format!("no UTF-8 after byte {}", error.valid_up_to()),
    })?;
    serde_json::from_str(text).or_else(|error| {
        let refused = Unreadable {
            reason: "not_json",
            detail: error.to_string(),
        };
        match without_lone_surrogates(text) {
            Cow::Borrowed(_) => Err(refused),
            Cow::Owned(mended) => serde_json::from_str(&mended).map_err(|_| refused),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn half_characters_are_mended_and_everything_else_is_refused() {
        assert_eq!(parse(br#"{"a":"\ud83d x"}"#), Ok(json!({"a": "\u{fffd} x"})));
        assert_eq!(parse(br#"{"a":"\ud83d\ude00"}"#), Ok(json!({"a": "😀"})));
        for (bytes, reason) in [
            (&b"{\"a\":\"\xff\"}"[..], "not_utf8"),
            (b"{\"a\":", "not_json"),
            (b"{\"a\":\"\\ud83d\"", "not_json"),
            (b"", "not_json"),
            (&b"[".repeat(100_000), "not_json"),
        ] {
            assert_eq!(parse(bytes).unwrap_err().reason, reason);
        }
    }
}
