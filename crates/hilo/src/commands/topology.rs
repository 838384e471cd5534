//! `hilo topology`: which processors run over which topics.

use crate::{cli::Topology, failure::Failure, say::say, topology, topology::Tenants};
use anyhow::Context as _;
use hilo_stream::draw;
use std::fs;

pub(crate) fn run(arguments: &Topology) -> Result<(), Failure> {
    let topology = topology::topology(&Tenants::default())?;
    if let Some(path) = &arguments.svg {
        fs::write(path, draw::svg(&topology)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if arguments.json {
        let topics: Vec<_> = topology
            .topics()
            .iter()
            .map(|topic| {
                serde_json::json!({
                    "name": topic.name,
                    "kind": format!("{:?}", topic.kind).to_lowercase(),
                    "key": topic.key,
                    "schema": topic.schema,
                    "kept": topic.kept,
                    "doc": topic.doc,
                })
            })
            .collect();
        let processors: Vec<_> = topology
            .processors()
            .iter()
            .map(|processor| {
                serde_json::json!({
                    "name": processor.name,
                    "doc": processor.doc,
                    "inputs": processor.inputs,
                    "outputs": processor.outputs.iter().map(|topic| topic.name).collect::<Vec<_>>(),
                    "also_writes": processor.also_writes,
                    "stores": processor.stores.iter().map(|store| store.name).collect::<Vec<_>>(),
                })
            })
            .collect();
        say!("{}", serde_json::json!({"topics": topics, "processors": processors}))?;
    } else {
        for line in draw::text(&topology).trim_end().lines() {
            say!("{line}")?;
        }
    }
    Ok(())
}
