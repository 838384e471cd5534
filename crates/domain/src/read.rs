//! Reading JSON that nobody promised anything about: a value of the wrong type counts as absent.

use crate::{
    Millis,
    json::{canonical, exact},
    time,
};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A text that says something.
#[must_use]
pub fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A text that says something, as a value of its own.
#[must_use]
pub fn owned(object: &Value, key: &str) -> Option<String> {
    text(object, key).map(str::to_owned)
}

/// Yes or no.
#[must_use]
pub fn flag(object: &Value, key: &str) -> Option<bool> {
    object.get(key).and_then(Value::as_bool)
}

/// The whole number under a key, also as text.
#[must_use]
pub fn whole(object: &Value, key: &str) -> Option<i64> {
    object.get(key).and_then(integer)
}

/// A part that says something.
#[must_use]
pub fn said<T: Default + PartialEq>(part: T) -> Option<T> {
    (part != T::default()).then_some(part)
}

/// An id that a value is: a text, or a whole number as its digits, for ids come as both.
#[must_use]
pub fn id_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(Cow::Owned(number.to_string())),
        Value::Number(number) => exact(number).map(|whole| Cow::Owned(whole.to_string())),
        _ => None,
    }
}

/// The id under a key, borrowed where it is a text.
#[must_use]
pub fn id_at<'a>(object: &'a Value, key: &str) -> Option<Cow<'a, str>> {
    object.get(key).and_then(id_of)
}

/// The id under a key.
#[must_use]
pub fn id(object: &Value, key: &str) -> Option<String> {
    id_at(object, key).map(Cow::into_owned)
}

/// A number as decimal text, or a text that is one.
#[must_use]
pub fn decimal(object: &Value, key: &str) -> Option<String> {
    match object.get(key)? {
        number @ Value::Number(_) => Some(canonical(number)),
        Value::String(text) => Some(text.trim())
            .filter(|text| text.parse::<f64>().is_ok())
            .map(str::to_owned),
        _ => None,
    }
}

/// A whole number, also as text.
#[must_use]
pub fn integer(value: &Value) -> Option<i64> {
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
#[must_use]
pub fn list<'a>(object: &'a Value, key: &str) -> Option<&'a Vec<Value>> {
    object.get(key).and_then(Value::as_array)
}

/// An object.
#[must_use]
pub fn object<'a>(object: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    object.get(key).and_then(Value::as_object)
}

/// Whole seconds, as text or number; `None` before 1970 and beyond the calendar.
#[must_use]
pub fn seconds(object: &Value, key: &str) -> Option<Millis> {
    integer(object.get(key)?)
        .filter(|seconds| *seconds >= 0)
        .and_then(time::from_unix_seconds)
}

/// An RFC 3339 instant.
#[must_use]
pub fn instant(object: &Value, key: &str) -> Option<Millis> {
    text(object, key).and_then(time::parse_rfc3339)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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

    #[test]
    fn a_value_of_the_wrong_type_is_absent() {
        let object = json!({"n": 7, "f": 1.5, "t": "7", "e": "", "l": [], "o": {}, "b": true, "x": null});
        assert_eq!(
            (text(&object, "n"), text(&object, "e"), text(&object, "t")),
            (None, None, Some("7"))
        );
        assert_eq!(
            (id(&object, "n").as_deref(), id(&object, "f"), id(&object, "b")),
            (Some("7"), None, None)
        );
        assert_eq!(
            (decimal(&object, "f").as_deref(), decimal(&object, "t").as_deref()),
            (Some("1.5"), Some("7"))
        );
        assert!(list(&object, "o").is_none() && self::object(&object, "l").is_none());
    }

    #[test]
    fn an_id_is_a_text_or_the_digits_of_a_whole_number() {
        for (told, want) in [
            (json!("56961234567"), Some("56961234567")),
            (json!(56_961_234_567_i64), Some("56961234567")),
            (json!(18_446_744_073_709_551_615_u64), Some("18446744073709551615")),
            (json!(56_961_234_567.0), Some("56961234567")),
            (json!(1.5), None),
            (json!(1e300), None),
            (json!(""), None),
            (json!(true), None),
            (json!(null), None),
            (json!([7]), None),
        ] {
            assert_eq!(id_of(&told).as_deref(), want, "{told}");
        }
    }
}
