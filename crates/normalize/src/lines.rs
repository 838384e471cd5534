//! Capture lines that are no webhook: sends, inbox and CRM events, polled snapshots, clock ticks. Each is one item.

use crate::{
    fields::{language, snapshot},
    json,
    key::Key,
    outcome::{FanOut, Outcome, Reason},
    people::{Named, seen},
    stated,
};
use hilo_contracts::{
    capture,
    facts::Raw,
    item::{Author, Body, Crm, Decision, Inbox, Item, Message, Origin, Position, Request, Ruling, Sighting, Template},
};
use hilo_domain::{
    Identifier, IdentifierKind, Millis,
    json::canonical,
    time::{MINUTE, SECOND},
};
use serde_json::Value;

/// Fans a line out into its one item.
pub(crate) fn fan_out(raw: &Raw, region: Option<&str>) -> FanOut {
    let mut out = FanOut::default();
    let line = match json::parse(&raw.body) {
        Ok(line) => line,
        Err(error) => {
            out.outcomes.push(refused(raw, error.reason, error.detail));
            return out;
        }
    };
    if !line.is_object()
        || !matches!(
            raw.source.as_str(),
            capture::OUTBOUND | capture::INBOX | capture::CRM | capture::PLATFORM | capture::CLOCK | capture::IDENTITY
        )
    {
        out.outcomes.push(refused(
            raw,
            "unknown_source",
            "the line is no webhook body and names no known source".to_owned(),
        ));
        return out;
    }
    let read = match raw.source.as_str() {
        capture::OUTBOUND => outbound(&line, region),
        capture::INBOX => inbox(&line, region),
        capture::CRM => Ok(crm(&line, region)),
        capture::PLATFORM => snapshot(&line).map(|account| Read {
            key: Key::Content,
            person: None,
            body: Body::Account(account),
        }),
        capture::IDENTITY => decision(&line, region),
        _ => Ok(Read {
            key: Key::Content,
            person: None,
            body: Body::Clock,
        }),
    };
    match timed(raw, &line).and(read) {
        Ok(read) => {
            let outcome = item(raw, &line, read);
            if let Outcome::Item { item, .. } = &outcome
                && matches!(item.body, Body::Clock)
            {
                out.advance = Some(item.event_time);
            }
            out.outcomes.push(outcome);
        }
        Err(reason) => out.outcomes.push(refused(raw, reason, format!("{} line", raw.source))),
    }
    out
}

/// A line that names no time happened when it was received. One whose time cannot be read, or that its receipt
/// contradicts, would be a fact of a wrong time.
fn timed(raw: &Raw, line: &Value) -> Result<(), Reason> {
    let is_clock = raw.source == capture::CLOCK;
    match line.get("at").filter(|at| !at.is_null()) {
        Some(_) => match json::instant(line, "at") {
            None => Err("bad_time"),
            Some(at) if !is_clock && !capture::counts(at, raw.received_at) => Err("from_the_future"),
            Some(_) => Ok(()),
        },
        None if is_clock => Err("no_time"),
        None => Ok(()),
    }
}

/// A clock line may be ahead of its receipt by so much: time is the same for all tenants.
const CLOCK_AHEAD: Millis = MINUTE;

/// When the line happened. A clock line moves time to its receipt and a little beyond: one received at 12:00 that says
/// 2056 makes it 12:01.
fn happened(raw: &Raw, line: &Value) -> Millis {
    let at = json::instant(line, "at").unwrap_or(raw.received_at);
    if raw.source == capture::CLOCK {
        at.min(raw.received_at.saturating_add(CLOCK_AHEAD))
    } else {
        at
    }
}

fn refused(raw: &Raw, reason: Reason, detail: String) -> Outcome {
    Outcome::DeadLetter {
        reason,
        detail,
        position: None,
        event_time: None,
        original: raw.body.clone(),
    }
}

/// What was read of a line.
struct Read {
    key: Key,
    person: Option<Sighting>,
    body: Body,
}

fn item(raw: &Raw, line: &Value, read: Read) -> Outcome {
    let content = canonical(line);
    let (subject, key) = read.key.hashes(&raw.tenant, |hasher| {
        hasher.update(content.as_bytes());
    });
    // A snapshot is of an account as what stands in a webhook's entry is.
    let entry_id = match &read.body {
        Body::Account(_) => json::id(line, "waba_id"),
        _ => None,
    };
    let item = Item {
        tenant: raw.tenant.clone(),
        delivery_id: raw.delivery_id.clone(),
        position: Position {
            entry: -1,
            change: -1,
            item: -1,
        },
        received_at: raw.received_at,
        event_time: happened(raw, line),
        key,
        content,
        entry_id: entry_id.unwrap_or_default(),
        phone_number_id: json::id(line, "phone_number_id"),
        test: false,
        has_person: read.person.is_some(),
        sightings: read.person.into_iter().collect(),
        evidence_only: false,
        generation: 0,
        change: None,
        body: read.body,
    };
    Outcome::Item {
        key: subject,
        item: Box::new(item),
    }
}

/// The person under `key`, by phone and user id.
fn person(line: &Value, key: &str, region: Option<&str>, creates: bool) -> Option<Sighting> {
    let user = line.get(key)?;
    let mut sighting = Sighting {
        creates,
        ..Sighting::default()
    };
    Named::under(user, "wa_id", "user_id", &["parent_user_id"]).add_to(&mut sighting);
    sighting
        .identifiers
        .extend(json::text(user, "phone").and_then(|phone| Identifier::phone(phone, region)));
    seen(sighting)
}

fn text(line: &Value, key: &str) -> Option<String> {
    json::text(line, key).map(str::to_owned)
}

fn outbound(line: &Value, region: Option<&str>) -> Result<Read, Reason> {
    // A send that timed out is known by what was stamped on it, until a status echoes that.
    let callback = || json::id(line, "biz_opaque_callback_data").or_else(|| json::id(line, "command_id"));
    let id = json::text(line, "message_id");
    let callback = if id.is_some() {
        None
    } else {
        Some(callback().ok_or("no_id")?)
    };
    let id = id.unwrap_or_default();
    let kind = json::text(line, "type").unwrap_or("unknown");
    let author = line.get("author").unwrap_or(&Value::Null);
    let author = Author {
        kind: json::text(author, "kind").unwrap_or("unknown").to_owned(),
        id: json::id(author, "id"),
    };
    let to_group = line
        .get("to")
        .and_then(|to| json::id(to, "group_id"))
        .or_else(|| json::id(line, "group_id"));
    let expects_reply = line.get("expects_reply").and_then(Value::as_bool) == Some(true);
    let message = Message {
        id: id.to_owned(),
        origin: if callback.is_some() {
            Origin::Requested
        } else {
            Origin::Outbound
        },
        kind: kind.to_owned(),
        inbound: false,
        reply_to: line
            .get("context")
            .and_then(|context| text(context, "id"))
            .or_else(|| text(line, "reply_to")),
        courtesy: false,
        opt_out: false,
        question: expects_reply || author.kind == "bot" && kind == "interactive",
        referral: None,
        template: line.get("template").and_then(template),
        campaign: json::id(line, "campaign"),
        segment: json::id(line, "segment"),
        chunk: None,
        author,
        group_id: to_group,
    };
    let (key, body) = match callback {
        Some(callback) => (
            Key::Request {
                callback: callback.clone(),
            },
            Body::Request(Request { callback, message }),
        ),
        None => (
            Key::Message {
                origin: "outbound",
                id: id.to_owned(),
            },
            Body::Message(message),
        ),
    };
    Ok(Read {
        key,
        person: person(line, "to", region, true),
        body,
    })
}

/// The template of a send; its language as text, or as the send API takes it.
fn template(template: &Value) -> Option<Template> {
    let code = || {
        template
            .get("language")
            .and_then(|language| json::text(language, "code"))
    };
    Some(Template {
        name: text(template, "name")?,
        language: json::text(template, "language").or_else(code).map(language),
        category: json::text(template, "category").map(str::to_ascii_lowercase),
    })
}

fn inbox(line: &Value, region: Option<&str>) -> Result<Read, Reason> {
    let event = text(line, "event").ok_or("no_event")?;
    let context = line.get("context").unwrap_or(&Value::Null);
    let wrap_up = json::decimal(context, "wrap_up_seconds")
        .and_then(|seconds| seconds.parse::<f64>().ok())
        .filter(|seconds| (0.0..=LONGEST_WRAP_UP_SECONDS).contains(seconds));
    let inbox = Inbox {
        event,
        agent: json::id(line, "agent"),
        queue: json::id(line, "queue"),
        reason: text(line, "reason"),
        outcome: text(line, "outcome"),
        score: json::decimal(line, "score"),
        scale: json::decimal(line, "scale"),
        instrument: json::text(context, "instrument").map(str::to_ascii_lowercase),
        wrap_up: wrap_up.map(|seconds| (seconds * SECOND as f64).round() as i64),
    };
    Ok(Read {
        key: Key::Content,
        person: person(line, "user", region, true),
        body: Body::Inbox(inbox),
    })
}

/// Beyond a year it is no wrap-up but a mistake.
const LONGEST_WRAP_UP_SECONDS: f64 = 366.0 * 86_400.0;

/// A CRM event only refers to a person; nobody exists by it.
fn crm(line: &Value, region: Option<&str>) -> Read {
    let crm = Crm {
        system: text(line, "system").unwrap_or_default(),
        event: text(line, "event").unwrap_or_default(),
        deal_id: json::id(line, "deal_id"),
        stage: json::id(line, "stage"),
        opened_at: json::instant(line, "opened_at"),
        amount: json::decimal(line, "amount"),
        currency: text(line, "currency"),
        record: json::text(line, "system").and_then(|system| record(line, "contact_id", system)),
        stated: line.get("user").map_or_else(Vec::new, stated::in_record),
        merged: if json::text(line, "event") == Some("contact_merged") {
            side(line, "other", region)
        } else {
            Vec::new()
        },
    };
    Read {
        key: Key::Content,
        person: person(line, "user", region, false),
        body: Body::Crm(crm),
    }
}

/// The record of a contact in a CRM that is known to have such records.
fn record(of: &Value, key: &str, system: &str) -> Option<Identifier> {
    let kind = match system {
        "hubspot" => IdentifierKind::HubspotId,
        "salesforce" => IdentifierKind::SalesforceId,
        _ => return None,
    };
    Some(Identifier::new(kind, json::id(of, key)?))
}

/// Whom one side of a decision names: a person, a record of a CRM.
fn side(line: &Value, key: &str, region: Option<&str>) -> Vec<Identifier> {
    let mut ids = person(line, key, region, false).map_or_else(Vec::new, |sighting| sighting.identifiers);
    if let Some(of) = line.get(key) {
        ids.extend(record(of, "hubspot_id", "hubspot"));
        ids.extend(record(of, "salesforce_id", "salesforce"));
    }
    ids
}

/// A decision about two people. It must say when and by whom, for it overrules what the platform says.
fn decision(line: &Value, region: Option<&str>) -> Result<Read, Reason> {
    let event = json::text(line, "event").ok_or("no_event")?;
    let known = Ruling::ALL.into_iter().find(|ruling| ruling.as_str() == event);
    let ruling = known.ok_or("unknown_event")?;
    let named = |key: &str| {
        let ids = side(line, key, region);
        if ids.is_empty() { Err("no_person") } else { Ok(ids) }
    };
    let (user, other) = (named("user")?, named("other")?);
    json::instant(line, "at").ok_or("no_time")?;
    let actor = text(line, "actor").ok_or("no_actor")?;
    Ok(Read {
        key: Key::Content,
        person: None,
        body: Body::Decision(Decision {
            ruling,
            user,
            other,
            actor,
            reason: text(line, "reason").unwrap_or_default(),
        }),
    })
}
