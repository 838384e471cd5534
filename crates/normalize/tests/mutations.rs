//! Real payloads, damaged at random (seeded): nothing panics, nothing is lost, and what was counted adds up.

mod support;

use hilo_contracts::capture;
use hilo_stream::Record;
use serde_json::{Value, json};
use support::{Run, shared};

/// xorshift64*: the same damage for ever.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }
}

/// Whole webhook bodies, from the payloads and the example.
fn bodies() -> Vec<Value> {
    let files = [
        "payloads/pywa.ndjson",
        "payloads/bindambc.ndjson",
        "example/capture.ndjson",
    ];
    let lines = files
        .iter()
        .filter_map(|file| shared(file))
        .collect::<Vec<_>>()
        .join("\n");
    let mut bodies: Vec<Value> = lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|line| {
            if line.get("object").is_some() {
                Some(line)
            } else {
                line.get("body").cloned()
            }
        })
        .filter(|body| body.get("entry").is_some())
        .collect();
    bodies.extend(synthetic());
    bodies
}

/// Shapes without a public sample.
fn synthetic() -> Vec<Value> {
    [
        ("history", json!({"history": [{"threads": [{"id": "569", "context": {"wa_id": "56961234567"},
            "messages": [{"id": "h", "from": "56961234567", "timestamp": "7"}, {"id": "i"}]}]}, {"errors": [{"code": 1}]}]})),
        ("smb_app_state_sync", json!({"state_sync": [{"type": "contact", "contact": {"phone_number": "+56961234567",
            "user_id": "CL.1"}, "action": "add", "metadata": {"timestamp": "9"}}]})),
        ("user_id_update", json!({"user_id_update": [{"wa_id": "56961234567", "timestamp": "9",
            "user_id": {"previous": "CL.1", "current": "CL.2"}}]})),
        ("group_participants_update", json!({"groups": [{"group_id": "g", "added_participants": [{"wa_id": "569612"}]}]})),
        ("messages", json!({"user_actions": [{"action_type": "marketing_messages_link_click", "timestamp": "9"}],
            "messages": [{"id": "s", "type": "system", "from": "56961234567", "system": {"type": "user_changed_number",
            "wa_id": "56961234568"}}], "contacts": [{"wa_id": "56961234567", "profile": {"name": "A"}}]})),
        ("business_capability_update", json!({"max_daily_conversations_per_business": "TIER_2K"})),
        ("flows", json!({"event": "FLOW_STATUS_CHANGE", "errors": [{}]})),
    ]
    .into_iter()
    .map(|(field, value)| json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]}))
    .collect()
}

fn count_values(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count_values).sum(),
        Value::Object(fields) => fields.values().map(count_values).sum(),
        _ => 0,
    }
}

/// The value at this place, counted through.
fn nth<'a>(value: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, place)),
        Value::Object(fields) => fields.values_mut().find_map(|field| nth(field, place)),
        _ => None,
    }
}

fn damage(body: &mut Value, random: &mut Random) {
    let mut place = random.below(count_values(body));
    let Some(target) = nth(body, &mut place) else { return };
    let old = target.take();
    *target = match random.below(12) {
        0 => Value::Null,
        1 => json!(random.below(9) as i64 - 4),
        2 => json!(1e300),
        3 => json!(""),
        4 => json!("x"),
        5 => json!([]),
        6 => json!({}),
        7 => json!([old]),
        8 => json!({"id": old}),
        9 => json!(true),
        10 => match old {
            Value::Array(mut items) => {
                items.extend(items.clone());
                items.push(Value::Null);
                Value::Array(items)
            }
            Value::String(text) => Value::String(text.chars().rev().collect()),
            other => other,
        },
        _ => match old {
            Value::Object(mut fields) => {
                let key = fields.keys().nth(random.below(fields.len())).cloned();
                key.map(|key| fields.remove(&key));
                Value::Object(fields)
            }
            other => other,
        },
    };
}

/// How many items the definition finds in a body, counted without the crate.
fn expected(body: &Value) -> u64 {
    const LISTS: [&str; 10] = [
        "messages",
        "message_echoes",
        "statuses",
        "user_actions",
        "calls",
        "groups",
        "state_sync",
        "user_preferences",
        "automatic_events",
        "user_id_update",
    ];
    const LIST_FIELDS: [&str; 12] = [
        "messages",
        "smb_message_echoes",
        "calls",
        "history",
        "smb_app_state_sync",
        "user_preferences",
        "user_id_update",
        "automatic_events",
        "group_lifecycle_update",
        "group_participants_update",
        "group_settings_update",
        "group_status_update",
    ];
    let Some(entries) = body["entry"]
        .as_array()
        .filter(|_| body["object"] == "whatsapp_business_account")
    else {
        return 1;
    };
    let change = |change: &Value| -> u64 {
        let value = &change["value"];
        if !change["field"]
            .as_str()
            .is_some_and(|field| LIST_FIELDS.contains(&field))
            || !value.is_object()
        {
            return 1;
        }
        let lists: Vec<&Vec<Value>> = LISTS
            .iter()
            .chain(&["errors"])
            .filter_map(|list| value[*list].as_array())
            .collect();
        let history = value["history"].as_array();
        if lists.is_empty() && history.is_none() {
            return 1;
        }
        let told = |element: &Value| -> usize {
            let threads = element["threads"].as_array().into_iter().flatten();
            threads
                .filter_map(|thread| thread["messages"].as_array())
                .map(Vec::len)
                .sum::<usize>()
                .max(1)
        };
        (lists.iter().map(|list| list.len()).sum::<usize>() + history.into_iter().flatten().map(told).sum::<usize>())
            as u64
    };
    let entry = |entry: &Value| {
        entry["changes"]
            .as_array()
            .map_or(1, |changes| changes.iter().map(change).sum())
    };
    entries.iter().map(entry).sum()
}

fn run(body: &[u8]) -> Run {
    let raw = capture::from_webhook("acme", 1_777_899_601_000, body);
    let record: Record = support::record(&raw);
    let (once, twice) = support::twice(&record);
    // Once more: nothing new, only more dead letters and unclassified items.
    assert_eq!(twice.total(), 2 * once.total());
    assert_eq!(twice.count("items", "emitted"), once.count("items", "emitted"));
    assert_eq!(twice.items.len(), once.items.len(), "an exact repetition goes nowhere");
    once
}

#[test]
fn damaged_values() {
    let bodies = bodies();
    let mut random = Random(0x5eed);
    for case in 0..20_000 {
        let mut body = bodies[random.below(bodies.len())].clone();
        for _ in 0..=random.below(3) {
            damage(&mut body, &mut random);
        }
        let run = run(body.to_string().as_bytes());
        assert_eq!(run.total(), expected(&body), "case {case}: {body}");
        assert_eq!(run.count("deliveries", ""), 1);
        assert_eq!(run.dead.len() as u64, run.outcomes()[3]);
        assert_eq!(run.unclassified.len() as u64, run.outcomes()[2]);
        assert!(
            run.items
                .iter()
                .all(|item| item.has_person <= !item.sightings.is_empty())
        );
    }
}

#[test]
fn damaged_bytes() {
    let bodies = bodies();
    let mut random = Random(0xb17e5);
    for _ in 0..10_000 {
        let mut bytes = bodies[random.below(bodies.len())].to_string().into_bytes();
        match random.below(3) {
            0 => bytes.truncate(random.below(bytes.len())),
            1 => {
                let place = random.below(bytes.len());
                bytes[place] = random.below(256) as u8;
            }
            _ => {
                let (from, to) = (random.below(bytes.len()), random.below(bytes.len()));
                bytes.drain(from.min(to)..from.max(to));
            }
        }
        let run = run(&bytes);
        assert_eq!(run.count("deliveries", ""), 1);
        assert!(
            run.total() > 0 || run.count("empty_deliveries", "") == 1 || bytes.windows(2).any(|pair| pair == b"[]")
        );
    }
}
