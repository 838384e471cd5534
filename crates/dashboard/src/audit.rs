//! Who saw personal data, and why.

/// Keeps a record of whoever saw personal data. The call may write to a disk: the server makes it on a thread that may
/// block, and shows nothing before it has succeeded.
pub trait Audit: Send + Sync + 'static {
    /// Records that `reader` sees the story of `id` unmasked because of `reason`. The error says why that cannot be kept.
    fn revealed(&self, reader: &str, reason: &str, id: &str) -> Result<(), String>;
}
