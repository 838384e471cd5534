//! A writer that loses a partition ends its requests at once; one that is asked for a partition waits for their answers.

use crate::support::{
    Facts, Trap, lane,
    records::{key, record},
    settings,
};
use hilo_contracts::facts::CrmRecord;
use hilo_crm::values::Object;
use hilo_crm_writer::{
    BudgetView, Capabilities, EdgeError, Event, FILE, Inlet, Item, Known, Lane, Links, Outcome, Place, Reply, Settings,
    Sink, Trouble, Wanted, Writer,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::{Notify, watch};

/// A CRM that answers when it is told to.
#[derive(Default)]
struct Slow {
    asked: Notify,
    answers: Notify,
}

impl Sink for Slow {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            batch: 100,
            parallel: 1,
        }
    }

    fn write<'a>(&'a self, _: Object, items: &'a [Item]) -> Reply<'a, Vec<Outcome>> {
        Box::pin(async {
            self.asked.notify_one();
            self.answers.notified().await;
            items.iter().map(|_| Outcome::Done(Known::default())).collect()
        })
    }

    fn find<'a>(&'a self, _: Object, _: &'a [String]) -> Reply<'a, Result<BTreeMap<String, String>, Trouble>> {
        Box::pin(async { Ok(BTreeMap::new()) })
    }

    fn probe(&self) -> Reply<'_, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    fn budget(&self) -> BudgetView {
        BudgetView::default()
    }

    fn calls(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::new()
    }
}

/// Gives one record, and takes its partition back while the CRM is asked.
struct Leaving {
    records: Option<Vec<(Place, CrmRecord)>>,
    crm: Arc<Slow>,
    lost: bool,
    committed: Vec<Place>,
    released: Vec<i32>,
}

impl Inlet for Leaving {
    fn next(&mut self) -> Reply<'_, Result<Event, EdgeError>> {
        Box::pin(async {
            if let Some(records) = self.records.take() {
                return Ok(Event::Records(records));
            }
            if !self.released.is_empty() {
                return Ok(Event::End);
            }
            self.crm.asked.notified().await;
            if !self.lost {
                self.crm.answers.notify_one();
            }
            Ok(Event::Revoked {
                partitions: vec![0],
                lost: self.lost,
            })
        })
    }

    fn commit(&mut self, place: Place) -> Reply<'_, Result<(), EdgeError>> {
        assert!(
            self.released.is_empty(),
            "nothing is committed for another one's partition"
        );
        self.committed.push(place);
        Box::pin(async { Ok(()) })
    }

    fn latest<'a>(&'a mut self, _: i32, _: &'a [Wanted]) -> Reply<'a, Result<Vec<CrmRecord>, EdgeError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn released<'a>(&'a mut self, partitions: &'a [i32]) -> Reply<'a, Result<(), EdgeError>> {
        self.released.extend(partitions);
        Box::pin(async { Ok(()) })
    }

    fn is_local(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn requests_of_a_lost_partition_end_at_once_and_those_of_a_revoked_one_are_answered() {
    let place = Place {
        partition: 0,
        offset: 7,
    };
    for (lost, committed, told) in [(false, vec![place], Some("written")), (true, vec![], None)] {
        let facts = Facts::new(&Trap::new());
        let crm = Arc::new(Slow::default());
        let dir = tempfile::tempdir().unwrap();
        let links = Links::open(&dir.path().join(FILE)).unwrap();
        let sinks: BTreeMap<Lane, Arc<dyn Sink>> = [(lane(), Arc::clone(&crm) as Arc<dyn Sink>)].into();
        // A writer that waits for the CRM of a lost partition waits for as long as this: its answer never comes.
        let patient = Settings {
            drain: Duration::from_hours(1),
            ..settings()
        };
        let writer = Writer::new(links.clone(), Arc::new(facts.clone()), sinks, patient);
        let mut inlet = Leaving {
            records: Some(vec![(place, record(Object::Contact, "ana", 1, None))]),
            crm,
            lost,
            committed: Vec::new(),
            released: Vec::new(),
        };
        let (_keep, stop) = watch::channel(false);
        tokio::time::timeout(Duration::from_mins(1), writer.run(&mut inlet, stop))
            .await
            .expect("the writer waits for an answer that never comes")
            .unwrap();
        assert_eq!((inlet.committed, inlet.released), (committed, vec![0]), "lost: {lost}");
        let latest = facts.latest();
        let fact = latest.get(&key(Object::Contact, "ana"));
        assert_eq!(fact.map(|fact| fact.kind.as_str()), told, "lost: {lost}");
        assert_eq!(
            links.census(&lane()).unwrap().waiting,
            0,
            "what waits is the other one's"
        );
    }
}
