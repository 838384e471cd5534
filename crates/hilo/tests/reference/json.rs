//! JSON as the interface wants it: canonical text, lone surrogates as U+FFFD, times.

use jiff::Timestamp;
use serde_json::Value;

/// Sorted keys, no spaces, numbers as their shortest decimal.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => {
            let mut pairs: Vec<_> = fields.iter().collect();
            pairs.sort_by(|one, two| one.0.cmp(two.0));
            let pairs: Vec<_> = pairs
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical(value)))
                .collect();
            format!("{{{}}}", pairs.join(","))
        }
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => format!("{}", float as i64),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// Parses bytes; a lone surrogate escape stands for U+FFFD.
pub(crate) fn parse(bytes: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(bytes).ok()?;
    serde_json::from_str(&without_lone_surrogates(text)).ok()
}

fn without_lone_surrogates(text: &str) -> String {
    let escape = |at: usize| -> Option<u32> {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let (mut out, mut at) = (String::new(), 0);
    while at < text.len() {
        match escape(at) {
            Some(0xD800..=0xDBFF) if matches!(escape(at + 6), Some(0xDC00..=0xDFFF)) => {
                out.push_str(&text[at..at + 12]);
                at += 12;
            }
            Some(0xD800..=0xDFFF) => {
                out.push_str("\\uFFFD");
                at += 6;
            }
            _ => {
                // An escaped backslash is one unit, lest its second half begin an escape.
                let length = if text[at..].starts_with("\\\\") {
                    2
                } else {
                    text[at..].chars().next().map_or(1, char::len_utf8)
                };
                out.push_str(&text[at..at + length]);
                at += length;
            }
        }
    }
    out
}

/// The text at `key`, if it is text and not empty.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// Keys of ids, of which each may stand as a number.
const IDS: &[&str] = &[
    "agent",
    "biz_opaque_callback_data",
    "campaign",
    "contact_id",
    "current",
    "customer",
    "deal_id",
    "display_phone_number",
    "from",
    "from_parent_user_id",
    "from_user_id",
    "group_id",
    "id",
    "input",
    "message_id",
    "new_wa_id",
    "original_message_id",
    "owner_business_id",
    "parent_recipient_user_id",
    "parent_user_id",
    "participant_recipient_id",
    "participant_recipient_parent_user_id",
    "participant_recipient_user_id",
    "phone",
    "phone_number",
    "phone_number_id",
    "portfolio_id",
    "previous",
    "queue",
    "recipient_id",
    "recipient_parent_user_id",
    "recipient_participant_id",
    "recipient_participant_parent_user_id",
    "recipient_participant_user_id",
    "recipient_user_id",
    "reply_to",
    "segment",
    "to",
    "to_parent_user_id",
    "to_user_id",
    "user_id",
    "wa_id",
    "waba_id",
];
/// Lists that may hold ids.
const OF_IDS: &[&str] = &["added_participants", "removed_participants"];

/// The value with each id as text: one that stands as a number counts as its digits.
pub(crate) fn with_ids(value: &Value) -> Value {
    let plain = |value: &Value| word(value).filter(|_| value.is_number()).map(Value::from);
    match value {
        Value::Array(items) => items.iter().map(with_ids).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| {
                let told = match value {
                    Value::Array(items) if OF_IDS.contains(&key.as_str()) => items
                        .iter()
                        .map(|item| plain(item).unwrap_or_else(|| with_ids(item)))
                        .collect(),
                    value if IDS.contains(&key.as_str()) => plain(value).unwrap_or_else(|| with_ids(value)),
                    value => with_ids(value),
                };
                (key.clone(), told)
            });
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

/// Text that is not empty, or a whole number as text.
pub(crate) fn word(value: &Value) -> Option<String> {
    let number = || value.as_i64().map(|number| number.to_string());
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(str::to_owned).or_else(number)
}

/// Seconds since 1970 as text or number, in milliseconds.
pub(crate) fn seconds(value: &Value) -> Option<i64> {
    let seconds = match value {
        Value::String(text) => text.parse::<i64>().ok()?,
        other => other.as_i64()?,
    };
    Some(seconds * 1000)
}

/// RFC 3339 in milliseconds.
pub(crate) fn instant(value: &Value) -> Option<i64> {
    Some(value.as_str()?.parse::<Timestamp>().ok()?.as_millisecond())
}

/// Milliseconds as RFC 3339 with `Z`: no fraction when whole, else three digits.
pub(crate) fn write_time(millis: i64) -> String {
    let time = Timestamp::from_millisecond(millis).unwrap();
    if millis % 1000 == 0 {
        format!("{time:.0}")
    } else {
        format!("{time:.3}")
    }
}

/// Milliseconds as seconds, as the shortest decimal.
pub(crate) fn write_seconds(millis: i64) -> String {
    if millis % 1000 == 0 {
        (millis / 1000).to_string()
    } else {
        format!("{}", millis as f64 / 1000.0)
    }
}
