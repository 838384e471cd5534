//! The processor `normalize`: raw records in, items, dead letters and unclassified items out.

use crate::{
    envelope, lines,
    outcome::{FanOut, Outcome},
    tenant::Tenant,
};
use hilo_contracts::{
    capture,
    codec::{self, AvroCodec, Codec as _},
    facts::{DeadLetter, Raw, Source, Unclassified},
    item::Position,
    topics,
};
use hilo_domain::{Millis, hash};
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Tallies, Verdict, wire};
use std::{collections::BTreeMap, sync::Arc};

/// See the crate's documentation.
pub struct Normalize {
    /// By name.
    tenants: Arc<BTreeMap<String, Tenant>>,
    /// One of whom the configuration says nothing.
    unknown: Tenant,
    raw: AvroCodec<Raw>,
    dead_letter: AvroCodec<DeadLetter>,
    unclassified: AvroCodec<Unclassified>,
    tallies: Tallies,
}

impl Normalize {
    /// A processor that reads the items of a tenant as the configuration says of it.
    #[must_use]
    pub fn new(tenants: Arc<BTreeMap<String, Tenant>>) -> Self {
        Self {
            tenants,
            unknown: Tenant::default(),
            raw: codec::raw(),
            dead_letter: codec::dead_letter(),
            unclassified: codec::unclassified(),
            tallies: Tallies::default(),
        }
    }
}

impl Processor for Normalize {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let raw = match self.raw.decode(&record.value) {
            Ok(raw) => raw,
            Err(error) => {
                return Ok(Verdict::DeadLetter {
                    reason: UNDECODABLE,
                    detail: error.to_string(),
                });
            }
        };
        context.count("lines", "");
        let FanOut {
            delivery,
            empty,
            advance,
            outcomes,
        } = self.fan_out(&raw);
        if delivery {
            context.count("deliveries", "");
        }
        if empty {
            context.count("empty_deliveries", "");
        }
        // Counted here and, one by one, where their outcomes are decided: that the two agree is the proof.
        if !outcomes.is_empty() {
            self.tallies
                .count(context, &raw.tenant, "fanned_out", "", outcomes.len() as u64)?;
        }
        for outcome in outcomes {
            self.send(&raw, record, outcome, context)?;
        }
        if let Some(now) = advance {
            self.tallies.send(now, context)?;
            context.advance(now);
        }
        Ok(Verdict::Done)
    }

    /// Where time comes from another partition. A clock record of its own sends what was counted, too.
    fn tick(&mut self, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        self.tallies.send(now, context)
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![self.tallies.store()]
    }

    /// A record that was too costly, or on which somebody failed: whole, as one item.
    fn refuse(
        &mut self,
        record: &Record,
        reason: &'static str,
        detail: &str,
        context: &mut Context,
    ) -> Result<bool, ProcessorError> {
        let Ok(raw) = self.raw.decode(&record.value) else {
            return Ok(false);
        };
        context.count("lines", "");
        if raw.source == capture::WHATSAPP {
            context.count("deliveries", "");
        }
        self.tallies.count(context, &raw.tenant, "fanned_out", "", 1)?;
        let outcome = Outcome::DeadLetter {
            reason,
            detail: detail.to_owned(),
            position: None,
            event_time: None,
            original: raw.body.clone(),
        };
        self.send(&raw, record, outcome, context)?;
        Ok(true)
    }
}

/// Reason of a record of the raw topic that is none.
const UNDECODABLE: &str = "undecodable";

impl Normalize {
    fn fan_out(&self, raw: &Raw) -> FanOut {
        let tenant = self.tenants.get(&raw.tenant).unwrap_or(&self.unknown);
        if raw.source == capture::WHATSAPP {
            envelope::fan_out(raw, tenant)
        } else {
            lines::fan_out(raw, tenant)
        }
    }

    fn send(
        &mut self,
        raw: &Raw,
        record: &Record,
        outcome: Outcome,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        match outcome {
            Outcome::Item { key, item } => {
                // The greatest of these is the time at the end of a replay: one that does not count must not be it.
                let counts = capture::counts(item.event_time, item.received_at);
                let time = if counts { item.event_time } else { Millis::MIN };
                context.send(topics::ITEM, key, time, wire::encode(&*item)?);
            }
            Outcome::Unclassified {
                reason,
                field,
                position,
                event_time,
                original,
            } => {
                self.tallies.count(context, &raw.tenant, "items", "unclassified", 1)?;
                self.tallies
                    .count(context, &raw.tenant, "unclassified_reasons", reason, 1)?;
                let fact = Unclassified {
                    event_id: event_id("unclassified", raw, Some(position)),
                    tenant: raw.tenant.clone(),
                    event_time,
                    ingest_time: raw.received_at,
                    source: Source::new(&raw.delivery_id, position),
                    kind: "unclassified".to_owned(),
                    reason: reason.to_owned(),
                    field,
                    original,
                };
                let value = self.unclassified.encode(&fact).map_err(|error| contract(&error))?;
                context.send(topics::UNCLASSIFIED, record.key.clone(), event_time, value);
            }
            Outcome::DeadLetter {
                reason,
                detail,
                position,
                event_time,
                original,
            } => {
                self.tallies.count(context, &raw.tenant, "items", "dead_letter", 1)?;
                self.tallies
                    .count(context, &raw.tenant, "dead_letter_reasons", reason, 1)?;
                let event_time = event_time.unwrap_or(raw.received_at);
                let letter = DeadLetter {
                    event_time,
                    ..letter(raw, reason, detail, position, original)
                };
                let value = self.dead_letter.encode(&letter).map_err(|error| contract(&error))?;
                context.send(topics::DEAD_LETTER, record.key.clone(), event_time, value);
            }
        }
        Ok(())
    }
}

fn letter(raw: &Raw, reason: &str, detail: String, position: Option<Position>, original: Vec<u8>) -> DeadLetter {
    let index = |level: fn(Position) -> i32| position.map(level).filter(|index| *index >= 0);
    DeadLetter {
        event_id: event_id("dead_letter", raw, position),
        tenant: raw.tenant.clone(),
        event_time: raw.received_at,
        ingest_time: raw.received_at,
        kind: "dead_letter".to_owned(),
        reason: reason.to_owned(),
        detail,
        delivery_id: raw.delivery_id.clone(),
        entry: index(|position| position.entry),
        change: index(|position| position.change),
        item: index(|position| position.item),
        file: raw.file.clone(),
        line: raw.line,
        original,
    }
}

fn event_id(kind: &str, raw: &Raw, position: Option<Position>) -> String {
    let Position { entry, change, item } = position.unwrap_or(Position {
        entry: -1,
        change: -1,
        item: -1,
    });
    let place = [entry, change, item].map(i32::to_le_bytes);
    hash::id(
        kind,
        &[
            raw.tenant.as_bytes(),
            raw.delivery_id.as_bytes(),
            &place[0],
            &place[1],
            &place[2],
        ],
    )
}

fn contract(error: &hilo_contracts::ContractError) -> ProcessorError {
    ProcessorError::Contract(error.to_string())
}

/// A record that no processor could take, as a dead letter: whole, with its reason. For engines.
pub fn dead_letter(record: &Record, reason: &'static str, detail: &str) -> Result<Record, ProcessorError> {
    let known = if record.topic == topics::RAW {
        codec::raw().decode(&record.value).ok()
    } else {
        None
    };
    let original = known
        .as_ref()
        .map_or_else(|| record.value.clone(), |raw| raw.body.clone());
    let raw = known.unwrap_or_else(|| Raw {
        delivery_id: hash::id("record", &[record.topic.as_bytes(), &record.key, &record.value]),
        received_at: record.timestamp,
        ..Raw::default()
    });
    let letter = letter(
        &raw,
        reason,
        format!("{detail} (record of {})", record.topic),
        None,
        original,
    );
    let value = codec::dead_letter().encode(&letter).map_err(|error| contract(&error))?;
    Ok(Record {
        topic: topics::DEAD_LETTER,
        key: record.key.clone(),
        value,
        timestamp: record.timestamp,
    })
}
