//! Items that are facts of their own and that nothing is folded from yet.

use crate::{
    key::Key,
    people::seen,
    update::{Draft, Update},
};
use hilo_contracts::item::{Body, Sighting};
use hilo_domain::{Identifier, phone};
use hilo_whatsapp::{Named, automatic_event, errors, flow, group, group::Participant, timestamp, user_action};
use serde_json::Value;

fn event(element: &Value, kind: &str) -> Draft {
    Draft::new(timestamp(element), Key::Content, Body::Event { kind: kind.to_owned() })
}

/// An element of `user_actions`.
pub(super) fn user_action(update: &Update, element: &Value) -> Draft {
    Draft {
        person: update.person_or_only_contact(Named::person(element)),
        ..event(element, &user_action::kind(element))
    }
}

/// An element of `automatic_events`.
pub(super) fn automatic(update: &Update, element: &Value) -> Draft {
    Draft {
        person: update.person_or_only_contact(Named::person(element)),
        ..event(element, automatic_event::KIND)
    }
}

/// An element of `groups`: it belongs to the group, its participants are seen.
pub(super) fn group(update: &Update, element: &Value) -> Draft {
    let mut others: Vec<Sighting> = Vec::new();
    // Who asks to join stands in the element itself.
    others.extend(update.person(Named::person(element)));
    for participant in group::participants(element) {
        others.extend(self::participant(update, participant));
    }
    Draft {
        others,
        ..event(element, group::KIND)
    }
}

/// A participant, who may be named only by what the business gave: an account by its digits, or a number as somebody wrote it.
fn participant(update: &Update, participant: Participant) -> Option<Sighting> {
    let Participant { named, input } = participant;
    let Some(input) = input else {
        return update.person(named);
    };
    let is_account = phone::digits_of_wa_id(&input).is_some();
    let written = Some(&input).filter(|input| !is_account && !update.business.is(input));
    if let Some(phone) = written.and_then(|written| Identifier::phone(written, update.tenant.region())) {
        let mut sighting = update.person(named).unwrap_or_else(|| Sighting {
            creates: true,
            ..Sighting::default()
        });
        sighting.identifiers.push(phone);
        return seen(sighting);
    }
    update.person(Named {
        wa_id: Some(input),
        ..named
    })
}

/// An element of `errors` beside the items of a value.
pub(super) fn error(_: &Update, element: &Value) -> Draft {
    event(element, errors::KIND)
}

/// The value of `flows`.
pub(super) fn flow(update: &Update) -> Draft {
    event(update.value, flow::KIND)
}
