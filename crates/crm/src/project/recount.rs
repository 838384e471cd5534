//! What a message or call adds to the sums of its person and session, and what it takes with it when it leaves.

use super::{
    Key,
    due::Subject,
    event::Event,
    index::Item,
    message::Counted,
    person::{Person, Sums},
    processor::Project,
    session::Mark,
};
use hilo_contracts::facts::{Conversation, Status};
use hilo_domain::Millis;
use hilo_stream::{ProcessorError, StoreError};

type Done = Result<(), ProcessorError>;

/// The fact that changes sums.
pub(super) struct Cause<'a> {
    tenant: &'a str,
    event_id: &'a str,
    at: Millis,
    received: Millis,
}

impl<'a> Cause<'a> {
    pub(super) fn of_conversation(fact: &'a Conversation) -> Self {
        Self {
            tenant: &fact.tenant,
            event_id: &fact.event_id,
            at: fact.event_time,
            received: fact.ingest_time,
        }
    }

    pub(super) fn of_status(fact: &'a Status) -> Self {
        Self {
            tenant: &fact.tenant,
            event_id: &fact.event_id,
            at: fact.event_time,
            received: fact.ingest_time,
        }
    }
}

impl Counted {
    /// What its person's sums see of it.
    fn for_person(&self) -> impl PartialEq + '_ {
        let kind = (self.inbound, self.customer, self.live, self.template, self.test);
        (&self.person, self.at, kind, self.window, &self.language)
    }

    /// What its session sees of it.
    fn for_session(&self) -> impl PartialEq + '_ {
        (&self.session, self.at, self.customer, self.mark([0; 16]))
    }

    fn owner(&self) -> Option<&str> {
        self.session.as_deref().or(self.person.as_deref())
    }

    fn mark(&self, message: Key) -> Option<Mark> {
        (self.ad.is_some() || self.token.is_some()).then_some(Mark {
            at: self.at,
            message,
            by_ad: self.ad.is_some(),
        })
    }
}

impl Person {
    fn leave(&mut self, message: Key, counted: &Counted) {
        self.stale |= self.sums.leave(message, counted);
        if counted.customer {
            self.stale |= self.watches.iter().any(|watch| watch.answered == Some(counted.at));
        }
        if counted.template {
            self.watch(counted.at, message, false);
        }
    }

    /// Gives the sends whose first answer it is.
    fn enter(&mut self, message: Key, counted: &Counted) -> Vec<Key> {
        if counted.template {
            self.watch(counted.at, message, true);
        }
        self.sums.enter(message, counted);
        if counted.customer {
            return Sums::answer(&mut self.watches, counted.at);
        }
        Vec::new()
    }
}

impl Project {
    /// A message counts as something else than before.
    pub(super) fn recount(
        &mut self,
        key: Key,
        before: Option<&Counted>,
        after: Option<&Counted>,
        cause: &Cause,
    ) -> Done {
        if before == after {
            return Ok(());
        }
        let owner = |counted: Option<&Counted>| counted.and_then(Counted::owner).map(str::to_owned);
        if owner(before) != owner(after)
            && let Some(owner) = owner(after)
        {
            self.index.add(&owner, Item::Message(key))?;
        }
        // The session first: whether a token counts is for it to say.
        if before.map(Counted::for_session) != after.map(Counted::for_session) {
            for (counted, is_here) in [(before, false), (after, true)] {
                if let Some(counted) = counted {
                    self.count_in_session(key, counted, is_here, cause)?;
                }
            }
        }
        if before.map(Counted::for_person) != after.map(Counted::for_person) {
            for (counted, is_here) in [(before, false), (after, true)] {
                if let Some(counted) = counted {
                    self.count_in_person(key, counted, is_here, cause)?;
                }
            }
        }
        let touch = |counted: Option<&Counted>| {
            let counted = counted.filter(|counted| counted.ad.is_some() || counted.token.is_some())?;
            Some((counted.person.as_deref()?.to_owned(), counted.at))
        };
        if let Some((person, at)) = touch(before)
            && touch(after).is_none_or(|now| now != (person.clone(), at))
        {
            self.touch(&person, (at, key), false)?;
        }
        if let Some((person, at)) = touch(after)
            && let Some(counted) = after
        {
            let counts = counted.ad.is_some() || self.is_first_text(counted)?;
            self.touch(&person, (at, key), counts)?;
            // The same touch may say something else by now.
            if before.is_some_and(|before| (&before.ad, &before.token) != (&counted.ad, &counted.token)) {
                self.due.changed(Subject::Person, person.as_bytes())?;
                self.refresh_deals(&person)?;
            }
        }
        Ok(())
    }

    fn count_in_person(&mut self, key: Key, counted: &Counted, is_here: bool, cause: &Cause) -> Done {
        let Some(id) = &counted.person else { return Ok(()) };
        let person = self.person(cause.tenant, id)?;
        person.trail.note(cause.event_id, cause.at, cause.received);
        let answered = if is_here {
            person.enter(key, counted)
        } else {
            person.leave(key, counted);
            Vec::new()
        };
        for message in answered {
            self.due.changed(Subject::Message, &message)?;
        }
        Ok(self.due.changed(Subject::Person, id.as_bytes())?)
    }

    fn count_in_session(&mut self, key: Key, counted: &Counted, is_here: bool, cause: &Cause) -> Done {
        let Some(id) = &counted.session else { return Ok(()) };
        let session = self.session(cause.tenant, id, counted.person.as_deref())?;
        session.trail.note(cause.event_id, cause.at, cause.received);
        let place = (counted.at, key);
        if is_here {
            session.messages += 1;
            if counted.customer && session.first.is_none_or(|first| place < first) {
                session.first = Some(place);
            }
        } else {
            session.messages = session.messages.saturating_sub(1);
            session.stale |= session.first == Some(place);
        }
        if let Some(mark) = counted.mark(key) {
            session.mark(mark, is_here);
        }
        Ok(self.due.changed(Subject::Session, id.as_bytes())?)
    }

    /// Whether a message stands where a token counts: at the first customer message of its session.
    fn is_first_text(&mut self, counted: &Counted) -> Result<bool, StoreError> {
        let Some(id) = &counted.session else { return Ok(false) };
        let session = self.sessions.get(id.as_bytes())?;
        let first = session.and_then(|session| session.state.as_ref()?.first_customer_at);
        Ok(first == Some(counted.at))
    }

    /// The first customer message of a session is another one, so other tokens may count.
    pub(super) fn settle_tokens(&mut self, id: &str) -> Done {
        let Some(session) = self.sessions.get(id.as_bytes())? else {
            return Ok(());
        };
        let marks: Vec<(Mark, bool)> = session
            .marked
            .iter()
            .filter(|mark| !mark.by_ad)
            .map(|mark| (mark.clone(), session.counts(mark)))
            .collect();
        for (mark, counts) in marks {
            let message = self.messages.get(&mark.message)?;
            let Some(person) = message.and_then(|message| message.counted()?.person) else {
                continue;
            };
            self.touch(&person, (mark.at, mark.message), counts)?;
        }
        Ok(())
    }

    /// A touch of a person counts, or counts no more.
    fn touch(&mut self, person: &str, touch: (Millis, Key), counts: bool) -> Done {
        let Some(known) = self.people.get_mut(person.as_bytes())? else {
            return Ok(());
        };
        if known.touch(touch, counts) {
            self.due.changed(Subject::Person, person.as_bytes())?;
            self.refresh_deals(person)?;
        }
        Ok(())
    }

    /// A session of a person began to be, ended to be, or opened at another time.
    pub(super) fn recount_session(
        &mut self,
        person: &str,
        before: Option<Millis>,
        after: Option<Millis>,
        fact: &Conversation,
    ) -> Done {
        let known = self.person(&fact.tenant, person)?;
        known.trail.note(&fact.event_id, fact.event_time, fact.ingest_time);
        if let Some(opened) = before {
            known.sessions = known.sessions.saturating_sub(1);
            known.stale |= known.sums.first_seen == Some(opened);
        }
        if let Some(opened) = after {
            known.sessions += 1;
            known.sums.see(opened);
        }
        Ok(self.due.changed(Subject::Person, person.as_bytes())?)
    }

    /// A call opened the window of a person, or did not after all.
    pub(super) fn recount_window(&mut self, key: Key, before: &Event, after: &Event, cause: &Cause) -> Done {
        for (event, is_here) in [(before, false), (after, true)] {
            let (Some(id), Some(_)) = (&event.person, event.window) else {
                continue;
            };
            let person = self.person(cause.tenant, id)?;
            person.trail.note(cause.event_id, cause.at, cause.received);
            if is_here {
                person.sums.window = person.sums.window.max(event.window);
            } else {
                person.stale |= person.sums.window == event.window;
            }
            if is_here && before.person != after.person {
                self.index.add(id, Item::Event(key))?;
            }
            self.due.changed(Subject::Person, id.as_bytes())?;
        }
        Ok(())
    }
}
