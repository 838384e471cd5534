//! How one value is shown.

use super::{crm, words};
use hilo_domain::time::parse_rfc3339;
use serde_json::{Number, Value};

/// Digits in a row from which on they may be a telephone number.
const PHONE_DIGITS: usize = 7;

/// How a value at one place is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// By length.
    Length,
    /// An instant.
    Time,
    /// A count, a code or a measure.
    Number,
    /// An opaque id that Hilo made.
    Ours,
    /// An id of the platform for what belongs to the business: digits that nobody can dial.
    Business,
    /// A tenant's name, which the configuration gave.
    Tenant,
    /// ISO 3166 alpha-2.
    Country,
    /// `es`, `es_MX`.
    Language,
    /// A word of a closed vocabulary.
    Words(Vec<String>),
    /// Words of it, joined by `+`.
    Joined(Vec<String>),
    /// A word by which somebody says whether they want to be written to.
    Will,
    /// A property of a CRM that Hilo or the CRM named.
    Property,
    /// A mapping that is shipped, with its overlay.
    Mapping,
    /// A rule that is shipped, with its version.
    Rule,
    /// A phone, a user id or a message id: by its end.
    Personal,
    /// The platform's JSON, here or as a text.
    Foreign,
}

impl Shown {
    /// A vocabulary.
    pub(super) fn words(words: &[&str]) -> Self {
        Self::Words(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// A text at such a place.
    pub(super) fn text(&self, text: &str) -> String {
        let is_shown = match self {
            Self::Time => is_time(text),
            Self::Ours => is_ours(text),
            Self::Business => is_business(text),
            Self::Tenant => is_name(text),
            Self::Country => is_country(text),
            Self::Language => words::is_language(text),
            Self::Words(words) => words.iter().any(|word| word == text),
            Self::Joined(words) => text.split('+').all(|part| words.iter().any(|word| word == part)),
            Self::Will => words::is_will(text),
            Self::Property => crm::is_property(text),
            Self::Mapping => crm::is_mapping(text),
            Self::Rule => crm::is_rule(text),
            Self::Number => text.len() < PHONE_DIGITS && text.parse::<f64>().is_ok_and(f64::is_finite),
            Self::Personal if text.starts_with("wamid.") || is_personal(text) => {
                return super::identifier(text).0;
            }
            Self::Personal | Self::Length | Self::Foreign => false,
        };
        if text.is_empty() || is_shown {
            text.to_owned()
        } else {
            by_length(text)
        }
    }

    /// A number at such a place.
    pub(super) fn number(&self, number: &Number) -> Value {
        let amount = number.as_f64().unwrap_or(f64::INFINITY);
        match self {
            Self::Number => Value::Number(number.clone()),
            Self::Time if is_instant(amount) => Value::Number(number.clone()),
            _ => Value::from("••• number"),
        }
    }
}

/// `••• 12 characters`.
pub(super) fn by_length(text: &str) -> String {
    format!("••• {} characters", text.chars().count())
}

fn is_time(text: &str) -> bool {
    parse_rfc3339(text).is_some_and(|_| text.len() <= 40) || text.parse().is_ok_and(is_instant)
}

/// Seconds or milliseconds from 1970 to 2100, without the range that a telephone number has in seconds.
fn is_instant(amount: f64) -> bool {
    const FIRST: f64 = 1_200_000_000.0;
    const LAST: f64 = 4_102_444_800.0;
    amount == 0.0 || (FIRST..LAST).contains(&amount) || (FIRST * 1e3..LAST * 1e3).contains(&amount)
}

/// A hash or UUID with the prefix that says of what: `p_` of a person, `gr_` of a record, and hexadecimal digits.
pub(super) fn is_ours(id: &str) -> bool {
    const SHORTEST: usize = 24;
    let digits = id.strip_prefix("p_").or_else(|| id.strip_prefix("gr_")).unwrap_or(id);
    (SHORTEST..=64).contains(&digits.len())
        && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
        // A hash of 24 digits without a letter is rarer than somebody who writes two phones in a row.
        && digits.bytes().any(|byte| byte.is_ascii_lowercase())
}

pub(super) fn is_business(text: &str) -> bool {
    // A number that can be dialled has 7 to 15 digits (E.164).
    (text.len() < PHONE_DIGITS || (15..=20).contains(&text.len())) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_name(text: &str) -> bool {
    text.len() <= 64
        && !has_phone(text)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// A phone or a user id.
pub(super) fn is_personal(id: &str) -> bool {
    let dialled = |character: char| character.is_numeric() || "+-(). ".contains(character);
    (id.chars().all(dialled) && has_phone(id)) || user_id_country(id).is_some()
}

/// Country in front of a business-scoped user id: `CL.1001`.
pub(super) fn user_id_country(id: &str) -> Option<&str> {
    let (country, rest) = id.split_once('.')?;
    let scoped = is_country(country) && !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    scoped.then_some(country)
}

pub(super) fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether digits, with what people write between them, are enough for a telephone number.
pub(super) fn has_phone(text: &str) -> bool {
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
