//! The story of one id, in order.

use hilo_domain::Millis;
use serde_json::Value;

/// Everything that happened to one id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The id that was asked for.
    pub id: String,
    /// What it is: `person`, `message`, `delivery`, `command`, `record`, `number`.
    pub kind: String,
    /// The steps, in the order of the story: raw, items, facts, rows of the golden record, CRM writes, metrics; within a stage by time.
    pub steps: Vec<Step>,
    /// How many steps there are in all, when `steps` holds only the latest of them.
    pub total: u64,
}

/// Where in the pipeline a step lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The delivery as it came.
    Raw,
    /// One item of it.
    Item,
    /// A fact derived from items.
    Fact,
    /// A row of the golden record, as it is now.
    Golden,
    /// A write to a CRM.
    CrmWrite,
    /// A number that counts it.
    Metric,
}

impl Stage {
    /// Its name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Item => "item",
            Self::Fact => "fact",
            Self::Golden => "golden",
            Self::CrmWrite => "crm_write",
            Self::Metric => "metric",
        }
    }
}

/// One step. The page masks `content`; the source hands it over as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where in the pipeline.
    pub stage: Stage,
    /// Event time.
    pub at: Millis,
    /// What happened, by the name of its kind: `message_received`, `contact desired`, `rejected invalid_option`, `delivery_rate@1`.
    pub title: String,
    /// Topic that holds it.
    pub topic: Option<String>,
    /// The record.
    pub content: Value,
    /// Ids that lead on.
    pub links: Vec<Link>,
}

/// An id that leads on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it is: `person`, `delivery`, `session`, `record`.
    pub label: String,
    /// The id to trace.
    pub id: String,
}
