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

/// Dimensions of a limit.
const PORTFOLIO: &str = "portfolio_id";
const ACCOUNT: &str = "waba_id";

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
    /// A test delivery says nothing: it is in no metric.
    pub(crate) fn of(fact: &Account) -> Self {
        Self {
            revision: fact.revision,
            tenant: fact.tenant.clone(),
            at: fact.event_time,
            quality: quality(fact).filter(|_| !fact.test),
            limit: limit(fact).filter(|_| !fact.test),
        }
    }

    /// Rows and the state that they see, one of each series at most; `owner` is the portfolio of the account, where it is known.
    pub(crate) fn states<'a>(
        &'a self,
        owner: Option<&'a str>,
    ) -> impl Iterator<Item = (Series, Grouping<'a>, &'a Observation)> {
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
        let limit = self.limit.iter().map(move |state| {
            let grouping = match (state.account(), owner) {
                (Some(_), Some(owner)) => (PORTFOLIO, owner),
                (Some(account), None) => (ACCOUNT, account),
                (None, _) => (PORTFOLIO, state.subject.1.as_str()),
            };
            (Series::MessagingLimit, vec![grouping], &state.observation)
        });
        quality.chain(limit)
    }

    /// The account whose limit it tells without naming the portfolio.
    fn account(&self) -> Option<&str> {
        self.limit.as_ref()?.account()
    }
}

impl State {
    fn account(&self) -> Option<&str> {
        (self.subject.0 == ACCOUNT).then_some(self.subject.1.as_str())
    }
}

/// What is known of an account's portfolio.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owned {
    /// The latest observation that names it: when, and which.
    owner: Option<(Millis, String)>,
    /// Facts that tell the account's limit and name no portfolio.
    limits: Vec<String>,
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
        subject: (fact.subject.kind.clone(), known(&fact.subject.id)),
        observation: Observation { value, rating },
    })
}

/// An id as it stands in a row.
fn known(id: &str) -> String {
    if id.is_empty() { UNKNOWN } else { id }.to_owned()
}

/// The limit belongs to the portfolio; where nobody names it, to the account.
fn limit(fact: &Account) -> Option<State> {
    if !fact.limit_told {
        return None;
    }
    let subject = match (&fact.portfolio_id, fact.subject.kind.as_str()) {
        (Some(portfolio), _) => (PORTFOLIO.to_owned(), portfolio.clone()),
        (None, "portfolio") => (PORTFOLIO.to_owned(), fact.subject.id.clone()),
        (None, "waba") => (ACCOUNT.to_owned(), known(&fact.subject.id)),
        _ => (
            ACCOUNT.to_owned(),
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
        self.see_fact(fact.event_time, fact.ingest_time)?;
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
            self.own(fact)?;
        }
        self.observe(id, &observed, true)?;
        self.observations.put(id.as_bytes(), observed);
        Ok(())
    }

    /// Notes the portfolio that a fact names as its account's. What the account said of its limit is the portfolio's then.
    fn own(&mut self, fact: &Account) -> Result<(), ProcessorError> {
        let (Some(account), Some(portfolio)) = (&fact.waba_id, &fact.portfolio_id) else {
            return Ok(());
        };
        let named = (fact.event_time, portfolio.clone());
        let key = owned_key(&fact.tenant, account);
        let owned = self.owned.get_or_insert_with(&key, Owned::default)?;
        let had = owned.owner.as_ref();
        if had.is_some_and(|had| *had >= named) {
            return Ok(());
        }
        if had.is_some_and(|(_, had)| *had == named.1) {
            owned.owner = Some(named);
            return Ok(());
        }
        let limits = owned.limits.clone();
        let mut told = Vec::with_capacity(limits.len());
        for id in limits {
            if let Some(observed) = self.observations.get(id.as_bytes())?.cloned() {
                self.observe(&id, &observed, false)?;
                told.push((id, observed));
            }
        }
        self.owned.get_or_insert_with(&key, Owned::default)?.owner = Some(named);
        for (id, observed) in &told {
            self.observe(id, observed, true)?;
        }
        Ok(())
    }

    fn observe(&mut self, id: &str, observed: &Observed, add: bool) -> Result<(), ProcessorError> {
        let key = (observed.at, id.to_owned());
        let windows = self.zones.windows(&observed.tenant, observed.at);
        let mut owner = None;
        if let Some(account) = observed.account() {
            let owned = owned_key(&observed.tenant, account);
            let owned = self.owned.get_or_insert_with(&owned, Owned::default)?;
            owner = owned.owner.as_ref().map(|(_, portfolio)| portfolio.clone());
            match owned.limits.binary_search_by(|had| (**had).cmp(id)) {
                Ok(place) if !add => drop(owned.limits.remove(place)),
                Err(place) if add => owned.limits.insert(place, id.to_owned()),
                _ => {}
            }
        }
        for (series, grouping, state) in observed.states(owner.as_deref()) {
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

fn owned_key(tenant: &str, account: &str) -> Vec<u8> {
    [tenant.as_bytes(), &[0], account.as_bytes()].concat()
}
