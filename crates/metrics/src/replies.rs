//! Replies and opt-outs of one person: which sends were answered, and which made the person leave
//! (metric definitions, chapter 3). A function of what is known of the person, whatever came first.

use crate::{
    notes::What,
    series::{OPT_OUT_WINDOW, REPLY_WINDOW, STRONG_REPLY, Series},
};
use hilo_domain::Millis;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

/// A message, as the topics key it.
pub(crate) type MessageKey = [u8; 16];

/// A send to the person: a template, a campaign's, or marketing of any kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Send {
    pub message: MessageKey,
    pub profile: u64,
    pub number: Box<str>,
    pub accepted_at: Millis,
    pub delivered_at: Option<Millis>,
    pub is_template: bool,
    /// In the cohort of the replies.
    pub has_replies: bool,
    /// In the cohort of the opt-outs.
    pub is_marketing: bool,
    pub is_authentication: bool,
}

/// What a send was told as; what is told no more is taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Effects {
    pub delivered: bool,
    pub replied: bool,
    pub strong: bool,
    pub opted_out: bool,
}

impl Effects {
    /// Slots of a series of persons in which the send counts. Only what was delivered can be answered.
    pub(crate) fn slots(self, series: Series) -> [bool; 3] {
        match series {
            Series::Replies => [self.delivered, self.replied, self.strong],
            _ => [self.delivered, self.opted_out, false],
        }
    }
}

/// A customer message of the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inbound {
    pub at: Millis,
    /// By which messages of one instant are ordered.
    pub message: Box<str>,
    /// Id of the fact: one message is kept once.
    pub id: Box<str>,
    pub number: Box<str>,
    pub reply_to: Option<MessageKey>,
    pub is_button: bool,
    pub is_opt_out: bool,
}

/// The person stopped marketing, or took it up again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Signal {
    pub at: Millis,
    /// `false` before `true`: an opt-out and an opt-in of one instant leave the person in.
    pub is_opt_in: bool,
    /// Id of the fact, or of the send that was refused.
    pub id: Box<str>,
}

/// By row and slot, how many sends of the person stand there.
pub(crate) type InRows = FxHashMap<[u8; 8], [u32; 3]>;

/// What replies and opt-outs need of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replies {
    pub tenant: Box<str>,
    /// By (acceptance, message), each with what was told of it.
    pub sends: Vec<(Send, Option<Told>)>,
    /// What was told of sends that are the person's no more, until it is taken back.
    pub gone: Vec<Told>,
    /// By (time, message).
    pub inbounds: Vec<Inbound>,
    /// In order.
    pub signals: Vec<Signal>,
    /// Times of opt-outs without a marketing message before, as told.
    pub told_unattributed: Vec<Millis>,
    /// How often the person stands in each row and slot: a row counts a person once.
    pub in_rows: InRows,
}

/// What was told of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub profile: u64,
    pub anchor: Millis,
    pub has_replies: bool,
    pub is_marketing: bool,
    pub is_authentication: bool,
    pub effects: Effects,
}

impl Replies {
    /// Puts a send in its place, instead of what was known of the message.
    pub(crate) fn put_send(&mut self, send: Send) {
        let had = self.sends.iter().rposition(|(had, _)| had.message == send.message);
        let told = had.and_then(|had| self.sends.remove(had).1);
        let order = |send: &Send| (send.accepted_at, send.message);
        let place = self.sends.partition_point(|(had, _)| order(had) < order(&send));
        self.sends.insert(place, (send, told));
    }

    pub(crate) fn remove_send(&mut self, message: MessageKey) {
        if let Some(had) = self.sends.iter().rposition(|(had, _)| had.message == message) {
            self.gone.extend(self.sends.remove(had).1);
        }
    }

    /// Puts a message or preference in its place; it is not there yet.
    pub(crate) fn put_note(&mut self, id: &str, message: &str, at: Millis, number: &str, what: What) {
        match what {
            What::Inbound {
                reply_to,
                is_button,
                is_opt_out,
            } => {
                let number = number.into();
                let place = self
                    .inbounds
                    .partition_point(|had| (had.at, &*had.message) < (at, message));
                let inbound = Inbound {
                    at,
                    message: message.into(),
                    id: id.into(),
                    number,
                    reply_to,
                    is_button,
                    is_opt_out,
                };
                self.inbounds.insert(place, inbound);
                if is_opt_out {
                    self.put_signal(at, false, id);
                }
            }
            What::Preference { is_opt_in } => self.put_signal(at, is_opt_in, id),
            What::Outbound | What::Nothing => {}
        }
    }

    pub(crate) fn remove_inbound(&mut self, id: &str) {
        self.inbounds.retain(|had| *had.id != *id);
    }

    pub(crate) fn put_signal(&mut self, at: Millis, is_opt_in: bool, id: &str) {
        let signal = Signal {
            at,
            is_opt_in,
            id: id.into(),
        };
        let place = self.signals.partition_point(|had| *had < signal);
        self.signals.insert(place, signal);
    }

    pub(crate) fn remove_signal(&mut self, id: &str) {
        self.signals.retain(|had| *had.id != *id);
    }

    /// What each send led to, in their order, and the times of the opt-outs that follow none.
    pub(crate) fn effects(&self) -> (Vec<Effects>, Vec<Millis>) {
        let mut effects: Vec<Effects> = self
            .sends
            .iter()
            .map(|(send, _)| Effects {
                delivered: send.delivered_at.is_some(),
                ..Effects::default()
            })
            .collect();
        let strong_for = self.strong_for();
        for place in strong_for.iter().flatten() {
            effects[*place].strong = true;
            effects[*place].replied = true;
        }
        for (place, (send, _)) in self.sends.iter().enumerate() {
            if send.has_replies && !effects[place].replied && self.is_weakly_answered(place, send, &strong_for) {
                effects[place].replied = true;
            }
        }
        let mut unattributed = Vec::new();
        let opt_outs = self.opt_outs();
        if !opt_outs.is_empty() {
            let marketing = self.by_delivery(|send| send.is_marketing);
            for at in opt_outs {
                match latest(&marketing, at).filter(|(delivered, _)| at - delivered <= OPT_OUT_WINDOW) {
                    Some((_, place)) => effects[place].opted_out = true,
                    None => unattributed.push(at),
                }
            }
        }
        (effects, unattributed)
    }

    /// Delivered sends that are `wanted`, by (delivery, place).
    fn by_delivery(&self, wanted: impl Fn(&Send) -> bool) -> Vec<(Millis, usize)> {
        let sends = self.sends.iter().enumerate().filter(|(_, (send, _))| wanted(send));
        let mut delivered: Vec<(Millis, usize)> = sends
            .filter_map(|(place, (send, _))| Some((send.delivered_at?, place)))
            .collect();
        delivered.sort_unstable();
        delivered
    }

    /// How much there is to look at.
    pub(crate) fn length(&self) -> usize {
        self.sends.len() + self.inbounds.len() + self.signals.len()
    }

    /// For each message the send that it answers by name, or by a button on the latest delivered template.
    fn strong_for(&self) -> Vec<Option<usize>> {
        let mut places: FxHashMap<MessageKey, usize> = FxHashMap::default();
        if self.inbounds.iter().any(|inbound| inbound.reply_to.is_some()) {
            places.extend(
                self.sends
                    .iter()
                    .enumerate()
                    .filter(|(_, (send, _))| send.has_replies)
                    .map(|(place, (send, _))| (send.message, place)),
            );
        }
        let mut templates: FxHashMap<&str, Vec<(Millis, usize)>> = FxHashMap::default();
        if self
            .inbounds
            .iter()
            .any(|inbound| inbound.is_button && inbound.reply_to.is_none())
        {
            for (delivered, place) in self.by_delivery(|send| send.is_template) {
                templates
                    .entry(&self.sends[place].0.number)
                    .or_default()
                    .push((delivered, place));
            }
        }
        let answered = |inbound: &Inbound| {
            let place = match inbound.reply_to {
                _ if inbound.is_opt_out => return None,
                Some(message) => *places.get(&message)?,
                None if inbound.is_button => latest(templates.get(&*inbound.number)?, inbound.at)?.1,
                None => return None,
            };
            let delivered = self.sends[place].0.delivered_at?;
            (inbound.at - delivered <= STRONG_REPLY).then_some(place)
        };
        self.inbounds.iter().map(answered).collect()
    }

    /// Whether the first message after delivery answers the send.
    fn is_weakly_answered(&self, place: usize, send: &Send, strong_for: &[Option<usize>]) -> bool {
        let Some(delivered) = send.delivered_at else {
            return false;
        };
        // Events of one instant have an order: messages in, messages out, statuses. After the delivery is later.
        let start = self.inbounds.partition_point(|inbound| inbound.at <= delivered);
        let soon = |(inbound, _): &(&Inbound, &Option<usize>)| inbound.at - delivered <= REPLY_WINDOW;
        let after = self.inbounds[start..].iter().zip(&strong_for[start..]);
        let mut after = after.take_while(soon);
        let Some((inbound, strong_for)) = after.find(|(inbound, _)| inbound.number == send.number) else {
            return false;
        };
        let is_superseded = || {
            // A send log knows milliseconds, a status whole seconds: a send may be accepted after its own delivery.
            let later = self.sends.partition_point(|(other, _)| other.accepted_at <= delivered);
            let later = later.max(place + 1);
            let mut between = self.sends[later..]
                .iter()
                .take_while(|(other, _)| other.accepted_at < inbound.at);
            between.any(|(other, _)| other.is_template && other.number == send.number)
        };
        !inbound.is_opt_out && strong_for.is_none_or(|other| other == place) && !is_superseded()
    }

    /// Opt-outs that count: the first, and the first after each new opt-in.
    fn opt_outs(&self) -> Vec<Millis> {
        let mut is_out = false;
        let mut counted = Vec::new();
        for signal in &self.signals {
            if !signal.is_opt_in && !is_out {
                counted.push(signal.at);
            }
            is_out = !signal.is_opt_in;
        }
        counted
    }
}

/// The last of `delivered` before a time.
fn latest(delivered: &[(Millis, usize)], at: Millis) -> Option<(Millis, usize)> {
    let before = delivered.partition_point(|(delivered, _)| *delivered < at);
    delivered[..before].last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_domain::time::{DAY, HOUR, SECOND};
    use proptest::prelude::*;

    fn send(id: u8, accepted_at: Millis, delivered_at: Option<Millis>) -> Send {
        Send {
            message: [id; 16],
            profile: 0,
            number: "1".into(),
            accepted_at,
            delivered_at,
            is_template: true,
            has_replies: true,
            is_marketing: true,
            is_authentication: false,
        }
    }

    fn inbound(at: Millis, reply_to: Option<u8>) -> Inbound {
        let id: Box<str> = at.to_string().into();
        let reply_to = reply_to.map(|id| [id; 16]);
        Inbound {
            at,
            message: id.clone(),
            id,
            number: "1".into(),
            reply_to,
            is_button: false,
            is_opt_out: false,
        }
    }

    fn told(sends: Vec<Send>, inbounds: Vec<Inbound>) -> Vec<&'static str> {
        let replies = Replies {
            sends: sends.into_iter().map(|send| (send, None)).collect(),
            inbounds,
            ..Replies::default()
        };
        let name = |effects: &Effects| match (effects.replied, effects.strong) {
            (true, true) => "strong",
            (true, false) => "weak",
            _ => "none",
        };
        replies.effects().0.iter().map(name).collect()
    }

    #[test]
    fn a_strong_reply_counts_for_seven_days_and_a_weak_one_for_one() {
        let sends = || vec![send(1, 0, Some(SECOND))];
        assert_eq!(told(sends(), vec![inbound(SECOND + 7 * DAY, Some(1))]), ["strong"]);
        assert_eq!(told(sends(), vec![inbound(SECOND + 7 * DAY + 1, Some(1))]), ["none"]);
        assert_eq!(told(sends(), vec![inbound(SECOND + DAY, None)]), ["weak"]);
        assert_eq!(told(sends(), vec![inbound(SECOND + DAY + 1, None)]), ["none"]);
        assert_eq!(
            told(sends(), vec![inbound(SECOND, None)]),
            ["none"],
            "not after the delivery"
        );
        assert_eq!(
            told(vec![send(1, 0, None)], vec![inbound(HOUR, Some(1))]),
            ["none"],
            "never delivered"
        );
    }

    #[test]
    fn a_later_template_takes_the_weak_reply() {
        let sends = vec![send(1, 0, Some(SECOND)), send(2, HOUR, Some(HOUR + SECOND))];
        assert_eq!(told(sends.clone(), vec![inbound(2 * HOUR, None)]), ["none", "weak"]);
        assert_eq!(told(sends, vec![inbound(HOUR / 2, None)]), ["weak", "none"]);
    }

    #[test]
    fn a_send_is_not_later_than_itself() {
        let sends = vec![send(1, 58, Some(0))];
        assert_eq!(told(sends, vec![inbound(4 * SECOND, None)]), ["weak"]);
    }

    #[test]
    fn a_reply_that_names_another_send_is_no_weak_one() {
        let campaign = Send {
            is_template: false,
            ..send(2, HOUR, Some(HOUR + SECOND))
        };
        let sends = vec![send(1, 0, Some(SECOND)), campaign];
        assert_eq!(
            told(sends.clone(), vec![inbound(2 * HOUR, Some(2))]),
            ["none", "strong"]
        );
        assert_eq!(
            told(sends, vec![inbound(2 * HOUR, Some(9))]),
            ["weak", "weak"],
            "of a message out of the cohort"
        );
    }

    #[test]
    fn a_button_without_context_answers_the_latest_template_of_its_number() {
        let other = Send {
            number: "2".into(),
            ..send(3, HOUR, Some(HOUR + SECOND))
        };
        let sends = vec![send(1, 0, Some(SECOND)), send(2, 60 * SECOND, Some(61 * SECOND)), other];
        let button = Inbound {
            is_button: true,
            ..inbound(2 * HOUR, None)
        };
        assert_eq!(told(sends, vec![button]), ["none", "strong", "none"]);
    }

    #[test]
    fn an_opt_out_is_no_reply_and_counts_once_until_an_opt_in() {
        let stop = Inbound {
            is_opt_out: true,
            ..inbound(HOUR, None)
        };
        assert_eq!(told(vec![send(1, 0, Some(SECOND))], vec![stop]), ["none"]);
        let put = |replies: &mut Replies, at: Millis, is_opt_in| replies.put_signal(at, is_opt_in, &at.to_string());
        let mut replies = Replies {
            sends: vec![
                (send(1, 0, Some(SECOND)), None),
                (send(2, 2 * DAY, Some(2 * DAY + SECOND)), None),
            ],
            ..Replies::default()
        };
        for (at, is_opt_in) in [(2 * DAY + HOUR, false), (HOUR, false)] {
            put(&mut replies, at, is_opt_in);
        }
        let opted_out = |replies: &Replies| replies.effects().0.iter().map(|had| had.opted_out).collect::<Vec<_>>();
        assert_eq!(opted_out(&replies), [true, false]);
        put(&mut replies, DAY, true);
        assert_eq!(opted_out(&replies), [true, true]);
        put(&mut replies, 4 * DAY, true);
        put(&mut replies, 5 * DAY, false);
        assert_eq!(replies.effects().1, [5 * DAY], "no marketing message in the day before");
    }

    /// By looking at every send for every message and opt-out, as the definitions say it.
    fn naive(replies: &Replies) -> (Vec<Effects>, Vec<Millis>) {
        let sends: Vec<&Send> = replies.sends.iter().map(|(send, _)| send).collect();
        let last_before = |at: Millis, wanted: &dyn Fn(&Send) -> bool| {
            let before = |place: &usize| sends[*place].delivered_at.is_some_and(|delivered| delivered < at);
            let fits = (0..sends.len()).filter(|place| wanted(sends[*place])).filter(before);
            fits.max_by_key(|place| (sends[*place].delivered_at, *place))
        };
        let strong = |inbound: &Inbound| {
            let place = match inbound.reply_to {
                _ if inbound.is_opt_out => None,
                Some(message) => sends
                    .iter()
                    .position(|send| send.message == message && send.has_replies),
                None if inbound.is_button => {
                    last_before(inbound.at, &|send| send.is_template && send.number == inbound.number)
                }
                None => None,
            };
            let delivered = |place: &usize| {
                sends[*place]
                    .delivered_at
                    .is_some_and(|at| inbound.at - at <= STRONG_REPLY)
            };
            place.filter(delivered)
        };
        let mut effects: Vec<Effects> = Vec::new();
        for (place, send) in sends.iter().enumerate() {
            let is_strong = replies.inbounds.iter().any(|inbound| strong(inbound) == Some(place));
            let first = send.delivered_at.and_then(|delivered| {
                let mut after = replies.inbounds.iter().filter(|inbound| inbound.at > delivered);
                let first = after.find(|inbound| inbound.number == send.number)?;
                let superseded = sends[place + 1..].iter().any(|other| {
                    other.is_template
                        && other.number == send.number
                        && other.accepted_at > delivered
                        && other.accepted_at < first.at
                });
                let in_time = first.at - delivered <= REPLY_WINDOW;
                let other = strong(first).is_none_or(|other| other == place);
                (in_time && !first.is_opt_out && other && !superseded).then_some(())
            });
            effects.push(Effects {
                delivered: send.delivered_at.is_some(),
                strong: is_strong,
                replied: is_strong || send.has_replies && first.is_some(),
                opted_out: false,
            });
        }
        let mut unattributed = Vec::new();
        for at in replies.opt_outs() {
            let sent = last_before(at, &|send| send.is_marketing);
            match sent.filter(|place| {
                sends[*place]
                    .delivered_at
                    .is_some_and(|sent| at - sent <= OPT_OUT_WINDOW)
            }) {
                Some(place) => effects[place].opted_out = true,
                None => unattributed.push(at),
            }
        }
        (effects, unattributed)
    }

    proptest! {
        #[test]
        fn effects_are_those_of_a_look_at_all(
            sent in prop::collection::vec((0..40i64, prop::option::of(-1..12i64), 0..16u8), 0..12),
            received in prop::collection::vec((0..60i64, prop::option::of(0..12u8), 0..8u8), 0..14),
            signals in prop::collection::vec((0..60i64, any::<bool>()), 0..4),
        ) {
            let step = 5 * HOUR;
            let mut replies = Replies::default();
            for (place, (at, delivered, flags)) in sent.into_iter().enumerate() {
                replies.put_send(Send {
                    number: if flags & 1 == 0 { "1" } else { "2" }.into(),
                    // A template is always in the cohort of the replies.
                    is_template: flags & 2 == 0,
                    has_replies: flags & 2 == 0 || flags & 8 == 0,
                    is_marketing: flags & 4 == 0,
                    ..send(place as u8, at * step, delivered.map(|later| (at + later) * step))
                });
            }
            for (place, (at, reply_to, flags)) in received.into_iter().enumerate() {
                let what = What::Inbound {
                    reply_to: reply_to.map(|id| [id; 16]),
                    is_button: flags & 2 == 0,
                    is_opt_out: flags & 0b1100 == 0b0100,
                };
                let number = if flags & 1 == 0 { "1" } else { "2" };
                replies.put_note(&place.to_string(), &place.to_string(), at * step, number, what);
            }
            for (place, (at, is_opt_in)) in signals.into_iter().enumerate() {
                replies.put_signal(at * step, is_opt_in, &format!("s{place}"));
            }
            prop_assert_eq!(replies.effects(), naive(&replies));
        }
    }
}
