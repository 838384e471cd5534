//! The embedded engine: a durable log and the topology's state in two SQLite files of one directory.
//!
//! * `raw.db`: what came in. A commit is on the disk before anybody sees it or gets a receipt.
//! * `engine.db`: the topics that the processors write, the state of their stores, the counters and the offset in the
//!   raw log up to which all of that is true. They change together, in one transaction a batch.
//!
//! Both are synchronised at each commit (`synchronous=FULL`). For `engine.db` less would keep the file sound, since it is
//! computed from `raw.db`; but a power loss could take back records that a reader outside has already applied and noted
//! the offset of. One synchronisation a batch is a low price for a log that never goes backwards. And since a reader of
//! `raw.db` only sees what is synchronised, the raw log is never behind the offset in `engine.db`.

mod bound;
mod directory;
mod engine;
mod error;
mod faults;
mod inlet;
mod log;
mod mend;
pub mod private;
mod progress;
mod queue;
mod raw;
mod rebuild;
mod receipt;
mod space;
mod sqlite;
mod state;

pub use directory::DataDir;
pub use engine::{Engine, PROCESSOR_ERROR, RunningEngine, TOO_COSTLY, too_costly};
pub use error::{EmbeddedError, remedy};
pub use faults::{Backoff, passes};
pub use inlet::Inlet;
pub use log::{Log, Position};
pub use mend::rewrite_after;
pub use progress::{Progress, ProgressWatch};
pub use raw::RawLog;
pub use rebuild::Stale;
pub use receipt::{Appended, Receipt};
pub use space::Space;
pub use sqlite::{read_only, settle};
