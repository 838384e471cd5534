//! Shared contact cards: of third people, or of the sender who was asked for their number.
//!
//! ```json
//! {"type": "contacts", "contacts": [{"origin": "contact_request",
//!  "name": {"formatted_name": "Barbara Johnson", "first_name": "Barbara", "last_name": "Johnson"},
//!  "phones": [{"phone": "+1 650 555 1234", "wa_id": "16505551234", "type": "CELL"}],
//!  "org": {"company": "Social Tsunami", "title": "Owner"}}]}
//! ```

use super::types::Typed;
use hilo_contracts::details::{Card, CardAddress, CardEmail, CardOrganisation, CardPhone, CardUrl, Details};
use hilo_domain::read::{id, id_at, list, owned, said, text};
use serde_json::Value;
use std::borrow::Cow;

/// The cards of a message. `origin` stood at the message in early documents, and stands at each card now.
pub(super) fn details(cards: &Typed) -> Details {
    let card = |card: &Value| Card {
        origin: owned(card, "origin").or_else(|| owned(cards.element, "origin")),
        ..self::card(card)
    };
    Details {
        cards: cards.body.as_array().into_iter().flatten().map(card).collect(),
        ..Details::default()
    }
}

/// The number on a card that its sender was asked for.
#[derive(Debug)]
pub struct OwnNumber<'a> {
    /// At the platform.
    pub wa_id: Option<Cow<'a, str>>,
    /// As it is written.
    pub phone: Option<Cow<'a, str>>,
}

/// The number of the one card that answers the business's question for it: it is the sender's own. Any other card is a
/// third person's.
#[must_use]
pub fn own_number(element: &Value) -> Option<OwnNumber<'_>> {
    let [card] = list(element, "contacts")?.as_slice() else {
        return None;
    };
    let [phone] = list(card, "phones")?.as_slice() else {
        return None;
    };
    let origin = text(card, "origin").or_else(|| text(element, "origin"));
    (origin == Some("contact_request")).then(|| OwnNumber {
        wa_id: id_at(phone, "wa_id"),
        phone: id_at(phone, "phone"),
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::types::body;
    use serde_json::json;

    fn shared(origin: &str) -> Value {
        json!({"type": "contacts", "contacts": [{"origin": origin,
            "name": {"first_name": "Barbara", "last_name": "Johnson", "suffix": "Esq."}, "birthday": "1999-01-23",
            "phones": [{"phone": "+1 650 555 1234", "wa_id": "16505551234", "type": "CELL"}],
            "emails": [{"email": "bjohnson@example.com", "type": "WORK"}],
            "addresses": [{"street": "1 Lucky Shrub Way", "city": "Menlo Park", "zip": 94025, "country_code": "us"}],
            "org": {"company": "Social Tsunami", "title": "Owner"}, "urls": [{"url": "https://x.example", "type": "WORK"}]}]})
    }

    #[test]
    fn a_card_says_who_how_and_where() {
        let cards = body(&shared("other"), "contacts").cards;
        let [card] = cards.as_slice() else { panic!("one card") };
        assert_eq!(
            (card.name.as_deref(), card.suffix.as_deref(), card.origin.as_deref()),
            (Some("Barbara Johnson"), Some("Esq."), Some("other"))
        );
        assert_eq!(
            (card.phones[0].wa_id.as_deref(), card.phones[0].kind.as_deref()),
            (Some("16505551234"), Some("CELL"))
        );
        assert_eq!(card.emails[0].email.as_deref(), Some("bjohnson@example.com"));
        assert_eq!(
            (card.addresses[0].zip.as_deref(), card.urls[0].url.as_deref()),
            (Some("94025"), Some("https://x.example"))
        );
        assert_eq!(
            card.organisation.as_ref().unwrap().company.as_deref(),
            Some("Social Tsunami")
        );
    }

    #[test]
    fn only_a_card_that_was_asked_for_is_the_senders_own() {
        let told = shared("contact_request");
        let number = own_number(&told).unwrap();
        assert_eq!(
            (number.wa_id.as_deref(), number.phone.as_deref()),
            (Some("16505551234"), Some("+1 650 555 1234"))
        );
        assert!(own_number(&shared("other")).is_none());
        let early = json!({"origin": "contact_request", "contacts": [{"phones": [{"phone": "+16505551234"}]}]});
        assert!(own_number(&early).unwrap().wa_id.is_none());
        let two = json!({"origin": "contact_request", "contacts": [{"phones": [{}, {}]}]});
        assert!(own_number(&two).is_none());
    }
}
