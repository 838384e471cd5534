//! Keys of topics that several processors write.

use hilo_domain::hash::IdHasher;

/// Key at which a send whose message id nobody recorded meets the statuses that echo its callback data. A hash: the data is
/// the sender's own, and may say who was written to.
#[must_use]
pub fn callback(tenant: &str, callback: &str) -> Vec<u8> {
    let mut hasher = IdHasher::new("callback");
    hasher.update(tenant.as_bytes()).update(callback.as_bytes());
    hasher.bytes().to_vec()
}

/// Key of everything about one message: a hash, because a message id embeds the phone number.
#[must_use]
pub fn message(tenant: &str, message_id: &str) -> Vec<u8> {
    let mut hasher = IdHasher::new("message");
    hasher.update(tenant.as_bytes()).update(message_id.as_bytes());
    hasher.bytes().to_vec()
}
