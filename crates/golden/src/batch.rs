//! A batch of records as the few rows that it changes: one per key, in the order of the keys.

use crate::{GoldenError, Placed, TOPICS, apply::Offsets, golden::Codecs};
use hilo_contracts::{
    ContractError,
    codec::Codec as _,
    facts::{Account, Consent, Conversation, Identity, Status},
    topics,
};
use rustc_hash::FxHashSet;
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
}

impl Batch {
    /// Decodes what is new in `records` and keeps the best fact of each key; `applied` has the next offsets.
    pub(crate) fn new(records: &[Placed], applied: &Offsets<String>, codecs: &Codecs) -> Result<Self, GoldenError> {
        let mut batch = Self::default();
        let mut new: Vec<&Placed> = Vec::with_capacity(records.len());
        for placed in records.iter().filter(|placed| TOPICS.contains(&placed.record.topic)) {
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
        // All records of a key stand in one partition in the order of their revisions, and a fact about a person or
        // a message is complete: of those only the last needs decoding. So the batch is read backwards.
        let mut seen: FxHashSet<(&str, &[u8])> = FxHashSet::default();
        for Placed { offset, record, .. } in new.into_iter().rev() {
            let topic = record.topic;
            let complete = topic == topics::IDENTITY || topic == topics::STATUS;
            if complete && !seen.insert((topic, &record.key)) {
                continue;
            }
            let failed = |source| GoldenError::Record {
                topic,
                offset: *offset,
                source,
            };
            batch.decode(topic, &record.value, codecs).map_err(failed)?;
        }
        batch.settle();
        Ok(batch)
    }

    fn decode(&mut self, topic: &str, value: &[u8], codecs: &Codecs) -> Result<(), ContractError> {
        match topic {
            topics::IDENTITY => self.people.push(codecs.identity.decode(value)?),
            topics::STATUS => self.statuses.push(codecs.status.decode(value)?),
            topics::CONSENT => {
                let fact = codecs.consent.decode(value)?;
                let key = (fact.person_id.clone(), fact.entry_id.clone());
                self.consents.entry(key).or_insert(fact);
            }
            topics::ACCOUNT => self.accounts.push(codecs.account.decode(value)?),
            _ => self.conversation(codecs.conversation.decode(value)?),
        }
        Ok(())
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
    }
    true
}
