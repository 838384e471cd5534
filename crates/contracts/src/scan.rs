//! Looks at JSON text byte by byte, for what is needed of every body before anybody parses it.
//!
//! Inside a JSON string every quote is escaped, so `"name"` followed by a colon is a key wherever it stands, also when
//! the text around it is broken.

use hilo_domain::{Millis, time};
use std::borrow::Cow;

/// The greatest `timestamp` or `entry.time` in a webhook body: whole seconds, as text or number.
pub(crate) fn newest_timestamp(body: &[u8]) -> Option<Millis> {
    members(body)
        .filter(|(key, _)| matches!(*key, b"timestamp" | b"time"))
        .filter_map(|(_, value)| seconds(value))
        .max()
}

/// Whole seconds since 1970, as text or number; `None` where the value is anything else, though it may begin like one.
fn seconds(value: &[u8]) -> Option<Millis> {
    let (digits, ends): (&[u8], &[u8]) = match value.strip_prefix(b"\"") {
        Some(text) => (text, b"\""),
        None => (value, b",}] \t\r\n"),
    };
    let length = digits.iter().position(|byte| ends.contains(byte))?;
    let digits = str::from_utf8(&digits[..length]).ok()?;
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)?;
    time::from_unix_seconds(number.parse().ok()?)
}

/// The first identifier of a person in a body: what keeps the deliveries of one contact together. `from` comes last,
/// for in an echo it is the business.
pub(crate) fn first_contact(body: &[u8]) -> Option<&[u8]> {
    let mut from = None;
    for (key, value) in members(body) {
        let found = match key {
            b"wa_id" | b"user_id" | b"recipient_id" | b"recipient_user_id" | b"to" | b"to_user_id" | b"phone" => {
                text(value)
            }
            b"from" => {
                from = from.or_else(|| text(value));
                None
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    from
}

/// The content of a string without escapes, without the plus sign of a number; `None` for everything else.
fn text(value: &[u8]) -> Option<&[u8]> {
    let rest = value.strip_prefix(b"\"")?;
    let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let text = &rest[..length];
    Some(text.strip_prefix(b"+").unwrap_or(text)).filter(|text| !text.is_empty())
}

/// Each key of any object in `body`, with the text from its value on.
fn members(body: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = body;
    std::iter::from_fn(move || {
        loop {
            let start = rest.iter().position(|byte| *byte == b'"')?;
            rest = &rest[start + 1..];
            let end = end_of_string(rest)?;
            let key = &rest[..end];
            rest = &rest[end + 1..];
            let after = rest.trim_ascii_start();
            if let Some(value) = after.strip_prefix(b":") {
                rest = value.trim_ascii_start();
                return Some((key, rest));
            }
        }
    })
}

fn end_of_string(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// JSON text in which escapes of half a character stand as U+FFFD; no text can hold them.
#[must_use]
pub fn without_lone_surrogates(json: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        at += found;
        match (unit(json, at), unit(json, at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at += 12,
            (Some(0xd800..=0xdfff), _) => {
                out.push_str(&json[kept..at]);
                out.push_str("\\ufffd");
                at += 6;
                kept = at;
            }
            // Past the escaped character; inside a string it is ASCII.
            _ => at += 2,
        }
        if !json.is_char_boundary(at) {
            break;
        }
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(&json[kept..]);
    Cow::Owned(out)
}

/// The UTF-16 unit of the escape at `at`, if there is one.
fn unit(json: &str, at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix("\\u")?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_the_newest_time_as_text_or_number_and_not_in_what_people_write() {
        let body = br#"{"entry":[{"time":1777899605,"changes":[{"value":{"messages":[
            {"timestamp" : "1777899600","text":{"body":"\"timestamp\":\"1999999999\""}},
            {"timestamp":1777899610,"type":"timestamp"},{"timestamp":"soon"},{"timestamp":"99999999999999999"}]}}]}]}"#;
        assert_eq!(newest_timestamp(body), Some(1_777_899_610_000));
        let neither = br#"{"messages":[{"timestamp":"21-09-2022 12:05:00"},{"timestamp":1777899610.5}]}"#;
        assert_eq!(newest_timestamp(neither), None);
        assert_eq!(newest_timestamp(br#"{"entry":[]}"#), None);
    }

    #[test]
    fn a_message_and_the_answer_to_it_share_their_contact() {
        let inbound =
            br#"{"metadata":{"phone_number_id":"21"},"contacts":[{"profile":{"name":"wa_id"},"wa_id":"569"}]}"#;
        let outbound = br#"{"source":"outbound","to":{"phone":"+569","user_id":"CL.1"}}"#;
        let echo = br#"{"message_echoes":[{"from":"210","to":"569"}]}"#;
        let system = br#"{"messages":[{"from":"569","type":"system"}]}"#;
        for body in [&inbound[..], outbound, echo, system] {
            assert_eq!(
                first_contact(body),
                Some(&b"569"[..]),
                "{}",
                String::from_utf8_lossy(body)
            );
        }
        assert_eq!(first_contact(br#"{"wa_id":null,"user_id":"","phone":7}"#), None);
    }

    #[test]
    fn only_halves_of_characters_are_replaced() {
        let text = r#""\ud83d\ude00 \ud83d \ude00\ud83d \\ud83d é\n""#;
        let mended = without_lone_surrogates(text);
        assert_eq!(mended, r#""\ud83d\ude00 \ufffd \ufffd\ufffd \\ud83d é\n""#);
        assert_eq!(
            serde_json::from_str::<String>(&mended).unwrap(),
            "😀 \u{fffd} \u{fffd}\u{fffd} \\ud83d é\n"
        );
    }

    proptest! {
        #[test]
        fn text_of_any_kind_stops_nobody(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[\\\\ud8c0é\"]{0,24}") {
            for body in [&bytes[..], text.as_bytes()] {
                let members = members(body).count();
                prop_assert!(members < body.split(|byte| *byte == b':').count());
                prop_assert!(first_contact(body).is_none() || members > 0);
            }
            let mended = without_lone_surrogates(&text).into_owned();
            prop_assert_eq!(without_lone_surrogates(&mended), mended.as_str());
        }
    }
}
