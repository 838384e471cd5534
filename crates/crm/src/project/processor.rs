//! The processor: its stores, and what runs when.

use super::{
    Key,
    config::Config,
    deal::Deal,
    due::{Due, Marked, Subject},
    event::Event,
    index::Index,
    message::Message,
    person::Person,
    reach::Reaches,
    record::Records,
    session::Session,
};
use hilo_contracts::{
    codec::{self, AvroCodec, Codec},
    facts::{Consent, Conversation, Identity, Status},
    topics,
};
use hilo_domain::Millis;
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Verdict};
use std::{collections::BTreeSet, sync::Arc};

/// See the module.
pub struct Project {
    pub(super) config: Arc<Config>,
    pub(super) people: Store<Person>,
    pub(super) sessions: Store<Session>,
    pub(super) messages: Store<Message>,
    pub(super) events: Store<Event>,
    pub(super) deals: Store<Deal>,
    pub(super) index: Index,
    pub(super) records: Records,
    pub(super) due: Due,
    /// What is being made: what turns out to be concerned joins it.
    pub(super) making: BTreeSet<Marked>,
    /// What the mappings ask for.
    pub(super) reaches: Reaches,
    /// Hash of the configuration.
    pub(super) made_by: Key,
    identity: AvroCodec<Identity>,
    conversation: AvroCodec<Conversation>,
    status: AvroCodec<Status>,
    consent: AvroCodec<Consent>,
}

impl Processor for Project {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let config = Arc::clone(&self.config);
        let Some(target) = codec::tenant_of(&record.value).and_then(|tenant| config.of(tenant)) else {
            return Ok(Verdict::Done);
        };
        match record.topic {
            topics::CONVERSATION => {
                let fact = decode(&self.conversation, record)?;
                self.conversation(&fact, target, context)?;
            }
            topics::STATUS => {
                let fact = decode(&self.status, record)?;
                self.status(&fact)?;
            }
            topics::IDENTITY => {
                let fact = decode(&self.identity, record)?;
                self.identity(&fact, context)?;
            }
            topics::CONSENT => {
                let fact = decode(&self.consent, record)?;
                self.consent(&fact)?;
            }
            _ => return Ok(Verdict::Drop("not_a_fact")),
        }
        if self.due.is_enough()? {
            self.make(None, context)?;
        }
        Ok(Verdict::Done)
    }

    fn tick(&mut self, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        if self.config.is_empty() {
            return Ok(());
        }
        let reached = self.due.now()?.max(now);
        self.look_at_configuration(reached)?;
        self.make(Some(now), context)
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        let [index, pages] = self.index.stores();
        let [due, clock] = self.due.stores();
        vec![
            &mut self.people,
            &mut self.sessions,
            &mut self.messages,
            &mut self.events,
            &mut self.deals,
            index,
            pages,
            self.records.store(),
            due,
            clock,
        ]
    }
}

fn decode<T>(codec: &impl Codec<T>, record: &Record) -> Result<T, ProcessorError> {
    codec.decode(&record.value).map_err(ProcessorError::contract)
}

impl Project {
    pub(super) fn new(config: Arc<Config>) -> Self {
        Self {
            reaches: Reaches::of(&config),
            made_by: config.hash(),
            config,
            people: Store::new("people"),
            sessions: Store::new("sessions"),
            messages: Store::new("messages"),
            events: Store::new("events"),
            deals: Store::new("deals"),
            index: Index::new(),
            records: Records::new(),
            due: Due::new(),
            making: BTreeSet::new(),
            identity: codec::identity(),
            conversation: codec::conversation(),
            status: codec::status(),
            consent: codec::consent(),
        }
    }

    /// Makes the records of all that is marked, and with a tick of what is due by time.
    fn make(&mut self, tick: Option<Millis>, context: &mut Context) -> Result<(), ProcessorError> {
        self.making = self.due.take(tick)?;
        let now = self.due.now()?;
        context.spend(self.making.len() as u64)?;
        while let Some((subject, id)) = self.making.pop_first() {
            match subject {
                Subject::Person => self.make_contact(&text(id), now, context)?,
                Subject::Session => self.make_session(&text(id), now, context)?,
                Subject::Deal => self.make_deal(&id, now, context)?,
                Subject::Message => {
                    if let Ok(key) = Key::try_from(id.as_slice()) {
                        self.make_message(key, now, context)?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn text(id: Vec<u8>) -> String {
    String::from_utf8(id).unwrap_or_default()
}
