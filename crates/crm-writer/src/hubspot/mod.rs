//! HubSpot by its dated API.

mod answers;
mod associate;
mod associated;
mod bodies;
mod classify;
mod client;
mod gone;
mod labels;
mod properties;
mod read;
mod version;
mod write;

pub use client::{Client, ClientError, Portal};
pub use version::ApiVersion;

pub(crate) use answers::{list, text};
pub(crate) use bodies::{NewGroup, NewOption, NewPipeline, NewProperty, NewStage, OptionsOf};
pub(crate) use client::Refusal;

use crate::{
    budget::BudgetView,
    edge::Reply,
    sink::{Act, Capabilities, Item, Outcome, Sink, Trouble},
};
use hilo_crm::values::Object;
use labels::Labels;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Our unique property on every object.
pub(crate) const KEY: &str = "wa_key";
/// Revision of the desired record that the CRM holds.
pub(crate) const REVISION: &str = "wa_revision";

/// Records in a batch.
const BATCH: usize = 100;
/// Batches at a time.
const PARALLEL: usize = 4;

/// A HubSpot portal.
pub struct HubSpot {
    client: Arc<Client>,
    labels: Labels,
}

impl HubSpot {
    /// A portal. Labels that it does not know are looked for again after `relabel` at the earliest.
    #[must_use]
    pub fn new(client: Arc<Client>, relabel: Duration) -> Self {
        Self {
            client,
            labels: Labels::new(relabel),
        }
    }

    async fn write_all(&self, object: Object, items: &[Item]) -> Vec<Outcome> {
        if !self.client.knows_clock() {
            // Its midnight ends a pause of a day. Where the request fails, those of the records say why.
            drop(self.client.account().await);
        }
        let mut outcomes: Vec<Option<Outcome>> = vec![None; items.len()];
        let mut upserts = Vec::new();
        for (index, (item, outcome)) in items.iter().zip(&mut outcomes).enumerate() {
            match &item.act {
                Act::Upsert | Act::Adopt(_) => upserts.push(index),
                Act::Archive { remote_id } => *outcome = Some(self.archive(object, remote_id).await),
                Act::Merge { into, remote_id, ours } => {
                    *outcome = Some(self.merge(object, into, remote_id, ours).await);
                }
            }
        }
        self.write_records(object, items, &upserts, &mut outcomes).await;
        let named = |outcome: Option<Outcome>| {
            let mut outcome = outcome.unwrap_or_else(|| Trouble::again("no_result").into());
            if let Outcome::Failed {
                trouble:
                    Trouble::Stop {
                        code: "missing_scope",
                        missing,
                    },
                ..
            } = &mut outcome
            {
                // Where the CRM does not name it, it is that of the object.
                missing.get_or_insert_with(|| version::scope(object).to_owned());
            }
            outcome
        };
        outcomes.into_iter().map(named).collect()
    }
}

impl Sink for HubSpot {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            batch: BATCH,
            parallel: PARALLEL,
        }
    }

    fn write<'a>(&'a self, object: Object, items: &'a [Item]) -> Reply<'a, Vec<Outcome>> {
        Box::pin(self.write_all(object, items))
    }

    fn find<'a>(&'a self, object: Object, keys: &'a [String]) -> Reply<'a, Result<BTreeMap<String, String>, Trouble>> {
        Box::pin(async move {
            let found = self.read_by_key(object, keys.iter().map(String::as_str), &[]).await;
            match found {
                Ok(found) => Ok(found.into_iter().map(|(key, found)| (key, found.id)).collect()),
                Err(refusal) => Err(refusal.trouble),
            }
        })
    }

    fn probe(&self) -> Reply<'_, Result<(), Trouble>> {
        Box::pin(async {
            // The request that needs a scope is the one that was refused for it; an empty look-up needs it too.
            for object in [Object::Contact, Object::Ticket, Object::Deal] {
                let path = self.client.version().objects(object, "batch/read");
                let body = read::nothing();
                if let Err(refusal) = self.client.post(&path, &body, &[]).await
                    && !matches!(
                        refusal.trouble,
                        Trouble::Reject { .. } | Trouble::Retry { code: "not_found", .. }
                    )
                {
                    return Err(refusal.trouble);
                }
            }
            self.client.account().await.map_err(|refusal| refusal.trouble)
        })
    }

    fn budget(&self) -> BudgetView {
        self.client.budget().view()
    }

    fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.client.calls()
    }
}
