//! Tickets: one for each session.

use super::{
    base::{Base, Fill as _},
    due::Subject,
    index::Item,
    processor::Project,
    record::{Holds, Place},
    session::{Session, State},
    texts,
};
use crate::{
    mapping::Mapping,
    record_key,
    values::{Object, Value, Values},
};
use hilo_domain::Millis;
use hilo_stream::{Context, ProcessorError};
use std::sync::Arc;

impl Project {
    /// Makes what follows from a session: its ticket, a deal, a digest, tasks.
    pub(super) fn make_session(&mut self, id: &str, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        let Some(session) = self.sessions.get(id.as_bytes())? else {
            return Ok(());
        };
        if session.stale {
            let looked = self.find_first(id)?;
            context.spend(looked)?;
        }
        let config = Arc::clone(&self.config);
        let Some(session) = self.sessions.get(id.as_bytes())? else {
            return Ok(());
        };
        let Some(target) = config.of(&session.tenant) else {
            return Ok(());
        };
        let person = session.person.as_ref().to_owned();
        let person = Some(person.as_str()).filter(|id| !id.is_empty());
        let base = self.base(target, person, |reach| reach.contact_in_sessions, now)?;
        let Some(session) = self.sessions.get(id.as_bytes())?.cloned() else {
            return Ok(());
        };
        let key = record_key(&session.tenant, Object::Ticket, &[id]);
        let mut values = base.values.clone();
        self.ticket_values(id, &session, &base, now, &mut values)?;
        let place = Place {
            tenant: &session.tenant,
            sink: &target.sink,
            object: Object::Ticket,
            key: &key,
            person: base.person.as_deref(),
            mapping: base.mapping,
            trail: &session.trail,
            whose: base.whose.as_deref(),
            test: session.state.as_ref().is_some_and(|state| state.test),
        };
        let is_ticket = session.state.is_some() && base.mapping.policy().tickets;
        let mut told = session.told;
        if is_ticket {
            let holds = Holds::Fields {
                fields: base.mapping.fields(Object::Ticket, &values),
                associations: base.associations(),
                adopt_id: None,
                rule: None,
            };
            self.records.tell(place, holds, context)?;
            told.ticket = true;
        } else if told.ticket {
            self.records.tell(place, Holds::Nothing, context)?;
            told.ticket = false;
        }
        let whole = Made {
            id,
            session: &session,
            base: &base,
            target,
            place,
            values: &values,
            ticket: is_ticket.then_some(key.as_str()),
        };
        told.deal = self.make_opportunity(&whole, context)?;
        told.digest = self.make_digest(&whole, context)?;
        let tasks = self.make_session_tasks(&whole, context)?;
        self.due
            .wake(Subject::Session, id.as_bytes(), breach(&session, base.mapping, now))?;
        if (told != session.told || tasks != session.tasks)
            && let Some(kept) = self.sessions.get_mut(id.as_bytes())?
        {
            kept.told = told;
            kept.tasks = tasks;
        }
        if self.reaches.get(&session.tenant).ticket_in_messages {
            self.reach_from_session(id)?;
        }
        let alarms = session.alarms.iter().map(|key| (Subject::Message, key.to_vec()));
        self.making.extend(alarms);
        Ok(())
    }

    /// What a ticket shows.
    pub(super) fn ticket_values(
        &mut self,
        id: &str,
        session: &Session,
        base: &Base,
        now: Millis,
        values: &mut Values,
    ) -> Result<(), ProcessorError> {
        let Some(state) = &session.state else { return Ok(()) };
        let first_text = match session.first {
            Some((_, message)) => self.text_of(message)?,
            None => None,
        };
        let key = record_key(&session.tenant, Object::Ticket, &[id]);
        values.text("ticket.key", Some(&key));
        values.text("ticket.session_id", Some(id));
        values.text("ticket.first_text", first_text.as_deref());
        state_values(session, state, base, now, values);
        Ok(())
    }

    /// Looks for the first customer message of a session, where the one that was it has left.
    fn find_first(&mut self, id: &str) -> Result<u64, ProcessorError> {
        let items = self.index.of(id)?;
        let mut first = None;
        for key in items.iter().filter_map(Item::message) {
            let counted = self.messages.get(&key)?.and_then(super::message::Message::counted);
            let is_here =
                |counted: &super::message::Counted| counted.customer && counted.session.as_deref() == Some(id);
            if let Some(counted) = counted.filter(is_here) {
                let place = (counted.at, key);
                first = Some(first.map_or(place, |had: (Millis, super::Key)| had.min(place)));
            }
        }
        if let Some(session) = self.sessions.get_mut(id.as_bytes())? {
            session.first = first;
            session.stale = false;
        }
        Ok(items.len() as u64)
    }
}

/// A session whose records are being made.
pub(super) struct Made<'a> {
    pub id: &'a str,
    pub session: &'a Session,
    pub base: &'a Base<'a>,
    pub target: &'a super::config::Target,
    /// Where its ticket is.
    pub place: Place<'a>,
    /// Values of its ticket and of who its person is.
    pub values: &'a Values,
    /// Key of its ticket, where there is one.
    pub ticket: Option<&'a str>,
}

/// When the first response is late, where that lies ahead.
fn breach(session: &Session, mapping: &Mapping, now: Millis) -> Option<Millis> {
    let (started, stopped) = session.state.as_ref()?.first_response?;
    let target = mapping.policy().first_response_target?;
    // Late is what comes after the last instant.
    let late = started + target * 1_000 + 1;
    (stopped.is_none() && late > now).then_some(late)
}

fn state_values(session: &Session, state: &State, base: &Base, now: Millis, values: &mut Values) {
    let subject = format!("{} · {}", base.called, base.mapping.day(state.opened_at));
    values.text("ticket.subject", Some(&subject));
    values.text("ticket.conversation_id", state.conversation.as_deref());
    values.text("ticket.channel", Some("whatsapp"));
    values.text("ticket.number", state.number.as_deref());
    values.text("ticket.status", Some(state.status()));
    values.time("ticket.opened_at", Some(state.opened_at));
    values.text("ticket.opened_by", Some(&state.opened_by));
    values.time("ticket.closed_at", state.closed_at);
    for (name, text) in [
        ("ticket.close_reason", &state.close_reason),
        ("ticket.reason", &state.reason),
        ("ticket.queue", &state.queue),
        ("ticket.agent", &state.agent),
        ("ticket.bot", &state.bot),
        ("ticket.outcome", &state.outcome),
    ] {
        values.text(name, text.as_deref());
    }
    values.list("ticket.tags", session.tags.keys().map(|tag| tag.as_ref().to_owned()));
    if let Some(before) = &state.reopens {
        values.text(
            "ticket.reopens",
            Some(&record_key(&session.tenant, Object::Ticket, &[before])),
        );
    }
    if let Some((started, Some(stopped))) = state.first_response {
        values.time("ticket.first_response_at", Some(stopped));
        values.number("ticket.first_response_seconds", texts::seconds(stopped - started));
    }
    if let Some(target) = base.mapping.policy().first_response_target {
        values.number("ticket.sla_target_seconds", target);
        let started = state.first_response.map(|(started, _)| started);
        values.time("ticket.sla_due_at", started.map(|at| at + target * 1_000));
        if let Some(met) = state.sla_met(target * 1_000, now) {
            values.insert("ticket.sla_met", Value::Flag(met));
        }
    }
    if let Some(handling) = state.handling {
        values.number("ticket.handling_seconds", texts::seconds(handling));
    }
    for rating in &state.ratings {
        let (score, scale) = match &*rating.instrument {
            "csat" => ("ticket.csat", "ticket.csat_scale"),
            "ces" => ("ticket.ces", "ticket.ces_scale"),
            _ => continue,
        };
        values.number(score, &rating.score);
        values.number(scale, &rating.scale);
    }
    values.time("ticket.rated_at", state.ratings.iter().map(|rating| rating.at).max());
    values.number("ticket.messages", session.messages);
}
