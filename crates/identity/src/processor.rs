//! The identity processor: items of a tenant in, people and items with their person out.

use crate::{
    evidence::{Sees, matching, token},
    graph::{Graph, Occasion},
    said::Said,
    stated::{Bounded, Standing, Stated, values_of},
    suggest::is_record,
    tell::Teller,
};
use hilo_contracts::{
    item::{Body, Crm, Decision, IdentityChange, Item, PersonRecord, Resolved, Ruling, Sighting},
    keys, topics,
};
use hilo_domain::{Identifier, IdentifierKind};
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Verdict, wire};

/// See the crate's documentation.
pub struct Identity {
    graph: Graph,
    statements: Store<Bounded>,
    teller: Teller,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            graph: Graph::default(),
            statements: Store::new("statements"),
            teller: Teller::default(),
        }
    }
}

impl Processor for Identity {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let item: Item = wire::decode(&record.value)?;
        self.graph.note(&mut Occasion {
            item: &item,
            teller: &mut self.teller,
            context,
        })?;
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
        let mut stores = self.graph.stores();
        stores.push(&mut self.statements);
        stores
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
        let said = Said::Seen {
            ids,
            stated,
            sighting,
            sees,
        };
        self.learn(item, &said, context)
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

    fn forget(
        &mut self,
        item: &Item,
        key: &[u8],
        is_blocked: impl Fn(&Stated) -> bool,
        crowd: Option<&Identifier>,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let teller = &mut self.teller;
        let mut occasion = Occasion { item, teller, context };
        self.graph.forget(key, is_blocked, crowd, &mut occasion)
    }

    fn change(&mut self, item: &Item, change: &IdentityChange, context: &mut Context) -> Result<(), ProcessorError> {
        let (old, new) = (matching(&change.old), matching(&change.new));
        self.learn(item, &Said::Changed { old, new, change }, context)
    }

    fn decide(&mut self, item: &Item, decision: &Decision, context: &mut Context) -> Result<(), ProcessorError> {
        let (user, other) = (matching(&decision.user), matching(&decision.other));
        self.learn(item, &Said::Decided { user, other, decision }, context)
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
        self.learn(item, &Said::Claimed { record, named, stated }, context)
    }

    fn learn(&mut self, item: &Item, said: &Said, context: &mut Context) -> Result<(), ProcessorError> {
        let teller = &mut self.teller;
        self.graph.learn(said, &mut Occasion { item, teller, context })
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
        let since = resolved.item.sightings.first().and_then(|sighting| sighting.since);
        let at = since.unwrap_or(resolved.item.event_time);
        if let Some(whose) = self.graph.whose(&resolved.item.tenant, &identifiers, at)? {
            resolved.version = whose.version;
            resolved.atom = whose.atom;
            resolved.person_id = whose.person_id;
            resolved.country = whose.country;
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
