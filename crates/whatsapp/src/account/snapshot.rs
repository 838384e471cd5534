//! What the platform answers when it is asked about a number or a template: a state of many things at once.
//!
//! ```json
//! {"id": "106540352242922", "display_phone_number": "+1 555-078-3881", "quality_rating": "GREEN", "status": "CONNECTED",
//!  "whatsapp_business_manager_messaging_limit": "TIER_2K", "throughput": {"level": "STANDARD"}}
//! {"id": "1689556908129832", "name": "abandoned_cart", "language": "en", "category": "MARKETING", "status": "APPROVED",
//!  "quality_score": {"score": "GREEN"}}
//! ```

use super::{limit::tier, template::language};
use hilo_contracts::item::{Account, Template};
use hilo_domain::read::{id, owned, text};
use serde_json::Value;

/// The limit of a number, which is its portfolio's; the first that an answer has speaks, also where it is not set.
const LIMITS: [&str; 2] = ["whatsapp_business_manager_messaging_limit", "messaging_limit_tier"];

/// The fact that an answer about a number says; `None` where it does not say which one.
#[must_use]
pub fn number(answer: &Value) -> Option<Account> {
    let id = id(answer, "id")?;
    let rating = text(answer, "quality_rating").map(shouted);
    let limit = LIMITS
        .iter()
        .find_map(|key| answer.get(key).filter(|limit| !limit.is_null()));
    Some(Account {
        subject_kind: "phone_number".to_owned(),
        subject_id: id,
        kind: "number_snapshot".to_owned(),
        quality: rating.or_else(|| score(answer)),
        limit: limit.and_then(tier),
        limit_told: limit.is_some(),
        ..Account::default()
    })
}

/// The fact that an answer about a template says; `None` where it does not say which one.
#[must_use]
pub fn template(answer: &Value) -> Option<Account> {
    let id = id(answer, "id")?;
    let template = text(answer, "name").map(|name| Template {
        name: name.to_owned(),
        language: text(answer, "language").map(language),
        category: text(answer, "category").map(str::to_ascii_lowercase),
    });
    Some(Account {
        subject_kind: "template".to_owned(),
        subject_id: id,
        kind: "template_snapshot".to_owned(),
        quality: score(answer),
        template,
        reason: owned(answer, "rejected_reason").filter(|reason| reason != "NONE"),
        ..Account::default()
    })
}

fn score(answer: &Value) -> Option<String> {
    text(answer.get("quality_score")?, "score").map(shouted)
}

fn shouted(word: &str) -> String {
    word.to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_number_has_a_rating_and_a_limit() {
        let told = number(&json!({"id": 106_540_352_242_922_i64, "quality_rating": "green",
            "whatsapp_business_manager_messaging_limit": "TIER_2K", "messaging_limit_tier": "TIER_1K"}))
        .unwrap();
        assert_eq!(
            (told.kind.as_str(), told.subject_id.as_str(), told.quality.as_deref()),
            ("number_snapshot", "106540352242922", Some("GREEN"))
        );
        assert_eq!((told.limit, told.limit_told), (Some(2_000), true));
        let older = number(&json!({"id": "1", "quality_score": {"score": "RED"}})).unwrap();
        assert_eq!((older.quality.as_deref(), older.limit_told), (Some("RED"), false));
        assert_eq!(number(&json!({"quality_rating": "GREEN"})), None);
    }

    #[test]
    fn a_template_has_a_category_and_a_score() {
        let told = template(
            &json!({"id": "1689556908129832", "name": "abandoned_cart", "language": "en-US",
            "category": "MARKETING", "quality_score": {"score": "GREEN"}, "rejected_reason": "NONE"}),
        )
        .unwrap();
        assert_eq!(
            (told.kind.as_str(), told.quality.as_deref(), told.reason),
            ("template_snapshot", Some("GREEN"), None)
        );
        let template = told.template.unwrap();
        assert_eq!(
            (template.language.as_deref(), template.category.as_deref()),
            (Some("en_US"), Some("marketing"))
        );
        assert_eq!(super::template(&json!({"name": "a"})), None);
    }
}
