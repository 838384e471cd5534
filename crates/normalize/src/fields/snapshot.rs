//! What the platform answers when it is asked about a number or a template: a state of many things at once.

use super::{account::tier, messages::language};
use crate::{
    json,
    line_problem::{self as problem, LineProblem},
};
use hilo_contracts::item::{Account, Template};
use serde_json::Value;

/// The limit of a number, which is its portfolio's; the first that an answer has speaks, also where it is not set.
const LIMITS: [&str; 2] = ["whatsapp_business_manager_messaging_limit", "messaging_limit_tier"];

/// The fact that a platform line says: one of `number` and `template`, each with its `id`.
pub(crate) fn snapshot(line: &Value) -> Result<Account, LineProblem> {
    let told = |key: &str| line.get(key).filter(|answer| answer.is_object());
    let account = match (told("number"), told("template")) {
        (Some(answer), None) => number(answer, json::id(answer, "id").ok_or(problem::NO_NUMBER_ID)?),
        (None, Some(answer)) => template(answer, json::id(answer, "id").ok_or(problem::NO_TEMPLATE_ID)?),
        // One line is one item: of two subjects, one would be lost.
        (Some(_), Some(_)) => return Err(problem::TWO_SUBJECTS),
        (None, None) => return Err(problem::NO_SUBJECT),
    };
    Ok(Account {
        portfolio_id: json::id(line, "portfolio_id"),
        ..account
    })
}

fn number(answer: &Value, id: String) -> Account {
    let rating = json::text(answer, "quality_rating").map(shouted);
    let limit = LIMITS
        .iter()
        .find_map(|key| answer.get(key).filter(|limit| !limit.is_null()));
    Account {
        subject_kind: "phone_number".to_owned(),
        subject_id: id,
        kind: "number_snapshot".to_owned(),
        quality: rating.or_else(|| score(answer)),
        limit: limit.and_then(tier),
        limit_told: limit.is_some(),
        ..Account::default()
    }
}

fn template(answer: &Value, id: String) -> Account {
    let template = json::text(answer, "name").map(|name| Template {
        name: name.to_owned(),
        language: json::text(answer, "language").map(language),
        category: json::text(answer, "category").map(str::to_ascii_lowercase),
    });
    Account {
        subject_kind: "template".to_owned(),
        subject_id: id,
        kind: "template_snapshot".to_owned(),
        quality: score(answer),
        template,
        reason: json::text(answer, "rejected_reason")
            .filter(|reason| *reason != "NONE")
            .map(str::to_owned),
        ..Account::default()
    }
}

fn score(answer: &Value) -> Option<String> {
    json::text(answer.get("quality_score")?, "score").map(shouted)
}

fn shouted(word: &str) -> String {
    word.to_ascii_uppercase()
}
