//! A role that died is seen: how far each group is behind comes from somebody who is a member of none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cluster;
mod node;

use cluster::{Cluster, PROCESSORS};
use node::sum;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

/// A slow machine is no failure; a hang is.
const PATIENCE: Duration = Duration::from_mins(5);

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(100));
    }
}

/// What `hilo lag --json` prints, by group.
fn lag(cluster: &Cluster) -> BTreeMap<String, Value> {
    let printed = Cluster::hilo(&["lag", "--json", "--config"], &cluster.config("laptop", 0));
    let groups = printed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    groups
        .map(|group| (group["group"].as_str().unwrap().to_owned(), group))
        .collect()
}

/// Nobody runs `project` here: what waits for it waits for ever.
fn nothing_waits(cluster: &Cluster) -> bool {
    let mut seen = lag(cluster);
    seen.remove("hilo.project");
    seen.values().all(|group| group["records"] == 0)
}

fn message(id: u32) -> String {
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"metadata":{{"display_phone_number":"15550783881","phone_number_id":"106"}},"messages":[{{"from":"5696123{id:04}","id":"wamid.{id}","timestamp":"1784500000","type":"text","text":{{"body":"hola"}}}}]}}}}]}}]}}"#
    ) + "\n"
}

#[test]
fn who_died_is_seen_by_who_lives() {
    let Some(mut cluster) = Cluster::start(2, 1) else {
        return;
    };
    cluster.run(PROCESSORS);
    let others: Vec<&str> = PROCESSORS.iter().copied().filter(|role| *role != "identity").collect();
    cluster.run(&others);
    let watcher = cluster.run(&["lag"]);
    let golden = cluster.run(&["golden"]);
    cluster.ingest(&(0..50).map(message).collect::<String>());
    cluster.drained();

    // The clock of a gateway is not running here, so what was ingested is all there is.
    until("nothing waits", || nothing_waits(&cluster));
    let seen = lag(&cluster);
    for group in ["hilo.normalize", "hilo.deduplicate", "hilo.identity", "hilo.metrics"] {
        assert!(
            seen[group]["members"].as_u64().unwrap() >= 1,
            "{group}: {}",
            seen[group]
        );
    }
    assert_eq!(seen["hilo.golden"]["members"], Value::Null);
    assert_eq!(seen["hilo.crm"]["members"], 0, "nobody runs it here");
    let metrics = |cluster: &Cluster| cluster.metrics(watcher);
    until("the watcher sees the same", || {
        let told = metrics(&cluster);
        sum(&told, "hilo_group_members", "hilo.identity") == Some(1.0)
            && sum(&told, "hilo_group_lag_records", "") == Some(0.0)
    });
    assert!(
        !metrics(&cluster).contains("group=\"hilo.crm\""),
        "no tenant has a CRM, so nobody misses its writer"
    );

    // The only process of a role dies, and its disk with the golden record's process.
    let victim = cluster.running(&PROCESSORS.join(" "))[0];
    cluster.kill(victim);
    cluster.kill(golden);
    cluster.ingest(&(50..90).map(message).collect::<String>());
    until("what waits is seen", || {
        let seen = lag(&cluster);
        let waits = |group: &str| {
            seen[group]["records"].as_u64().unwrap() > 0 && seen[group]["seconds"].as_f64().is_some_and(|age| age > 0.0)
        };
        // 40 people wrote: what is known of them is not in the golden record.
        seen["hilo.identity"]["members"] == 0 && waits("hilo.identity") && waits("hilo.golden")
    });
    until("it is exported", || {
        let told = metrics(&cluster);
        sum(&told, "hilo_group_members", "hilo.identity") == Some(0.0)
            && sum(&told, "hilo_group_lag_records", "hilo.identity") > Some(0.0)
            && sum(&told, "hilo_group_lag_records", "hilo.golden") > Some(0.0)
    });
    let table = Cluster::hilo(&["lag", "--config"], &cluster.config("laptop", 0));
    assert!(table.starts_with("GROUP"), "{table}");

    // They come back, and nothing waits any more.
    cluster.run(&["identity"]);
    cluster.run(&["golden"]);
    until("nothing waits", || nothing_waits(&cluster));
}
