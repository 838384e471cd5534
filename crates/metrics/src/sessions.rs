//! What a session adds to the rows (metric definitions, chapters 4 to 7).

use crate::{
    members::UNKNOWN,
    rows::Grouping,
    series::{BOT_OUTCOMES, CALL_BACK, FIRST_CONTACT, Horizon, RATINGS, Series},
};
use hilo_contracts::{
    facts::{self, Conversation},
    stored::{Clock, Convert as _, Rating, Session},
};
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
    pub(crate) fn of(fact: &Conversation, session: &facts::Session) -> Self {
        let counts = fact.kind != RETRACTED && !fact.test;
        Self {
            revision: fact.revision,
            tenant: fact.tenant.clone(),
            person: fact.person_id.clone(),
            country: fact.country.clone(),
            counted_country: None,
            phone_number_id: fact.phone_number_id.clone().filter(|number| !number.is_empty()),
            session: counts.then(|| session.clone().convert()),
        }
    }

    /// How many of its first turns add what those of `other` add: a session grows by turns, and only the new ones are looked
    /// at. Turns that were answered add the same as long as the session's groupings stay.
    pub(crate) fn turns_in_common(&self, other: &Self) -> usize {
        let (Some(one), Some(two)) = (&self.session, &other.session) else {
            return 0;
        };
        let groups = |known: &Self, session: &Session| {
            let began = (session.opened_by.clone(), session.first_customer_at.is_some());
            let place = (known.phone_number_id.clone(), known.counted_country.clone());
            (known.tenant.clone(), place, session.queue.clone(), began)
        };
        if groups(self, one) != groups(other, two) {
            return 0;
        }
        let turns = one.turns.iter().zip(&two.turns);
        turns
            .take_while(|(one, two)| one == two && one.stopped_at.is_some())
            .count()
    }

    /// What it adds, each to the rows of some groupings, without its first `turns`.
    pub(crate) fn shares(&self, turns: usize) -> Vec<Share<'_>> {
        let Some(session) = &self.session else {
            return Vec::new();
        };
        let mut shares = Shares {
            known: self,
            session,
            turns,
            all: Vec::with_capacity(8),
        };
        // What the business began enters the times, the resolution and the bot's numbers once the customer writes.
        if session.opened_by != "business" || session.first_customer_at.is_some() {
            shares.of_service();
        }
        for rating in &session.ratings {
            shares.rating(rating);
        }
        shares.all
    }
}

/// What a member adds to the rows of some groupings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
    /// Turns that are left out.
    turns: usize,
    all: Vec<Share<'a>>,
}

impl<'a> Shares<'a> {
    /// Groupings of the times, without that by agent; the first three are those of every series.
    fn groupings(&self) -> Vec<Grouping<'a>> {
        vec![
            vec![],
            vec![("phone_number_id", known(self.known.phone_number_id.as_ref()))],
            vec![("queue", known(self.session.queue.as_ref()))],
            vec![("country", known(self.known.counted_country.as_ref()))],
            vec![("opened_by", &self.session.opened_by)],
        ]
    }

    /// A horizon that only the close of the session sets.
    fn once_closed(&self, horizon: Horizon) -> Horizon {
        if self.session.closed_at.is_some() {
            horizon
        } else {
            Horizon::Open
        }
    }

    /// Times, resolution and the bot.
    fn of_service(&mut self) {
        let session = self.session;
        if let Some(clock) = &session.frt_human {
            self.clock(
                Series::FrtHuman,
                clock,
                clock.agent_started_at.unwrap_or(clock.started_at),
            );
            self.unanswered(clock);
        }
        if let Some(clock) = &session.frt_any {
            self.clock(Series::FrtAny, clock, clock.started_at);
        }
        for turn in session.turns.iter().skip(self.turns) {
            self.clock(Series::ReplyTime, turn, turn.started_at);
        }
        if let Some(closed_at) = session.closed_at {
            self.work(closed_at);
            self.resolution(closed_at);
            self.bot(closed_at);
        }
    }

    /// A clock; its agent's own row starts at `agent_start`.
    fn clock(&mut self, series: Series, clock: &'a Clock, agent_start: Millis) {
        let horizon = if clock.stopped_at.is_some() {
            Horizon::Settled
        } else {
            self.once_closed(Horizon::Settled)
        };
        let by_agent = vec![vec![("agent", known(clock.agent.as_ref()))]];
        for (groupings, start) in [(self.groupings(), clock.started_at), (by_agent, agent_start)] {
            let time = clock.stopped_at.map(|stop| stop - start);
            self.all.push(Share {
                series,
                anchor: clock.started_at,
                groupings,
                time,
                counts: Vec::new(),
                horizon,
            });
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
            horizon: self.once_closed(Horizon::Settled),
        });
    }

    /// Handling times: of the session the sum over people, of each person their own.
    fn work(&mut self, anchor: Millis) {
        let session = self.session;
        for series in [Series::HandleActive, Series::HandleAssigned] {
            let own: Vec<(&str, Millis)> = session
                .work
                .iter()
                .filter_map(|work| {
                    let time = match series {
                        Series::HandleActive => work.active_millis,
                        _ => work.assigned_millis,
                    };
                    Some((work.agent.as_str(), time?))
                })
                .collect();
            if !own.is_empty() {
                self.time(series, anchor, self.groupings(), own.iter().map(|(_, time)| time).sum());
            }
            for (agent, time) in own {
                self.time(series, anchor, vec![vec![("agent", agent)]], time);
            }
        }
    }

    fn time(&mut self, series: Series, anchor: Millis, groupings: Vec<Grouping<'a>>, time: Millis) {
        let horizon = Horizon::Settled;
        self.all.push(Share {
            series,
            anchor,
            groupings,
            time: Some(time),
            counts: Vec::new(),
            horizon,
        });
    }

    /// Silence is no resolution: only sessions that were resolved, and in which the customer wrote.
    fn resolution(&mut self, anchor: Millis) {
        let session = self.session;
        let Some(start) = session.first_customer_at else { return };
        if session.close_reason.as_deref() != Some("resolved") {
            return;
        }
        let mut groupings = self.groupings();
        groupings.push(vec![("agent", known(session.agent.as_ref()))]);
        self.time(Series::ElapsedResolution, anchor, groupings, anchor - start);

        let (owner, kind) = match session.owners.as_slice() {
            [] => (UNKNOWN, "bot"),
            [owner] => (owner.as_str(), "human"),
            _ => (UNKNOWN, "human"),
        };
        let is_first_contact = session.owners.len() <= 1 && session.repeated_at.is_none();
        let groupings = [
            ("agent", owner),
            ("reason", known(session.reason.as_ref())),
            ("owner_kind", kind),
        ];
        self.count(
            Series::FirstContact,
            anchor,
            groupings,
            vec![(0, 1), (1, i64::from(is_first_contact))],
            FIRST_CONTACT,
        );
    }

    fn bot(&mut self, anchor: Millis) {
        let outcome = self.session.outcome.as_deref();
        let Some(slot) = outcome.and_then(|name| BOT_OUTCOMES.iter().position(|known| *known == name)) else {
            return;
        };
        let bot = known(self.session.bot.as_ref());
        self.count(
            Series::Bot,
            anchor,
            [("bot", bot)],
            vec![(0, 1), (1 + slot, 1)],
            CALL_BACK,
        );
    }

    fn rating(&mut self, rating: &'a Rating) {
        let (Some(score), Some(scale)) = (thousandths(&rating.score), thousandths(&rating.scale)) else {
            return;
        };
        let handled_by = if self.session.answered_by_human { "human" } else { "bot" };
        let groupings = [
            ("agent", known(self.session.agent.as_ref())),
            ("handled_by", handled_by),
        ];
        let (series, counts) = match rating.instrument.as_str() {
            // Scores of other scales are not converted.
            "ces" if scale == 7_000 => (Series::Ces, vec![(0, 1), (1, score)]),
            "ces" => return,
            _ => {
                let least = if scale <= 3_000 { scale } else { scale - 1_000 };
                (Series::Csat, vec![(0, 1), (1, i64::from(score >= least))])
            }
        };
        // Until the session closes nobody knows how long another answer may come.
        let horizon = self.once_closed(RATINGS);
        self.count(series, rating.rated_at, groupings, counts, horizon);
    }

    /// Counts under the groupings of all series by session, and some of its own.
    fn count<const N: usize>(
        &mut self,
        series: Series,
        anchor: Millis,
        own: [(&'static str, &'a str); N],
        counts: Vec<(usize, i64)>,
        horizon: Horizon,
    ) {
        let mut groupings: Vec<Grouping> = self.groupings().into_iter().take(3).collect();
        groupings.extend(own.map(|dimension| vec![dimension]));
        self.all.push(Share {
            series,
            anchor,
            groupings,
            time: None,
            counts,
            horizon,
        });
    }
}

/// A decimal text in thousandths; rounded.
fn thousandths(text: &str) -> Option<i64> {
    let value: f64 = text.parse().ok()?;
    (value.is_finite() && value.abs() < 1e9).then(|| (value * 1_000.0).round() as i64)
}

fn known(text: Option<&String>) -> &str {
    text.map_or(UNKNOWN, String::as_str)
}
