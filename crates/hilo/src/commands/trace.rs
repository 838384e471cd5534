//! `hilo trace`: the story of one id.

use crate::{audit, cli::Trace, failure::Failure, node, place, say::say, topology, trace};
use anyhow::anyhow;
use hilo_dashboard::Sight;
use hilo_golden::Golden;
use hilo_metrics::table::Table;
use hilo_stream::embedded::Log;

pub(crate) fn run(arguments: &Trace) -> Result<(), Failure> {
    let (config, dir) = place::open(&arguments.place)?;
    place::must_exist(&dir)?;
    let topology = topology::topology(&place::tenants(&config))?;
    let mut log = Log::open(&dir, &topology);
    let mut table = Table::default();
    let mut from = 0;
    loop {
        let rows = node::read_metrics(&mut log, &mut from)?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            table.apply(row);
        }
    }
    let path = dir.join(node::GOLDEN_DB);
    let golden = path.exists().then(|| Golden::open_read_only(&path)).transpose()?;
    let Some(found) = trace::trace(&mut log, &table, golden.as_ref(), &arguments.id, usize::MAX)? else {
        return Err(Failure::failed(anyhow!(
            "nothing is known by this id in {}; check it for a missing character, or look in `hilo dlq list`",
            dir.display()
        )));
    };
    audit::revealed(&arguments.reveal, &dir, "trace", &arguments.id)?;
    let sight = if arguments.reveal.shown {
        Sight::Revealed
    } else {
        Sight::Masked
    };
    if arguments.json {
        say!("{}", hilo_dashboard::to_json(&found, sight))?;
    } else {
        trace::print(&found, sight)?;
    }
    Ok(())
}
