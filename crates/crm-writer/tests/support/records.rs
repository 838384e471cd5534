//! Desired records of made-up conversations, and what a CRM holds when it holds them: by definition, not by the writer.

use hilo_contracts::facts::{CrmAssociation, CrmField, CrmRecord};
use hilo_crm::{content_hash, record_key, values::Object};
use hilo_crm_simulator::{Object as Remote, State};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn key(object: Object, natural: &str) -> String {
    record_key("acme", object, &[natural])
}

pub(crate) fn field(name: &str, value: Option<&str>, write: &str) -> CrmField {
    CrmField {
        name: name.into(),
        value: value.map(str::to_owned),
        write: write.into(),
    }
}

/// A desired record with the properties that its object has to have.
pub(crate) fn record(object: Object, natural: &str, revision: i64, note: Option<&str>) -> CrmRecord {
    let mut fields = vec![field("wa_note", note, "always")];
    let more: &[(&str, &str, &str)] = match object {
        Object::Contact => &[("firstname", "Ana", "if_empty")],
        Object::Ticket => &[
            ("subject", "Ana · 30/11", "always"),
            ("hs_pipeline", "@pipeline:Support Pipeline", "always"),
            ("hs_pipeline_stage", "@stage:Support Pipeline/Waiting on us", "always"),
        ],
        Object::Deal => &[
            ("dealname", "Ana · otoño", "on_create"),
            ("pipeline", "@pipeline:Sales Pipeline", "always"),
            ("dealstage", "@stage:Sales Pipeline/Qualified To Buy", "always"),
        ],
        Object::Communication => &[
            ("hs_communication_channel_type", "WHATS_APP", "always"),
            ("hs_communication_logged_from", "CRM", "always"),
            ("hs_communication_body", "Hola", "always"),
            ("hs_timestamp", "2026-11-22T12:00:00Z", "always"),
        ],
        Object::Task => &[
            ("hs_task_subject", "Llamar", "always"),
            ("hs_timestamp", "2026-11-23T12:00:00Z", "always"),
            ("hubspot_owner_id", "@owner:ana@example.test", "if_empty"),
        ],
    };
    fields.extend(more.iter().map(|(name, value, write)| field(name, Some(value), write)));
    fields.sort();
    let mut record = CrmRecord {
        event_id: format!("{natural}.{revision}"),
        tenant: "acme".into(),
        kind: "desired".into(),
        revision,
        sink: "hubspot".into(),
        object: object.as_str().into(),
        record_key: key(object, natural),
        person_id: Some(natural.into()),
        fields,
        mapping: "test".into(),
        ..CrmRecord::default()
    };
    record.content_hash = content_hash(&record);
    record
}

/// The same record, belonging to others.
pub(crate) fn of(mut record: CrmRecord, others: &[(Object, &str)]) -> CrmRecord {
    record.associations = others
        .iter()
        .map(|(object, natural)| CrmAssociation {
            object: object.as_str().into(),
            record_key: key(*object, natural),
        })
        .collect();
    record.associations.sort();
    record.content_hash = content_hash(&record);
    record
}

/// The record as one that became part of another.
pub(crate) fn aliased(object: Object, natural: &str, revision: i64, into: &str) -> CrmRecord {
    let mut record = record(object, natural, revision, None);
    record.kind = "aliased".into();
    record.fields.clear();
    record.alias_of = Some(key(object, into));
    record.content_hash = content_hash(&record);
    record
}

/// The record as one that should not be there.
pub(crate) fn deleted(object: Object, natural: &str, revision: i64) -> CrmRecord {
    let mut record = record(object, natural, revision, None);
    record.kind = "deleted".into();
    record.fields.clear();
    record.content_hash = content_hash(&record);
    record
}

/// The newest revision of each record.
pub(crate) fn newest(records: &[CrmRecord]) -> BTreeMap<String, CrmRecord> {
    let mut newest: BTreeMap<String, CrmRecord> = BTreeMap::new();
    for record in records {
        let held = newest
            .entry(record.record_key.clone())
            .or_insert_with(|| record.clone());
        if held.revision < record.revision {
            *held = record.clone();
        }
    }
    newest
}

/// A record of a portal: its object, our key, values by name, our keys of what it belongs to.
pub(crate) type Held = (String, String, BTreeMap<String, String>, BTreeSet<String>);

/// What a portal holds when it holds these records, and nothing else.
pub(crate) fn expected(records: &[CrmRecord]) -> BTreeSet<Held> {
    let newest = newest(records);
    let resolved = |key: &str| {
        let mut key = key.to_owned();
        while let Some(into) = newest.get(&key).and_then(|record| record.alias_of.clone()) {
            key = into;
        }
        key
    };
    let wanted = newest.values().filter(|record| record.kind == "desired");
    wanted
        .map(|record| {
            let fields = record
                .fields
                .iter()
                .filter_map(|field| Some((field.name.clone(), field.value.clone()?)));
            let mut values: BTreeMap<String, String> =
                fields.map(|(name, value)| (name, named(&value).to_owned())).collect();
            values.insert("wa_key".into(), record.record_key.clone());
            let parents = record
                .associations
                .iter()
                .map(|one| resolved(&one.record_key))
                .collect();
            (record.object.clone(), record.record_key.clone(), values, parents)
        })
        .collect()
}

/// What the simulator's portal has under the names that the records use.
fn named(value: &str) -> &str {
    match value {
        "@pipeline:Support Pipeline" => "0",
        "@stage:Support Pipeline/Waiting on us" => "3",
        "@pipeline:Sales Pipeline" => "default",
        "@stage:Sales Pipeline/Qualified To Buy" => "qualifiedtobuy",
        "@owner:ana@example.test" => "7001",
        value => value,
    }
}

/// What a portal holds: every record of it, also such as nobody wanted.
pub(crate) fn held(state: &State, desired: &[CrmRecord]) -> BTreeSet<Held> {
    let objects = [
        (Object::Contact, Remote::Contacts),
        (Object::Ticket, Remote::Tickets),
        (Object::Deal, Remote::Deals),
        (Object::Communication, Remote::Communications),
        (Object::Task, Remote::Tasks),
    ];
    let names: BTreeSet<&str> = desired
        .iter()
        .flat_map(|record| record.fields.iter().map(|field| field.name.as_str()))
        .chain(["wa_key"])
        .collect();
    let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, remote) in objects {
        for seen in state.of(remote) {
            keys.insert(
                &seen.id,
                seen.properties.get("wa_key").map_or("nobody's", String::as_str),
            );
        }
    }
    let mut held = BTreeSet::new();
    for (at, (object, remote)) in objects.into_iter().enumerate() {
        for seen in state.of(remote) {
            let values = seen.properties.iter().filter(|(name, _)| names.contains(name.as_str()));
            let values = values.map(|(name, value)| (name.clone(), value.clone())).collect();
            // Associations show on both sides: those with what a record belongs to are those with earlier objects.
            let earlier = objects.iter().take(at).map(|(_, remote)| remote.name());
            let others = earlier.filter_map(|name| seen.associations.get(name)).flatten();
            let others = others
                .map(|id| keys.get(id.as_str()).copied().unwrap_or("gone").to_owned())
                .collect();
            let key = seen
                .properties
                .get("wa_key")
                .cloned()
                .unwrap_or_else(|| format!("nobody's {}", seen.id));
            held.insert((object.as_str().to_owned(), key, values, others));
        }
    }
    held
}

/// The portal holds what these records say, each once, and nothing else.
pub(crate) fn assert_holds(state: &State, records: &[CrmRecord]) {
    let (held, expected) = (held(state, records), expected(records));
    let lacking: Vec<_> = expected.difference(&held).take(3).collect();
    let unwanted: Vec<_> = held.difference(&expected).take(3).collect();
    assert!(
        lacking.is_empty() && unwanted.is_empty(),
        "lacking {lacking:#?}, unwanted {unwanted:#?}"
    );
    let many: usize = Remote::ALL.iter().map(|object| state.of(*object).len()).sum();
    assert_eq!(many, expected.len(), "each once");
    assert_eq!(state.counts.ignored, BTreeMap::new(), "no field is mistyped");
}
