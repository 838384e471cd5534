//! Canonical JSON with keys in their documented order.

use hilo_domain::{Millis, json::write_string, time::to_rfc3339};
use std::fmt::Write as _;

/// Appends `"key":"text"` or `"key":null`, with a comma unless it is the first of its object.
pub(super) fn text(out: &mut String, key: &str, text: Option<&str>) {
    begin(out, key);
    match text {
        Some(text) => write_string(text, out),
        None => out.push_str("null"),
    }
}

/// Appends an instant.
pub(super) fn instant(out: &mut String, key: &str, at: Option<Millis>) {
    begin(out, key);
    match at {
        Some(at) => {
            out.push('"');
            out.push_str(&to_rfc3339(at));
            out.push('"');
        }
        None => out.push_str("null"),
    }
}

/// Appends a duration in seconds, as the shortest decimal.
pub(super) fn seconds(out: &mut String, key: &str, millis: Option<Millis>) {
    begin(out, key);
    let Some(millis) = millis else {
        out.push_str("null");
        return;
    };
    let sign = if millis < 0 { "-" } else { "" };
    let (whole, rest) = (millis.unsigned_abs() / 1_000, millis.unsigned_abs() % 1_000);
    // Writing to a String cannot fail.
    let _ = write!(out, "{sign}{whole}");
    if rest > 0 {
        let digits = format!("{rest:03}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
}

/// Appends `"key":` and what `value` writes.
pub(super) fn raw(out: &mut String, key: &str, value: &str) {
    begin(out, key);
    out.push_str(value);
}

fn begin(out: &mut String, key: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    out.push('"');
    out.push_str(key);
    out.push_str("\":");
}

/// Identifiers as a JSON list, sorted by (kind, value).
pub(super) fn identifiers(mut list: Vec<(String, String)>) -> String {
    list.sort_unstable();
    list.dedup();
    let mut out = String::from("[");
    for (index, (kind, value)) in list.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('{');
        text(&mut out, "kind", Some(kind));
        text(&mut out, "value", Some(value));
        out.push('}');
    }
    out.push(']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_the_shortest_decimal() {
        let written = |millis| {
            let mut out = String::from("{");
            seconds(&mut out, "s", millis);
            out
        };
        assert_eq!(written(Some(120_000)), r#"{"s":120"#);
        assert_eq!(written(Some(1_500)), r#"{"s":1.5"#);
        assert_eq!(written(Some(5)), r#"{"s":0.005"#);
        assert_eq!(written(None), r#"{"s":null"#);
    }

    #[test]
    fn identifiers_are_sorted_and_distinct() {
        let id = |kind: &str, value: &str| (kind.to_owned(), value.to_owned());
        assert_eq!(
            identifiers(vec![
                id("wa_id", "1"),
                id("bsuid", "CL.2"),
                id("bsuid", "CL.1"),
                id("wa_id", "1")
            ]),
            r#"[{"kind":"bsuid","value":"CL.1"},{"kind":"bsuid","value":"CL.2"},{"kind":"wa_id","value":"1"}]"#
        );
    }
}
