//! `hilo export`: a topic as ndjson.

use crate::{cli::Export, failure::Failure, kafka, place, say::Plain, topology};
use anyhow::{Context as _, anyhow};
use hilo_contracts::json;
use hilo_kafka::Whole;
use hilo_stream::{Record, TopicKind, embedded::Log};
use std::io::{BufWriter, IsTerminal as _, Write, stdout};

/// Records read at once.
const CHUNK: usize = 10_000;

pub(crate) fn run(arguments: &Export) -> Result<(), Failure> {
    let (config, dir) = place::open(&arguments.place)?;
    let topology = topology::topology(&place::tenants(&config)?)?;
    let names: Vec<&str> = topology
        .topics()
        .iter()
        .filter(|topic| topic.kind != TopicKind::Internal)
        .map(|topic| topic.name)
        .collect();
    let Some(topic) = names
        .iter()
        .find(|name| **name == arguments.topic || name.strip_prefix("hilo.") == Some(arguments.topic.as_str()))
    else {
        let known = names.join(", ");
        return Err(Failure::usage(anyhow!(
            "there is no topic {:?}; known are {known}",
            arguments.topic
        )));
    };
    // A file gets the bytes as they are; a terminal would obey some of them.
    let target: Box<dyn Write> = if stdout().is_terminal() {
        Box::new(Plain(stdout().lock()))
    } else {
        Box::new(stdout().lock())
    };
    let mut out = BufWriter::with_capacity(1 << 18, target);
    let mut write = |record: &Record| -> anyhow::Result<()> {
        let wanted = arguments.from.is_none_or(|from| from <= record.timestamp)
            && arguments.to.is_none_or(|to| record.timestamp < to);
        if wanted {
            json::write(topic, &record.value, &mut out)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    };
    // A data directory that is named is meant.
    if config.kafka.is_some() && arguments.place.data_dir.is_none() {
        let place = kafka::Place::new(&config)?;
        let mut reader = Whole::open(&place.cluster, topic, place.framing()?)?;
        while let Some(records) = reader.read()? {
            for received in &records {
                write(&received.record).context("the export cannot be written")?;
            }
        }
    } else {
        place::must_exist(&dir)?;
        let mut log = Log::open(&dir, &topology);
        let mut from = 0;
        loop {
            let records = log.read(topic, from, CHUNK)?;
            let Some((last, _)) = records.last() else { break };
            from = last + 1;
            for (_, record) in &records {
                write(record).context("the export cannot be written")?;
            }
        }
    }
    out.flush().context("the export cannot be written")?;
    Ok(())
}
