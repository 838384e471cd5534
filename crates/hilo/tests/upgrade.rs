//! A second version of a contract, on a real broker and a real registry. Readers are upgraded first, or writers are. No release
//! has that version: it is `hilo.conversation` with one field more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cluster;

use cluster::{Cluster, ROLES, everything};
use hilo::topology::{self, Tenants};
use hilo_contracts::{
    door::Versions,
    schemas::{self, Version},
    topics,
};
use hilo_dashboard::{Asked, Source as _, Trace};
use hilo_golden::Golden;
use hilo_kafka::{Cluster as Address, Engine, Framing, LaneSettings, Measures, Plan, RawProducer, Received, TIME};
use hilo_service::Scope;
use hilo_stream::{Record, TopicKind};
use hilo_views::{Follower, Kafka, Pulse, View};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_mins(4);
const FILES: [&str; 3] = ["persons.ndjson", "sessions.ndjson", "messages.ndjson"];
/// A message whose facts are in both versions.
const MESSAGE: &str = "wamid.in3";

/// The version of the next release.
fn second() -> &'static Version {
    let newest = schemas::latest(topics::CONVERSATION).unwrap();
    let mut file: Value = serde_json::from_str(newest.text).unwrap();
    let field = json!({"name": "mood", "doc": "How it sounds.", "type": ["null", "string"], "default": null});
    file["fields"].as_array_mut().unwrap().push(field);
    let text: &'static str = file.to_string().leak();
    Box::leak(Box::new(Version {
        subject: topics::CONVERSATION,
        number: newest.number + 1,
        text,
        schema: apache_avro::Schema::parse_str(text).unwrap(),
    }))
}

/// What the next release reads.
fn next_release(second: &'static Version) -> Versions {
    Versions::released().unwrap().also(second)
}

/// A day of three customers, and the time after it.
fn lines() -> String {
    let mut lines = String::new();
    for customer in 1..=3 {
        let at = 1_784_500_000 + customer * 60;
        let inbound = |id: String, at: i64| {
            json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
                "metadata": {"display_phone_number": "15550783881", "phone_number_id": "106"},
                "messages": [{"from": format!("5696123456{customer}"), "id": id, "timestamp": at.to_string(),
                    "type": "text", "text": {"body": "hola"}}]}}]}]})
        };
        let send = json!({"source": "outbound", "tenant": "default", "phone_number_id": "106",
            "at": format!("2026-07-19T22:3{customer}:00Z"), "message_id": format!("wamid.out{customer}"),
            "to": {"phone": format!("+5696123456{customer}")}, "type": "text",
            "author": {"kind": "agent", "id": "ana"}, "expects_reply": true});
        for line in [
            inbound(format!("wamid.in{customer}"), at),
            send,
            inbound(format!("wamid.more{customer}"), at + 600),
        ] {
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
    }
    lines
}

/// What a cluster makes of the lines while no version changes.
struct Undisturbed {
    /// Every topic with readers, but not the numbers: the lane under test makes them.
    topics: Vec<(&'static str, Vec<Received>)>,
    /// The last time.
    now: i64,
    rows: String,
    state: Vec<String>,
    export: BTreeMap<String, usize>,
    story: Vec<String>,
}

fn undisturbed(cluster: &mut Cluster) -> Undisturbed {
    let role = cluster.run(&ROLES);
    cluster.ingest(&lines());
    cluster.drained();
    for hour in [0, 1, 2] {
        cluster.ingest(&format!(
            "{{\"source\":\"clock\",\"at\":\"2026-07-22T0{hour}:00:00Z\"}}\n"
        ));
        cluster.drained();
    }
    let (address, framing) = cluster.address();
    let topology = topology::topology(&Tenants::default()).unwrap();
    let names = topology.topics().iter();
    let names = names.filter(|topic| topic.kind != TopicKind::Internal && topic.name != topics::METRIC);
    let names = names.map(|topic| topic.name);
    let topics: Vec<_> = names
        .map(|topic| (topic, everything(&address, &framing, topic)))
        .collect();
    let times = everything(&address, &framing, TIME);
    let facts = |name: &str| topics.iter().find(|(topic, _)| *topic == name).unwrap().1.len();
    assert!(facts(topics::CONVERSATION) > 12);
    assert_eq!(facts(topics::DEAD_LETTER), 0);
    let undisturbed = Undisturbed {
        rows: cluster.metric_rows(),
        state: state(&cluster.data_dir(role), "undisturbed"),
        export: export(cluster, &Versions::released().unwrap()),
        story: story(&address, &framing, &cluster.data_dir(role)),
        topics,
        now: times.iter().map(|time| time.record.timestamp).max().unwrap(),
    };
    assert!(undisturbed.rows.contains("frt_human_seconds") && undisturbed.state[2].contains(MESSAGE));
    assert!(undisturbed.story.len() > 3, "{:?}", undisturbed.story);
    cluster.terminate(role);
    undisturbed
}

/// The state files of a golden record.
fn state(dir: &Path, name: &str) -> Vec<String> {
    let golden = Golden::open_read_only(&dir.join("golden.db")).unwrap();
    let out = dir.join(format!("state-{name}"));
    fs::create_dir_all(&out).unwrap();
    golden.write_state(&out).unwrap();
    FILES
        .iter()
        .map(|file| fs::read_to_string(out.join(file)).unwrap())
        .collect()
}

/// Lines of `hilo export conversation`, and how often each is there.
fn export(cluster: &Cluster, versions: &Versions) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for (_, fact) in cluster.export_with(topics::CONVERSATION, versions) {
        *lines.entry(fact.to_string()).or_insert(0) += 1;
    }
    lines
}

/// What `hilo trace` says of a message.
fn story(address: &Address, framing: &Arc<Framing>, dir: &Path) -> Vec<String> {
    let topology = topology::topology(&Tenants::default()).unwrap();
    let topics = Arc::new(Kafka::new(address, framing, &topology, None));
    let view = View::new("Kafka", dir, &topology, topics, Pulse::of_a_copy()).unwrap();
    let Trace { steps, .. } = view.trace(&Scope::All, MESSAGE, &Asked::default()).unwrap();
    let mut told: Vec<String> = steps
        .into_iter()
        // How a number came to be has as many steps as it was corrected on the way.
        .filter(|step| step.topic.as_deref() != Some(topics::METRIC))
        .map(|step| format!("{} {:?} {}", step.stage.as_str(), step.topic, step.title))
        .collect();
    told.sort();
    told
}

/// Puts records into the topics of a prefix as its writers would.
struct Copier<'a> {
    address: &'a Address,
    framing: Arc<Framing>,
    /// With the id of the second version, once it is registered.
    second: Option<Arc<Framing>>,
}

impl Copier<'_> {
    /// Records of a topic, in their order; some of them in the second version.
    fn put(&self, topic: &'static str, records: &[Received], is_second: impl Fn(usize) -> bool) {
        let first = self.producer(topic, &self.framing);
        let second = self.second.as_ref().map(|framing| self.producer(topic, framing));
        for (place, received) in records.iter().enumerate() {
            let mut record = received.record.clone();
            match &second {
                Some(second) if is_second(place) => {
                    // The new field: the second branch of its union, and a text of two bytes.
                    record.value.extend_from_slice(&[2, 4, b'o', b'k']);
                    Cluster::append(second, vec![record], received.receipt);
                }
                _ => Cluster::append(&first, vec![record], received.receipt),
            }
        }
    }

    /// The time, in every partition.
    fn tick(&self, now: i64) {
        let record = |key| Record {
            topic: TIME,
            key: vec![key],
            value: now.to_be_bytes().to_vec(),
            timestamp: now,
        };
        let producer = self.producer(TIME, &self.framing);
        Cluster::append(&producer, (0..32).map(record).collect(), 0);
    }

    fn producer(&self, topic: &'static str, framing: &Arc<Framing>) -> RawProducer {
        RawProducer::new(self.address, topic, Arc::clone(framing), Duration::from_secs(30)).unwrap()
    }
}

/// The lane of the numbers and the golden record of the next release, in this process.
struct Next {
    engine: Engine,
    measures: Arc<Measures>,
    follower: Follower,
    dir: PathBuf,
}

impl Next {
    fn start(address: &Address, framing: &Arc<Framing>, dir: &Path) -> Self {
        fs::create_dir_all(dir).unwrap();
        let topology = topology::topology(&Tenants::default()).unwrap();
        let measures = Arc::new(Measures::new(&prometheus::Registry::new()).unwrap());
        let engine = Engine::start(&Plan {
            topology: topology.clone(),
            processors: vec!["metrics"],
            cluster: address.clone(),
            framing: Arc::clone(framing),
            dead_letter: topology::dead_letter,
            settings: LaneSettings {
                lanes: 1,
                commit_interval: Duration::from_millis(20),
                transaction_timeout: Duration::from_secs(5),
                session_timeout: cluster::SESSION,
                instance: None,
                state_dir: dir.join("state"),
                kill_point: None,
            },
            measures: Arc::clone(&measures),
        })
        .unwrap();
        let topics = Arc::new(Kafka::new(address, framing, &topology, Some(Arc::clone(&measures))));
        let begun = Instant::now();
        let follower = loop {
            match Follower::start(&topics, dir) {
                Ok(follower) => break follower,
                // A broker may not know yet who leads a topic that was just made.
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error:#}"),
            }
            thread::sleep(Duration::from_millis(300));
        };
        Self {
            engine,
            measures,
            follower,
            dir: dir.to_owned(),
        }
    }

    /// Waits until lane and golden record have what the undisturbed cluster has.
    fn reaches(&self, cluster: &Cluster, undisturbed: &Undisturbed, writer: &Copier) {
        let begun = Instant::now();
        for second in 1.. {
            // Numbers are published as time goes on.
            writer.tick(undisturbed.now + second * 1_000);
            let (rows, state) = (cluster.metric_rows(), state(&self.dir, "next"));
            let ready = self.measures.all_ready();
            if (&rows, &state, &ready) == (&undisturbed.rows, &undisturbed.state, &Ok(())) {
                return;
            }
            if begun.elapsed() > PATIENCE {
                ready.unwrap();
                assert_eq!(state, undisturbed.state);
                assert_eq!(rows, undisturbed.rows);
            }
            thread::sleep(Duration::from_millis(300));
        }
    }

    fn stop(self) {
        self.engine.stop().unwrap();
        self.follower.stop_within(Duration::from_secs(10)).unwrap();
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "not so: {what}");
        thread::sleep(Duration::from_millis(300));
    }
}

/// Stands before a registry and can be cut.
struct Cuttable {
    port: u16,
    is_cut: Arc<AtomicBool>,
}

impl Cuttable {
    fn before(registry: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = Arc::clone(&is_cut);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), false) = (client, cut.load(Ordering::Acquire)) else {
                    continue;
                };
                let server = TcpStream::connect(("127.0.0.1", registry)).unwrap();
                let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let cut = Arc::clone(&cut);
                thread::spawn(move || forward(from, to, &cut));
                let cut = Arc::new(AtomicBool::new(false));
                thread::spawn(move || forward(server, client, &cut));
            }
        });
        Self { port, is_cut }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.port)
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, is_cut: &AtomicBool) {
    let mut bytes = [0; 8_192];
    while let Ok(count) = from.read(&mut bytes) {
        if count == 0 || is_cut.load(Ordering::Acquire) || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    // Either end may have closed already.
    drop(from.shutdown(Shutdown::Both));
    drop(to.shutdown(Shutdown::Both));
}

#[test]
fn a_second_version_is_read_whoever_is_upgraded_first() {
    let Some(mut cluster) = Cluster::start(2, 1) else {
        return;
    };
    let undisturbed = undisturbed(&mut cluster);
    writers_first(&mut cluster, &undisturbed);
    readers_first(&mut cluster, &undisturbed);
}

/// Old readers meet records that only the next release reads. They wait, bury no record and pass none over. The next release goes
/// on where they stopped.
fn writers_first(cluster: &mut Cluster, undisturbed: &Undisturbed) {
    "writers.".clone_into(&mut cluster.prefix);
    cluster.register();
    cluster.apply();
    let second = second();
    let id = cluster.client().register(second).unwrap();
    let (address, framing) = cluster.address();
    let copier = Copier {
        address: &address,
        framing,
        second: Some(Arc::new(Framing::new([(topics::CONVERSATION, id)]))),
    };
    for (topic, records) in &undisturbed.topics {
        copier.put(topic, records, |place| *topic == topics::CONVERSATION && place % 2 == 1);
    }

    let (metrics, golden) = (cluster.run(&["metrics"]), cluster.run(&["golden"]));
    for role in [metrics, golden] {
        until("an old reader says why it is not ready", || {
            cluster.get(role, "/readyz").is_some_and(|(status, text)| {
                status == 503 && text.contains("roll out readers first") && text.contains("writers.hilo.conversation")
            })
        });
    }
    // Longer than the time after which a held record is tried again.
    thread::sleep(Duration::from_secs(8));
    for role in [metrics, golden] {
        let (status, text) = cluster.get(role, "/readyz").unwrap();
        assert_eq!(status, 503, "{text}");
        assert_eq!(cluster.get(role, "/healthz").unwrap().0, 200);
    }
    assert_eq!(cluster.export(topics::DEAD_LETTER), []);
    for role in [metrics, golden] {
        let told = cluster.metrics(role);
        let foreign = told
            .lines()
            .find(|line| line.starts_with("hilo_foreign_records_total{") && !line.ends_with(" 0"));
        assert_eq!(foreign, None);
    }
    let said = Cluster::refused(&["export", "conversation", "--config"], &cluster.config("export", 1));
    assert!(said.contains("roll out readers first"), "{said}");
    cluster.terminate(metrics);
    cluster.terminate(golden);

    let versions = next_release(second);
    let (address, framing) = cluster.address_with(&versions);
    // Where the old golden record stands, and from the first record on.
    for dir in [cluster.data_dir(golden), cluster.folder().join("rebuilt")] {
        let next = Next::start(&address, &framing, &dir);
        next.reaches(cluster, undisturbed, &copier);
        assert_eq!(story(&address, &framing, &dir), undisturbed.story);
        next.stop();
    }
    assert_eq!(export(cluster, &versions), undisturbed.export);
    assert_eq!(cluster.export(topics::DEAD_LETTER), []);
}

/// New readers run before the new version is registered and its first record comes.
fn readers_first(cluster: &mut Cluster, undisturbed: &Undisturbed) {
    "readers.".clone_into(&mut cluster.prefix);
    cluster.register();
    cluster.apply();
    let second = second();
    let versions = next_release(second);
    let registry = Cuttable::before(cluster.registry.port());
    let (address, framing) = cluster.address_by(registry.url(), &versions);
    let next = Next::start(&address, &framing, &cluster.folder().join("first"));
    let mut copier = Copier {
        address: &address,
        framing: cluster.address().1,
        second: None,
    };
    let mut facts = &[][..];
    for (topic, records) in &undisturbed.topics {
        match *topic {
            topics::CONVERSATION => {
                let (before, after) = records.split_at(records.len() / 2);
                copier.put(topic, before, |_| false);
                facts = after;
            }
            _ => copier.put(topic, records, |_| false),
        }
    }
    until("what the old writers wrote is read", || {
        next.measures.all_ready().is_ok()
    });

    // Readers know the version but not its id, and the registry is away for a moment. They wait for its answer.
    let id = cluster.client().register(second).unwrap();
    copier.second = Some(Arc::new(Framing::new([(topics::CONVERSATION, id)])));
    registry.is_cut.store(true, Ordering::Release);
    copier.put(topics::CONVERSATION, facts, |_| true);
    until("readers wait for the registry", || {
        let not_ready = next.measures.all_ready().err();
        not_ready.is_some_and(|why| why.contains("the registry cannot say"))
    });
    registry.is_cut.store(false, Ordering::Release);
    next.reaches(cluster, undisturbed, &copier);
    assert_eq!(cluster.export(topics::DEAD_LETTER), []);
    next.stop();
}

/// What `crates/kafka/README.md` says about a raised version of state: the raw topic, copied under another prefix, gives the same
/// golden record and the same numbers. Facts on the way may differ, because partitions have no order among them.
#[test]
fn a_copy_of_the_raw_topic_under_a_new_prefix_gives_the_same_state() {
    let Some(mut cluster) = Cluster::start(2, 1) else {
        return;
    };
    let before = undisturbed(&mut cluster);
    let raw = Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(["export", "raw", "--config"])
        .arg(cluster.config("export", 1))
        .output()
        .unwrap();
    assert!(raw.status.success(), "{}", String::from_utf8_lossy(&raw.stderr));

    "next.".clone_into(&mut cluster.prefix);
    cluster.register();
    cluster.apply();
    cluster.ingest(&String::from_utf8(raw.stdout).unwrap());
    let role = cluster.run(&ROLES);
    cluster.drained();
    // Numbers are published as time goes on: a gateway says it each second.
    for _ in 0..3 {
        cluster.ingest("{\"source\":\"clock\",\"at\":\"2026-07-22T02:00:00Z\"}\n");
        cluster.drained();
    }
    assert_eq!(state(&cluster.data_dir(role), "copied"), before.state);
    assert_eq!(cluster.metric_rows(), before.rows);
    assert_eq!(cluster.export(topics::DEAD_LETTER), []);
    cluster.terminate(role);
}
