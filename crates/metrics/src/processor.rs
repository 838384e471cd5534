//! The processor: facts in, rows out.

use crate::{
    account::Observed,
    members::{Profile, Sent, UNKNOWN},
    notes::{Note, What},
    people::{self, Person},
    profiles::Profiles,
    publish,
    replies::{Effects, Inbound, MessageKey, Replies, Send, Signal, Told},
    rows::{Change, RowSet, Rows},
    series::{self, Horizon, Series},
    sessions::{Known, Share},
    windows::Zones,
};
use hilo_contracts::{
    codec::{self, AvroCodec, Codec, ContractError},
    facts::{Account, Conversation, Identity, Metric, Session, Status},
    keys, topics,
};
use hilo_domain::{Millis, hash::IdHasher};
use std::collections::BTreeMap;
use hilo_stream::{Context, Processor, ProcessorError, Record, StateStore, Store, Timers, Verdict};

/// Key of the one entry of a store that has one.
const ONLY: &[u8] = b"";

/// See the crate's documentation.
pub struct Metrics {
    zones: Zones,
    rows: Rows,
    /// Rows to publish: at the next tick, or when they become final.
    due: Timers,
    profiles: Profiles,
    people: Store<Person>,
    sends: Store<Sent>,
    replies: Store<Replies>,
    sessions: Store<Known>,
    notes: Store<Note>,
    observations: Store<Observed>,
    now: Store<Millis>,
    identity: AvroCodec<Identity>,
    conversation: AvroCodec<Conversation>,
    status: AvroCodec<Status>,
    account: AvroCodec<Account>,
    metric: AvroCodec<Metric>,
}

impl Processor for Metrics {
    fn process(&mut self, record: &Record, _context: &mut Context) -> Result<Verdict, ProcessorError> {
        match record.topic {
            topics::STATUS => {
                let fact = decode(&self.status, record)?;
                self.status(&record.key, &fact)?;
            }
            topics::CONVERSATION => {
                let fact = decode(&self.conversation, record)?;
                self.conversation(&fact)?;
            }
            topics::IDENTITY => {
                let fact = decode(&self.identity, record)?;
                self.identity(&fact)?;
            }
            topics::ACCOUNT => {
                let fact = decode(&self.account, record)?;
                self.account(&fact)?;
            }
            _ => return Ok(Verdict::Drop("not_a_fact")),
        }
        Ok(Verdict::Done)
    }

    fn tick(&mut self, now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        let rows = self.publish(now)?;
        for row in rows {
            let value = self.metric.encode(&row).map_err(contract)?;
            context.send(topics::METRIC, key(&row), now, value);
        }
        Ok(())
    }

    fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![
            &mut self.rows,
            &mut self.due,
            &mut self.profiles,
            &mut self.people,
            &mut self.sends,
            &mut self.replies,
            &mut self.sessions,
            &mut self.notes,
            &mut self.observations,
            &mut self.now,
        ]
    }
}

fn decode<T>(codec: &impl Codec<T>, record: &Record) -> Result<T, ProcessorError> {
    codec.decode(&record.value).map_err(contract)
}

#[allow(clippy::needless_pass_by_value, reason = "shape of map_err")]
fn contract(error: ContractError) -> ProcessorError {
    ProcessorError::Contract(error.to_string())
}

/// Key of a row on its topic: the topic is compacted by it.
fn key(row: &Metric) -> Vec<u8> {
    let mut hasher = IdHasher::new("metric");
    hasher.update(row.tenant.as_bytes()).update(row.metric.as_bytes()).update(row.definition.as_bytes());
    if let Some(window) = row.window {
        hasher.update(&window.start.to_le_bytes()).update(&window.end.to_le_bytes());
    }
    for dimension in &row.dimensions {
        hasher.update(dimension.name.as_bytes()).update(dimension.value.as_bytes());
    }
    hasher.bytes().to_vec()
}

impl Metrics {
    pub(crate) fn new(zones: Zones) -> Self {
        Self {
            zones,
            rows: Rows::new(),
            due: Timers::new("due"),
            profiles: Profiles::new(),
            people: Store::new("people"),
            sends: Store::new("sends"),
            replies: Store::new("replies"),
            sessions: Store::new("sessions"),
            notes: Store::new("notes"),
            observations: Store::new("observations"),
            now: Store::new("now"),
            identity: codec::identity(),
            conversation: codec::conversation(),
            status: codec::status(),
            account: codec::account(),
            metric: codec::metric(),
        }
    }

    /// Rows whose content changed since they were published, or that are final by now.
    fn publish(&mut self, now: Millis) -> Result<Vec<Metric>, ProcessorError> {
        let now = self.see(now)?;
        let mut out = Vec::new();
        for (_, id) in self.due.due(now) {
            let Some(sums) = self.rows.due(&id)? else { continue };
            sums.dirty = false;
            publish::publish(sums, now, &mut out);
            if let Some(from) = sums.final_from().filter(|from| *from > now) {
                self.due.schedule(&id, from)?;
            }
        }
        Ok(out)
    }

    /// The greatest event time seen.
    fn see(&mut self, at: Millis) -> Result<Millis, ProcessorError> {
        let had = self.now.get(ONLY)?.copied().unwrap_or(Millis::MIN);
        if at > had {
            self.now.put(ONLY, at);
        }
        Ok(had.max(at))
    }

    fn status(&mut self, key: &[u8], fact: &Status) -> Result<(), ProcessorError> {
        self.see(fact.event_time)?;
        let message = match MessageKey::try_from(key) {
            Ok(message) => message,
            Err(_) => message_key(&fact.tenant, &fact.message_id)?,
        };
        let had = match self.sends.get_mut(&message)? {
            Some(sent) if sent.revision >= fact.revision => return Ok(()),
            Some(sent) => std::mem::take(sent),
            None => Sent::default(),
        };
        let country = people::country(&mut self.people, fact.person_id.as_deref(), fact.country.as_deref())?;
        let profile = self.profiles.of(fact, country.as_deref());
        let mut sent = Sent::of(fact, profile);
        if fact.test {
            sent = Sent { anchor: None, replies: false, refused_at: None, ..sent };
        }
        self.file(message, &had, &sent)?;
        self.resettle(message, &had, &sent)?;
        self.sends.put(&message, sent);
        Ok(())
    }

    /// Files a send under its person, to find it when the country changes.
    fn file(&mut self, message: MessageKey, had: &Sent, sent: &Sent) -> Result<(), ProcessorError> {
        if had.person == sent.person {
            return Ok(());
        }
        if let Some(person) = &had.person
            && let Some(person) = self.people.get_mut(person.as_bytes())?
        {
            person.messages.retain(|had| *had != message);
        }
        if let Some(person) = &sent.person {
            self.people.get_or_insert_with(person.as_bytes(), Person::default)?.messages.push(message);
        }
        Ok(())
    }

    /// Takes back what a send was counted as and counts what it is.
    fn resettle(&mut self, message: MessageKey, had: &Sent, sent: &Sent) -> Result<(), ProcessorError> {
        self.count_outcome(had, sent)?;
        let reply_part = |sent: &Sent| {
            let profile = sent.replies.then_some(sent.profile);
            (sent.person.clone(), profile, sent.anchor, sent.delivered_at.filter(|_| sent.replies), sent.refused_at)
        };
        if (had.replies || sent.replies || had.refused_at.is_some() || sent.refused_at.is_some())
            && reply_part(had) != reply_part(sent)
        {
            self.move_send(message, had, sent)?;
        }
        Ok(())
    }

    fn count_outcome(&mut self, had: &Sent, sent: &Sent) -> Result<(), ProcessorError> {
        let mut changes: Vec<Change> = Vec::with_capacity(8);
        let before = had.anchor.map(|anchor| (had.profile, anchor));
        let after = sent.anchor.map(|anchor| (sent.profile, anchor));
        let slots = |sent: &Sent, amount| sent.slots().iter().map(move |slot| Change::Count(*slot, amount));
        if before == after {
            let Some((profile, anchor)) = after else { return Ok(()) };
            let only = |one: &Sent, other: &Sent, amount| {
                let other = other.slots();
                one.slots().iter().filter(|slot| !other.contains(slot)).map(|slot| Change::Count(*slot, amount)).collect::<Vec<_>>()
            };
            changes.extend(only(had, sent, -1));
            changes.extend(only(sent, had, 1));
            if changes.is_empty() {
                return Ok(());
            }
            let group = self.profiles.get(profile)?;
            let (old, new) = (had.horizon(&group), sent.horizon(&group));
            if old != new {
                changes.extend([Change::Horizon(old, false), Change::Horizon(new, true)]);
            }
            return self.apply_outcome(profile, &group, anchor, &changes);
        }
        for (place, sent, amount) in [(before, had, -1), (after, sent, 1)] {
            let Some((profile, anchor)) = place else { continue };
            let group = self.profiles.get(profile)?;
            changes.clear();
            changes.extend(slots(sent, amount));
            changes.push(Change::Horizon(sent.horizon(&group), amount > 0));
            self.apply_outcome(profile, &group, anchor, &changes)?;
        }
        Ok(())
    }

    fn apply_outcome(
        &mut self,
        profile: u64,
        group: &Profile,
        anchor: Millis,
        changes: &[Change],
    ) -> Result<(), ProcessorError> {
        let windows = self.zones.windows(&group.tenant, anchor);
        let groupings = || group.groupings();
        let set = self.rows.profile_set(Series::Outcomes, &group.tenant, profile, groupings, windows)?;
        self.rows.apply(&mut self.due, set, changes)
    }

    /// Brings the replies of the persons concerned up to date with a send.
    fn move_send(&mut self, message: MessageKey, had: &Sent, sent: &Sent) -> Result<(), ProcessorError> {
        let name = hilo_domain::hash::to_hex(&message);
        if let Some(person) = had.person.as_deref().filter(|_| had.person != sent.person)
            && let Some(replies) = self.replies.get_mut(person.as_bytes())?
        {
            replies.remove_send(message);
            replies.remove_signal(&name);
            self.settle(person)?;
        }
        let Some(person) = sent.person.as_deref() else { return Ok(()) };
        let group = self.profiles.get(sent.profile)?;
        let replies = self.replies.get_or_insert_with(person.as_bytes(), Replies::default)?;
        replies.tenant = group.tenant.as_str().into();
        match sent.anchor.filter(|_| sent.replies) {
            Some(accepted_at) => replies.put_send(Send {
                message,
                profile: sent.profile,
                number: group.phone_number_id.as_deref().unwrap_or(UNKNOWN).into(),
                accepted_at,
                delivered_at: sent.delivered_at,
                is_template: group.template.is_some(),
                is_marketing: group.is_marketing(),
                is_authentication: group.is_authentication(),
            }),
            None => replies.remove_send(message),
        };
        match sent.refused_at {
            Some(at) => replies.put_signal(Signal { at, is_opt_in: false, id: name.into() }),
            None => replies.remove_signal(&name),
        };
        self.settle(person)
    }

    /// Counts a person's replies and opt-outs anew, where they differ from what was told.
    fn settle(&mut self, person: &str) -> Result<(), ProcessorError> {
        let Self { replies, rows, due, profiles, zones, .. } = self;
        let Some(replies) = replies.get_mut(person.as_bytes())? else { return Ok(()) };
        let (effects, unattributed) = replies.effects();
        let mut counter = PersonCounter { rows, due, profiles, zones, in_rows: &mut replies.in_rows };
        let mut before = std::mem::take(&mut replies.told);
        for (send, effects) in replies.sends.iter().zip(effects) {
            let told = Told {
                profile: send.profile,
                anchor: send.accepted_at,
                is_marketing: send.is_marketing,
                is_authentication: send.is_authentication,
                effects,
            };
            let had = before.remove(&send.message);
            replies.told.insert(send.message, told);
            if had != Some(told) {
                counter.replace(had.as_ref(), Some(&told))?;
            }
        }
        for gone in before.values() {
            counter.replace(Some(gone), None)?;
        }
        let told = std::mem::replace(&mut replies.told_unattributed, unattributed);
        for at in told.iter().filter(|at| !replies.told_unattributed.contains(at)) {
            counter.unattributed(&replies.tenant, *at, false)?;
        }
        for at in replies.told_unattributed.iter().filter(|at| !told.contains(at)) {
            counter.unattributed(&replies.tenant, *at, true)?;
        }
        Ok(())
    }

    fn conversation(&mut self, fact: &Conversation) -> Result<(), ProcessorError> {
        self.see(fact.event_time)?;
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
        let same = |had: &Note| Note { revision: note.revision, ..had.clone() } == note;
        if !had.as_ref().is_some_and(same) {
            if let Some(had) = &had {
                self.count_traffic(had, -1)?;
                self.note_reply(id, had, false)?;
            }
            self.count_traffic(&note, 1)?;
            self.note_reply(id, &note, true)?;
        }
        self.notes.put(id.as_bytes(), note);
        Ok(())
    }

    fn count_traffic(&mut self, note: &Note, amount: i64) -> Result<(), ProcessorError> {
        let series = match note.what {
            What::Inbound { .. } => Series::TrafficInbound,
            What::Outbound => Series::TrafficOutbound,
            What::Preference { .. } | What::Nothing => return Ok(()),
        };
        let windows = self.zones.windows(&note.tenant, note.at);
        let number = note.number.as_deref().unwrap_or(UNKNOWN);
        let set = self.rows.set(series, &note.tenant, &[vec![], vec![("phone_number_id", number)]], windows)?;
        let changes = [Change::Count(0, amount), Change::Horizon(series::RETRIES, amount > 0)];
        self.rows.apply(&mut self.due, set, &changes)
    }

    /// Adds a message or preference to what is known of its person, or takes it away.
    fn note_reply(&mut self, id: &str, note: &Note, add: bool) -> Result<(), ProcessorError> {
        let Some(person) = note.person.as_deref() else { return Ok(()) };
        let (inbound, signal) = match note.what {
            What::Inbound { is_opt_out, .. } => (true, is_opt_out.then_some(false)),
            What::Preference { is_opt_in } => (false, Some(is_opt_in)),
            What::Outbound | What::Nothing => return Ok(()),
        };
        let replies = self.replies.get_or_insert_with(person.as_bytes(), Replies::default)?;
        replies.tenant.clone_from(&note.tenant);
        if inbound {
            replies.remove_inbound(id);
        }
        if let (true, What::Inbound { reply_to, is_button, is_opt_out }) = (add, note.what) {
            let number = note.number.as_deref().unwrap_or(UNKNOWN).into();
            replies.put_inbound(Inbound { at: note.at, id: id.into(), number, reply_to, is_button, is_opt_out });
        }
        match signal {
            Some(is_opt_in) if add => replies.put_signal(Signal { at: note.at, is_opt_in, id: id.into() }),
            _ => replies.remove_signal(id),
        };
        if replies.sends.is_empty() && replies.signals.is_empty() && replies.told_unattributed.is_empty() {
            return Ok(());
        }
        self.settle(person)
    }

    fn session(&mut self, id: &str, fact: &Conversation, session: &Session) -> Result<(), ProcessorError> {
        let had = match self.sessions.get(id.as_bytes())? {
            Some(had) if had.revision >= fact.revision => return Ok(()),
            Some(had) => Some(had.clone()),
            None => None,
        };
        let mut known = Known::of(fact, session);
        let country = people::country(&mut self.people, known.person.as_deref(), known.country.as_deref())?;
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

    fn replace_session(&mut self, had: Option<&Known>, known: &Known) -> Result<(), ProcessorError> {
        let before = had.map(Known::shares).unwrap_or_default();
        let after = known.shares();
        for gone in before.iter().filter(|share| !after.contains(share)) {
            self.apply_share(&known.tenant, gone, false)?;
        }
        for new in after.iter().filter(|share| !before.contains(share)) {
            self.apply_share(&known.tenant, new, true)?;
        }
        Ok(())
    }

    fn apply_share(&mut self, tenant: &str, share: &Share, add: bool) -> Result<(), ProcessorError> {
        let windows = self.zones.windows(tenant, share.anchor);
        let set = self.rows.set(share.series, tenant, &share.groupings, windows)?;
        let sign = if add { 1 } else { -1 };
        let counts = share.counts.iter().map(|(slot, amount)| Change::Count(*slot, sign * amount));
        let time = share.time.map(|time| Change::Time(time, add));
        let horizon = (share.horizon != Horizon::Settled).then_some(Change::Horizon(share.horizon, add));
        let changes: Vec<Change> = counts.chain(time).chain(horizon).collect();
        self.rows.apply(&mut self.due, set, &changes)
    }

    fn identity(&mut self, fact: &Identity) -> Result<(), ProcessorError> {
        self.see(fact.event_time)?;
        let person = self.people.get_or_insert_with(fact.person_id.as_bytes(), Person::default)?;
        if fact.revision <= person.revision {
            return Ok(());
        }
        let country: Option<Box<str>> = fact.country.as_deref().map(Box::from);
        let survivor: Option<Box<str>> =
            fact.other_person_id.as_deref().filter(|_| fact.kind == "closed").map(Box::from);
        let is_news = person.revision == 0 || person.country != country || person.survivor != survivor;
        person.revision = fact.revision;
        person.country = country;
        let left = std::mem::replace(&mut person.survivor, survivor.clone());
        if !is_news {
            return Ok(());
        }
        if let Some(left) = left
            && let Some(left) = self.people.get_mut(left.as_bytes())?
        {
            left.absorbed.retain(|had| **had != *fact.person_id);
        }
        if let Some(survivor) = survivor {
            let survivor = self.people.get_or_insert_with(survivor.as_bytes(), Person::default)?;
            survivor.absorbed.push(fact.person_id.as_str().into());
        }
        for id in people::with_absorbed(&mut self.people, &fact.person_id)? {
            self.regroup(&id)?;
        }
        Ok(())
    }

    /// Counts what belongs to a person under the country that they have now.
    fn regroup(&mut self, id: &str) -> Result<(), ProcessorError> {
        let Some(person) = self.people.get(id.as_bytes())? else { return Ok(()) };
        if person.messages.is_empty() && person.sessions.is_empty() {
            return Ok(());
        }
        let (messages, sessions) = (person.messages.clone(), person.sessions.clone());
        for message in messages {
            let Some(had) = self.sends.get(&message)?.cloned() else { continue };
            let country = people::country(&mut self.people, had.person.as_deref(), had.country.as_deref())?;
            let profile = self.profiles.with_country(had.profile, country.as_deref())?;
            if profile != had.profile {
                let sent = Sent { profile, ..had.clone() };
                self.resettle(message, &had, &sent)?;
                self.sends.put(&message, sent);
            }
        }
        for session in sessions {
            let Some(had) = self.sessions.get(session.as_bytes())?.cloned() else { continue };
            let country = people::country(&mut self.people, had.person.as_deref(), had.country.as_deref())?;
            let known = Known { counted_country: country.map(String::from), ..had.clone() };
            if known != had {
                self.replace_session(Some(&had), &known)?;
                self.sessions.put(session.as_bytes(), known);
            }
        }
        Ok(())
    }

    fn account(&mut self, fact: &Account) -> Result<(), ProcessorError> {
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

    fn observe(&mut self, id: &str, observed: &Observed, add: bool) -> Result<(), ProcessorError> {
        let key = (observed.at, id.to_owned());
        let windows = self.zones.windows(&observed.tenant, observed.at);
        for (series, grouping, state) in observed.states() {
            let set = self.rows.set(series, &observed.tenant, &[grouping], windows)?;
            let changes = [Change::State(&key, add.then_some(state)), Change::Horizon(series::RETRIES, add)];
            self.rows.apply(&mut self.due, set, &changes)?;
        }
        Ok(())
    }
}

fn message_key(tenant: &str, message_id: &str) -> Result<MessageKey, ProcessorError> {
    MessageKey::try_from(keys::message(tenant, message_id).as_slice())
        .map_err(|_| ProcessorError::Contract("a message key has not 16 bytes".to_owned()))
}

/// Counts one person in rows of distinct persons.
struct PersonCounter<'a> {
    rows: &'a mut Rows,
    due: &'a mut Timers,
    profiles: &'a mut Profiles,
    zones: &'a mut Zones,
    in_rows: &'a mut BTreeMap<[u8; 8], [u32; 3]>,
}

impl PersonCounter<'_> {
    /// Takes back what a send was told as and tells what it is.
    fn replace(&mut self, had: Option<&Told>, told: Option<&Told>) -> Result<(), ProcessorError> {
        let group = |told: &Told| (told.profile, told.anchor, told.is_marketing, told.is_authentication);
        if had.map(group) == told.map(group) {
            if let (Some(had), Some(told)) = (had, told) {
                self.shift(told, had.effects, told.effects)?;
            }
            return Ok(());
        }
        if let Some(had) = had {
            self.shift(had, had.effects, Effects::default())?;
            self.hold(had, false)?;
        }
        if let Some(told) = told {
            self.hold(told, true)?;
            self.shift(told, Effects::default(), told.effects)?;
        }
        Ok(())
    }

    /// Calls `count` for the rows of replies and, of a marketing send, for those of opt-outs.
    fn each(
        &mut self,
        told: &Told,
        mut count: impl FnMut(&mut Self, Series, RowSet) -> Result<(), ProcessorError>,
    ) -> Result<(), ProcessorError> {
        let group = self.profiles.get(told.profile)?;
        let windows = self.zones.windows(&group.tenant, told.anchor);
        for series in [Series::Replies, Series::OptOuts] {
            if series == Series::OptOuts && !told.is_marketing {
                continue;
            }
            let set =
                self.rows.profile_set(series, &group.tenant, told.profile, || group.groupings(), windows)?;
            count(self, series, set)?;
        }
        Ok(())
    }

    /// Keeps the rows of a send open until its horizon, or no more.
    fn hold(&mut self, told: &Told, add: bool) -> Result<(), ProcessorError> {
        let change = [Change::Horizon(series::replies(told.is_authentication), add)];
        self.each(told, |counter, _, set| counter.rows.apply(counter.due, set, &change))
    }

    fn shift(&mut self, told: &Told, from: Effects, to: Effects) -> Result<(), ProcessorError> {
        if from == to {
            return Ok(());
        }
        self.each(told, |counter, series, set| {
            for (slot, (before, after)) in from.slots(series).into_iter().zip(to.slots(series)).enumerate() {
                if before != after {
                    counter.rows.apply_person(counter.due, set, counter.in_rows, slot, after)?;
                }
            }
            Ok(())
        })
    }

    fn unattributed(&mut self, tenant: &str, at: Millis, add: bool) -> Result<(), ProcessorError> {
        let windows = self.zones.windows(tenant, at);
        let grouping = vec![("attribution", "none")];
        let set = self.rows.set(Series::OptOutsUnattributed, tenant, &[grouping], windows)?;
        self.rows.apply(self.due, set, &[Change::Horizon(series::replies(false), add)])?;
        self.rows.apply_person(self.due, set, self.in_rows, 0, add)
    }
}
