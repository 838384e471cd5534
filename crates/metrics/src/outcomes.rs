//! Sends and their statuses: the message outcomes.

use crate::{
    Metrics,
    members::{Profile, Sent},
    people::{self, Person},
    replies::MessageKey,
    rows::Change,
    series::Series,
};
use hilo_contracts::{facts::Status, keys};
use hilo_domain::Millis;
use hilo_stream::ProcessorError;

impl Metrics {
    pub(crate) fn status(&mut self, key: &[u8], fact: &Status) -> Result<(), ProcessorError> {
        self.see_fact(fact.event_time, fact.ingest_time)?;
        let message = match MessageKey::try_from(key) {
            Ok(message) => message,
            Err(_) => message_key(&fact.tenant, &fact.message_id)?,
        };
        let had = match self.sends.get_mut(&message)? {
            Some(sent) if sent.revision >= fact.revision => return Ok(()),
            Some(sent) => std::mem::take(sent),
            None => Sent::default(),
        };
        let country = people::country_of(&mut self.people, fact.person_id.as_deref(), fact.country.as_deref())?;
        let profile = self.profiles.of(fact, country.as_deref());
        let mut sent = Sent::of(fact, profile);
        if fact.test {
            sent = Sent {
                anchor: None,
                replies: false,
                marketing: false,
                refused_at: None,
                ..sent
            };
        }
        self.file(message, &had, &sent)?;
        self.resettle(message, &had, &sent)?;
        self.sends.put(&message, sent);
        Ok(())
    }

    /// Files a send under its person, to find it when the country changes.
    pub(crate) fn file(&mut self, message: MessageKey, had: &Sent, sent: &Sent) -> Result<(), ProcessorError> {
        if had.person == sent.person {
            return Ok(());
        }
        if let Some(person) = &had.person
            && let Some(person) = self.people.get_mut(person.as_bytes())?
        {
            person.messages.retain(|had| *had != message);
        }
        if let Some(person) = &sent.person {
            self.people
                .get_or_insert_with(person.as_bytes(), Person::default)?
                .messages
                .push(message);
        }
        Ok(())
    }

    /// Takes back what a send was counted as and counts what it is.
    pub(crate) fn resettle(&mut self, message: MessageKey, had: &Sent, sent: &Sent) -> Result<(), ProcessorError> {
        self.count_outcome(had, sent)?;
        let reply_part = |sent: &Sent| {
            let counts = sent.counts_persons();
            (
                sent.person.clone(),
                (sent.replies, sent.marketing),
                counts.then_some(sent.profile),
                sent.anchor,
                sent.delivered_at.filter(|_| counts),
                sent.refused_at,
            )
        };
        let concerns_person = |sent: &Sent| sent.counts_persons() || sent.refused_at.is_some();
        if (concerns_person(had) || concerns_person(sent)) && reply_part(had) != reply_part(sent) {
            self.move_send(message, had, sent)?;
        }
        Ok(())
    }

    pub(crate) fn count_outcome(&mut self, had: &Sent, sent: &Sent) -> Result<(), ProcessorError> {
        let mut changes: Vec<Change> = Vec::with_capacity(8);
        let before = had.anchor.map(|anchor| (had.profile, anchor));
        let after = sent.anchor.map(|anchor| (sent.profile, anchor));
        let slots = |sent: &Sent, amount| sent.slots().iter().map(move |slot| Change::Count(*slot, amount));
        if before == after {
            let Some((profile, anchor)) = after else { return Ok(()) };
            let only = |one: &Sent, other: &Sent, amount| {
                let other = other.slots();
                one.slots()
                    .iter()
                    .filter(|slot| !other.contains(slot))
                    .map(|slot| Change::Count(*slot, amount))
                    .collect::<Vec<_>>()
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

    pub(crate) fn apply_outcome(
        &mut self,
        profile: u64,
        group: &Profile,
        anchor: Millis,
        changes: &[Change],
    ) -> Result<(), ProcessorError> {
        let windows = self.zones.windows(&group.tenant, anchor);
        let groupings = || group.groupings();
        let set = self
            .rows
            .profile_set(Series::Outcomes, &group.tenant, profile, groupings, windows)?;
        self.rows.apply(&mut self.due, set, changes)
    }
}

fn message_key(tenant: &str, message_id: &str) -> Result<MessageKey, ProcessorError> {
    MessageKey::try_from(keys::message(tenant, message_id).as_slice())
        .map_err(|_| ProcessorError::Contract("a message key has not 16 bytes".to_owned()))
}
