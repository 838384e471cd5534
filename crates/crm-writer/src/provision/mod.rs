//! What a mapping needs of a portal, as code: planned, made, verified. Only what is missing is made; nothing is altered
//! that people set, and nothing is removed.

mod apply;
mod found;
mod plan;

pub use found::Found;
pub use plan::{Plan, Step, plan};

use crate::hubspot::{Client, Refusal};
use hilo_crm::mapping::{Findings, Manifest, Portal, validate_live};

/// Provisioning that the portal refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} failed with {code}{}: {action}", missing.as_ref().map(|scope| format!(" ({scope})")).unwrap_or_default())]
pub struct ProvisionError {
    /// What was tried.
    pub what: String,
    /// Stable code.
    pub code: &'static str,
    /// Scope that is missing, where the portal says so.
    pub missing: Option<String>,
    /// What to do.
    pub action: &'static str,
}

impl ProvisionError {
    pub(super) fn new(what: &str, refusal: &Refusal) -> Self {
        let code = refusal.trouble.code();
        let missing = match &refusal.trouble {
            crate::sink::Trouble::Stop { missing, .. } => missing.clone(),
            _ => None,
        };
        let action = match code {
            "missing_scope" => "add the scope to the token: provisioning needs the crm.schemas scopes of each object",
            _ => crate::codes::action(code).unwrap_or("try again"),
        };
        Self {
            what: what.to_owned(),
            code,
            missing,
            action,
        }
    }
}

/// What the portal is, for `validate --live`.
pub async fn portal(client: &Client) -> Result<Portal, ProvisionError> {
    Ok(Found::read(client).await?.portal())
}

/// Makes what is missing, one step after the other; gives the steps that were done. Done twice, it does nothing.
pub async fn apply(client: &Client, manifest: &Manifest) -> Result<Vec<Step>, ProvisionError> {
    let found = Found::read(client).await?;
    let plan = plan(manifest, &found);
    for step in &plan.steps {
        step.make(client, manifest, &found).await?;
    }
    Ok(plan.steps)
}

/// What still differs: nothing, when records can be written.
pub async fn verify(client: &Client, manifest: &Manifest) -> Result<Findings, ProvisionError> {
    Ok(validate_live(manifest, &portal(client).await?))
}
