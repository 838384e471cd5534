//! Nothing twice and nothing lost, while the portal misbehaves in every way and the writer is killed again and again.

use crate::support::{
    Crm, Death, Facts, Log, LogInlet, Trap, lane,
    records::{assert_holds, newest},
    run, settings,
    traffic::{Dice, traffic},
};
use hilo_contracts::facts::CrmWrite;
use hilo_crm_simulator::{Misbehaviour, Options, When};
use hilo_crm_writer::{Event, FILE, Links, Settings, Writer, hubspot::Portal};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;

const DEATHS: [Death; 4] = [
    Death::BeforeCall,
    Death::AfterCall,
    Death::BeforePublish,
    Death::AfterPublish,
];

/// Records of a run: a few in the usual tests, `HILO_CRM_RECORDS=50000` for the long form.
fn records() -> usize {
    std::env::var("HILO_CRM_RECORDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(2_000)
}

/// Steps until the next death: more with each, so that there is an end, and with more records no more deaths.
fn patience(dice: &mut Dice, first: u64, kills: i64) -> i64 {
    dice.below(first + kills as u64 * records() as u64 / 4_000) as i64
}

fn misbehave(crm: &Crm) {
    let often = |chance| When::chance(chance);
    let few = |times, after| When {
        times: Some(times),
        after,
        ..When::default()
    };
    let ways = [
        (Misbehaviour::TooManyRequests { retry_after: Some(0) }, often(0.03)),
        (Misbehaviour::DailyLimit { retry_after: Some(0) }, often(0.01)),
        (Misbehaviour::ServerError, often(0.04)),
        (Misbehaviour::BadGateway, often(0.03)),
        (Misbehaviour::Unavailable, often(0.03)),
        (Misbehaviour::Locked, often(0.03)),
        (Misbehaviour::Migrating { retry_after: 0 }, often(0.02)),
        (Misbehaviour::Unauthorized, often(0.01)),
        (Misbehaviour::DropBefore, often(0.03)),
        (Misbehaviour::DropAfter, often(0.05)),
        (Misbehaviour::EmptyResults, often(0.03)),
        (Misbehaviour::PartialFailure { share: 0.2 }, often(0.05)),
        (Misbehaviour::Slow { millis: 5 }, often(0.02)),
        // The answer comes after the client has given up.
        (Misbehaviour::HoldAfter { millis: 60_000 }, few(3, 20)),
    ];
    for (what, when) in ways {
        crm.simulator.misbehave(what, when);
    }
}

/// Patient with each record: here the portal is to blame for every failure.
fn patient() -> Settings {
    Settings {
        attempts: 10_000,
        parent_lookups: 10_000,
        ..settings()
    }
}

fn hasty(crm: &Crm) -> Portal {
    Portal {
        timeout: Duration::from_millis(500),
        ..crm.portal()
    }
}

fn agrees(crm: &Crm, log: &Log, facts: &Facts) {
    assert_holds(&crm.simulator.state(), &log.records);
    // Each desired record has exactly one outcome, of its newest revision.
    let latest = facts.latest();
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    for (key, record) in newest(&log.records) {
        let fact = latest.get(&key).unwrap_or_else(|| panic!("no outcome of {key}"));
        assert_eq!(fact.revision, record.revision, "{key}: {}", fact.kind);
        *told.entry(fact.kind.as_str()).or_default() += 1;
    }
    assert_eq!(told.get("rejected"), None);
    assert_eq!(
        latest.len(),
        told.values().sum::<usize>(),
        "no outcome of what nobody desired"
    );
}

#[tokio::test]
async fn kills_and_misbehaviour_change_nothing_on_one_file() {
    let trap = Trap::new();
    let crm = Crm::start(Options::unlimited(), &trap).await.provisioned().await;
    let facts = Facts::new(&trap);
    let dir = tempfile::tempdir().unwrap();
    let mut log = Log {
        records: traffic(7, records(), true),
        committed: 0,
    };
    misbehave(&crm);
    let mut dice = Dice::new(11);
    let mut kills = 0_i64;
    loop {
        trap.arm(DEATHS[dice.below(4) as usize], patience(&mut dice, 4, kills));
        let sinks = Crm::sinks_of(hasty(&crm));
        let killed = tokio::select! {
            ended = run(dir.path(), &mut log, &facts, sinks, patient(), true) => { ended.unwrap(); false }
            () = trap.sprung() => true,
        };
        // A writer whose portal wants no token any more ends with the log too, and leaves the rest to the next one.
        let waiting = Links::open(&dir.path().join(FILE))
            .unwrap()
            .census(&lane())
            .unwrap()
            .waiting;
        if !killed && waiting == 0 {
            break;
        }
        kills += i64::from(killed);
    }
    trap.disarm();
    assert!(kills >= 10, "{kills} kills");
    let counts = crm.simulator.counts();
    assert!(counts.misbehaved.len() >= 12, "{:?}", counts.misbehaved);
    crm.simulator.behave();
    agrees(&crm, &log, &facts);
    let links = Links::open(&dir.path().join(FILE)).unwrap();
    let census = links.census(&lane()).unwrap();
    let all: u64 = census.kinds.values().sum();
    assert_eq!(
        (all, census.waiting),
        (newest(&log.records).len() as u64, 0),
        "the file has one outcome a record"
    );
}

/// As on Kafka: each time another machine takes over, with nothing but the committed offset and the published outcomes.
#[tokio::test]
async fn a_new_machine_takes_over_from_outcomes_alone() {
    let trap = Trap::new();
    let crm = Crm::start(Options::unlimited(), &trap).await.provisioned().await;
    let facts = Facts::new(&trap);
    let mut log = Log {
        records: traffic(23, records(), false),
        committed: 0,
    };
    misbehave(&crm);
    let mut dice = Dice::new(29);
    let mut kills = 0_i64;
    loop {
        trap.arm(DEATHS[dice.below(4) as usize], patience(&mut dice, 2, kills));
        let dir = tempfile::tempdir().unwrap();
        let links = Links::open(&dir.path().join(FILE)).unwrap();
        let past: Vec<CrmWrite> = facts.latest().into_values().collect();
        let mut inlet = LogInlet::new(&mut log, &links, false);
        inlet.batch = 20;
        inlet.first = Some(Event::Assigned {
            partition: 0,
            past: Box::new(past.into_iter().map(Ok)),
        });
        let writer = Writer::new(links, Arc::new(facts.clone()), Crm::sinks_of(hasty(&crm)), patient());
        let (_keep, stop) = watch::channel(false);
        let killed = tokio::select! {
            ended = writer.run(&mut inlet, stop) => { ended.unwrap(); false }
            () = trap.sprung() => true,
        };
        let deferred = facts.latest().values().any(|fact| fact.kind == "deferred");
        if !killed && !deferred && log.committed == log.records.len() as i64 {
            break;
        }
        kills += i64::from(killed);
    }
    trap.disarm();
    assert!(kills >= 10, "{kills} kills");
    crm.simulator.behave();
    agrees(&crm, &log, &facts);
}
