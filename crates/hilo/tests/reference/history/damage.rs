//! Lines as a careless program writes them: something is missing, empty, of another type, or stands twice.

use super::{BSUIDS, random::Random};
use serde_json::{Value, json};

/// Lines, some of whose bodies have something wrong in them. `twice`, some of these come whole too, or with another contact,
/// and envelopes have something wrong too: then the documents do not say all that must be found.
pub(super) fn damaged(lines: &[Vec<u8>], twice: bool, random: &mut Random) -> Vec<Vec<u8>> {
    let mut damaged = Vec::new();
    for line in lines {
        if twice && random.one_in(4) {
            damaged.push(line.clone());
        }
        if twice && random.one_in(4) {
            damaged.push(of_another(line, random));
        }
        let mut value: Value = serde_json::from_slice(line).unwrap_or_default();
        let body = match &mut value {
            whole if twice || whole["object"].is_string() => Some(whole),
            envelope => envelope.get_mut("body").filter(|body| body.is_object()),
        };
        let Some(body) = body else {
            damaged.push(line.clone());
            continue;
        };
        for _ in 0..random.below(3) {
            let place = random.below(size(body));
            damage(body, &mut { place }, random);
        }
        damaged.push(value.to_string().into_bytes());
    }
    damaged
}

/// The line with another contact, where it has any.
fn of_another(line: &[u8], random: &mut Random) -> Vec<u8> {
    fn replace(value: &mut Value, contact: &Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| replace(item, contact)),
            Value::Object(fields) => {
                if let Some(contacts) = fields.get_mut("contacts") {
                    *contacts = json!([contact]);
                }
                fields.values_mut().for_each(|field| replace(field, contact));
            }
            _ => {}
        }
    }
    let mut value: Value = serde_json::from_slice(line).unwrap_or_default();
    replace(&mut value, &json!({"user_id": random.of(BSUIDS)}));
    value.to_string().into_bytes()
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum(),
        _ => 0,
    }
}

/// Damages the part number `place`, counted depth first.
fn damage(value: &mut Value, place: &mut usize, random: &mut Random) -> bool {
    if *place == 0 {
        *value = other(value, random);
        return true;
    }
    *place -= 1;
    match value {
        Value::Array(items) => {
            for at in 0..items.len() {
                if *place == 0 && random.one_in(3) {
                    if random.one_in(2) {
                        items.remove(at);
                    } else {
                        items.insert(at, items[at].clone());
                    }
                    return true;
                }
                if damage(&mut items[at], place, random) {
                    return true;
                }
            }
        }
        Value::Object(fields) => {
            // Whether it is a test is not told by what is around.
            let is_test = |key: &str, value: &Value| key == "id" && value == "0";
            for key in fields.keys().cloned().collect::<Vec<_>>() {
                if *place == 0 && is_test(&key, &fields[&key]) {
                    return true;
                }
                if *place == 0 && random.one_in(2) {
                    fields.remove(&key);
                    return true;
                }
                if damage(&mut fields[&key], place, random) {
                    return true;
                }
            }
        }
        _ => {}
    }
    false
}

fn other(value: &Value, random: &mut Random) -> Value {
    match (random.below(8), value) {
        (0, _) => Value::Null,
        (1, _) => json!(""),
        (2, _) => json!({}),
        (3, _) => json!([]),
        (4, _) => json!(7),
        (5, Value::String(text)) => text
            .parse::<i64>()
            .map_or_else(|_| json!([text]), |number| json!(number)),
        (5, Value::Number(number)) => json!(number.to_string()),
        (6, _) => json!([value]),
        (7, _) => json!({"x": value}),
        _ => json!("x"),
    }
}
