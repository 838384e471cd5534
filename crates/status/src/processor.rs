//! The status processor: items of a message in, what became of it out.

use crate::{
    message::{Awaited, Fates, Message, Whose},
    templates::{self, Named, Templates},
};
use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::{Source, Status as Fact},
    item::{Body, ConsentRecord, Follow, MessageRecord, PersonRecord, Resolved, Sign, TemplateNamed},
    stored::Convert as _,
    tally::{Amount, Tally},
    topics,
};
use hilo_domain::{ErrorClass, Millis, consent::ConsentState, hash, time::HOUR};
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Timers, Verdict, wire};

/// See the crate's documentation.
pub struct Status {
    messages: Store<Message>,
    /// When an orphan is published as one.
    timers: Timers,
    templates: Templates,
    codec: AvroCodec<Fact>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            messages: Store::new("messages"),
            timers: Timers::new("timers"),
            templates: Templates::new(),
            codec: codec::status(),
        }
    }
}

impl Processor for Status {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let told = wire::decode(&record.value)?;
        let (tenant, message_id) = match &told {
            MessageRecord::Item(resolved) => (resolved.item.tenant.clone(), id_of(&resolved.item.body)),
            MessageRecord::Person { tenant, message_id, .. } => (tenant.clone(), message_id.clone()),
            // About all messages that depend on it, and none in particular.
            MessageRecord::TemplateNamed(_) => Default::default(),
        };
        let before = self.fates(&record.key, &tenant)?;
        let verdict = self.told(record, told, context)?;
        let after = self.fates(&record.key, &tenant)?;
        let about = (tenant.as_str(), message_id.as_str());
        tell_holders(before, after, about, record.timestamp, context)?;
        Ok(verdict)
    }

    fn tick(&mut self, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        for (at, key) in self.timers.due(now) {
            self.orphaned(at, &key, context)?;
        }
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        let [named, unpriced] = self.templates.stores();
        vec![&mut self.messages, &mut self.timers, named, unpriced]
    }
}

/// Only statuses for this long after the first of them: the message is published as an orphan. Late send logs are minutes
/// late; a send of another tool never comes.
const ORPHANED_AFTER: Millis = HOUR;

/// The message that an item is about.
fn id_of(body: &Body) -> String {
    match body {
        Body::Message(message) => message.id.clone(),
        Body::Status(status) => status.message_id.clone(),
        _ => String::new(),
    }
}

impl Status {
    fn told(&mut self, record: &Record, told: MessageRecord, context: &mut Context) -> Result<Verdict, ProcessorError> {
        match told {
            MessageRecord::Item(resolved) => self.item(&record.key, &resolved, context),
            MessageRecord::Person {
                tenant,
                message_id,
                at,
                fingerprint,
                version,
                person_id,
                country,
            } => {
                let later = Whose {
                    version,
                    person_id: Some(person_id.into()),
                    country: country.map(Into::into),
                };
                self.reassign(record, (tenant, message_id), (at, fingerprint), &later, context)
            }
            MessageRecord::TemplateNamed(named) => self.named(&named, context),
        }
    }

    /// The sends of a message and their outcome.
    fn fates(&mut self, key: &[u8], tenant: &str) -> Result<Fates, ProcessorError> {
        let Some(message) = self.messages.get(key)? else {
            return Ok(Fates::default());
        };
        let named = match message.unpriced() {
            Some((template, at)) => self.templates.category(&templates::key_of(tenant, template), at)?,
            None => None,
        };
        Ok(message.fates(message.category(named).as_deref()))
    }

    fn item(&mut self, key: &[u8], resolved: &Resolved, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let was_told = |message: &Message| (message.is_published(), message.is_orphan());
        let item = &resolved.item;
        match &item.body {
            Body::Message(told) => {
                let message = self.messages.get_or_insert_with(key, Message::default)?;
                let before = was_told(message);
                let described = message.describe(resolved, told);
                if let Some((person, forget)) = described.lost_by {
                    let record = wire::encode(&PersonRecord::Forget(forget))?;
                    context.send(topics::PERSON_ITEM, person.as_bytes(), item.event_time, record);
                }
                if message.awaited.take().is_some() {
                    self.timers.cancel(key)?;
                }
                if !described.changed || !message.is_published() {
                    return Ok(Verdict::Done);
                }
                if before == (true, true) {
                    context.count("orphans", "resolved");
                }
                let occasion = Fact {
                    kind: "accepted".to_owned(),
                    message_id: told.id.clone(),
                    ..occasion(resolved)
                };
                Self::publish(&self.codec, &mut self.templates, key, message, occasion, context)?;
            }
            Body::Status(status) => {
                let message = self.messages.get_or_insert_with(key, Message::default)?;
                let before = was_told(message);
                let followed = message.followed(&item.tenant, &status.message_id);
                context.spend(message.participants() as u64)?;
                if !message.add(resolved, status) {
                    return Ok(Verdict::Done);
                }
                if before == (false, true) {
                    context.count("orphans", "found");
                    message.awaited = Some(Box::new(Awaited {
                        tenant: item.tenant.clone(),
                        message_id: status.message_id.clone(),
                    }));
                }
                let follow = message.followed(&item.tenant, &status.message_id);
                ask_to_follow(follow.filter(|follow| followed.as_ref() != Some(follow)), context)?;
                if message.awaited.is_some() {
                    let first = message.first_status_at().unwrap_or(item.event_time);
                    self.timers.schedule(key, first.saturating_add(ORPHANED_AFTER))?;
                }
                let participant = status.participant.as_deref();
                let participant_status = participant.and_then(|name| message.participant_status(name));
                let occasion = Fact {
                    kind: "status".to_owned(),
                    message_id: status.message_id.clone(),
                    participant: status.participant.clone(),
                    participant_status: participant_status.map(str::to_owned),
                    status: Some(status.status.clone()),
                    charged_conversation: status.charged.clone().convert(),
                    recipient_identity_hash: status.identity_hash.clone(),
                    payment: status.payment.clone().convert(),
                    ..occasion(resolved)
                };
                Self::publish(&self.codec, &mut self.templates, key, message, occasion, context)?;
            }
            _ => return Ok(Verdict::Drop("not_about_a_message")),
        }
        Ok(Verdict::Done)
    }

    /// The time of an orphan is over.
    fn orphaned(&mut self, at: Millis, key: &[u8], context: &mut Context) -> Result<(), ProcessorError> {
        let Some(message) = self.messages.get_mut(key)? else {
            return Ok(());
        };
        let Some(awaited) = message.awaited.take() else {
            return Ok(());
        };
        context.count("orphans", "overdue");
        let tally = Tally {
            tenant: awaited.tenant.clone(),
            amounts: vec![Amount {
                counter: "orphans".to_owned(),
                label: "overdue".to_owned(),
                amount: 1,
            }],
        };
        let counted = wire::encode(&tally)?;
        context.send(topics::TALLY, awaited.tenant.as_bytes(), at, counted);
        let occasion = Fact {
            tenant: awaited.tenant,
            message_id: awaited.message_id,
            kind: "orphaned".to_owned(),
            event_time: at,
            ..Fact::default()
        };
        Self::publish(&self.codec, &mut self.templates, key, message, occasion, context)
    }

    fn reassign(
        &mut self,
        record: &Record,
        (tenant, message_id): (String, String),
        (at, fingerprint): (Millis, u64),
        later: &Whose,
        context: &mut Context,
    ) -> Result<Verdict, ProcessorError> {
        let Some(message) = self.messages.get_mut(&record.key)? else {
            return Ok(Verdict::Drop("message_unknown"));
        };
        if message.reassign(at, fingerprint, later) && message.is_published() {
            let kind = "person_changed".to_owned();
            let occasion = Fact {
                tenant,
                message_id,
                kind,
                event_time: record.timestamp,
                ..Fact::default()
            };
            Self::publish(
                &self.codec,
                &mut self.templates,
                &record.key,
                message,
                occasion,
                context,
            )?;
        }
        Ok(Verdict::Done)
    }

    /// The platform named the category of a template: what that changes of sends that are known is published.
    fn named(&mut self, told: &TemplateNamed, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let template = templates::key(&told.tenant, &told.name, told.language.as_deref());
        let named = self.templates.named.get_or_insert_with(&template, Named::default)?;
        let before = named.clone();
        if !named.add(told.at, &told.category) {
            return Ok(Verdict::Drop("known"));
        }
        let after = named.clone();
        let dependents = self.templates.dependents(&template)?;
        context.spend(dependents.len() as u64)?;
        for (key, message_id) in dependents {
            let Some(message) = self.messages.get(&key)? else {
                continue;
            };
            let Some((_, accepted_at)) = message.unpriced() else {
                continue;
            };
            let [was, is] = [&before, &after].map(|named| message.category(named.before(accepted_at)));
            if was == is {
                continue;
            }
            let occasion = Fact {
                tenant: told.tenant.clone(),
                message_id: message_id.into(),
                kind: "category_changed".to_owned(),
                event_time: told.at,
                ..Fact::default()
            };
            if let Some(message) = self.messages.get_mut(&key)? {
                let fates = message.fates(was.as_deref());
                let message_id = occasion.message_id.clone();
                Self::publish(&self.codec, &mut self.templates, &key, message, occasion, context)?;
                let now = message.fates(is.as_deref());
                tell_holders(fates, now, (&told.tenant, &message_id), told.at, context)?;
            }
        }
        Ok(Verdict::Done)
    }

    /// Sends the state of a message with the occasion that changed it.
    fn publish(
        codec: &AvroCodec<Fact>,
        templates: &mut Templates,
        key: &[u8],
        message: &mut Message,
        occasion: Fact,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let category = Self::category(templates, key, message, &occasion)?;
        message.revision += 1;
        let revision = message.revision.to_le_bytes();
        let parts: [&[u8]; 3] = [occasion.tenant.as_bytes(), occasion.message_id.as_bytes(), &revision];
        let fact = Fact {
            event_id: hash::id("status", &parts),
            tenant: occasion.tenant,
            event_time: occasion.event_time,
            ingest_time: occasion.ingest_time,
            source: occasion.source,
            kind: occasion.kind,
            message_id: occasion.message_id,
            participant: occasion.participant,
            participant_status: occasion.participant_status,
            status: occasion.status,
            charged_conversation: occasion.charged_conversation,
            recipient_identity_hash: occasion.recipient_identity_hash,
            payment: occasion.payment,
            category,
            ..message.fact()
        };
        let value = codec
            .encode(&fact)
            .map_err(|error| ProcessorError::Contract(error.to_string()))?;
        context.send(topics::STATUS, key, fact.event_time, value);
        Self::refuse(message, fact, context)
    }

    /// The category of a message. Notes on which template it depends.
    fn category(
        templates: &mut Templates,
        key: &[u8],
        message: &mut Message,
        occasion: &Fact,
    ) -> Result<Option<String>, ProcessorError> {
        let unpriced = message.unpriced();
        let unpriced = unpriced.map(|(template, at)| (templates::key_of(&occasion.tenant, template), at));
        let (had, now) = (
            message.depends_on.as_deref(),
            unpriced.as_ref().map(|(template, _)| template),
        );
        templates.depends(key, &occasion.message_id, had, now);
        if had != now {
            message.depends_on = now.map(|template| Box::new(*template));
        }
        let named = match &unpriced {
            Some((template, at)) => templates.category(template, *at)?,
            None => None,
        };
        Ok(message.category(named))
    }

    /// Tells the ledger of the person that the platform refuses sends to them; follows the message when its person changes.
    fn refuse(message: &mut Message, fact: Fact, context: &mut Context) -> Result<(), ProcessorError> {
        let is_opt_out = |code: &&i64| ErrorClass::of(Some(**code)) == ErrorClass::OptOut;
        let code = fact.error_codes.iter().find(is_opt_out);
        let person = fact.person_id.as_deref().filter(|_| code.is_some());
        let parts = [fact.tenant.as_bytes(), fact.message_id.as_bytes()];
        let id = hash::id("consent_error", &parts);
        if message.refused_by.is_some() && message.refused_by.as_deref() != person {
            let gone = message.refused_by.take().unwrap_or_default();
            let tenant = fact.tenant.clone();
            let record = wire::encode(&ConsentRecord::Forget { tenant, id: id.clone() })?;
            context.send(topics::CONSENT_ITEM, gone.as_bytes(), fact.event_time, record);
        }
        let (Some(person), Some(code)) = (person, code) else {
            return Ok(());
        };
        message.refused_by = Some(person.into());
        let sign = Sign {
            id,
            at: fact.opted_out_at.unwrap_or(fact.event_time),
            channel: "whatsapp".to_owned(),
            purpose: "marketing".to_owned(),
            state: ConsentState::Blocked.as_str().to_owned(),
            method: "error".to_owned(),
            word: Some(code.to_string()),
            evidence: hash::digest("evidence", &[fact.message_id.as_bytes(), &code.to_le_bytes()]),
            reference: Some(fact.message_id),
            received_at: fact.ingest_time,
            source: fact.source.convert(),
            tenant: fact.tenant,
            ..Sign::default()
        };
        let (at, record) = (sign.at, wire::encode(&ConsentRecord::Sign(Box::new(sign)))?);
        context.send(topics::CONSENT_ITEM, person.as_bytes(), at, record);
        Ok(())
    }
}

/// Sends the changed outcomes of a message to the conversations that store its sends.
fn tell_holders(
    before: Fates,
    after: Fates,
    message: (&str, &str),
    at: Millis,
    context: &mut Context,
) -> Result<(), ProcessorError> {
    for (person, news) in after.news(before, message) {
        context.send(topics::PERSON_ITEM, person.as_bytes(), at, wire::encode(&news)?);
    }
    Ok(())
}

/// Asks the processor that the graph's moves go to, to tell of this message's.
fn ask_to_follow(follow: Option<(Box<str>, Follow)>, context: &mut Context) -> Result<(), ProcessorError> {
    if let Some((person, follow)) = follow {
        let (at, record) = (follow.at, wire::encode(&PersonRecord::Follow(follow))?);
        context.send(topics::PERSON_ITEM, person.as_bytes(), at, record);
    }
    Ok(())
}

fn occasion(resolved: &Resolved) -> Fact {
    let item = &resolved.item;
    Fact {
        tenant: item.tenant.clone(),
        event_time: item.event_time,
        ingest_time: item.received_at,
        source: Source::new(&item.delivery_id, item.position),
        ..Fact::default()
    }
}
