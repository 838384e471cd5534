//! Names of the portal become its ids: pipelines and stages by label, owners by e-mail address.

use super::{
    Client, Refusal,
    answers::{list, text},
};
use crate::sink::Trouble;
use hilo_crm::values::Object;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

#[derive(Default)]
struct Known {
    /// Object and label of a pipeline: its id, and its stages by label.
    pipelines: BTreeMap<(Object, String), (String, BTreeMap<String, String>)>,
    owners: BTreeMap<String, String>,
    read: Option<Instant>,
}

/// Names of one portal, read when one is first needed, and again after a miss.
pub(super) struct Labels {
    relabel: Duration,
    known: Mutex<Arc<Known>>,
}

/// Whether a value names something of the portal.
pub(super) fn is_label(value: &str) -> bool {
    ["@stage:", "@pipeline:", "@owner:"]
        .iter()
        .any(|prefix| value.starts_with(prefix))
}

impl Labels {
    pub(super) fn new(relabel: Duration) -> Self {
        Self {
            relabel,
            known: Mutex::default(),
        }
    }

    /// The ids of some names; what the portal does not have is left out.
    pub(super) async fn resolve<'a>(
        &self,
        client: &Client,
        object: Object,
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<BTreeMap<String, String>, Trouble> {
        let known = Arc::clone(&*self.known.lock().await);
        let found = known.all(object, names.clone());
        let complete = names.clone().all(|name| found.contains_key(name));
        if complete || known.read.is_some_and(|read| read.elapsed() < self.relabel) {
            return Ok(found);
        }
        let mut slot = self.known.lock().await;
        // Another batch may have read them meanwhile.
        if slot.read == known.read {
            *slot = Arc::new(Known::read(client).await.map_err(|refusal| refusal.trouble)?);
        }
        Ok(slot.all(object, names))
    }
}

impl Known {
    async fn read(client: &Client) -> Result<Self, Refusal> {
        let mut known = Self {
            read: Some(Instant::now()),
            ..Self::default()
        };
        for object in [Object::Ticket, Object::Deal] {
            let answer = client.get(&client.version().pipelines(object, "")).await?;
            for pipeline in &answer.results {
                let (Some(label), Some(id)) = (key(pipeline, "label"), pipeline.get("id").and_then(text)) else {
                    continue;
                };
                let stages = list(pipeline, "stages")
                    .iter()
                    .filter_map(|stage| Some((key(stage, "label")?, stage.get("id").and_then(text)?)));
                known.pipelines.insert((object, label), (id, stages.collect()));
            }
        }
        for owner in &client.owners().await? {
            if let (Some(email), Some(id)) = (key(owner, "email"), owner.get("id").and_then(text)) {
                known.owners.insert(email, id);
            }
        }
        Ok(known)
    }

    fn all<'a>(&self, object: Object, names: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
        names
            .filter_map(|name| Some((name.to_owned(), self.one(object, name)?)))
            .collect()
    }

    fn one(&self, object: Object, name: &str) -> Option<String> {
        if let Some(email) = name.strip_prefix("@owner:") {
            return self.owners.get(&folded(email)).cloned();
        }
        if let Some(label) = name.strip_prefix("@pipeline:") {
            return self.pipelines.get(&(object, folded(label))).map(|(id, _)| id.clone());
        }
        let path = name.strip_prefix("@stage:")?;
        // Labels may hold a slash themselves.
        path.match_indices('/').find_map(|(at, _)| {
            let (pipeline, stage) = (path.get(..at)?, path.get(at + 1..)?);
            let (_, stages) = self.pipelines.get(&(object, folded(pipeline)))?;
            stages.get(&folded(stage)).cloned()
        })
    }
}

fn key(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(text).map(|text| folded(&text))
}

fn folded(label: &str) -> String {
    label.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_whatever_their_case_and_with_slashes_in_them() {
        let stages = |names: &[&str]| {
            names
                .iter()
                .map(|name| (folded(name), format!("id of {name}")))
                .collect()
        };
        let known = Known {
            pipelines: [
                (
                    (Object::Ticket, "soporte / ventas".into()),
                    ("12".into(), stages(&["Nuevo", "A/B"])),
                ),
                ((Object::Deal, "ventas".into()), ("13".into(), stages(&["Ganado"]))),
            ]
            .into(),
            owners: [("ana@example.test".into(), "7001".into())].into(),
            read: None,
        };
        let ticket = |name| known.one(Object::Ticket, name);
        assert_eq!(ticket("@stage:Soporte / Ventas/nuevo").as_deref(), Some("id of Nuevo"));
        assert_eq!(ticket("@stage:Soporte / Ventas/A/B").as_deref(), Some("id of A/B"));
        assert_eq!(ticket("@pipeline:SOPORTE / VENTAS").as_deref(), Some("12"));
        assert_eq!(ticket("@pipeline:Ventas"), None, "that is one of deals");
        assert_eq!(ticket("@owner:Ana@example.test").as_deref(), Some("7001"));
        assert!(!is_label("@ana.rojas"), "a username is no name of the portal");
    }
}
