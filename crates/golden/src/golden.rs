//! The file, and how it is opened.

use crate::{GoldenError, error::failed, schema};
use hilo_contracts::{
    codec::{self, AvroCodec},
    facts::{
        Account, Consent, Conversation, Count, CrmRecord, CrmWrite, DeadLetter, Identity, Metric, Raw, Status,
        Unclassified,
    },
    topics,
};
use hilo_stream::embedded::{private, read_only};
use rusqlite::Connection;
use std::{path::Path, time::Duration};

/// Topics that it is built from.
pub const TOPICS: [&str; 7] = [
    topics::IDENTITY,
    topics::CONVERSATION,
    topics::STATUS,
    topics::CONSENT,
    topics::ACCOUNT,
    topics::CRM_RECORD,
    topics::CRM_WRITE,
];

/// Topics that a reader of everything follows: those of the rows, and what pages and traces need beside them.
pub const FOLLOWED: [&str; 12] = [
    topics::RAW,
    topics::IDENTITY,
    topics::CONVERSATION,
    topics::STATUS,
    topics::CONSENT,
    topics::ACCOUNT,
    topics::METRIC,
    topics::COUNT,
    topics::DEAD_LETTER,
    topics::UNCLASSIFIED,
    topics::CRM_RECORD,
    topics::CRM_WRITE,
];

/// A connection waits for another one only while that one recovers or checkpoints.
const BUSY: Duration = Duration::from_secs(10);

/// The golden record.
pub struct Golden {
    pub(crate) connection: Connection,
    pub(crate) codecs: Codecs,
}

/// Decoders of the facts.
pub(crate) struct Codecs {
    pub identity: AvroCodec<Identity>,
    pub conversation: AvroCodec<Conversation>,
    pub status: AvroCodec<Status>,
    pub account: AvroCodec<Account>,
    pub consent: AvroCodec<Consent>,
    pub raw: AvroCodec<Raw>,
    pub metric: AvroCodec<Metric>,
    pub count: AvroCodec<Count>,
    pub dead_letter: AvroCodec<DeadLetter>,
    pub unclassified: AvroCodec<Unclassified>,
    pub crm_record: AvroCodec<CrmRecord>,
    pub crm_write: AvroCodec<CrmWrite>,
}

impl Golden {
    /// Opens a file to write, makes it when it is new.
    pub fn open(path: &Path) -> Result<Self, GoldenError> {
        // Where the file cannot be made, SQLite says why.
        drop(private::file(path));
        let connection = Connection::open(path).map_err(failed("opened"))?;
        // Facts and offsets commit together, so a lost commit is only read again from the log: NORMAL is enough.
        // A checkpoint writes each changed page once, so it waits until the pages of several batches have gathered.
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                 PRAGMA wal_autocheckpoint = 8000; PRAGMA journal_size_limit = 67108864;",
            )
            .map_err(failed("opened"))?;
        Self::prepare(connection)
    }

    /// A golden record that is gone with the value.
    pub fn open_in_memory() -> Result<Self, GoldenError> {
        Self::prepare(Connection::open_in_memory().map_err(failed("opened"))?)
    }

    /// Opens a file to read, also while another connection writes it, and also in a folder that cannot be written.
    pub fn open_read_only(path: &Path) -> Result<Self, GoldenError> {
        Self::with(read_only(path).map_err(failed("opened"))?)
    }

    fn prepare(connection: Connection) -> Result<Self, GoldenError> {
        if layout(&connection)? == 0 {
            let layout = schema::LAYOUT;
            let sql = format!(
                "BEGIN IMMEDIATE; {} PRAGMA user_version = {layout}; COMMIT;",
                schema::SCHEMA
            );
            connection.execute_batch(&sql).map_err(failed("created"))?;
        }
        Self::with(connection)
    }

    fn with(connection: Connection) -> Result<Self, GoldenError> {
        connection.busy_timeout(BUSY).map_err(failed("opened"))?;
        connection.set_prepared_statement_cache_capacity(64);
        connection
            .execute_batch("PRAGMA cache_size = -65536;")
            .map_err(failed("opened"))?;
        let found = layout(&connection)?;
        if found != schema::LAYOUT {
            return Err(GoldenError::Layout { found });
        }
        let codecs = Codecs {
            identity: codec::identity(),
            conversation: codec::conversation(),
            status: codec::status(),
            account: codec::account(),
            consent: codec::consent(),
            raw: codec::raw(),
            metric: codec::metric(),
            count: codec::count(),
            dead_letter: codec::dead_letter(),
            unclassified: codec::unclassified(),
            crm_record: codec::crm_record(),
            crm_write: codec::crm_write(),
        };
        Ok(Self { connection, codecs })
    }
}

fn layout(connection: &Connection) -> Result<i64, GoldenError> {
    connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(failed("opened"))
}
