//! One file a command.

pub(crate) mod account;
pub(crate) mod bench;
pub(crate) mod clock;
pub(crate) mod consent;
pub(crate) mod crm;
pub(crate) mod demo;
pub(crate) mod dlq;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod identity;
pub(crate) mod ingest;
pub(crate) mod lag;
pub(crate) mod login_link;
pub(crate) mod mapping;
pub(crate) mod metrics;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod schemas;
pub(crate) mod simulate;
pub(crate) mod simulate_crm;
pub(crate) mod topics;
pub(crate) mod topology;
pub(crate) mod trace;
pub(crate) mod up;
