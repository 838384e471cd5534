//! Occurrences of items that no longer hold. A [`Forget`] removes its item, follows it by the moves of the identity graph, and
//! waits for an item that has not arrived yet.

use super::{Conversation, NO_NUMBER, Whose, answers, answers::Touched, find, moves, sign, thread, unsign};
use crate::{event::Event, person::Person};
use hilo_contracts::item::{Forget, Move, PersonRecord};
use hilo_domain::Millis;
use hilo_stream::{Context, ProcessorError};

/// Whether an event is the one that no longer holds.
pub(super) fn is_gone(event: &Event, gone: &Forget) -> bool {
    *event.key == *gone.key && event.at == gone.at && event.fingerprint == gone.fingerprint
}

/// Sends on the records whose items belong to another person now.
pub(super) fn send_waiting(person: &mut Person, moved: &Move, context: &mut Context) -> Result<(), ProcessorError> {
    let goes = |gone: &mut Forget| moved.takes(gone.atom, gone.at, gone.version);
    for gone in person.forgotten.extract_if(.., goes) {
        send_after(gone, moved, context)?;
    }
    Ok(())
}

fn send_after(gone: Forget, moved: &Move, context: &mut Context) -> Result<(), ProcessorError> {
    let gone = Forget {
        version: moved.version,
        ..gone
    };
    moves::send_on(gone.at, &PersonRecord::Forget(gone), moved, context)
}

impl Conversation {
    pub(super) fn forget(
        &mut self,
        person_id: &str,
        forget: &Forget,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let person = self.people.get_or_insert_with(person_id.as_bytes(), Person::default)?;
        let whose = Whose {
            person: person_id,
            number: NO_NUMBER,
        };
        let gone = |event: &Event| is_gone(event, forget);
        let Some((number, place)) = find(person, &mut self.segments, whose, forget.at, gone, context)? else {
            return match person.moved_to(forget.atom, forget.at, forget.version) {
                Some(moved) => send_after(forget.clone(), moved, context),
                None => {
                    person.forgotten.push(forget.clone());
                    Ok(())
                }
            };
        };
        let (thread, mut chain) = thread(person, &mut self.segments, person_id, &number);
        let event = thread.remove(place, &mut chain)?;
        unsign(person_id, &event, context)?;
        // The ledger knows signs by key: the occurrence that holds signs again.
        let same = |had: &Event| *had.key == *forget.key;
        if event.signed
            && let Some((number, place)) = find(person, &mut self.segments, whose, Millis::MIN, same, context)?
        {
            let (thread, mut chain) = super::thread(person, &mut self.segments, person_id, &number);
            sign(person_id, thread.event_mut(place, &mut chain)?, context)?;
        }
        let whose = Whose {
            number: &number,
            ..whose
        };
        answers::note_word(&mut self.named, whose, &event, false)?;
        let since = self.refold(whose, place, place.at, None, context)?;
        self.tidy(whose, &[place.at], context)?;
        self.judge_again(whose, &[Touched::by_all(&event)], context)?;
        self.settle(person_id, since, context)
    }
}
