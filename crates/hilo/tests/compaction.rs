//! What a broker's log cleaner takes away is nothing that a reader needs: the golden record and the numbers are the same
//! from the whole topics and from compacted ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo::{captures, topology};
use hilo_contracts::{
    codec::{self, Codec as _},
    json, schemas, topics,
};
use hilo_domain::time::to_rfc3339;
use hilo_golden::{AccountQuestion, Golden, Placed};
use hilo_metrics::table::Table;
use hilo_simulator::{Profile, capture};
use hilo_stream::{PartitionedDriver, Record, TestDriver, TopicKind};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    fs,
};

const START: i64 = 1_795_510_800_000;
const PARTITIONS: usize = 3;

/// Records of each partition of each derived topic, with their offsets.
type Topics = BTreeMap<&'static str, Vec<Vec<(i64, Record)>>>;

fn event(at: i64, entry: &str, field: &str, value: &Value) -> Value {
    json!({"source": "whatsapp", "tenant": "acme", "received_at": "2026-12-01T00:00:00Z", "body": {
        "object": "whatsapp_business_account", "entry": [{"id": entry, "time": at, "changes": [{"field": field, "value": value}]}]}})
}

fn snapshot(at: &str, more: &Value) -> Value {
    let mut line = json!({"source": "platform", "tenant": "acme", "at": at, "waba_id": "310"});
    line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    line
}

/// A WABA with a limit, a restriction in force and then a price tier; a template that was GREEN and then changed its status;
/// a number whose second snapshot did not ask for its rating; an owner that only the first line names.
fn account_lines() -> Vec<Value> {
    let template =
        json!({"message_template_id": 710_001, "message_template_name": "promo", "message_template_language": "es"});
    let with = |more: Value| {
        let mut value = template.clone();
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        value
    };
    vec![
        snapshot(
            "2026-11-01T09:00:00Z",
            &json!({"portfolio_id": "900", "number": {"id": "210", "quality_rating": "GREEN",
                "whatsapp_business_manager_messaging_limit": "TIER_10K", "status": "CONNECTED"}}),
        ),
        snapshot(
            "2026-11-02T09:00:00Z",
            &json!({"template": {"id": "710001", "name": "promo", "language": "es",
            "quality_score": {"score": "GREEN"}}}),
        ),
        event(
            1_793_600_000,
            "310",
            "message_template_quality_update",
            &with(json!({"previous_quality_score": "UNKNOWN", "new_quality_score": "GREEN"})),
        ),
        event(
            1_793_700_000,
            "310",
            "message_template_status_update",
            &with(json!({"event": "APPROVED", "reason": "NONE"})),
        ),
        event(
            1_793_800_000,
            "310",
            "account_update",
            &json!({"event": "ACCOUNT_RESTRICTION",
            "restriction_info": [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1_799_999_999}]}),
        ),
        event(
            1_793_900_000,
            "310",
            "account_update",
            &json!({"event": "ACCOUNT_VIOLATION",
            "violation_info": {"violation_type": "ALCOHOL"}}),
        ),
        event(
            1_794_000_000,
            "310",
            "account_update",
            &json!({"event": "VOLUME_BASED_PRICING_TIER_UPDATE",
            "volume_tier_info": {"tier": "1", "pricing_category": "UTILITY"}}),
        ),
        event(
            1_793_650_000,
            "310",
            "message_template_status_update",
            &with(json!({"event": "PENDING", "reason": "NONE"})),
        ),
        snapshot(
            "2026-11-20T09:00:00Z",
            &json!({"number": {"id": "210", "status": "FLAGGED"}}),
        ),
        snapshot(
            "2026-11-21T09:00:00Z",
            &json!({"template": {"id": "710001", "name": "promo", "language": "es",
            "status": "PAUSED"}}),
        ),
    ]
}

fn clock(at: i64) -> Record {
    let line = json!({"source": "clock", "at": to_rfc3339(at)}).to_string();
    let line = hilo_contracts::capture::from_line(line.as_bytes(), None, 0).unwrap();
    captures::record(&codec::raw(), &line).unwrap()
}

/// The derived topics of a rich capture.
fn topics(seed: u64) -> Topics {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.ndjson");
    let lines = account_lines().into_iter().map(|line| format!("{line}\n"));
    let mut bytes = lines.collect::<String>().into_bytes();
    let profile = Profile {
        tenants: vec!["acme".to_owned(), "beta".to_owned()],
        people: 50,
        number_changes: 0.2,
        recycled_numbers: 0.3,
        ..Profile::demo(START, 100)
    };
    capture::write(&mut bytes, seed, profile, 1_500).unwrap();
    bytes.extend(b"{\"source\":\"clock\",\"at\":\"2026-12-03T00:00:00Z\"}\n");
    fs::write(&path, bytes).unwrap();

    let topology = topology::topology(&topology::Tenants::default()).unwrap();
    let mut driver = PartitionedDriver::new(&topology, PARTITIONS, seed, topology::dead_letter).unwrap();
    // The rows of the numbers come with time: in parts, so that each has several revisions.
    let raw: Vec<Record> = captures::records(&[path]).unwrap().map(Result::unwrap).collect();
    for part in raw.chunks(raw.len() / 6 + 1) {
        for record in part {
            driver.append(record.clone());
        }
        driver.run().unwrap();
        let items = driver.topic(topics::ITEM).iter().flatten();
        let newest = items.map(|record| record.timestamp).max().unwrap();
        driver.append(clock(newest));
        driver.run().unwrap();
    }
    let derived = topology
        .topics()
        .iter()
        .filter(|topic| topic.kind == TopicKind::Derived);
    derived
        .map(|topic| {
            let partitions = driver.topic(topic.name).iter();
            let placed = partitions.map(|log| (0..).zip(log.iter().cloned()).collect());
            (topic.name, placed.collect())
        })
        .collect()
}

/// As a broker's cleaner leaves a log: before `until`, in hundredths of it, only the last record of each key in all of it.
fn compact(log: &[(i64, Record)], until: usize) -> Vec<(i64, Record)> {
    let clean = log.len() * until / 100;
    let last: HashMap<&[u8], i64> = log[..clean]
        .iter()
        .map(|(offset, record)| (record.key.as_slice(), *offset))
        .collect();
    let stays = |(offset, record): &&(i64, Record)| *offset >= clean as i64 || last[record.key.as_slice()] == *offset;
    log.iter().filter(stays).cloned().collect()
}

fn compacted(topics: &Topics, until: usize, is_compacted: impl Fn(&str) -> bool) -> Topics {
    topics
        .iter()
        .map(|(name, logs)| {
            let left = |log: &Vec<(i64, Record)>| {
                if is_compacted(name) {
                    compact(log, until)
                } else {
                    log.clone()
                }
            };
            (*name, logs.iter().map(left).collect())
        })
        .collect()
}

/// By the catalogue.
fn is_compacted(topic: &str) -> bool {
    schemas::kept(topic).unwrap().compacted
}

/// All that readers can ask: state files, the business side now, then and ever, consents, and the numbers.
fn rebuilt(topics: &Topics) -> BTreeMap<String, String> {
    let mut golden = Golden::open_in_memory().unwrap();
    let mut table = Table::default();
    let metric = codec::metric();
    for (topic, logs) in topics {
        for (partition, log) in (0..).zip(logs) {
            if *topic == topics::METRIC {
                for (_, record) in log {
                    table.apply(metric.decode(&record.value).unwrap());
                }
                continue;
            }
            let placed = |(offset, record): &(i64, Record)| Placed {
                partition,
                offset: *offset,
                record: record.clone(),
            };
            for batch in log.chunks(97) {
                golden.apply(&batch.iter().map(placed).collect::<Vec<_>>()).unwrap();
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    golden.write_state(folder.path()).unwrap();
    let mut found = BTreeMap::new();
    for name in ["persons", "sessions", "messages"] {
        let text = fs::read_to_string(folder.path().join(format!("{name}.ndjson"))).unwrap();
        found.insert(name.to_owned(), text);
    }
    let times = [
        None,
        Some(1_793_750_000_000),
        Some(1_793_850_000_000),
        Some(1_794_500_000_000),
    ];
    for (as_of, history) in times.into_iter().flat_map(|at| [(at, false), (at, true)]) {
        let question = AccountQuestion {
            as_of,
            history,
            ..AccountQuestion::default()
        };
        let told = golden.account(&golden.tenants().unwrap(), &question).unwrap();
        let text: Vec<String> = told.iter().map(|state| format!("{state:?}")).collect();
        found.insert(format!("account {as_of:?} {history}"), text.join("\n"));
    }
    let people = golden.people_with_consents().unwrap();
    let consents = people
        .iter()
        .map(|person| format!("{:?}\n", golden.consents(person).unwrap()));
    found.insert("consents".to_owned(), consents.collect());
    let mut rows: Vec<String> = table
        .rows()
        .map(|row| {
            let mut line = Vec::new();
            json::write_metric(row, &mut line).unwrap();
            String::from_utf8(line).unwrap()
        })
        .collect();
    rows.sort();
    found.insert("numbers".to_owned(), rows.join("\n"));
    found.insert("numbers made anew".to_owned(), numbers_anew(topics));
    found
}

/// The numbers as a metrics processor makes them that begins with what the topics hold; of the business side only: the
/// other topics are read once each, so their records come in another order than they were written.
fn numbers_anew(topics: &Topics) -> String {
    let topology = topology::topology(&topology::Tenants::default()).unwrap();
    let mut driver = TestDriver::new(&topology, &["metrics"], topology::dead_letter).unwrap();
    for (_, record) in topics[topics::ACCOUNT].iter().flatten() {
        driver.pipe(record.clone()).unwrap();
    }
    driver.tick(START + 90 * 86_400_000).unwrap();
    let metric = codec::metric();
    let mut rows: Vec<String> = driver
        .topic(topics::METRIC)
        .map(|record| {
            let mut row = metric.decode(&record.value).unwrap();
            row.revision = 0;
            let mut line = Vec::new();
            json::write_metric(&row, &mut line).unwrap();
            String::from_utf8(line).unwrap()
        })
        .collect();
    rows.sort();
    rows.join("\n")
}

/// Where the two differ; nothing where they are the same.
fn difference(want: &BTreeMap<String, String>, got: &BTreeMap<String, String>) -> Option<String> {
    want.iter()
        .find(|(name, want)| **want != got[*name])
        .map(|(name, want)| {
            let has = |text: &str, line: &str| text.lines().any(|had| had == line);
            let missing: Vec<&str> = want.lines().filter(|line| !has(&got[name], line)).take(3).collect();
            format!("{name} lacks {missing:#?}")
        })
}

#[test]
fn a_rebuild_from_compacted_topics_finds_what_one_from_whole_topics_finds() {
    for seed in 0..3 {
        let whole = topics(seed);
        let want = rebuilt(&whole);
        assert!(
            want["account None false"].contains("ACCOUNT_RESTRICTION"),
            "{}",
            want["account None false"]
        );
        assert!(want["numbers made anew"].contains("quality_rating"));
        for until in [30, 70, 100] {
            let left = compacted(&whole, until, is_compacted);
            let metrics = |topics: &Topics| topics[topics::METRIC].iter().map(Vec::len).sum::<usize>();
            assert!(
                metrics(&left) < metrics(&whole),
                "seed {seed}: nothing was compacted in {until} %"
            );
            assert_eq!(
                difference(&want, &rebuilt(&left)),
                None,
                "seed {seed}, {until} % cleaned"
            );
        }
    }
}

/// Why these topics are not compacted: each would lose what a reader needs, and this test would see it.
#[test]
fn the_other_topics_would_lose_truth_by_compaction() {
    let whole = topics(0);
    let want = rebuilt(&whole);
    for topic in [topics::ACCOUNT, topics::CONVERSATION] {
        assert!(!is_compacted(topic), "{topic}");
        let left = compacted(&whole, 100, |name| name == topic);
        assert!(
            difference(&want, &rebuilt(&left)).is_some(),
            "{topic} would lose nothing"
        );
    }
}
