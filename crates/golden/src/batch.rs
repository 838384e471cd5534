//! A batch of records as the few rows that it changes: one per key, in the order of the keys.

use crate::{
    GoldenError, Placed, TOPICS,
    apply::Offsets,
    golden::{Codecs, FOLLOWED},
    metric::MetricRow,
    places::{Entries, Place},
    tenants::Numbers,
};
use hilo_contracts::{
    capture,
    codec::Codec as _,
    facts::{Account, Consent, Conversation, Count, CrmRecord, CrmWrite, Identity, Raw, Source, Status},
    topics,
};
use hilo_domain::Millis;
use rustc_hash::FxHashSet;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What told of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Outbound,
    Received,
    Echo,
    History,
}

impl Part {
    /// The part that a fact about a message is; what is sent by a line comes from no webhook, an echo does.
    fn of(fact: &Conversation) -> Self {
        match (fact.kind.as_str(), fact.direction.as_deref()) {
            ("message_history", _) => Self::History,
            (_, Some("outbound")) if fact.source.entry < 0 => Self::Outbound,
            (_, Some("outbound")) => Self::Echo,
            _ => Self::Received,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Received => "received",
            Self::Echo => "echo",
            Self::History => "history",
        }
    }
}

/// What a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Next offset by topic and partition.
    pub offsets: Offsets<&'static str>,
    /// Records that had not been applied before.
    pub records: usize,
    /// Latest fact of each person.
    pub people: Vec<Identity>,
    /// Latest fact of each session, in the order of their ids.
    pub sessions: BTreeMap<String, Conversation>,
    /// Best fact of each part of a message, in the order of their keys.
    pub parts: Vec<(Part, Conversation)>,
    /// Other facts about people, in the order of their keys.
    pub events: Vec<Conversation>,
    /// Latest fact of each message, in the order of their ids.
    pub statuses: Vec<Status>,
    pub accounts: Vec<Account>,
    /// Latest fact of each entry of a consent ledger.
    pub consents: BTreeMap<(String, String), Consent>,
    /// Last revision of each record of a CRM.
    pub crm_records: Vec<CrmRecord>,
    /// Last outcome of each of them, and last state of each CRM.
    pub crm_writes: Vec<CrmWrite>,
    /// Latest revision of each row of the numbers.
    pub metrics: Vec<MetricRow>,
    /// Latest amount of each counter.
    pub counts: Vec<Count>,
    /// Where ids are named; `None` where only the rows are asked for.
    pub places: Option<Entries>,
    pub tenants: Numbers,
    /// Greatest time of a raw record.
    pub newest: Option<Millis>,
}

/// Topics with ids whose records are complete: of those of a key the last one holds.
const COMPLETE: [&str; 4] = [topics::IDENTITY, topics::STATUS, topics::CRM_RECORD, topics::CRM_WRITE];

/// Ids of a line that no fact has.
#[derive(Deserialize)]
struct Named {
    command_id: Option<Value>,
    deal_id: Option<Value>,
}

impl Batch {
    /// Decodes what is new in `records` and keeps the best fact of each key; `applied` has the next offsets. With
    /// `places` it takes in all that a page needs, not the rows of the golden record alone.
    pub(crate) fn new(
        records: &[Placed],
        applied: &Offsets<String>,
        codecs: &Codecs,
        tenants: Numbers,
        places: Option<Entries>,
    ) -> Result<Self, GoldenError> {
        let mut batch = Self {
            places,
            tenants,
            ..Self::default()
        };
        let wanted: &[&str] = if batch.places.is_some() { &FOLLOWED } else { &TOPICS };
        let mut new: Vec<&Placed> = Vec::with_capacity(records.len());
        for placed in records.iter().filter(|placed| wanted.contains(&placed.record.topic)) {
            let topic = placed.record.topic;
            let next = batch
                .offsets
                .get(&(topic, placed.partition))
                .or_else(|| applied.get(&(topic.to_owned(), placed.partition)))
                .copied()
                .unwrap_or(0);
            if placed.offset >= next {
                batch.offsets.insert((topic, placed.partition), placed.offset + 1);
                new.push(placed);
            }
        }
        batch.records = new.len();
        // All records of a key stand in one partition in the order of their revisions, and a fact about a person, a
        // message, a row or a counter is complete: of those only the last is applied. So the batch is read backwards.
        let mut seen: FxHashSet<(&str, &[u8])> = FxHashSet::default();
        for placed in new.into_iter().rev() {
            let topic = placed.record.topic;
            let has_ids = ![topics::METRIC, topics::COUNT].contains(&topic);
            let complete = !has_ids || COMPLETE.contains(&topic);
            let stale = complete && !seen.insert((topic, &placed.record.key));
            // Also what is stale names its ids.
            if !stale || batch.places.is_some() && has_ids {
                batch.decode(placed, stale, codecs)?;
            }
        }
        batch.settle();
        Ok(batch)
    }

    fn decode(&mut self, placed: &Placed, stale: bool, codecs: &Codecs) -> Result<(), GoldenError> {
        let Placed {
            partition,
            offset,
            ref record,
        } = *placed;
        let (topic, value) = (record.topic, record.value.as_slice());
        let place = Place {
            topic,
            partition,
            offset,
        };
        let failed = |source| GoldenError::Record { topic, offset, source };
        match topic {
            topics::IDENTITY => {
                let fact = codecs.identity.decode(value).map_err(failed)?;
                let ids = [
                    Some(&fact.event_id),
                    Some(&fact.person_id),
                    fact.other_person_id.as_ref(),
                ];
                self.note(&fact.tenant, place, ids)?;
                self.note_source(&fact.tenant, place, &fact.source)?;
                if !stale {
                    self.people.push(fact);
                }
            }
            topics::STATUS => {
                let fact = codecs.status.decode(value).map_err(failed)?;
                let ids = [Some(&fact.event_id), Some(&fact.message_id), fact.person_id.as_ref()];
                self.note(&fact.tenant, place, ids)?;
                self.note_source(&fact.tenant, place, &fact.source)?;
                if !stale {
                    self.statuses.push(fact);
                }
            }
            topics::CONSENT => {
                let fact = codecs.consent.decode(value).map_err(failed)?;
                let ids = [&fact.event_id, &fact.person_id, &fact.entry_id];
                self.note(&fact.tenant, place, ids.map(Some))?;
                self.note_source(&fact.tenant, place, &fact.source)?;
                let key = (fact.person_id.clone(), fact.entry_id.clone());
                self.consents.entry(key).or_insert(fact);
            }
            topics::ACCOUNT => {
                let fact = codecs.account.decode(value).map_err(failed)?;
                self.note(&fact.tenant, place, [Some(&fact.event_id)])?;
                self.note_source(&fact.tenant, place, &fact.source)?;
                self.accounts.push(fact);
            }
            topics::METRIC => {
                let row = codecs.metric.decode(value).map_err(failed)?;
                self.note::<str>(&row.tenant, place, [])?;
                let fact = value.to_vec();
                self.metrics.push(MetricRow { row, fact });
            }
            topics::COUNT => {
                let count = codecs.count.decode(value).map_err(failed)?;
                self.note::<str>(&count.tenant, place, [])?;
                self.counts.push(count);
            }
            topics::CRM_RECORD => {
                let fact = codecs.crm_record.decode(value).map_err(failed)?;
                let ids = [Some(&fact.event_id), Some(&fact.record_key), fact.person_id.as_ref()];
                self.note(&fact.tenant, place, ids)?;
                self.note(&fact.tenant, place, fact.facts.iter().map(Some))?;
                if !stale {
                    self.crm_records.push(fact);
                }
            }
            topics::CRM_WRITE => {
                let fact = codecs.crm_write.decode(value).map_err(failed)?;
                let ids = [
                    fact.record_key.as_ref(),
                    fact.person_id.as_ref(),
                    fact.remote_id.as_ref(),
                ];
                self.note(&fact.tenant, place, ids)?;
                if !stale {
                    self.crm_writes.push(fact);
                }
            }
            topics::DEAD_LETTER => {
                let fact = codecs.dead_letter.decode(value).map_err(failed)?;
                self.note(&fact.tenant, place, [Some(&fact.event_id), Some(&fact.delivery_id)])?;
            }
            topics::UNCLASSIFIED => {
                let fact = codecs.unclassified.decode(value).map_err(failed)?;
                self.note(&fact.tenant, place, [Some(&fact.event_id)])?;
                self.note_source(&fact.tenant, place, &fact.source)?;
            }
            topics::RAW => {
                let raw = codecs.raw.decode(value).map_err(failed)?;
                self.newest = self.newest.max(Some(record.timestamp));
                self.raw(&raw, place)?;
            }
            _ => {
                let fact = codecs.conversation.decode(value).map_err(failed)?;
                let ids = [
                    Some(&fact.event_id),
                    fact.person_id.as_ref(),
                    fact.session_id.as_ref(),
                    fact.conversation_id.as_ref(),
                    fact.message_id.as_ref(),
                    fact.reply_to.as_ref(),
                ];
                self.note(&fact.tenant, place, ids)?;
                self.note_source(&fact.tenant, place, &fact.source)?;
                self.conversation(fact);
            }
        }
        Ok(())
    }

    fn raw(&mut self, raw: &Raw, place: Place) -> Result<(), GoldenError> {
        self.note(&raw.tenant, place, [Some(&raw.delivery_id)])?;
        // Webhooks have neither, and a clock comes each second.
        if raw.source != capture::OUTBOUND && raw.source != capture::CRM {
            return Ok(());
        }
        if let Ok(Named { command_id, deal_id }) = serde_json::from_slice(&raw.body) {
            let text = |id: Option<Value>| match id? {
                Value::String(text) => Some(text),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            let ids = [text(command_id), text(deal_id)];
            self.note(&raw.tenant, place, ids.each_ref().map(Option::as_ref))?;
        }
        Ok(())
    }

    /// Notes that the record at `place` names these ids.
    fn note<'a, S: AsRef<str> + ?Sized + 'a>(
        &mut self,
        tenant: &str,
        place: Place,
        ids: impl IntoIterator<Item = Option<&'a S>>,
    ) -> Result<(), GoldenError> {
        let number = self.tenants.of(tenant);
        if let Some(places) = &mut self.places {
            for id in ids.into_iter().flatten() {
                places
                    .add(id.as_ref(), number, place)
                    .ok_or(GoldenError::Place(place))?;
            }
        }
        Ok(())
    }

    fn note_source(&mut self, tenant: &str, place: Place, source: &Source) -> Result<(), GoldenError> {
        self.note(tenant, place, [Some(&source.delivery_id)])
    }

    fn conversation(&mut self, fact: Conversation) {
        if fact.session.is_some() {
            if let Some(session) = &fact.session_id {
                self.sessions.entry(session.clone()).or_insert(fact);
            }
        } else if fact.message_id.is_some() {
            self.parts.push((Part::of(&fact), fact));
        } else {
            self.events.push(fact);
        }
    }

    /// Orders by key and keeps one fact per key.
    fn settle(&mut self) {
        self.people.sort_unstable_by(|a, b| a.person_id.cmp(&b.person_id));
        self.statuses
            .sort_unstable_by(|a, b| (&a.tenant, &a.message_id).cmp(&(&b.tenant, &b.message_id)));
        let part = |(part, fact): &(Part, Conversation)| (fact.tenant.clone(), fact.message_id.clone(), *part);
        self.parts.sort_by_cached_key(part);
        self.parts.dedup_by(|(next_part, next), (kept_part, kept)| {
            let same = *next_part == *kept_part && next.tenant == kept.tenant && next.message_id == kept.message_id;
            same && keep_better(kept, next)
        });
        self.events
            .sort_by(|a, b| (&a.tenant, &a.event_id).cmp(&(&b.tenant, &b.event_id)));
        self.events.dedup_by(|next, kept| {
            let same = next.tenant == kept.tenant && next.event_id == kept.event_id;
            same && keep_better(kept, next)
        });
        self.accounts.sort_by_key(|fact| (fact.event_time, fact.revision));
    }
}

/// Leaves the better of two facts of one key in `kept`, as the tables choose: the higher revision, then the one that was
/// told first, which here comes later: the batch is read backwards. Content is told once, so the loser's is not lost where
/// both are of one occurrence.
fn keep_better(kept: &mut Conversation, next: &mut Conversation) -> bool {
    let same_item = next.source == kept.source;
    let is_better = next.revision >= kept.revision;
    if is_better {
        std::mem::swap(kept, next);
    }
    if kept.content.is_none() && same_item {
        kept.content = next.content.take();
        kept.details = next.details.take();
    }
    true
}
