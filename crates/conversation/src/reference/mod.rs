//! The fold over a whole thread at once, as it was: what the incremental one must agree with.

pub(crate) mod fold;
pub(crate) mod measure;
mod work;
