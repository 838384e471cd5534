//! Writing, skipping, ordering, and what is told of it.

use crate::support::{
    Crm, Facts, Log, Trap, lane, records,
    records::{aliased, deleted, of, record},
    run, settings,
};
use hilo_contracts::facts::CrmRecord;
use hilo_crm::values::Object;
use hilo_crm_simulator::Options;
use hilo_crm_writer::{FILE, Links};
use std::{collections::BTreeMap, sync::Arc};

/// Children first, so that the order is the writer's own doing.
pub(crate) fn conversation(name: &str) -> Vec<CrmRecord> {
    let person = [(Object::Contact, name)];
    let both = [(Object::Contact, name), (Object::Ticket, name)];
    vec![
        of(record(Object::Task, name, 1, Some("task")), &both),
        of(record(Object::Communication, name, 1, Some("said")), &both),
        of(record(Object::Deal, name, 1, None), &both),
        of(record(Object::Ticket, name, 1, Some("open")), &person),
        record(Object::Contact, name, 1, Some("new")),
        record(Object::Contact, name, 2, Some("newer")),
    ]
}

pub(crate) struct Bench {
    pub(crate) crm: Crm,
    pub(crate) trap: Arc<Trap>,
    pub(crate) facts: Facts,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) log: Log,
    pub(crate) local: bool,
}

impl Bench {
    pub(crate) async fn new(options: Options) -> Self {
        let trap = Trap::new();
        Self {
            crm: Crm::start(options, &trap).await.provisioned().await,
            facts: Facts::new(&trap),
            dir: tempfile::tempdir().unwrap(),
            log: Log {
                records: Vec::new(),
                committed: 0,
            },
            local: true,
            trap,
        }
    }

    pub(crate) async fn write(&mut self, records: Vec<CrmRecord>) {
        self.log.records.extend(records);
        let sinks = self.crm.sinks();
        run(
            self.dir.path(),
            &mut self.log,
            &self.facts,
            sinks,
            settings(),
            self.local,
        )
        .await
        .unwrap();
    }

    pub(crate) fn links(&self) -> Links {
        Links::open(&self.dir.path().join(FILE)).unwrap()
    }

    /// The portal holds what the log says, once.
    pub(crate) fn agrees(&self) {
        records::assert_holds(&self.crm.simulator.state(), &self.log.records);
    }

    /// The kind of the newest fact of each record, counted.
    pub(crate) fn kinds(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for fact in self.facts.latest().values() {
            *kinds.entry(fact.kind.clone()).or_default() += 1;
        }
        kinds
    }
}

fn counts(pairs: &[(&str, usize)]) -> BTreeMap<String, usize> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test]
async fn a_conversation_is_written_with_all_that_belongs_to_it() {
    for local in [true, false] {
        let mut bench = Bench::new(Options::unlimited()).await;
        bench.local = local;
        bench.write(conversation("ana")).await;
        bench.agrees();
        assert_eq!(bench.kinds(), counts(&[("written", 5)]));
        if !local {
            assert_eq!(bench.log.committed, 6, "all places are at rest");
        }
    }
}

#[tokio::test]
async fn what_is_so_already_needs_no_call_and_is_told_as_skipped() {
    let mut bench = Bench::new(Options::unlimited()).await;
    bench.write(conversation("ana")).await;
    let before = bench.crm.simulator.counts().calls_of("batch/upsert");
    let mut same = record(Object::Contact, "ana", 3, Some("newer"));
    same.event_id = "another".into();
    bench.write(vec![same]).await;
    assert_eq!(bench.crm.simulator.counts().calls_of("batch/upsert"), before);
    let fact = &bench.facts.latest()[&records::key(Object::Contact, "ana")];
    assert_eq!((fact.kind.as_str(), fact.revision, fact.attempts), ("skipped", 3, 0));
    assert!(fact.remote_id.is_some() && fact.content_hash.is_some());
    let census = bench.links().census(&lane()).unwrap();
    assert_eq!(
        (census.kinds["written"], census.kinds["skipped"], census.waiting),
        (4, 1, 0)
    );
}

#[tokio::test]
async fn revisions_that_wait_together_become_one_write() {
    let mut bench = Bench::new(Options::unlimited()).await;
    let revisions =
        (1..=40).map(|revision| record(Object::Contact, "ana", revision, Some(&format!("note {revision}"))));
    bench.write(revisions.collect()).await;
    bench.agrees();
    assert_eq!(bench.facts.latest().values().next().unwrap().revision, 40);
    assert_eq!(bench.crm.simulator.counts().calls_of("contacts/batch/upsert"), 1);
}

#[tokio::test]
async fn an_older_revision_that_comes_later_changes_nothing() {
    let mut bench = Bench::new(Options::unlimited()).await;
    bench.write(vec![record(Object::Contact, "ana", 7, Some("new"))]).await;
    bench.write(vec![record(Object::Contact, "ana", 3, Some("old"))]).await;
    bench.agrees();
}

#[tokio::test]
async fn what_is_cleared_is_cleared_and_what_people_filled_in_stays() {
    let mut bench = Bench::new(Options::unlimited()).await;
    bench.write(vec![record(Object::Contact, "ana", 1, Some("note"))]).await;
    bench.write(vec![record(Object::Contact, "ana", 2, None)]).await;
    bench.agrees();
    let mut renamed = record(Object::Contact, "ana", 3, None);
    let name = renamed
        .fields
        .iter_mut()
        .find(|field| field.name == "firstname")
        .unwrap();
    name.value = Some("Otra".into());
    renamed.content_hash = hilo_crm::content_hash(&renamed);
    bench.write(vec![renamed]).await;
    let state = bench.crm.simulator.state();
    let contact = state.of(hilo_crm_simulator::Object::Contacts)[0];
    assert_eq!(contact.properties["firstname"], "Ana");
}

#[tokio::test]
async fn persons_merge_and_come_apart_with_what_belongs_to_them() {
    let mut bench = Bench::new(Options::unlimited()).await;
    let mut both = conversation("ana");
    both.extend(conversation("bea"));
    bench.write(both).await;
    let ticket = |revision, whose| {
        of(
            record(Object::Ticket, "bea", revision, Some("open")),
            &[(Object::Contact, whose)],
        )
    };
    bench
        .write(vec![aliased(Object::Contact, "bea", 3, "ana"), ticket(2, "ana")])
        .await;
    bench.agrees();
    let merged = &bench.facts.latest()[&records::key(Object::Contact, "bea")];
    let winner = bench
        .links()
        .link(&lane(), &records::key(Object::Contact, "ana"))
        .unwrap()
        .unwrap();
    assert_eq!((merged.kind.as_str(), &merged.remote_id), ("merged", &winner.remote_id));
    // An old revision of it does not bring it back.
    bench.write(vec![record(Object::Contact, "bea", 2, Some("late"))]).await;
    bench.agrees();
    let again: Vec<CrmRecord> = [Object::Task, Object::Communication, Object::Deal]
        .into_iter()
        .map(|object| {
            let note = bench
                .log
                .records
                .iter()
                .rfind(|one| one.record_key == records::key(object, "bea"))
                .unwrap();
            CrmRecord {
                revision: 5,
                ..note.clone()
            }
        })
        .collect();
    let mut apart = vec![record(Object::Contact, "bea", 4, Some("back")), ticket(3, "bea")];
    apart.extend(again.into_iter().map(|mut one| {
        one.fields
            .iter_mut()
            .find(|field| field.name == "wa_note")
            .unwrap()
            .value = Some("again".into());
        one.content_hash = hilo_crm::content_hash(&one);
        one
    }));
    bench.write(apart).await;
    bench.agrees();
}

#[tokio::test]
async fn a_deleted_record_is_archived_and_an_unknown_one_needs_nothing() {
    let mut bench = Bench::new(Options::unlimited()).await;
    bench.write(conversation("ana")).await;
    bench
        .write(vec![
            deleted(Object::Communication, "ana", 2),
            deleted(Object::Contact, "nobody", 1),
            aliased(Object::Contact, "nobody else", 1, "ana"),
        ])
        .await;
    bench.agrees();
    assert_eq!(bench.kinds(), counts(&[("deleted", 2), ("merged", 1), ("written", 4)]));
}
