//! The processor: facts in, rows out.

use crate::{
    account::{Observed, Owned},
    members::Sent,
    notes::Note,
    people::Person,
    profiles::Profiles,
    publish,
    replies::Replies,
    rows::Rows,
    sessions::Known,
    windows::Zones,
};
use hilo_contracts::{
    capture,
    codec::{self, AvroCodec, Codec},
    facts::{Account, Conversation, Identity, Metric, Status},
    topics,
};
use hilo_domain::{Millis, hash::IdHasher};
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Timers, Verdict};

/// Key of the one entry of a store that has one.
const ONLY: &[u8] = b"";

/// See the crate's documentation.
pub struct Metrics {
    pub(crate) zones: Zones,
    pub(crate) rows: Rows,
    /// Rows to publish: at the next tick, or when they become final.
    pub(crate) due: Timers,
    pub(crate) profiles: Profiles,
    pub(crate) people: Store<Person>,
    pub(crate) sends: Store<Sent>,
    pub(crate) replies: Store<Replies>,
    pub(crate) sessions: Store<Known>,
    pub(crate) notes: Store<Note>,
    pub(crate) observations: Store<Observed>,
    pub(crate) owned: Store<Owned>,
    now: Store<Millis>,
    /// Units of work of the record in hand.
    pub(crate) work: u64,
    identity: AvroCodec<Identity>,
    conversation: AvroCodec<Conversation>,
    status: AvroCodec<Status>,
    account: AvroCodec<Account>,
    metric: AvroCodec<Metric>,
}

impl Processor for Metrics {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        self.work = 0;
        match record.topic {
            topics::STATUS => {
                let fact = decode(&self.status, record)?;
                self.status(&record.key, &fact)?;
            }
            topics::CONVERSATION => {
                let fact = decode(&self.conversation, record)?;
                self.conversation(&fact)?;
            }
            topics::IDENTITY => {
                let fact = decode(&self.identity, record)?;
                self.identity(&fact)?;
            }
            topics::ACCOUNT => {
                let fact = decode(&self.account, record)?;
                self.account(&fact)?;
            }
            _ => return Ok(Verdict::Drop("not_a_fact")),
        }
        context.spend(self.work)?;
        Ok(Verdict::Done)
    }

    fn tick(&mut self, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        let rows = self.publish(now)?;
        for row in rows {
            let value = self.metric.encode(&row).map_err(ProcessorError::contract)?;
            context.send(topics::METRIC, key(&row), now, value);
        }
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![
            &mut self.rows,
            &mut self.due,
            &mut self.profiles,
            &mut self.people,
            &mut self.sends,
            &mut self.replies,
            &mut self.sessions,
            &mut self.notes,
            &mut self.observations,
            &mut self.owned,
            &mut self.now,
        ]
    }
}

fn decode<T>(codec: &impl Codec<T>, record: &Record) -> Result<T, ProcessorError> {
    codec.decode(&record.value).map_err(ProcessorError::contract)
}

/// Key of a row on its topic: the topic is compacted by it.
fn key(row: &Metric) -> Vec<u8> {
    let mut hasher = IdHasher::new("metric");
    hasher
        .update(row.tenant.as_bytes())
        .update(row.metric.as_bytes())
        .update(row.definition.as_bytes());
    if let Some(window) = row.window {
        hasher
            .update(&window.start.to_le_bytes())
            .update(&window.end.to_le_bytes());
    }
    for dimension in &row.dimensions {
        hasher
            .update(dimension.name.as_bytes())
            .update(dimension.value.as_bytes());
    }
    hasher.bytes().to_vec()
}

impl Metrics {
    pub(crate) fn new(zones: Zones) -> Self {
        Self {
            zones,
            rows: Rows::new(),
            due: Timers::new("due"),
            profiles: Profiles::new(),
            people: Store::new("people"),
            sends: Store::new("sends"),
            replies: Store::new("replies"),
            sessions: Store::new("sessions"),
            notes: Store::new("notes"),
            observations: Store::new("observations"),
            owned: Store::new("owned"),
            now: Store::new("now"),
            work: 0,
            identity: codec::identity(),
            conversation: codec::conversation(),
            status: codec::status(),
            account: codec::account(),
            metric: codec::metric(),
        }
    }

    /// Rows whose content changed since they were published, or that are final by now.
    fn publish(&mut self, now: Millis) -> Result<Vec<Metric>, ProcessorError> {
        let now = self.see(now)?;
        let mut out = Vec::new();
        for (_, id) in self.due.due(now) {
            let Some(sums) = self.rows.due(&id)? else { continue };
            sums.dirty = false;
            publish::publish(sums, now, &mut out);
            if let Some(from) = sums.final_from().filter(|from| *from > now) {
                self.due.schedule(&id, from)?;
            }
        }
        Ok(out)
    }

    /// A fact has come. A time that its own receipt contradicts is no time for the others.
    pub(crate) fn see_fact(&mut self, event_time: Millis, received_at: Millis) -> Result<(), ProcessorError> {
        if capture::counts(event_time, received_at) {
            self.see(event_time)?;
        }
        Ok(())
    }

    /// The greatest event time seen.
    fn see(&mut self, at: Millis) -> Result<Millis, ProcessorError> {
        let had = self.now.get(ONLY)?.copied().unwrap_or(Millis::MIN);
        if at > had {
            self.now.put(ONLY, at);
        }
        Ok(had.max(at))
    }
}
