//! Signs of a person's will among their items: opt-out keywords, preferences at the platform, consents of a CRM.

use hilo_contracts::{
    item::{Body, Crm, Item, Message, Preference, Sign},
    stored::Source,
};
use hilo_domain::{
    Identifier, IdentifierKind, OptOut,
    consent::ConsentState,
    hash,
    opt_out::Keyword,
    read::{id, text},
    time::parse_rfc3339,
};
use serde_json::Value;

const WHATSAPP: &str = "whatsapp";
/// What an opt-out is about where it does not say.
const MARKETING: &str = "marketing";

/// The sign that an item is; `None` for nearly all.
pub(crate) fn sign(item: &Item) -> Option<Box<Sign>> {
    let said = match &item.body {
        Body::Message(message) => keyword(word(message)?, &message.id),
        Body::Preference(preference) => set(preference)?,
        Body::Crm(crm) => recorded(item, crm)?,
        _ => return None,
    };
    let mut subjects: Vec<String> = item
        .sightings
        .first()
        .filter(|_| item.has_person)
        .into_iter()
        .flat_map(|sighting| &sighting.identifiers)
        .filter_map(|identifier| subject(&item.tenant, identifier))
        .collect();
    subjects.sort_unstable();
    subjects.dedup();
    Some(Box::new(Sign {
        id: id_of(&item.tenant, &item.key),
        tenant: item.tenant.clone(),
        at: item.event_time,
        evidence: hash::digest("evidence", &[item.content.as_bytes()]),
        subjects,
        received_at: item.received_at,
        source: Source::new(&item.delivery_id, item.position),
        ..said
    }))
}

/// Id of the sign that the item with this key is.
pub(crate) fn id_of(tenant: &str, key: &str) -> String {
    hash::id("consent", &[tenant.as_bytes(), key.as_bytes()])
}

/// An identifier as the ledger names it: numbers in their one form, hashed.
fn subject(tenant: &str, identifier: &Identifier) -> Option<String> {
    if identifier.kind == IdentifierKind::Username {
        return None;
    }
    let parts = match identifier.number() {
        Some(number) => ("number", number),
        None => (identifier.kind.as_str(), identifier.value.clone()),
    };
    let parts: [&[u8]; 3] = [tenant.as_bytes(), parts.0.as_bytes(), parts.1.as_bytes()];
    Some(hash::id("subject", &parts))
}

fn of(channel: &str, purpose: &str, state: ConsentState, method: &str) -> Sign {
    Sign {
        channel: channel.to_owned(),
        purpose: purpose.to_owned(),
        state: state.as_str().to_owned(),
        method: method.to_owned(),
        ..Sign::default()
    }
}

/// The word of opt-out that a message is. Whether it opts out may depend on what it answers.
fn word(message: &Message) -> Option<&Keyword> {
    let (OptOut::Always(word) | OptOut::AnswerToMarketing(word)) = message.opt_out.as_ref()?;
    Some(word)
}

fn keyword(said: &Keyword, message_id: &str) -> Sign {
    Sign {
        word: Some(said.word.clone()),
        language: said.languages.clone(),
        reference: Some(message_id.to_owned()),
        ..of(WHATSAPP, MARKETING, ConsentState::Withdrawn, "keyword")
    }
}

/// The platform's own switch: what it stops it can let go again, and signing up is a consent.
fn set(preference: &Preference) -> Option<Sign> {
    let state = match preference.value.as_str() {
        "stop" => ConsentState::Blocked,
        "resume" => ConsentState::Unblocked,
        "signup" => ConsentState::Granted,
        _ => return None,
    };
    let purpose = match preference.category.as_str() {
        "" | "marketing_messages" => MARKETING,
        other => other,
    };
    Some(Sign {
        word: Some(preference.value.clone()),
        ..of(WHATSAPP, purpose, state, "user_preferences")
    })
}

/// `opt_in`, `opt_out`, or `consent` with its state, as a CRM event.
fn recorded(item: &Item, crm: &Crm) -> Option<Sign> {
    let line = || serde_json::from_str::<Value>(&item.content).unwrap_or_default();
    let (state, line) = match crm.event.as_str() {
        "opt_in" => (ConsentState::Granted, line()),
        "opt_out" => (ConsentState::Withdrawn, line()),
        "consent" => {
            let line = line();
            let state = ConsentState::of(text(&line, "state")?)?;
            // Blocks are the platform's.
            if matches!(state, ConsentState::Blocked | ConsentState::Unblocked) {
                return None;
            }
            (state, line)
        }
        _ => return None,
    };
    let owned = |key: &str| text(&line, key).map(str::to_owned);
    let channel = text(&line, "channel").unwrap_or(WHATSAPP);
    let purpose = text(&line, "purpose").unwrap_or(MARKETING);
    Some(Sign {
        system: Some(crm.system.clone()).filter(|system| !system.is_empty()),
        language: owned("language"),
        legal_basis: owned("legal_basis"),
        jurisdiction: owned("jurisdiction"),
        text_version: id(&line, "text_version"),
        actor: owned("actor").or_else(|| owned("agent")),
        reference: id(&line, "reference"),
        valid_to: text(&line, "valid_until").and_then(parse_rfc3339),
        ..of(channel, purpose, state, "crm")
    })
}
