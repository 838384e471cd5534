//! The business side: numbers, templates, accounts, portfolios. The value of each of these fields is one fact.
//!
//! ```json
//! {"field": "phone_number_name_update", "value": {"display_phone_number": "15550783881", "decision": "APPROVED",
//!   "requested_verified_name": "Lucky Shrub", "rejection_reason": null}}
//! {"field": "account_review_update", "value": {"decision": "APPROVED"}}
//! {"field": "security", "value": {"display_phone_number": "15550783881", "event": "PIN_CHANGED", "requester": "61555822107539"}}
//! ```

mod alert;
mod details;
mod field;
mod limit;
mod parts;
pub mod snapshot;
mod template;
mod update;

pub use details::{Details, details};
pub use field::Field;
pub use template::{EVENTS as TEMPLATE_EVENTS, language};

use hilo_contracts::item::Account;
use hilo_domain::read::{id, owned};
use serde_json::Value;

/// A change about the business side, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// Name of the field.
    pub field: &'a str,
    /// What it says.
    pub value: &'a Value,
    /// `entry.id`: the account, of some events the portfolio.
    pub entry_id: &'a str,
    /// The business number of the value's metadata.
    pub phone_number_id: Option<&'a str>,
}

impl Field {
    /// The fact that a value says; `None` when it has none of the keys that it needs.
    #[must_use]
    pub fn read(self, change: &Change) -> Option<Account> {
        let value = change.value;
        if !self
            .needs()
            .iter()
            .any(|key| value.get(key).is_some_and(|value| !value.is_null()))
        {
            return None;
        }
        Some(match self {
            Self::Template => template::fact(change),
            Self::Alert => alert::fact(change),
            Self::Review => Account {
                event: owned(value, "decision"),
                ..of_account(change, "account_review")
            },
            Self::Update => limit::with_limit(value, update::fact(change)),
            Self::Settings => {
                let number = value
                    .get("phone_number_settings")
                    .and_then(|settings| id(settings, "phone_number_id"));
                Account {
                    event: owned(value, "type"),
                    ..of_number(change, number, "account_settings")
                }
            }
            Self::Capability => limit::with_limit(value, of_account(change, "limit")),
            Self::Username => Account {
                event: owned(value, "status"),
                ..of_number(change, None, "username")
            },
            Self::NumberName => Account {
                event: owned(value, "decision"),
                reason: owned(value, "rejection_reason"),
                ..of_number(change, None, "number_name")
            },
            // It reports throughput and no longer quality, whatever its name.
            Self::NumberThroughput => {
                let told = Account {
                    event: owned(value, "event"),
                    ..of_number(change, None, "throughput")
                };
                limit::with_limit(value, told)
            }
            Self::Security => Account {
                event: owned(value, "event"),
                reason: owned(value, "requester"),
                ..of_number(change, None, "security")
            },
            Self::Solution => Account {
                event: owned(value, "event"),
                reason: owned(value, "solution_status"),
                ..about("portfolio", change.entry_id.to_owned(), "partner_solution")
            },
            Self::Payment => Account {
                event: owned(value, "status"),
                ..of_account(change, "payment_configuration")
            },
        })
    }
}

/// What about a fact is a word that nobody knows yet.
pub(crate) fn unknown(account: &Account) -> Option<&'static str> {
    let event = account.event.as_deref().unwrap_or_default();
    match account.kind.as_str() {
        update::OTHER => Some("account_event"),
        template::STATUS => (!template::is_known(event)).then_some("template_event"),
        _ => None,
    }
}

fn about(subject_kind: &str, subject_id: String, kind: &str) -> Account {
    Account {
        subject_kind: subject_kind.to_owned(),
        subject_id,
        kind: kind.to_owned(),
        ..Account::default()
    }
}

fn of_account(change: &Change, kind: &str) -> Account {
    about("waba", change.entry_id.to_owned(), kind)
}

/// About a business number: by its id, else by the number as it is shown.
fn of_number(change: &Change, number: Option<String>, kind: &str) -> Account {
    let value = change.value;
    let number = number
        .or_else(|| id(value, "phone_number_id"))
        .or_else(|| change.phone_number_id.map(str::to_owned))
        .or_else(|| id(value, "display_phone_number").map(|shown| digits(&shown)));
    about("phone_number", number.unwrap_or_default(), kind)
}

/// A shown number in its one form: with and without plus sign, spaces and hyphens it is one subject.
fn digits(shown: &str) -> String {
    let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() { shown.to_owned() } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The fact of a change in the entry `310`.
    pub(super) fn fact(field: &str, value: &Value) -> Account {
        let change = Change {
            field,
            value,
            entry_id: "310",
            phone_number_id: None,
        };
        Field::of(field).unwrap().read(&change).unwrap()
    }

    #[test]
    fn each_field_has_a_subject_and_an_event() {
        for (field, value, subject, kind, event) in [
            (
                "account_review_update",
                json!({"decision": "APPROVED"}),
                ("waba", "310"),
                "account_review",
                Some("APPROVED"),
            ),
            (
                "account_settings_update",
                json!({"type": "phone_number_settings", "phone_number_settings": {"phone_number_id": 7}}),
                ("phone_number", "7"),
                "account_settings",
                Some("phone_number_settings"),
            ),
            (
                "business_username_update",
                json!({"display_phone_number": "+1 555-0783881", "status": "approved"}),
                ("phone_number", "15550783881"),
                "username",
                Some("approved"),
            ),
            (
                "security",
                json!({"display_phone_number": "15550783881", "event": "PIN_CHANGED", "requester": "6155"}),
                ("phone_number", "15550783881"),
                "security",
                Some("PIN_CHANGED"),
            ),
            (
                "partner_solutions",
                json!({"event": "SOLUTION_CREATED", "solution_id": "1", "solution_status": "INITIATED"}),
                ("portfolio", "310"),
                "partner_solution",
                Some("SOLUTION_CREATED"),
            ),
            (
                "payment_configuration_update",
                json!({"configuration_name": "c", "status": "Active"}),
                ("waba", "310"),
                "payment_configuration",
                Some("Active"),
            ),
        ] {
            let fact = fact(field, &value);
            assert_eq!(
                (fact.subject_kind.as_str(), fact.subject_id.as_str()),
                subject,
                "{field}"
            );
            assert_eq!((fact.kind.as_str(), fact.event.as_deref()), (kind, event), "{field}");
        }
    }

    #[test]
    fn a_name_that_was_refused_has_a_reason() {
        let value =
            json!({"display_phone_number": "15550783881", "decision": "REJECTED", "rejection_reason": "NAME_X"});
        let fact = fact("phone_number_name_update", &value);
        assert_eq!(
            (fact.event.as_deref(), fact.reason.as_deref()),
            (Some("REJECTED"), Some("NAME_X"))
        );
    }

    #[test]
    fn a_value_without_the_keys_of_its_field_says_nothing() {
        let change = Change {
            field: "security",
            value: &json!({"event": null, "decision": "APPROVED"}),
            entry_id: "310",
            phone_number_id: None,
        };
        assert_eq!(Field::Security.read(&change), None);
    }
}
