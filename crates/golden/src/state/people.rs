//! `persons.ndjson`, and the identifiers of a person elsewhere.

use super::json;
use crate::{GoldenError, error::failed, lines::Lines};
use rusqlite::{Connection, OptionalExtension as _};

/// What a person is and was known by, as (kind, value). A username is display only and in no state.
#[derive(Debug, Default)]
struct Known {
    current: Vec<(String, String)>,
    former: Vec<(String, String)>,
}

fn known(connection: &Connection, person_id: &str) -> Result<Known, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "SELECT kind, value, valid_to IS NOT NULL FROM identifiers WHERE person_id = ?1 AND kind <> 'username'",
    )?;
    let mut rows = statement.query([person_id])?;
    let mut known = Known::default();
    while let Some(row) = rows.next()? {
        let identifier = (row.get(0)?, row.get(1)?);
        if row.get(2)? {
            &mut known.former
        } else {
            &mut known.current
        }
        .push(identifier);
    }
    // What came back is not former.
    let Known { current, former } = &mut known;
    former.retain(|identifier| !current.contains(identifier));
    Ok(known)
}

/// The current identifiers of a person, or of whom they became part of, as JSON.
pub(super) fn current(connection: &Connection, person_id: &str) -> Result<String, rusqlite::Error> {
    let mut alias = connection.prepare_cached("SELECT survivor FROM aliases WHERE person_id = ?1")?;
    let mut id = person_id.to_owned();
    while let Some(survivor) = alias.query_row([&id], |row| row.get(0)).optional()? {
        id = survivor;
    }
    Ok(json::identifiers(known(connection, &id)?.current))
}

pub(super) fn write(connection: &Connection, lines: &mut Lines) -> Result<(), GoldenError> {
    let mut statement = connection
        .prepare("SELECT person_id, tenant, country FROM contacts")
        .map_err(failed("read"))?;
    let mut rows = statement.query([]).map_err(failed("read"))?;
    let mut line = String::new();
    while let Some(row) = rows.next().map_err(failed("read"))? {
        let mut fill = || -> Result<(), rusqlite::Error> {
            let known = known(connection, row.get_ref(0)?.as_str()?)?;
            line.push('{');
            json::text(&mut line, "tenant", Some(row.get_ref(1)?.as_str()?));
            json::raw(&mut line, "identifiers", &json::identifiers(known.current));
            json::raw(&mut line, "former", &json::identifiers(known.former));
            json::text(&mut line, "country", row.get_ref(2)?.as_str_or_null()?);
            line.push('}');
            Ok(())
        };
        fill().map_err(failed("read"))?;
        lines.push(&mut line)?;
    }
    Ok(())
}
