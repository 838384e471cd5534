//! The conversation processor: items of a person in, messages and sessions out.

mod answers;
mod fates;
mod forgotten;
mod moves;

use crate::{
    consent,
    event::{Event, Role},
    person::Person,
    thread::{At, Chain, Place, Segment, SessionChange, Thread},
};
use answers::Touched;
use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::{Conversation as Fact, Source},
    item::{Body, ConsentRecord, Follow, Origin, PersonRecord, Resolved},
    stored::Convert as _,
    topics,
};
use hilo_domain::{Millis, hash, window};
use hilo_stream::{
    Context, Processor, ProcessorError, Record, StateStore, Store, Timers, Verdict,
    wire::{self, Encoded},
};

/// Thread of items that name no business number.
const NO_NUMBER: &str = "";

/// See the crate's documentation.
pub struct Conversation {
    people: Store<Person>,
    segments: Store<Segment>,
    retracted: Store<i64>,
    followed: Store<Vec<Follow>>,
    named: Store<Vec<answers::Word>>,
    now: Store<Millis>,
    timers: Timers,
    codec: AvroCodec<Fact>,
}

impl Default for Conversation {
    fn default() -> Self {
        Self {
            people: Store::new("people"),
            segments: Store::new("segments"),
            retracted: Store::new("retracted"),
            followed: Store::new("followed"),
            named: Store::new("named"),
            now: Store::new("now"),
            timers: Timers::new("timers"),
            codec: codec::conversation(),
        }
    }
}

/// Whose an event is, and in which thread.
#[derive(Clone, Copy)]
struct Whose<'a> {
    person: &'a str,
    number: &'a str,
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
                let mut event = Encoded::<Event>::from_vec(event).open()?;
                event.version = version;
                let tenant = event.described()?.tenant;
                let whose = Whose {
                    person: &person_id,
                    number: &phone_number_id,
                };
                self.place(whose, &tenant, country, event, None, context)?;
            }
            PersonRecord::Forget(forget) => self.forget(&person_id, &forget, context)?,
            PersonRecord::Follow(followed) => self.follow(&person_id, followed, context)?,
            PersonRecord::Fate(fate) => self.fate(&person_id, fate, context)?,
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
            let is_due = |thread: &Thread| {
                let last = thread.last().and_then(|told| told.expires_at);
                last.is_some_and(|at| at <= now)
            };
            let due = person.threads.iter().filter(|(_, thread)| is_due(thread));
            let due: Vec<String> = due.map(|(number, _)| number.clone()).collect();
            let mut since = Millis::MAX;
            for number in due {
                let whose = Whose {
                    person: &person_id,
                    number: &number,
                };
                let end = Place {
                    at: None,
                    index: usize::MAX,
                };
                since = since.min(self.refold(whose, end, None, None, context)?);
            }
            self.settle(&person_id, since, context)?;
        }
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![
            &mut self.people,
            &mut self.segments,
            &mut self.retracted,
            &mut self.followed,
            &mut self.named,
            &mut self.now,
            &mut self.timers,
        ]
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
            Some(person_id) => {
                let whose = Whose {
                    person: &person_id,
                    number,
                };
                let new = New {
                    fact,
                    is_first: item.generation == 0,
                };
                self.place(whose, &item.tenant, country, event, Some(new), context)
            }
            None => {
                fact.revision = event.revision + 1;
                fact.conversation_id = group_conversation(&fact);
                fact.free_form_ends_at = fact.window_expires_at.map(window::free_form_end);
                send(&self.codec, item.key.as_bytes(), &fact, context)
            }
        }
    }

    fn place(
        &mut self,
        whose: Whose,
        tenant: &str,
        country: Option<String>,
        mut event: Event,
        new: Option<New>,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let Whose {
            person: person_id,
            number,
        } = whose;
        let person = self.people.get_or_insert_with(person_id.as_bytes(), Person::default)?;
        if let Some(moved) = person.moved_to(event.atom, event.at, event.version).cloned() {
            return moves::hand_over(number, event, &moved, context);
        }
        if let Some(place) = person
            .forgotten
            .iter()
            .position(|gone| forgotten::is_gone(&event, gone))
        {
            person.forgotten.remove(place);
            fates::drop_waiting(person, &event);
            return Ok(());
        }
        fates::take_waiting(person, &mut event);
        // An event that came after its person may be stale: the duplicate that holds took its place here already.
        let is_better = |had: &Event| had.key == event.key && had.generation > event.generation;
        // The one of a trace is sure to be forgotten, and a search through the whole thread is dear.
        let may_be_stale = new.is_none() && !matches!(event.role, Role::Trace);
        if may_be_stale && find(person, &mut self.segments, whose, Millis::MIN, is_better, context)?.is_some() {
            return Ok(());
        }
        if person.tenant.is_empty() {
            tenant.clone_into(&mut person.tenant);
        }
        if country.is_some() {
            person.country = country;
        }
        let occurrence = Occurrence::of(&event);
        let mut touched = vec![Touched::by_all(&event)];
        let left = self.take_out(whose, &mut event, new.as_ref(), &mut touched, context)?;
        let person = self.people.get_or_insert_with(person_id.as_bytes(), Person::default)?;
        let (thread, mut chain) = thread(person, &mut self.segments, person_id, number);
        answers::note_word(&mut self.named, whose, &event, true)?;
        let word = event.answer.as_ref().map(|_| (event.at, event.fingerprint));
        let place = thread.insert(event, &mut chain, context)?;
        if let Some(word) = word {
            self.judge(whose, word, context)?;
        }
        let (from, until) = match left {
            // The two places lie in one thread: what is between them is folded too.
            Some((ref other, old, is_earlier)) if other == number => match (old.at == place.at, is_earlier) {
                (true, _) => {
                    let index = old.index.min(place.index);
                    (Place { index, ..place }, place.at)
                }
                (false, true) => (old, place.at),
                (false, false) => (place, old.at),
            },
            _ => (place, place.at),
        };
        let new = new.map(|new| (occurrence, new.fact));
        let mut since = self.refold(whose, from, until, new, context)?;
        if let Some((other, old, _)) = left {
            let theirs = Whose {
                number: &other,
                ..whose
            };
            if other != number {
                since = since.min(self.refold(theirs, old, old.at, None, context)?);
                self.judge_again(theirs, &touched, context)?;
            }
            self.tidy(theirs, &[old.at], context)?;
        }
        self.tidy(whose, &[place.at], context)?;
        self.judge_again(whose, &touched, context)?;
        self.settle(person_id, since, context)
    }

    /// Takes out the occurrence in whose place an event comes: gives in which thread it was, where, and whether it lies before.
    fn take_out(
        &mut self,
        whose: Whose,
        event: &mut Event,
        new: Option<&New>,
        touched: &mut Vec<Touched>,
        context: &mut Context,
    ) -> Result<Option<(String, Place, bool)>, ProcessorError> {
        let person = self
            .people
            .get_or_insert_with(whose.person.as_bytes(), Person::default)?;
        let occurrence = Occurrence::of(event);
        // A new item is the best of its key so far. One that comes from another person may be worse than what is here
        // or better: both stay until `Forget` names the one that does not hold.
        let gone = match new {
            // Nothing with its key was ever seen.
            Some(New { is_first: true, .. }) => None,
            Some(_) => {
                let replaces = |had: &Event| had.key == occurrence.key;
                find(person, &mut self.segments, whose, Millis::MIN, replaces, context)?
            }
            None => {
                let replaces = |had: &Event| Occurrence::of(had) == occurrence;
                find(person, &mut self.segments, whose, occurrence.at, replaces, context)?
            }
        };
        let Some((other, place)) = gone else { return Ok(None) };
        let (thread, mut chain) = thread(person, &mut self.segments, whose.person, &other);
        let old = thread.remove(place, &mut chain)?;
        touched.push(Touched::by_all(&old));
        let theirs = Whose {
            number: &other,
            ..whose
        };
        answers::note_word(&mut self.named, theirs, &old, false)?;
        let is_earlier = old.order() < event.order();
        // A better duplicate may name another business number: then the event leaves the thread that it was in.
        if other == whose.number {
            event.follows(old);
        } else {
            event.signed |= old.signed;
        }
        Ok(Some((other, place, is_earlier)))
    }

    /// Splits segments of a thread that became too long, and takes out those that became empty.
    fn tidy(&mut self, whose: Whose, places: &[At], context: &mut Context) -> Result<(), ProcessorError> {
        let Some(person) = self.people.get_mut(whose.person.as_bytes())? else {
            return Ok(());
        };
        let (thread, mut chain) = thread(person, &mut self.segments, whose.person, whose.number);
        for at in places {
            thread.tidy(*at, &mut chain, context)?;
        }
        Ok(())
    }

    /// Folds a thread anew from a changed place on, at least through the segment `until`, and publishes the difference;
    /// `new` is the fact, with its content, of that occurrence. Gives the opening of the earliest session whose change
    /// concerns others.
    fn refold(
        &mut self,
        whose: Whose,
        place: Place,
        until: At,
        mut new: Option<(Occurrence, Fact)>,
        context: &mut Context,
    ) -> Result<Millis, ProcessorError> {
        let now = self.now()?;
        let Self {
            people,
            segments,
            retracted,
            codec,
            ..
        } = self;
        let Some(person) = people.get_mut(whose.person.as_bytes())? else {
            return Ok(Millis::MAX);
        };
        let Person {
            tenant,
            country,
            threads,
            ..
        } = person;
        let Some(thread) = threads.get_mut(whose.number) else {
            return Ok(Millis::MAX);
        };
        let mut chain = Chain {
            segments,
            person: whose.person,
            number: whose.number,
        };
        let conversation = hash::id("conversation_id", &[whose.person.as_bytes(), whose.number.as_bytes()]);
        let tell = |event: &mut Event, context: &mut Context| {
            sign(whose.person, event, context)?;
            let new = new.take_if(|(occurrence, _)| *occurrence == Occurrence::of(event));
            let mut fact = new.map_or_else(|| event.fact(), |(_, fact)| Ok(fact))?;
            fact.person_id = Some(whose.person.to_owned());
            fact.country.clone_from(country);
            fact.conversation_id = Some(group_conversation(&fact).unwrap_or_else(|| conversation.clone()));
            fact.session_id = event.session.as_deref().map(str::to_owned);
            fact.revision = event.revision;
            if let Some(answer) = &event.answer {
                fact.opt_out = answer.to_marketing;
            }
            fact.free_form_ends_at = fact.window_expires_at.map(window::free_form_end);
            send(codec, whose.person.as_bytes(), &fact, context)
        };
        let changes = thread.refold(place, until, now, (&mut chain, retracted), context, tell)?;
        let (tenant, country) = (tenant.clone(), country.clone());
        let concerning = changes.iter().filter(|change| change.concerns_others);
        let since = concerning.map(|change| change.told.session.opened_at).min();
        for change in changes {
            self.tell(whose, &tenant, country.as_deref(), change, context)?;
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
            person.returns(person_id, since, &mut self.segments, context)?
        };
        let deadline = person.deadline();
        for (number, change) in changes {
            let whose = Whose {
                person: person_id,
                number: &number,
            };
            self.tell(whose, &tenant, country.as_deref(), change, context)?;
        }
        match deadline {
            Some(at) => self.timers.schedule(person_id.as_bytes(), at)?,
            None => self.timers.cancel(person_id.as_bytes())?,
        }
        Ok(())
    }

    fn tell(
        &self,
        whose: Whose,
        tenant: &str,
        country: Option<&str>,
        change: SessionChange,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let SessionChange { kind, told, .. } = change;
        let (person_id, number) = (whose.person, whose.number);
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
            session: Some(told.session.convert()),
            test: told.test,
            ..Fact::default()
        };
        send(&self.codec, person_id.as_bytes(), &fact, context)
    }
}

fn send(codec: &AvroCodec<Fact>, key: &[u8], fact: &Fact, context: &mut Context) -> Result<(), ProcessorError> {
    let value = codec.encode(fact).map_err(ProcessorError::contract)?;
    context.send(topics::CONVERSATION, key, fact.event_time, value);
    Ok(())
}

/// The youngest event that is `wanted`, in any thread of a person, of those at `since` or later: in which thread, and where.
fn find(
    person: &Person,
    segments: &mut Store<Segment>,
    whose: Whose,
    since: Millis,
    wanted: impl Fn(&Event) -> bool,
    context: &mut Context,
) -> Result<Option<(String, Place)>, ProcessorError> {
    for (number, thread) in &person.threads {
        let mut chain = Chain {
            segments,
            person: whose.person,
            number,
        };
        if let Some(place) = thread.find(since, &wanted, &mut chain, context)? {
            return Ok(Some((number.clone(), place)));
        }
    }
    Ok(None)
}

/// A thread of a person, new if need be, and its kept segments.
fn thread<'a>(
    person: &'a mut Person,
    segments: &'a mut Store<Segment>,
    person_id: &'a str,
    number: &'a str,
) -> (&'a mut Thread, Chain<'a>) {
    let chain = Chain {
        segments,
        person: person_id,
        number,
    };
    (person.threads.entry(number.to_owned()).or_default(), chain)
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
    match event.said() {
        Some(sign) => {
            let record = wire::encode(&ConsentRecord::Sign(Box::new(sign.clone())))?;
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
    let tenant = event.described()?.tenant;
    let id = consent::id_of(&tenant, &event.key);
    let record = wire::encode(&ConsentRecord::Forget { tenant, id })?;
    context.send(topics::CONSENT_ITEM, person_id.as_bytes(), event.at, record);
    Ok(())
}

/// An item that was never published, with its content.
struct New {
    fact: Fact,
    /// Whether it is the first of its key, and so no duplicate.
    is_first: bool,
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
