//! Contacts: one for each person who exists.

use super::{
    base::{Fill as _, Touch, who_values},
    config::Target,
    due::Subject,
    index::Item,
    person::Person,
    processor::Project,
    reach::Reach,
    record::{Holds, Place},
    texts,
};
use crate::{
    record_key,
    values::{Object, Values},
};
use hilo_domain::Millis;
use hilo_stream::{Context, ProcessorError};
use std::sync::Arc;

/// Channels and purposes that a contact shows: state, when, how, evidence.
const CONSENTS: [(&str, &str, [&str; 4]); 3] = [
    (
        "whatsapp",
        "marketing",
        [
            "contact.whatsapp_marketing",
            "contact.whatsapp_marketing_at",
            "contact.whatsapp_marketing_how",
            "contact.whatsapp_marketing_evidence",
        ],
    ),
    (
        "whatsapp",
        "utility",
        [
            "contact.whatsapp_utility",
            "contact.whatsapp_utility_at",
            "contact.whatsapp_utility_how",
            "contact.whatsapp_utility_evidence",
        ],
    ),
    (
        "email",
        "marketing",
        [
            "contact.email_marketing",
            "contact.email_marketing_at",
            "contact.email_marketing_how",
            "contact.email_marketing_evidence",
        ],
    ),
];

/// First and last touch: when, source, medium, campaign, content, ad.
const TOUCHES: [[&str; 6]; 2] = [
    [
        "contact.first_touch_at",
        "contact.first_touch_source",
        "contact.first_touch_medium",
        "contact.first_touch_campaign",
        "contact.first_touch_content",
        "contact.first_touch_ad",
    ],
    [
        "contact.last_touch_at",
        "contact.last_touch_source",
        "contact.last_touch_medium",
        "contact.last_touch_campaign",
        "contact.last_touch_content",
        "contact.last_touch_ad",
    ],
];

impl Project {
    /// Makes the contact of a person.
    pub(super) fn make_contact(&mut self, id: &str, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        let Some(person) = self.people.get(id.as_bytes())? else {
            return Ok(());
        };
        if person.stale {
            let summed = self.sum_up(id)?;
            context.spend(summed)?;
        }
        let config = Arc::clone(&self.config);
        let root = self.root(id)?;
        let aliases = self.parts_of(id)?;
        let Some(person) = self.people.get(id.as_bytes())? else {
            return Ok(());
        };
        let Some(target) = config.of(&person.tenant) else {
            return Ok(());
        };
        self.due
            .wake(Subject::Person, id.as_bytes(), person.consents.next_end(now))?;
        let mut values = self.contact_values(id, target, now)?;
        let Some((person, who)) = self
            .people
            .get(id.as_bytes())?
            .and_then(|person| Some((person, person.who.as_ref()?)))
        else {
            return Ok(());
        };
        let tenant = person.tenant.as_ref();
        let contact_key = |id: &str| record_key(tenant, Object::Contact, &[id]);
        let key = contact_key(id);
        let mapping = target.mappings.of(who.is.country.as_deref());
        let place = Place {
            tenant,
            sink: &target.sink,
            object: Object::Contact,
            key: &key,
            person: Some(id),
            mapping,
            trail: &person.trail,
            whose: Some(&who.fact),
            test: person.is_test(),
        };
        let holds = match root {
            Some(root) if root != id => Holds::Alias(contact_key(&root)),
            // Whose part they are is not known yet, or is gone too.
            None => Holds::Nothing,
            Some(_) => {
                values.list("contact.aliases", aliases.iter().map(|id| contact_key(id)));
                let remote = format!("{}_id", target.sink);
                Holds::Fields {
                    fields: mapping.fields(Object::Contact, &values),
                    associations: Vec::new(),
                    adopt_id: who.is.current(&remote).next().map(str::to_owned),
                    rule: None,
                }
            }
        };
        let reach = self.reaches.get(tenant);
        self.records.tell(place, holds, context)?;
        self.reach_from_contact(id, reach)
    }

    /// What a contact shows, without its aliases.
    pub(super) fn contact_values(&mut self, id: &str, target: &Target, now: Millis) -> Result<Values, ProcessorError> {
        let mut values = Values::new();
        let Some(person) = self.people.get(id.as_bytes())? else {
            return Ok(values);
        };
        if let Some(who) = person.known() {
            let key = record_key(&person.tenant, Object::Contact, &[id]);
            who_values(&key, who, &mut values);
        }
        sums(person, &mut values);
        consents(person, now, &mut values);
        let ends = [person.touches.first(), person.touches.last()].map(|touch| touch.map(|(_, message)| *message));
        for (message, names) in ends.into_iter().zip(TOUCHES) {
            let touch = match message {
                Some(message) => self.touch_of(message, target)?,
                None => None,
            };
            if let Some(touch) = touch {
                touch.fill(names, &mut values);
            }
        }
        if let [_, Some(last)] = ends
            && let Some(touch) = self.touch_of(last, target)?
        {
            values.text("contact.last_touch_click", touch.click.as_deref());
        }
        Ok(values)
    }

    /// Where a mapping shows more of a contact elsewhere than who it is, a change of it reaches that too.
    fn reach_from_contact(&mut self, id: &str, reach: Reach) -> Result<(), ProcessorError> {
        if !reach.contact_in_sessions {
            return Ok(());
        }
        for item in self.index.of(id)? {
            match item {
                Item::Session(session) => {
                    if reach.contact_in_messages {
                        self.reach_from_session(&session)?;
                    }
                    self.making.insert((Subject::Session, session.as_bytes().to_vec()));
                }
                Item::Deal(key) => {
                    self.making.insert((Subject::Deal, key.to_vec()));
                }
                Item::Message(key) if reach.contact_in_messages => {
                    self.making.insert((Subject::Message, key.to_vec()));
                }
                Item::Message(_) | Item::Event(_) => {}
            }
        }
        Ok(())
    }

    /// The messages of a session are made too.
    pub(super) fn reach_from_session(&mut self, session: &str) -> Result<(), ProcessorError> {
        for key in self.index.of(session)?.iter().filter_map(Item::message) {
            self.making.insert((Subject::Message, key.to_vec()));
        }
        Ok(())
    }
}

fn sums(person: &Person, values: &mut Values) {
    let sums = &person.sums;
    let country = person.known().and_then(|who| who.country.as_deref());
    let own = sums
        .language
        .as_ref()
        .map(|(_, _, language)| language.as_ref().to_owned());
    let language = own.or_else(|| texts::language_of(country?));
    values.text("contact.language", language.as_deref());
    values.time("contact.first_seen_at", sums.first_seen);
    values.time("contact.last_inbound_at", sums.last_inbound);
    values.time("contact.last_outbound_at", sums.last_outbound);
    values.time("contact.window_expires_at", sums.window);
    values.number("contact.sessions", person.sessions);
    values.number("contact.messages", sums.messages);
}

fn consents(person: &Person, now: Millis, values: &mut Values) {
    for (channel, purpose, [state, at, how, evidence]) in CONSENTS {
        if let Some(standing) = person.consents.standing(channel, purpose, now) {
            values.text(state, Some(standing.state));
            values.time(at, Some(standing.at));
            values.text(how, Some(standing.how));
            values.text(evidence, Some(standing.entry));
        }
    }
}

impl Touch {
    /// When, source, medium, campaign, content, ad.
    fn fill(&self, [at, source, medium, campaign, content, ad]: [&'static str; 6], values: &mut Values) {
        values.time(at, Some(self.at));
        for (name, text) in [
            (source, &self.source),
            (medium, &self.medium),
            (campaign, &self.campaign),
            (content, &self.content),
            (ad, &self.ad),
        ] {
            values.text(name, text.as_deref());
        }
    }
}
