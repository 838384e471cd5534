//! The identity graph gives items of a person to somebody else: they are taken out of their threads and sent on.

use super::{Conversation, Place, Whose, answers, answers::Touched, fates, forgotten, unsign};
use crate::{
    event::Event,
    person::Person,
    thread::{At, Chain},
};
use hilo_contracts::{
    item::{Follow, MessageRecord, Move, PersonRecord},
    keys, topics,
};
use hilo_domain::Millis;
use hilo_stream::{
    Context, ProcessorError,
    wire::{self, Encoded},
};

/// Messages that a person is followed for, in one entry.
const FOLLOWED_PAGE: usize = 64;

impl Conversation {
    /// The graph says that these items are somebody else's.
    pub(super) fn move_away(
        &mut self,
        person_id: &str,
        moved: &Move,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let person = self.people.get_or_insert_with(person_id.as_bytes(), Person::default)?;
        let mut gone: Vec<(String, Event)> = Vec::new();
        let mut touched: Vec<(String, Place, Vec<At>)> = Vec::new();
        let wanted = |event: &Event| moved.takes(event.atom, event.at, event.version);
        for (number, thread) in &mut person.threads {
            let mut chain = Chain {
                segments: &mut self.segments,
                person: person_id,
                number,
            };
            let mut places: Vec<At> = Vec::new();
            let mut seen = 0;
            thread.back(&mut chain, context, |at, segment| {
                seen += segment.events.len();
                if segment.events.iter().any(wanted) {
                    places.push(at);
                }
                // Earlier ones are not meant.
                let first = segment.events.first();
                first.zip(moved.from).is_none_or(|(first, from)| first.at >= from)
            })?;
            context.spend(seen as u64)?;
            places.reverse();
            let mut earliest = None;
            for at in &places {
                let Some((index, events)) = thread.extract(*at, wanted, &mut chain)? else {
                    continue;
                };
                earliest.get_or_insert(Place { at: *at, index });
                gone.extend(events.into_iter().map(|event| (number.clone(), event)));
            }
            touched.extend(earliest.map(|earliest| (number.clone(), earliest, places)));
        }
        forgotten::send_waiting(person, moved, context)?;
        fates::send_waiting(person, moved, context)?;
        let goes = |followed: &Follow| moved.takes(followed.atom, followed.at, followed.version);
        for page in 0..person.followed_pages {
            let key = page_of(person_id, page);
            context.spend(1)?;
            if self.followed.get(&key)?.is_some_and(|page| page.iter().any(goes))
                && let Some(page) = self.followed.get_mut(&key)?
            {
                for followed in page.extract_if(.., |followed| goes(followed)) {
                    follow(followed, moved, context)?;
                }
            }
        }
        for followed in person.followed.extract_if(.., |followed| goes(followed)) {
            follow(followed, moved, context)?;
        }
        person.moves.push(moved.clone());
        let mut since = Millis::MAX;
        for (number, place, places) in touched {
            let whose = Whose {
                person: person_id,
                number: &number,
            };
            since = since.min(self.refold(whose, place, None, None, context)?);
            self.tidy(whose, &places, context)?;
            let gone = gone.iter().filter(|(from, _)| *from == number);
            let mut touched = Vec::new();
            for (_, event) in gone {
                answers::note_word(&mut self.named, whose, event, false)?;
                touched.push(Touched::by_all(event));
            }
            self.judge_again(whose, &touched, context)?;
        }
        for (number, event) in gone {
            unsign(person_id, &event, context)?;
            hand_over(&number, event, moved, context)?;
        }
        self.settle(person_id, since, context)
    }

    pub(super) fn follow(
        &mut self,
        person_id: &str,
        followed: Follow,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let person = self.people.get_or_insert_with(person_id.as_bytes(), Person::default)?;
        if let Some(moved) = person.moved_to(followed.atom, followed.at, followed.version) {
            return follow(followed, moved, context);
        }
        person.followed.push(followed);
        // So that the person's entry does not grow with the messages.
        if person.followed.len() >= FOLLOWED_PAGE {
            let page = std::mem::take(&mut person.followed);
            self.followed.put(&page_of(person_id, person.followed_pages), page);
            person.followed_pages += 1;
        }
        Ok(())
    }
}

/// Key of a page of what a person is followed for.
fn page_of(person_id: &str, page: u32) -> Vec<u8> {
    [person_id.as_bytes(), &[0], &page.to_be_bytes()].concat()
}

/// Only statuses describe this message: sends it on, and sends the status processor its new person.
fn follow(followed: Follow, moved: &Move, context: &mut Context) -> Result<(), ProcessorError> {
    let (tenant, message_id, at) = (&followed.tenant, &followed.message_id, followed.at);
    tell_message((tenant, message_id), (at, followed.fingerprint), moved, context)?;
    let followed = Follow {
        version: moved.version,
        ..followed
    };
    send_on(at, &PersonRecord::Follow(followed), moved, context)
}

/// Sends a record to the person of a move.
pub(super) fn send_on(
    at: Millis,
    record: &PersonRecord,
    moved: &Move,
    context: &mut Context,
) -> Result<(), ProcessorError> {
    let to = moved.to_person.as_bytes();
    context.send(topics::PERSON_ITEM, to, at, wire::encode(record)?);
    Ok(())
}

/// Sends the status processor the new person of one item of a message: the one of this time and content.
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

/// Sends an item on, and sends the status processor its new person.
pub(super) fn hand_over(number: &str, event: Event, moved: &Move, context: &mut Context) -> Result<(), ProcessorError> {
    let at = event.at;
    let described = event.described()?;
    if let Some(message_id) = &described.message_id {
        tell_message((&described.tenant, message_id), (at, event.fingerprint), moved, context)?;
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
        event: Encoded::of(&event)?.into_bytes(),
    };
    send_on(at, &record, moved, context)
}
