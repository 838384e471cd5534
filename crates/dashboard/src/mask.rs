//! Personal data leaves this crate only through here.
//!
//! Records are masked by default: a text is shown only where its key is known to hold a word of the platform, of the
//! schemas, or an id of the business, and only when it looks like one. So a field that is new tomorrow is masked too.

use hilo_domain::time::parse_rfc3339;
use serde_json::{Map, Value};

/// Digits in a row from which on they may be a telephone number.
const PHONE_DIGITS: usize = 7;
/// Longest text that is a word of a vocabulary.
const WORD: usize = 64;
/// Numbers below it are counts and codes: too short for a telephone number.
const SHORT_NUMBER: f64 = 1_000_000.0;
/// What stands for what is not shown.
const DOTS: &str = "···";

/// A text that went through a mask: the page takes no other name for a person.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Masked(String);

impl Masked {
    /// `CL ··· 4567`: the country, and the end of a phone or another identifier.
    #[must_use]
    pub fn person(country: Option<&str>, identifier: Option<&str>) -> Self {
        let identifier = identifier.unwrap_or_default();
        let prefix = user_id_country(identifier);
        let known = country.filter(|code| is_country(code)).or(prefix).unwrap_or("??");
        let body = if prefix.is_some() { &identifier[3..] } else { identifier };
        Self(format!("{known} {DOTS} {}", end_of(body)).trim_end().to_owned())
    }

    /// The masked text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An id as a page shows it: message ids, phones and user ids by their end, opaque ids whole.
#[must_use]
pub fn identifier(id: &str) -> Masked {
    if let Some(message) = id.strip_prefix("wamid.") {
        Masked(format!("wamid {DOTS} {}", end_of(message)))
    } else if is_personal(id) {
        Masked::person(None, Some(id))
    } else {
        Masked(text(id))
    }
}

/// Whether an id may stand in an address: it embeds nobody's phone, user id or name.
#[must_use]
pub fn is_linkable(id: &str) -> bool {
    !id.is_empty() && !id.starts_with("wamid.") && !is_personal(id) && id.chars().all(is_id_character)
}

/// A text with everything that may be a telephone number taken out.
#[must_use]
pub fn text(text: &str) -> String {
    if !has_phone(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for word in text.split_inclusive(' ') {
        if word.chars().any(char::is_numeric) {
            out.push_str(DOTS);
            out.push_str(if word.ends_with(' ') { " " } else { "" });
        } else {
            out.push_str(word);
        }
    }
    out
}

/// A record with everything masked that is not known to be harmless.
#[must_use]
pub fn json(value: &Value) -> Value {
    masked(value, "", "")
}

fn masked(value: &Value, key: &str, parent: &str) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) => {
            let amount = number.as_f64().unwrap_or(f64::INFINITY);
            if amount.abs() < SHORT_NUMBER || is_quantity(key) || (is_time(key) && is_instant(amount)) {
                value.clone()
            } else {
                Value::from("••• number")
            }
        }
        Value::String(text) => Value::from(masked_text(text, key, parent)),
        Value::Array(items) => items.iter().map(|item| masked(item, key, parent)).collect(),
        Value::Object(fields) => {
            let mut out = Map::new();
            for (index, (name, inner)) in fields.iter().enumerate() {
                // A foreign object may have a phone or a name as its key.
                let shown = if name.len() <= WORD && !has_phone(name) && name.chars().all(is_id_character) {
                    name.clone()
                } else {
                    format!("••• key {index}")
                };
                out.insert(shown, masked(inner, name, key));
            }
            Value::Object(out)
        }
    }
}

fn masked_text(text: &str, key: &str, parent: &str) -> String {
    let time = || is_time(key) && (parse_rfc3339(text).is_some() || text.parse().is_ok_and(is_instant));
    let business = || is_business(key) && text.len() <= WORD && text.bytes().all(|byte| byte.is_ascii_digit());
    let opaque = || is_opaque(key) && is_linkable(text) && (is_hash(text) || !has_phone(text));
    let word = || is_word(key, parent) && is_harmless_word(text);
    if text.is_empty() || time() || business() || opaque() || word() {
        text.to_owned()
    } else if text.starts_with("wamid.") || is_personal(text) {
        identifier(text).0
    } else {
        format!("••• {} characters", text.chars().count())
    }
}

/// A hash or UUID: long enough that digits in a row are chance.
fn is_hash(id: &str) -> bool {
    const SHORTEST: usize = 24;
    // Ids of people say that they are.
    let id = id.strip_prefix("p_").unwrap_or(id);
    id.len() >= SHORTEST && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Keys whose text is a word of a vocabulary, or a name that the business chose and that metrics carry.
fn is_word(key: &str, parent: &str) -> bool {
    const WORDS: &[&str] = &[
        "actor",
        "agent",
        "announced",
        "author",
        "blocker",
        "campaign",
        "category",
        "channel",
        "close_reason",
        "conversation_category",
        "country",
        "currency",
        "definition",
        "direction",
        "effective",
        "effective_status",
        "error_actions",
        "error_class",
        "event",
        "expiration",
        "field",
        "file",
        "kind",
        "label",
        "language",
        "limit",
        "message_type",
        "messaging_limit",
        "messaging_product",
        "method",
        "metric",
        "object",
        "opened_by",
        "outcome",
        "policy",
        "pricing_model",
        "product",
        "purpose",
        "quality",
        "quality_rating",
        "queue",
        "rating",
        "reason",
        "rule",
        "ruling",
        "segment",
        "source",
        "stage",
        "state",
        "status",
        "subtype",
        "system",
        "tenant",
        "title",
        "type",
        "word",
    ];
    match key {
        "name" | "id" if parent == "author" => true,
        "name" | "value" if parent == "dimensions" => true,
        "name" => parent == "template",
        // Why somebody decided who is who: a sentence about people.
        "reason" => parent != "decisions",
        _ => WORDS.contains(&key) || parent == "dimensions",
    }
}

pub(crate) fn is_time(key: &str) -> bool {
    const TIMES: &[&str] = &[
        "at",
        "end",
        "event_time",
        "ingest_time",
        "start",
        "time",
        "timestamp",
        "valid_from",
        "valid_to",
    ];
    key.ends_with("_at") || TIMES.contains(&key)
}

fn is_quantity(key: &str) -> bool {
    const QUANTITIES: &[&str] = &["count", "denominator", "numerator", "p50", "p90", "revision", "value"];
    QUANTITIES.contains(&key)
}

/// The platform's ids of what belongs to the business.
fn is_business(key: &str) -> bool {
    const IDS: &[&str] = &["business_id", "phone_number_id", "portfolio_id", "waba_id"];
    IDS.contains(&key)
}

/// Ids that Hilo made and that mean nothing outside it.
fn is_opaque(key: &str) -> bool {
    const IDS: &[&str] = &[
        "command_id",
        "conversation_id",
        "delivery_id",
        "entry_id",
        "event_id",
        "evidence",
        "hash",
        "other_person_id",
        "person_id",
        "previous_hash",
        "reopens",
        "session_id",
    ];
    IDS.contains(&key)
}

/// A word, not a sentence and no number that may be dialled.
fn is_harmless_word(text: &str) -> bool {
    text.len() <= WORD
        && !has_phone(text)
        && !text.contains("wamid")
        && user_id_country(text).is_none()
        && text
            .chars()
            .all(|character| is_id_character(character) || character == ' ')
}

fn is_id_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "_-.:@/+=~".contains(character)
}

/// Seconds or milliseconds of this century.
fn is_instant(amount: f64) -> bool {
    const FIRST: f64 = 1_200_000_000.0;
    const LAST: f64 = 4_102_444_800.0;
    (FIRST..LAST).contains(&amount) || (FIRST * 1e3..LAST * 1e3).contains(&amount)
}

/// A phone or a user id.
fn is_personal(id: &str) -> bool {
    let dialled = |character: char| character.is_numeric() || "+-(). ".contains(character);
    (id.chars().all(dialled) && has_phone(id)) || user_id_country(id).is_some()
}

/// Country in front of a business-scoped user id: `CL.1001`.
fn user_id_country(id: &str) -> Option<&str> {
    let (country, rest) = id.split_once('.')?;
    let scoped = is_country(country) && !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    scoped.then_some(country)
}

fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether digits, with what people write between them, are enough for a telephone number.
fn has_phone(text: &str) -> bool {
    let mut digits = 0;
    text.chars().any(|character| {
        if character.is_numeric() {
            digits += 1;
        } else if !"+-(). /".contains(character) {
            digits = 0;
        }
        digits >= PHONE_DIGITS
    })
}

/// The last letters and digits: four, and never more than half of them.
fn end_of(identifier: &str) -> String {
    let letters: Vec<char> = identifier
        .chars()
        .filter(|character| character.is_alphanumeric())
        .collect();
    let shown = (letters.len() / 2).min(4);
    letters[letters.len() - shown..].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_person_is_a_country_and_an_end() {
        let label = |country, id| Masked::person(country, id).0;
        assert_eq!(label(Some("CL"), Some("+56961234567")), "CL ··· 4567");
        assert_eq!(label(None, Some("CL.1001")), "CL ··· 01");
        assert_eq!(label(Some("Camila"), Some("12")), "?? ··· 2");
        assert_eq!(label(Some("MX"), None), "MX ···");
    }

    #[test]
    fn ids_are_shown_by_what_they_embed() {
        assert_eq!(identifier("wamid.HBgLNTY5NjEyMzQ1NjcVAgAS3F2A").0, "wamid ··· 3F2A");
        assert_eq!(identifier("+56 9 6123 4567").0, "?? ··· 4567");
        assert_eq!(identifier("0190b7c2aa0f4e7d").0, "0190b7c2aa0f4e7d");
        let person = json(&json!({"person_id": "p_1234567890123456789012ab"}));
        assert_eq!(person["person_id"], "p_1234567890123456789012ab");
        assert!(is_linkable("0190b7c2aa0f4e7d") && is_linkable("delivery_rate@1"));
        assert!(!is_linkable("wamid.A1") && !is_linkable("56961234567") && !is_linkable("CL.1001") && !is_linkable(""));
    }

    #[test]
    fn a_text_loses_what_can_be_dialled() {
        assert_eq!(text("write to +56 9 6123 4567 now"), "write to ··· ··· ··· ··· now");
        assert_eq!(text("131049 on 3 numbers"), "131049 on 3 numbers");
    }

    #[test]
    fn a_record_keeps_its_words_and_loses_its_person() {
        let record = json!({
            "kind": "message_received", "person_id": "a1b2", "event_time": 1_777_899_600_000_i64,
            "message_id": "wamid.A00112345", "phone_number_id": "210000000000001",
            "content": "Hola", "template": {"name": "cita_manana"}, "profile": {"name": "Camila"},
            "identifiers": [{"kind": "phone", "value": "+56961234567"}], "from": "56961234567",
            "score": 5, "number": 56_961_234_567_i64, "56961234567": {"type": "text"}
        });
        assert_eq!(
            json(&record),
            json!({
                "kind": "message_received", "person_id": "a1b2", "event_time": 1_777_899_600_000_i64,
                "message_id": "wamid ··· 2345", "phone_number_id": "210000000000001",
                "content": "••• 4 characters", "template": {"name": "cita_manana"},
                "profile": {"name": "••• 6 characters"},
                "identifiers": [{"kind": "phone", "value": "?? ··· 4567"}], "from": "?? ··· 4567",
                "score": 5, "number": "••• number", "••• key 0": {"type": "text"}
            })
        );
    }

    proptest! {
        /// Whatever field the platform puts a phone into, it does not come out, even where words are let through.
        #[test]
        fn no_phone_survives_under_any_key(
            phone in "[1-9][0-9]{9,12}",
            around in "[a-z ]{0,8}",
            key in prop_oneof![Just("type".to_owned()), Just("status".into()), Just("reason".into()), Just("value".into()),
                Just("person_id".into()), Just("title".into()), Just("name".into()), "[a-z_]{1,10}"],
            nested in any::<bool>(),
        ) {
            // Times and the business's own ids are digits by right.
            prop_assume!(!is_time(&key) && !is_business(&key));
            let text = format!("{around}{phone}{around}");
            let inner = json!({key.clone(): text, phone.clone(): phone});
            let record = if nested { json!({"template": [inner]}) } else { inner };
            let shown = json(&record).to_string();
            prop_assert!(!shown.contains(&phone[..7]), "{}", shown);
        }

        #[test]
        fn a_name_is_shown_only_as_a_name_of_the_business(name in "[A-ZÁÉ][a-zñü]{5,12}", key in "[a-z]{1,12}") {
            prop_assume!(!is_word(&key, ""));
            let shown = json(&json!({key: name.clone()})).to_string();
            prop_assert!(!shown.contains(&name), "{}", shown);
        }
    }
}
