//! What makes two items duplicates of each other, and where they meet.

use hilo_contracts::keys;
use hilo_domain::hash::{IdHasher, to_hex};

/// Identity of an item within its tenant.
#[derive(Debug)]
pub(crate) enum Key {
    /// A message of one origin, by its id.
    Message { origin: &'static str, id: String },
    /// A status: not by its recipient, who is named by phone once and by user id once.
    Status {
        message_id: String,
        status: String,
        participant: Option<String>,
        code: Option<i64>,
    },
    /// A send without message id, by its callback data.
    Request { callback: String },
    /// A call, by its event or status.
    Call { id: String, event: String },
    /// No id: by where and when it was said, and by all of what it says.
    Content,
}

impl Key {
    /// Key of the record, by which all about one subject meets, and of the item. `content` adds to the hash of an item
    /// without id.
    pub(crate) fn hashes(&self, tenant: &str, content: impl FnOnce(&mut IdHasher)) -> (Vec<u8>, String) {
        let mut hasher = IdHasher::new("item");
        hasher.update(tenant.as_bytes());
        let subject = match self {
            Self::Message { origin, id } => {
                hasher.update(origin.as_bytes()).update(id.as_bytes());
                Some(keys::message(tenant, id))
            }
            Self::Status {
                message_id,
                status,
                participant,
                code,
            } => {
                hasher
                    .update(b"status")
                    .update(message_id.as_bytes())
                    .update(status.as_bytes());
                add(&mut hasher, participant.as_deref().map(str::as_bytes));
                add(&mut hasher, code.map(i64::to_le_bytes).as_ref().map(|bytes| &bytes[..]));
                Some(keys::message(tenant, message_id))
            }
            Self::Request { callback } => {
                hasher.update(b"request").update(callback.as_bytes());
                Some(keys::callback(tenant, callback))
            }
            Self::Call { id, event } => {
                hasher.update(b"call").update(id.as_bytes()).update(event.as_bytes());
                None
            }
            Self::Content => {
                hasher.update(b"content");
                content(&mut hasher);
                None
            }
        };
        let key = hasher.bytes();
        (subject.unwrap_or_else(|| key.to_vec()), to_hex(&key))
    }
}

/// Nothing and an empty part are two things.
fn add(hasher: &mut IdHasher, part: Option<&[u8]>) {
    match part {
        Some(part) => hasher.update(b"1").update(part),
        None => hasher.update(b"0"),
    };
}
