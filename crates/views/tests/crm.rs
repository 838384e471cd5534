//! A message, the records of a CRM that follow from it, and what became of them there: each leads to the others, and nobody
//! sees another tenant's.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use anyhow::Result;
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::{Conversation, CrmRecord, CrmWrite},
    topics,
};
use hilo_dashboard::{Asked, Source as _, Stage, Trace};
use hilo_golden::{Golden, Place, Placed};
use hilo_service::Scope;
use hilo_stream::{Record, TopicKind, TopicSpec, Topology};
use hilo_views::{Engine, Feed, GOLDEN_DB, Pulse, Shelf, View, Waiting};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use tempfile::TempDir;

const AT: i64 = 1_777_899_600_000;
const EVENT: &str = "e0190b7c2aa0f4e7d12345678";
const TICKET: &str = "gr_a190b7c2aa0f4e7d12345671";
const PERSON: &str = "p_0190b7c2aa0f4e7d12345678";
const MESSAGE: &str = "wamid.A1";

/// Topics in memory.
#[derive(Clone, Default)]
struct Topics(Arc<BTreeMap<&'static str, Vec<Record>>>);

impl Shelf for Topics {
    fn at(&mut self, places: &[Place]) -> Result<BTreeMap<Place, Record>> {
        let record = |place: &Place| {
            self.0
                .get(place.topic)?
                .get(usize::try_from(place.offset).ok()?)
                .cloned()
        };
        Ok(places
            .iter()
            .filter_map(|place| Some((*place, record(place)?)))
            .collect())
    }

    fn latest(&mut self, topic: &'static str, limit: usize) -> Result<Vec<Record>> {
        let log = self.0.get(topic).map(Vec::as_slice).unwrap_or_default();
        Ok(log[log.len().saturating_sub(limit)..].to_vec())
    }
}

impl Engine for Topics {
    fn feed(&self, _: &mut dyn FnMut(&'static str, i32) -> Result<i64>) -> Result<Box<dyn Feed>> {
        anyhow::bail!("it is filled by hand")
    }

    fn shelf(&self) -> Result<Box<dyn Shelf>> {
        Ok(Box::new(self.clone()))
    }

    fn is_through(&self) -> bool {
        true
    }

    fn waiting(&self) -> Waiting {
        Waiting::default()
    }
}

fn record(topic: &'static str, key: &str, value: Vec<u8>) -> Record {
    Record {
        topic,
        key: key.into(),
        value,
        timestamp: AT,
    }
}

fn said(tenant: &str) -> Record {
    let fact = Conversation {
        event_id: EVENT.into(),
        tenant: tenant.into(),
        event_time: AT,
        kind: "message_received".into(),
        message_id: Some(MESSAGE.into()),
        person_id: Some(PERSON.into()),
        revision: 1,
        ..Conversation::default()
    };
    record(
        topics::CONVERSATION,
        tenant,
        codec::conversation().encode(&fact).unwrap(),
    )
}

fn desired(tenant: &str, key: &str, revision: i64, facts: &[&str]) -> Record {
    let fact = CrmRecord {
        event_id: format!("{key}-{revision}"),
        tenant: tenant.into(),
        event_time: AT,
        kind: "desired".into(),
        revision,
        sink: "hubspot".into(),
        object: "ticket".into(),
        record_key: key.into(),
        person_id: Some(PERSON.into()),
        facts: facts.iter().map(|fact| (*fact).to_owned()).collect(),
        ..CrmRecord::default()
    };
    record(topics::CRM_RECORD, key, codec::crm_record().encode(&fact).unwrap())
}

fn became(tenant: &str, key: &str, revision: i64, kind: &str) -> Record {
    let fact = CrmWrite {
        event_id: format!("{key}-{revision}-{kind}"),
        tenant: tenant.into(),
        event_time: AT + revision,
        kind: kind.into(),
        revision,
        sink: "hubspot".into(),
        object: Some("ticket".into()),
        record_key: Some(key.into()),
        person_id: Some(PERSON.into()),
        remote_id: Some("51201".into()),
        code: (kind == "deferred").then(|| "rate".into()),
        ..CrmWrite::default()
    };
    record(topics::CRM_WRITE, key, codec::crm_write().encode(&fact).unwrap())
}

/// Views of these records.
fn view(records: Vec<Record>) -> (View, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut logs: BTreeMap<&'static str, Vec<Record>> = BTreeMap::new();
    let mut placed = Vec::new();
    for record in records {
        let log = logs.entry(record.topic).or_default();
        let offset = i64::try_from(log.len()).unwrap();
        log.push(record.clone());
        placed.push(Placed {
            partition: 0,
            offset,
            record,
        });
    }
    Golden::open(&folder.path().join(GOLDEN_DB))
        .unwrap()
        .follow(&placed)
        .unwrap();
    let raw = TopicSpec {
        name: topics::RAW,
        kind: TopicKind::Raw,
        key: "",
        schema: Some(topics::RAW),
        kept: "",
        doc: "",
    };
    let normalize = hilo_normalize::normalize_spec(BTreeMap::new());
    let topology = Topology::new(vec![raw], vec![normalize, hilo_deduplicate::spec()]).unwrap();
    let topics = Arc::new(Topics(Arc::new(logs)));
    let view = View::new("test", folder.path(), &topology, topics, Pulse::of_a_copy()).unwrap();
    (view, folder)
}

fn scope(tenant: &str) -> Scope {
    Scope::Tenants(BTreeSet::from([tenant.to_owned()]))
}

fn story(view: &View, tenant: &str, id: &str) -> Trace {
    view.story(&scope(tenant), id, 100, &Asked::default()).unwrap().unwrap()
}

fn titles(trace: &Trace, stage: Stage) -> Vec<String> {
    let of_stage = trace.steps.iter().filter(|step| step.stage == stage);
    of_stage
        .map(|step| format!("{} {}", step.title, step.content["revision"]))
        .collect()
}

/// Revision 2 of the ticket follows from the message; it is put off, then revision 3 is written, and revision 4 later.
fn life(tenant: &str) -> Vec<Record> {
    vec![
        said(tenant),
        desired(tenant, TICKET, 1, &["another"]),
        became(tenant, TICKET, 1, "written"),
        desired(tenant, TICKET, 2, &["another", EVENT]),
        desired(tenant, TICKET, 3, &["a-later-one"]),
        became(tenant, TICKET, 3, "deferred"),
        became(tenant, TICKET, 3, "written"),
        desired(tenant, TICKET, 4, &["the-latest"]),
        became(tenant, TICKET, 4, "written"),
    ]
}

#[test]
fn a_message_leads_to_its_record_and_what_became_of_that() {
    let (view, _folder) = view(life("acme"));
    for id in [MESSAGE, EVENT] {
        let trace = story(&view, "acme", id);
        assert_eq!(
            titles(&trace, Stage::Fact),
            ["message_received 1", "ticket desired 2"],
            "{id}"
        );
        assert_eq!(
            titles(&trace, Stage::CrmWrite),
            ["deferred rate 3", "written 3"],
            "{id}"
        );
    }
}

#[test]
fn a_record_is_told_whole_and_leads_back() {
    let (view, _folder) = view(life("acme"));
    let trace = story(&view, "acme", TICKET);
    assert_eq!(trace.kind, "record");
    assert_eq!(titles(&trace, Stage::Fact).len(), 4);
    assert_eq!(
        titles(&trace, Stage::CrmWrite),
        ["written 1", "deferred rate 3", "written 3", "written 4"]
    );
    let tables: Vec<&str> = trace
        .steps
        .iter()
        .filter(|step| step.stage == Stage::Golden)
        .map(|step| step.title.as_str())
        .collect();
    assert_eq!(tables, ["crm_records", "crm_links"]);
    let second = trace
        .steps
        .iter()
        .find(|step| step.content["event_id"] == format!("{TICKET}-2"))
        .unwrap();
    let ids: Vec<&str> = second.links.iter().map(|link| link.id.as_str()).collect();
    assert_eq!(ids, [PERSON, TICKET, "another", EVENT]);
    assert_eq!(story(&view, "acme", "51201").kind, "record");
}

#[test]
fn the_numbers_of_a_crm_lead_to_their_facts() {
    let (view, _folder) = view(life("acme"));
    let card = view.snapshot(&scope("acme")).unwrap().crms.remove(0);
    assert_eq!((card.objects[0].desired, card.waiting), (1, 0));
    let trace = story(&view, "acme", &card.objects[0].trace);
    assert_eq!(titles(&trace, Stage::Fact).len(), 4);
    assert_eq!(card.outcomes[0].reason, "written");
    let trace = story(&view, "acme", &card.outcomes[0].trace);
    assert_eq!(titles(&trace, Stage::CrmWrite), ["written 1", "written 3", "written 4"]);
}

#[test]
fn nobody_sees_the_crm_of_another_tenant() {
    let mut records = life("acme");
    records.push(said("beta"));
    let (view, _folder) = view(records);
    assert!(view.snapshot(&scope("beta")).unwrap().crms.is_empty());
    assert_eq!(
        titles(&story(&view, "beta", MESSAGE), Stage::Fact),
        ["message_received 1"]
    );
    assert!(titles(&story(&view, "beta", MESSAGE), Stage::CrmWrite).is_empty());
    for id in [TICKET, "51201"] {
        assert!(
            view.story(&scope("beta"), id, 100, &Asked::default())
                .unwrap()
                .is_none(),
            "{id}"
        );
    }
    assert!(story(&view, "beta", "crm:hubspot:written").steps.is_empty());
}
