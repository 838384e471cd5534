//! Hilo on a Kafka cluster: what the commands need of it.

pub(crate) mod contracts;
pub(crate) mod groups;
pub(crate) mod raw;
pub(crate) mod rights;
pub(crate) mod role;
pub(crate) mod start;

use crate::{
    config::{Config, Registry},
    failure::Failure,
    place, topology,
};
use anyhow::anyhow;
use hilo_contracts::{door::Versions, schemas};
use hilo_kafka::{
    Cluster, EngineError, Framing, LaneSettings,
    registry::{Access, SchemaRegistry},
    topics::{self, Sizes, TopicPlan},
};
use hilo_stream::Topology;
use std::{path::Path, sync::Arc};

/// A cluster with its registry, and the topology that runs there.
pub(crate) struct Place {
    pub cluster: Cluster,
    pub sizes: Sizes,
    pub topology: Topology,
    registry: Access,
}

impl Place {
    /// What the configuration names; without `[kafka]` and `[registry]` there is none.
    pub(crate) fn new(config: &Config) -> Result<Self, Failure> {
        let Some(kafka) = &config.kafka else {
            return Err(Failure::usage(anyhow!(
                "no cluster is configured: add [kafka] with bootstrap_servers to hilo.toml, or use `hilo up` on one machine"
            )));
        };
        let Some(registry) = &config.registry else {
            return Err(Failure::usage(anyhow!(
                "no schema registry is configured: add [registry] with its url to hilo.toml"
            )));
        };
        let mut security: Vec<(String, String)> = kafka
            .security
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        if let Some(password) = &kafka.password {
            security.push(("sasl.password".to_owned(), password.text().map_err(Failure::usage)?));
        }
        Ok(Self {
            cluster: Cluster {
                bootstrap_servers: kafka.bootstrap_servers.join(","),
                prefix: kafka.topic_prefix.clone(),
                security,
            },
            sizes: Sizes {
                partitions: kafka.partitions,
                replication: kafka.replication,
            },
            topology: topology::topology(&place::tenants(config)?)?,
            registry: access(registry)?,
        })
    }

    pub(crate) fn registry(&self) -> Result<SchemaRegistry, EngineError> {
        SchemaRegistry::new(self.registry.clone(), &self.cluster.prefix)
    }

    /// Topics as they must be.
    pub(crate) fn plans(&self) -> Result<Vec<TopicPlan>, Failure> {
        Ok(topics::plan(&self.cluster, &self.topology, self.sizes, schemas::kept)?)
    }

    /// The schema ids of all contracts, looked up once. It is an error when the newest version of one is missing.
    pub(crate) fn framing(&self) -> Result<Arc<Framing>, Failure> {
        let subjects = self.topology.topics().iter().filter_map(|topic| topic.schema);
        Ok(Arc::new(self.registry()?.framing(subjects, &Versions::released()?)?))
    }
}

fn access(registry: &Registry) -> Result<Access, Failure> {
    let login = match &registry.login {
        Some((name, password)) => Some((name.clone(), password.text().map_err(Failure::usage)?)),
        None => None,
    };
    Ok(Access {
        url: registry.url.clone(),
        ca_file: registry.ca_file.clone(),
        login,
    })
}

/// How lanes work, by the configuration.
pub(crate) fn lane_settings(config: &Config, dir: &Path) -> Result<Option<LaneSettings>, Failure> {
    let Some(kafka) = &config.kafka else { return Ok(None) };
    Ok(Some(LaneSettings {
        lanes: kafka.lanes,
        commit_interval: kafka.commit_interval,
        transaction_timeout: kafka.transaction_timeout,
        session_timeout: kafka.session_timeout,
        instance: kafka.instance().map_err(Failure::usage)?,
        state_dir: dir.join("state"),
        kill_point: None,
    }))
}

/// How a command ends that the cluster made fail: with 2 where the configuration or a right has to change.
pub(crate) fn failure(error: EngineError) -> Failure {
    if error.is_configuration() {
        Failure::usage(error)
    } else {
        Failure::failed(error)
    }
}
