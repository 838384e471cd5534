//! What became of the sends of a person: it comes after them as what is to be forgotten does, and waits for them where it is
//! there first.

use super::{Conversation, NO_NUMBER, Whose, answers::Touched, find, moves, thread};
use crate::{event::Event, person::Person};
use hilo_contracts::item::{Fate, Move, PersonRecord};
use hilo_stream::{Context, ProcessorError};

/// Whether it is the event's.
fn is_of(fate: &Fate, event: &Event) -> bool {
    (fate.at, fate.fingerprint) == (event.at, event.fingerprint)
}

/// Gives an event that came what became of it already.
pub(super) fn take_waiting(person: &mut Person, event: &mut Event) {
    while let Some(place) = person.fates.iter().position(|fate| is_of(fate, event)) {
        let fate = person.fates.swap_remove(place);
        event.take(fate.revision, fate.became);
    }
}

/// An event that no longer holds came: nothing is to be known of it.
pub(super) fn drop_waiting(person: &mut Person, event: &Event) {
    person.fates.retain(|fate| !is_of(fate, event));
}

/// Sends what waits after its events, which belong to somebody else.
pub(super) fn send_waiting(person: &mut Person, moved: &Move, context: &mut Context) -> Result<(), ProcessorError> {
    let goes = |fate: &mut Fate| moved.takes(fate.atom, fate.at, fate.version);
    for fate in person.fates.extract_if(.., goes) {
        send_after(fate, moved, context)?;
    }
    Ok(())
}

fn send_after(fate: Fate, moved: &Move, context: &mut Context) -> Result<(), ProcessorError> {
    let fate = Fate {
        version: moved.version,
        ..fate
    };
    moves::send_on(fate.at, &PersonRecord::Fate(fate), moved, context)
}

impl Conversation {
    pub(super) fn fate(&mut self, person_id: &str, fate: Fate, context: &mut Context) -> Result<(), ProcessorError> {
        let person = self.people.get_or_insert_with(person_id.as_bytes(), Person::default)?;
        let whose = Whose {
            person: person_id,
            number: NO_NUMBER,
        };
        let is_its = |event: &Event| is_of(&fate, event);
        let Some((number, place)) = find(person, &mut self.segments, whose, fate.at, is_its, context)? else {
            if let Some(moved) = person.moved_to(fate.atom, fate.at, fate.version) {
                return send_after(fate, moved, context);
            }
            let Some(trace) = fate.trace.as_deref() else {
                person.fates.push(fate);
                return Ok(());
            };
            let event = Event::of_trace(&fate, trace)?;
            let whose = Whose {
                number: trace.phone_number_id.as_deref().unwrap_or(NO_NUMBER),
                ..whose
            };
            return self.place(whose, &trace.tenant, None, event, None, context);
        };
        let (thread, mut chain) = thread(person, &mut self.segments, person_id, &number);
        let event = thread.event_mut(place, &mut chain)?;
        let before = event.became();
        if !event.take(fate.revision, fate.became) {
            return Ok(());
        }
        let touched = Touched::by(event, before);
        thread.spread(fate.at, fate.became);
        let whose = Whose {
            number: &number,
            ..whose
        };
        if before.failed != fate.became.failed {
            let since = self.refold(whose, place, place.at, None, context)?;
            self.settle(person_id, since, context)?;
        }
        self.judge_again(whose, &[touched], context)
    }
}
