//! `hilo bench crm`: what a CRM is asked for, with and without joining revisions, and what the writer itself can do.

mod links;
mod portal;
mod report;
mod world;

use crate::crm::default_target;
use anyhow::Result;
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::CrmRecord,
};
use portal::Portal;
use report::{Asked, Report};
use std::{collections::BTreeMap, time::Instant};
use world::World;

/// Records that are handed to the writer at once, as an engine does.
const CHUNK: usize = 500;

/// What to measure.
pub(crate) struct CrmBench {
    /// Conversations of the generated world.
    pub conversations: u64,
    /// Links of the file that is measured.
    pub links: u64,
    pub seed: u64,
}

/// Runs it.
pub(crate) fn run(bench: &CrmBench) -> Result<Report> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(bench))
}

async fn measure(bench: &CrmBench) -> Result<Report> {
    let mut report = Report::default();
    eprintln!("writing {} records with a CRM that answers at once", bench.links);
    let typical = World::new(20, bench.seed)?.all()?;
    report.links = links::measure(typical, bench.links).await?;

    eprintln!(
        "{} conversations, as they happen, into a portal in this process",
        bench.conversations
    );
    let live = Portal::new(&default_target()?).await?;
    let codec = codec::crm_record();
    let mut newest: BTreeMap<String, (bool, Vec<u8>)> = BTreeMap::new();
    let mut world = World::new(bench.conversations, bench.seed)?;
    let mut revisions = Asked::default();
    while let Some(told) = world.second()? {
        for record in &told {
            revisions.calls += 1;
            if record.revision == 1 {
                // A client without batches associates one by one.
                revisions.calls += record.associations.len() as u64;
            }
            let body = (record.kind == "desired", codec.encode(record)?);
            newest.insert(record.record_key.clone(), body);
        }
        report.revisions += told.len() as u64;
        report.windows += 1;
        live.write(told).await?;
    }
    report.conversations = world.conversations();
    report.seconds_of_world = world.seconds();
    report.each_revision = revisions;
    report.as_they_happen = live.asked();
    report.records = newest.values().filter(|(desired, _)| *desired).count() as u64;
    live.holds(report.records)?;

    eprintln!("the same records at once, as after an outage");
    let behind = Portal::new(&default_target()?).await?;
    let started = Instant::now();
    let records = newest.values().map(|(_, body)| codec.decode(body));
    let records: Vec<CrmRecord> = records.collect::<Result<_, _>>()?;
    behind.write(records).await?;
    report.seconds_at_once = started.elapsed().as_secs_f64();
    report.at_once = behind.asked();
    behind.holds(report.records)?;
    Ok(report)
}
