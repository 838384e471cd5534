//! A property of a record: where its value comes from, and when it is written.

use super::finding::Origin;
use super::manifest::{Choice, Created};
use super::native::LONGEST_TEXT;
use super::reference::{Reference, harmless};
use super::transform::{Context, Form, Transform, apply, is_decimal, text_of, truncated};
use crate::values::{Kind, Source, Value, Values};
use hilo_contracts::facts::CrmField;
use serde::Serialize;

/// Type of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Type {
    String,
    Number,
    Date,
    Datetime,
    Bool,
    Enumeration,
    PhoneNumber,
}

/// Types by their names in a mapping, with how people edit them.
pub(super) const TYPES: [(&str, Type, &str); 7] = [
    ("string", Type::String, "text"),
    ("number", Type::Number, "number"),
    ("date", Type::Date, "date"),
    ("datetime", Type::Datetime, "date"),
    ("bool", Type::Bool, "booleancheckbox"),
    ("enumeration", Type::Enumeration, "select"),
    ("phone_number", Type::PhoneNumber, "phonenumber"),
];

impl Type {
    pub(super) fn as_str(self) -> &'static str {
        TYPES
            .iter()
            .find(|(_, kind, _)| *kind == self)
            .map_or("", |(name, ..)| name)
    }

    /// Whether a property of the type can hold it.
    pub(super) fn holds(self, form: Form) -> bool {
        match self {
            Self::String => matches!(
                form,
                Form::Text | Form::Word | Form::Number | Form::Flag | Form::Instant | Form::Day
            ),
            Self::Number => form == Form::Number,
            Self::Date => matches!(form, Form::Time | Form::Day),
            Self::Datetime => matches!(form, Form::Time | Form::Instant),
            Self::Bool => form == Form::Flag,
            Self::Enumeration => matches!(form, Form::Text | Form::Word | Form::List),
            Self::PhoneNumber => form == Form::Text,
        }
    }

    /// Whether it is a value of the type.
    pub(super) fn takes(self, value: &str) -> bool {
        match self {
            Self::Number => is_decimal(value),
            Self::Bool => matches!(value, "true" | "false"),
            Self::Datetime => value.parse::<i64>().is_ok() || hilo_domain::time::parse_rfc3339(value).is_some(),
            Self::Date => value.parse::<i64>().is_ok() || value.parse::<jiff::civil::Date>().is_ok(),
            Self::String | Self::Enumeration | Self::PhoneNumber => true,
        }
    }
}

/// Write rules by their names.
pub(super) const WRITES: [&str; 4] = ["always", "never_clear", "if_empty", "on_create"];

/// One property.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    #[serde(serialize_with = "names")]
    pub(super) from: Vec<&'static Source>,
    pub(super) value: Option<String>,
    pub(super) otherwise: Option<String>,
    pub(super) transforms: Vec<Transform>,
    pub(super) write: String,
    #[serde(rename = "type")]
    pub(super) kind: Type,
    #[serde(skip)]
    pub(super) editor: String,
    #[serde(skip)]
    pub(super) unique: bool,
    /// Empty: not known.
    #[serde(skip)]
    pub(super) options: Vec<Choice>,
    /// Whether the field itself names its options; else they are its catalogue's.
    #[serde(skip)]
    pub(super) declared: bool,
    #[serde(skip)]
    pub(super) create: Option<Created>,
    #[serde(skip)]
    pub(super) origin: Origin,
}

fn names<S: serde::Serializer>(from: &[&'static Source], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(from.iter().map(|source| source.name))
}

impl Field {
    /// The field of a record.
    pub(super) fn of(&self, values: &Values, context: &Context) -> CrmField {
        CrmField {
            name: self.name.clone(),
            value: self.written(values, context),
            write: self.write.clone(),
        }
    }

    fn written(&self, values: &Values, context: &Context) -> Option<String> {
        if self.value.is_some() {
            return self.value.clone();
        }
        let found = self.from.iter().find_map(|source| {
            let value = values.get(source.name)?.clone();
            self.encoded(self.through(value, context)?, context)
        });
        found.or_else(|| self.otherwise.clone())
    }

    fn through(&self, value: Value, context: &Context) -> Option<Value> {
        self.transforms
            .iter()
            .try_fold(value, |value, step| apply(step, value, context))
    }

    /// A value as the type wants it. What the CRM would refuse has no value.
    fn encoded(&self, value: Value, context: &Context) -> Option<String> {
        let text = match value {
            Value::List(list) => {
                let mut list: Vec<String> = list.into_iter().filter(|text| self.offers(text)).collect();
                list.dedup();
                list.join(";")
            }
            Value::Time(at) if self.kind == Type::Date => {
                super::transform::local_date(at, context.zone, super::transform::DayForm::Iso)?
            }
            Value::Time(at) => at.to_string(),
            other => text_of(&other)?,
        };
        if text.is_empty() || !self.kind.takes(&text) || (self.kind == Type::Enumeration && !self.offers_all(&text)) {
            return None;
        }
        let text = if text.len() > LONGEST_TEXT {
            truncated(&text, LONGEST_TEXT)
        } else {
            text
        };
        Some(if self.refers() { text } else { harmless(text) })
    }

    fn offers(&self, value: &str) -> bool {
        self.options.is_empty()
            || self.options.iter().any(|option| option.value == value)
            || (self.refers() && Reference::of(value).is_some())
    }

    fn offers_all(&self, text: &str) -> bool {
        self.offers(text) || (self.several() && text.split(';').all(|value| self.offers(value)))
    }

    /// Whether it holds several values at once.
    pub(super) fn several(&self) -> bool {
        self.from.iter().any(|source| source.kind == Kind::List)
    }

    /// Whether what it holds may be looked up in the portal: only what the mapping itself says is.
    fn refers(&self) -> bool {
        let last = self.transforms.last().map(|step| step.definition.name);
        matches!(last, Some("map" | "owner"))
    }

    /// The catalogue whose values come out at the end.
    pub(super) fn catalogue(&self) -> Option<&str> {
        self.transforms.last().and_then(Transform::catalogue)
    }
}
