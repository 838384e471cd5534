//! From capture lines to items: interface.md, section 2 and "Deliveries and items", "Duplicates" of section 7.

use super::{
    configured,
    json::{canonical, instant, parse, seconds, text, with_ids, word},
    messages::{from_business, is_stand_in},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const DAY: i64 = 86_400_000;
/// metrics.md §1.5: an event later than its own receipt by more does not count.
const AHEAD: i64 = 300_000;
/// A clock line moves time to so much after its receipt at most.
const CLOCK_AHEAD: i64 = 60_000;
/// Of a body with more, none is read.
const MOST_ITEMS: u64 = 10_000;

/// What an item is, as far as anything here depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Received,
    Echo,
    History,
    Status,
    Call,
    /// Another element of a known array, by the array's name.
    Element(&'static str),
    /// A value that is an item as a whole, or a history element without messages.
    Whole,
    Outbound,
    Inbox,
    Crm,
    /// A polled snapshot: an item about nobody.
    Platform,
    Clock,
}

/// One occurrence of an item; equal `key`s of one tenant are one item.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) tenant: String,
    pub(crate) kind: Kind,
    pub(crate) key: String,
    pub(crate) time: i64,
    /// When it was received.
    pub(crate) received: i64,
    /// The number of the change that it came in; 0 for other lines.
    pub(crate) change: u64,
    pub(crate) phone_number_id: Option<String>,
    /// Id of the entry that it came in.
    pub(crate) entry: Option<String>,
    /// The element, or the line, with its ids as text.
    pub(crate) element: Value,
    /// Canonical JSON of it as it came.
    pub(crate) told: String,
    /// Of what stands in `messages` or `message_echoes` and is history: who wrote it, as the list would have it.
    pub(crate) listed: Option<Kind>,
    /// Whether it came in a change of the field `history`.
    pub(crate) is_history: bool,
    /// Of a stand-in, the content that holds over it in another list.
    pub(crate) content: Option<Value>,
    /// The value around the element, for its contacts and metadata.
    pub(crate) value: Value,
    /// The thread around a history message.
    pub(crate) thread: Value,
}

impl Item {
    /// What it says: its element, unless that only stands in for content that came elsewhere.
    pub(crate) fn says(&self) -> &Value {
        self.content.as_ref().unwrap_or(&self.element)
    }

    /// Whether its time counts for what time it is.
    pub(crate) fn counts(&self) -> bool {
        self.time <= self.received + AHEAD
    }

    /// Whether it came by the button of the platform's dashboard.
    pub(crate) fn is_test(&self) -> bool {
        self.entry.as_deref() == Some("0")
    }
}

/// All that a set of lines holds.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) lines: u64,
    pub(crate) deliveries: u64,
    pub(crate) empty_deliveries: u64,
    pub(crate) dead_letters: u64,
    pub(crate) unclassified: u64,
    pub(crate) items: Vec<Item>,
    pub(crate) changes: u64,
    /// The times of unclassified items.
    pub(crate) other_times: Vec<i64>,
}

impl Reading {
    /// Items that are not the first of their key.
    pub(crate) fn distinct(&self) -> u64 {
        let keys: BTreeSet<_> = self.items.iter().map(|item| (&item.tenant, &item.key)).collect();
        keys.len() as u64
    }

    /// Whether two items differ only in what is around them: the documents do not say which of them holds.
    pub(crate) fn leaves_open(&self) -> bool {
        let mut around = BTreeMap::new();
        self.items.iter().any(|item| {
            let told = (&item.tenant, &item.key, item.time, &item.told);
            let this = [
                &item.value["metadata"],
                &item.value["contacts"],
                &item.thread["context"],
            ];
            *around.entry(told).or_insert(this) != this
        })
    }
}

/// Fields whose value has arrays of items.
const WITH_ARRAYS: &[&str] = &[
    "messages",
    "smb_message_echoes",
    "smb_app_state_sync",
    "history",
    "user_preferences",
    "user_id_update",
    "calls",
    "automatic_events",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
];

/// Keys of facts about templates, whatever their field: that of a value decides which it is.
const OF_TEMPLATES: &[&str] = &[
    "event",
    "message_template_id",
    "message_template_name",
    "previous_quality_score",
    "new_quality_score",
    "previous_category",
    "new_category",
    "correct_category",
    "message_template_title",
    "message_template_element",
    "message_template_footer",
    "message_template_buttons",
];

/// Fields whose value is an item itself, with the keys of which it needs one (whatsapp.md, 1.3): what they say, beside
/// whom it is about.
const WITHOUT_ARRAYS: &[(&str, &[&str])] = &[
    (
        "account_alerts",
        &["entity_type", "entity_id", "alert_info", "alert_type"],
    ),
    ("account_review_update", &["decision"]),
    ("account_update", &["event"]),
    ("account_settings_update", &["type", "phone_number_settings"]),
    (
        "business_capability_update",
        &[
            "max_daily_conversations_per_business",
            "max_daily_conversation_per_phone",
            "max_phone_numbers_per_business",
            "max_phone_numbers_per_waba",
        ],
    ),
    ("business_username_update", &["username", "status"]),
    ("business_username_updates", &["username", "status"]),
    ("flows", &["event"]),
    ("message_template_components_update", OF_TEMPLATES),
    ("message_template_quality_update", OF_TEMPLATES),
    ("message_template_status_update", OF_TEMPLATES),
    ("partner_solutions", &["event", "solution_id", "solution_status"]),
    (
        "payment_configuration_update",
        &["configuration_name", "provider_name", "status"],
    ),
    ("phone_number_name_update", &["decision", "requested_verified_name"]),
    (
        "phone_number_quality_update",
        &["event", "current_limit", "max_daily_conversations_per_business"],
    ),
    ("security", &["event"]),
    ("template_category_update", OF_TEMPLATES),
];

const ARRAYS: &[(&str, Kind)] = &[
    ("messages", Kind::Received),
    ("message_echoes", Kind::Echo),
    ("statuses", Kind::Status),
    ("calls", Kind::Call),
    ("user_actions", Kind::Element("user_actions")),
    ("groups", Kind::Element("groups")),
    ("state_sync", Kind::Element("state_sync")),
    ("user_preferences", Kind::Element("user_preferences")),
    ("automatic_events", Kind::Element("automatic_events")),
    ("user_id_update", Kind::Element("user_id_update")),
    ("errors", Kind::Element("errors")),
];

pub(crate) fn read(lines: &[Vec<u8>]) -> Reading {
    let mut reading = Reading::default();
    for line in lines {
        if line.trim_ascii().is_empty() || line.starts_with(b"#") {
            continue;
        }
        reading.lines += 1;
        read_line(line, &mut reading);
    }
    fill(&mut reading.items);
    reading
}

/// The list of an element, its time, how it came, and itself.
type Content = (Kind, i64, String, Value);

/// Content holds over a stand-in under its id also from another list, of which the kind comes later; the smallest does.
fn fill(items: &mut [Item]) {
    let is_told = |item: &Item| matches!(item.kind, Kind::Received | Kind::Echo | Kind::History);
    let mut contents: BTreeMap<(String, String), Vec<Content>> = BTreeMap::new();
    let id = |item: &Item| (item.tenant.clone(), text(&item.element, "id").unwrap_or("").to_owned());
    for item in items.iter().filter(|item| is_told(item) && !is_stand_in(item)) {
        let content = (item.kind, item.time, item.told.clone(), item.element.clone());
        contents.entry(id(item)).or_default().push(content);
    }
    for item in items.iter_mut().filter(|item| is_told(item) && is_stand_in(item)) {
        let Some(contents) = contents.get(&id(item)) else {
            continue;
        };
        // Its own list's content holds by itself.
        if contents.iter().any(|content| content.0 == item.kind) {
            continue;
        }
        let later = contents.iter().filter(|content| content.0 > item.kind);
        let smallest = later.min_by_key(|content| (content.1, content.2.clone()));
        item.content = smallest.map(|content| content.3.clone());
    }
}

fn read_line(line: &[u8], reading: &mut Reading) {
    let Some(value) = parse(line) else {
        reading.dead_letters += 1;
        return;
    };
    let (told, value) = (canonical(&value), with_ids(&value));
    let tenant = text(&value, "tenant").unwrap_or("default").to_owned();
    if value["object"] == "whatsapp_business_account" && value.get("source").is_none() {
        return read_delivery(parse(line).as_ref(), "default", None, reading);
    }
    let kind = match text(&value, "source") {
        Some("whatsapp") => {
            let received = value.get("received_at").and_then(instant);
            let body = match parse(line).and_then(|line| line.get("body").cloned()) {
                Some(Value::String(verbatim)) => parse(verbatim.as_bytes()),
                other => other,
            };
            return read_delivery(body.as_ref(), &tenant, received, reading);
        }
        Some("outbound") => Kind::Outbound,
        Some("inbox") => Kind::Inbox,
        Some("crm") => Kind::Crm,
        Some("platform") => Kind::Platform,
        Some("clock") => Kind::Clock,
        _ => {
            reading.dead_letters += 1;
            return;
        }
    };
    let key = match (kind, text(&value, "message_id")) {
        (Kind::Outbound, Some(id)) => format!("outbound {id}"),
        _ => format!("{kind:?} {told}"),
    };
    let at = value.get("at").and_then(instant);
    let received = value.get("received_at").and_then(instant).or(at).unwrap_or(0);
    let (Some(time), true) = (
        match kind {
            Kind::Clock => at.map(|at| at.min(received + CLOCK_AHEAD)),
            _ => at.filter(|at| *at <= received + AHEAD),
        },
        match kind {
            Kind::Outbound => text(&value, "message_id").is_some(),
            Kind::Platform => value["number"]["id"].is_string() != value["template"]["id"].is_string(),
            _ => true,
        },
    ) else {
        reading.dead_letters += 1;
        return;
    };
    reading.items.push(Item {
        tenant,
        kind,
        key,
        time,
        received,
        change: 0,
        phone_number_id: word(&value["phone_number_id"]),
        entry: None,
        element: value,
        told,
        listed: None,
        is_history: false,
        content: None,
        value: Value::Null,
        thread: Value::Null,
    });
}

fn read_delivery(body: Option<&Value>, tenant: &str, received: Option<i64>, reading: &mut Reading) {
    reading.deliveries += 1;
    let entries = match body {
        Some(body) if body["object"] == "whatsapp_business_account" => body["entry"].as_array(),
        _ => None,
    };
    let Some(entries) = entries else {
        reading.dead_letters += 1;
        return;
    };
    let received = received.unwrap_or_else(|| body.and_then(newest).unwrap_or(0));
    let mut own = Reading {
        changes: reading.changes,
        ..Reading::default()
    };
    read_entries(entries, tenant, received, &mut own);
    if own.items.len() as u64 + own.unclassified + own.dead_letters > MOST_ITEMS {
        reading.dead_letters += 1;
        return;
    }
    reading.changes = own.changes;
    reading.dead_letters += own.dead_letters;
    reading.unclassified += own.unclassified;
    reading.items.extend(own.items);
    reading.other_times.extend(own.other_times);
    let nothing = |entry: &Value| entry["changes"].as_array().is_some_and(Vec::is_empty);
    if entries.iter().all(nothing) {
        reading.empty_deliveries += 1;
    }
}

fn read_entries(entries: &[Value], tenant: &str, received: i64, reading: &mut Reading) {
    for entry in entries {
        let Some(changes) = entry["changes"].as_array() else {
            reading.dead_letters += 1;
            continue;
        };
        for change in changes {
            if change.is_object() {
                read_change(entry, change, tenant, received, reading);
            } else {
                reading.dead_letters += 1;
            }
        }
    }
}

/// The newest timestamp inside a body, wherever it stands.
fn newest(body: &Value) -> Option<i64> {
    match body {
        Value::Array(items) => items.iter().filter_map(newest).max(),
        Value::Object(fields) => {
            let own = ["timestamp", "time"]
                .iter()
                .filter_map(|key| seconds(fields.get(*key)?));
            own.chain(fields.values().filter_map(newest)).max()
        }
        _ => None,
    }
}

/// The timestamps of all elements of a value.
fn times(value: &Value) -> Vec<i64> {
    let mut times: Vec<i64> = ARRAYS
        .iter()
        .flat_map(|(name, _)| value[*name].as_array().into_iter().flatten())
        .filter_map(timestamp)
        .collect();
    for element in value["history"].as_array().into_iter().flatten() {
        times.extend(timestamp(element));
        times.extend(
            messages_of(element)
                .iter()
                .filter_map(|(_, message)| timestamp(message)),
        );
    }
    times.extend(timestamp(value));
    times
}

fn timestamp(element: &Value) -> Option<i64> {
    seconds(&element["timestamp"]).or_else(|| seconds(&element["metadata"]["timestamp"]))
}

fn messages_of(history: &Value) -> Vec<(Value, Value)> {
    let threads = history["threads"].as_array().into_iter().flatten();
    threads
        .flat_map(|thread| {
            let messages = thread["messages"].as_array().into_iter().flatten();
            messages.map(|message| (thread.clone(), message.clone()))
        })
        .collect()
}

fn read_change(entry: &Value, change: &Value, tenant: &str, received: i64, reading: &mut Reading) {
    if configured::is_foreign(tenant, word(&entry["id"]).as_deref()) {
        reading.unclassified += 1;
        reading.other_times.push(seconds(&entry["time"]).unwrap_or(received));
        return;
    }
    let field = text(change, "field").unwrap_or("");
    let value = &change["value"];
    let arrays: Vec<(Kind, &Vec<Value>)> = ARRAYS
        .iter()
        .filter_map(|(name, kind)| Some((*kind, value.get(*name)?.as_array()?)))
        .collect();
    let history = value.get("history").and_then(Value::as_array);
    let needs = WITHOUT_ARRAYS
        .iter()
        .find(|(name, _)| *name == field)
        .map(|found| found.1);
    let has_content = match needs {
        Some(needs) => needs.iter().any(|key| !value[*key].is_null()),
        None => WITH_ARRAYS.contains(&field) && (!arrays.is_empty() || history.is_some()),
    };
    if !has_content {
        reading.unclassified += 1;
        reading.other_times.push(seconds(&entry["time"]).unwrap_or(received));
        return;
    }
    reading.changes += 1;
    let mut at = Change {
        entry,
        field,
        value,
        tenant,
        received,
        reading,
    };
    if needs.is_some() {
        at.push(Kind::Whole, value, &Value::Null);
        return;
    }
    for (kind, elements) in arrays {
        for element in elements {
            at.push(kind, element, &Value::Null);
        }
    }
    for element in history.into_iter().flatten() {
        let messages = messages_of(element);
        if messages.is_empty() {
            at.push(Kind::Whole, element, &Value::Null);
        }
        for (thread, message) in messages {
            at.push(Kind::History, &message, &thread);
        }
    }
}

struct Change<'a> {
    entry: &'a Value,
    field: &'a str,
    value: &'a Value,
    tenant: &'a str,
    received: i64,
    reading: &'a mut Reading,
}

impl Change<'_> {
    fn push(&mut self, kind: Kind, element: &Value, thread: &Value) {
        let kind = if kind == Kind::Status && (self.field == "calls" || element["type"] == "call") {
            Kind::Call
        } else {
            kind
        };
        // What stands in the lists of a history is history too.
        let is_history = self.field == "history";
        let listed = Some(kind).filter(|kind| is_history && matches!(kind, Kind::Received | Kind::Echo));
        let kind = listed.map_or(kind, |_| Kind::History);
        let told = canonical(element);
        let element = &with_ids(element);
        let id = text(element, "id");
        let complete = match kind {
            Kind::Received | Kind::Echo | Kind::History | Kind::Call => id.is_some(),
            Kind::Status => id.is_some() && text(element, "status").is_some(),
            _ => element.is_object(),
        };
        if !complete {
            self.reading.dead_letters += 1;
            return;
        }
        let own = timestamp(element).or_else(|| seconds(&self.entry["time"]));
        let time = own.unwrap_or_else(|| times(self.value).into_iter().min().unwrap_or(self.received));
        let number = word(&self.value["metadata"]["phone_number_id"]);
        let key = match (kind, id) {
            (Kind::Received | Kind::Echo | Kind::History, Some(id)) => format!("{kind:?} {id}"),
            (Kind::Status, Some(id)) => {
                let code = code_of(&element["errors"][0]);
                let (status, participant) = (&element["status"], participant(element));
                let payment = if is_payment(element) { "payment " } else { "" };
                format!("status {id} {payment}{status} {participant:?} {code:?}")
            }
            (Kind::Call, Some(id)) => {
                let what = text(element, "event").or_else(|| text(element, "status"));
                format!("call {id} {what:?}")
            }
            _ => {
                let day = if own.is_some() {
                    0
                } else {
                    self.received.div_euclid(DAY)
                };
                let entry = word(&self.entry["id"]);
                format!("{kind:?} {entry:?} {} {number:?} {own:?} {day} {told}", self.field)
            }
        };
        let mut item = Item {
            tenant: self.tenant.to_owned(),
            kind,
            key,
            time,
            received: self.received,
            change: self.reading.changes,
            phone_number_id: number,
            entry: word(&self.entry["id"]),
            element: element.clone(),
            told,
            listed: None,
            is_history,
            content: None,
            value: with_ids(self.value),
            thread: with_ids(thread),
        };
        let is_own = from_business(&item) && element["type"] != "system";
        item.listed = listed.map(|list| if is_own { Kind::Echo } else { list });
        self.reading.items.push(item);
    }
}

/// Whether a status tells of a payment that its message asked for, not of the message's way.
pub(crate) fn is_payment(status: &Value) -> bool {
    status["type"] == "payment"
}

/// The member of a group that a status tells of, by number or user id.
pub(crate) fn participant(status: &Value) -> Option<&str> {
    let mut ids = ["id", "user_id", "parent_user_id"].iter();
    ids.find_map(|id| of_participant(status, id))
}

/// An id of that member, in either spelling.
pub(crate) fn of_participant<'a>(status: &'a Value, id: &str) -> Option<&'a str> {
    let mut starts = ["recipient_participant", "participant_recipient"].iter();
    starts.find_map(|start| text(status, &format!("{start}_{id}")))
}

/// The code of an error, a number that may stand as text.
pub(crate) fn code_of(error: &Value) -> Option<i64> {
    let code = &error["code"];
    code.as_i64().or_else(|| code.as_str()?.parse().ok())
}
