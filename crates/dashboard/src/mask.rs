//! Personal data leaves this crate only through here.
//!
//! What is shown of a record is decided by where it stands, its topic or table and its path, and never by the name of a key.
//! A closed vocabulary is shown where the value is in it; an opaque id of ours, a time and a count are shown; the end of a
//! phone or user id is shown; everything else is its length. A field that is new tomorrow is masked too.

mod crm;
mod foreign;
mod rules;
mod shown;
mod tables;
mod words;

use crate::trace::{Stage, Step};
use hilo_contracts::topics;
use rules::Rules;
use serde_json::Value;
use shown::{Shown, by_length, has_phone, is_business, is_country, is_ours, is_personal, user_id_country};

/// What stands for what is not shown.
const DOTS: &str = "···";

/// A text that went through a mask: the page takes no other name for a person.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Masked(String);

impl Masked {
    /// `CL ··· 4567`: the country, and the end of a phone or another identifier.
    #[must_use]
    pub fn person(country: Option<&str>, identifier: Option<&str>) -> Self {
        let identifier = identifier.unwrap_or_default();
        let prefix = user_id_country(identifier);
        let known = country.filter(|code| is_country(code)).or(prefix).unwrap_or("??");
        let body = if prefix.is_some() { &identifier[3..] } else { identifier };
        Self(format!("{known} {DOTS} {}", end_of(body)).trim_end().to_owned())
    }

    /// A text that people wrote, by its length: `••• 7 characters`.
    #[must_use]
    pub fn by_length(text: &str) -> Self {
        Self(shown::by_length(text))
    }

    /// The stable code of a CRM's writer, where it is one.
    #[must_use]
    pub fn crm_code(code: &str) -> Self {
        Self(Shown::Words(crm::codes()).text(code))
    }

    /// What to do about such a code; `None` where it is no sentence of the writer.
    #[must_use]
    pub fn crm_action(action: &str) -> Option<Self> {
        crm::is_action(action).then(|| Self(action.to_owned()))
    }

    /// A property that a CRM refused, where it is a plain name: as with a template, whoever sees the numbers sees it.
    #[must_use]
    pub fn property(name: &str) -> Self {
        Self(if crm::is_plain(name) {
            name.to_owned()
        } else {
            by_length(name)
        })
    }

    /// The masked text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a record is: the place by which it is masked.
#[derive(Clone, Copy, Debug)]
pub enum Of<'a> {
    /// A record of a topic, as its canonical JSON.
    Topic(&'a str),
    /// An item of a delivery: its place and its content, which is the platform's JSON.
    Item,
    /// A row of a table or view of the golden record.
    Row(&'a str),
    /// A person, as `hilo identity show` has it.
    Person,
    /// A suggestion, as `hilo identity review` has it.
    Proposal,
    /// A ledger of consent, as `hilo consent` has it.
    Ledger,
}

/// A record without what is personal.
#[must_use]
pub fn record(of: Of, value: &Value) -> Value {
    Rules::of(of).apply(value)
}

/// The content of a step.
#[must_use]
pub fn content(step: &Step) -> Value {
    record(place(step), &step.content)
}

fn place(step: &Step) -> Of<'_> {
    match (step.stage, &step.topic) {
        (Stage::Item, _) => Of::Item,
        (Stage::Golden, _) => Of::Row(&step.title),
        (Stage::Raw, _) => Of::Topic(topics::RAW),
        (Stage::Metric, _) => Of::Topic(topics::METRIC),
        (Stage::Fact | Stage::CrmWrite, topic) => Of::Topic(topic.as_deref().unwrap_or_default()),
    }
}

/// The title of a step: a kind that is known, else its length.
#[must_use]
pub fn title(step: &Step) -> String {
    if words::is_title(step.stage, step.topic.as_deref(), &step.title) {
        step.title.clone()
    } else {
        by_length(&step.title)
    }
}

/// The topic of a step: one of ours.
#[must_use]
pub fn topic(step: &Step) -> Option<&str> {
    step.topic.as_deref().filter(|topic| words::is_topic(topic))
}

/// An id as a page shows it: message ids, phones and user ids by their end, opaque ids and names of numbers whole.
#[must_use]
pub fn identifier(id: &str) -> Masked {
    if let Some(message) = id.strip_prefix("wamid.") {
        Masked(format!("wamid {DOTS} {}", end_of(message)))
    } else if is_personal(id) {
        Masked::person(None, Some(id))
    } else if is_ours(id) {
        Masked(id.to_owned())
    } else {
        let part = |part: &str| {
            if words::is_number_name(part) {
                part.to_owned()
            } else {
                by_length(part)
            }
        };
        Masked(id.split(':').map(part).collect::<Vec<_>>().join(":"))
    }
}

/// Whether an id of a record may stand in an address: it is an opaque one of ours.
#[must_use]
pub fn is_opaque(id: &str) -> bool {
    is_ours(id)
}

/// Whether the `trace` id of a snapshot may stand in an address: it embeds nobody's phone, user id or name.
#[must_use]
pub fn is_linkable(id: &str) -> bool {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_-.:@/+=~".contains(character);
    !id.is_empty()
        && !id.starts_with("wamid.")
        && !is_personal(id)
        && id
            .split(':')
            .all(|part| is_ours(part) || is_business(part) || !has_phone(part))
        && id.chars().all(allowed)
}

/// The last letters and digits: four, and never more than half of them.
fn end_of(identifier: &str) -> String {
    let letters: Vec<char> = identifier
        .chars()
        .filter(|character| character.is_alphanumeric())
        .collect();
    let shown = (letters.len() / 2).min(4);
    letters[letters.len() - shown..].iter().collect()
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a test fails by panicking")]
mod tests;
