//! Bodies of answers, read leniently: the CRM leaves out what its documents require, and changes types of what it has.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Anything that an answer holds. Every field may be missing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Answer {
    pub(crate) results: Vec<Value>,
    pub(crate) errors: Vec<Value>,
    pub(crate) category: Value,
    pub(crate) sub_category: Value,
    pub(crate) error_type: Value,
    pub(crate) policy_name: Value,
    pub(crate) message: Value,
    pub(crate) context: Value,
    pub(crate) id: Value,
    pub(crate) utc_offset_milliseconds: Value,
    pub(crate) company_currency: Value,
    pub(crate) additional_currencies: Value,
    pub(crate) paging: Value,
}

/// A record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) new: bool,
    pub(crate) trace: Option<String>,
    pub(crate) properties: Map<String, Value>,
}

impl Found {
    /// Value of a property; `None` where it is empty too.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.properties
            .get(name)
            .and_then(Value::as_str)
            .filter(|value| !value.is_empty())
    }
}

impl Answer {
    pub(crate) fn parse(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// Records of the answer. What has no id is none.
    pub(crate) fn found(&self) -> Vec<Found> {
        self.results.iter().filter_map(found).collect()
    }

    /// Errors of the answer, each as an answer of its own.
    pub(crate) fn items(&self) -> Vec<Self> {
        self.errors
            .iter()
            .filter_map(|error| serde_json::from_value(error.clone()).ok())
            .collect()
    }

    /// Which inputs an error of a batch is about: trace ids and ids.
    pub(crate) fn about(&self) -> Vec<String> {
        let mut about: Vec<String> = text(&self.id).into_iter().collect();
        for name in ["objectWriteTraceId", "ids", "id", "fromObjectId"] {
            about.extend(texts(self.context.get(name)));
        }
        about
    }

    /// The open words that the CRM classifies an error with, in capital letters.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        for value in [&self.category, &self.sub_category, &self.error_type, &self.policy_name] {
            words.extend(text(value));
            words.extend(text(value.get("name").unwrap_or(&Value::Null)));
        }
        for error in &self.errors {
            words.extend(text(error.get("code").unwrap_or(&Value::Null)));
            words.extend(text(error.get("subCategory").unwrap_or(&Value::Null)));
        }
        words.extend(self.wrong_values().into_iter().map(|(word, _)| word));
        for word in &mut words {
            word.make_ascii_uppercase();
        }
        words
    }

    /// Properties that an error names. They are names only where they are ours: the caller checks that.
    pub(crate) fn named_properties(&self) -> Vec<String> {
        let mut names = texts(self.context.get("propertyName"));
        for error in &self.errors {
            names.extend(texts(
                error.get("context").and_then(|context| context.get("propertyName")),
            ));
            names.extend(text(error.get("in").unwrap_or(&Value::Null)));
        }
        names.extend(self.wrong_values().into_iter().map(|(_, name)| name));
        names.extend(texts(self.context.get("properties")));
        names
    }

    /// Scopes that an error names.
    pub(crate) fn missing_scopes(&self) -> Vec<String> {
        let mut scopes = texts(self.context.get("requiredGranularScopes"));
        for error in &self.errors {
            scopes.extend(texts(
                error
                    .get("context")
                    .and_then(|context| context.get("requiredGranularScopes")),
            ));
        }
        scopes
    }

    /// The id of the record that holds a unique value. Only a text of the error says it.
    pub(crate) fn holder(&self) -> Option<String> {
        let mut texts: Vec<String> = text(&self.message).into_iter().collect();
        texts.extend(self.errors.iter().filter_map(|error| text(error.get("message")?)));
        texts.iter().find_map(|text| {
            let after = text.split("Existing ID: ").nth(1).map(digits_at_start);
            let before = text
                .split(" already has that value")
                .next()
                .filter(|part| part.len() < text.len());
            after.or_else(|| before.map(digits_at_end)).filter(|id| !id.is_empty())
        })
    }

    /// Whether a text of the error contains this.
    pub(crate) fn says(&self, part: &str) -> bool {
        text(&self.message).is_some_and(|message| message.to_ascii_lowercase().contains(part))
    }

    /// Code and name of each wrong value. The text of the error holds them as a JSON list.
    fn wrong_values(&self) -> Vec<(String, String)> {
        let Some(message) = text(&self.message) else {
            return Vec::new();
        };
        let Some(list) = message.find('[').and_then(|at| message.get(at..)) else {
            return Vec::new();
        };
        let mut values = serde_json::Deserializer::from_str(list).into_iter::<Vec<Value>>();
        let list = values.next().and_then(Result::ok).unwrap_or_default();
        list.iter()
            .filter_map(|one| Some((text(one.get("error")?)?, text(one.get("name")?)?)))
            .collect()
    }
}

fn found(value: &Value) -> Option<Found> {
    Some(Found {
        id: text(value.get("id")?)?,
        new: value.get("new").and_then(Value::as_bool).unwrap_or(false),
        trace: value.get("objectWriteTraceId").and_then(text),
        properties: value
            .get("properties")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default(),
    })
}

pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A list in an answer; an empty one where there is none.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value
        .get(name)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(list)) => list.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn digits_at_start(text: &str) -> String {
    text.chars().take_while(char::is_ascii_digit).collect()
}

fn digits_at_end(text: &str) -> String {
    let digits: Vec<char> = text.chars().rev().take_while(char::is_ascii_digit).collect();
    digits.into_iter().rev().collect()
}
