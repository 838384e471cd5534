//! A broker of one test, and records that somebody else writes to it.

use crate::{
    PATIENCE,
    acl::{self, Right},
    free_port, home,
};
use rdkafka::{
    ClientConfig, ClientContext,
    error::KafkaError,
    message::DeliveryResult,
    producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext},
};
use std::{
    fs,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command},
    sync::Mutex,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Name and password of a secured broker itself, towards itself; it may do everything.
pub const ITSELF: &str = "testbed";
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
