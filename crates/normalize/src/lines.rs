//! Capture lines that are no webhook: sends, inbox and CRM events, polled snapshots, clock ticks. Each is one item.

use crate::{
    json,
    key::Key,
    line_problem::{self as problem, LineProblem},
    outcome::{FanOut, Outcome, Reason},
    people::{self, Business, Named, seen},
    stated,
    tenant::Tenant,
};
use hilo_contracts::{
    capture,
    facts::Raw,
    item::{
        Account, Author, Body, Crm, Decision, Inbox, Item, Message, Origin, Position, Request, Ruling, Sighting,
        Template,
    },
};
use hilo_domain::{
    Identifier, IdentifierKind, Millis,
    json::canonical,
    time::{MINUTE, SECOND},
};
use hilo_whatsapp::account::{language, snapshot};
use serde_json::Value;

/// Fans a line out into its one item.
pub(crate) fn fan_out(raw: &Raw, tenant: &Tenant) -> FanOut {
    let mut out = FanOut::default();
    match understood(raw, tenant) {
        Ok((line, read)) => {
            let outcome = item(raw, &line, read);
            if let Outcome::Item { item, .. } = &outcome
                && matches!(item.body, Body::Clock)
            {
                out.advance = Some(item.event_time);
            }
            out.outcomes.push(outcome);
        }
        Err(Refused { problem, detail }) => out.outcomes.push(refused(raw, problem.code, detail)),
    }
    out
}

/// Whether a capture line, read as `normalize` reads it, becomes the fact that its sender means. It says more than that
/// the line would be no dead letter: what the fan-out passes over, because lines of years ago must be read too, is a
/// problem here. `tenant` is what the configuration says of it.
pub fn check(raw: &Raw, tenant: &Tenant) -> Result<(), LineProblem> {
    match understood(raw, tenant) {
        Ok((_, read)) => read.passed_over.map_or(Ok(()), Err),
        Err(refused) => Err(refused.problem),
    }
}

/// Why a line is no item.
struct Refused {
    problem: LineProblem,
    /// For the dead letter.
    detail: String,
}

fn understood(raw: &Raw, tenant: &Tenant) -> Result<(Value, Read), Refused> {
    let line = json::parse(&raw.body).map_err(|error| Refused {
        problem: if error.reason == problem::NOT_UTF8.code {
            problem::NOT_UTF8
        } else {
            problem::NOT_JSON
        },
        detail: error.detail,
    })?;
    let read = match raw.source.as_str() {
        _ if !line.is_object() => Err(problem::UNKNOWN_SOURCE),
        capture::OUTBOUND => outbound(&line, tenant),
        capture::INBOX => inbox(&line, tenant),
        capture::CRM => Ok(crm(&line, tenant)),
        capture::PLATFORM => platform(&line),
        capture::IDENTITY => decision(&line, tenant),
        capture::CLOCK => Ok(Read::new(Key::Content, None, Body::Clock)),
        _ => Err(problem::UNKNOWN_SOURCE),
    };
    let known = !matches!(read, Err(problem) if problem == problem::UNKNOWN_SOURCE);
    let timed = if known { timed(raw, &line) } else { Ok(()) };
    match timed.and(read) {
        Ok(read) => Ok((line, read)),
        Err(problem) => Err(Refused {
            problem,
            detail: if known {
                format!("{} line", raw.source)
            } else {
                "the line is no webhook body and names no known source".to_owned()
            },
        }),
    }
}

/// A line that names no time happened when it was received. One whose time cannot be read, or that its receipt
/// contradicts, would be a fact of a wrong time.
fn timed(raw: &Raw, line: &Value) -> Result<(), LineProblem> {
    let is_clock = raw.source == capture::CLOCK;
    match line.get("at").filter(|at| !at.is_null()) {
        Some(_) => match json::instant(line, "at") {
            None => Err(problem::BAD_TIME),
            Some(at) if !is_clock && !capture::counts(at, raw.received_at) => Err(problem::FROM_THE_FUTURE),
            Some(_) => Ok(()),
        },
        None if is_clock => Err(problem::NO_TIME),
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
    /// What the sender should mend, although it is no dead letter. The first of several.
    passed_over: Option<LineProblem>,
}

impl Read {
    fn new(key: Key, person: Option<Sighting>, body: Body) -> Self {
        Self {
            key,
            person,
            body,
            passed_over: None,
        }
    }

    /// Notes `problem`, unless there is one already.
    fn but(mut self, is_so: bool, problem: LineProblem) -> Self {
        if is_so && self.passed_over.is_none() {
            self.passed_over = Some(problem);
        }
        self
    }
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

/// Who stands under a key.
#[derive(Default)]
struct Someone {
    sighting: Option<Sighting>,
    /// There is a phone that is no phone number.
    bad_phone: bool,
    /// There is a number of the business itself.
    is_business: bool,
}

/// The person under `key`, by phone and user id.
fn person(line: &Value, key: &str, tenant: &Tenant, creates: bool) -> Someone {
    let Some(user) = line.get(key) else {
        return Someone::default();
    };
    let mut sighting = Sighting {
        creates,
        ..Sighting::default()
    };
    let named = Named::person(user);
    let phone = json::id_at(user, "phone").and_then(|phone| Identifier::phone(&phone, tenant.region()));
    let bad_phone = phone.is_none() && user.get("phone").is_some_and(|phone| !phone.is_null());
    let business = Business::new(None, tenant);
    let phone_number = phone.as_ref().map(|phone| phone.value.as_str());
    let is_business = [named.wa_id.as_deref(), phone_number]
        .into_iter()
        .flatten()
        .any(|number| business.is(number));
    people::add(&named, &mut sighting);
    sighting.identifiers.extend(phone);
    Someone {
        sighting: seen(sighting).filter(|_| !is_business),
        bad_phone,
        is_business,
    }
}

fn text(line: &Value, key: &str) -> Option<String> {
    json::owned(line, key)
}

fn outbound(line: &Value, tenant: &Tenant) -> Result<Read, LineProblem> {
    // A send that timed out is known by what was stamped on it, until a status echoes that.
    let callback = || json::id(line, "biz_opaque_callback_data").or_else(|| json::id(line, "command_id"));
    let id = json::id(line, "message_id");
    let callback = if id.is_some() {
        None
    } else {
        Some(callback().ok_or(problem::NO_ID)?)
    };
    let id = id.unwrap_or_default();
    let kind = json::text(line, "type").unwrap_or("unknown");
    let author = line.get("author").unwrap_or(&Value::Null);
    let author_kind = json::text(author, "kind");
    let author = Author {
        kind: author_kind.unwrap_or("unknown").to_owned(),
        id: json::id(author, "id"),
    };
    let group_id = line
        .get("to")
        .and_then(|to| json::id(to, "group_id"))
        .or_else(|| json::id(line, "group_id"));
    let to_group = group_id.is_some();
    let expects_reply = line.get("expects_reply").and_then(Value::as_bool) == Some(true);
    let origin = if callback.is_some() {
        Origin::Requested
    } else {
        Origin::Outbound
    };
    let message = Message {
        reply_to: line
            .get("context")
            .and_then(|context| json::id(context, "id"))
            .or_else(|| json::id(line, "reply_to")),
        question: expects_reply || author.kind == "bot" && kind == "interactive",
        template: line.get("template").and_then(template),
        campaign: json::id(line, "campaign"),
        segment: json::id(line, "segment"),
        author,
        group_id,
        ..Message::new(id.clone(), origin, kind)
    };
    let (key, body) = match callback {
        Some(callback) => (
            Key::Request {
                callback: callback.clone(),
            },
            Body::Request(Request { callback, message }),
        ),
        None => (Key::Message { origin: "outbound", id }, Body::Message(message)),
    };
    let to = person(line, "to", tenant, true);
    let to_nobody = to.sighting.is_none() && !to.is_business && !to_group;
    let author_unknown = author_kind.is_some_and(|kind| !problem::AUTHORS.contains(&kind));
    Ok(Read::new(key, to.sighting, body)
        .but(to.bad_phone, problem::BAD_PHONE_OF_TO)
        .but(to_nobody, problem::NO_RECIPIENT)
        .but(author_unknown, problem::UNKNOWN_AUTHOR))
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

fn inbox(line: &Value, tenant: &Tenant) -> Result<Read, LineProblem> {
    let event = text(line, "event").ok_or(problem::NO_INBOX_EVENT)?;
    let is_unknown = !capture::INBOX_EVENTS.contains(&event.as_str());
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
    let user = person(line, "user", tenant, true);
    let of_nobody = user.sighting.is_none() && !user.is_business;
    Ok(Read::new(Key::Content, user.sighting, Body::Inbox(inbox))
        .but(is_unknown, problem::UNKNOWN_INBOX_EVENT)
        .but(user.bad_phone, problem::BAD_PHONE_OF_USER)
        .but(of_nobody, problem::NO_USER))
}

/// Beyond a year it is no wrap-up but a mistake.
const LONGEST_WRAP_UP_SECONDS: f64 = 366.0 * 86_400.0;

/// A CRM event only refers to a person; nobody exists by it.
fn crm(line: &Value, tenant: &Tenant) -> Read {
    let is_merge = json::text(line, "event") == Some("contact_merged");
    let merged = if is_merge {
        side(line, "other", tenant)
    } else {
        Side::default()
    };
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
        merged: merged.ids,
    };
    let (without_event, foreign) = (crm.event.is_empty(), !problem::CRMS.contains(&crm.system.as_str()));
    let user = person(line, "user", tenant, false);
    Read::new(Key::Content, user.sighting, Body::Crm(crm))
        .but(foreign, problem::UNKNOWN_SYSTEM)
        .but(without_event, problem::NO_EVENT)
        .but(user.bad_phone, problem::BAD_PHONE_OF_USER)
        .but(merged.bad_phone, problem::BAD_PHONE_OF_OTHER)
}

/// What the platform answered about a number or a template: one of the two.
fn platform(line: &Value) -> Result<Read, LineProblem> {
    let told = |key: &str| line.get(key).filter(|answer| answer.is_object());
    let account = match (told("number"), told("template")) {
        (Some(answer), None) => snapshot::number(answer).ok_or(problem::NO_NUMBER_ID)?,
        (None, Some(answer)) => snapshot::template(answer).ok_or(problem::NO_TEMPLATE_ID)?,
        // One line is one item: of two subjects, one would be lost.
        (Some(_), Some(_)) => return Err(problem::TWO_SUBJECTS),
        (None, None) => return Err(problem::NO_SUBJECT),
    };
    let account = Account {
        portfolio_id: json::id(line, "portfolio_id"),
        ..account
    };
    Ok(Read::new(Key::Content, None, Body::Account(account)))
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

/// Whom one side of a decision names.
#[derive(Default)]
struct Side {
    ids: Vec<Identifier>,
    bad_phone: bool,
}

/// One side of a decision: a person, a record of a CRM.
fn side(line: &Value, key: &str, tenant: &Tenant) -> Side {
    let someone = person(line, key, tenant, false);
    let mut ids = someone.sighting.map_or_else(Vec::new, |sighting| sighting.identifiers);
    if let Some(of) = line.get(key) {
        ids.extend(record(of, "hubspot_id", "hubspot"));
        ids.extend(record(of, "salesforce_id", "salesforce"));
    }
    Side {
        ids,
        bad_phone: someone.bad_phone,
    }
}

/// A decision about two people. It must say when and by whom, for it overrules what the platform says.
fn decision(line: &Value, tenant: &Tenant) -> Result<Read, LineProblem> {
    let event = json::text(line, "event").ok_or(problem::NO_DECISION)?;
    let known = Ruling::ALL.into_iter().find(|ruling| ruling.as_str() == event);
    let ruling = known.ok_or(problem::UNKNOWN_DECISION)?;
    let named = |key: &str, nobody: LineProblem| {
        let side = side(line, key, tenant);
        if side.ids.is_empty() { Err(nobody) } else { Ok(side) }
    };
    let user = named("user", problem::NO_USER_SIDE)?;
    let other = named("other", problem::NO_OTHER_SIDE)?;
    json::instant(line, "at").ok_or(problem::NO_TIME)?;
    let actor = json::id(line, "actor").ok_or(problem::NO_ACTOR)?;
    let decision = Decision {
        ruling,
        user: user.ids,
        other: other.ids,
        actor,
        reason: text(line, "reason").unwrap_or_default(),
    };
    Ok(Read::new(Key::Content, None, Body::Decision(decision))
        .but(user.bad_phone, problem::BAD_PHONE_OF_USER)
        .but(other.bad_phone, problem::BAD_PHONE_OF_OTHER))
}
