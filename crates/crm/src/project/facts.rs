//! Facts into what is kept: one function a topic.

use super::{
    Key,
    config::Target,
    due::Subject,
    event::Event,
    index::Item,
    key,
    message::{Message, Part},
    person::{Change, Person},
    processor::Project,
    recount::Cause,
    said::Said,
    session::Session,
};
use hilo_contracts::{
    facts::{Consent, Conversation, Identity, Status},
    keys,
};
use hilo_stream::{Context, ProcessorError};

type Done = Result<(), ProcessorError>;

/// Key of a message in the stores.
pub(super) fn message_key(tenant: &str, id: &str) -> Key {
    Key::try_from(keys::message(tenant, id)).unwrap_or_default()
}

impl Project {
    /// Who somebody is.
    pub(super) fn identity(&mut self, fact: &Identity, context: &mut Context) -> Done {
        let id = fact.person_id.as_str();
        let person = self.person(&fact.tenant, id)?;
        let Change::Who { before } = person.tell(fact) else {
            return Ok(());
        };
        person.trail.note(&fact.event_id, fact.event_time, fact.ingest_time);
        let survivor = person.who.as_ref().and_then(|who| who.is.survivor.clone());
        if before != survivor {
            for (other, is_part) in [(&before, false), (&survivor, true)] {
                if let Some(other) = other {
                    self.person(&fact.tenant, other)?.absorb(id, is_part);
                    self.refresh_up(other)?;
                }
            }
        }
        self.refresh_person(id, context)
    }

    /// What somebody said about being written to.
    pub(super) fn consent(&mut self, fact: &Consent) -> Done {
        let person = self.person(&fact.tenant, &fact.person_id)?;
        if person.consents.tell(fact) {
            person.trail.note(&fact.event_id, fact.event_time, fact.ingest_time);
            self.due.changed(Subject::Person, fact.person_id.as_bytes())?;
        }
        Ok(())
    }

    /// A message, a session, or another event.
    pub(super) fn conversation(&mut self, fact: &Conversation, target: &Target, context: &mut Context) -> Done {
        match (&fact.session, &fact.message_id) {
            (Some(_), _) => self.session_fact(fact, context),
            (None, Some(id)) => self.message_fact(fact, id, target),
            (None, None) => self.event_fact(fact),
        }
    }

    /// What became of a send.
    pub(super) fn status(&mut self, fact: &Status) -> Done {
        let key = message_key(&fact.tenant, &fact.message_id);
        let message = self.message(&fact.tenant, &fact.message_id, &key)?;
        let before = message.counted();
        if !message.became(fact) {
            return Ok(());
        }
        message.trail.note(&fact.event_id, fact.event_time, fact.ingest_time);
        let after = message.counted();
        self.recount(key, before.as_ref(), after.as_ref(), &Cause::of_status(fact))?;
        Ok(self.due.changed(Subject::Message, &key)?)
    }

    fn message_fact(&mut self, fact: &Conversation, id: &str, target: &Target) -> Done {
        let key = message_key(&fact.tenant, id);
        let part = Part::of(fact, Said::of(fact, &target.campaigns));
        let message = self.message(&fact.tenant, id, &key)?;
        let (before, changed) = (message.counted(), owned(message.changes()));
        if !message.tell(part) {
            return Ok(());
        }
        message.trail.note(&fact.event_id, fact.event_time, fact.ingest_time);
        let (after, changes) = (message.counted(), owned(message.changes()));
        self.recount(key, before.as_ref(), after.as_ref(), &Cause::of_conversation(fact))?;
        // What its first message says, or a line of its digest, may have come after the message.
        if let Some(session) = after.as_ref().and_then(|after| after.session.as_deref()) {
            self.due.changed(Subject::Session, session.as_bytes())?;
        }
        // What an edit says may have come after the edit: its message is made anew each time.
        for (change, is_here) in [(changed, false), (changes, true)] {
            let Some((edits, of, at)) = change else { continue };
            let target = message_key(&fact.tenant, &of);
            let message = self.message(&fact.tenant, &of, &target)?;
            message.change(edits, (at, id.into()), is_here);
            message.trail.note(&fact.event_id, fact.event_time, fact.ingest_time);
            self.due.changed(Subject::Message, &target)?;
            self.refresh_digest(&target)?;
        }
        Ok(self.due.changed(Subject::Message, &key)?)
    }

    fn session_fact(&mut self, fact: &Conversation, context: &mut Context) -> Done {
        let (Some(id), Some(person)) = (&fact.session_id, &fact.person_id) else {
            return Ok(());
        };
        let session = self.session(&fact.tenant, id, Some(person))?;
        let had = session
            .state
            .as_ref()
            .map(|state| (state.opened_at, state.first_customer_at));
        if !session.tell(fact) {
            return Ok(());
        }
        session.trail.note(&fact.event_id, fact.event_time, fact.ingest_time);
        let has = session
            .state
            .as_ref()
            .map(|state| (state.opened_at, state.first_customer_at));
        self.due.changed(Subject::Session, id.as_bytes())?;
        if had == has {
            return Ok(());
        }
        self.recount_session(
            person,
            had.map(|(opened, _)| opened),
            has.map(|(opened, _)| opened),
            fact,
        )?;
        self.settle_tokens(id)?;
        if had.is_some() != has.is_some() {
            self.refresh_messages(id, context)?;
        }
        Ok(())
    }

    fn event_fact(&mut self, fact: &Conversation) -> Done {
        let Some(new) = Event::of(fact) else { return Ok(()) };
        let key = key("crm_event", &[fact.tenant.as_bytes(), fact.event_id.as_bytes()]);
        let event = self.events.get_or_insert_with(&key, Event::default)?;
        let before = event.clone();
        if !event.tell(new) {
            return Ok(());
        }
        let after = event.clone();
        let cause = Cause::of_conversation(fact);
        if before.words() != after.words() {
            for (event, is_here) in [(&before, false), (&after, true)] {
                let Some(words) = event.words() else { continue };
                let session = self.session(&fact.tenant, words.session, event.person.as_deref())?;
                session.say(words.at, words.tags, words.intent, is_here);
                session.trail.note(&fact.event_id, fact.event_time, fact.ingest_time);
                self.due.changed(Subject::Session, words.session.as_bytes())?;
            }
        }
        for (event, is_here) in [(&before, false), (&after, true)] {
            if let Some(told) = event.deal() {
                let deal_key = super::key(
                    "crm_deal",
                    &[fact.tenant.as_bytes(), told.system.as_bytes(), told.deal_id.as_bytes()],
                );
                let deal = self.deals.get_or_insert_with(&deal_key, Default::default)?;
                if deal.id.is_empty() {
                    deal.tenant = fact.tenant.as_str().into();
                    deal.system.clone_from(&told.system);
                    deal.id.clone_from(&told.deal_id);
                }
                deal.put((event.at, key), is_here);
                deal.trail.note(&fact.event_id, fact.event_time, fact.ingest_time);
                self.due.changed(Subject::Deal, &deal_key)?;
                if let (Some(person), true) = (&event.person, is_here) {
                    self.index.add(person, Item::Deal(deal_key))?;
                }
            }
        }
        if before.window.is_some() || after.window.is_some() {
            self.recount_window(key, &before, &after, &cause)?;
        }
        // Most events of the inbox say nothing that a record shows. The first fact of an item is its lowest: told again, it
        // brings nothing back.
        if after.revision <= 1 && after.is_mute() {
            self.events.remove(&key);
        }
        Ok(())
    }

    /// A person, new if need be.
    pub(super) fn person(&mut self, tenant: &str, id: &str) -> Result<&mut Person, ProcessorError> {
        let person = self.people.get_or_insert_with(id.as_bytes(), Person::default)?;
        if person.tenant.is_empty() {
            person.tenant = tenant.into();
        }
        Ok(person)
    }

    /// A message, new if need be.
    fn message(&mut self, tenant: &str, id: &str, key: &Key) -> Result<&mut Message, ProcessorError> {
        let message = self.messages.get_or_insert_with(key, Message::default)?;
        if message.id.is_empty() {
            message.tenant = tenant.into();
            message.id = id.into();
        }
        Ok(message)
    }

    /// A session, new if need be. It stands with its person as soon as anybody says whose it is.
    pub(super) fn session(
        &mut self,
        tenant: &str,
        id: &str,
        person: Option<&str>,
    ) -> Result<&mut Session, ProcessorError> {
        let session = self.sessions.get_or_insert_with(id.as_bytes(), Session::default)?;
        if session.tenant.is_empty() {
            session.tenant = tenant.into();
        }
        if let Some(person) = person.filter(|_| session.person.is_empty()) {
            session.person = person.into();
            self.index.add(person, Item::Session(id.into()))?;
        }
        Ok(session)
    }
}

fn owned(change: Option<(bool, &str, hilo_domain::Millis)>) -> Option<(bool, String, hilo_domain::Millis)> {
    change.map(|(edits, of, at)| (edits, of.to_owned(), at))
}
