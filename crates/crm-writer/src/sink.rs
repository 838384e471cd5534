//! What a CRM is to the writer: it takes batches of one object, and says what became of each record.

use crate::{budget::BudgetView, edge::Reply};
use hilo_contracts::facts::CrmRecord;
use hilo_crm::values::Object;
use hilo_domain::Millis;
use std::{collections::BTreeMap, time::Duration};

/// What a CRM can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Records in a batch.
    pub batch: usize,
    /// Batches of one object at a time.
    pub parallel: usize,
}

/// A record of the CRM that another one belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Linked {
    /// Its object.
    pub object: Object,
    /// Our key of it.
    pub record_key: String,
    /// The CRM's id of it.
    pub remote_id: String,
}

/// What has to be done with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Make it so, by our key.
    Upsert,
    /// Make it so in the record with this id of the CRM, which becomes ours.
    Adopt(String),
    /// It is part of another record now.
    Merge {
        /// The other one.
        into: Linked,
        /// Its own id.
        remote_id: String,
        /// Properties that are ours: emptied before, so that nothing of them fills gaps of the other one.
        ours: Vec<String>,
    },
    /// The CRM should not hold it.
    Archive {
        /// Its id.
        remote_id: String,
    },
}

/// One record of a batch, with what is known of it.
#[derive(Clone, Debug)]
pub struct Item {
    /// What the CRM should hold.
    pub record: CrmRecord,
    /// What to do.
    pub act: Act,
    /// The CRM's id, where it is known: then the record exists.
    pub remote_id: Option<String>,
    /// Properties with the rule `if_empty` that are known to hold something.
    pub filled: Vec<String>,
    /// Records that it has to belong to.
    pub parents: Vec<Linked>,
    /// Records that it belongs to already. Empty where that is not known: the CRM is asked then.
    pub associated: Vec<Linked>,
    /// Records that it belongs to and no longer should. The id of a merged record leads to another one: where there are
    /// some, all of `parents` have to be associated again.
    pub stale: Vec<Linked>,
}

/// What the CRM holds after a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The CRM's id of the record; after a merge, that of the other one.
    pub remote_id: String,
    /// Whether the record is new there.
    pub created: bool,
    /// Properties with the rule `if_empty` that hold something.
    pub filled: Vec<String>,
    /// Records that it belongs to; empty where that is not known.
    pub associated: Vec<Linked>,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Try again.
    Retry {
        /// Stable code.
        code: &'static str,
        /// Not before this time has passed, where the CRM says so.
        after: Option<Duration>,
    },
    /// The CRM takes nothing for some time.
    Pause {
        /// Stable code.
        code: &'static str,
        /// Until then.
        until: Millis,
    },
    /// The CRM takes nothing until somebody mends the access.
    Stop {
        /// Stable code.
        code: &'static str,
        /// What is missing, for example a scope.
        missing: Option<String>,
    },
    /// This record will not be taken as it is.
    Reject {
        /// Stable code.
        code: &'static str,
        /// Property that is refused.
        field: Option<String>,
    },
}

impl Trouble {
    /// To be tried again, when the writer thinks best.
    #[must_use]
    pub fn again(code: &'static str) -> Self {
        Self::Retry { code, after: None }
    }

    /// Not taken, and no property is named.
    #[must_use]
    pub fn reject(code: &'static str) -> Self {
        Self::Reject { code, field: None }
    }

    /// Its stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Retry { code, .. }
            | Self::Pause { code, .. }
            | Self::Stop { code, .. }
            | Self::Reject { code, .. } => code,
        }
    }
}

/// What became of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done(Known),
    /// A unique value of it is held by another record of the CRM.
    Conflict {
        /// The CRM's id of that record.
        existing: String,
        /// Our key in that record; `None` when it is nobody's of ours.
        holder: Option<String>,
    },
    /// Not done, or half of it.
    Failed {
        /// Why.
        trouble: Trouble,
        /// What the CRM holds nevertheless, where the record itself was written.
        partly: Option<Known>,
    },
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Self {
        Self::Failed { trouble, partly: None }
    }
}

/// A CRM.
pub trait Sink: Send + Sync {
    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Writes records of one object, at most [`Capabilities::batch`], each key once. An outcome for each, in their order.
    fn write<'a>(&'a self, object: Object, items: &'a [Item]) -> Reply<'a, Vec<Outcome>>;

    /// The CRM's ids of records by our keys, at most a batch. What it does not hold is left out.
    fn find<'a>(&'a self, object: Object, keys: &'a [String]) -> Reply<'a, Result<BTreeMap<String, String>, Trouble>>;

    /// One cheap request, to see whether a stopped CRM answers again.
    fn probe(&self) -> Reply<'_, Result<(), Trouble>>;

    /// What is left of its budget.
    fn budget(&self) -> BudgetView;

    /// Requests so far by what became of them: `ok`, or a stable code.
    fn calls(&self) -> BTreeMap<&'static str, u64>;
}
