//! Calls: which there are, what each counts against and which scope it needs.

mod account;
mod associations;
mod batch;
mod input;
mod objects;
mod pipelines;
mod properties;
mod search;
mod token;

use crate::{answer::Answer, failure::Failure, object::Object, path::Version, portal::Portal, rate::Class};
use axum::http::Method;
use serde_json::Value;

/// A call with its address taken apart.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a Method,
    pub(crate) version: Version,
    pub(crate) parts: Vec<&'a str>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: &'a [u8],
}

impl Call<'_> {
    fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(one, _)| one == name)
            .map(|(_, value)| value.as_str())
    }

    /// Values of a parameter that may be repeated or a list with commas.
    fn list(&self, name: &str) -> Vec<&str> {
        let values = self.query.iter().filter(|(one, _)| one == name);
        values
            .flat_map(|(_, value)| value.split(','))
            .filter(|value| !value.is_empty())
            .collect()
    }

    fn json(&self) -> Result<Value, Failure> {
        serde_json::from_slice(self.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Failure::invalid(format!(
                "Invalid input JSON on line {line}, column {column}: the body is no JSON"
            ))
        })
    }

    /// What it counts against.
    pub(crate) fn class(&self) -> Class {
        match self.parts.as_slice() {
            ["oauth", ..] => Class::Free,
            ["crm", "associations", ..] if self.parts.contains(&"batch") => Class::Daily,
            ["crm", "objects", _, "search"] => Class::Search,
            _ => Class::Normal,
        }
    }

    /// The scope that it needs.
    pub(crate) fn scope(&self) -> Option<&'static str> {
        let reads = *self.method == Method::GET || matches!(self.parts.last(), Some(&("read" | "search")));
        match self.parts.as_slice() {
            ["crm", "objects" | "associations", object, ..] => Some(Object::named(object)?.scope(!reads)),
            ["crm", "properties" | "pipelines" | "property-validations", object, ..] => {
                Some(Object::named(object)?.schema_scope(!reads))
            }
            ["crm", "owners", ..] => Some("crm.objects.owners.read"),
            ["settings", "currencies", ..] => Some("settings.currencies.read"),
            _ => None,
        }
    }

    /// Carries it out.
    pub(crate) fn answer(&self, portal: &mut Portal) -> Result<Answer, Failure> {
        let object = |name: &str| {
            let object = Object::named(name)
                .ok_or_else(|| Failure::invalid(format!("Unable to infer object type from: {name}")))?;
            // Deals are published as 0-3 in this version; whether the name works is not known, so it does not here.
            if self.version == Version::Dated2603 && name == "deals" && self.parts.get(1) == Some(&"objects") {
                return Err(Failure::no_address());
            }
            Ok(object)
        };
        match self.parts.as_slice() {
            ["crm", "objects", name, rest @ ..] => objects::call(portal, self, object(name)?, rest),
            ["crm", "associations", from, to, rest @ ..] => {
                associations::call(portal, self, object(from)?, object(to)?, rest)
            }
            ["crm", "properties", name, rest @ ..] => properties::call(portal, self, object(name)?, rest),
            ["crm", "pipelines", name, rest @ ..] => pipelines::call(portal, self, object(name)?, rest),
            ["oauth", "token"] => token::call(portal, self),
            parts => account::call(portal, self, parts),
        }
    }

    /// The address with ids replaced, for counts.
    pub(crate) fn shape(&self) -> String {
        let words = self.parts.iter().enumerate().map(|(index, part)| {
            let is_word = index < 3
                || Object::named(part).is_some()
                || part.bytes().all(|one| one.is_ascii_lowercase() || one == b'-');
            if is_word { *part } else { "{id}" }
        });
        format!("{} /{}", self.method, words.collect::<Vec<_>>().join("/"))
    }
}
