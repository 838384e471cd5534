//! Several tenants and several writers: nobody waits for somebody else's CRM, and a partition is handed over whole.

use crate::{
    basics::Bench,
    support::{
        Crm, Facts, Log, LogInlet, Trap, lane,
        records::{assert_holds, record},
        settings,
        traffic::{Dice, traffic},
    },
};
use hilo_contracts::facts::{CrmRecord, CrmWrite};
use hilo_crm::values::Object;
use hilo_crm_simulator::{Misbehaviour, Options, When};
use hilo_crm_writer::{EdgeError, Event, FILE, Inlet, Lane, Links, Place, Reply, Settings, Wanted, Writer};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};
use tokio::sync::{Notify, watch};

#[tokio::test]
async fn a_portal_that_takes_nothing_holds_up_nobody_else() {
    let trap = Trap::new();
    let (bad, good) = (
        Crm::start(Options::unlimited(), &trap).await.provisioned().await,
        Crm::start(Options::unlimited(), &trap).await.provisioned().await,
    );
    bad.simulator.misbehave(
        Misbehaviour::DailyLimit {
            retry_after: Some(86_400),
        },
        When::default(),
    );
    let beta = Lane {
        tenant: "beta".into(),
        sink: "hubspot".into(),
    };
    let many = settings().window as u32 * 2;
    let of = |tenant: &str| {
        let tenant = tenant.to_owned();
        (0..many).map(move |at| CrmRecord {
            tenant: tenant.clone(),
            ..record(Object::Contact, &format!("person {at}"), 1, Some("x"))
        })
    };
    let mut log = Log {
        records: of("acme").chain(of("beta")).collect(),
        committed: 0,
    };
    let facts = Facts::new(&trap);
    let dir = tempfile::tempdir().unwrap();
    let links = Links::open(&dir.path().join(FILE)).unwrap();
    let mut sinks = bad.sinks();
    sinks.insert(beta.clone(), good.sinks().remove(&lane()).unwrap());
    let all = log.records.len() as i64;
    let mut inlet = LogInlet::new(&mut log, &links, false);
    let writer = Writer::new(links.clone(), Arc::new(facts.clone()), sinks, settings());
    let status = writer.status();
    let (end, stop) = watch::channel(false);
    let written = |facts: &Facts| {
        let all = facts.all.lock().unwrap();
        all.iter()
            .filter(|fact| fact.tenant == "beta" && fact.kind == "written")
            .count()
    };
    let watching = async {
        while written(&facts) < many as usize {
            tokio::task::yield_now().await;
        }
        end.send(true).unwrap();
    };
    let (ended, ()) = tokio::join!(writer.run(&mut inlet, stop), watching);
    ended.unwrap();
    let acme = status
        .snapshot()
        .unwrap()
        .into_iter()
        .find(|one| one.lane.tenant == "acme")
        .unwrap();
    assert_eq!((acme.state.as_str(), acme.waiting), ("paused", u64::from(many)));
    assert!(acme.action.is_some() && acme.oldest_waiting.is_some());
    assert_eq!(
        good.simulator.state().of(hilo_crm_simulator::Object::Contacts).len(),
        many as usize
    );
    // Places of the paused one were let go once the topic said that its records are deferred.
    assert!(
        log.committed >= all - settings().window as i64,
        "{} of {all}",
        log.committed
    );
    let deferred = facts
        .all
        .lock()
        .unwrap()
        .iter()
        .filter(|fact| fact.kind == "deferred")
        .count();
    assert!(deferred >= many as usize / 2, "{deferred}");
}

#[tokio::test]
async fn a_writer_that_is_asked_to_end_drains_and_leaves_the_rest() {
    let mut bench = Bench::new(Options::unlimited()).await;
    bench.log.records = traffic(5, 1_000, true);
    let links = bench.links();
    for _ in 0..50 {
        let mut inlet = LogInlet::new(&mut bench.log, &links, true);
        let writer = Writer::new(
            links.clone(),
            Arc::new(bench.facts.clone()),
            bench.crm.sinks(),
            settings(),
        );
        let (end, stop) = watch::channel(false);
        let before = bench.facts.all.lock().unwrap().len();
        let facts = bench.facts.clone();
        let ending = async move {
            // As soon as something was published, or the log is done.
            for _ in 0..10_000 {
                if facts.all.lock().unwrap().len() > before {
                    break;
                }
                tokio::task::yield_now().await;
            }
            end.send_replace(true);
        };
        let (ended, ()) = tokio::join!(writer.run(&mut inlet, stop), ending);
        ended.unwrap();
    }
    bench.write(Vec::new()).await;
    bench.agrees();
}

const PARTITIONS: usize = 4;

/// A topic with partitions, and who reads which.
struct Group {
    log: [Vec<CrmRecord>; PARTITIONS],
    committed: [i64; PARTITIONS],
    owner: [usize; PARTITIONS],
    /// Revoked, and not assigned again yet.
    moving: [bool; PARTITIONS],
    /// Told to each member: assigned or revoked.
    news: [VecDeque<(bool, usize)>; 2],
}

impl Group {
    fn is_done(&self, facts: &Facts) -> bool {
        let committed = self
            .log
            .iter()
            .zip(self.committed)
            .all(|(log, committed)| log.len() as i64 == committed);
        committed
            && self.news.iter().all(VecDeque::is_empty)
            && facts.latest().values().all(|fact| fact.kind != "deferred")
    }
}

struct Member {
    me: usize,
    group: Arc<Mutex<Group>>,
    facts: Facts,
    moved: Arc<Notify>,
    position: BTreeMap<usize, i64>,
}

fn partition(key: &str) -> usize {
    key.bytes().map(usize::from).sum::<usize>() % PARTITIONS
}

impl Inlet for Member {
    fn next(&mut self) -> Reply<'_, Result<Event, EdgeError>> {
        Box::pin(async {
            loop {
                let moved = self.moved.notified();
                {
                    let mut group = self.group.lock().unwrap();
                    if let Some((assigned, at)) = group.news[self.me].pop_front() {
                        let partition = at as i32;
                        if !assigned {
                            self.position.remove(&at);
                            return Ok(Event::Revoked {
                                partitions: vec![partition],
                                lost: false,
                            });
                        }
                        group.moving[at] = false;
                        self.position.insert(at, group.committed[at]);
                        let facts = self.facts.latest().into_iter();
                        let past: Vec<CrmWrite> = facts
                            .filter(|(key, _)| self::partition(key) == at)
                            .map(|(_, fact)| fact)
                            .collect();
                        let past = Box::new(past.into_iter().map(Ok));
                        return Ok(Event::Assigned { partition, past });
                    }
                    for (at, next) in &mut self.position {
                        let log = &group.log[*at];
                        let start = *next as usize;
                        let end = (start + 10).min(log.len());
                        if start < end {
                            *next = end as i64;
                            let place = |offset: usize| Place {
                                partition: *at as i32,
                                offset: offset as i64,
                            };
                            let records = (start..end)
                                .map(|offset| (place(offset), log[offset].clone()))
                                .collect();
                            return Ok(Event::Records(records));
                        }
                    }
                    if group.is_done(&self.facts) {
                        return Ok(Event::End);
                    }
                }
                // Others may end it without telling: they are looked at again.
                tokio::select! {
                    () = moved => {}
                    () = tokio::task::yield_now() => {}
                }
            }
        })
    }

    fn commit(&mut self, place: Place) -> Reply<'_, Result<(), EdgeError>> {
        let mut group = self.group.lock().unwrap();
        let at = place.partition as usize;
        assert_eq!(group.owner[at], self.me, "only the owner commits");
        assert!(place.offset + 1 > group.committed[at], "commits go forward");
        group.committed[at] = place.offset + 1;
        Box::pin(async { Ok(()) })
    }

    fn latest<'a>(&'a mut self, at: i32, wanted: &'a [Wanted]) -> Reply<'a, Result<Vec<CrmRecord>, EdgeError>> {
        let group = self.group.lock().unwrap();
        let log = &group.log[at as usize];
        let newest = |wanted: &Wanted| {
            log.iter()
                .filter(|one| one.record_key == wanted.record_key)
                .max_by_key(|one| one.revision)
                .cloned()
        };
        let found = wanted.iter().filter_map(newest).collect();
        Box::pin(async { Ok(found) })
    }

    fn released<'a>(&'a mut self, partitions: &'a [i32]) -> Reply<'a, Result<(), EdgeError>> {
        let mut group = self.group.lock().unwrap();
        let other = 1 - self.me;
        for at in partitions.iter().map(|at| *at as usize) {
            group.owner[at] = other;
            group.news[other].push_back((true, at));
        }
        self.moved.notify_waiters();
        Box::pin(async { Ok(()) })
    }

    fn is_local(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn partitions_move_between_two_writers_and_nothing_is_written_twice() {
    let trap = Trap::new();
    let crm = Crm::start(Options::unlimited(), &trap).await.provisioned().await;
    for (what, chance) in [
        (Misbehaviour::ServerError, 0.05),
        (Misbehaviour::DropAfter, 0.05),
        (Misbehaviour::TooManyRequests { retry_after: Some(0) }, 0.05),
        (Misbehaviour::PartialFailure { share: 0.3 }, 0.1),
    ] {
        crm.simulator.misbehave(what, When::chance(chance));
    }
    let facts = Facts::new(&trap);
    let records = traffic(41, 1_000, false);
    let mut log: [Vec<CrmRecord>; PARTITIONS] = Default::default();
    for record in &records {
        log[partition(&record.record_key)].push(record.clone());
    }
    let group = Arc::new(Mutex::new(Group {
        log,
        committed: [0; PARTITIONS],
        owner: [0; PARTITIONS],
        moving: [true; PARTITIONS],
        news: [(0..PARTITIONS).map(|at| (true, at)).collect(), VecDeque::new()],
    }));
    let moved = Arc::new(Notify::new());
    let patient = Settings {
        attempts: 10_000,
        parent_lookups: 10_000,
        ..settings()
    };
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let run = |me: usize| {
        let links = Links::open(&dirs[me].path().join(FILE)).unwrap();
        let writer = Writer::new(links, Arc::new(facts.clone()), crm.sinks(), patient);
        let mut member = Member {
            me,
            group: Arc::clone(&group),
            facts: facts.clone(),
            moved: Arc::clone(&moved),
            position: BTreeMap::new(),
        };
        async move {
            let (_keep, stop) = watch::channel(false);
            writer.run(&mut member, stop).await
        }
    };
    let balancing = async {
        let mut dice = Dice::new(3);
        let mut seen = 0;
        for _ in 0..12 {
            // Each time some more was published.
            loop {
                let published = facts.all.lock().unwrap().len();
                if published > seen + 20 || group.lock().unwrap().is_done(&facts) {
                    seen = published;
                    break;
                }
                tokio::task::yield_now().await;
            }
            let mut group = group.lock().unwrap();
            let at = dice.below(PARTITIONS as u64) as usize;
            let owner = group.owner[at];
            if !group.moving[at] && !group.is_done(&facts) {
                group.moving[at] = true;
                group.news[owner].push_back((false, at));
                moved.notify_waiters();
            }
        }
    };
    let (one, two, ()) = tokio::join!(run(0), run(1), balancing);
    one.unwrap();
    two.unwrap();
    crm.simulator.behave();
    assert_holds(&crm.simulator.state(), &records);
    assert!(facts.latest().values().all(|fact| fact.kind != "rejected"));
}
