//! Who reads: a name, a role, and the tenants that they may see.

use std::collections::BTreeSet;

/// What a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Numbers only: no person, no message, no trace.
    Analyst,
    /// Pages and traces, masked.
    Viewer,
    /// Pages and traces; may reveal a record with a reason, which is recorded.
    Operator,
}

/// Tenants that an answer may hold. It is a parameter of each query, so that nothing else is ever read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every tenant of this deployment.
    All,
    /// These tenants only.
    Tenants(BTreeSet<String>),
}

impl Scope {
    /// Whether records of `tenant` belong to it.
    #[must_use]
    pub fn has(&self, tenant: &str) -> bool {
        match self {
            Self::All => true,
            Self::Tenants(tenants) => tenants.contains(tenant),
        }
    }
}

/// Somebody who reads. Every request of a page, a number or a trace carries one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Name in the configuration: `ana`. It is recorded when something is revealed.
    pub name: String,
    /// What they may see.
    pub role: Role,
    /// Whose.
    pub scope: Scope,
}
