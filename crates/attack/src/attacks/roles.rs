//! K1 to K4: what Kafka roles met: foreign records, partitions without an owner, and a golden record that is not there yet.

use crate::{
    judge::Judge,
    room::{
        capture::BETA,
        dataset::dataset,
        genuine::{derived_after, wait_derived},
        node::{Engine, Node, Room, Settings, set_up},
        process::Process,
        until,
    },
    scale::Scale,
};
use anyhow::{Context as _, Result, bail, ensure};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    producer::{BaseProducer, BaseRecord, Producer as _},
};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};
use tokio::process::Command;

/// A broker that does not answer within this time is gone.
const BROKER: Duration = Duration::from_secs(20);
/// Restarts of lanes, commits and polls have their time.
const PATIENCE: Duration = Duration::from_mins(1);
/// A member of the group that is silent for so long has lost its place.
const SESSION_MS: u32 = 6_000;
/// Partitions of the topics whose owners are looked at.
const PARTITIONS: i32 = 4;
/// Lines that reach each of them.
const LINES: usize = 300;

fn bootstrap(room: &Room) -> Result<&str> {
    match &room.engine {
        Engine::Kafka { bootstrap, .. } => Ok(bootstrap),
        Engine::Embedded => bail!("there is no broker"),
    }
}

/// Foreign records of each kind: too short, empty, none, no frame, an unknown contract, a long one.
fn garbage() -> Vec<Option<Vec<u8>>> {
    vec![
        Some(b"xy".to_vec()),
        Some(Vec::new()),
        None,
        Some(b"{\"this\":\"is JSON\"}".to_vec()),
        Some(vec![0, 0x7F, 0xFF, 0xFF, 0xFF, 1, 2, 3]),
        Some(vec![0xFF; 64 << 10]),
    ]
}

/// Puts the records on each partition of a topic, with a key and without.
fn pollute(room: &Room, topic: &str, partitions: i32) -> Result<usize> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap(room)?)
        .create()?;
    let mut count = 0;
    for partition in 0..partitions {
        for value in garbage() {
            let keys: [Option<&[u8]>; 2] = [Some(b"foreign"), None];
            for key in keys {
                let mut record = BaseRecord::<[u8], [u8]>::to(topic).partition(partition);
                if let Some(key) = key {
                    record = record.key(key);
                }
                if let Some(value) = &value {
                    record = record.payload(value);
                }
                // A compacted topic refuses what has no key; an in-memory queue does not fill with so few.
                if producer.send(record).is_ok() {
                    count += 1;
                }
            }
        }
    }
    producer.flush(BROKER)?;
    Ok(count)
}

/// Names of the topics with this node's prefix, and their partitions.
fn topics(node: &Node<'_>) -> Result<Vec<(String, i32)>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap(node.room)?)
        .create()?;
    let all = consumer.fetch_metadata(None, BROKER)?;
    let prefix = node.prefix();
    let ours = all.topics().iter().filter(|topic| topic.name().starts_with(&prefix));
    Ok(ours
        .map(|topic| (topic.name().to_owned(), topic.partitions().len() as i32))
        .collect())
}

async fn goes_on(node: &mut Node<'_>, what: &str, judge: &mut Judge) -> Result<()> {
    let after = derived_after(node, BETA, &format!("wamid.after.{}", what.replace(' ', "_")), PATIENCE).await;
    if let Ok(after) = &after {
        judge.figure(
            &format!("derived_after_{}_ms", what.replace(' ', "_")),
            after.as_millis() as u64,
        );
    }
    judge.check("deliveries become facts", after.is_ok(), || {
        format!("not in {} s after {what}", PATIENCE.as_secs())
    });
    for path in ["/healthz", "/readyz"] {
        let well = until("every role is well", PATIENCE, async || {
            let answers = node.probes(path).await;
            Ok(answers.iter().all(|(_, status)| *status == 200).then_some(()))
        })
        .await;
        if well.is_err() {
            let answers = node.probes(path).await;
            judge.check("every role is well", false, || {
                format!("{path} after {what}: {answers:?}")
            });
        }
    }
    let fallen = node.fallen()?;
    judge.check("no process ended", fallen.is_empty(), || {
        format!("after {what}: {}", fallen.join("; "))
    });
    Ok(())
}

pub(crate) async fn time(room: &Room, _: &Scale, judge: &mut Judge) -> Result<()> {
    let mut node = Node::start(room, Settings::default()).await?;
    derived_after(&node, BETA, "wamid.before", PATIENCE).await?;
    let found = topics(&node)?.into_iter().find(|(name, _)| name.ends_with("hilo.time"));
    let (topic, partitions) = found.context("there is no topic of time")?;
    judge.figure("records", pollute(room, &topic, partitions)?);
    goes_on(&mut node, "records in the topic of time", judge).await?;
    // Who starts meets them again.
    node.kill().await?;
    node.start_again().await?;
    goes_on(&mut node, "a start", judge).await
}

pub(crate) async fn everywhere(room: &Room, _: &Scale, judge: &mut Judge) -> Result<()> {
    let mut node = Node::start(room, Settings::default()).await?;
    derived_after(&node, BETA, "wamid.before", PATIENCE).await?;
    let topics = topics(&node)?;
    judge.check("there are topics", topics.len() > 10, || format!("{topics:?}"));
    judge.figure("topics", topics.len());
    let mut count = 0;
    for (topic, partitions) in &topics {
        count += pollute(room, topic, *partitions)?;
    }
    judge.figure("records", count);
    goes_on(&mut node, "garbage", judge).await?;
    node.kill().await?;
    node.start_again().await?;
    goes_on(&mut node, "a start over garbage", judge).await?;
    // A command passes over it too.
    for topic in ["raw", "conversation", "dead_letter", "metric"] {
        let output = node.hilo(&["export", topic]).await?;
        judge.check("a topic with garbage can be exported", output.status.success(), || {
            format!(
                "{topic}: {}",
                String::from_utf8_lossy(&output.stderr)
                    .chars()
                    .take(200)
                    .collect::<String>()
            )
        });
    }
    Ok(())
}

pub(crate) async fn ready(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let mut node = Node::start(room, Settings::default()).await?;
    let data = dataset("k3", scale.items);
    node.ingest(&data.lines).await?;
    wait_derived(&node, &data.last, scale.patience).await?;
    let right = (data.delivered, data.accepted);
    until("the numbers are right", scale.patience, async || {
        Ok(super::start::delivered(&node)
            .await
            .ok()
            .flatten()
            .filter(|found| *found == right))
    })
    .await?;
    // A golden record that is built anew has all of it before it.
    node.kill_one("golden").await?;
    fs::remove_dir_all(node.folder.join("golden"))?;
    super::start::watch(
        &mut node,
        Some("golden"),
        right,
        "with an empty golden record",
        scale,
        judge,
    )
    .await
}

/// Two members that keep their places. One dies just after partitions went from it to the other.
pub(crate) async fn orphans(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let pair = Pair::prepare(room).await?;
    let mut members = [pair.start(0)?, pair.start(1)?];
    pair.drained("both have started", judge).await?;
    let tries = if scale.long { 10 } else { 1 };
    for attempt in 0..tries {
        members[0].kill().await?;
        // The other one has it all once the first one's session is over.
        pair.drained("one was killed", judge).await?;
        let before = said(&members[0]);
        members[0] = pair.start(0)?;
        // The moment is a hint of its log. Where it does not come, the second one dies at the end of the wait.
        let begun = Instant::now();
        while said(&members[0]).len() == before.len() || !said(&members[0])[before.len()..].contains("Assigned") {
            if begun.elapsed() > Duration::from_millis(u64::from(2 * SESSION_MS)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        members[1].kill().await?;
        members[1] = pair.start(1)?;
        pair.drained(&format!("try {attempt}"), judge).await?;
    }
    judge.figure("tries", tries);
    Ok(())
}

fn said(process: &Process) -> String {
    String::from_utf8_lossy(&fs::read(&process.log).unwrap_or_default()).into_owned()
}

/// A configuration for two processes of one role.
struct Pair<'r> {
    room: &'r Room,
    folder: PathBuf,
    prefix: String,
}

impl<'r> Pair<'r> {
    async fn prepare(room: &'r Room) -> Result<Self> {
        let Engine::Kafka { bootstrap, registry } = &room.engine else {
            bail!("there is no broker");
        };
        let folder = room.folder()?;
        let prefix = format!("attack-{}-pair-", std::process::id());
        let pair = Self { room, folder, prefix };
        let text = format!(
            "[kafka]\nbootstrap_servers = \"{bootstrap}\"\ntopic_prefix = \"{}\"\npartitions = {PARTITIONS}\nlanes = 1\n\
             session_timeout_ms = {SESSION_MS}\n[registry]\nurl = \"{registry}\"\n[storage]\ndata_dir = \"{}\"\n{}",
            pair.prefix,
            pair.folder.join("data").display(),
            crate::room::node::tenants()
        );
        fs::write(pair.config(), text)?;
        set_up("topics", || pair.command(&["topics", "apply"], None)).await?;
        set_up("schemas", || pair.command(&["schemas", "register"], None)).await?;
        Ok(pair)
    }

    fn config(&self) -> PathBuf {
        self.folder.join("hilo.toml")
    }

    async fn command(&self, arguments: &[&str], input: Option<&[u8]>) -> Result<std::process::Output> {
        let config = self.config();
        let config = config.to_string_lossy();
        self.room
            .command(&[arguments, &["--config", &config]].concat(), input)
            .await
    }

    fn start(&self, number: usize) -> Result<Process> {
        let mut command = Command::new(&self.room.hilo);
        let listen = || anyhow::Ok(format!("127.0.0.1:{}", crate::room::node::free_port()?));
        command
            .args(["run", "normalize", "--config"])
            .arg(self.config())
            .env("HILO__HTTP__LISTEN", listen()?)
            .env("HILO__STORAGE__DATA_DIR", self.folder.join(format!("d{number}")))
            .env("HILO__KAFKA__INSTANCE", format!("m{number}"));
        if !self.room.one_listener {
            command.env("HILO__ADMIN__LISTEN", listen()?);
        }
        Process::start(&mut command, self.folder.join(format!("m{number}.log")))
    }

    /// Fills each partition and sees whether somebody reads it: what nobody owns, nobody commits.
    async fn drained(&self, when: &str, judge: &mut Judge) -> Result<()> {
        let data = dataset(&format!("k2{}", when.replace(' ', "")), LINES);
        let output = self.command(&["ingest", "-"], Some(data.lines.as_bytes())).await?;
        ensure!(
            output.status.success(),
            "ingest: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let begun = Instant::now();
        let lags = loop {
            let lags = self.lags()?;
            if lags.iter().all(|(_, lag)| *lag <= 1) || begun.elapsed() > PATIENCE {
                break lags;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let behind: Vec<&(i32, i64)> = lags.iter().filter(|(_, lag)| *lag > 1).collect();
        judge.check("every partition has an owner", behind.is_empty(), || {
            format!(
                "{when}: nobody reads (partition, records) {behind:?} for {} s",
                PATIENCE.as_secs()
            )
        });
        Ok(())
    }

    /// Records of the raw topic that the group has not committed, by partition.
    fn lags(&self) -> Result<Vec<(i32, i64)>> {
        let group = format!("{}hilo.normalize", self.prefix);
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap(self.room)?)
            .set("group.id", &group)
            .create()?;
        let topic = format!("{}hilo.raw", self.prefix);
        let mut asked = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            asked.add_partition(&topic, partition);
        }
        let committed = consumer.committed_offsets(asked, BROKER)?;
        let mut lags = Vec::new();
        for element in committed.elements() {
            let (_, end) = consumer.fetch_watermarks(&topic, element.partition(), BROKER)?;
            let at = match element.offset() {
                Offset::Offset(at) => at,
                _ => 0,
            };
            lags.push((element.partition(), end - at));
        }
        Ok(lags)
    }
}
