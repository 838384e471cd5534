//! Reading JSON that nobody promised anything about: a value of the wrong type counts as absent.

use hilo_contracts::without_lone_surrogates;
use hilo_domain::{Millis, time};
use serde_json::{Map, Value};
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

/// A text that says something.
pub(crate) fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A text, or a whole number as its digits: ids come as both.
pub(crate) fn id(object: &Value, key: &str) -> Option<String> {
    match object.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// A number as decimal text, or a text that is one.
pub(crate) fn decimal(object: &Value, key: &str) -> Option<String> {
    match object.get(key)? {
        number @ Value::Number(_) => Some(hilo_domain::json::canonical(number)),
        Value::String(text) => Some(text.trim())
            .filter(|text| text.parse::<f64>().is_ok())
            .map(str::to_owned),
        _ => None,
    }
}

/// A whole number, also as text.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            number
                .as_f64()
                .filter(|float| float.fract() == 0.0)
                .map(|float| float as i64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A list.
pub(crate) fn list<'a>(object: &'a Value, key: &str) -> Option<&'a Vec<Value>> {
    object.get(key).and_then(Value::as_array)
}

/// An object.
pub(crate) fn object<'a>(object: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    object.get(key).and_then(Value::as_object)
}

/// Whole seconds, as text or number; `None` before 1970 and beyond the calendar.
pub(crate) fn seconds(object: &Value, key: &str) -> Option<Millis> {
    integer(object.get(key)?)
        .filter(|seconds| *seconds >= 0)
        .and_then(time::from_unix_seconds)
}

/// An RFC 3339 instant.
pub(crate) fn instant(object: &Value, key: &str) -> Option<Millis> {
    text(object, key).and_then(time::parse_rfc3339)
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

    #[test]
    fn times_are_text_or_number_and_inside_the_calendar() {
        let times = json!({"a": "1777899600", "b": 1_777_899_600, "c": 1_777_899_600.0, "d": "soon", "e": -1,
            "f": "99999999999999999", "g": null, "h": [1], "i": "", "j": 1e300});
        for (key, want) in [
            ("a", true),
            ("b", true),
            ("c", true),
            ("d", false),
            ("e", false),
            ("f", false),
        ] {
            assert_eq!(seconds(&times, key), want.then_some(1_777_899_600_000), "{key}");
        }
        for key in ["g", "h", "i", "j", "z"] {
            assert_eq!(seconds(&times, key), None, "{key}");
        }
    }
}
