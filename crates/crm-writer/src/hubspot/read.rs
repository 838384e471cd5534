//! Reading records in batches, by our key or by the CRM's id: unlike its search, this sees what was just written.

use super::{
    HubSpot, KEY, Refusal,
    answers::Found,
    bodies::{Id, Read},
};
use hilo_crm::values::Object;
use std::collections::BTreeMap;

/// A look-up that finds nothing.
pub(super) fn nothing() -> Read {
    Read {
        properties: Vec::new(),
        properties_with_history: Vec::new(),
        id_property: None,
        inputs: vec![Id::from("0")],
    }
}

impl HubSpot {
    /// Records by our keys; what is not there is left out.
    pub(super) async fn read_by_key(
        &self,
        object: Object,
        keys: impl Iterator<Item = &str>,
        properties: &[String],
    ) -> Result<BTreeMap<String, Found>, Refusal> {
        let found = self.read(object, Some(KEY), keys, properties).await?;
        Ok(found
            .into_iter()
            .filter_map(|found| Some((found.value(KEY)?.to_owned(), found)))
            .collect())
    }

    /// Records by the CRM's ids. One that was merged comes under its new id, so that an id may not be in the answer.
    pub(super) async fn read_by_id(
        &self,
        object: Object,
        ids: impl Iterator<Item = &str>,
        properties: &[String],
    ) -> Result<Vec<Found>, Refusal> {
        self.read(object, None, ids, properties).await
    }

    async fn read(
        &self,
        object: Object,
        id_property: Option<&'static str>,
        ids: impl Iterator<Item = &str>,
        properties: &[String],
    ) -> Result<Vec<Found>, Refusal> {
        let inputs: Vec<Id> = ids.map(Id::from).collect();
        if inputs.is_empty() {
            return Ok(Vec::new());
        }
        let body = Read {
            properties: properties
                .iter()
                .map(String::as_str)
                .chain([KEY])
                .map(str::to_owned)
                .collect(),
            properties_with_history: Vec::new(),
            id_property,
            inputs,
        };
        let path = self.client.version().objects(object, "batch/read");
        match self.client.post(&path, &body, properties).await {
            // Neither a record nor an error for any of them: the CRM did not look.
            Ok(answer) if answer.results.is_empty() && answer.errors.is_empty() => Err(Refusal::of("no_result")),
            Ok(answer) => Ok(answer.found()),
            Err(refusal) if refusal.status == 404 => Ok(Vec::new()),
            Err(refusal) => Err(refusal),
        }
    }
}
