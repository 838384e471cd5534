//! `hilo bench`: this machine's speed.

use crate::{
    bench::{
        self,
        crm::{self, CrmBench},
        kafka::{self, KafkaBench},
    },
    cli::{Bench, BenchCommand},
    failure::Failure,
    kafka::Place,
    place,
    say::say,
};
use hilo_bench::{GatewayBench, run_gateway};
use std::time::Duration;

pub(crate) fn run(arguments: &Bench) -> Result<(), Failure> {
    match &arguments.command {
        BenchCommand::Replay { items, seed, json } => Ok(bench::replay::run(*items, *seed, *json)?),
        BenchCommand::Kafka {
            only,
            items,
            rounds,
            people,
            config,
            json,
        } => {
            let config = place::config(config.as_deref())?;
            let place = Place::new(&config)?;
            let kafka = config.kafka.as_ref();
            let report = kafka::run(&KafkaBench {
                cluster: place.cluster,
                part: *only,
                items: *items,
                rounds: *rounds,
                partitions: place.sizes.partitions,
                lanes: kafka.map_or(1, |kafka| kafka.lanes),
                commit_interval: kafka.map_or(Duration::from_millis(100), |kafka| kafka.commit_interval),
                people: *people,
            })?;
            if *json {
                say!("{}", serde_json::to_string(&report)?)?;
            } else {
                for line in report.to_string().lines() {
                    say!("{line}")?;
                }
            }
            Ok(())
        }
        BenchCommand::Crm {
            conversations,
            links,
            seed,
            json,
        } => {
            let report = crm::run(&CrmBench {
                conversations: *conversations,
                links: *links,
                seed: *seed,
            })?;
            if *json {
                say!("{}", serde_json::to_string(&report)?)?;
            } else {
                for line in report.to_string().lines() {
                    say!("{line}")?;
                }
            }
            Ok(())
        }
        BenchCommand::Gateway {
            rate,
            duration,
            connections,
            body_bytes,
            dir,
            json,
        } => {
            let report = run_gateway(&GatewayBench {
                rate: *rate,
                duration: *duration,
                connections: *connections,
                body_bytes: *body_bytes,
                dir: dir.clone(),
            })?;
            if *json {
                say!("{}", serde_json::to_string(&report)?)?;
            } else {
                for line in report.to_string().lines() {
                    say!("{line}")?;
                }
            }
            Ok(())
        }
    }
}
