//! What an error means, by a table: first the status, then the words that the CRM classifies it with.

use super::answers::Answer;
use crate::sink::Trouble;
use std::time::Duration;

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Tried again.
    Again,
    /// The CRM takes nothing for the time that it says.
    Pause,
    /// The CRM takes nothing until its midnight.
    PauseToday,
    /// Somebody has to mend the access.
    Stop,
    /// A unique value is held by another record.
    Conflict,
    /// It will not be taken as it is.
    Reject,
}

struct Row {
    /// Range of statuses; 0 stands for one input of a batch.
    status: (u16, u16),
    /// A word of the CRM, or none.
    word: Option<&'static str>,
    /// A part of its text in small letters, where no word tells the cases apart.
    says: Option<&'static str>,
    code: &'static str,
    verdict: Verdict,
}

const fn row(status: (u16, u16), word: Option<&'static str>, code: &'static str, verdict: Verdict) -> Row {
    Row {
        status,
        word,
        says: None,
        code,
        verdict,
    }
}

const fn text(status: (u16, u16), says: &'static str, code: &'static str, verdict: Verdict) -> Row {
    Row {
        status,
        word: None,
        says: Some(says),
        code,
        verdict,
    }
}

/// One input, or a whole request of which the CRM says the same.
const BAD: (u16, u16) = (0, 499);
const ITEM: (u16, u16) = (0, 0);

/// The first row that fits holds.
const TABLE: &[Row] = &[
    row((401, 401), None, "unauthorized", Verdict::Stop),
    row((403, 403), None, "missing_scope", Verdict::Stop),
    row((429, 429), Some("DAILY"), "daily", Verdict::PauseToday),
    row((429, 429), None, "rate", Verdict::Pause),
    row((423, 423), None, "locked", Verdict::Again),
    row((477, 477), None, "unavailable", Verdict::Pause),
    row((500, 599), None, "unavailable", Verdict::Again),
    row((408, 408), None, "timeout", Verdict::Again),
    row((414, 414), None, "too_many_identities", Verdict::Reject),
    text(BAD, "more than 250 identities", "too_many_identities", Verdict::Reject),
    row(
        BAD,
        Some("CONFLICTING_UNIQUE_VALUE"),
        "unique_conflict",
        Verdict::Conflict,
    ),
    row((409, 409), None, "unique_conflict", Verdict::Conflict),
    row(BAD, Some("CONFLICT"), "unique_conflict", Verdict::Conflict),
    row(BAD, Some("OBJECT_ALREADY_EXISTS"), "unique_conflict", Verdict::Conflict),
    row(BAD, Some("PROPERTY_DOESNT_EXIST"), "missing_property", Verdict::Reject),
    row(BAD, Some("READ_ONLY_VALUE"), "read_only_property", Verdict::Reject),
    row(BAD, Some("INVALID_OPTION"), "invalid_option", Verdict::Reject),
    row(BAD, Some("INVALID_CURRENCY"), "currency_disabled", Verdict::Reject),
    row(BAD, Some("INVALID_PIPELINE_STAGE_ID"), "invalid_stage", Verdict::Reject),
    row(BAD, Some("PIPELINE_STAGE_NOT_FOUND"), "invalid_stage", Verdict::Reject),
    row(BAD, Some("PROPERTY_VALUE_TOO_LONG"), "too_long", Verdict::Reject),
    row(BAD, Some("VALUE_TOO_LONG"), "too_long", Verdict::Reject),
    row(BAD, Some("TEXT_TOO_LONG"), "too_long", Verdict::Reject),
    row(
        BAD,
        Some("MISSING_REQUIRED_PROPERTY"),
        "required_property",
        Verdict::Reject,
    ),
    row(
        BAD,
        Some("REQUIRED_PROPERTY_MISSING"),
        "required_property",
        Verdict::Reject,
    ),
    text(
        BAD,
        "required properties were not set",
        "required_property",
        Verdict::Reject,
    ),
    row(BAD, Some("OBJECT_NOT_FOUND"), "not_found", Verdict::Again),
    row(
        BAD,
        Some("CRM.ASSOCIATIONS.INVALID_OBJECT_IDS"),
        "not_found",
        Verdict::Again,
    ),
    row((404, 404), None, "not_found", Verdict::Again),
    row(ITEM, Some("RATE_LIMITS"), "rate", Verdict::Pause),
    row(ITEM, Some("MISSING_SCOPES"), "missing_scope", Verdict::Stop),
    row(ITEM, Some("INTERNAL_ERROR"), "locked", Verdict::Again),
    row(ITEM, Some("SERVICE_UNAVAILABLE"), "locked", Verdict::Again),
    row(ITEM, Some("LOCKED"), "locked", Verdict::Again),
    text(
        BAD,
        "was not one of the allowed options",
        "invalid_option",
        Verdict::Reject,
    ),
];

/// Where the CRM does not say for how long: the window of its usual limit.
const USUAL_PAUSE: i64 = 10_000;

/// Words that begin so name a value that does not fit its type.
const INVALID: &str = "INVALID_";
/// Categories that begin so and say nothing more.
const VAGUE: [&str; 2] = ["INVALID_AUTHENTICATION", "INVALID_OBJECT_IDS"];

/// An error, classified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Classified {
    pub(crate) code: &'static str,
    pub(crate) verdict: Verdict,
    /// Property that the CRM names, of those that were sent.
    pub(crate) field: Option<String>,
}

/// Classifies an error. `status` is 0 for one input of a batch; `sent` are names of properties that were sent.
pub(crate) fn classify<'a>(status: u16, answer: &Answer, sent: impl Iterator<Item = &'a String>) -> Classified {
    let words = answer.words();
    let fits = |row: &&Row| {
        (row.status.0..=row.status.1).contains(&status)
            && row.word.is_none_or(|word| words.iter().any(|one| one == word))
            && row.says.is_none_or(|part| answer.says(part))
    };
    let (mut code, verdict) = match TABLE.iter().find(fits) {
        Some(row) => (row.code, row.verdict),
        None if words
            .iter()
            .any(|word| word.starts_with(INVALID) && !VAGUE.contains(&word.as_str())) =>
        {
            ("invalid_value", Verdict::Reject)
        }
        None => ("refused", Verdict::Reject),
    };
    let field = match verdict {
        Verdict::Reject | Verdict::Conflict => {
            let named = answer.named_properties();
            // A required property was not sent, so nothing proves that the word is a name: only its shape does.
            let required = named
                .iter()
                .find(|name| code == "required_property" && is_name(name))
                .cloned();
            sent.into_iter().find(|name| named.contains(name)).cloned().or(required)
        }
        _ => None,
    };
    if code == "invalid_option" {
        code = match field.as_deref() {
            Some("deal_currency_code") => "currency_disabled",
            Some("hs_pipeline" | "hs_pipeline_stage" | "pipeline" | "dealstage") => "invalid_stage",
            _ => code,
        };
    }
    Classified { code, verdict, field }
}

/// Whether a text can be the name of a property, and not a value.
fn is_name(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

impl Classified {
    /// As trouble. `after` is what the answer says about waiting, `now` and `midnight` are instants.
    pub(crate) fn trouble(self, after: Option<Duration>, missing: Option<String>, now: i64, midnight: i64) -> Trouble {
        let code = self.code;
        match self.verdict {
            Verdict::Again => Trouble::Retry { code, after },
            Verdict::Pause | Verdict::PauseToday => {
                let usual = if self.verdict == Verdict::PauseToday {
                    midnight
                } else {
                    now + USUAL_PAUSE
                };
                let told = after.and_then(|after| i64::try_from(after.as_millis()).ok());
                Trouble::Pause {
                    code,
                    until: told.map_or(usual, |told| now.saturating_add(told)),
                }
            }
            Verdict::Stop => Trouble::Stop { code, missing },
            Verdict::Conflict | Verdict::Reject => Trouble::Reject {
                code,
                field: self.field,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Status, body, code, verdict, field.
    #[test]
    fn each_kind_of_error_has_its_code() {
        let wrong = r#"Property values were not valid: [{"isValid":false,"message":"Ana was not one of","error":"INVALID_OPTION","name":"hs_language"}]"#;
        let cases = [
            (
                401,
                json!({"category": "INVALID_AUTHENTICATION"}),
                "unauthorized",
                Verdict::Stop,
                None,
            ),
            (
                403,
                json!({"category": "MISSING_SCOPES"}),
                "missing_scope",
                Verdict::Stop,
                None,
            ),
            (
                429,
                json!({"errorType": "RATE_LIMIT", "policyName": "DAILY"}),
                "daily",
                Verdict::PauseToday,
                None,
            ),
            (
                429,
                json!({"policyName": "TEN_SECONDLY_ROLLING"}),
                "rate",
                Verdict::Pause,
                None,
            ),
            (423, json!({}), "locked", Verdict::Again, None),
            (477, json!({}), "unavailable", Verdict::Pause, None),
            (502, json!({}), "unavailable", Verdict::Again, None),
            (524, json!({}), "unavailable", Verdict::Again, None),
            (
                414,
                json!({"message": "Cannot have more than 250 identities"}),
                "too_many_identities",
                Verdict::Reject,
                None,
            ),
            (
                409,
                json!({"category": "CONFLICT", "message": "Contact already exists. Existing ID: 7"}),
                "unique_conflict",
                Verdict::Conflict,
                None,
            ),
            (
                0,
                json!({"category": "VALIDATION_ERROR", "errors": [{"code": "CONFLICTING_UNIQUE_VALUE"}]}),
                "unique_conflict",
                Verdict::Conflict,
                None,
            ),
            (
                400,
                json!({"category": "VALIDATION_ERROR", "message": wrong}),
                "invalid_option",
                Verdict::Reject,
                Some("hs_language"),
            ),
            (
                0,
                json!({"errors": [{"code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["wa_tags"]}}]}),
                "missing_property",
                Verdict::Reject,
                Some("wa_tags"),
            ),
            (
                0,
                json!({"errors": [{"code": "INVALID_LONG", "in": "wa_csat"}]}),
                "invalid_value",
                Verdict::Reject,
                Some("wa_csat"),
            ),
            (
                0,
                json!({"errors": [{"code": "INVALID_OPTION", "context": {"propertyName": ["deal_currency_code"]}}]}),
                "currency_disabled",
                Verdict::Reject,
                Some("deal_currency_code"),
            ),
            (0, json!({"category": "INTERNAL_ERROR"}), "locked", Verdict::Again, None),
            (
                0,
                json!({"category": "VALIDATION_ERROR", "message": "Some required properties were not set.", "context": {"properties": ["closedate"]}}),
                "required_property",
                Verdict::Reject,
                Some("closedate"),
            ),
            (
                400,
                json!({"category": "SOMETHING_NEW", "message": "Ana Rojas +56961234567"}),
                "refused",
                Verdict::Reject,
                None,
            ),
            (404, json!({}), "not_found", Verdict::Again, None),
        ];
        let sent: Vec<String> = ["hs_language", "wa_tags", "wa_csat", "deal_currency_code"]
            .map(str::to_owned)
            .to_vec();
        for (status, body, code, verdict, field) in cases {
            let answer: Answer = serde_json::from_value(body.clone()).unwrap();
            let found = classify(status, &answer, sent.iter());
            let expected = Classified {
                code,
                verdict,
                field: field.map(str::to_owned),
            };
            assert_eq!(found, expected, "{status} {body}");
            assert!(crate::codes::of(found.code).is_some(), "{code} has an action");
        }
    }

    #[test]
    fn a_value_never_passes_for_a_property() {
        let body = json!({"errors": [{"code": "INVALID_OPTION", "in": "+56961234567", "context": {"propertyName": ["Ana Rojas"]}}]});
        let answer: Answer = serde_json::from_value(body).unwrap();
        assert_eq!(classify(0, &answer, ["phone".to_owned()].iter()).field, None);
    }

    #[test]
    fn the_holder_of_a_unique_value_stands_in_the_text() {
        let of = |message: &str| {
            serde_json::from_value::<Answer>(json!({"message": message}))
                .unwrap()
                .holder()
        };
        assert_eq!(
            of("Contact already exists. Existing ID: 40012"),
            Some("40012".to_owned())
        );
        assert_eq!(
            of("Cannot set PropertyValueCoordinates{…}. 51 already has that value."),
            Some("51".to_owned())
        );
        assert_eq!(of("Contact already exists."), None);
    }
}
