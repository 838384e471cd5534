//! Creating and changing records: what the portal checks before it does either.

use crate::{
    association::Place,
    definition::{Definition, Outside},
    failure::{Failure, Wrong},
    object::Object,
    options::Conflicts,
    path::Version,
    portal::Portal,
    table::{Properties, Record},
};
use hilo_domain::time::to_rfc3339;

impl Portal {
    /// Creates a record with its associations.
    pub(crate) fn create(
        &mut self,
        object: Object,
        version: Version,
        given: &Properties,
        links: &[(Place, u32)],
    ) -> Result<u64, Failure> {
        let properties = self.checked(object, version, None, given)?;
        let id = self.next_id();
        let now = self.now();
        let mut record = Record {
            id,
            properties,
            created_at: now,
            updated_at: now,
            archived_at: None,
            merged: Vec::new(),
            indexed: None,
            changed: Some((self.calls, now)),
        };
        self.stamp(object, &mut record);
        self.put(object, record);
        for (to, type_id) in links {
            self.associations.add((object, id), *to, *type_id);
        }
        Ok(id)
    }

    /// Changes a record.
    pub(crate) fn update(
        &mut self,
        object: Object,
        version: Version,
        id: u64,
        given: &Properties,
    ) -> Result<u64, Failure> {
        let Some(record) = self.record((object, id)).cloned() else {
            return Err(Failure::no_record(&id.to_string()));
        };
        let properties = self.checked(object, version, Some(&record), given)?;
        let mut record = record;
        self.settle(&mut record);
        record.properties = properties;
        record.updated_at = self.now();
        record.changed = Some((self.calls, record.updated_at));
        self.stamp(object, &mut record);
        let id = record.id;
        self.put(object, record);
        Ok(id)
    }

    /// Lets searches see what they may see by now.
    pub(crate) fn settle(&self, record: &mut Record) {
        let lag = self.options.search_lag;
        let seen = record
            .changed
            .is_some_and(|(call, at)| self.calls > call + lag.calls && self.now() - at >= lag.millis);
        if seen {
            record.indexed = Some(record.properties.clone());
            record.changed = None;
        }
    }

    fn stamp(&self, object: Object, record: &mut Record) {
        let (created, modified) = object.stamps();
        let id = record.id.to_string();
        record.properties.insert("hs_object_id".to_owned(), id);
        record
            .properties
            .entry(created.to_owned())
            .or_insert_with(|| to_rfc3339(record.created_at));
        record
            .properties
            .insert(modified.to_owned(), to_rfc3339(record.updated_at));
        if object == Object::Deals
            && let Some((_, stage)) = record
                .properties
                .get("dealstage")
                .and_then(|stage| self.table(object)?.stage(stage))
        {
            let chance = stage
                .metadata
                .get("probability")
                .and_then(|text| text.parse::<f64>().ok());
            let (won, lost) = (
                chance.is_some_and(|one| one >= 1.0),
                chance.is_some_and(|one| one <= 0.0),
            );
            for (name, value) in [("hs_is_closed", won || lost), ("hs_is_closed_won", won)] {
                record.properties.insert(name.to_owned(), value.to_string());
            }
        }
    }

    /// What a record is with these values, if all of them may be set.
    fn checked(
        &self,
        object: Object,
        version: Version,
        before: Option<&Record>,
        given: &Properties,
    ) -> Result<Properties, Failure> {
        let fitted = self.fitted(object, given)?;
        let mut whole = before.map(|record| record.properties.clone()).unwrap_or_default();
        for (name, value) in &fitted {
            if value.is_empty() {
                whole.remove(name);
            } else {
                whole.insert(name.clone(), value.clone());
            }
        }
        self.complete_pipeline(object, &mut whole);
        let verb = if before.is_some() { "updating" } else { "creating" };
        // What was without a value before this call may stay so.
        let asked = |name: &str| before.is_none() || fitted.contains_key(name);
        let missing = object.required().iter().copied();
        let missing: Vec<&str> = missing
            .filter(|name| asked(name) && !whole.contains_key(*name))
            .collect();
        if !missing.is_empty() {
            return Err(required(object, verb, &missing));
        }
        self.check_stage(object, &whole)?;
        if version == Version::Dated2609 {
            let binding = self.rules.iter().filter(|rule| rule.object == object);
            let binding = binding.filter(|rule| match &rule.when {
                Some((name, value)) => whole.get(name) == Some(value),
                None => true,
            });
            let missing = binding.map(|rule| rule.required.as_str());
            let missing: Vec<&str> = missing.filter(|name| !whole.contains_key(*name)).collect();
            if !missing.is_empty() {
                return Err(required(object, verb, &missing));
            }
        }
        self.check_unique(object, before.map(|record| record.id), &fitted)?;
        Ok(whole)
    }

    fn fitted(&self, object: Object, given: &Properties) -> Result<Properties, Failure> {
        let mut fitted = Properties::new();
        let mut wrong = Vec::new();
        for (name, value) in given {
            match self.fit(object, name, value) {
                Ok(value) => {
                    fitted.insert(name.clone(), value);
                }
                Err(one) => wrong.push(one),
            }
        }
        if wrong.is_empty() {
            Ok(fitted)
        } else {
            Err(Failure::values(&wrong))
        }
    }

    fn fit(&self, object: Object, name: &str, value: &str) -> Result<String, Wrong> {
        let Some(definition) = self.table(object).and_then(|table| table.definitions.get(name)) else {
            return Err(Wrong::new(
                name,
                "PROPERTY_DOESNT_EXIST",
                format!("Property \"{name}\" does not exist"),
            ));
        };
        if definition.read_only {
            let message = format!("\"{name}\" is a read only property; its value cannot be set.");
            return Err(Wrong::new(name, "READ_ONLY_VALUE", message));
        }
        let value = definition.fit(value)?;
        if value.is_empty() {
            return Ok(value);
        }
        match self.outside(object, definition) {
            Some(allowed) if !allowed.contains(&value) => {
                let allowed = allowed.join(", ");
                let message = format!("{value} was not one of the allowed options: [{allowed}]");
                Err(Wrong::new(name, "INVALID_OPTION", message))
            }
            _ => Ok(if name == "email" { value.to_lowercase() } else { value }),
        }
    }

    /// Values that are defined elsewhere in the portal.
    fn outside(&self, object: Object, definition: &Definition) -> Option<Vec<String>> {
        let pipelines = || self.table(object).into_iter().flat_map(|table| &table.pipelines);
        Some(match definition.outside {
            Outside::No => return None,
            Outside::Owners => self.options.owners.iter().map(|owner| owner.id.to_string()).collect(),
            Outside::Currencies => self.options.currencies.clone(),
            Outside::Pipelines => pipelines().map(|pipeline| pipeline.id.clone()).collect(),
            Outside::Stages => pipelines()
                .flat_map(|pipeline| &pipeline.stages)
                .map(|stage| stage.id.clone())
                .collect(),
        })
    }

    /// A ticket goes by the only pipeline where it names none.
    fn complete_pipeline(&self, object: Object, whole: &mut Properties) {
        if object == Object::Tickets
            && !whole.contains_key("hs_pipeline")
            && let Some([only]) = self.table(object).map(|table| table.pipelines.as_slice())
        {
            whole.insert("hs_pipeline".to_owned(), only.id.clone());
        }
    }

    fn check_stage(&self, object: Object, whole: &Properties) -> Result<(), Failure> {
        let Some((pipeline_name, stage_name)) = object.pipeline_properties() else {
            return Ok(());
        };
        let (Some(pipeline), Some(stage)) = (whole.get(pipeline_name), whole.get(stage_name)) else {
            let missing: Vec<&str> = [pipeline_name, stage_name]
                .into_iter()
                .filter(|name| !whole.contains_key(*name))
                .collect();
            return Err(required(object, "creating", &missing));
        };
        let pipeline = self
            .table(object)
            .and_then(|table| table.pipelines.iter().find(|one| one.id == *pipeline));
        let stages = pipeline.map(|one| one.stages.as_slice()).unwrap_or_default();
        if stages.iter().any(|one| one.id == *stage) {
            return Ok(());
        }
        let allowed: Vec<&str> = stages.iter().map(|one| one.id.as_str()).collect();
        let message = format!("{stage} was not one of the allowed options: [{}]", allowed.join(", "));
        Err(Failure::values(&[Wrong::new(stage_name, "INVALID_OPTION", message)]))
    }

    fn check_unique(&self, object: Object, own: Option<u64>, fitted: &Properties) -> Result<(), Failure> {
        let Some(table) = self.table(object) else { return Ok(()) };
        for (name, value) in fitted.iter().filter(|(_, value)| !value.is_empty()) {
            let Some(holder) = table.holder(name, value).filter(|holder| Some(*holder) != own) else {
                continue;
            };
            if self.options.conflicts == Conflicts::Validation && name != "email" {
                let (portal, type_id) = (self.options.portal_id, object.type_id());
                let message = format!(
                    "Cannot set PropertyValueCoordinates{{portalId={portal}, objectTypeId={type_id}, \
                     propertyName={name}, value={value}}}. {holder} already has that value."
                );
                return Err(Failure::values(&[Wrong::new(
                    name,
                    "CONFLICTING_UNIQUE_VALUE",
                    message,
                )]));
            }
            let noun = object.singular();
            let (first, rest) = noun.split_at(1);
            let message = format!("{}{rest} already exists. Existing ID: {holder}", first.to_uppercase());
            let failure = Failure::new(409, "CONFLICT", &message);
            return Err(failure.with_error("CONFLICTING_UNIQUE_VALUE", &message, name));
        }
        Ok(())
    }
}

fn required(object: Object, verb: &str, missing: &[&str]) -> Failure {
    let message = format!(
        "Error {verb} {}. Some required properties were not set.",
        object.shouted()
    );
    let failure = Failure::invalid(message).with_context("properties", missing.iter().copied());
    missing.iter().fold(failure, |failure, name| {
        failure.with_error("REQUIRED_PROPERTY", &format!("{name} is required"), name)
    })
}
