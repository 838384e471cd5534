//! The timeline: an entry for each message.

use super::{
    Key,
    base::Fill as _,
    facts::message_key,
    message::{By, Message},
    processor::Project,
    record::{Holds, Place, belongs_to},
    tasks::Told,
    texts,
};
use crate::{
    mapping::{Language, Timeline},
    record_key,
    values::{Object, Values},
};
use hilo_domain::Millis;
use hilo_stream::{Context, ProcessorError};
use std::sync::Arc;

/// A message as somebody reads it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub at: Millis,
    pub inbound: bool,
    pub kind: String,
    pub author: String,
    pub agent: Option<String>,
    pub template: Option<String>,
    pub campaign: Option<String>,
    pub body: String,
    pub session: Option<String>,
    pub conversation: Option<String>,
}

impl Message {
    /// As somebody reads it; `edited` is what its last edit says. None for what is no entry of a timeline.
    fn shown(&self, edited: Option<&super::said::Said>, language: Language) -> Option<Shown> {
        let counted = self.counted()?;
        let owned = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        let Some(main) = self.main() else {
            // A send whose line has not come, or is told by its confirmation only.
            let sent = self.sent.as_ref()?;
            let template = sent.template.as_ref().map(|template| template.name.as_ref());
            return Some(Shown {
                at: counted.at,
                inbound: false,
                kind: sent.kind.as_ref().to_owned(),
                author: sent.author.as_ref().to_owned(),
                agent: owned(&sent.agent),
                template: template.map(str::to_owned),
                campaign: owned(&sent.campaign),
                body: texts::body(&sent.kind, template, None, language),
                session: None,
                conversation: None,
            });
        };
        let said = edited.or_else(|| self.said());
        // A history that tells no content tells nothing.
        if main.by == By::History && (main.is_stand_in() || said.is_none_or(super::said::Said::is_empty)) {
            return None;
        }
        let template = main.template.as_ref().map(|template| template.name.as_ref());
        let kind = edited.and_then(|edit| edit.subtype.as_deref()).unwrap_or(&main.kind);
        let body = if self.revocations.is_empty() {
            texts::body(kind, template, said, language)
        } else {
            format!("[{}]", texts::kind("revoked", language))
        };
        Some(Shown {
            at: counted.at,
            inbound: counted.inbound,
            kind: main.kind.as_ref().to_owned(),
            author: if counted.inbound { "customer" } else { &main.author }.to_owned(),
            agent: owned(&main.agent).filter(|_| !counted.inbound),
            template: template.map(str::to_owned),
            campaign: owned(&main.campaign),
            body,
            session: counted.session.map(|id| id.as_ref().to_owned()),
            conversation: owned(&main.conversation),
        })
    }

    /// What became of it: only sends become something.
    fn status(&self) -> Option<&str> {
        let main = self.main();
        if main.is_some_and(|main| main.inbound) {
            return None;
        }
        let told = self.sent.as_ref().and_then(|sent| sent.status.as_deref());
        let is_accepted = main.is_none_or(|main| main.by != By::History);
        told.or(is_accepted.then_some("accepted"))
    }
}

impl Project {
    /// A message as somebody reads it now: with its last edit.
    pub(super) fn shown(&mut self, key: Key, language: Language) -> Result<Option<Shown>, ProcessorError> {
        let Some(message) = self.messages.get(&key)? else {
            return Ok(None);
        };
        let edit = message.edits.last().map(|(_, id)| message_key(&message.tenant, id));
        let edited = match edit {
            Some(edit) => self.messages.get(&edit)?.and_then(Message::new_text).cloned(),
            None => None,
        };
        let message = self.messages.get(&key)?;
        Ok(message.and_then(|message| message.shown(edited.as_ref(), language)))
    }

    /// Text of a message, where it has one and still has it.
    pub(super) fn text_of(&mut self, key: Key) -> Result<Option<String>, ProcessorError> {
        let Some(message) = self
            .messages
            .get(&key)?
            .filter(|message| message.revocations.is_empty())
        else {
            return Ok(None);
        };
        let edit = message.edits.last().map(|(_, id)| message_key(&message.tenant, id));
        let text = |said: Option<&super::said::Said>| said?.text.as_deref().map(str::to_owned);
        let own = text(message.said());
        match edit {
            Some(edit) => Ok(text(self.messages.get(&edit)?.and_then(Message::new_text)).or(own)),
            None => Ok(own),
        }
    }

    /// Makes what follows from a message: its entry of the timeline, and tasks.
    pub(super) fn make_message(&mut self, key: Key, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        let config = Arc::clone(&self.config);
        let Some(message) = self.messages.get(&key)? else {
            return Ok(());
        };
        let Some(target) = config.of(&message.tenant) else {
            return Ok(());
        };
        let counted = message.counted();
        let person = counted
            .as_ref()
            .and_then(|counted| counted.person.as_deref())
            .map(str::to_owned);
        let base = self.base(target, person.as_deref(), |reach| reach.contact_in_messages, now)?;
        let shown = self.shown(key, base.mapping.policy().language)?;
        let session = shown.as_ref().and_then(|shown| shown.session.clone());
        let ticket = match &session {
            Some(session) if base.mapping.policy().tickets => self.live_ticket(session)?,
            _ => None,
        };
        let Some(message) = self.messages.get(&key)?.cloned() else {
            return Ok(());
        };
        let mut of_ticket = Values::new();
        if let Some(session) = session.as_ref().filter(|_| ticket.is_some()) {
            if self.reaches.get(&message.tenant).ticket_in_messages {
                if let Some(known) = self.sessions.get(session.as_bytes())?.cloned() {
                    self.ticket_values(session, &known, &base, now, &mut of_ticket)?;
                }
            } else {
                // Only what never changes: else each turn of a session would make all of its entries anew.
                of_ticket.text("ticket.key", ticket.as_deref());
                of_ticket.text("ticket.session_id", Some(session));
                of_ticket.text("ticket.channel", Some("whatsapp"));
                let conversation = shown.as_ref().and_then(|shown| shown.conversation.as_deref());
                of_ticket.text("ticket.conversation_id", conversation);
            }
        }
        let record = record_key(&message.tenant, Object::Communication, &[&message.id]);
        let place = Place {
            tenant: &message.tenant,
            sink: &target.sink,
            object: Object::Communication,
            key: &record,
            person: base.person.as_deref(),
            mapping: base.mapping,
            trail: &message.trail,
            whose: base.whose.as_deref(),
            test: counted.as_ref().is_some_and(|counted| counted.test),
        };
        let is_wanted = base.mapping.policy().timeline == Timeline::Messages && base.contact.is_some();
        let entry = shown.as_ref().filter(|_| is_wanted);
        if let Some(shown) = entry {
            let mut associations = base.associations();
            associations.extend(ticket.clone().map(|ticket| belongs_to(Object::Ticket, ticket)));
            let mut values = base.values.clone();
            values.extend(of_ticket.clone());
            entry_values(&record, shown, &message, &mut values);
            let holds = Holds::Fields {
                fields: base.mapping.fields(Object::Communication, &values),
                associations,
                adopt_id: None,
                rule: None,
            };
            self.records.tell(place, holds, context)?;
        } else if message.told {
            self.records.tell(place, Holds::Nothing, context)?;
        }
        let told = entry.is_some();
        let tasks = {
            let cause = Told {
                key,
                message: &message,
                base: &base,
                place,
                ticket: ticket.as_deref(),
                values: &of_ticket,
                session: session.as_deref(),
            };
            self.make_message_tasks(&cause, now, context)?
        };
        if (told != message.told || tasks != message.tasks)
            && let Some(kept) = self.messages.get_mut(&key)?
        {
            kept.told = told;
            kept.tasks = tasks;
        }
        Ok(())
    }

    /// Key of the ticket of a session, where the session is one that holds.
    fn live_ticket(&mut self, session: &str) -> Result<Option<String>, ProcessorError> {
        let known = self.sessions.get(session.as_bytes())?;
        let live = known.filter(|known| known.state.is_some());
        Ok(live.map(|known| record_key(&known.tenant, Object::Ticket, &[session])))
    }
}

fn entry_values(key: &str, shown: &Shown, message: &Message, values: &mut Values) {
    values.text("communication.key", Some(key));
    values.time("communication.at", Some(shown.at));
    let direction = if shown.inbound { "inbound" } else { "outbound" };
    values.text("communication.direction", Some(direction));
    values.text("communication.type", Some(&shown.kind));
    values.text("communication.body", Some(&shown.body));
    values.text("communication.author", Some(&shown.author));
    values.text("communication.agent", shown.agent.as_deref());
    values.text("communication.template", shown.template.as_deref());
    values.text("communication.campaign", shown.campaign.as_deref());
    values.text("communication.status", message.status());
    let failed = message.sent.as_ref().and_then(|sent| sent.error.as_deref());
    values.text("communication.error", failed.filter(|_| !shown.inbound));
    values.text("communication.conversation_id", shown.conversation.as_deref());
}
