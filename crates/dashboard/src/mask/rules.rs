//! Rules by path, and how they are applied to a record.

use super::{Of, foreign, shown::Shown, tables};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Path → how it is shown. `identifiers[].kind`: names of keys, and `[]` for the places of a list.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules(BTreeMap<String, Shown>);

impl Rules {
    pub(super) fn new(rules: BTreeMap<String, Shown>) -> Self {
        Self(rules)
    }

    pub(super) fn of(of: Of) -> &'static Self {
        tables::rules(of)
    }

    /// How `path` is shown; `None` where nobody said.
    pub(super) fn at(&self, path: &str) -> Option<&Shown> {
        self.0.get(path)
    }

    /// All paths.
    #[cfg(test)]
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn apply(&self, value: &Value) -> Value {
        self.value(value, "")
    }

    fn value(&self, value: &Value, path: &str) -> Value {
        let shown = self.at(path).unwrap_or(&Shown::Length);
        if *shown == Shown::Foreign {
            return match value {
                Value::String(text) => foreign::text(text),
                _ => foreign::value(value),
            };
        }
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(number) => shown.number(number),
            Value::String(text) => shown.text(text).into(),
            Value::Array(items) => {
                let path = format!("{path}[]");
                items.iter().map(|item| self.value(item, &path)).collect()
            }
            Value::Object(fields) => {
                let below = |name: &str| {
                    if path.is_empty() {
                        name.to_owned()
                    } else {
                        format!("{path}.{name}")
                    }
                };
                keys(
                    fields,
                    |name| self.knows(&below(name)),
                    |name, inner| self.value(inner, &below(name)),
                )
            }
        }
    }

    /// Whether a key stands in the structure.
    fn knows(&self, path: &str) -> bool {
        let next = self.0.range(path.to_owned()..).next();
        next.is_some_and(|(known, _)| {
            known
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        }) || [".", "["].iter().any(|end| {
            let from = format!("{path}{end}");
            self.0
                .range(from.clone()..)
                .next()
                .is_some_and(|(known, _)| known.starts_with(&from))
        })
    }
}

/// An object whose unknown keys are numbered: a key may be a name or a phone.
pub(super) fn keys(
    fields: &Map<String, Value>,
    is_known: impl Fn(&str) -> bool,
    shown: impl Fn(&str, &Value) -> Value,
) -> Value {
    let mut out = Map::new();
    for (index, (name, inner)) in fields.iter().enumerate() {
        let key = if is_known(name) {
            name.clone()
        } else {
            format!("••• key {index}")
        };
        out.insert(key, shown(name, inner));
    }
    Value::Object(out)
}
