//! Names of the topics, without the configured prefix.

/// One record a delivery or capture line, verbatim.
pub const RAW: &str = "hilo.raw";
/// Items as they fan out, keyed by what identifies them (internal).
pub const ITEM: &str = "hilo.item";
/// Items without duplicates, keyed by tenant (internal).
pub const UNIQUE: &str = "hilo.unique";
/// Account items without duplicates, keyed by subject (internal).
pub const ACCOUNT_ITEM: &str = "hilo.account_item";
/// Items with their person, keyed by person (internal).
pub const PERSON_ITEM: &str = "hilo.person_item";
/// Items about a message with their person, keyed by message (internal).
pub const MESSAGE_ITEM: &str = "hilo.message_item";
/// Signs of a person's will, keyed by person (internal).
pub const CONSENT_ITEM: &str = "hilo.consent_item";
/// The consent ledger.
pub const CONSENT: &str = "hilo.consent";
/// Facts about who is who.
pub const IDENTITY: &str = "hilo.identity";
/// Messages, sessions, responses, hand-offs, ratings.
pub const CONVERSATION: &str = "hilo.conversation";
/// What became of each send.
pub const STATUS: &str = "hilo.status";
/// Numbers, templates, accounts, portfolios.
pub const ACCOUNT: &str = "hilo.account";
/// The numbers.
pub const METRIC: &str = "hilo.metric";
/// What became of the items: totals by tenant, counter and label.
pub const COUNT: &str = "hilo.count";
/// Counts on their way to their totals, keyed by tenant (internal).
pub const TALLY: &str = "hilo.tally";
/// What CRMs should hold.
pub const CRM_RECORD: &str = "hilo.crm_record";
/// What became of it in the CRM.
pub const CRM_WRITE: &str = "hilo.crm_write";
/// What could not be read.
pub const DEAD_LETTER: &str = "hilo.dead_letter";
/// What nobody knows yet.
pub const UNCLASSIFIED: &str = "hilo.unclassified";
