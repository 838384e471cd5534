//! A way back from a wrong clock: raw records that cannot have been received when they say.

use super::directory::DataDir;
use super::log::{self, Stored, unreadable};
use super::{EmbeddedError, raw, sqlite};
use crate::Record;
use hilo_contracts::door::Door;
use hilo_domain::Millis;
use rusqlite::{Connection, params};

/// Gives each record of the raw log of `topic` whose time is after `limit` to `mend`, and writes what that makes of it in
/// its place: all or nothing. `None` leaves a record as it is. Gives the number of records that were changed.
///
/// What was derived from the log no longer follows from it: remove `engine.db` and what was read from it.
pub fn rewrite_after(
    directory: &DataDir,
    topic: &'static str,
    limit: Millis,
    mut mend: impl FnMut(Record) -> Option<Record>,
) -> Result<u64, EmbeddedError> {
    let path = directory.path().join(raw::FILE);
    if !path.exists() {
        return Err(EmbeddedError::Missing { path });
    }
    let connection = &mut raw::open(&path)?;
    let door = Door::released().map_err(unreadable(&path, 0))?;
    let newest = log::version(topic);
    let failed = || sqlite::failed(&path, "written");
    let transaction = connection.transaction().map_err(failed())?;
    let mut changed = 0;
    for offset in after(&transaction, limit).map_err(failed())? {
        let stored = stored(&transaction, topic, offset).map_err(failed())?;
        let (_, record) = stored.open(door, &path)?;
        if let Some(mended) = mend(record) {
            transaction
                .prepare_cached("UPDATE log SET timestamp = ?2, value = ?3, version = ?4 WHERE offset = ?1")
                .and_then(|mut replace| replace.execute(params![offset, mended.timestamp, mended.value, newest]))
                .map_err(failed())?;
            changed += 1;
        }
    }
    transaction.commit().map_err(failed())?;
    Ok(changed)
}

fn after(connection: &Connection, limit: Millis) -> Result<Vec<i64>, rusqlite::Error> {
    connection
        .prepare("SELECT offset FROM log WHERE timestamp > ?1 ORDER BY offset")?
        .query_map([limit], |row| row.get(0))?
        .collect()
}

fn stored(connection: &Connection, topic: &'static str, offset: i64) -> Result<Stored, rusqlite::Error> {
    connection
        .prepare_cached("SELECT offset, key, timestamp, value, version FROM log WHERE offset = ?1")?
        .query_row([offset], |row| Stored::of(topic, row))
}
