//! A WhatsApp body: entries, changes, items.

use crate::{
    fields, json,
    outcome::{FanOut, Outcome, Reason},
    people::{Business, Contacts},
    update::Update,
};
use hilo_contracts::{facts::Raw, item::Position};
use hilo_domain::{Millis, json::canonical};
use serde_json::Value;
use std::cell::OnceCell;

const WEBHOOK_OBJECT: &str = "whatsapp_business_account";

/// Fans a delivery out into its items.
pub(crate) fn fan_out(raw: &Raw, region: Option<&str>) -> FanOut {
    let mut out = FanOut {
        delivery: true,
        ..FanOut::default()
    };
    let body = match json::parse(&raw.body) {
        Ok(body) => body,
        Err(error) => return whole(out, raw, error.reason, error.detail),
    };
    if !body.is_object() {
        return whole(out, raw, "not_object", "the body is no object".to_owned());
    }
    if body.get("object").and_then(Value::as_str) != Some(WEBHOOK_OBJECT) {
        return whole(
            out,
            raw,
            "wrong_object",
            format!("the body's object is not {WEBHOOK_OBJECT}"),
        );
    }
    let Some(entries) = json::list(&body, "entry") else {
        return whole(out, raw, "no_entry", "the body has no list of entries".to_owned());
    };
    let without_changes = |entry: &Value| json::list(entry, "changes").is_some_and(Vec::is_empty);
    out.empty = entries.iter().all(without_changes);
    for (index, entry) in (0..).zip(entries) {
        let Some(changes) = json::list(entry, "changes") else {
            let position = Position {
                entry: index,
                change: -1,
                item: -1,
            };
            out.outcomes.push(at(
                position,
                json::seconds(entry, "time"),
                "no_changes",
                "the entry has no list of changes",
                entry,
            ));
            continue;
        };
        let entry_id = json::id(entry, "id").unwrap_or_default();
        let entry_time = json::seconds(entry, "time");
        for (change_index, change) in (0..).zip(changes) {
            let place = Place {
                raw,
                region,
                entry_id: &entry_id,
                entry_time,
                entry: index,
                change: change_index,
            };
            place.change(change, &mut out.outcomes);
        }
    }
    out
}

fn whole(mut out: FanOut, raw: &Raw, reason: Reason, detail: String) -> FanOut {
    out.outcomes.push(Outcome::DeadLetter {
        reason,
        detail,
        position: None,
        event_time: None,
        original: raw.body.clone(),
    });
    out
}

fn at(position: Position, event_time: Option<Millis>, reason: Reason, detail: &str, original: &Value) -> Outcome {
    Outcome::DeadLetter {
        reason,
        detail: detail.to_owned(),
        position: Some(position),
        event_time,
        original: original.to_string().into_bytes(),
    }
}

/// Where a change stands.
struct Place<'a> {
    raw: &'a Raw,
    region: Option<&'a str>,
    entry_id: &'a str,
    entry_time: Option<Millis>,
    entry: i32,
    change: i32,
}

impl Place<'_> {
    fn change(&self, change: &Value, outcomes: &mut Vec<Outcome>) {
        if !change.is_object() {
            let position = Position {
                entry: self.entry,
                change: self.change,
                item: -1,
            };
            outcomes.push(at(
                position,
                self.entry_time,
                "change_not_object",
                "the change is no object",
                change,
            ));
            return;
        }
        let field = change.get("field").and_then(Value::as_str);
        let known = field.and_then(fields::Field::of);
        let value = change.get("value").filter(|value| !value.is_null());
        match (field.zip(known), value) {
            (None, value) => {
                let reason = if field.is_some() { "unknown_field" } else { "no_field" };
                outcomes.push(self.unclassified(reason, field, change, value));
            }
            (_, None) => outcomes.push(self.unclassified("no_value", field, change, None)),
            (Some((name, known)), Some(value)) => {
                if !fields::read(known, &self.update(name, value), outcomes) {
                    outcomes.push(self.unclassified("no_content", field, change, Some(value)));
                }
            }
        }
    }

    fn update<'a>(&'a self, field: &'a str, value: &'a Value) -> Update<'a> {
        let metadata = value.get("metadata").unwrap_or(&Value::Null);
        let business = Business::new(json::text(metadata, "display_phone_number"));
        Update {
            raw: self.raw,
            region: self.region,
            entry_id: self.entry_id,
            entry_time: self.entry_time,
            field,
            value,
            phone_number_id: json::id(metadata, "phone_number_id"),
            contacts: Contacts::of(value, &business),
            business,
            smallest: OnceCell::new(),
            entry: self.entry,
            change: self.change,
        }
    }

    fn unclassified(&self, reason: Reason, field: Option<&str>, change: &Value, value: Option<&Value>) -> Outcome {
        let smallest = || value.and_then(fields::smallest_time);
        Outcome::Unclassified {
            reason,
            field: field.map(str::to_owned),
            position: Position {
                entry: self.entry,
                change: self.change,
                item: 0,
            },
            event_time: self.entry_time.or_else(smallest).unwrap_or(self.raw.received_at),
            original: canonical(change),
        }
    }
}
