//! Properties: their definitions, and which values fit them.

use crate::failure::Wrong;
use hilo_domain::time::{DAY, parse_rfc3339, to_rfc3339};
use serde::Serialize;

/// Characters that a value may have.
const LONGEST: usize = 65_536;

/// What a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    String,
    Number,
    Bool,
    Date,
    Datetime,
    Enumeration,
    PhoneNumber,
}

impl Kind {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "number" => Self::Number,
            "bool" => Self::Bool,
            "date" => Self::Date,
            "datetime" => Self::Datetime,
            "enumeration" => Self::Enumeration,
            "phone_number" => Self::PhoneNumber,
            _ => return None,
        })
    }

    /// Forms in which it may be asked for.
    pub(crate) fn forms(self) -> &'static [&'static str] {
        match self {
            Self::String => &[
                "text",
                "textarea",
                "html",
                "file",
                "phonenumber",
                "calculation_equation",
            ],
            Self::Number => &["number", "calculation_equation"],
            Self::Bool => &["booleancheckbox", "calculation_equation"],
            Self::Date | Self::Datetime => &["date"],
            Self::Enumeration => &["select", "radio", "checkbox", "booleancheckbox", "calculation_equation"],
            Self::PhoneNumber => &["phonenumber"],
        }
    }
}

/// One of the values of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Choice {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) display_order: i64,
    pub(crate) hidden: bool,
}

/// Where the values of an enumeration are defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outside {
    /// By its own options.
    No,
    Owners,
    Pipelines,
    Stages,
    Currencies,
}

/// The definition of a property.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) kind: Kind,
    pub(crate) form: String,
    pub(crate) group: String,
    pub(crate) description: String,
    pub(crate) options: Vec<Choice>,
    pub(crate) outside: Outside,
    pub(crate) unique: bool,
    pub(crate) read_only: bool,
    pub(crate) built_in: bool,
    pub(crate) hidden: bool,
    pub(crate) form_field: bool,
    pub(crate) display_order: i64,
    pub(crate) sensitivity: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl Definition {
    /// The text that is kept for a value; an empty one clears and always fits.
    pub(crate) fn fit(&self, value: &str) -> Result<String, Wrong> {
        let wrong = |code, message: String| Err(Wrong::new(&self.name, code, message));
        if value.is_empty() {
            return Ok(String::new());
        }
        if value.chars().count() > LONGEST {
            return wrong(
                "PROPERTY_VALUE_TOO_LONG",
                format!("The value is longer than {LONGEST} characters."),
            );
        }
        match self.kind {
            Kind::Number => {
                if !value.parse::<f64>().is_ok_and(f64::is_finite) {
                    return wrong("INVALID_NUMBER", format!("{value} was not a valid number."));
                }
            }
            Kind::Bool => {
                if value != "true" && value != "false" {
                    return wrong(
                        "INVALID_OPTION",
                        format!("{value} was not one of the allowed options: [true, false]"),
                    );
                }
            }
            Kind::Date => return self.fit_date(value),
            Kind::Datetime => {
                return match instant(value) {
                    Some(at) => Ok(to_rfc3339(at)),
                    None => wrong("INVALID_LONG", format!("{value} was not a valid long.")),
                };
            }
            Kind::Enumeration if self.outside == Outside::No => {
                let several = self.form == "checkbox";
                let unknown = value
                    .split(if several { ';' } else { '\0' })
                    .find(|part| !((several && part.is_empty()) || self.options.iter().any(|one| one.value == *part)));
                if let Some(unknown) = unknown {
                    let allowed: Vec<&str> = self.options.iter().map(|one| one.value.as_str()).collect();
                    let allowed = allowed.join(", ");
                    return wrong(
                        "INVALID_OPTION",
                        format!("{unknown} was not one of the allowed options: [{allowed}]"),
                    );
                }
            }
            Kind::String | Kind::PhoneNumber | Kind::Enumeration => {}
        }
        Ok(value.to_owned())
    }

    /// A day: as text, or as the midnight at which it begins, in UTC.
    fn fit_date(&self, value: &str) -> Result<String, Wrong> {
        if value.parse::<jiff::civil::Date>().is_ok() && value.len() == 10 {
            return Ok(value.to_owned());
        }
        let Some(at) = instant(value) else {
            return Err(Wrong::new(
                &self.name,
                "INVALID_DATE",
                format!("{value} was not a valid date."),
            ));
        };
        let text = to_rfc3339(at);
        if at % DAY != 0 {
            let message = format!("{value} is at {} UTC, not midnight!", &text[11..text.len() - 1]);
            return Err(Wrong::new(&self.name, "INVALID_DATE", message));
        }
        Ok(text[..10].to_owned())
    }
}

/// Milliseconds since 1970, or an instant of RFC 3339.
pub(crate) fn instant(value: &str) -> Option<i64> {
    value.parse().ok().or_else(|| parse_rfc3339(value))
}
