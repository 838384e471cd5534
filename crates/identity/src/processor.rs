//! The identity processor: items of a tenant in, people and items with their person out.

use crate::{
    cluster::{Changed, Cluster, Known, Revision, What, remembered_country},
    evidence::{Added, atom, matching, token},
    fold::fold,
};
use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::{IdentifierSpan, Identity as Fact, Source},
    item::{Body, IdentityChange, Item, PersonRecord, Resolved, Sighting},
    keys, topics,
};
use hilo_domain::{Identifier, IdentifierKind, hash, phone};
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Verdict, wire};
use std::collections::BTreeMap;

/// Confidence of a candidate that only a variant of the number speaks for (AR 54/549).
const CANDIDATE_CONFIDENCE: f64 = 0.6;

/// See the crate's documentation.
pub struct Identity {
    tokens: Store<u64>,
    clusters: Store<Cluster>,
    /// Digits under which candidates meet → tokens of the numbers seen there.
    candidates: Store<Vec<Vec<u8>>>,
    next_cluster: Store<u64>,
    codec: AvroCodec<Fact>,
    countries: BTreeMap<String, Option<String>>,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            tokens: Store::new("tokens"),
            clusters: Store::new("clusters"),
            candidates: Store::new("candidates"),
            next_cluster: Store::new("next_cluster"),
            codec: codec::identity(),
            countries: BTreeMap::new(),
        }
    }
}

impl Processor for Identity {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let item: Item = wire::decode(&record.value)?;
        for (index, sighting) in item.sightings.iter().enumerate() {
            // A change names the person's old identifiers first: they are no sighting, they are what ends.
            if index > 0 || item.change.is_none() {
                self.see(&item, sighting, context)?;
            }
        }
        if let Some(change) = &item.change {
            self.change(&item, change, context)?;
            // The item itself belongs to whoever has the new identifiers at its time.
            let new = Sighting {
                identifiers: change.new.clone(),
                name: None,
                creates: true,
            };
            self.see(&item, &new, context)?;
        }
        if !item.evidence_only {
            self.forward(item, context)?;
        }
        Ok(Verdict::Done)
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![
            &mut self.tokens,
            &mut self.clusters,
            &mut self.candidates,
            &mut self.next_cluster,
        ]
    }
}

impl Identity {
    fn see(&mut self, item: &Item, sighting: &Sighting, context: &mut Context) -> Result<(), ProcessorError> {
        let ids = matching(&sighting.identifiers);
        if ids.is_empty() {
            return Ok(());
        }
        let id = self.cluster_of(&item.tenant, &ids)?;
        let cluster = self.clusters.get_or_insert_with(&id.to_le_bytes(), Cluster::default)?;
        match cluster.evidence.see(ids, item.event_time, sighting) {
            Added::New => self.judge(id, item, context),
            Added::Known => Ok(()),
        }
    }

    fn change(&mut self, item: &Item, change: &IdentityChange, context: &mut Context) -> Result<(), ProcessorError> {
        let mut ids = matching(&change.old);
        ids.extend(matching(&change.new));
        if ids.is_empty() {
            return Ok(());
        }
        let id = self.cluster_of(&item.tenant, &ids)?;
        let cluster = self.clusters.get_or_insert_with(&id.to_le_bytes(), Cluster::default)?;
        match cluster.evidence.change(change, item.event_time) {
            Added::New => self.judge(id, item, context),
            Added::Known => Ok(()),
        }
    }

    /// The cluster of `ids`: theirs, a new one, or the union of several.
    fn cluster_of(&mut self, tenant: &str, ids: &[Identifier]) -> Result<u64, ProcessorError> {
        let mut found: Vec<u64> = Vec::new();
        let mut unknown: Vec<Vec<u8>> = Vec::new();
        for id in ids {
            let Some(token) = token(tenant, id) else { continue };
            match self.tokens.get(&token)? {
                Some(cluster) if found.contains(cluster) => {}
                Some(cluster) => found.push(*cluster),
                None => unknown.push(token),
            }
        }
        let target = if let Some(target) = found.iter().min() {
            *target
        } else {
            let next = self.next_cluster.get_or_insert_with(b"", || 0)?;
            *next += 1;
            *next
        };
        for other in found.into_iter().filter(|other| *other != target) {
            self.unite(tenant, target, other)?;
        }
        for token in unknown {
            self.tokens.put(&token, target);
        }
        Ok(target)
    }

    fn unite(&mut self, tenant: &str, target: u64, other: u64) -> Result<(), ProcessorError> {
        let Some(gone) = self.clusters.get(&other.to_le_bytes())?.cloned() else {
            return Ok(());
        };
        self.clusters.remove(&other.to_le_bytes());
        let named = gone.evidence.together.iter().flat_map(|together| &together.ids);
        let changed = gone
            .evidence
            .changes
            .iter()
            .flat_map(|change| change.old.iter().chain(&change.new));
        for id in named.chain(changed) {
            if let Some(token) = token(tenant, id) {
                self.tokens.put(&token, target);
            }
        }
        self.clusters
            .get_or_insert_with(&target.to_le_bytes(), Cluster::default)?
            .absorb(gone);
        Ok(())
    }

    /// Finds the people of a cluster anew and tells what changed.
    fn judge(&mut self, id: u64, item: &Item, context: &mut Context) -> Result<(), ProcessorError> {
        let Self {
            clusters, countries, ..
        } = self;
        let Some(cluster) = clusters.get_mut(&id.to_le_bytes())? else {
            return Ok(());
        };
        let verdict = fold(&cluster.evidence);
        let version = cluster.version;
        let new_id = |index: usize| {
            // One item may show people of several clusters, each judged on its own.
            let numbers = [id, version, index as u64].map(u64::to_le_bytes).concat();
            let parts: [&[u8]; 3] = [item.tenant.as_bytes(), item.key.as_bytes(), &numbers];
            format!("p_{}", &hash::id("person", &parts)[..24])
        };
        let revision = cluster.publish(verdict, new_id, |e164| remembered_country(countries, e164));
        if revision.changed.is_empty() && revision.gone.is_empty() && revision.moves.is_empty() {
            return Ok(());
        }
        let people = cluster.people.clone();
        self.publish(item, &people, revision, context)?;
        self.propose(item, &people, context)
    }

    fn publish(
        &self,
        item: &Item,
        people: &[Known],
        revision: Revision,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        for Changed { person, rule, what } in revision.changed {
            let (kind, other) = match (what, &item.change) {
                (What::Observed, _) => ("observed", None),
                (What::Unmerged(other), _) => ("unmerged", Some(people[other].person_id.clone())),
                (_, Some(change)) => (change.kind.as_str(), None),
                (What::Linked, None) => ("linked", None),
                (What::Lost, None) => ("number_changed", None),
            };
            let rule = if kind == "number_changed" && item.change.is_none() {
                "recycled_number"
            } else {
                rule.name()
            };
            let confidence = revision_confidence(rule);
            self.tell(item, &people[person], kind, (rule, confidence), other, context)?;
        }
        for (gone, survivor) in revision.gone {
            let survivor = survivor.map(|survivor| &people[survivor]);
            if let Some(survivor) = survivor {
                self.tell(
                    item,
                    survivor,
                    "merged",
                    ("together", 1.0),
                    Some(gone.person_id.clone()),
                    context,
                )?;
            }
            let closed = Known {
                revision: gone.revision + 1,
                ..gone
            };
            let other = survivor.map(|survivor| survivor.person_id.clone());
            self.tell(item, &closed, "closed", ("together", 1.0), other, context)?;
        }
        for (person, moved) in revision.moves {
            let record = wire::encode(&PersonRecord::Move(moved))?;
            context.send(topics::PERSON_ITEM, person, item.event_time, record);
        }
        Ok(())
    }

    /// Proposes what only a variant of a number speaks for, once per pair of numbers.
    fn propose(&mut self, item: &Item, people: &[Known], context: &mut Context) -> Result<(), ProcessorError> {
        for person in people {
            let current = person
                .spans
                .iter()
                .filter(|(id, _, to)| id.kind == IdentifierKind::Phone && to.is_none());
            for (id, _, _) in current {
                let Some(digits) = id.number().and_then(|number| phone::candidate_digits(&number)) else {
                    continue;
                };
                let Some(own) = token(&item.tenant, id) else { continue };
                let mut meeting = item.tenant.clone().into_bytes();
                meeting.push(0);
                meeting.extend_from_slice(digits.as_bytes());
                let seen = self.candidates.get_or_insert_with(&meeting, Vec::new)?;
                if seen.contains(&own) {
                    continue;
                }
                let others = seen.clone();
                seen.push(own);
                for other in others {
                    if let Some(other) = self.holder(&other)?.filter(|other| other.person_id != person.person_id) {
                        let rule = ("ar_mobile_prefix", CANDIDATE_CONFIDENCE);
                        self.tell(item, person, "merge_proposed", rule, Some(other.person_id), context)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Who has the number of a token now.
    fn holder(&mut self, number: &[u8]) -> Result<Option<Known>, ProcessorError> {
        let Some(cluster) = self.tokens.get(number)?.copied() else {
            return Ok(None);
        };
        let Some(cluster) = self.clusters.get(&cluster.to_le_bytes())? else {
            return Ok(None);
        };
        Ok(cluster
            .people
            .iter()
            .find(|person| {
                person.spans.iter().any(|(id, _, to)| {
                    to.is_none() && id.number().is_some_and(|digits| number.ends_with(digits.as_bytes()))
                })
            })
            .cloned())
    }

    fn tell(
        &self,
        item: &Item,
        person: &Known,
        kind: &str,
        (rule, confidence): (&str, f64),
        other: Option<String>,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let revision = person.revision.to_le_bytes();
        let parts: [&[u8]; 5] = [
            item.tenant.as_bytes(),
            person.person_id.as_bytes(),
            kind.as_bytes(),
            &revision,
            other.as_deref().unwrap_or_default().as_bytes(),
        ];
        let mut kinds: Vec<&str> = person.spans.iter().map(|(id, _, _)| id.kind.as_str()).collect();
        kinds.dedup();
        let fact = Fact {
            event_id: hash::id("identity", &parts),
            tenant: item.tenant.clone(),
            event_time: item.event_time,
            ingest_time: item.received_at,
            source: Source::new(&item.delivery_id, item.position),
            kind: kind.to_owned(),
            person_id: person.person_id.clone(),
            revision: person.revision,
            identifiers: person
                .spans
                .iter()
                .map(|(id, from, to)| IdentifierSpan {
                    kind: id.kind.as_str().to_owned(),
                    value: id.value.clone(),
                    valid_from: Some(*from),
                    valid_to: *to,
                })
                .collect(),
            country: person.country.clone(),
            name: person.name.clone(),
            rule: rule.to_owned(),
            confidence,
            evidence: Some(kinds.join("+")),
            other_person_id: other,
        };
        let value = self
            .codec
            .encode(&fact)
            .map_err(|error| ProcessorError::Contract(error.to_string()))?;
        context.send(topics::IDENTITY, person.person_id.as_bytes(), item.event_time, value);
        Ok(())
    }

    /// Sends an item on with the person whose it is.
    fn forward(&mut self, item: Item, context: &mut Context) -> Result<(), ProcessorError> {
        let mut resolved = Resolved {
            person_id: None,
            country: None,
            atom: 0,
            version: 0,
            item,
        };
        let identifiers = match (&resolved.item.change, resolved.item.sightings.first()) {
            (Some(change), _) => matching(&change.new),
            (None, Some(sighting)) if resolved.item.has_person => matching(&sighting.identifiers),
            _ => Vec::new(),
        };
        let token = identifiers.iter().find_map(|id| token(&resolved.item.tenant, id));
        let cluster = token
            .map(|token| self.tokens.get(&token))
            .transpose()?
            .flatten()
            .copied();
        if let Some(cluster) = cluster
            && let Some(cluster) = self.clusters.get(&cluster.to_le_bytes())?
        {
            resolved.version = cluster.version;
            resolved.atom = atom(&identifiers);
            let evidence = cluster
                .evidence
                .together
                .iter()
                .position(|together| together.ids == identifiers);
            if let Some(person) = evidence.and_then(|evidence| cluster.owner(evidence, resolved.item.event_time)) {
                resolved.person_id = Some(person.person_id.clone());
                resolved.country.clone_from(&person.country);
            }
        }
        let at = resolved.item.event_time;
        let message_id = match &resolved.item.body {
            Body::Message(message) => Some(message.id.as_str()),
            Body::Status(status) => Some(status.message_id.as_str()),
            _ => None,
        };
        let message_key = message_id.map(|id| keys::message(&resolved.item.tenant, id));
        let to_person = !matches!(resolved.item.body, Body::Status(_) | Body::Clock);
        let person_key = match &resolved.person_id {
            Some(person) => person.clone().into_bytes(),
            None => resolved.item.key.clone().into_bytes(),
        };
        // An item is the first variant of both records, so both are the same bytes: it is encoded once.
        let value = wire::encode(&PersonRecord::Item(Box::new(resolved)))?;
        if let Some(key) = message_key {
            if to_person {
                context.send(topics::PERSON_ITEM, person_key, at, value.clone());
            }
            context.send(topics::MESSAGE_ITEM, key, at, value);
        } else if to_person {
            context.send(topics::PERSON_ITEM, person_key, at, value);
        }
        Ok(())
    }
}

/// Confidence of a rule by its published name.
fn revision_confidence(rule: &str) -> f64 {
    if rule == crate::fold::Rule::NumberVariant.name() {
        crate::fold::Rule::NumberVariant.confidence()
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_contracts::item::{MessageRecord, Position};

    #[test]
    fn both_readers_of_an_item_get_the_same_bytes() {
        let item = Item {
            tenant: "acme".to_owned(),
            delivery_id: "d".to_owned(),
            position: Position::default(),
            received_at: 2,
            event_time: 1,
            key: "k".to_owned(),
            content: "{}".to_owned(),
            entry_id: String::new(),
            phone_number_id: Some("1".to_owned()),
            test: false,
            sightings: Vec::new(),
            has_person: false,
            evidence_only: false,
            change: None,
            body: Body::Event { kind: "x".to_owned() },
        };
        let resolved = Box::new(Resolved {
            person_id: Some("p".to_owned()),
            country: None,
            atom: 7,
            version: 3,
            item,
        });
        let message = wire::encode(&MessageRecord::Item(resolved.clone())).unwrap();
        assert_eq!(wire::encode(&PersonRecord::Item(resolved)).unwrap(), message);
    }
}
