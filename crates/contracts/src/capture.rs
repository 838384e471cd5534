//! Lines of captures and webhook bodies as records of the raw topic.
//!
//! The bytes are kept as they came: an envelope is looked at, its body is not. Nothing is refused here: what is no
//! known line becomes a record of source `invalid`, which `normalize` makes a dead letter.

use crate::{facts::Raw, scan};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hilo_domain::{
    Millis, hash,
    time::{self, MINUTE},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A webhook body.
pub const WHATSAPP: &str = "whatsapp";
/// A send that the API accepted.
pub const OUTBOUND: &str = "outbound";
/// An event of the agents' inbox.
pub const INBOX: &str = "inbox";
/// The events of an inbox, which are kinds of facts too.
pub const INBOX_EVENTS: [&str; 8] = [
    "assigned",
    "unassigned",
    "handed_off",
    "resolved",
    "reopened",
    "snoozed",
    "tagged",
    "rated",
];
/// An event of the CRM.
pub const CRM: &str = "crm";
/// What the platform answered about a number or a template: a polled snapshot.
pub const PLATFORM: &str = "platform";
/// Time has reached an instant.
pub const CLOCK: &str = "clock";
/// A decision about who is who.
pub const IDENTITY: &str = "identity";
/// A capture line that is none of these.
pub const INVALID: &str = "invalid";

/// The clock of a sender may be ahead of ours by so much. An event of a later time is from the future: metrics.md §1.5.
pub const AHEAD: Millis = 5 * MINUTE;

/// Whether the time of an event counts for what time it is: `false` for a time that its own receipt contradicts.
#[must_use]
pub fn counts(event_time: Millis, received_at: Millis) -> bool {
    event_time <= received_at.saturating_add(AHEAD)
}

const WEBHOOK_OBJECT: &str = "whatsapp_business_account";
const DEFAULT_TENANT: &str = "default";

/// What is read of a line; the rest is only passed over.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
    #[serde(borrow)]
    tenant: Option<&'a RawValue>,
    #[serde(borrow)]
    received_at: Option<&'a RawValue>,
    #[serde(borrow)]
    at: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    /// Only a line of `hilo export raw` has one: its body is a text, of every source.
    #[serde(borrow)]
    delivery_id: Option<&'a RawValue>,
    #[serde(borrow)]
    body_base64: Option<&'a RawValue>,
}

/// The record of one line of a capture; `None` for blank lines and comments. `file` (its base name) and `number` go
/// into records that are no known line, so that the line can be found.
#[must_use]
pub fn from_line(line: &[u8], file: Option<&str>, number: i64) -> Option<Raw> {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return None;
    }
    Some(known_line(line).unwrap_or_else(|| Raw {
        file: file.map(str::to_owned),
        line: file.map(|_| number),
        ..raw(INVALID, DEFAULT_TENANT, 0, line.to_vec())
    }))
}

/// The record of a webhook delivery.
#[must_use]
pub fn from_webhook(tenant: &str, received_at: Millis, body: &[u8]) -> Raw {
    raw(WHATSAPP, tenant, received_at, body.to_vec())
}

/// The record with the time at which it was received, where whoever received it knows that better than the line does.
#[must_use]
pub fn received(record: Raw, received_at: Millis) -> Raw {
    Raw {
        file: record.file,
        line: record.line,
        ..raw(&record.source, &record.tenant, received_at, record.body)
    }
}

/// Key of a raw record: a hash, for bodies and tenants name people and customers. Deliveries of one contact share it,
/// as far as a look at the bytes can tell.
#[must_use]
pub fn raw_key(raw: &Raw) -> Vec<u8> {
    let contact = scan::first_contact(&raw.body).unwrap_or_default();
    let mut hasher = hash::IdHasher::new("raw_key");
    hasher.update(raw.tenant.as_bytes()).update(contact);
    hasher.bytes().to_vec()
}

fn known_line(line: &[u8]) -> Option<Raw> {
    // A struct would also be read from an array.
    if !line.starts_with(b"{") {
        return None;
    }
    let text = str::from_utf8(line).ok()?;
    let parsed: Line = serde_json::from_str(text).ok()?;
    let tenant = match parsed.tenant.map(string) {
        None => Cow::Borrowed(DEFAULT_TENANT),
        Some(named) => named.map(|named| if named.is_empty() { DEFAULT_TENANT.into() } else { named })?,
    };
    let Some(source) = parsed.source else {
        let is_webhook = parsed.object.and_then(string)? == WEBHOOK_OBJECT;
        return is_webhook.then(|| raw(WHATSAPP, &tenant, newest(line), line.to_vec()));
    };
    let source = string(source)?;
    if parsed.delivery_id.is_some()
        && let Some(body) = exported(&parsed)
    {
        let known = [WHATSAPP, OUTBOUND, INBOX, CRM, PLATFORM, CLOCK, IDENTITY, INVALID]
            .into_iter()
            .find(|known| *known == source)?;
        return Some(raw(
            known,
            &tenant,
            parsed.received_at.and_then(instant).unwrap_or_default(),
            body,
        ));
    }
    match source.as_ref() {
        WHATSAPP => {
            // A line without a body is kept whole: it is no webhook body, and says so later.
            let body = parsed.body.map_or(line.to_vec(), verbatim);
            let received_at = parsed.received_at.and_then(instant).unwrap_or_else(|| newest(&body));
            Some(raw(WHATSAPP, &tenant, received_at, body))
        }
        known @ (OUTBOUND | INBOX | CRM | PLATFORM | CLOCK | IDENTITY) => {
            // A line without a receipt was received when it happened.
            let received_at = parsed.received_at.and_then(instant);
            let received_at = received_at.or_else(|| parsed.at.and_then(instant)).unwrap_or_default();
            Some(raw(known, &tenant, received_at, line.to_vec()))
        }
        _ => None,
    }
}

/// The verbatim bytes of an exported delivery, so that an export is a capture again.
fn exported(line: &Line) -> Option<Vec<u8>> {
    match (line.body, line.body_base64) {
        (Some(body), _) => string(body).map(|text| text.into_owned().into_bytes()),
        (None, Some(coded)) => BASE64_STANDARD.decode(string(coded)?.as_bytes()).ok(),
        (None, None) => None,
    }
}

fn raw(source: &str, tenant: &str, received_at: Millis, body: Vec<u8>) -> Raw {
    let parts: [&[u8]; 4] = [source.as_bytes(), tenant.as_bytes(), &received_at.to_le_bytes(), &body];
    Raw {
        delivery_id: hash::id("delivery", &parts),
        tenant: tenant.to_owned(),
        source: source.to_owned(),
        received_at,
        body,
        file: None,
        line: None,
    }
}

fn newest(body: &[u8]) -> Millis {
    scan::newest_timestamp(body).unwrap_or_default()
}

fn instant(value: &RawValue) -> Option<Millis> {
    string(value).and_then(|text| time::parse_rfc3339(&text))
}

/// The text of a JSON string; `None` for other values.
fn string(value: &RawValue) -> Option<Cow<'_, str>> {
    let quoted = value.get();
    let plain = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if !plain.contains('\\') {
        return Some(Cow::Borrowed(plain));
    }
    // Whatever else is valid JSON is a text.
    serde_json::from_str(&scan::without_lone_surrogates(quoted)).ok()
}

/// The bytes of a body: what a string holds, else the text as it stands.
fn verbatim(body: &RawValue) -> Vec<u8> {
    string(body).map_or_else(|| body.get().as_bytes().to_vec(), |text| text.into_owned().into_bytes())
}

#[cfg(test)]
#[path = "capture_tests.rs"]
mod tests;
