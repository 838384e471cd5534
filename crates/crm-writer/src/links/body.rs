//! Desired records in the file: the number of their contract's version, then the datum. So a later release reads them.

use hilo_contracts::{
    codec::{AvroCodec, Codec as _},
    door::Door,
    facts::CrmRecord,
    schemas, topics,
};
use rusqlite::{Connection, types::Type};
use std::error::Error;

/// Bytes of the number, big-endian.
const NUMBER: usize = 4;
/// How bodies are written, as the file says it (`user_version`). 0: without a number, all of them of version 1.
const FORM: i64 = 1;

type Wrong = Box<dyn Error + Send + Sync>;

pub(super) fn write(codec: &AvroCodec<CrmRecord>, record: &CrmRecord) -> rusqlite::Result<Vec<u8>> {
    let written = || -> Result<Vec<u8>, Wrong> {
        let number = schemas::latest(topics::CRM_RECORD)?.number;
        Ok([&number.to_be_bytes()[..], &codec.encode(record)?].concat())
    };
    written().map_err(rusqlite::Error::ToSqlConversionFailure)
}

pub(super) fn read(codec: &AvroCodec<CrmRecord>, body: &[u8]) -> rusqlite::Result<CrmRecord> {
    let read = || -> Result<CrmRecord, Wrong> {
        let (number, datum) = body
            .split_first_chunk::<NUMBER>()
            .ok_or("a record in it has no version")?;
        let datum = Door::released()?.open(topics::CRM_RECORD, u32::from_be_bytes(*number), datum)?;
        Ok(codec.decode(&datum)?)
    };
    read().map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, error))
}

/// Gives the bodies of an older file their number, in one transaction.
pub(super) fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    let form: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if form >= FORM {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for table in ["waiting", "rejected"] {
        let bodies: Vec<(i64, String, Vec<u8>)> = {
            let mut statement = transaction.prepare(&format!("SELECT lane, record_key, body FROM {table}"))?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        let mut set = transaction.prepare(&format!(
            "UPDATE {table} SET body = ?3 WHERE lane = ?1 AND record_key = ?2"
        ))?;
        for (lane, key, body) in bodies {
            set.execute((lane, key, [&1_u32.to_be_bytes()[..], &body].concat()))?;
        }
    }
    transaction.pragma_update(None, "user_version", FORM)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::{FILE, Links};
    use crate::{Lane, links::Which};
    use hilo_contracts::codec;

    fn record() -> CrmRecord {
        CrmRecord {
            kind: "desired".into(),
            object: "contact".into(),
            record_key: "gr_1".into(),
            revision: 1,
            ..CrmRecord::default()
        }
    }

    #[test]
    fn a_body_of_this_release_is_read_and_one_of_a_later_one_names_itself() {
        let codec = codec::crm_record();
        let mut body = write(&codec, &record()).unwrap();
        assert_eq!(read(&codec, &body).unwrap(), record());
        body[..NUMBER].copy_from_slice(&999_u32.to_be_bytes());
        let error = read(&codec, &body).unwrap_err();
        assert!(error.source().unwrap().to_string().contains("999"), "{error:?}");
        assert!(read(&codec, &[0]).is_err());
    }

    #[test]
    fn a_file_of_before_opens_with_what_waits_and_what_was_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let lane = Lane {
            tenant: "acme".into(),
            sink: "hubspot".into(),
        };
        let links = Links::open(&path).unwrap();
        links
            .with(|db| {
                let lane = db.lane(&lane)?;
                db.put(lane, 0, &record(), 1)?;
                Ok(())
            })
            .unwrap();
        drop(links);
        // As a release before this one wrote it: the bare datum, and no word about the form.
        let datum = codec::crm_record().encode(&record()).unwrap();
        let old = Connection::open(&path).unwrap();
        old.execute("UPDATE waiting SET body = ?1", [&datum]).unwrap();
        old.execute(
            "INSERT INTO rejected SELECT lane, 'gr_2', object, partition, revision, 'too_long', NULL, NULL, 1, 1, body FROM waiting",
            [],
        )
        .unwrap();
        old.pragma_update(None, "user_version", 0).unwrap();
        drop(old);
        for _ in 0..2 {
            let links = Links::open(&path).unwrap();
            let waiting = links
                .with(|db| db.take(&lane, hilo_crm::values::Object::Contact, 10, 2))
                .unwrap();
            assert_eq!(waiting[0].record, record());
            assert_eq!(links.rejected(&lane, Which::All, 10).unwrap().len(), 1);
            assert_eq!(links.rejected_body(&lane, "gr_2").unwrap().unwrap().record, record());
        }
    }
}
