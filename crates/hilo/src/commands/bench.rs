//! `hilo bench`: this machine's speed.

use crate::{
    cli::{Bench, BenchCommand},
    failure::Failure,
};
use hilo_bench::{GatewayBench, run_gateway};

pub(crate) fn run(arguments: &Bench) -> Result<(), Failure> {
    match &arguments.command {
        BenchCommand::Replay { items, seed, json } => Ok(crate::bench::replay(*items, *seed, *json)?),
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
                println!("{}", serde_json::to_string(&report)?);
            } else {
                println!("{report}");
            }
            Ok(())
        }
    }
}
