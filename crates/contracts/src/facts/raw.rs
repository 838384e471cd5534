//! `hilo.raw`.

use super::bytes;
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// `hilo.raw`: one delivery or capture line, verbatim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raw {
    /// Hash of source, tenant, receipt and body.
    pub delivery_id: String,
    /// Whose business it is.
    pub tenant: String,
    /// `whatsapp`, `outbound`, `inbox`, `crm`, `platform`, `identity`, `clock`; `invalid` for a capture line that is none of them.
    pub source: String,
    /// Receipt by the gateway, or what the line says.
    pub received_at: Millis,
    /// Verbatim webhook body; for other sources the verbatim line.
    #[serde(with = "bytes")]
    pub body: Vec<u8>,
    /// Capture file, base name only, of a line that was ingested from one.
    pub file: Option<String>,
    /// Line in that file, from 1.
    pub line: Option<i64>,
}
