//! `hilo schemas`: contracts as code.

use crate::{
    cli::{Schemas, SchemasCommand},
    failure::Failure,
    kafka::Place,
    place,
    say::say,
};
use anyhow::anyhow;
use hilo_contracts::schemas;
use hilo_kafka::registry::{COMPATIBILITY, Found};
use serde_json::json;

pub(crate) fn run(arguments: &Schemas) -> Result<(), Failure> {
    let config = place::config(arguments.config.as_deref())?;
    let place = Place::new(&config)?;
    let registry = place.registry()?;
    let mut missing = 0;
    for version in schemas::all()? {
        let (state, id) = match arguments.command {
            SchemasCommand::List => ("", None),
            SchemasCommand::Check => match registry.find(version)? {
                Found::Registered(id) => ("registered", Some(id)),
                Found::Missing => {
                    missing += 1;
                    ("missing", None)
                }
            },
            SchemasCommand::Register => ("registered", Some(registry.register(version)?)),
        };
        let subject = registry.subject(version);
        if arguments.json {
            say!(
                "{}",
                json!({"subject": subject, "version": version.number, "compatibility": COMPATIBILITY, "state": state, "id": id})
            )?;
        } else {
            let id = id.map(|id| format!("id {id}")).unwrap_or_default();
            say!(
                "{subject:<32} version {:<3} {COMPATIBILITY} {state} {id}",
                version.number
            )?;
        }
    }
    if missing > 0 {
        return Err(Failure::failed(anyhow!(
            "{missing} contracts are not registered: run `hilo schemas register`"
        )));
    }
    Ok(())
}
