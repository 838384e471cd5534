//! What the portal refuses, in the words and the shape of the real one.

use serde_json::{Map, Value, json};

/// Why a call, or one input of a batch, is refused.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) category: &'static str,
    pub(crate) sub_category: Option<&'static str>,
    pub(crate) message: String,
    pub(crate) errors: Vec<Value>,
    pub(crate) context: Map<String, Value>,
}

impl Failure {
    pub(crate) fn new(status: u16, category: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            category,
            sub_category: None,
            message: message.into(),
            errors: Vec::new(),
            context: Map::new(),
        }
    }

    /// 400 of what was sent.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    /// 400 of a body that does not have the form.
    pub(crate) fn form(message: impl AsRef<str>) -> Self {
        Self::invalid(format!("Invalid input JSON on line 1, column 1: {}", message.as_ref()))
    }

    /// 404 of an address.
    pub(crate) fn no_address() -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", "resource not found")
    }

    /// 404 of a record.
    pub(crate) fn no_record(id: &str) -> Self {
        Self::new(
            404,
            "OBJECT_NOT_FOUND",
            "Object not found.  objectId are usually numeric.",
        )
        .with_context("ids", [id])
    }

    pub(crate) fn sub(mut self, sub_category: &'static str) -> Self {
        self.sub_category = Some(sub_category);
        self
    }

    pub(crate) fn with_context<'a>(mut self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Self {
        self.context
            .insert(name.to_owned(), values.into_iter().map(Value::from).collect());
        self
    }

    pub(crate) fn with_error(mut self, code: &str, message: &str, property: &str) -> Self {
        self.errors
            .push(json!({"message": message, "code": code, "context": {"propertyName": [property]}}));
        self
    }

    /// Values that do not fit their properties: property, code and message of each.
    pub(crate) fn values(wrong: &[Wrong]) -> Self {
        let list: Value = wrong
            .iter()
            .map(|wrong| {
                json!({
                    "isValid": false, "message": wrong.message, "error": wrong.code, "name": wrong.property,
                    "localizedErrorMessage": wrong.message,
                })
            })
            .collect();
        let failure = Self::invalid(format!("Property values were not valid: {list}"));
        wrong.iter().fold(failure, |failure, wrong| {
            failure.with_error(wrong.code, &wrong.message, &wrong.property)
        })
    }

    /// Body of an answer that is refused as a whole.
    pub(crate) fn body(&self, correlation: &str) -> Value {
        let mut body = json!({
            "status": "error", "message": self.message, "correlationId": correlation, "category": self.category,
        });
        if let Some(body) = body.as_object_mut() {
            if let Some(sub_category) = self.sub_category {
                body.insert("subCategory".to_owned(), sub_category.into());
            }
            if !self.errors.is_empty() {
                body.insert("errors".to_owned(), self.errors.clone().into());
            }
            if !self.context.is_empty() {
                body.insert("context".to_owned(), self.context.clone().into());
            }
        }
        body
    }

    /// As one of the errors of a batch. Like in the real one, `links` may be missing, and `errors` where there are none.
    pub(crate) fn item(&self, id: &str, trace: Option<&str>) -> Value {
        let mut context = self.context.clone();
        if let Some(trace) = trace {
            context.insert("objectWriteTraceId".to_owned(), json!([trace]));
        }
        let mut item = json!({
            "status": "error", "category": self.category, "message": self.message, "id": id, "context": context,
        });
        if let Some(item) = item.as_object_mut() {
            if let Some(sub_category) = self.sub_category {
                // Text where a call is refused, an object where an input of a batch is.
                item.insert("subCategory".to_owned(), json!({"name": sub_category}));
            }
            if !self.errors.is_empty() {
                item.insert("errors".to_owned(), self.errors.clone().into());
            }
        }
        item
    }
}

/// A value that does not fit its property.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    pub(crate) property: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Wrong {
    pub(crate) fn new(property: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            property: property.to_owned(),
            code,
            message: message.into(),
        }
    }
}
