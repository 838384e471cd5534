//! The writer alone: a CRM that takes everything at once, and a file of links that grows.

use super::{
    portal::{Given, Unread, lane},
    report::Grown,
};
use anyhow::{Context as _, Result, ensure};
use hilo_bench::{peak_resident_bytes, process_seconds, reset_peak};
use hilo_contracts::facts::CrmRecord;
use hilo_crm::values::Object;
use hilo_crm_writer::{
    BudgetView, Capabilities, FILE, Item, Known, Lane, Links, Outcome, Reply, Settings, Sink, Trouble, Writer,
};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};
use tokio::sync::watch;

/// Takes everything, and has nothing.
#[derive(Default)]
struct Instantly {
    ids: AtomicU64,
    batches: AtomicU64,
}

impl Sink for Instantly {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            batch: 100,
            parallel: 4,
        }
    }

    fn write<'a>(&'a self, _: Object, items: &'a [Item]) -> Reply<'a, Vec<Outcome>> {
        self.batches.fetch_add(1, Ordering::Relaxed);
        let done = |item: &Item| {
            let id = || (10_000_000_000 + self.ids.fetch_add(1, Ordering::Relaxed)).to_string();
            Outcome::Done(Known {
                remote_id: item.remote_id.clone().unwrap_or_else(id),
                created: item.remote_id.is_none(),
                filled: Vec::new(),
                associated: item.parents.clone(),
            })
        };
        let outcomes = items.iter().map(done).collect();
        Box::pin(async move { outcomes })
    }

    fn find<'a>(&'a self, _: Object, _: &'a [String]) -> Reply<'a, Result<BTreeMap<String, String>, Trouble>> {
        Box::pin(async { Ok(BTreeMap::new()) })
    }

    fn probe(&self) -> Reply<'_, Result<(), Trouble>> {
        Box::pin(async { Ok(()) })
    }

    fn budget(&self) -> BudgetView {
        BudgetView::default()
    }

    fn calls(&self) -> BTreeMap<&'static str, u64> {
        [("ok", self.batches.load(Ordering::Relaxed))].into()
    }
}

/// Writes so many records, made after those of a small world, with keys of their own.
pub(super) async fn measure(typical: Vec<CrmRecord>, count: u64) -> Result<Grown> {
    // What belongs to others would wait for them: here each record stands for itself.
    let typical: Vec<CrmRecord> = typical
        .into_iter()
        .filter(|record| record.kind == "desired")
        .map(|record| CrmRecord {
            revision: 1,
            associations: Vec::new(),
            adopt_id: None,
            ..record
        })
        .collect();
    ensure!(!typical.is_empty(), "the small world told no record");
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let file = folder.path().join(FILE);
    let links = Links::open(&file)?;
    let sink = Arc::new(Instantly::default());
    let sinks: BTreeMap<Lane, Arc<dyn Sink>> = [(lane(), sink as Arc<dyn Sink>)].into();
    let writer = Writer::new(links.clone(), Arc::new(Unread), sinks, Settings::default());
    let records = (0..count).map(|number| {
        let like = &typical[number as usize % typical.len()];
        CrmRecord {
            record_key: format!(
                "gr_{:024x}",
                u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c)
            ),
            ..like.clone()
        }
    });
    let (_go_on, stop) = watch::channel(false);
    reset_peak();
    let (started, cpu) = (Instant::now(), process_seconds());
    writer.run(&mut Given::new(records, 0), stop).await?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu = process_seconds() - cpu;
    let census = links.census(&lane())?;
    let written = census.kinds.get("written").copied().unwrap_or_default();
    ensure!(
        written == count,
        "{written} of {count} records were written: {:?}",
        census.kinds
    );
    Ok(Grown {
        links: count,
        seconds,
        cpu_seconds: cpu,
        peak_memory_bytes: peak_resident_bytes().unwrap_or_default(),
        file_bytes: size(&file)?,
    })
}

/// The file with its log.
fn size(file: &Path) -> Result<u64> {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    let log = fs::metadata(log).map_or(0, |log| log.len());
    Ok(fs::metadata(file)?.len() + log)
}
