//! Canonical JSON: one text for one value, so that contents can be compared and hashed.

use serde_json::Value;
use std::fmt::Write as _;

/// Writes `value` with sorted keys, no spaces, and numbers as their shortest decimal (`120.0` → `120`).
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut out = String::with_capacity(128);
    write_canonical(value, &mut out);
    out
}

/// Appends the canonical form of `value` to `out`.
pub fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write_canonical(&fields[key], out);
            }
            out.push('}');
        }
    }
}

/// Writes a JSON string with the escapes that JSON demands and no others.
pub fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        // Nearly every byte; runs of them are copied at once.
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[written..at]);
        written = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            control => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{control:04x}");
            }
        }
    }
    out.push_str(&text[written..]);
    out.push('"');
}

/// Beyond 2^53 a double is no exact integer any more, so it keeps its own notation.
const EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

fn write_number(number: &serde_json::Number, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = match exact(number) {
        Some(whole) => write!(out, "{whole}"),
        None => write!(out, "{number}"),
    };
}

/// The exact integer that a number with a fraction or an exponent is.
pub(crate) fn exact(number: &serde_json::Number) -> Option<i64> {
    let is_exact = |float: &f64| float.fract() == 0.0 && float.abs() < EXACT_INTEGER;
    let float = number.as_f64().filter(|_| !number.is_i64() && !number.is_u64())?;
    Some(float).filter(is_exact).map(|float| float as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn sorts_keys_and_shortens_numbers() {
        let value = json!({"b": 120.0, "a": [1, 0.5, -0.0, null, true], "é": "x\u{1}\"\\\n"});
        assert_eq!(
            canonical(&value),
            r#"{"a":[1,0.5,0,null,true],"b":120,"é":"x\u0001\"\\\n"}"#
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_back_equal_and_is_a_fixed_point(value in any_json()) {
            let text = canonical(&value);
            let back: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&back, &value);
            prop_assert_eq!(canonical(&back), text);
        }
    }
}
