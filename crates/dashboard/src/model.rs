//! What the page shows, as plain values.
//!
//! A field named `trace` is the id under which [`crate::Source::trace`] tells the facts behind the number beside it. It
//! stands in addresses, so it holds no personal data: a person id, a keyed hash of a message id, a definition.

use crate::mask::Masked;
use hilo_contracts::facts::Metric;
use hilo_domain::Millis;

/// Everything on the page at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Greatest event time seen; ages are told from it.
    pub now: Millis,
    /// What runs here, for the header: `demo`, `up`, a deployment's name.
    pub label: String,
    /// What became of the items.
    pub outcomes: Outcomes,
    /// Messages in, messages out, statuses.
    pub flows: Vec<Flow>,
    /// How far the page is behind the log.
    pub lag: Lag,
    /// CRMs, by tenant; none where no tenant has one.
    pub crms: Vec<CrmCard>,
    /// The numbers, one card each.
    pub numbers: Vec<NumberCard>,
    /// Outcomes by template and language.
    pub templates: Vec<TemplateRow>,
    /// Conversations, latest first.
    pub conversations: Vec<ConversationRow>,
    /// Numbers and templates with a quality, portfolios with a limit.
    pub senders: Vec<SenderRow>,
    /// Dead letters by reason.
    pub dead_letters: Vec<ReasonCount>,
    /// What the reader must know before trusting the rest.
    pub warnings: Vec<Warning>,
}

/// Items by outcome. Each item has exactly one, so the outcomes add up to `items`; the page says so when they do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// All items, counted where they are split from their deliveries.
    pub items: u64,
    /// Items that became facts.
    pub emitted: u64,
    /// Items known already.
    pub duplicate: u64,
    /// Items kept whole because nobody knows them yet.
    pub unclassified: u64,
    /// Items that cannot be read.
    pub dead_letter: u64,
    /// Prefix of the trace ids: `{prefix}emitted`, `{prefix}duplicate`, `{prefix}unclassified`, `{prefix}dead_letter`.
    pub trace_prefix: String,
}

/// One instant of a trend.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// When.
    pub at: Millis,
    /// How much.
    pub value: f64,
}

/// A rate of something that flows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flow {
    /// `Messages received`.
    pub name: String,
    /// The rate now.
    pub per_second: f64,
    /// All of them so far.
    pub total: u64,
    /// The rate over time, oldest first.
    pub trend: Vec<Point>,
    /// Facts behind it.
    pub trace: String,
}

/// How far the derived facts are behind the raw log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lag {
    /// Records that wait.
    pub records: u64,
    /// Age of the oldest of them.
    pub seconds: f64,
    /// The age over time, oldest first.
    pub trend: Vec<Point>,
    /// Facts behind it.
    pub trace: String,
}

/// A number of the metric definitions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NumberCard {
    /// The row to show: usually the one over all input with the empty grouping.
    pub row: Metric,
    /// Its value over time, oldest first (of a duration: its p50).
    pub trend: Vec<Point>,
    /// Facts behind it.
    pub trace: String,
}

/// Outcomes of one template in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateRow {
    /// Tenant.
    pub tenant: String,
    /// Name; `unknown` is the bucket of the sends that only their statuses tell of.
    pub template: String,
    /// Language code.
    pub language: Option<String>,
    /// Category.
    pub category: Option<String>,
    /// Messages accepted.
    pub sent: u64,
    /// Of them delivered, not failed.
    pub delivered: u64,
    /// Of them read, not failed.
    pub read: u64,
    /// Of the accepted, failed.
    pub failed: u64,
    /// Of the failed, held back by the platform's marketing cap (131049): that does not speak against the template.
    pub marketing_cap: u64,
    /// Distinct persons with a delivered message.
    pub persons: u64,
    /// Distinct persons who replied.
    pub replied: u64,
    /// All its horizons have passed.
    pub is_final: bool,
    /// Facts behind it.
    pub trace: String,
}

/// Who has to act in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// The customer waits for a person.
    Waiting,
    /// A bot has it.
    Bot,
    /// Answered; the customer's turn.
    Answered,
    /// Closed as resolved.
    Resolved,
    /// Closed by silence.
    Inactive,
    /// No session: only campaigns and automation so far.
    None,
}

/// One recent conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRow {
    /// Tenant.
    pub tenant: String,
    /// Who, masked.
    pub person: Masked,
    /// Type of the last message: `text`, `template`, `image`.
    pub message_type: String,
    /// Whether the customer wrote it.
    pub inbound: bool,
    /// When.
    pub at: Millis,
    /// Who has to act.
    pub state: SessionState,
    /// Queue of the session.
    pub queue: Option<Masked>,
    /// Person id.
    pub trace: String,
}

/// Quality or limit of a number, a template or a portfolio.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SenderRow {
    /// `phone_number`, `template`, `portfolio`, `waba`.
    pub kind: String,
    /// Platform's id or the template's name; the business's own, so not personal.
    pub id: String,
    /// `GREEN`, `YELLOW`, `RED` or what the platform said.
    pub quality: Option<String>,
    /// Unique users in rolling 24 hours; −1 is unlimited.
    pub limit: Option<i64>,
    /// When that was observed; `None` while only its number is known.
    pub observed_at: Option<Millis>,
    /// Facts behind it.
    pub trace: String,
}

/// How a CRM is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CrmStanding {
    /// Its writer has not said anything yet.
    #[default]
    Unknown,
    /// It takes what is written.
    Open,
    /// It goes on by itself.
    Paused,
    /// Somebody has to mend the access.
    Stopped,
}

/// A CRM of a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrmCard {
    /// Tenant.
    pub tenant: String,
    /// `hubspot`.
    pub sink: String,
    /// How it is.
    pub standing: CrmStanding,
    /// When it goes on.
    pub until: Option<Millis>,
    /// Why it does not.
    pub code: Option<Masked>,
    /// What to do about it.
    pub action: Option<Masked>,
    /// Records whose last revision waits.
    pub waiting: u64,
    /// Event time of the oldest of them.
    pub waiting_since: Option<Millis>,
    /// Time of the last outcome.
    pub last_at: Option<Millis>,
    /// Outcomes in the minute before it.
    pub last_minute: u64,
    /// Calls of the day, where the CRM says.
    pub budget: Option<CrmBudget>,
    /// Records by object.
    pub objects: Vec<CrmObject>,
    /// Records by what became of them: `written`, `skipped`, …
    pub outcomes: Vec<ReasonCount>,
    /// Rejected records by code and property.
    pub rejected: Vec<CrmRejection>,
}

/// Calls that a CRM allows in a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrmBudget {
    /// Used by whoever calls, not by Hilo alone.
    pub used: u64,
    /// All of them; not 0.
    pub limit: u64,
}

/// Records of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrmObject {
    /// `contact`, `ticket`, `deal`, `communication`, `task`.
    pub object: String,
    /// Records that the CRM should hold.
    pub desired: u64,
    /// Of them held, written by us or there already; `None` where the source counts no outcomes by object.
    pub written: Option<u64>,
    /// Of them rejected; as above.
    pub rejected: Option<u64>,
    /// Facts behind it.
    pub trace: String,
}

/// Why records were rejected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrmRejection {
    /// Stable code.
    pub code: Masked,
    /// Property that the CRM refused.
    pub field: Option<Masked>,
    /// What to do.
    pub action: Option<Masked>,
    /// Records.
    pub count: u64,
    /// Key of one of them.
    pub example: String,
}

/// How often a reason occurred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReasonCount {
    /// The reason's name.
    pub reason: String,
    /// Occurrences.
    pub count: u64,
    /// Facts behind it.
    pub trace: String,
}

/// How bad a warning is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// The numbers are wrong or will be soon.
    Problem,
}

/// Something the reader must know, with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// How bad.
    pub severity: Severity,
    /// What is so. No personal data.
    pub text: String,
    /// What to do about it.
    pub action: String,
}
