//! The account processor: items about the business side in, facts about a subject out.

use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::{Account as Fact, Source, Subject, TemplateRef},
    item::{Account as Told, Body, Item, MessageRecord, TemplateNamed},
    stored::{Account as Stored, Convert as _},
    topics,
};
use hilo_domain::hash;
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Verdict, wire};
use serde::{Deserialize, Serialize};

/// What is kept of a subject.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct State {
    /// Revision that was published last.
    revision: i64,
    /// The observation with the greatest (event time, content).
    latest: Option<Stored>,
}

/// See the crate's documentation.
pub struct Account {
    subjects: Store<State>,
    codec: AvroCodec<Fact>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            subjects: Store::new("subjects"),
            codec: codec::account(),
        }
    }
}

impl Processor for Account {
    fn process(&mut self, record: &Record, context: &mut Context) -> Result<Verdict, ProcessorError> {
        let item: Item = wire::decode(&record.value)?;
        let Body::Account(told) = &item.body else {
            return Ok(Verdict::Drop("not_about_an_account"));
        };
        let mut fact = fact_of(&item, told);
        let state = self.subjects.get_or_insert_with(&record.key, State::default)?;
        let order = |fact: &Fact| (fact.event_time, fact.content.clone(), fact.event_id.clone());
        let rank = |had: &Stored| (had.event_time, had.content.clone(), had.event_id.clone());
        let newest: Option<Fact> = match &state.latest {
            Some(latest) if rank(latest) == order(&fact) => return Ok(Verdict::Drop("known")),
            Some(latest) if rank(latest) > order(&fact) => Some(latest.clone().convert()),
            _ => None,
        };
        state.revision += 1;
        fact.revision = state.revision;
        send(&self.codec, &record.key, &fact, context)?;
        if let Some(named) = named(&fact) {
            let record = wire::encode(&MessageRecord::TemplateNamed(named))?;
            context.broadcast(topics::MESSAGE_ITEM, fact.event_time, record);
        }
        match newest {
            // The contract: the latest observation has the highest revision.
            Some(mut newest) => {
                state.revision += 1;
                newest.revision = state.revision;
                send(&self.codec, &record.key, &newest, context)?;
                state.latest = Some(newest.convert());
            }
            None => state.latest = Some(fact.convert()),
        }
        Ok(Verdict::Done)
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.subjects]
    }
}

/// The category that the platform gives a template, for its sends. The platform's test button names none.
fn named(fact: &Fact) -> Option<TemplateNamed> {
    let template = fact.template.as_ref().filter(|_| !fact.test)?;
    Some(TemplateNamed {
        tenant: fact.tenant.clone(),
        name: template.name.clone(),
        language: template.language.clone(),
        at: fact.event_time,
        category: template.category.clone()?,
    })
}

fn send(codec: &AvroCodec<Fact>, key: &[u8], fact: &Fact, context: &mut Context) -> Result<(), ProcessorError> {
    let value = codec
        .encode(fact)
        .map_err(|error| ProcessorError::Contract(error.to_string()))?;
    context.send(topics::ACCOUNT, key, fact.event_time, value);
    Ok(())
}

fn fact_of(item: &Item, told: &Told) -> Fact {
    // A content that is no JSON says nothing more.
    let content = serde_json::from_str(&item.content).unwrap_or_default();
    let details = hilo_whatsapp::account::details(&told.kind, &content);
    Fact {
        event_id: hash::id("account", &[item.tenant.as_bytes(), item.key.as_bytes()]),
        tenant: item.tenant.clone(),
        event_time: item.event_time,
        ingest_time: item.received_at,
        source: Source::new(&item.delivery_id, item.position),
        kind: told.kind.clone(),
        revision: 0,
        subject: Subject {
            kind: told.subject_kind.clone(),
            id: told.subject_id.clone(),
        },
        waba_id: told.account(&item.entry_id).map(str::to_owned),
        portfolio_id: told.portfolio_id.clone(),
        event: told.event.clone(),
        quality: told.quality.clone(),
        limit: told.limit,
        limit_told: told.limit_told,
        template: told.template.as_ref().map(|template| TemplateRef {
            name: template.name.clone(),
            language: template.language.clone(),
            category: template.category.clone(),
        }),
        reason: told.reason.clone(),
        previous: details.previous,
        announced: details.announced,
        effective_at: details.effective_at,
        restrictions: details.restrictions,
        attributes: details.attributes,
        content: Some(item.content.clone()),
        test: item.test,
    }
}
