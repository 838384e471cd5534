//! The log of desired records begins anew: their offsets and revisions say nothing any more.

use super::{Links, LinksError};

impl Links {
    /// Reads the desired records from the first one again. The ids and the contents that the CRM has stay, so that what it has
    /// already is not written again.
    pub fn start_over(&self) -> Result<(), LinksError> {
        self.with(|db| {
            db.in_transaction(|db| {
                db.connection.execute_batch(
                    "DELETE FROM offsets; UPDATE links SET revision = 0; UPDATE waiting SET revision = 0; \
                     UPDATE rejected SET revision = 0;",
                )
            })
        })
    }
}
