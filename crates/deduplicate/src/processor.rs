//! The processor `deduplicate`: items in, each counted once as emitted or duplicate, what is new of them out.

use crate::{
    callback,
    link::Link,
    seen::{Seen, Told},
};
use hilo_contracts::{
    item::{Body, Item, Sighting},
    topics,
};
use hilo_domain::{
    Millis,
    hash::{self, IdHasher},
};
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Tallies, Verdict, wire};

/// See the crate's documentation.
pub struct Deduplicate {
    seen: Store<Seen>,
    tallies: Tallies,
}

impl Default for Deduplicate {
    fn default() -> Self {
        Self {
            seen: Store::new("seen"),
            tallies: Tallies::default(),
        }
    }
}

impl Processor for Deduplicate {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let mut item: Item = wire::decode(&record.value)?;
        let seen = self.seen.get_or_insert_with(&record.key, Seen::default)?;
        if let Body::Echoed { message_id, .. } = &item.body {
            let meeting = seen.meeting.get_or_insert_default();
            return callback::resolve(meeting.echoed(message_id), context);
        }
        let (told, generation) = seen.tell(&item, variant(&item));
        item.generation = generation;
        // What a request became was counted when it was told.
        if !callback::is_resolved(&item) {
            let outcome = if told == Told::New { "emitted" } else { "duplicate" };
            self.tallies.count(context, &item.tenant, "items", outcome, 1)?;
        }
        if told == Told::New
            && let Some(word) = hilo_whatsapp::unknown(&item)
        {
            self.tallies.count(context, &item.tenant, "unknown_words", word, 1)?;
        }
        if told == Told::New && matches!(item.body, Body::Status(_)) {
            self.tallies.count(context, &item.tenant, "statuses", "", 1)?;
        }
        if told == Told::Repeated {
            return Ok(Verdict::Drop("repeated"));
        }
        if told != Told::Worse {
            callback::meet(seen, &item, context)?;
        }
        for link in seen.link(&mut item)? {
            let joined = joined(&item, link);
            context.send(
                topics::UNIQUE,
                item.tenant.as_bytes(),
                joined.event_time,
                wire::encode(&joined)?,
            );
        }
        if told == Told::Worse {
            if item.sightings.is_empty() && item.change.is_none() && !names_account(&item) {
                return Ok(Verdict::Drop("worse"));
            }
            item.evidence_only = true;
        }
        let (changed, filled) = seen.fill(&mut item, told)?;
        forward((!changed).then_some(record), &item, context)?;
        for item in &filled {
            forward(None, item, context)?;
        }
        Ok(Verdict::Done)
    }

    fn tick(&mut self, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        self.tallies.send(now, context)
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.seen, self.tallies.store()]
    }
}

/// Sends an item on; as its `record` came, where there is one and nothing about the item was decided here.
fn forward(record: Option<&Record>, item: &Item, context: &mut Context) -> Result<(), ProcessorError> {
    let has_since = item.sightings.first().is_some_and(|sighting| sighting.since.is_some());
    let decided = item.evidence_only || item.generation > 0 || has_since;
    let value = match record.filter(|_| !decided) {
        Some(record) => record.value.clone(),
        None => wire::encode(item)?,
    };
    match &item.body {
        // The engine carries time; a clock line is no fact. An echo of callback data never comes here.
        Body::Clock | Body::Echoed { .. } => {}
        Body::Account(account) => {
            let parts = [&item.tenant, &account.subject_kind, &account.subject_id].map(String::as_bytes);
            let mut hasher = IdHasher::new("subject");
            for part in parts {
                hasher.update(part);
            }
            context.send(topics::ACCOUNT_ITEM, hasher.bytes(), item.event_time, value);
            // Whose user ids are of one portfolio depends on who owns an account.
            if account.portfolio_id.is_some() || names_account(item) {
                let told = Item {
                    evidence_only: true,
                    ..item.clone()
                };
                context.send(
                    topics::UNIQUE,
                    item.tenant.as_bytes(),
                    item.event_time,
                    wire::encode(&told)?,
                );
            }
        }
        _ => context.send(topics::UNIQUE, item.tenant.as_bytes(), item.event_time, value),
    }
    Ok(())
}

/// Whether an item names the account of a business number.
fn names_account(item: &Item) -> bool {
    !item.entry_id.is_empty() && item.phone_number_id.is_some()
}

/// Hash of all that an item says and shows, without the delivery that brought it. Greater where it shows nobody, then where
/// it names no business number: of equal contents the one that says more holds.
fn variant(item: &Item) -> u64 {
    let mut hasher = IdHasher::new("variant");
    hasher
        .update(&item.event_time.to_le_bytes())
        .update(item.content.as_bytes());
    hasher.update(item.phone_number_id.as_deref().unwrap_or_default().as_bytes());
    hasher.update(item.entry_id.as_bytes());
    let inbound = matches!(&item.body, Body::Message(message) if message.inbound);
    hasher.update(&[
        item.has_person.into(),
        item.test.into(),
        inbound.into(),
        item.change.is_some().into(),
    ]);
    for sighting in &item.sightings {
        hasher.update(sighting.name.as_deref().unwrap_or_default().as_bytes());
        hasher.update(&(sighting.identifiers.len() as u64).to_le_bytes());
        for identifier in &sighting.identifiers {
            hasher
                .update(&[identifier.kind as u8])
                .update(identifier.value.as_bytes());
        }
    }
    let change = item
        .change
        .iter()
        .flat_map(|change| change.old.iter().chain(&change.new));
    for identifier in change {
        hasher.update(identifier.value.as_bytes());
    }
    let lacks = u64::from(!item.has_person) << 1 | u64::from(item.phone_number_id.is_none());
    u64_of(&hasher.bytes()) >> 2 | lacks << 62
}

pub(crate) fn u64_of(bytes: &[u8; 16]) -> u64 {
    let mut half = [0; 8];
    half.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(half)
}

/// Evidence that a send's addressee and the recipient of its statuses are one person, from the send on.
fn joined(item: &Item, link: Link) -> Item {
    let mut hasher = IdHasher::new("link");
    hasher.update(item.tenant.as_bytes()).update(&link.at.to_le_bytes());
    for identifier in &link.identifiers {
        hasher.update(identifier.value.as_bytes());
    }
    Item {
        tenant: item.tenant.clone(),
        delivery_id: item.delivery_id.clone(),
        position: item.position,
        received_at: item.received_at,
        event_time: link.at,
        key: hash::to_hex(&hasher.bytes()),
        content: String::new(),
        entry_id: String::new(),
        phone_number_id: None,
        test: item.test,
        sightings: vec![Sighting {
            identifiers: link.identifiers,
            name: None,
            stated: Vec::new(),
            creates: true,
            identity_hash: None,
            since: Some(link.at),
            instead_of: link.instead_of,
        }],
        has_person: false,
        evidence_only: true,
        generation: 0,
        change: None,
        body: Body::Event {
            kind: "same_person".to_owned(),
        },
    }
}
