//! One step applied to one value. What has no sensible result has no value.

use super::table::Op;
use super::{DayForm, Transform, countries, language, money, text, time};
use crate::mapping::catalogue::Catalogue;
use crate::values::Value;
use hilo_domain::identifier::Identifier;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// What a step may look at besides its value.
#[derive(Clone, Copy, Debug)]
pub(in crate::mapping) struct Context<'a> {
    /// Country of the person.
    pub(in crate::mapping) country: Option<&'a str>,
    /// Zone of days.
    pub(in crate::mapping) zone: &'a TimeZone,
    /// How days are written.
    pub(in crate::mapping) day_form: DayForm,
    /// Languages by BCP 47.
    pub(in crate::mapping) languages: &'a BTreeMap<String, String>,
    /// Catalogues by name.
    pub(in crate::mapping) catalogues: &'a BTreeMap<String, Catalogue>,
    /// Currencies of the portal.
    pub(in crate::mapping) currencies: &'a BTreeSet<String>,
}

/// The value behind a step.
pub(in crate::mapping) fn apply(step: &Transform, value: Value, context: &Context) -> Option<Value> {
    match value {
        Value::List(list) if step.definition.lifts => {
            let texts = list.into_iter().filter_map(|text| {
                let value = apply(step, Value::Text(text), context)?;
                text_of(&value)
            });
            let list: Vec<String> = texts.collect();
            (!list.is_empty()).then_some(Value::List(list))
        }
        Value::List(list) => of_list(step, list),
        Value::Money(amount, currency) => of_money(step, &amount, currency, context),
        Value::Time(at) => of_time(step, at, context),
        Value::Number(number) if step.op() == Op::Decimal => match step.number {
            usize::MAX => money::shortest(&number),
            places => money::rounded(&number, places),
        }
        .map(Value::Number),
        Value::Flag(flag) if step.op() == Op::ToFlag => Some(Value::Flag(flag)),
        other => of_text(step, &text_of(&other)?, context),
    }
}

/// A value as a text, where it is one without more ado.
pub(in crate::mapping) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) | Value::Number(text) => Some(text.clone()),
        Value::Flag(flag) => Some(flag.to_string()),
        Value::Time(_) | Value::List(_) | Value::Money(..) => None,
    }
}

/// Whether a text is a decimal number.
pub(in crate::mapping) fn is_decimal(text: &str) -> bool {
    money::shortest(text).is_some()
}

fn of_text(step: &Transform, value: &str, context: &Context) -> Option<Value> {
    let text = match step.op() {
        Op::Trim => Some(value.trim().to_owned()),
        Op::Lower => Some(value.to_lowercase()),
        Op::Upper => Some(value.to_uppercase()),
        Op::Truncate => Some(text::truncated(value, step.number)),
        Op::FirstWord => text::first_word(value),
        Op::RestWords => text::rest_words(value),
        Op::Html => Some(text::html(value)),
        Op::E164 => text::e164(value, context.country),
        Op::MaskPhone => Some(text::mask_phone(value)),
        Op::Bcp47 => language::bcp47(value),
        Op::Language => language::primary(value),
        Op::HubspotLanguage => language::hubspot(value, context.languages),
        Op::CountryName => countries::name(value).map(str::to_owned),
        Op::Owner => owner(value, context),
        Op::Map => context.catalogues.get(&step.argument)?.get(value).map(str::to_owned),
        Op::Is => return Some(Value::Flag(step.argument.split('|').any(|word| word == value))),
        Op::ToNumber => return money::shortest(value).map(Value::Number),
        _ => None,
    }?;
    (!text.is_empty()).then_some(Value::Text(text))
}

/// Catalogue of the agents' own ids by e-mail address.
pub(in crate::mapping) const OWNERS: &str = "owners";

fn owner(agent: &str, context: &Context) -> Option<String> {
    let known = context.catalogues.get(OWNERS).and_then(|owners| owners.get(agent));
    Identifier::email(known.unwrap_or(agent)).map(|address| format!("@owner:{}", address.value))
}

fn of_list(step: &Transform, list: Vec<String>) -> Option<Value> {
    match step.op() {
        Op::Join => Some(Value::Text(list.join(&step.argument))).filter(|_| !list.is_empty()),
        Op::First => list.into_iter().next().map(Value::Text),
        Op::Count => Some(Value::Number(list.len().to_string())),
        _ => None,
    }
}

fn of_money(step: &Transform, amount: &str, currency: Option<String>, context: &Context) -> Option<Value> {
    let enabled = currency.as_deref().filter(|code| context.currencies.contains(*code));
    match step.op() {
        Op::Amount => money::rounded(amount, money::decimals(enabled?)).map(Value::Number),
        Op::PlainAmount => money::shortest(amount).map(Value::Number),
        Op::MinorUnits => money::minor_units(amount, currency.as_deref()?).map(Value::Number),
        Op::Currency => enabled.map(|code| Value::Text(code.to_owned())),
        Op::PlainCurrency => currency.map(Value::Text),
        _ => None,
    }
}

fn of_time(step: &Transform, at: hilo_domain::Millis, context: &Context) -> Option<Value> {
    match step.op() {
        Op::Date => time::date(at, context.zone),
        Op::DateMs => time::date_ms(at, context.zone),
        Op::DateTime => Some(at.to_string()),
        Op::Iso8601 => Some(time::iso8601(at)),
        Op::LocalDate => time::local_date(at, context.zone, context.day_form),
        _ => None,
    }
    .map(Value::Text)
}
