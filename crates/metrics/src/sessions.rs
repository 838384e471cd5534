//! What a session adds to the rows (metric definitions, chapters 4 to 7).

use crate::{
    members::UNKNOWN,
    rows::Grouping,
    series::{Horizon, Series},
};
use hilo_contracts::facts::{Clock, Conversation, Session};
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// Kind of the fact by which a session is no more.
const RETRACTED: &str = "session_retracted";

/// A session as it rests in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub revision: i64,
    pub tenant: String,
    pub person: Option<String>,
    /// Country as the fact had it, for a person of whom nothing else is known.
    pub country: Option<String>,
    /// Country under which it was counted.
    pub counted_country: Option<String>,
    pub phone_number_id: Option<String>,
    /// `None`: retracted, or a test.
    pub session: Option<Session>,
}

impl Known {
    pub(crate) fn of(fact: &Conversation, session: &Session) -> Self {
        let counts = fact.kind != RETRACTED && !fact.test;
        Self {
            revision: fact.revision,
            tenant: fact.tenant.clone(),
            person: fact.person_id.clone(),
            country: fact.country.clone(),
            counted_country: None,
            phone_number_id: fact.phone_number_id.clone().filter(|number| !number.is_empty()),
            session: counts.then(|| session.clone()),
        }
    }

    /// What it adds, each to the rows of some groupings.
    pub(crate) fn shares(&self) -> Vec<Share<'_>> {
        let Some(session) = &self.session else { return Vec::new() };
        let mut shares = Shares { known: self, session, all: Vec::with_capacity(8) };
        if let Some(clock) = &session.frt_human {
            shares.clock(Series::FrtHuman, clock, clock.agent_started_at.unwrap_or(clock.started_at));
            shares.unanswered(clock);
        }
        if let Some(clock) = &session.frt_any {
            shares.clock(Series::FrtAny, clock, clock.started_at);
        }
        shares.resolution();
        shares.all
    }
}

/// What a member adds to the rows of some groupings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share<'a> {
    pub series: Series,
    pub anchor: Millis,
    pub groupings: Vec<Grouping<'a>>,
    pub time: Option<Millis>,
    pub counts: Vec<(usize, i64)>,
    pub horizon: Horizon,
}

struct Shares<'a> {
    known: &'a Known,
    session: &'a Session,
    all: Vec<Share<'a>>,
}

impl<'a> Shares<'a> {
    /// Groupings of the times, without that by agent.
    fn groupings(&self) -> Vec<Grouping<'a>> {
        vec![
            vec![],
            vec![("phone_number_id", known(self.known.phone_number_id.as_ref()))],
            vec![("queue", known(self.session.queue.as_ref()))],
            vec![("country", known(self.known.counted_country.as_ref()))],
            vec![("opened_by", &self.session.opened_by)],
        ]
    }

    /// What an event has yet to settle while the session is open.
    fn open(&self) -> Horizon {
        if self.session.closed_at.is_some() { Horizon::Settled } else { Horizon::Open }
    }

    /// A clock; its agent's own row starts at `agent_start`.
    fn clock(&mut self, series: Series, clock: &'a Clock, agent_start: Millis) {
        let horizon = if clock.stopped_at.is_some() { Horizon::Settled } else { self.open() };
        let by_agent = vec![vec![("agent", known(clock.agent.as_ref()))]];
        for (groupings, start) in [(self.groupings(), clock.started_at), (by_agent, agent_start)] {
            let time = clock.stopped_at.map(|stop| stop - start);
            self.all.push(Share { series, anchor: clock.started_at, groupings, time, counts: Vec::new(), horizon });
        }
    }

    fn unanswered(&mut self, clock: &'a Clock) {
        let mut groupings = self.groupings();
        groupings.push(vec![("agent", known(clock.agent.as_ref()))]);
        self.all.push(Share {
            series: Series::Unanswered,
            anchor: clock.started_at,
            groupings,
            time: None,
            counts: vec![(0, 1), (1, i64::from(clock.stopped_at.is_none()))],
            horizon: self.open(),
        });
    }

    fn resolution(&mut self) {
        let session = self.session;
        let resolved = session.close_reason.as_deref() == Some("resolved");
        if let (true, Some(closed), Some(start)) = (resolved, session.closed_at, session.first_customer_at) {
            self.all.push(Share {
                series: Series::ElapsedResolution,
                anchor: closed,
                groupings: self.groupings(),
                time: Some(closed - start),
                counts: Vec::new(),
                horizon: Horizon::Settled,
            });
        }
    }
}

fn known(text: Option<&String>) -> &str {
    text.map_or(UNKNOWN, String::as_str)
}
