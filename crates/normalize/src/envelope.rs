//! A WhatsApp body: entries, changes, items.

use crate::{
    fields, json,
    outcome::{FanOut, Outcome, Reason},
    people::{Business, Contacts},
    tenant::Tenant,
    update::Update,
};
use hilo_contracts::{facts::Raw, item::Position};
use hilo_domain::{Millis, json::canonical};
use hilo_whatsapp::{Change, Entry, Field, Metadata, OBJECT};
use serde_json::Value;
use std::cell::OnceCell;

/// Items of one body, however large it is: a thousand times what the platform sends at once, and a second of work. A body
/// with more is one dead letter, with its bytes kept once: `{},` a million times would be a million of them.
pub(crate) const MOST_ITEMS: usize = 10_000;

/// A body below this size cannot hold [`MOST_ITEMS`]: the shortest item is `0` and a comma.
const SMALL: usize = 2 * MOST_ITEMS;

/// Fans a delivery out into its items.
pub(crate) fn fan_out(raw: &Raw, tenant: &Tenant) -> FanOut {
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
    if !hilo_whatsapp::is_webhook(&body) {
        return whole(out, raw, "wrong_object", format!("the body's object is not {OBJECT}"));
    }
    let Some(entries) = hilo_whatsapp::entries(&body) else {
        return whole(out, raw, "no_entry", "the body has no list of entries".to_owned());
    };
    if raw.body.len() > SMALL {
        let items: usize = entries.iter().map(|entry| items(entry, tenant)).sum();
        if items > MOST_ITEMS {
            let detail = format!("the body has {items} items, at most {MOST_ITEMS} are read");
            return whole(out, raw, "too_many_items", detail);
        }
    }
    let without_changes = |entry: &Value| Entry::of(entry).changes.is_some_and(Vec::is_empty);
    out.empty = entries.iter().all(without_changes);
    for (index, element) in (0..).zip(entries) {
        let entry = Entry::of(element);
        let Some(changes) = entry.changes else {
            let position = Position {
                entry: index,
                change: -1,
                item: -1,
            };
            out.outcomes.push(at(
                position,
                entry.time,
                "no_changes",
                "the entry has no list of changes",
                element,
            ));
            continue;
        };
        for (change_index, change) in (0..).zip(changes) {
            let place = Place {
                raw,
                tenant,
                entry_id: &entry.id,
                entry_time: entry.time,
                entry: index,
                change: change_index,
            };
            place.change(change, &mut out.outcomes);
        }
    }
    out
}

/// How many items an entry makes.
fn items(entry: &Value, tenant: &Tenant) -> usize {
    let of_change = |change: &Value| {
        let change = Change::of(change);
        // Whatever else it is, it is one: a dead letter, or unclassified.
        change
            .field
            .and_then(Field::of)
            .zip(change.value)
            .map_or(1, |(field, value)| fields::count(field, value))
    };
    let entry = Entry::of(entry);
    let Some(changes) = entry.changes else {
        return 1;
    };
    if tenant.is_foreign(&entry.id) {
        return changes.len();
    }
    changes.iter().map(of_change).sum()
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
    tenant: &'a Tenant,
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
        let Change { field, value } = Change::of(change);
        let known = field.and_then(Field::of);
        if self.tenant.is_foreign(self.entry_id) {
            outcomes.push(self.unclassified("foreign_account", field, change, value));
            return;
        }
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
        let metadata = Metadata::of(value);
        let business = Business::new(metadata.display_phone_number.as_deref(), self.tenant);
        Update {
            raw: self.raw,
            tenant: self.tenant,
            entry_id: self.entry_id,
            entry_time: self.entry_time,
            field,
            value,
            phone_number_id: metadata.phone_number_id,
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Values of every shape that the fields know, with what is wrong here and there.
    fn values() -> impl Strategy<Value = Value> {
        let element = || {
            prop_oneof![
                Just(json!({})),
                Just(json!(0)),
                Just(json!({"id": "a", "status": "read", "timestamp": "7"})),
                Just(json!({"threads": [{"messages": [{"id": "b"}, 1]}, {"messages": []}]})),
                Just(json!({"threads": 3})),
            ]
        };
        let list = prop_oneof![
            prop::collection::vec(element(), 0..4).prop_map(Value::from),
            Just(json!("no list")),
        ];
        let key = "messages|statuses|history|calls|groups|errors|event|other";
        prop_oneof![
            prop::collection::btree_map(key, list, 0..4).prop_map(|value| json!(value)),
            Just(Value::Null),
            Just(json!([1])),
        ]
    }

    proptest! {
        #[test]
        fn items_are_counted_before_they_are_made(
            changes in prop::collection::vec((prop::option::of("messages|history|flows|security|calls|of_tomorrow"), values()), 0..6),
            wrong in any::<[bool; 2]>(),
            account in prop_oneof![Just(None), Just(Some("1")), Just(Some("2"))],
        ) {
            let mut list: Vec<Value> = changes
                .iter()
                .map(|(field, value)| json!({"field": field, "value": value}))
                .collect();
            list.extend(wrong[0].then(|| json!("no change")));
            let mut entries = vec![json!({"id": "1", "changes": list})];
            entries.extend(wrong[1].then(|| json!({"id": "2"})));
            let mut tenant = Tenant::default();
            prop_assert!(account.is_none_or(|account| tenant.add_account(account)));
            let counted: usize = entries.iter().map(|entry| items(entry, &tenant)).sum();
            let raw = Raw {
                body: json!({"object": OBJECT, "entry": entries}).to_string().into_bytes(),
                ..Raw::default()
            };
            prop_assert_eq!(counted, fan_out(&raw, &tenant).outcomes.len());
        }
    }
}
