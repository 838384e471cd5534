//! An independent reader of captures: the counting rules of the interface, over parsed JSON.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use hilo_simulator::{Profile, Tally, capture};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// 2026-11-24T09:00:00Z.
pub(crate) const START: i64 = 1_795_510_800_000;

/// A world of two tenants in which everything happens within some ten thousand items.
pub(crate) fn eventful(rate: u32) -> Profile {
    let demo = Profile::demo(START, rate);
    Profile {
        tenants: vec!["acme".to_owned(), "be\"ta".to_owned()],
        number_changes: 0.05,
        recycled_numbers: 0.3,
        large_batches: 0.001,
        oddities: 0.01,
        ..demo
    }
}

/// Few people, who come back often: phones get known, opt-outs are taken back.
pub(crate) fn regulars(rate: u32) -> Profile {
    Profile {
        people: 300,
        usernames: 0.5,
        ..eventful(rate)
    }
}

pub(crate) fn capture(seed: u64, profile: Profile, items: u64) -> (String, Tally) {
    let mut bytes = Vec::new();
    let tally = capture::write(&mut bytes, seed, profile, items).unwrap();
    (String::from_utf8(bytes).unwrap(), tally)
}

pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// One change of a delivery.
pub(crate) struct Change<'a> {
    pub(crate) entry: &'a Value,
    pub(crate) field: &'a str,
    pub(crate) value: Option<&'a Value>,
}

pub(crate) fn changes(body: &Value) -> Vec<Change<'_>> {
    let entries = body["entry"].as_array().unwrap();
    let all = entries.iter().flat_map(|entry| {
        entry["changes"].as_array().unwrap().iter().map(move |change| Change {
            entry,
            field: change["field"].as_str().unwrap(),
            value: change.get("value"),
        })
    });
    all.collect()
}

pub(crate) const ARRAYS: [&str; 5] = [
    "messages",
    "statuses",
    "message_echoes",
    "user_preferences",
    "user_id_update",
];

const ACCOUNT_FIELDS: [&str; 6] = [
    "message_template_quality_update",
    "message_template_status_update",
    "business_capability_update",
    "phone_number_quality_update",
    "phone_number_name_update",
    "account_update",
];

#[derive(Default)]
struct Recount {
    tally: Tally,
    keys: HashSet<String>,
    received: BTreeSet<(String, String)>,
    sent: BTreeSet<(String, String)>,
    reported: BTreeSet<(String, String)>,
}

/// What a capture holds, by the rules of the interface.
pub(crate) fn recount(lines: &[Value]) -> Tally {
    let mut recount = Recount::default();
    for line in lines {
        recount.tally.lines += 1;
        let tenant = line["tenant"].as_str().unwrap();
        match line["source"].as_str().unwrap() {
            "whatsapp" => recount.delivery(tenant, &line["body"]),
            "outbound" => {
                let id = line["message_id"].as_str().unwrap();
                recount.sent.insert((tenant.to_owned(), id.to_owned()));
                recount.item(format!("outbound {tenant} {id}"));
            }
            "inbox" | "crm" | "platform" => {
                recount.item(format!("line {line}"));
            }
            other => panic!("source {other}"),
        }
    }
    let mut tally = recount.tally;
    tally.messages_received = recount.received.len() as i64;
    tally.messages_sent = recount.sent.len() as i64;
    tally.orphans = recount.reported.difference(&recount.sent).count() as i64;
    tally
}

impl Recount {
    fn item(&mut self, key: String) -> bool {
        let fresh = self.keys.insert(key);
        self.tally.items += 1;
        *(if fresh {
            &mut self.tally.emitted
        } else {
            &mut self.tally.duplicate
        }) += 1;
        fresh
    }

    fn delivery(&mut self, tenant: &str, body: &Value) {
        self.tally.deliveries += 1;
        let changes = changes(body);
        self.tally.empty_deliveries += i64::from(changes.is_empty());
        for change in changes {
            let arrays: Vec<&str> = ARRAYS
                .into_iter()
                .filter(|array| change.value.is_some_and(|value| value.get(*array).is_some()))
                .collect();
            if arrays.is_empty() {
                self.tally.items += i64::from(!ACCOUNT_FIELDS.contains(&change.field) || change.value.is_none());
                match change.value {
                    Some(value) if ACCOUNT_FIELDS.contains(&change.field) => {
                        self.item(format!("{tenant} {} {} {value}", change.entry, change.field));
                    }
                    _ => self.tally.unclassified += 1,
                }
            }
            for array in arrays {
                for element in change.value.unwrap()[array].as_array().unwrap() {
                    self.element(tenant, array, element, &change);
                }
            }
        }
    }

    fn element(&mut self, tenant: &str, array: &str, element: &Value, change: &Change) {
        let id = element["id"].as_str().map(|id| (tenant.to_owned(), id.to_owned()));
        match (array, id) {
            ("messages", None) => {
                self.tally.items += 1;
                self.tally.dead_letter += 1;
            }
            ("messages", Some(id)) => {
                self.item(format!("message {id:?}"));
                let kind = element["type"].as_str().unwrap();
                if !["system", "reaction", "edit", "revoke", "request_welcome"].contains(&kind) {
                    self.received.insert(id);
                }
            }
            ("message_echoes", Some(id)) => {
                self.item(format!("echo {id:?}"));
                self.sent.insert(id);
            }
            ("statuses", Some(id)) => {
                let code = &element["errors"][0]["code"];
                self.tally.statuses += i64::from(self.item(format!("status {id:?} {} {code}", element["status"])));
                self.reported.insert(id);
            }
            (array, None) => {
                let place = (
                    &change.entry["id"],
                    change.field,
                    &change.value.unwrap()["metadata"]["phone_number_id"],
                );
                self.item(format!("{array} {tenant} {place:?} {element}"));
            }
            (array, Some(_)) => panic!("an id in {array}"),
        }
    }
}

/// How often each of what `of` finds in the elements of `array` occurs.
pub(crate) fn census(lines: &[Value], array: &str, of: impl Fn(&Value) -> Option<String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for element in elements(lines, array) {
        if let Some(found) = of(element) {
            *counts.entry(found).or_default() += 1;
        }
    }
    counts
}

pub(crate) fn elements<'a>(lines: &'a [Value], array: &'a str) -> impl Iterator<Item = &'a Value> {
    let bodies = lines.iter().filter_map(|line| line.get("body"));
    bodies
        .flat_map(changes)
        .filter_map(move |change| change.value?.get(array)?.as_array())
        .flatten()
}

/// Line of each send, and of each status of a message.
type Places<'a> = (HashMap<&'a str, usize>, HashMap<(&'a str, &'a str), usize>);

/// First places of the capture at which each message id is announced and each status is reported.
pub(crate) fn first_places(lines: &[Value]) -> Places<'_> {
    let (mut announced, mut reported) = (HashMap::new(), HashMap::new());
    for (place, line) in lines.iter().enumerate() {
        if line["source"] == "outbound" {
            announced.entry(line["message_id"].as_str().unwrap()).or_insert(place);
        }
        for status in elements(std::slice::from_ref(line), "statuses") {
            let key = (status["id"].as_str().unwrap(), status["status"].as_str().unwrap());
            reported.entry(key).or_insert(place);
        }
    }
    (announced, reported)
}
