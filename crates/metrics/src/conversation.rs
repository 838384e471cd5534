//! Messages and sessions: traffic, replies, times.

use crate::{
    Metrics,
    members::UNKNOWN,
    notes::{Note, What},
    people::{self, Person},
    rows::Change,
    series::{self, Horizon, Series},
    sessions::{Known, Share},
};
use hilo_contracts::facts::{Conversation, Session};
use hilo_stream::ProcessorError;
use rustc_hash::FxHashSet;

/// Shares that are compared one by one; of more a set is made.
const COMPARED: usize = 32;

/// The shares that are not among the others.
fn without<'a, 'b>(shares: &'a [Share<'b>], others: &[Share<'b>]) -> Vec<&'a Share<'b>> {
    if shares.len().min(others.len()) <= COMPARED {
        return shares.iter().filter(|share| !others.contains(share)).collect();
    }
    let others: FxHashSet<&Share> = others.iter().collect();
    shares.iter().filter(|share| !others.contains(share)).collect()
}

impl Metrics {
    pub(crate) fn conversation(&mut self, fact: &Conversation) -> Result<(), ProcessorError> {
        self.see_fact(fact.event_time, fact.ingest_time)?;
        if let (Some(id), Some(session)) = (&fact.session_id, &fact.session) {
            return self.session(id, fact, session);
        }
        let Some(note) = Note::of(fact) else { return Ok(()) };
        let id = fact.event_id.as_str();
        let had = match self.notes.get(id.as_bytes())? {
            Some(had) if !note.replaces(had) => return Ok(()),
            Some(had) => Some(had.clone()),
            None => None,
        };
        let same = |had: &Note| {
            Note {
                revision: note.revision,
                ..had.clone()
            } == note
        };
        if !had.as_ref().is_some_and(same) {
            if let Some(had) = &had {
                self.count_traffic(had, -1)?;
                self.note_reply(id, had, None)?;
            }
            self.count_traffic(&note, 1)?;
            self.note_reply(id, &note, Some(fact.message_id.as_deref().unwrap_or_default()))?;
        }
        self.notes.put(id.as_bytes(), note);
        Ok(())
    }

    pub(crate) fn count_traffic(&mut self, note: &Note, amount: i64) -> Result<(), ProcessorError> {
        let series = match note.what {
            What::Inbound { .. } => Series::TrafficInbound,
            What::Outbound => Series::TrafficOutbound,
            What::Preference { .. } | What::Nothing => return Ok(()),
        };
        let windows = self.zones.windows(&note.tenant, note.at);
        let number = note.number.as_deref().unwrap_or(UNKNOWN);
        let set = self.rows.set(
            series,
            &note.tenant,
            &[vec![], vec![("phone_number_id", number)]],
            windows,
        )?;
        let changes = [Change::Count(0, amount), Change::Horizon(series::RETRIES, amount > 0)];
        self.rows.apply(&mut self.due, set, &changes)
    }

    pub(crate) fn session(&mut self, id: &str, fact: &Conversation, session: &Session) -> Result<(), ProcessorError> {
        let had = match self.sessions.get(id.as_bytes())? {
            Some(had) if had.revision >= fact.revision => return Ok(()),
            Some(had) => Some(had.clone()),
            None => None,
        };
        let mut known = Known::of(fact, session);
        let country = people::country_of(&mut self.people, known.person.as_deref(), known.country.as_deref())?;
        known.counted_country = country.map(String::from);
        if had.is_none()
            && let Some(person) = &known.person
        {
            let person = self.people.get_or_insert_with(person.as_bytes(), Person::default)?;
            person.sessions.push(id.into());
        }
        self.replace_session(had.as_ref(), &known)?;
        self.sessions.put(id.as_bytes(), known);
        Ok(())
    }

    pub(crate) fn replace_session(&mut self, had: Option<&Known>, known: &Known) -> Result<(), ProcessorError> {
        self.work += known.session.as_ref().map_or(0, |session| session.turns.len()) as u64;
        let same = had.map_or(0, |had| had.turns_in_common(known));
        let before = had.map(|had| had.shares(same)).unwrap_or_default();
        let after = known.shares(same);
        for gone in without(&before, &after) {
            self.apply_share(&known.tenant, gone, false)?;
        }
        for new in without(&after, &before) {
            self.apply_share(&known.tenant, new, true)?;
        }
        Ok(())
    }

    pub(crate) fn apply_share(&mut self, tenant: &str, share: &Share, add: bool) -> Result<(), ProcessorError> {
        let windows = self.zones.windows(tenant, share.anchor);
        let set = self.rows.set(share.series, tenant, &share.groupings, windows)?;
        let sign = if add { 1 } else { -1 };
        let counts = share
            .counts
            .iter()
            .map(|(slot, amount)| Change::Count(*slot, sign * amount));
        let time = share.time.map(|time| Change::Time(time, add));
        let horizon = (share.horizon != Horizon::Settled).then_some(Change::Horizon(share.horizon, add));
        let changes: Vec<Change> = counts.chain(time).chain(horizon).collect();
        self.rows.apply(&mut self.due, set, &changes)
    }
}
