//! Shared contact cards.

use super::{owned, said};
use hilo_contracts::details::{Card, CardAddress, CardEmail, CardOrganisation, CardPhone, CardUrl};
use hilo_domain::read::{id, list, text};
use serde_json::Value;

/// The cards of a message. `origin` stood at the message in early documents, and stands at each card now.
pub(super) fn cards(element: &Value, cards: &Value) -> Vec<Card> {
    let card = |card: &Value| Card {
        origin: owned(card, "origin").or_else(|| owned(element, "origin")),
        ..self::card(card)
    };
    cards.as_array().into_iter().flatten().map(card).collect()
}

fn card(card: &Value) -> Card {
    let name = card.get("name").unwrap_or(&Value::Null);
    let parts: Vec<&str> = ["first_name", "last_name"]
        .into_iter()
        .filter_map(|key| text(name, key))
        .collect();
    Card {
        name: owned(name, "formatted_name").or_else(|| said(parts.join(" "))),
        first_name: owned(name, "first_name"),
        middle_name: owned(name, "middle_name"),
        last_name: owned(name, "last_name"),
        prefix: owned(name, "prefix"),
        suffix: owned(name, "suffix"),
        origin: None,
        phones: each(card, "phones", phone),
        emails: each(card, "emails", email),
        urls: each(card, "urls", url),
        addresses: each(card, "addresses", address),
        organisation: card.get("org").and_then(organisation),
        birthday: owned(card, "birthday"),
        vcard: owned(card, "vcard"),
    }
}

fn each<T>(card: &Value, key: &str, of: fn(&Value) -> T) -> Vec<T> {
    list(card, key).into_iter().flatten().map(of).collect()
}

fn phone(phone: &Value) -> CardPhone {
    CardPhone {
        phone: id(phone, "phone"),
        wa_id: id(phone, "wa_id"),
        kind: owned(phone, "type"),
    }
}

fn email(email: &Value) -> CardEmail {
    CardEmail {
        email: owned(email, "email"),
        kind: owned(email, "type"),
    }
}

fn url(url: &Value) -> CardUrl {
    CardUrl {
        url: owned(url, "url"),
        kind: owned(url, "type"),
    }
}

fn address(address: &Value) -> CardAddress {
    CardAddress {
        street: owned(address, "street"),
        city: owned(address, "city"),
        state: owned(address, "state"),
        zip: id(address, "zip"),
        country: owned(address, "country"),
        country_code: owned(address, "country_code"),
        kind: owned(address, "type"),
    }
}

fn organisation(org: &Value) -> Option<CardOrganisation> {
    said(CardOrganisation {
        company: owned(org, "company"),
        department: owned(org, "department"),
        title: owned(org, "title"),
    })
}
