//! A way back from a wrong clock: raw records that cannot have been received when they say.

use super::directory::DataDir;
use super::{EmbeddedError, raw, sqlite};
use crate::Record;
use hilo_domain::Millis;
use rusqlite::params;

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
    let mut connection = sqlite::open(&path, 4_096, "")?;
    let mut write = || -> Result<u64, rusqlite::Error> {
        let transaction = connection.transaction()?;
        let mut changed = 0;
        {
            let mut find = transaction.prepare("SELECT offset FROM log WHERE timestamp > ?1 ORDER BY offset")?;
            let found: Vec<i64> = find.query_map([limit], |row| row.get(0))?.collect::<Result<_, _>>()?;
            let mut read = transaction.prepare("SELECT key, timestamp, value FROM log WHERE offset = ?1")?;
            let mut replace = transaction.prepare("UPDATE log SET timestamp = ?2, value = ?3 WHERE offset = ?1")?;
            for offset in found {
                let record = read.query_row([offset], |row| {
                    Ok(Record {
                        topic,
                        key: row.get(0)?,
                        timestamp: row.get(1)?,
                        value: row.get(2)?,
                    })
                })?;
                if let Some(mended) = mend(record) {
                    replace.execute(params![offset, mended.timestamp, mended.value])?;
                    changed += 1;
                }
            }
        }
        transaction.commit()?;
        Ok(changed)
    };
    write().map_err(sqlite::failed(&path, "written"))
}
