//! What only shows from within: work that grows with the facts and no faster, and a mapping that changes.

use super::{Config, Project, Target};
use crate::{campaigns::Campaigns, mapping::Mappings};
use hilo_contracts::{
    codec::{self, Codec as _},
    details::Details,
    facts::{Clock, Conversation, CrmRecord, Identity, Session},
    topics,
};
use hilo_stream::{Context, MemoryBackend, Processor as _, Record};
use std::{collections::BTreeMap, sync::Arc};

fn config(mapping: &str) -> Arc<Config> {
    let files = [(
        "mapping.toml".to_owned(),
        format!("schema_version = 1\nextends = \"default\"\n{mapping}"),
    )];
    let target = Target {
        sink: "hubspot".to_owned(),
        mappings: Mappings::parse(&files).unwrap_or_else(|findings| panic!("{findings}")),
        campaigns: Campaigns::default(),
    };
    Arc::new(Config {
        tenants: BTreeMap::new(),
        others: Some(target),
    })
}

/// A processor whose state outlives it.
struct Rig {
    project: Project,
    backends: Vec<MemoryBackend>,
    context: Context,
}

impl Rig {
    fn new(config: Arc<Config>, backends: Option<Vec<MemoryBackend>>) -> Self {
        let mut project = Project::new(config);
        let backends = backends.unwrap_or_else(|| project.stores().iter().map(|_| MemoryBackend::default()).collect());
        for (store, backend) in project.stores().into_iter().zip(&backends) {
            store.attach(Box::new(backend.clone())).unwrap();
        }
        Self {
            project,
            backends,
            context: Context::default(),
        }
    }

    fn tell(&mut self, fact: &Conversation) {
        let record = Record {
            topic: topics::CONVERSATION,
            key: Vec::new(),
            value: codec::conversation().encode(fact).unwrap(),
            timestamp: fact.event_time,
        };
        self.project.process(&record, &mut self.context).unwrap();
    }

    fn is(&mut self, fact: &Identity) {
        let record = Record {
            topic: topics::IDENTITY,
            key: Vec::new(),
            value: codec::identity().encode(fact).unwrap(),
            timestamp: fact.event_time,
        };
        self.project.process(&record, &mut self.context).unwrap();
    }

    /// Records that a tick told, by object.
    fn tick(&mut self, now: i64) -> Vec<CrmRecord> {
        self.project.tick(now, &mut self.context).unwrap();
        let told = self.context.outputs.drain(..);
        told.map(|record| codec::crm_record().decode(&record.value).unwrap())
            .collect()
    }

    /// Stops, and starts with another configuration.
    fn restart(mut self, config: Arc<Config>) -> Self {
        for (store, backend) in self.project.stores().into_iter().zip(&self.backends) {
            store.drain_dirty(&mut |change| backend.apply(change)).unwrap();
        }
        Self::new(config, Some(self.backends))
    }
}

fn person(id: &str) -> Identity {
    Identity {
        event_id: format!("identity-{id}"),
        tenant: "acme".to_owned(),
        kind: "observed".to_owned(),
        person_id: id.to_owned(),
        revision: 1,
        name: Some("Ana".to_owned()),
        ..Identity::default()
    }
}

fn message(id: &str, at: i64) -> Conversation {
    Conversation {
        event_id: format!("message-{id}"),
        tenant: "acme".to_owned(),
        event_time: at,
        kind: "message_received".to_owned(),
        revision: 1,
        person_id: Some("ana".to_owned()),
        session_id: Some("s".to_owned()),
        message_id: Some(id.to_owned()),
        message_type: Some("text".to_owned()),
        direction: Some("inbound".to_owned()),
        content: Some("{}".to_owned()),
        details: Some(Box::new(Details {
            text: Some("hola".to_owned()),
            ..Details::default()
        })),
        ..Conversation::default()
    }
}

fn session(revision: i64, opened_at: i64) -> Conversation {
    Conversation {
        event_id: format!("session-{revision}"),
        kind: "session_changed".to_owned(),
        revision,
        message_id: None,
        content: None,
        details: None,
        session: Some(Session {
            opened_at,
            opened_by: "customer".to_owned(),
            first_customer_at: Some(opened_at),
            turns: vec![Clock {
                started_at: opened_at,
                ..Clock::default()
            }],
            ..Session::default()
        }),
        ..message("", opened_at)
    }
}

/// Units of work and records told for so many messages of one person in one session.
fn cost(messages: i64, order: impl Fn(i64) -> i64) -> (u64, usize) {
    let mut rig = Rig::new(config(""), None);
    rig.is(&person("ana"));
    rig.tell(&session(1, 0));
    let mut told = 0;
    for number in 0..messages {
        let place = order(number);
        rig.tell(&message(&format!("m{place}"), place * 1_000));
        // Each turn of a session changes it.
        rig.tell(&session(number + 2, 0));
        if number % 10 == 0 {
            told += rig.tick(number * 1_000).len();
        }
    }
    told += rig.tick(messages * 1_000).len();
    (rig.context.spent, told)
}

#[test]
fn work_grows_with_the_facts_and_no_faster() {
    for order in [|number| number, |number: i64| (number * 7_919) % 4_001] {
        let (small, few) = cost(1_000, order);
        let (large, many) = cost(4_000, order);
        assert!(large < small * 5, "{small} units for 1,000 messages, {large} for 4,000");
        assert!(many < few * 5, "{few} records for 1,000 messages, {many} for 4,000");
        assert!(
            many < 4_000 + 3 * 400 + 10,
            "an entry a message, a contact and a ticket a tick: {many}"
        );
    }
}

/// Another mapping makes everything anew, paced; the same one makes nothing.
#[test]
fn another_mapping_makes_everything_anew() {
    let mut rig = Rig::new(config(""), None);
    rig.is(&person("ana"));
    rig.tell(&session(1, 0));
    rig.tell(&message("m", 0));
    let objects = |told: Vec<CrmRecord>| -> Vec<(String, String, i64)> {
        told.into_iter()
            .map(|record| (record.object, record.kind, record.revision))
            .collect()
    };
    let of = |object: &str, kind: &str, revision| (object.to_owned(), kind.to_owned(), revision);
    assert_eq!(
        objects(rig.tick(10)),
        [
            of("contact", "desired", 1),
            of("ticket", "desired", 1),
            of("communication", "desired", 1)
        ]
    );
    let mut rig = rig.restart(config(""));
    assert_eq!(objects(rig.tick(20)), []);
    let mut rig = rig.restart(config("[policy]\ntimeline = \"none\"\n"));
    assert_eq!(objects(rig.tick(30)), [of("communication", "deleted", 2)]);
    assert_eq!(objects(rig.tick(40)), []);
}
