//! A real broker and a real registry for tests.
#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "this crate is a part of tests, and a test fails by panicking"
)]

mod acl;

pub use acl::Right;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{
    Mutex, OnceLock,
    atomic::{AtomicU16, Ordering},
};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A broker that does not come up within this time never will, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(6);

/// Name and password of a secured broker itself, towards itself; it may do everything.
pub const ITSELF: &str = "testbed";

/// Where both are, or why not.
fn home() -> Option<&'static Path> {
    static HOME: OnceLock<Option<PathBuf>> = OnceLock::new();
    HOME.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/kafka");
        let output = Command::new(script).arg("install").output().unwrap();
        if output.status.success() {
            let path = String::from_utf8_lossy(&output.stdout);
            return Some(PathBuf::from(path.lines().last().unwrap_or_default().trim()));
        }
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            std::env::var_os("CI").is_none(),
            "in CI nothing is skipped, and there is no broker: {reason}"
        );
        eprintln!("SKIPPED: no broker here: {reason}");
        None
    })
    .as_deref()
}

/// Ports below those that systems give to clients, so that no client takes a port between the look and its use.
const PORTS: std::ops::Range<u16> = 11_000..32_000;

/// A port that nobody uses now, another one at each call.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let width = PORTS.end - PORTS.start;
    // Processes that run beside each other begin at different places.
    let begin = u16::try_from(std::process::id() * 97 % u32::from(width)).unwrap();
    let mut ports = std::iter::repeat_with(|| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % width;
        PORTS.start + (begin + step) % width
    });
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.by_ref().take(usize::from(width)).find(is_free).unwrap()
}

/// A record of somebody else.
#[derive(Clone, Copy, Debug)]
pub struct Foreign<'a> {
    /// Name at the cluster.
    pub topic: &'a str,
    /// Partition.
    pub partition: i32,
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
}

/// Why a record was not taken.
#[derive(Default)]
struct Report(Mutex<Option<KafkaError>>);

impl ClientContext for Report {}

impl ProducerContext for Report {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            *self.0.lock().unwrap() = Some(error.clone());
        }
    }
}

/// A broker of one test.
pub struct Broker {
    folder: TempDir,
    home: PathBuf,
    port: u16,
    controller: u16,
    child: Option<Child>,
}

impl Broker {
    /// Starts a broker that lets everybody in; `None` where there is none to start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::with("PLAINTEXT", &[], |_| String::new())
    }

    /// Starts a broker that speaks TLS only, with a certificate that [`Broker::ca_file`] vouches for, and lets `users`
    /// (name and password) in by SCRAM-SHA-512.
    #[must_use]
    pub fn secured(users: &[(&str, &str)]) -> Option<Self> {
        Self::with_users(users, "")
    }

    /// Starts a secured broker where only [`ITSELF`] has rights: `users` may log in, and do nothing.
    #[must_use]
    pub fn guarded(users: &[(&str, &str)]) -> Option<Self> {
        Self::with_users(
            users,
            &format!(
                "\nauthorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
                 super.users=User:{ITSELF};User:ANONYMOUS"
            ),
        )
    }

    /// Gives a user of a guarded broker rights.
    pub fn allow(&self, user: &str, rights: &[Right]) {
        acl::allow(self.controller, user, rights);
    }

    fn with_users(users: &[(&str, &str)], more: &str) -> Option<Self> {
        let itself = [(ITSELF, ITSELF)];
        Self::with("SASL_SSL", &[users, &itself].concat(), |broker| {
            let store = broker.certify();
            format!(
                "ssl.keystore.type=PKCS12\nssl.keystore.location={}\nssl.keystore.password={ITSELF}\n\
                 ssl.truststore.type=PEM\nssl.truststore.location={}\n\
                 sasl.enabled.mechanisms=SCRAM-SHA-512\nsasl.mechanism.inter.broker.protocol=SCRAM-SHA-512\n\
                 listener.name.client.scram-sha-512.sasl.jaas.config=\
                 org.apache.kafka.common.security.scram.ScramLoginModule required username=\"{ITSELF}\" \
                 password=\"{ITSELF}\";{more}",
                store.display(),
                broker.ca_file().display()
            )
        })
    }

    fn with(protocol: &str, users: &[(&str, &str)], more: impl FnOnce(&Self) -> String) -> Option<Self> {
        let home = home()?.to_owned();
        let folder = tempfile::tempdir().unwrap();
        let (port, controller) = (free_port(), free_port());
        let properties = folder.path().join("server.properties");
        let mut broker = Self {
            folder,
            home,
            port,
            controller,
            child: None,
        };
        fs::write(
            &properties,
            format!(
                "process.roles=broker,controller\nnode.id=1\n\
                 listeners=CLIENT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
                 advertised.listeners=CLIENT://127.0.0.1:{port}\n\
                 listener.security.protocol.map=CLIENT:{protocol},CONTROLLER:PLAINTEXT\n\
                 controller.listener.names=CONTROLLER\ninter.broker.listener.name=CLIENT\n\
                 controller.quorum.voters=1@127.0.0.1:{controller}\nlog.dirs={}\n\
                 auto.create.topics.enable=false\noffsets.topic.replication.factor=1\noffsets.topic.num.partitions=4\n\
                 transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n\
                 transaction.state.log.num.partitions=4\ngroup.initial.rebalance.delay.ms=0\n\
                 group.min.session.timeout.ms=1000\n\
                 transaction.abort.timed.out.transaction.cleanup.interval.ms=1000\n{}\n",
                broker.folder.path().join("log").display(),
                more(&broker)
            ),
        )
        .unwrap();
        let mut format = broker.java();
        // A cluster id that begins with a dash would be taken for an option.
        format.args([
            "kafka.tools.StorageTool",
            "format",
            "-t",
            "hilotestbed-AAAAAAAAAA",
            "-c",
        ]);
        format.arg(&properties);
        for (name, password) in users {
            format.args([
                "--add-scram",
                &format!("SCRAM-SHA-512=[name={name},password={password}]"),
            ]);
        }
        let output = format.output().unwrap();
        assert!(
            output.status.success(),
            "the broker's disk cannot be made: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        broker.restart();
        Some(broker)
    }

    /// Puts records into partitions as any other program can: plainly, without Hilo's header or a transaction.
    pub fn put(&self, records: &[Foreign]) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.address());
        config.set("message.max.bytes", "67108864");
        let producer: BaseProducer<Report> = config.create_with_context(Report::default()).unwrap();
        for record in records {
            let mut sent = BaseRecord::<[u8], [u8]>::to(record.topic).partition(record.partition);
            sent.key = record.key;
            sent.payload = record.value;
            producer.send(sent).map_err(|(error, _)| error).unwrap();
            producer.flush(PATIENCE).unwrap();
            let refused = producer.context().0.lock().unwrap().take();
            assert_eq!(refused, None, "{} takes no record", record.topic);
        }
    }

    fn java_file(&self) -> PathBuf {
        PathBuf::from(fs::read_to_string(self.home.join("java")).unwrap().trim())
    }

    fn java(&self) -> Command {
        let mut command = Command::new(self.java_file());
        // The tests share two cores with it.
        command.args(["-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=4", "-cp"]);
        command.arg(format!("{}/libs/*", self.home.display()));
        command
    }

    /// Address for clients.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Certificate by which clients know a secured broker.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Makes a key and a certificate, and gives the store that holds both.
    fn certify(&self) -> PathBuf {
        let store = self.folder.path().join("broker.p12");
        let keytool = |arguments: &[&str]| {
            // It stands beside every Java.
            let output = Command::new(self.java_file().with_file_name("keytool"))
                .args(arguments)
                .args(["-alias", ITSELF, "-storetype", "PKCS12", "-storepass", ITSELF])
                .arg("-keystore")
                .arg(&store)
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "keytool: {}",
                String::from_utf8_lossy(&output.stdout)
            );
            output.stdout
        };
        keytool(&[
            "-genkeypair",
            "-keyalg",
            "EC",
            "-dname",
            "CN=testbed",
            "-ext",
            "SAN=ip:127.0.0.1",
        ]);
        fs::write(self.ca_file(), keytool(&["-exportcert", "-rfc"])).unwrap();
        store
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it on the same port and disk, and waits until it answers.
    pub fn restart(&mut self) {
        self.kill();
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("broker.log"))
            .unwrap();
        let child = self
            .java()
            .arg("kafka.Kafka")
            .arg(self.folder.path().join("server.properties"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < PATIENCE,
                "the broker does not come up: {}",
                fs::read_to_string(self.folder.path().join("broker.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A registry of one test, in memory.
pub struct SchemaRegistry {
    child: Child,
    port: u16,
}

impl SchemaRegistry {
    /// Starts a registry; `None` where there is none to start.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::at(free_port())
    }

    /// Starts one at a port.
    #[must_use]
    pub fn at(port: u16) -> Option<Self> {
        let home = home()?;
        let java = fs::read_to_string(home.join("java21")).unwrap();
        let child = Command::new(java.trim())
            .args(["-Xmx384m", "-XX:+UseSerialGC"])
            .arg(format!("-Dquarkus.http.port={port}"))
            .args(["-Dquarkus.http.host=127.0.0.1", "-Dquarkus.management.host=127.0.0.1"])
            // Several of them run side by side.
            .args(["-Dquarkus.management.port=0", "-jar"])
            .arg(home.join("registry/quarkus-run.jar"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let registry = Self { child, port };
        let begun = Instant::now();
        while !registry.answers() {
            assert!(begun.elapsed() < PATIENCE, "the registry does not come up");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(registry)
    }

    /// Address of Confluent's API.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/apis/ccompat/v7", self.port)
    }

    /// Port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it, as a crash does; what it had is gone.
    pub fn end(&mut self) {
        // A registry that has gone already is gone.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        let asked = write!(
            stream,
            "GET /apis/ccompat/v7/subjects HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        );
        let mut line = String::new();
        let answered = BufReader::new(&mut stream).read_line(&mut line);
        asked.is_ok() && answered.is_ok() && line.contains("200")
    }
}

impl Drop for SchemaRegistry {
    fn drop(&mut self) {
        self.end();
    }
}
