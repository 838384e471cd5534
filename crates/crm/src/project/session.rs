//! What is kept of a session.

use super::{Key, trail::Trail};
use hilo_contracts::facts::Conversation;
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Touches of a session that are kept, the earliest ones.
const MARKED: usize = 32;
/// Messages with tasks whose agent is kept right.
const ALARMS: usize = 64;
/// Times of one tag or intent that are kept, the earliest ones.
const SAID: usize = 16;

/// A session, told by its own facts or only named by a message so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    pub tenant: Box<str>,
    pub person: Box<str>,
    pub revision: i64,
    /// What its latest fact says; none before the first one, and after a retraction.
    pub state: Option<State>,
    pub messages: u32,
    /// The earliest customer message.
    pub first: Option<(Millis, Key)>,
    /// The earliest customer message left: it is looked for before it is shown.
    pub stale: bool,
    /// Customer messages that came by an ad, or whose text has a tracked token, in their order.
    pub marked: Vec<Mark>,
    /// When its events gave each tag and each intent.
    pub tags: BTreeMap<Box<str>, Vec<Millis>>,
    pub intents: BTreeMap<Box<str>, Vec<Millis>>,
    pub told: Told,
    /// Rules whose task was told.
    pub tasks: Vec<Box<str>>,
    /// Messages in it that have tasks: those name its agent and queue.
    pub alarms: Vec<Key>,
    pub trail: Trail,
}

/// Which records of a session were told and stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub ticket: bool,
    pub deal: bool,
    pub digest: bool,
}

/// A message by which somebody may have come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Mark {
    pub at: Millis,
    pub message: Key,
    /// By an ad: that counts wherever it stands. A token counts in the first text only.
    pub by_ad: bool,
}

/// What a session is, by its latest fact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub conversation: Option<Box<str>>,
    pub number: Option<Box<str>>,
    pub test: bool,
    pub opened_at: Millis,
    pub opened_by: Box<str>,
    pub closed_at: Option<Millis>,
    pub close_reason: Option<Box<str>>,
    pub first_customer_at: Option<Millis>,
    /// Start and stop of the first response by a person.
    pub first_response: Option<(Millis, Option<Millis>)>,
    /// A person or a bot wrote.
    pub answered: bool,
    /// The customer waits for an answer.
    pub waited_for: bool,
    pub outcome: Option<Box<str>>,
    pub queue: Option<Box<str>>,
    pub reason: Option<Box<str>>,
    pub reopens: Option<Box<str>>,
    pub bot: Option<Box<str>>,
    pub agent: Option<Box<str>>,
    /// Active time of all agents.
    pub handling: Option<Millis>,
    pub ratings: Vec<Rated>,
}

/// The winning answer to a survey.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rated {
    pub instrument: Box<str>,
    pub score: Box<str>,
    pub scale: Box<str>,
    pub at: Millis,
}

impl State {
    fn of(fact: &Conversation) -> Option<Self> {
        let session = fact.session.as_ref().filter(|_| fact.kind != "session_retracted")?;
        let boxed = |text: &Option<String>| text.as_deref().map(Box::from);
        let active: Vec<Millis> = session.work.iter().filter_map(|work| work.active_millis).collect();
        Some(Self {
            conversation: boxed(&fact.conversation_id),
            number: boxed(&fact.phone_number_id),
            test: fact.test,
            opened_at: session.opened_at,
            opened_by: session.opened_by.as_str().into(),
            closed_at: session.closed_at,
            close_reason: boxed(&session.close_reason),
            first_customer_at: session.first_customer_at,
            first_response: session
                .frt_human
                .as_ref()
                .map(|clock| (clock.started_at, clock.stopped_at)),
            answered: session.answered_by_human
                || session.frt_any.as_ref().is_some_and(|clock| clock.stopped_at.is_some()),
            waited_for: session.turns.iter().any(|turn| turn.stopped_at.is_none()),
            outcome: boxed(&session.outcome),
            queue: boxed(&session.queue),
            reason: boxed(&session.reason),
            reopens: boxed(&session.reopens),
            bot: boxed(&session.bot),
            agent: boxed(&session.agent),
            handling: (!active.is_empty()).then(|| active.iter().sum()),
            ratings: session
                .ratings
                .iter()
                .map(|rating| Rated {
                    instrument: rating.instrument.as_str().into(),
                    score: rating.score.as_str().into(),
                    scale: rating.scale.as_str().into(),
                    at: rating.rated_at,
                })
                .collect(),
        })
    }

    /// `new`, `open`, `waiting`, `closed`.
    pub(super) fn status(&self) -> &'static str {
        if self.closed_at.is_some() {
            "closed"
        } else if self.waited_for {
            if self.answered { "open" } else { "new" }
        } else if self.answered || &*self.opened_by == "business" {
            "waiting"
        } else {
            // Somebody took it up again, and nobody has written yet.
            "open"
        }
    }

    /// Whether the first response came within the target; none while that is open, or nobody waited for it to the end.
    pub(super) fn sla_met(&self, target: Millis, now: Millis) -> Option<bool> {
        let (started, stopped) = self.first_response?;
        let due = started + target;
        match stopped {
            Some(stopped) => Some(stopped <= due),
            None if self.closed_at.is_some_and(|closed| closed <= due) => None,
            None => (now > due).then_some(false),
        }
    }
}

impl Session {
    /// Takes a fact about the session in. Gives whether it changed anything.
    pub(super) fn tell(&mut self, fact: &Conversation) -> bool {
        if self.revision >= fact.revision {
            return false;
        }
        self.revision = fact.revision;
        let state = State::of(fact);
        let changed = self.state != state;
        self.state = state;
        changed
    }

    /// A message by which somebody may have come is in it, or no more.
    pub(super) fn mark(&mut self, mark: Mark, is_here: bool) {
        match (self.marked.binary_search(&mark), is_here) {
            (Err(place), true) => {
                self.marked.insert(place, mark);
                self.marked.truncate(MARKED);
            }
            (Ok(place), false) => drop(self.marked.remove(place)),
            _ => {}
        }
    }

    /// Whether the message of a mark is one by which somebody came.
    pub(super) fn counts(&self, mark: &Mark) -> bool {
        let first = self.state.as_ref().and_then(|state| state.first_customer_at);
        mark.by_ad || first == Some(mark.at)
    }

    /// When somebody came to this session by an ad or a token, first.
    pub(super) fn touched_at(&self) -> Option<Millis> {
        self.marked.iter().find(|mark| self.counts(mark)).map(|mark| mark.at)
    }

    /// A message in it has a task. Gives whether that is new.
    pub(super) fn alarm(&mut self, message: Key) -> bool {
        let is_new = self.alarms.len() < ALARMS && !self.alarms.contains(&message);
        if is_new {
            self.alarms.push(message);
        }
        is_new
    }

    /// An event with these words is in it, or no more.
    pub(super) fn say(&mut self, at: Millis, tags: &[Box<str>], intent: Option<&str>, is_here: bool) {
        for tag in tags {
            note(&mut self.tags, tag, at, is_here);
        }
        if let Some(intent) = intent {
            note(&mut self.intents, intent, at, is_here);
        }
    }
}

fn note(words: &mut BTreeMap<Box<str>, Vec<Millis>>, word: &str, at: Millis, is_here: bool) {
    if is_here {
        let times = words.entry(word.into()).or_default();
        let place = times.partition_point(|had| *had <= at);
        times.insert(place, at);
        times.truncate(SAID);
        return;
    }
    let Some(times) = words.get_mut(word) else { return };
    if let Ok(place) = times.binary_search(&at) {
        times.remove(place);
    }
    if times.is_empty() {
        words.remove(word);
    }
}
