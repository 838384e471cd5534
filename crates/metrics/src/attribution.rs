//! Which rows of persons a person stands in: replies and opt-outs, counted once a row.

use crate::{
    Metrics,
    members::{Sent, UNKNOWN},
    notes::{Note, What},
    profiles::Profiles,
    replies::{Effects, InRows, MessageKey, Replies, Send, Told},
    rows::{Change, RowSet, Rows},
    series::{self, Series},
    windows::Zones,
};
use hilo_domain::{Millis, hash};
use hilo_stream::{ProcessorError, Timers};

impl Metrics {
    /// Brings the replies of the persons concerned up to date with a send.
    pub(crate) fn move_send(&mut self, message: MessageKey, had: &Sent, sent: &Sent) -> Result<(), ProcessorError> {
        if let Some(person) = had.person.as_deref().filter(|_| had.person != sent.person)
            && let Some(replies) = self.replies.get_mut(person.as_bytes())?
        {
            replies.remove_send(message);
            replies.remove_signal(&hash::to_hex(&message));
            self.settle(person)?;
        }
        let Some(person) = sent.person.as_deref() else {
            return Ok(());
        };
        let group = self.profiles.get(sent.profile)?;
        let replies = self.replies.get_or_insert_with(person.as_bytes(), Replies::default)?;
        replies.tenant = group.tenant.as_str().into();
        match sent.anchor.filter(|_| sent.counts_persons()) {
            Some(accepted_at) => replies.put_send(Send {
                message,
                profile: sent.profile,
                number: group.phone_number_id.as_deref().unwrap_or(UNKNOWN).into(),
                accepted_at,
                delivered_at: sent.delivered_at,
                is_template: group.template.is_some(),
                has_replies: sent.replies,
                is_marketing: sent.marketing,
                is_authentication: group.is_authentication(),
            }),
            None => replies.remove_send(message),
        }
        if sent.refused_at != had.refused_at || sent.person != had.person {
            let id = hash::to_hex(&message);
            replies.remove_signal(&id);
            if let Some(at) = sent.refused_at {
                replies.put_signal(at, false, &id);
            }
        }
        self.settle(person)
    }

    /// Counts a person's replies and opt-outs anew, where they differ from what was told.
    pub(crate) fn settle(&mut self, person: &str) -> Result<(), ProcessorError> {
        let Self {
            replies,
            rows,
            due,
            profiles,
            zones,
            work,
            ..
        } = self;
        let Some(replies) = replies.get_mut(person.as_bytes())? else {
            return Ok(());
        };
        *work += replies.length() as u64;
        let (effects, unattributed) = replies.effects();
        let mut counter = PersonCounter {
            rows,
            due,
            profiles,
            zones,
            in_rows: &mut replies.in_rows,
        };
        for gone in replies.gone.drain(..) {
            counter.replace(Some(&gone), None)?;
        }
        for ((send, told), effects) in replies.sends.iter_mut().zip(effects) {
            let now = Told {
                profile: send.profile,
                anchor: send.accepted_at,
                has_replies: send.has_replies,
                is_marketing: send.is_marketing,
                is_authentication: send.is_authentication,
                effects,
            };
            let had = told.replace(now);
            if had != Some(now) {
                counter.replace(had.as_ref(), Some(&now))?;
            }
        }
        let told = std::mem::replace(&mut replies.told_unattributed, unattributed);
        for at in told.iter().filter(|at| !has(&replies.told_unattributed, **at)) {
            counter.unattributed(&replies.tenant, *at, false)?;
        }
        for at in replies.told_unattributed.iter().filter(|at| !has(&told, **at)) {
            counter.unattributed(&replies.tenant, *at, true)?;
        }
        Ok(())
    }

    /// Adds a message, by its id, or a preference to what is known of its person, or takes it away.
    pub(crate) fn note_reply(&mut self, id: &str, note: &Note, add: Option<&str>) -> Result<(), ProcessorError> {
        let Some(person) = note.person.as_deref() else {
            return Ok(());
        };
        if matches!(note.what, What::Outbound | What::Nothing) {
            return Ok(());
        }
        let replies = self.replies.get_or_insert_with(person.as_bytes(), Replies::default)?;
        replies.tenant.clone_from(&note.tenant);
        if let Some(message) = add {
            let (at, number) = (note.at, note.number.as_deref().unwrap_or(UNKNOWN));
            replies.put_note(id, message, at, number, note.what);
        } else {
            replies.remove_inbound(id);
            replies.remove_signal(id);
        }
        if replies.sends.is_empty() && replies.signals.is_empty() && replies.told_unattributed.is_empty() {
            return Ok(());
        }
        self.settle(person)
    }
}

/// Whether a time is among times in their order.
fn has(times: &[Millis], at: Millis) -> bool {
    times.binary_search(&at).is_ok()
}

/// Counts one person in rows of distinct persons.
struct PersonCounter<'a> {
    rows: &'a mut Rows,
    due: &'a mut Timers,
    profiles: &'a mut Profiles,
    zones: &'a mut Zones,
    in_rows: &'a mut InRows,
}

impl PersonCounter<'_> {
    /// Takes back what a send was told as and tells what it is.
    fn replace(&mut self, had: Option<&Told>, told: Option<&Told>) -> Result<(), ProcessorError> {
        let group = |told: &Told| {
            let cohorts = (told.has_replies, told.is_marketing, told.is_authentication);
            (told.profile, told.anchor, cohorts)
        };
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

    /// Calls `count` for the rows of replies and of opt-outs, as far as the send is in their cohorts.
    fn each(
        &mut self,
        told: &Told,
        mut count: impl FnMut(&mut Self, Series, RowSet) -> Result<(), ProcessorError>,
    ) -> Result<(), ProcessorError> {
        let group = self.profiles.get(told.profile)?;
        let windows = self.zones.windows(&group.tenant, told.anchor);
        let cohorts = [
            (Series::Replies, told.has_replies),
            (Series::OptOuts, told.is_marketing),
        ];
        for (series, _) in cohorts.into_iter().filter(|(_, is_member)| *is_member) {
            let set = self
                .rows
                .profile_set(series, &group.tenant, told.profile, || group.groupings(), windows)?;
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
                    counter
                        .rows
                        .apply_person(counter.due, set, counter.in_rows, slot, after)?;
                }
            }
            Ok(())
        })
    }

    fn unattributed(&mut self, tenant: &str, at: Millis, add: bool) -> Result<(), ProcessorError> {
        let windows = self.zones.windows(tenant, at);
        let grouping = vec![("attribution", "none")];
        let set = self
            .rows
            .set(Series::OptOutsUnattributed, tenant, &[grouping], windows)?;
        self.rows
            .apply(self.due, set, &[Change::Horizon(series::replies(false), add)])?;
        self.rows.apply_person(self.due, set, self.in_rows, 0, add)
    }
}
