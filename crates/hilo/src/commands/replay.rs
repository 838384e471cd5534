//! `hilo replay`.

use crate::{cli::Replay, crm, failure::Failure, place, replay, say::say};

pub(crate) fn run(arguments: &Replay) -> Result<(), Failure> {
    let config = place::config(arguments.config.as_deref())?;
    let mut tenants = place::tenants(&config)?;
    // Who names no CRM sees what the default mapping would make of it.
    tenants.crm.others = Some(crm::default_target()?);
    let summary = replay::replay(&arguments.inputs, &arguments.out, &tenants)?;
    if arguments.json {
        say!("{}", serde_json::to_string(&summary).map_err(anyhow::Error::from)?)?;
        return Ok(());
    }
    let o = &summary.outcomes;
    say!(
        "{} lines, {} deliveries ({} empty)",
        summary.lines,
        summary.deliveries,
        summary.empty_deliveries
    )?;
    say!(
        "{} items = {} emitted + {} duplicate + {} unclassified + {} dead letters",
        summary.items,
        o.emitted,
        o.duplicate,
        o.unclassified,
        o.dead_letter
    )?;
    say!(
        "{} people, {} sessions, {} messages received, {} sent, {} from history, {} orphans, {} statuses",
        summary.persons,
        summary.sessions,
        summary.messages_received,
        summary.messages_sent,
        summary.messages_history,
        summary.orphans,
        summary.statuses
    )?;
    for (reason, count) in &summary.dead_letter_reasons {
        say!("dead letters, {reason}: {count}")?;
    }
    say!("written to {}", arguments.out.display())?;
    Ok(())
}
