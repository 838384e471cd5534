//! The whole of what a replay must give, as text: interface.md, section 3.

use super::{
    items::{self, Reading},
    json::{write_seconds, write_time},
    mentions::Id,
    messages::{self, Message, Row},
    metrics::{self, Tie, World},
    people::{People, Person},
    sessions::{self, Session},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Summary (without the names of reasons) and state files.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) summary: Value,
    pub(crate) messages: String,
    pub(crate) sessions: String,
    pub(crate) persons: String,
    /// Rows of [`metrics::METRICS`].
    pub(crate) metrics: String,
}

pub(crate) fn of(lines: &[Vec<u8>], tie: Tie) -> State {
    let reading = items::read(lines);
    let messages = messages::fold(&reading.items);
    let tenants: BTreeSet<&str> = reading.items.iter().map(|item| item.tenant.as_str()).collect();
    let counted = reading.items.iter().filter(|item| item.counts());
    let now = counted.map(|item| item.time).max().unwrap_or(0);
    let people: BTreeMap<&str, People> = tenants
        .iter()
        .map(|tenant| (*tenant, People::of(&reading.items, tenant)))
        .collect();
    let sessions: Vec<Session> = tenants
        .iter()
        .flat_map(|tenant| sessions::sessions(&reading.items, &messages, &people[tenant], tenant, now))
        .collect();
    let persons: Vec<String> = people
        .iter()
        .flat_map(|(tenant, people)| people.all().map(move |person| person_line(tenant, &person)))
        .collect();
    let rows: Vec<String> = messages
        .iter()
        .filter_map(|message| Some(message_line(message, &message.row()?)))
        .collect();
    let session_lines: Vec<String> = sessions
        .iter()
        .map(|session| session_line(session, &people[session.tenant.as_str()].person(session.person)))
        .collect();
    let summary = summary(&reading, &messages, persons.len(), sessions.len());
    let counted = messages::fold(reading.items.iter().filter(|item| !item.is_test()));
    let metrics = metrics::lines(&World {
        items: &reading.items,
        messages: &counted,
        people: &people,
        sessions: &sessions,
        now,
        tie,
    });
    State {
        metrics,
        summary,
        messages: sorted(rows),
        sessions: sorted(session_lines),
        persons: sorted(persons),
    }
}

fn summary(reading: &Reading, messages: &[Message], persons: usize, sessions: usize) -> Value {
    let occurrences = reading.items.len() as u64;
    let distinct = reading.distinct();
    let count = |test: &dyn Fn(&Message) -> bool| messages.iter().filter(|message| test(message)).count();
    let statuses: BTreeSet<_> = reading
        .items
        .iter()
        .filter(|item| item.kind == items::Kind::Status)
        .map(|item| (&item.tenant, &item.key))
        .collect();
    json!({
        "lines": reading.lines,
        "deliveries": reading.deliveries,
        "empty_deliveries": reading.empty_deliveries,
        "items": occurrences + reading.unclassified + reading.dead_letters,
        "outcomes": {
            "emitted": distinct,
            "duplicate": occurrences - distinct,
            "unclassified": reading.unclassified,
            "dead_letter": reading.dead_letters,
        },
        "persons": persons,
        "sessions": sessions,
        "messages_received": count(&|message| message.received().is_some()),
        "messages_sent": count(&|message| message.sent().is_some()),
        "messages_history": count(&|message| message.history().is_some()),
        "orphans": count(&|message| message.is_orphan()),
        "statuses": statuses.len(),
    })
}

fn sorted(mut lines: Vec<String>) -> String {
    lines.sort();
    lines.into_iter().map(|line| line + "\n").collect()
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn or_null<T>(value: Option<T>, write: impl Fn(T) -> String) -> String {
    value.map_or_else(|| "null".to_owned(), write)
}

fn identifiers(ids: &BTreeSet<Id>) -> String {
    let written: Vec<String> = ids
        .iter()
        .map(|(kind, value)| format!(r#"{{"kind":"{kind}","value":{}}}"#, quoted(value)))
        .collect();
    format!("[{}]", written.join(","))
}

fn person_line(tenant: &str, person: &Person) -> String {
    let country = or_null(country(person), |country| quoted(&country));
    let (current, former) = (identifiers(&person.current), identifiers(&person.former));
    let tenant = quoted(tenant);
    format!(r#"{{"tenant":{tenant},"identifiers":{current},"former":{former},"country":{country}}}"#)
}

/// Of the current phone, else of the BSUID's prefix, else of a former phone.
pub(crate) fn country(person: &Person) -> Option<String> {
    let of_phone = |ids: &BTreeSet<Id>| {
        let mut phones = ids.iter().filter(|id| id.0 == "phone");
        phones.find_map(|id| hilo_domain::phone::country(&id.1))
    };
    let of_bsuid = || {
        let mut ids = person.current.iter().filter(|id| id.0 == "bsuid");
        let prefix = |id: &Id| Some(id.1.split_once('.')?.0.to_owned());
        let is_country = |prefix: &String| prefix.len() == 2 && prefix.bytes().all(|byte| byte.is_ascii_uppercase());
        ids.find_map(|id| prefix(id).filter(is_country))
    };
    of_phone(&person.current)
        .or_else(of_bsuid)
        .or_else(|| of_phone(&person.former))
}

fn message_line(message: &Message, row: &Row) -> String {
    let time = |time: Option<i64>| or_null(time, |time| quoted(&write_time(time)));
    let text = |text: &Option<String>| or_null(text.as_deref(), quoted);
    let [sent, delivered, read, played, failed] = row.times.map(time);
    let codes: Vec<String> = row.error_codes.iter().map(i64::to_string).collect();
    let fields = [
        ("tenant", quoted(message.tenant)),
        ("message_id", quoted(message.id)),
        ("direction", quoted(row.direction)),
        ("type", quoted(&row.kind)),
        ("event_time", time(Some(row.event_time))),
        ("accepted_at", time(row.accepted_at)),
        ("effective_status", or_null(row.effective_status, quoted)),
        ("sent_at", sent),
        ("delivered_at", delivered),
        ("read_at", read),
        ("played_at", played),
        ("failed_at", failed),
        ("error_codes", format!("[{}]", codes.join(","))),
        ("template", text(&row.template)),
        ("language", text(&row.language)),
        ("campaign", text(&row.campaign)),
        ("segment", text(&row.segment)),
    ];
    object(&fields)
}

fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!(r#""{key}":{value}"#))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn session_line(session: &Session, person: &Person) -> String {
    let time = |time: i64| quoted(&write_time(time));
    let ids: Vec<String> = session.messages.iter().map(|id| quoted(id)).collect();
    let fields = [
        ("tenant", quoted(&session.tenant)),
        ("person", identifiers(&person.current)),
        ("phone_number_id", or_null(session.phone_number_id.as_deref(), quoted)),
        ("opened_at", time(session.opened_at)),
        ("closed_at", or_null(session.closed_at, time)),
        ("close_reason", or_null(session.close_reason, quoted)),
        ("messages", format!("[{}]", ids.join(","))),
        ("frt_human_seconds", or_null(session.frt_human, write_seconds)),
        ("frt_any_seconds", or_null(session.frt_any, write_seconds)),
        ("outcome", or_null(session.outcome, quoted)),
    ];
    object(&fields)
}
