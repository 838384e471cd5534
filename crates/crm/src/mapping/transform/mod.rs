//! The closed list of transforms: named, pure, without any scripting.

mod apply;
mod countries;
mod language;
mod money;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod time;

pub(super) use apply::{Context, OWNERS, apply, is_decimal, text_of};
pub(super) use countries::is_country;
pub(super) use money::is_currency;
pub use table::{Argument, Definition, Form, TRANSFORMS};
pub use text::mask_phone;
pub(super) use text::truncated;
pub use time::DayForm;
pub(super) use time::{DAY_FORMS, local_date};

use super::finding::codes;
use super::reader::instead;
use serde::Serialize;
use table::Op;

/// One step of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Transform {
    /// As the mapping writes it.
    pub(super) written: String,
    #[serde(skip)]
    pub(super) definition: &'static Definition,
    #[serde(skip)]
    argument: String,
    #[serde(skip)]
    number: usize,
}

impl Transform {
    /// A step as a mapping writes it; else the code of what is wrong, the message and what to do.
    pub(super) fn parse(written: &str) -> Result<Self, (&'static str, String, String)> {
        let (name, argument) = match written.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (written, None),
        };
        let Some(definition) = TRANSFORMS.iter().find(|definition| definition.name == name) else {
            let names: Vec<&str> = TRANSFORMS.iter().map(|definition| definition.name).collect();
            let message = format!("there is no transform {name:?}");
            return Err((codes::UNKNOWN_TRANSFORM, message, instead(name, &names)));
        };
        let number = match definition.argument {
            Argument::Number { most, .. } => argument.map(|text| text.parse().ok().filter(|number| *number <= most)),
            _ => Some(Some(0)),
        };
        let fits = match definition.argument {
            Argument::None => argument.is_none(),
            Argument::Number { needed, .. } => number.map_or(!needed, |number| number.is_some()),
            Argument::Text | Argument::Words | Argument::Catalogue => argument.is_some_and(|text| !text.is_empty()),
        };
        if !fits {
            let message = format!("{written:?} has not the argument that {name} takes");
            let action = format!("write {}", definition.usage());
            return Err((codes::BAD_ARGUMENT, message, action));
        }
        Ok(Self {
            written: written.to_owned(),
            definition,
            argument: argument.unwrap_or_default().to_owned(),
            number: number.flatten().unwrap_or(usize::MAX),
        })
    }

    /// The catalogue that it looks in.
    pub(super) fn catalogue(&self) -> Option<&str> {
        (self.definition.argument == Argument::Catalogue).then_some(self.argument.as_str())
    }

    /// Form of what comes out; `None` when what comes in does not fit.
    pub(super) fn gives(&self, form: Form) -> Option<Form> {
        let definition = self.definition;
        if form == Form::List && definition.lifts {
            return Some(Form::List);
        }
        let fits = definition.takes.contains(&form);
        fits.then(|| definition.gives.unwrap_or(form))
    }

    fn op(&self) -> Op {
        self.definition.op
    }
}
