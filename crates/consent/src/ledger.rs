//! One person's ledger as it rests in the store: entries in their order, and what was told of each.

use crate::chain::{hash_of, wills};
use hilo_contracts::{
    facts::Consent as Fact,
    item::Sign,
    stored::{Consent as Stored, Convert},
};
use hilo_domain::{consent::consent, hash};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// In the order of (event time, entry id), as told last.
    entries: Vec<Stored>,
    /// Entries that were taken back, with the revision that said so: one that returns goes on from there.
    retracted: BTreeMap<String, i64>,
}

impl Ledger {
    /// Enters a sign, in the place of what was said under its id before. Gives the facts to tell.
    pub(crate) fn enter(&mut self, person_id: &str, sign: Sign) -> Vec<Fact> {
        self.open(|open| open.enter(person_id, sign))
    }

    /// Takes an entry out. Gives the facts to tell.
    pub(crate) fn forget(&mut self, id: &str) -> Vec<Fact> {
        self.open(|open| open.forget(id))
    }

    /// Entries become facts first: the hash of an entry, and what follows from it, are those of its fact.
    fn open(&mut self, change: impl FnOnce(&mut Open) -> Vec<Fact>) -> Vec<Fact> {
        let mut open = Open {
            entries: std::mem::take(&mut self.entries).convert(),
            retracted: std::mem::take(&mut self.retracted),
        };
        let told = change(&mut open);
        self.entries = open.entries.convert();
        self.retracted = open.retracted;
        told
    }
}

/// A ledger under change.
struct Open {
    entries: Vec<Fact>,
    retracted: BTreeMap<String, i64>,
}

impl Open {
    fn enter(&mut self, person_id: &str, sign: Sign) -> Vec<Fact> {
        let mut entry = entry_of(person_id, sign);
        let mut from = usize::MAX;
        if let Some(place) = self.place(&entry.entry_id) {
            let had = &self.entries[place];
            if is_same(had, &entry) {
                return Vec::new();
            }
            entry.revision = had.revision;
            self.entries.remove(place);
            from = place;
        } else if let Some(revision) = self.retracted.remove(&entry.entry_id) {
            entry.revision = revision;
        }
        let order = |fact: &Fact| (fact.event_time, fact.entry_id.clone());
        let place = self.entries.partition_point(|had| order(had) < order(&entry));
        self.entries.insert(place, entry);
        self.chain(from.min(place))
    }

    fn forget(&mut self, id: &str) -> Vec<Fact> {
        let Some(place) = self.place(id) else {
            return Vec::new();
        };
        let mut gone = self.entries.remove(place);
        gone.revision += 1;
        "retracted".clone_into(&mut gone.kind);
        gone.sequence = 0;
        gone.previous_hash.clear();
        gone.hash.clear();
        gone.event_id = event_id(&gone);
        self.retracted.insert(gone.entry_id.clone(), gone.revision);
        let mut told = vec![gone];
        told.append(&mut self.chain(place));
        told
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.entries.iter().position(|had| had.entry_id == id)
    }

    /// Chains the entries from a place on; those that differ from what was told last get a higher revision.
    fn chain(&mut self, from: usize) -> Vec<Fact> {
        let mut told = Vec::new();
        for place in from..self.entries.len() {
            let previous = place
                .checked_sub(1)
                .map_or("", |before| &self.entries[before].hash)
                .to_owned();
            let entry = &self.entries[place];
            let hash = hash_of(entry, &previous);
            let wills = wills(&self.entries[..=place]);
            let effective = consent(&wills, &entry.channel, &entry.purpose, entry.event_time).as_str();
            let sequence = place as i64 + 1;
            if entry.hash == hash && entry.sequence == sequence && entry.effective == effective {
                continue;
            }
            let entry = &mut self.entries[place];
            entry.sequence = sequence;
            entry.previous_hash = previous;
            entry.hash = hash;
            effective.clone_into(&mut entry.effective);
            entry.revision += 1;
            entry.event_id = event_id(entry);
            told.push(entry.clone());
        }
        told
    }
}

/// Whether two entries say the same, however they came here.
fn is_same(had: &Fact, new: &Fact) -> bool {
    hash_of(had, "") == hash_of(new, "")
}

fn event_id(fact: &Fact) -> String {
    let revision = fact.revision.to_le_bytes();
    let parts: [&[u8]; 4] = [
        fact.tenant.as_bytes(),
        fact.person_id.as_bytes(),
        fact.entry_id.as_bytes(),
        &revision,
    ];
    hash::id("consent_fact", &parts)
}

fn entry_of(person_id: &str, sign: Sign) -> Fact {
    Fact {
        event_id: String::new(),
        tenant: sign.tenant,
        event_time: sign.at,
        ingest_time: sign.received_at,
        source: sign.source.convert(),
        kind: "entry".to_owned(),
        person_id: person_id.to_owned(),
        revision: 0,
        entry_id: sign.id,
        sequence: 0,
        channel: sign.channel,
        purpose: sign.purpose,
        state: sign.state,
        effective: String::new(),
        method: sign.method,
        system: sign.system,
        word: sign.word,
        language: sign.language,
        legal_basis: sign.legal_basis,
        jurisdiction: sign.jurisdiction,
        text_version: sign.text_version,
        actor: sign.actor,
        reference: sign.reference,
        valid_to: sign.valid_to,
        evidence: sign.evidence,
        subjects: sign.subjects,
        previous_hash: String::new(),
        hash: String::new(),
    }
}
