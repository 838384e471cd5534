//! `hilo trace`: the story of one id.

use crate::{audit, cli::Trace, failure::Failure, kafka, place, say::say, topology, trace};
use anyhow::anyhow;
use hilo_dashboard::{Asked, Sight};
use hilo_service::Scope;
use hilo_views::{Embedded, GOLDEN_DB, Kafka, Pulse, View};
use std::sync::Arc;

/// Steps that are told: the latest of them. A terminal shows more than a page, and not a whole log.
const STEPS: usize = 100_000;

pub(crate) fn run(arguments: &Trace) -> Result<(), Failure> {
    let (config, dir) = place::open(&arguments.place)?;
    place::must_exist(&dir)?;
    if !dir.join(GOLDEN_DB).exists() {
        return Err(Failure::failed(anyhow!(
            "{} has no golden record, which knows where each id is: start `hilo up` (on Kafka `hilo run golden`) there once",
            dir.display()
        )));
    }
    let topology = topology::topology(&place::tenants(&config)?)?;
    // A data directory that is named is meant.
    let view = if config.kafka.is_some() && arguments.place.data_dir.is_none() {
        let place = kafka::Place::new(&config)?;
        let topics = Kafka::new(&place.cluster, &place.framing()?, &topology, None);
        View::new("trace", &dir, &topology, Arc::new(topics), Pulse::of_a_copy())?
    } else {
        let topics = Embedded::new(&dir, &topology, None);
        View::new("trace", &dir, &topology, Arc::new(topics), Pulse::of_a_copy())?
    };
    let Some(found) = view.story(&Scope::All, &arguments.id, STEPS, &Asked::default())? else {
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
