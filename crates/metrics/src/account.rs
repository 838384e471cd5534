//! States of numbers, templates and portfolios (metric definitions, chapter 8).

use crate::{
    Metrics,
    members::UNKNOWN,
    rows::{Change, Grouping, Observation},
    series::{self, Series},
};
use hilo_contracts::facts::Account;
use hilo_domain::Millis;
use hilo_stream::ProcessorError;
use serde::{Deserialize, Serialize};

/// One observation, as it rests in the store under its fact's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Observed {
    pub revision: i64,
    pub tenant: String,
    pub at: Millis,
    pub quality: Option<State>,
    pub limit: Option<State>,
}

/// A subject and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Kind and id of the subject of a quality; name and value of the one dimension of a limit.
    pub subject: (String, String),
    pub observation: Observation,
}

impl Observed {
    pub(crate) fn of(fact: &Account) -> Self {
        Self {
            revision: fact.revision,
            tenant: fact.tenant.clone(),
            at: fact.event_time,
            quality: quality(fact),
            limit: limit(fact),
        }
    }

    /// Rows and the state that they see, one of each series at most.
    pub(crate) fn states(&self) -> impl Iterator<Item = (Series, Grouping<'_>, &Observation)> {
        let quality = self.quality.iter().map(
            |State {
                 subject: (kind, id),
                 observation,
             }| {
                (
                    Series::QualityRating,
                    vec![("subject_kind", kind.as_str()), ("subject_id", id.as_str())],
                    observation,
                )
            },
        );
        let limit = self.limit.iter().map(
            |State {
                 subject: (name, id),
                 observation,
             }| {
                let name = if name == "portfolio_id" {
                    "portfolio_id"
                } else {
                    "waba_id"
                };
                (Series::MessagingLimit, vec![(name, id.as_str())], observation)
            },
        );
        quality.chain(limit)
    }
}

fn quality(fact: &Account) -> Option<State> {
    // The platform leaves out what it has no value for: an answer about a number without a rating is one, of null.
    let rated = fact.quality.is_some() || fact.kind == "number_snapshot";
    if !rated || !matches!(fact.subject.kind.as_str(), "phone_number" | "template") {
        return None;
    }
    let value = match fact.quality.as_deref() {
        Some("GREEN") => Some(3),
        Some("YELLOW") => Some(2),
        Some("RED") => Some(1),
        _ => None,
    };
    let rating = Some(fact.quality.clone().unwrap_or_else(|| UNKNOWN.to_owned()));
    Some(State {
        subject: (fact.subject.kind.clone(), fact.subject.id.clone()),
        observation: Observation { value, rating },
    })
}

/// The limit belongs to the portfolio; where nobody names it, to the account.
fn limit(fact: &Account) -> Option<State> {
    if !fact.limit_told {
        return None;
    }
    let subject = match (&fact.portfolio_id, fact.subject.kind.as_str()) {
        (Some(portfolio), _) => ("portfolio_id".to_owned(), portfolio.clone()),
        (None, "portfolio") => ("portfolio_id".to_owned(), fact.subject.id.clone()),
        (None, "waba") => ("waba_id".to_owned(), fact.subject.id.clone()),
        _ => (
            "waba_id".to_owned(),
            fact.waba_id.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
        ),
    };
    Some(State {
        subject,
        observation: Observation {
            value: fact.limit,
            rating: None,
        },
    })
}

impl Metrics {
    pub(crate) fn account(&mut self, fact: &Account) -> Result<(), ProcessorError> {
        self.see(fact.event_time)?;
        let id = fact.event_id.as_str();
        let had = match self.observations.get(id.as_bytes())? {
            Some(had) if had.revision >= fact.revision => return Ok(()),
            Some(had) => Some(had.clone()),
            None => None,
        };
        let observed = Observed::of(fact);
        if let Some(had) = had {
            self.observe(id, &had, false)?;
        }
        if !fact.test {
            self.observe(id, &observed, true)?;
        }
        self.observations.put(id.as_bytes(), observed);
        Ok(())
    }

    pub(crate) fn observe(&mut self, id: &str, observed: &Observed, add: bool) -> Result<(), ProcessorError> {
        let key = (observed.at, id.to_owned());
        let windows = self.zones.windows(&observed.tenant, observed.at);
        for (series, grouping, state) in observed.states() {
            let set = self.rows.set(series, &observed.tenant, &[grouping], windows)?;
            let changes = [
                Change::State(&key, add.then_some(state)),
                Change::Horizon(series::RETRIES, add),
            ];
            self.rows.apply(&mut self.due, set, &changes)?;
        }
        Ok(())
    }
}
