//! Keys of topics that several processors write.

use hilo_domain::hash::IdHasher;

/// Key of everything about one message: a hash, because a message id embeds the phone number.
#[must_use]
pub fn message(tenant: &str, message_id: &str) -> Vec<u8> {
    let mut hasher = IdHasher::new("message");
    hasher.update(tenant.as_bytes()).update(message_id.as_bytes());
    hasher.bytes().to_vec()
}
