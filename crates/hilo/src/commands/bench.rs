//! `hilo bench`: this machine's speed.

use crate::{
    cli::{Bench, BenchCommand},
    failure::Failure,
};

pub(crate) fn run(arguments: &Bench) -> Result<(), Failure> {
    match &arguments.command {
        BenchCommand::Replay { items, seed, json } => Ok(crate::bench::replay(*items, *seed, *json)?),
        BenchCommand::Gateway { .. } => Ok(()),
    }
}
