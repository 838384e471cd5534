//! Searches, which see a change only some time later.

use super::{Call, input, objects};
use crate::{
    answer::Answer,
    failure::Failure,
    object::Object,
    path::Version,
    portal::Portal,
    table::{Properties, Record},
};
use serde_json::{Value, json};
use std::cmp::Ordering;

const PAGE: usize = 200;
const MOST: usize = 10_000;
const GROUPS: usize = 6;
const FILTERS: usize = 18;

struct Filter<'a> {
    property: &'a str,
    operator: &'a str,
    value: Option<&'a str>,
    high: Option<&'a str>,
    values: Vec<&'a str>,
}

pub(super) fn call(portal: &mut Portal, call: &Call<'_>, object: Object) -> Result<Answer, Failure> {
    let body = call.json()?;
    let fields = input::fields(&body, "body")?;
    if call.version != Version::Older {
        let wanted = ["filterGroups", "sorts", "properties", "limit", "after"];
        if let Some(missing) = wanted.into_iter().find(|name| !fields.contains_key(*name)) {
            return Err(input::unset(missing));
        }
    }
    let limit = number(fields, "limit")?.unwrap_or(10);
    let after = number(fields, "after")?.unwrap_or(0);
    if limit > PAGE || after + limit > MOST {
        return Err(Failure::invalid(format!(
            "A search gives {PAGE} records at once and {MOST} in all"
        )));
    }
    let groups = groups(portal, object, fields)?;
    let names = input::texts(fields, "properties")?;
    let query = input::text(fields, "query")?.map(str::to_lowercase);
    settle(portal, object);
    let seen = portal
        .table(object)
        .into_iter()
        .flat_map(|table| table.records.values());
    let mut found: Vec<(&Record, &Properties)> = seen
        .filter(|record| record.archived_at.is_none())
        .filter_map(|record| Some((record, record.indexed.as_ref()?)))
        .filter(|(_, seen)| groups.is_empty() || groups.iter().any(|group| group.iter().all(|one| one.fits(seen))))
        .filter(|(_, seen)| {
            query
                .as_ref()
                .is_none_or(|query| seen.values().any(|value| value.to_lowercase().contains(query)))
        })
        .collect();
    for sort in fields
        .get("sorts")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .rev()
    {
        let (name, down) = sorted_by(sort)?;
        found.sort_by(|one, two| {
            let order = compare(one.1.get(name), two.1.get(name));
            if down { order.reverse() } else { order }
        });
    }
    let total = found.len();
    let page = found.into_iter().skip(after).take(limit);
    // The answer shows what was found, not what the record has become since.
    let results: Vec<Value> = page
        .map(|(record, seen)| {
            let record = Record {
                properties: seen.clone(),
                ..record.clone()
            };
            objects::shown(&record, object, &names, None)
        })
        .collect();
    let next = after + results.len();
    let mut body = json!({"total": total, "results": results});
    if next < total
        && let Some(body) = body.as_object_mut()
    {
        body.insert("paging".to_owned(), json!({"next": {"after": next.to_string()}}));
    }
    Ok(Answer::json(200, body))
}

fn settle(portal: &mut Portal, object: Object) {
    let waiting = portal
        .table(object)
        .into_iter()
        .flat_map(|table| table.records.values());
    let waiting: Vec<Record> = waiting.filter(|record| record.changed.is_some()).cloned().collect();
    for mut record in waiting {
        portal.settle(&mut record);
        portal.table_mut(object).records.insert(record.id, record);
    }
}

fn number(fields: &input::Fields, name: &str) -> Result<Option<usize>, Failure> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_u64().map(|number| number as usize)),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => text
            .parse()
            .map(Some)
            .map_err(|_| Failure::invalid(format!("{name} is no number: {text}"))),
        Some(_) => Err(Failure::form(format!("{name} is no number"))),
    }
}

fn groups<'a>(portal: &Portal, object: Object, fields: &'a input::Fields) -> Result<Vec<Vec<Filter<'a>>>, Failure> {
    if !fields.contains_key("filterGroups") {
        return Ok(Vec::new());
    }
    let groups: Vec<Vec<Filter<'_>>> = input::list(fields, "filterGroups")?
        .iter()
        .map(|group| {
            let filters = input::list(input::fields(group, "filterGroups")?, "filters")?;
            filters.iter().map(|one| filter(portal, object, one)).collect()
        })
        .collect::<Result<_, _>>()?;
    if groups.len() > GROUPS || groups.iter().map(Vec::len).sum::<usize>() > FILTERS {
        return Err(Failure::invalid(format!(
            "A search has at most {GROUPS} groups and {FILTERS} filters"
        )));
    }
    Ok(groups)
}

fn filter<'a>(portal: &Portal, object: Object, one: &'a Value) -> Result<Filter<'a>, Failure> {
    let one = input::fields(one, "filters")?;
    let filter = Filter {
        property: input::needed(one, "propertyName")?,
        operator: input::needed(one, "operator")?,
        value: input::text(one, "value")?,
        high: input::text(one, "highValue")?,
        values: input::texts(one, "values")?,
    };
    if !portal
        .table(object)
        .is_some_and(|table| table.definitions.contains_key(filter.property))
    {
        let name = filter.property;
        return Err(
            Failure::invalid(format!("There was a problem with the request: no property {name}"))
                .with_context("propertyName", [name]),
        );
    }
    let complete = match filter.operator {
        "EQ" | "NEQ" | "LT" | "LTE" | "GT" | "GTE" | "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN" => filter.value.is_some(),
        "BETWEEN" => filter.value.is_some() && filter.high.is_some(),
        "IN" | "NOT_IN" => !filter.values.is_empty(),
        "HAS_PROPERTY" | "NOT_HAS_PROPERTY" => true,
        other => return Err(Failure::invalid(format!("There is no operator {other}"))),
    };
    if complete {
        Ok(filter)
    } else {
        Err(Failure::invalid(format!(
            "The operator {} needs a value",
            filter.operator
        )))
    }
}

impl Filter<'_> {
    fn fits(&self, seen: &Properties) -> bool {
        let has = seen.get(self.property).map(String::as_str);
        let order = |wanted: Option<&str>| Some(compare_values(has?, wanted?));
        let contains = || {
            let token = self.value.unwrap_or_default().trim_matches('*').to_lowercase();
            has.is_some_and(|has| has.to_lowercase().contains(&token))
        };
        let listed = || has.is_some_and(|has| self.values.contains(&has));
        match self.operator {
            "EQ" => order(self.value) == Some(Ordering::Equal),
            "NEQ" => has.is_some() && order(self.value) != Some(Ordering::Equal),
            "LT" => order(self.value) == Some(Ordering::Less),
            "LTE" => order(self.value).is_some_and(Ordering::is_le),
            "GT" => order(self.value) == Some(Ordering::Greater),
            "GTE" => order(self.value).is_some_and(Ordering::is_ge),
            "BETWEEN" => {
                order(self.value).is_some_and(Ordering::is_ge) && order(self.high).is_some_and(Ordering::is_le)
            }
            "IN" => listed(),
            "NOT_IN" => has.is_some() && !listed(),
            "HAS_PROPERTY" => has.is_some(),
            "NOT_HAS_PROPERTY" => has.is_none(),
            "CONTAINS_TOKEN" => contains(),
            _ => !contains(),
        }
    }
}

/// As numbers or times where both are, else as texts.
fn compare_values(one: &str, two: &str) -> Ordering {
    let numbers = one.parse::<f64>().ok().zip(two.parse::<f64>().ok());
    let times = || crate::definition::instant(one).zip(crate::definition::instant(two));
    match (numbers, times()) {
        (Some((one, two)), _) => one.total_cmp(&two),
        (None, Some((one, two))) => one.cmp(&two),
        (None, None) => one.cmp(two),
    }
}

fn compare(one: Option<&String>, two: Option<&String>) -> Ordering {
    match (one, two) {
        (Some(one), Some(two)) => compare_values(one, two),
        (one, two) => one.is_some().cmp(&two.is_some()),
    }
}

/// `-name`, `name`, or the same as an object.
fn sorted_by(sort: &Value) -> Result<(&str, bool), Failure> {
    match sort {
        Value::String(text) => Ok(text
            .strip_prefix('-')
            .map_or((text.as_str(), false), |name| (name, true))),
        Value::Object(fields) => Ok((
            input::needed(fields, "propertyName")?,
            input::text(fields, "direction")? == Some("DESCENDING"),
        )),
        _ => Err(Failure::form("A sort is a text or an object")),
    }
}
