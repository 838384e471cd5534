//! The identity processor: items of a tenant in, people and items with their person out.

use crate::{
    cluster::{Changed, Cluster, Known, Revision, What, remembered_country},
    evidence::{Added, Sees, atom, matching, sought, token, token_of},
    fold::fold,
    rules::{self, Blocker, Rule},
    stated::{Bounded, Standing, Stated, values_of},
    suggest::is_record,
};
use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::{IdentifierSpan, Identity as Fact, Source},
    item::{Body, Crm, Decision, IdentityChange, Item, PersonRecord, Resolved, Ruling, Sighting},
    keys, topics,
};
use hilo_domain::{Identifier, IdentifierKind, hash};
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Verdict, wire};
use std::collections::{BTreeMap, BTreeSet};

/// See the crate's documentation.
pub struct Identity {
    tokens: Store<u64>,
    clusters: Store<Cluster>,
    next_cluster: Store<u64>,
    statements: Store<Bounded>,
    codec: AvroCodec<Fact>,
    countries: BTreeMap<String, Option<String>>,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            tokens: Store::new("tokens"),
            clusters: Store::new("clusters"),
            next_cluster: Store::new("next_cluster"),
            statements: Store::new("statements"),
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
                self.see(&item, sighting, sees(&item, index), context)?;
            }
        }
        if let Some(change) = &item.change {
            self.change(&item, change, context)?;
            // The item itself belongs to whoever has the new identifiers at its time.
            let new = Sighting {
                identifiers: change.new.clone(),
                name: None,
                creates: true,
                ..Sighting::default()
            };
            self.see(&item, &new, Sees::ForGood, context)?;
        }
        match &item.body {
            Body::Decision(decision) => {
                self.decide(&item, decision, context)?;
                return Ok(Verdict::Done);
            }
            Body::Crm(crm) => {
                self.claim(&item, crm, context)?;
                self.merged_in_crm(&item, crm, context)?;
            }
            _ => {}
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
            &mut self.next_cluster,
            &mut self.statements,
        ]
    }
}

impl Identity {
    fn see(
        &mut self,
        item: &Item,
        sighting: &Sighting,
        sees: Sees,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let ids = matching(&sighting.identifiers);
        if ids.is_empty() {
            return Ok(());
        }
        let stated = self.suggesting(item, &sighting.stated, &ids, context)?;
        let named = [&*ids, &*stated].concat();
        self.learn(item, &named, context, |cluster| {
            let mut added = Added::Known;
            for value in &stated {
                added = added.max(cluster.evidence.state(value, &ids, item.event_time));
            }
            added.max(cluster.see(ids, item.event_time, sighting, sees))
        })
    }

    /// Of what a holder states, the values that suggest something still.
    fn suggesting(
        &mut self,
        item: &Item,
        stated: &[Identifier],
        holder: &[Identifier],
        context: &mut Context,
    ) -> Result<Vec<Identifier>, ProcessorError> {
        if stated.is_empty() {
            return Ok(Vec::new());
        }
        let token = |id: &Identifier| token(&item.tenant, id);
        // The surest of their identifiers, which stand in the order of their kinds.
        let Some((surest, by)) = holder.first().and_then(|id| Some((id, token(id)?))) else {
            return Ok(Vec::new());
        };
        let mut suggesting = Vec::new();
        for value in stated {
            let Some(key) = token(value) else { continue };
            let mut count = |key: &[u8], other: &[u8]| -> Result<Standing, ProcessorError> {
                Ok(self.statements.get_or_insert_with(key, Bounded::default)?.add(other))
            };
            // Both, so that each is a function of all statements.
            let standings = [count(&key, &by)?, count(&values_of(&by, value.kind), &key)?];
            if standings[0] == Standing::BlockedNow {
                self.forget(item, &key, |stated| stated.value == *value, None, context)?;
            }
            if standings[1] == Standing::BlockedNow {
                let theirs = |stated: &Stated| {
                    stated.value.kind == value.kind && stated.holder.first().and_then(token).as_ref() == Some(&by)
                };
                let is_crowd = value.kind == IdentifierKind::Document && !is_record(surest);
                self.forget(item, &by, theirs, is_crowd.then_some(surest), context)?;
                suggesting.retain(|other: &Identifier| other.kind != value.kind);
            }
            if standings == [Standing::Open; 2] {
                suggesting.push(value.clone());
            }
        }
        Ok(suggesting)
    }

    /// Forgets statements that are blocked, which are all in the cluster of `key`; `crowd` made too many.
    fn forget(
        &mut self,
        item: &Item,
        key: &[u8],
        is_blocked: impl Fn(&Stated) -> bool,
        crowd: Option<&Identifier>,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let Some(id) = self.tokens.get(key)?.copied() else {
            return Ok(());
        };
        let Some(cluster) = self.clusters.get_mut(&id.to_le_bytes())? else {
            return Ok(());
        };
        let gone = cluster.evidence.forget(is_blocked);
        if let Some(Err(place)) = crowd.map(|crowd| cluster.evidence.crowds.binary_search(crowd)) {
            cluster.evidence.crowds.splice(place..place, crowd.cloned());
        }
        // What nothing names any more is nobody's: a later union of the cluster could not take it along.
        let token = |id: &Identifier| token(&item.tenant, id);
        let named: BTreeSet<[u8; 16]> = cluster.evidence.identifiers().filter_map(token).collect();
        let unnamed = gone
            .iter()
            .flat_map(|stated| stated.holder.iter().chain([&stated.value]));
        for token in unnamed.filter_map(token).filter(|token| !named.contains(token)) {
            self.tokens.remove(&token);
        }
        self.judge(id, item, context)
    }

    fn change(&mut self, item: &Item, change: &IdentityChange, context: &mut Context) -> Result<(), ProcessorError> {
        let mut ids = matching(&change.old);
        ids.extend(matching(&change.new));
        self.learn(item, &ids, context, |cluster| {
            cluster.evidence.change(change, item.event_time)
        })
    }

    fn decide(&mut self, item: &Item, decision: &Decision, context: &mut Context) -> Result<(), ProcessorError> {
        let mut ids = matching(&decision.user);
        ids.extend(matching(&decision.other));
        self.learn(item, &ids, context, |cluster| {
            cluster.evidence.decide(decision, item.event_time)
        })
    }

    /// Who merges contacts in a CRM decides that they are one person, as by a line of their own.
    fn merged_in_crm(&mut self, item: &Item, crm: &Crm, context: &mut Context) -> Result<(), ProcessorError> {
        let (Some(sighting), false) = (item.sightings.first(), crm.merged.is_empty()) else {
            return Ok(());
        };
        let decision = Decision {
            ruling: Ruling::Merge,
            user: sighting.identifiers.clone(),
            other: crm.merged.clone(),
            actor: crm.system.clone(),
            reason: crm.event.clone(),
        };
        self.decide(item, &decision, context)
    }

    /// A record of a CRM that names people may be theirs.
    fn claim(&mut self, item: &Item, crm: &Crm, context: &mut Context) -> Result<(), ProcessorError> {
        let Some(record) = &crm.record else {
            return Ok(());
        };
        let sighting = item.sightings.first();
        let named = sighting.map_or_else(Vec::new, |sighting| matching(&sighting.identifiers));
        let holder = std::slice::from_ref(record);
        let stated = self.suggesting(item, &crm.stated, holder, context)?;
        if named.is_empty() && stated.is_empty() {
            return Ok(());
        }
        let ids = [&*named, holder, &*stated].concat();
        self.learn(item, &ids, context, |cluster| {
            let mut added = Added::Known;
            for value in &stated {
                added = added.max(cluster.evidence.state(value, holder, item.event_time));
            }
            if named.is_empty() {
                return added;
            }
            added.max(cluster.evidence.claim(record, named, item.event_time))
        })
    }

    /// Adds to the evidence about whoever `ids` name, and judges anew where that may change a verdict.
    fn learn(
        &mut self,
        item: &Item,
        ids: &[Identifier],
        context: &mut Context,
        add: impl FnOnce(&mut Cluster) -> Added,
    ) -> Result<(), ProcessorError> {
        if ids.is_empty() {
            return Ok(());
        }
        let id = self.cluster_of(&item.tenant, ids)?;
        let cluster = self.clusters.get_or_insert_with(&id.to_le_bytes(), Cluster::default)?;
        match add(cluster) {
            Added::New => self.judge(id, item, context),
            Added::Known => Ok(()),
        }
    }

    /// The cluster of `ids`: theirs, a new one, or the union of several.
    fn cluster_of(&mut self, tenant: &str, ids: &[Identifier]) -> Result<u64, ProcessorError> {
        let mut found: Vec<u64> = Vec::new();
        let mut unknown: Vec<[u8; 16]> = Vec::new();
        let mut sought: Vec<_> = ids.iter().filter_map(sought).collect();
        // A number stands as phone and, beside it, as `wa_id`.
        sought.dedup();
        for sought in &sought {
            let token = token_of(tenant, sought);
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
        for id in gone.evidence.identifiers() {
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
        self.publish(item, &people, revision, context)
    }

    fn publish(
        &self,
        item: &Item,
        people: &[Known],
        revision: Revision,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let decision = match &item.body {
            Body::Decision(decision) => Some(decision.ruling),
            Body::Crm(crm) if !crm.merged.is_empty() => Some(Ruling::Merge),
            _ => None,
        };
        for Changed {
            person,
            what,
            rule,
            proposed,
            decided,
        } in revision.changed
        {
            let person = &people[person];
            let noted_decision = decision.filter(|_| decided);
            let (kind, rule, other) = match (what, &item.change) {
                (What::Observed, _) => ("observed", rule, None),
                (What::Unmerged(other), _) => {
                    let rule = if decision.is_some() { Rule::Operator } else { rule };
                    ("unmerged", rule, Some(people[other].person_id.clone()))
                }
                (What::Noted, _) if noted_decision.is_some() => (noted(noted_decision), Rule::Operator, None),
                (What::Noted, _) => ("merge_withdrawn", rule, None),
                (_, Some(change)) => (change.kind.as_str(), rule, None),
                (What::Linked, None) => ("linked", rule, None),
                (What::Lost, None) => ("number_changed", Rule::RecycledNumber, None),
            };
            if what != What::Noted || noted_decision.is_some() || proposed.is_empty() {
                self.tell(item, person, kind, (rule, rule.confidence_percent()), other, context)?;
            }
            for proposal in proposed.into_iter().map(|place| &person.proposals[place]) {
                if proposal.blocker.as_deref() == Some(Blocker::Cap.name()) {
                    context.count("merges_blocked", Blocker::Cap.name());
                }
                let rule = Rule::of(&proposal.rule);
                let other = proposal.other_person_id.clone();
                let confidence = proposal.confidence_percent;
                self.tell(item, person, "merge_proposed", (rule, confidence), other, context)?;
            }
        }
        for (gone, survivor) in revision.gone {
            let survivor = survivor.map(|survivor| &people[survivor]);
            let rule = match decision {
                Some(_) => Rule::Operator,
                None => survivor.map_or(Rule::Together, |survivor| survivor.joined_by(&gone)),
            };
            let rule = (rule, rule.confidence_percent());
            if let Some(survivor) = survivor {
                let other = Some(gone.person_id.clone());
                self.tell(item, survivor, "merged", rule, other, context)?;
            }
            let closed = Known {
                revision: gone.revision + 1,
                proposals: Vec::new(),
                decisions: Vec::new(),
                ..gone
            };
            let other = survivor.map(|survivor| survivor.person_id.clone());
            self.tell(item, &closed, "closed", rule, other, context)?;
        }
        for (person, moved) in revision.moves {
            let record = wire::encode(&PersonRecord::Move(moved))?;
            context.send(topics::PERSON_ITEM, person, item.event_time, record);
        }
        Ok(())
    }

    fn tell(
        &self,
        item: &Item,
        person: &Known,
        kind: &str,
        (rule, confidence_percent): (Rule, i32),
        other: Option<String>,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let revision = person.revision.to_le_bytes();
        let parts: [&[u8]; 6] = [
            item.tenant.as_bytes(),
            person.person_id.as_bytes(),
            kind.as_bytes(),
            &revision,
            other.as_deref().unwrap_or_default().as_bytes(),
            rule.name().as_bytes(),
        ];
        let known_by = person
            .spans
            .iter()
            .filter(|(id, _, _)| id.kind != IdentifierKind::Username);
        let mut kinds: Vec<&str> = known_by.map(|(id, _, _)| id.kind.as_str()).collect();
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
            rule: rule.name().to_owned(),
            confidence: f64::from(confidence_percent) / 100.0,
            evidence: Some(kinds.join("+")),
            other_person_id: other,
            rule_version: rules::VERSION,
            proposals: person.proposals.clone(),
            decisions: person.decisions.clone(),
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
        let resolved = self.resolve(item)?;
        send_on(resolved, context)
    }

    /// Finds the person of an item; a person who does not exist yet too, so that what is said of them is theirs when they do.
    fn resolve(&mut self, item: Item) -> Result<Resolved, ProcessorError> {
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
        let id = token
            .map(|token| self.tokens.get(&token))
            .transpose()?
            .flatten()
            .copied();
        if let Some(id) = id
            && let Some(cluster) = self.clusters.get(&id.to_le_bytes())?
        {
            resolved.version = cluster.version;
            resolved.atom = atom(&identifiers);
            let evidence = cluster
                .evidence
                .together
                .iter()
                .position(|together| together.ids == identifiers);
            let since = resolved.item.sightings.first().and_then(|sighting| sighting.since);
            let at = since.unwrap_or(resolved.item.event_time);
            if let Some(person) = evidence.and_then(|evidence| cluster.owner(evidence, at)) {
                resolved.person_id = Some(person.person_id.clone());
                resolved.country.clone_from(&person.country);
            }
        }
        Ok(resolved)
    }
}

/// How what an item shows is evidence: a status of a message to one person tells of whom the send went to.
fn sees(item: &Item, sighting: usize) -> Sees {
    match &item.body {
        _ if item.sightings[sighting].since.is_some() => Sees::OfASend,
        Body::Status(status) if sighting == 0 && item.has_person && status.participant.is_none() => Sees::UntilItsSend,
        _ => Sees::ForGood,
    }
}

/// Sends an item to those who fold people and messages.
fn send_on(resolved: Resolved, context: &mut Context) -> Result<(), ProcessorError> {
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

/// Kind of the fact that only tells a decision.
fn noted(decision: Option<Ruling>) -> &'static str {
    match decision {
        Some(Ruling::Merge) => "merged",
        Some(Ruling::Reject) => "merge_rejected",
        Some(Ruling::Unmerge | Ruling::Split) | None => "unmerged",
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
            generation: 0,
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
