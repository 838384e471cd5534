//! Outcomes of the sends of a person. A fate follows its event by the moves of the identity graph, and waits for an event that
//! has not arrived yet.

use super::{Conversation, NO_NUMBER, Whose, answers::Touched, find, moves, thread};
use crate::{event::Event, person::Person};
use hilo_contracts::item::{Fate, Move, PersonRecord};
use hilo_stream::{Context, ProcessorError};

/// Whether a fate belongs to an event.
fn is_of(fate: &Fate, event: &Event) -> bool {
    (fate.at, fate.fingerprint) == (event.at, event.fingerprint)
}

/// Applies the fates that waited for an event.
pub(super) fn take_waiting(person: &mut Person, event: &mut Event) {
    while let Some(place) = person.fates.iter().position(|fate| is_of(fate, event)) {
        let fate = person.fates.swap_remove(place);
        event.take(fate.revision, fate.became);
    }
}

/// Removes the fates that waited for an event which no longer holds.
pub(super) fn drop_waiting(person: &mut Person, event: &Event) {
    person.fates.retain(|fate| !is_of(fate, event));
}

/// Sends on the fates whose events belong to another person now.
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
