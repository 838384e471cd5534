//! How a cluster is reached: addresses, names, credentials.

use rdkafka::ClientConfig;
use std::fmt;

/// Largest record that travels, in bytes: a delivery of 3 MiB with what its framing and escapes add.
pub const MAX_RECORD_BYTES: usize = 8 << 20;
/// Largest record of a changelog, in bytes: a person's whole history is one entry.
pub(crate) const MAX_CHANGELOG_BYTES: usize = 64 << 20;

/// A Kafka cluster, and who we are there.
#[derive(Clone)]
pub struct Cluster {
    /// `host:port`, separated by commas.
    pub bootstrap_servers: String,
    /// Put before every topic, consumer group and transactional id: several Hilos may share a cluster.
    pub prefix: String,
    /// Properties of the client beyond our own: protocol, certificates, SASL. They hold secrets, and are not printed.
    pub security: Vec<(String, String)>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// A cluster without security and without a prefix.
    #[must_use]
    pub fn plain(bootstrap_servers: &str) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.to_owned(),
            prefix: String::new(),
            security: Vec::new(),
        }
    }

    /// A topic, group or transactional id as the cluster knows it.
    #[must_use]
    pub fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// What every client has in common.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap_servers);
        config.set("client.id", "hilo");
        config.set("log.connection.close", "false");
        config.set("message.max.bytes", MAX_CHANGELOG_BYTES.to_string());
        for (key, value) in &self.security {
            config.set(key, value);
        }
        config
    }

    /// A consumer that decides itself what it reads and from where; nothing is committed for it.
    pub(crate) fn reader(&self, name: &str) -> ClientConfig {
        let mut config = self.client();
        config.set("group.id", self.name(name));
        config.set("enable.auto.commit", "false");
        config.set("enable.auto.offset.store", "false");
        config.set("auto.offset.reset", "error");
        config.set("isolation.level", "read_committed");
        config.set("queued.max.messages.kbytes", "16384");
        // How long a full queue stops fetching: by default a second, in which a fast reader empties it and waits.
        config.set("fetch.queue.backoff.ms", "10");
        // A fetch returns as soon as there is anything; this bounds how long an idle one waits.
        config.set("fetch.wait.max.ms", "500");
        config
    }
}
