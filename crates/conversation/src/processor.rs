//! The conversation processor: items of a person in, messages and sessions out.

use crate::{
    consent,
    event::Event,
    person::{Changes, Holds as _, Person, SessionChange},
};
use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::{Conversation as Fact, Source},
    item::{Body, ConsentRecord, Follow, Forget, MessageRecord, Move, Origin, PersonRecord, Resolved},
    keys, topics,
};
use hilo_domain::{Millis, hash, window};
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Timers, Verdict, wire};
use std::ops::RangeInclusive;

/// Thread of items that name no business number.
const NO_NUMBER: &str = "";

/// See the crate's documentation.
pub struct Conversation {
    people: Store<Person>,
    now: Store<Millis>,
    timers: Timers,
    codec: AvroCodec<Fact>,
}

impl Default for Conversation {
    fn default() -> Self {
        Self {
            people: Store::new("people"),
            now: Store::new("now"),
            timers: Timers::new("timers"),
            codec: codec::conversation(),
        }
    }
}

impl Processor for Conversation {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let person_id = String::from_utf8_lossy(&record.key).into_owned();
        match wire::decode(&record.value)? {
            PersonRecord::Item(resolved) => self.item(*resolved, context)?,
            PersonRecord::Move(moved) => self.move_away(&person_id, &moved, context)?,
            PersonRecord::Moved {
                version,
                country,
                phone_number_id,
                event,
            } => {
                let mut event: Event = wire::decode(&event)?;
                event.version = version;
                let tenant = event.fact()?.tenant;
                self.place(&person_id, &tenant, country, &phone_number_id, event, None, context)?;
            }
            PersonRecord::Forget(forget) => self.forget(&person_id, &forget, context)?,
            PersonRecord::Follow(followed) => {
                let person = self.people.get_or_insert_with(person_id.as_bytes(), Person::default)?;
                match person.moved_to(followed.atom, followed.at, followed.version) {
                    Some(moved) => follow(followed, moved, context)?,
                    None => person.followed.push(followed),
                }
            }
        }
        Ok(Verdict::Done)
    }

    fn tick(&mut self, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        if self.now()? >= now {
            return Ok(());
        }
        self.now.put(b"", now);
        for (_, person_id) in self.timers.due(now) {
            let person_id = String::from_utf8_lossy(&person_id).into_owned();
            let Some(person) = self.people.get_mut(person_id.as_bytes())? else {
                continue;
            };
            let due: Vec<String> = person
                .threads
                .iter()
                .filter(|(_, thread)| {
                    thread
                        .sessions
                        .last()
                        .is_some_and(|told| told.expires_at.is_some_and(|at| at <= now))
                })
                .map(|(number, _)| number.clone())
                .collect();
            let mut since = Millis::MAX;
            for number in due {
                since = since.min(self.refold(&person_id, &number, &(usize::MAX..=usize::MAX), None, context)?);
            }
            self.settle(&person_id, since, context)?;
        }
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.people, &mut self.now, &mut self.timers]
    }
}

impl Conversation {
    /// What is kept of a person.
    #[cfg(test)]
    pub(crate) fn person(&mut self, person_id: &str) -> Option<Person> {
        self.people.get(person_id.as_bytes()).unwrap().cloned()
    }

    fn now(&mut self) -> Result<Millis, ProcessorError> {
        Ok(self.now.get(b"")?.copied().unwrap_or(Millis::MIN))
    }

    fn item(&mut self, resolved: Resolved, context: &mut Context) -> Result<(), ProcessorError> {
        let Resolved {
            person_id,
            country,
            atom,
            version,
            item,
        } = resolved;
        // A request was told when it came; which message it became is for the status topic to say.
        if matches!(&item.body, Body::Clock)
            || matches!(&item.body, Body::Message(message) if message.origin == Origin::Requested)
        {
            return Ok(());
        }
        let (event, mut fact) = Event::of(&item, atom, version)?;
        let number = item.phone_number_id.as_deref().unwrap_or(NO_NUMBER);
        match person_id {
            Some(person_id) => self.place(&person_id, &item.tenant, country, number, event, Some(fact), context),
            None => {
                fact.revision = event.revision + 1;
                fact.conversation_id = group_conversation(&fact);
                fact.free_form_ends_at = fact.window_expires_at.map(window::free_form_end);
                self.send(item.key.as_bytes(), &fact, context)
            }
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "an event with where it belongs; a struct would be built once, here"
    )]
    fn place(
        &mut self,
        person_id: &str,
        tenant: &str,
        country: Option<String>,
        number: &str,
        mut event: Event,
        fact: Option<Fact>,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let person = self.people.get_or_insert_with(person_id.as_bytes(), Person::default)?;
        if let Some(moved) = person.moved_to(event.atom, event.at, event.version).cloned() {
            return hand_over(number, event, &moved, context);
        }
        if let Some(place) = person.forgotten.iter().position(|gone| is_gone(&event, gone)) {
            person.forgotten.remove(place);
            return Ok(());
        }
        // An event that came after its person may be stale: the smaller duplicate took its place here already.
        let is_better = |had: &Event| had.key == event.key && had.at < event.at;
        if fact.is_none()
            && person
                .threads
                .values()
                .any(|thread| thread.events.iter().rev().any(is_better))
        {
            return Ok(());
        }
        if person.tenant.is_empty() {
            tenant.clone_into(&mut person.tenant);
        }
        if country.is_some() {
            person.country = country;
        }
        let occurrence = Occurrence::of(&event);
        let is_new = fact.is_some();
        // A new item is the best of its key so far. One that comes from another person may be worse than what is here
        // or better: both stay until `Forget` names the one that does not hold.
        let replaces = |had: &Event| had.key == occurrence.key && (is_new || Occurrence::of(had) == occurrence);
        // A better duplicate may name another business number: then the event leaves the thread that it was in.
        let elsewhere = person
            .threads
            .iter_mut()
            .filter(|(other, _)| *other != number)
            .find_map(|(other, thread)| {
                let place = thread.events.iter().rposition(replaces)?;
                event.signed |= thread.remove(place).signed;
                Some((other.clone(), place))
            });
        let thread = person.threads.entry(number.to_owned()).or_default();
        let changed = thread.insert(event, replaces);
        let new = fact.map(|fact| (occurrence, fact));
        let mut since = self.refold(person_id, number, &changed, new, context)?;
        if let Some((other, place)) = elsewhere {
            since = since.min(self.refold(person_id, &other, &(place..=place), None, context)?);
        }
        self.settle(person_id, since, context)
    }

    /// The graph says that these items are somebody else's.
    fn move_away(&mut self, person_id: &str, moved: &Move, context: &mut Context) -> Result<(), ProcessorError> {
        let person = self.people.get_or_insert_with(person_id.as_bytes(), Person::default)?;
        let mut gone: Vec<(String, Event)> = Vec::new();
        let mut touched: Vec<(String, usize)> = Vec::new();
        for (number, thread) in &mut person.threads {
            let mut earliest = None;
            let mut place = 0;
            while place < thread.events.len() {
                let event = &thread.events[place];
                if event.version < moved.version && moved.holds(event.atom, event.at) {
                    earliest.get_or_insert(place);
                    gone.push((number.clone(), thread.remove(place)));
                } else {
                    place += 1;
                }
            }
            touched.extend(earliest.map(|place| (number.clone(), place)));
        }
        let goes = |gone: &mut Forget| gone.version < moved.version && moved.holds(gone.atom, gone.at);
        for gone in person.forgotten.extract_if(.., goes) {
            send_after(gone, moved, context)?;
        }
        let goes = |followed: &mut Follow| followed.version < moved.version && moved.holds(followed.atom, followed.at);
        for followed in person.followed.extract_if(.., goes) {
            follow(followed, moved, context)?;
        }
        person.moves.push(moved.clone());
        let mut since = Millis::MAX;
        for (number, place) in touched {
            since = since.min(self.refold(person_id, &number, &(place..=usize::MAX), None, context)?);
        }
        for (number, event) in gone {
            unsign(person_id, &event, context)?;
            hand_over(&number, event, moved, context)?;
        }
        self.settle(person_id, since, context)
    }

    fn forget(&mut self, person_id: &str, forget: &Forget, context: &mut Context) -> Result<(), ProcessorError> {
        let person = self.people.get_or_insert_with(person_id.as_bytes(), Person::default)?;
        let found = person.threads.iter_mut().find_map(|(number, thread)| {
            let place = thread.events.iter().rposition(|event| is_gone(event, forget))?;
            Some((number.clone(), place, thread.remove(place)))
        });
        if let Some((number, place, event)) = found {
            unsign(person_id, &event, context)?;
            // The ledger knows signs by key: the occurrence that holds signs again.
            let mut events = person.threads.values_mut().flat_map(|thread| &mut thread.events);
            if let Some(held) = events.find(|had| *had.key == *forget.key) {
                sign(person_id, held, context)?;
            }
            let since = self.refold(person_id, &number, &(place..=place), None, context)?;
            return self.settle(person_id, since, context);
        }
        match person.moved_to(forget.atom, forget.at, forget.version) {
            Some(moved) => send_after(forget.clone(), moved, context),
            None => {
                person.forgotten.push(forget.clone());
                Ok(())
            }
        }
    }

    /// Folds a thread anew around what changed in it and tells the difference; `new` is the fact, with its content, of that
    /// occurrence. Gives the opening of the earliest session that changed.
    fn refold(
        &mut self,
        person_id: &str,
        number: &str,
        changed: &RangeInclusive<usize>,
        mut new: Option<(Occurrence, Fact)>,
        context: &mut Context,
    ) -> Result<Millis, ProcessorError> {
        let now = self.now()?;
        let Some(person) = self.people.get_mut(person_id.as_bytes())? else {
            return Ok(Millis::MAX);
        };
        let country = person.country.clone();
        let tenant = person.tenant.clone();
        let Some(thread) = person.threads.get_mut(number) else {
            return Ok(Millis::MAX);
        };
        let Changes { sessions, events } = thread.refold(changed, now, person_id, number);
        let conversation = hash::id("conversation_id", &[person_id.as_bytes(), number.as_bytes()]);
        let mut facts: Vec<Fact> = Vec::with_capacity(events.len());
        for index in events {
            sign(person_id, &mut thread.events[index], context)?;
            let event = &thread.events[index];
            let new = new.take_if(|(occurrence, _)| *occurrence == Occurrence::of(event));
            let mut fact = new.map_or_else(|| event.fact(), |(_, fact)| Ok(fact))?;
            fact.person_id = Some(person_id.to_owned());
            fact.country.clone_from(&country);
            fact.conversation_id = Some(group_conversation(&fact).unwrap_or_else(|| conversation.clone()));
            fact.session_id = event.session.as_deref().map(str::to_owned);
            fact.revision = event.revision;
            fact.free_form_ends_at = fact.window_expires_at.map(window::free_form_end);
            facts.push(fact);
        }
        for fact in facts {
            self.send(person_id.as_bytes(), &fact, context)?;
        }
        let since = sessions.iter().map(|change| change.told.session.opened_at).min();
        for change in sessions {
            self.tell(person_id, &tenant, country.as_deref(), number, change, context)?;
        }
        Ok(since.unwrap_or(Millis::MAX))
    }

    /// What follows from a change of sessions that opened at `since` or later: what waits for a return of the person, and
    /// the next deadline.
    fn settle(&mut self, person_id: &str, since: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        let Some(person) = self.people.get_mut(person_id.as_bytes())? else {
            return Ok(());
        };
        let country = person.country.clone();
        let tenant = person.tenant.clone();
        let changes = if since == Millis::MAX {
            Vec::new()
        } else {
            person.returns(since)
        };
        let deadline = person.deadline();
        for (number, change) in changes {
            self.tell(person_id, &tenant, country.as_deref(), &number, change, context)?;
        }
        match deadline {
            Some(at) => self.timers.schedule(person_id.as_bytes(), at)?,
            None => self.timers.cancel(person_id.as_bytes())?,
        }
        Ok(())
    }

    fn tell(
        &self,
        person_id: &str,
        tenant: &str,
        country: Option<&str>,
        number: &str,
        change: SessionChange,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let SessionChange { kind, told } = change;
        let revision = told.revision.to_le_bytes();
        let fact = Fact {
            event_id: hash::id("session_fact", &[told.id.as_bytes(), &revision]),
            tenant: tenant.to_owned(),
            event_time: told.session.closed_at.unwrap_or(told.session.opened_at),
            source: Source::default(),
            kind: kind.to_owned(),
            revision: told.revision,
            person_id: Some(person_id.to_owned()),
            country: country.map(str::to_owned),
            conversation_id: Some(hash::id("conversation_id", &[person_id.as_bytes(), number.as_bytes()])),
            session_id: Some(told.id.into_string()),
            phone_number_id: (number != NO_NUMBER).then(|| number.to_owned()),
            session: Some(told.session),
            test: told.test,
            ..Fact::default()
        };
        self.send(person_id.as_bytes(), &fact, context)
    }

    fn send(&self, key: &[u8], fact: &Fact, context: &mut Context) -> Result<(), ProcessorError> {
        let value = self
            .codec
            .encode(fact)
            .map_err(|error| ProcessorError::Contract(error.to_string()))?;
        context.send(topics::CONVERSATION, key, fact.event_time, value);
        Ok(())
    }
}

/// The thread of a group: all who write in it share it, on whatever number.
fn group_conversation(fact: &Fact) -> Option<String> {
    let group = fact.group_id.as_ref()?;
    Some(hash::id(
        "group_conversation",
        &[fact.tenant.as_bytes(), group.as_bytes()],
    ))
}

/// Tells the ledger of a person what an event of theirs says about being written to, or that it no longer says it.
fn sign(person_id: &str, event: &mut Event, context: &mut Context) -> Result<(), ProcessorError> {
    match &event.sign {
        Some(sign) => {
            let record = wire::encode(&ConsentRecord::Sign(sign.clone()))?;
            context.send(topics::CONSENT_ITEM, person_id.as_bytes(), event.at, record);
            event.signed = true;
        }
        None if event.signed => {
            unsign(person_id, event, context)?;
            event.signed = false;
        }
        None => {}
    }
    Ok(())
}

/// Takes a sign out of the ledger of a person.
fn unsign(person_id: &str, event: &Event, context: &mut Context) -> Result<(), ProcessorError> {
    if !event.signed {
        return Ok(());
    }
    let tenant = event.fact()?.tenant;
    let id = consent::id_of(&tenant, &event.key);
    let record = wire::encode(&ConsentRecord::Forget { tenant, id })?;
    context.send(topics::CONSENT_ITEM, person_id.as_bytes(), event.at, record);
    Ok(())
}

/// One of the occurrences of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Occurrence {
    key: Box<str>,
    at: Millis,
    fingerprint: u64,
}

impl Occurrence {
    fn of(event: &Event) -> Self {
        Self {
            key: event.key.clone(),
            at: event.at,
            fingerprint: event.fingerprint,
        }
    }
}

/// Whether an event is the one that no longer holds.
fn is_gone(event: &Event, gone: &Forget) -> bool {
    *event.key == *gone.key && event.at == gone.at && event.fingerprint == gone.fingerprint
}

/// Sends what no longer holds after its item.
fn send_after(gone: Forget, moved: &Move, context: &mut Context) -> Result<(), ProcessorError> {
    let (to, at) = (moved.to_person.as_bytes(), gone.at);
    let gone = Forget {
        version: moved.version,
        ..gone
    };
    context.send(topics::PERSON_ITEM, to, at, wire::encode(&PersonRecord::Forget(gone))?);
    Ok(())
}

/// Sends a message that only statuses tell of after its person, and tells its message whose it is.
fn follow(followed: Follow, moved: &Move, context: &mut Context) -> Result<(), ProcessorError> {
    let (tenant, message_id, at) = (&followed.tenant, &followed.message_id, followed.at);
    tell_message((tenant, message_id), (at, followed.fingerprint), moved, context)?;
    let followed = Follow {
        version: moved.version,
        ..followed
    };
    let record = wire::encode(&PersonRecord::Follow(followed))?;
    context.send(topics::PERSON_ITEM, moved.to_person.as_bytes(), at, record);
    Ok(())
}

/// Tells a message whose the item is that tells of it, by its time and content.
fn tell_message(
    (tenant, message_id): (&str, &str),
    (at, fingerprint): (Millis, u64),
    moved: &Move,
    context: &mut Context,
) -> Result<(), ProcessorError> {
    let record = MessageRecord::Person {
        tenant: tenant.to_owned(),
        message_id: message_id.to_owned(),
        at,
        fingerprint,
        version: moved.version,
        person_id: moved.to_person.clone(),
        country: moved.country.clone(),
    };
    let key = keys::message(tenant, message_id);
    context.send(topics::MESSAGE_ITEM, key, at, wire::encode(&record)?);
    Ok(())
}

/// Sends an item after its person, and tells its message whose it is.
fn hand_over(number: &str, event: Event, moved: &Move, context: &mut Context) -> Result<(), ProcessorError> {
    let at = event.at;
    let fact = event.fact()?;
    if let Some(message_id) = &fact.message_id {
        tell_message((&fact.tenant, message_id), (at, event.fingerprint), moved, context)?;
    }
    let event = Event {
        session: None,
        told: false,
        signed: false,
        ..event
    };
    let record = PersonRecord::Moved {
        version: moved.version,
        country: moved.country.clone(),
        phone_number_id: number.to_owned(),
        event: wire::encode(&event)?,
    };
    context.send(
        topics::PERSON_ITEM,
        moved.to_person.as_bytes(),
        at,
        wire::encode(&record)?,
    );
    Ok(())
}
