//! What is measured of the whole; what is measured of the gateway alone is in `hilo-bench`.

pub(crate) mod crm;
pub(crate) mod kafka;
pub(crate) mod replay;
mod state;
