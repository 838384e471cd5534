//! What a value about the business side says beyond its kind and event: what held before, what will hold, restrictions, and the
//! other documented parts by their paths. Whatever is not documented stays in the content.
//!
//! ```json
//! {"new_category": "UTILITY", "correct_category": "MARKETING", "category_update_timestamp": 1746169200}
//! {"restriction_info": [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1641330498}]}
//! ```

use super::parts::PARTS;
use hilo_contracts::facts::{Attribute, Restriction};
use hilo_domain::{
    Millis,
    json::canonical,
    read::{list, owned, seconds},
};
use serde_json::Value;

/// What a value says beyond its kind and event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// What held before.
    pub previous: Option<String>,
    /// What will hold from `effective_at` on.
    pub announced: Option<String>,
    /// When it takes effect, where that is another time.
    pub effective_at: Option<Millis>,
    /// Restrictions, with their ends.
    pub restrictions: Vec<Restriction>,
    /// The other documented parts, by their paths.
    pub attributes: Vec<Attribute>,
}

/// The details of a fact of this kind, from the content of its item.
#[must_use]
pub fn details(kind: &str, content: &Value) -> Details {
    // A snapshot's content is its line, and the platform's answer stands inside.
    let answer = match kind {
        "number_snapshot" => content.get("number"),
        "template_snapshot" => content.get("template"),
        _ => None,
    };
    let value = answer.unwrap_or(content);
    let part = |path: &str| path.split('.').try_fold(value, |value, key| value.get(key));
    let word = |key: &str| owned(value, key);
    let (previous, announced) = match kind {
        "template_quality" => (
            word("previous_quality_score").map(|score| score.to_ascii_uppercase()),
            None,
        ),
        "template_category" => (
            word("previous_category").map(|category| category.to_ascii_lowercase()),
            None,
        ),
        "template_category_warning" => (
            word("previous_category").map(|category| category.to_ascii_lowercase()),
            word("correct_category").map(|category| category.to_ascii_lowercase()),
        ),
        "throughput" => (part("old_limit").filter(|limit| !limit.is_null()).map(plain), None),
        _ => (None, None),
    };
    let attributes = PARTS
        .iter()
        .filter(|(of_kind, _)| *of_kind == kind)
        .flat_map(|(_, paths)| *paths)
        // Any event of an account may be about one of its numbers.
        .chain(&["phone_number"])
        .filter_map(|path| {
            let value = part(path).filter(|value| !value.is_null())?;
            Some(Attribute {
                name: (*path).to_owned(),
                value: plain(value),
            })
        });
    Details {
        previous,
        announced,
        effective_at: effective_at(kind, value),
        restrictions: restrictions(value),
        attributes: attributes.collect(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| canonical(value), str::to_owned)
}

fn effective_at(kind: &str, value: &Value) -> Option<Millis> {
    let inside = |object: &str, key: &str| seconds(value.get(object)?, key);
    match kind {
        "template_category_warning" => seconds(value, "category_update_timestamp"),
        // A date in words stays an attribute.
        "template_status" => inside("disable_info", "disable_date"),
        "price_tier" => inside("volume_tier_info", "tier_update_time"),
        "price_eligibility" => inside("auth_international_rate_eligibility", "start_time"),
        _ => None,
    }
}

fn restrictions(value: &Value) -> Vec<Restriction> {
    let restriction = |told: &Value| {
        let expires_at = seconds(told, "expiration");
        Some(Restriction {
            kind: owned(told, "restriction_type")?,
            expires_at,
            expiration: told
                .get("expiration")
                .filter(|told| expires_at.is_none() && !told.is_null())
                .map(plain),
            remediation: told.get("remediation").filter(|told| !told.is_null()).map(plain),
        })
    };
    list(value, "restriction_info")
        .into_iter()
        .flatten()
        .filter_map(restriction)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn attribute(name: &str, value: &str) -> Attribute {
        Attribute {
            name: name.into(),
            value: value.into(),
        }
    }

    #[test]
    fn a_warning_announces_a_category() {
        let told = details(
            "template_category_warning",
            &json!({"new_category": "UTILITY", "correct_category": "MARKETING", "category_update_timestamp": 1_746_169_200}),
        );
        assert_eq!(
            (told.announced.as_deref(), told.effective_at),
            (Some("marketing"), Some(1_746_169_200_000))
        );
    }

    #[test]
    fn a_quality_and_a_limit_have_what_held_before() {
        let quality = details("template_quality", &json!({"previous_quality_score": "green"}));
        assert_eq!(quality.previous.as_deref(), Some("GREEN"));
        let limit = details("throughput", &json!({"old_limit": 250}));
        assert_eq!(limit.previous.as_deref(), Some("250"));
        assert_eq!(limit.attributes, [attribute("old_limit", "250")]);
    }

    #[test]
    fn a_restriction_has_an_end_as_a_time_or_in_words() {
        let told = details(
            "restriction",
            &json!({"restriction_info": [{"restriction_type": "A", "expiration": 1_641_330_498},
                {"restriction_type": "B", "expiration": "June 1", "remediation": "appeal"}, {"expiration": 1}]}),
        );
        let [one, other] = told.restrictions.as_slice() else {
            panic!("two restrictions")
        };
        assert_eq!((one.expires_at, &one.expiration), (Some(1_641_330_498_000), &None));
        assert_eq!(
            (
                other.expires_at,
                other.expiration.as_deref(),
                other.remediation.as_deref()
            ),
            (None, Some("June 1"), Some("appeal"))
        );
    }

    #[test]
    fn parts_are_attributes_by_their_paths() {
        let ban =
            json!({"ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": null}, "phone_number": "15550783881"});
        assert_eq!(
            details("ban", &ban).attributes,
            [
                attribute("ban_info.waba_ban_state", "DISABLE"),
                attribute("phone_number", "15550783881")
            ]
        );
        let line = json!({"number": {"throughput": {"level": "STANDARD"}}});
        assert_eq!(
            details("number_snapshot", &line).attributes,
            [attribute("throughput.level", "STANDARD")]
        );
    }
}
