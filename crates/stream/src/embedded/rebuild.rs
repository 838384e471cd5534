//! State of an older release: the file is emptied, and the engine computes it again from the raw log.

use super::directory::DataDir;
use super::state::{self, FILE, OldShape};
use super::{EmbeddedError, RawLog, sqlite};
use crate::{Topology, wire};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::path::PathBuf;

/// Holds how far a rebuild goes; only a file that was emptied has it.
const TABLE: &str = "rebuild";

/// An `engine.db` whose state this release does not read. Whoever has read from its logs, with offsets of its own, starts over
/// before [`Stale::clear`]: the logs begin anew.
pub struct Stale {
    path: PathBuf,
    connection: Connection,
    topology: Topology,
    found: Option<u8>,
    upto: u64,
}

impl Stale {
    /// Looks at the file of a data directory; `None`: it is of this release, or not there. A later release's is refused.
    pub fn find(directory: &DataDir, topology: &Topology, raw: &RawLog) -> Result<Option<Self>, EmbeddedError> {
        let path = directory.path().join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let connection = state::connect(&path, topology)?;
        let Some(OldShape { wire: found }) = state::other_shape(&connection, &path, topology)? else {
            return Ok(None);
        };
        // Emptied twice in a row, it still is to be rebuilt as far as it was at first.
        let had = upto(&connection)
            .map_err(sqlite::failed(&path, "read"))?
            .unwrap_or_default();
        let position = state::position(&connection).map_err(sqlite::failed(&path, "read"))?;
        // State that cannot be computed again is not thrown away.
        position.within(raw)?;
        Ok(Some(Self {
            found,
            upto: position.raw_offset.max(had),
            topology: topology.clone(),
            connection,
            path,
        }))
    }

    /// Raw records whose effect is computed again.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.upto
    }

    /// Why, in a sentence.
    #[must_use]
    pub fn reason(&self) -> String {
        let path = self.path.display();
        match self.found {
            Some(found) if found != wire::VERSION => {
                format!(
                    "{path} has state of version {found}, this release has version {}",
                    wire::VERSION
                )
            }
            _ => format!("{path} was written by other processors or stores than those of this release"),
        }
    }

    /// Empties the file, in one transaction: a crash leaves it as it was or empty. Its pages are used again, so it takes no more
    /// room. Logs that no processor writes stay, because nothing computes them again.
    pub fn clear(mut self) -> Result<(), EmbeddedError> {
        let failed = || sqlite::failed(&self.path, "emptied");
        let transaction = self.connection.transaction().map_err(failed())?;
        clear(&transaction, &self.topology, self.upto).map_err(failed())?;
        transaction.commit().map_err(failed())
    }
}

/// How far the raw log was processed when the file was emptied, if it was.
pub(super) fn upto(connection: &Connection) -> Result<Option<u64>, rusqlite::Error> {
    let has: i64 = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1",
        [TABLE],
        |row| row.get(0),
    )?;
    if has == 0 {
        return Ok(None);
    }
    connection
        .query_row(&format!("SELECT upto FROM {TABLE}"), [], |row| row.get(0))
        .optional()
        .map(|upto| upto.map(i64::cast_unsigned))
}

fn clear(connection: &Connection, topology: &Topology, upto: u64) -> Result<(), rusqlite::Error> {
    let mut kept = Vec::new();
    for (id, topic) in state::topics(topology) {
        let is_computed = topology
            .processors()
            .iter()
            .any(|processor| processor.writes().any(|name| name == topic));
        let old = connection
            .query_row("SELECT id FROM topic WHERE name = ?1", [topic], |row| row.get(0))
            .optional()?;
        if let (false, Some(old)) = (is_computed, old) {
            let (old, aside) = (state::log_table(old), format!("kept_{id}"));
            connection.execute_batch(&format!("ALTER TABLE {old} RENAME TO {aside}"))?;
            kept.push((aside, state::log_table(id)));
        }
    }
    let all: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for table in all {
        if !kept.iter().any(|(aside, _)| *aside == table) {
            connection.execute_batch(&format!("DROP TABLE {table}"))?;
        }
    }
    connection.execute_batch(&state::schema(topology))?;
    for (aside, log) in kept {
        connection.execute_batch(&format!(
            "INSERT INTO {log} (offset, key, timestamp, value, version) SELECT offset, key, timestamp, value, version FROM {aside};
             DROP TABLE {aside};"
        ))?;
    }
    connection.execute_batch(&format!("CREATE TABLE {TABLE}(upto INTEGER NOT NULL) STRICT;"))?;
    connection.execute(&format!("INSERT INTO {TABLE} VALUES (?1)"), params![upto.cast_signed()])?;
    Ok(())
}
