//! Replies and opt-outs of one person: which sends were answered, and which made the person leave
//! (metric definitions, chapter 3). A function of what is known of the person, whatever came first.

use crate::series::{OPT_OUT_WINDOW, REPLY_WINDOW, STRONG_REPLY, Series};
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A message, as the topics key it.
pub(crate) type MessageKey = [u8; 16];

/// A template or campaign send to the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Send {
    pub message: MessageKey,
    pub profile: u64,
    pub number: Box<str>,
    pub accepted_at: Millis,
    pub delivered_at: Option<Millis>,
    pub is_template: bool,
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

/// What replies and opt-outs need of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replies {
    pub tenant: Box<str>,
    /// By (acceptance, message), each with what was told of it and for which profile and time.
    pub sends: Vec<Send>,
    /// By (time, id).
    pub inbounds: Vec<Inbound>,
    /// In order.
    pub signals: Vec<Signal>,
    pub told: BTreeMap<MessageKey, Told>,
    /// Times of opt-outs without a marketing message before, as told.
    pub told_unattributed: Vec<Millis>,
    /// How often the person stands in each row and slot: a row counts a person once.
    pub in_rows: BTreeMap<[u8; 8], [u32; 3]>,
}

/// What was told of a send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub profile: u64,
    pub anchor: Millis,
    pub is_marketing: bool,
    pub is_authentication: bool,
    pub effects: Effects,
}

impl Replies {
    /// Puts a send in its place, instead of what was known of the message. Whether that is news.
    pub(crate) fn put_send(&mut self, send: Send) -> bool {
        if let Some(had) = self.sends.iter().rposition(|had| had.message == send.message) {
            if self.sends[had] == send {
                return false;
            }
            self.sends.remove(had);
        }
        let order = |send: &Send| (send.accepted_at, send.message);
        let place = self.sends.partition_point(|had| order(had) < order(&send));
        self.sends.insert(place, send);
        true
    }

    pub(crate) fn remove_send(&mut self, message: MessageKey) -> bool {
        let before = self.sends.len();
        self.sends.retain(|had| had.message != message);
        self.sends.len() != before
    }

    pub(crate) fn put_inbound(&mut self, inbound: Inbound) {
        let place = self
            .inbounds
            .partition_point(|had| (had.at, &had.id) < (inbound.at, &inbound.id));
        self.inbounds.insert(place, inbound);
    }

    pub(crate) fn remove_inbound(&mut self, id: &str) {
        self.inbounds.retain(|had| *had.id != *id);
    }

    /// Whether that is news.
    pub(crate) fn put_signal(&mut self, signal: Signal) -> bool {
        if self.signals.contains(&signal) {
            return false;
        }
        self.signals.retain(|had| had.id != signal.id);
        let place = self.signals.partition_point(|had| *had < signal);
        self.signals.insert(place, signal);
        true
    }

    pub(crate) fn remove_signal(&mut self, id: &str) -> bool {
        let before = self.signals.len();
        self.signals.retain(|had| *had.id != *id);
        self.signals.len() != before
    }

    /// What each send led to, in their order, and the times of the opt-outs that follow none.
    pub(crate) fn effects(&self) -> (Vec<Effects>, Vec<Millis>) {
        let mut effects: Vec<Effects> = self
            .sends
            .iter()
            .map(|send| Effects {
                delivered: send.delivered_at.is_some(),
                ..Effects::default()
            })
            .collect();
        let strong_for: Vec<Option<usize>> = self.inbounds.iter().map(|inbound| self.strong_for(inbound)).collect();
        for place in strong_for.iter().flatten() {
            effects[*place].strong = true;
            effects[*place].replied = true;
        }
        for (place, send) in self.sends.iter().enumerate() {
            if !effects[place].replied && self.is_weakly_answered(place, send, &strong_for) {
                effects[place].replied = true;
            }
        }
        let mut unattributed = Vec::new();
        for at in self.opt_outs() {
            let before = self.sends.iter().enumerate().filter_map(|(place, send)| {
                let delivered = send.delivered_at.filter(|_| send.is_marketing)?;
                (delivered < at && at - delivered <= OPT_OUT_WINDOW).then_some((delivered, place))
            });
            match before.max() {
                Some((_, place)) => effects[place].opted_out = true,
                None => unattributed.push(at),
            }
        }
        (effects, unattributed)
    }

    /// The send that a message answers by name, or by a button on the latest delivered template.
    fn strong_for(&self, inbound: &Inbound) -> Option<usize> {
        if inbound.is_opt_out {
            return None;
        }
        let answered = match inbound.reply_to {
            Some(message) => self.sends.iter().position(|send| send.message == message)?,
            None if inbound.is_button => {
                let delivered = self.sends.iter().enumerate().filter_map(|(place, send)| {
                    let delivered = send
                        .delivered_at
                        .filter(|_| send.is_template && send.number == inbound.number)?;
                    (delivered < inbound.at).then_some((delivered, place))
                });
                delivered.max()?.1
            }
            None => return None,
        };
        let delivered = self.sends[answered].delivered_at?;
        (inbound.at - delivered <= STRONG_REPLY).then_some(answered)
    }

    /// Whether the first message after delivery answers the send.
    fn is_weakly_answered(&self, place: usize, send: &Send, strong_for: &[Option<usize>]) -> bool {
        let Some(delivered) = send.delivered_at else {
            return false;
        };
        // Events of one instant have an order: messages in, messages out, statuses. After the delivery is later.
        let start = self.inbounds.partition_point(|inbound| inbound.at <= delivered);
        let first = (start..self.inbounds.len()).find(|index| self.inbounds[*index].number == send.number);
        let Some(first) = first else { return false };
        let inbound = &self.inbounds[first];
        let is_superseded = || {
            self.sends.iter().any(|other| {
                other.is_template
                    && other.number == send.number
                    && delivered < other.accepted_at
                    && other.accepted_at < inbound.at
            })
        };
        inbound.at - delivered <= REPLY_WINDOW
            && !inbound.is_opt_out
            && strong_for[first].is_none_or(|other| other == place)
            && !is_superseded()
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

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_domain::time::{DAY, HOUR, SECOND};

    fn send(id: u8, accepted_at: Millis, delivered_at: Option<Millis>) -> Send {
        Send {
            message: [id; 16],
            profile: 0,
            number: "1".into(),
            accepted_at,
            delivered_at,
            is_template: true,
            is_marketing: true,
            is_authentication: false,
        }
    }

    fn inbound(at: Millis, reply_to: Option<u8>) -> Inbound {
        let id = at.to_string().into();
        let reply_to = reply_to.map(|id| [id; 16]);
        Inbound {
            at,
            id,
            number: "1".into(),
            reply_to,
            is_button: false,
            is_opt_out: false,
        }
    }

    fn told(sends: Vec<Send>, inbounds: Vec<Inbound>) -> Vec<&'static str> {
        let replies = Replies {
            sends,
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
        let signal = |at, is_opt_in| Signal {
            at,
            is_opt_in,
            id: at.to_string().into(),
        };
        let mut replies = Replies {
            sends: vec![send(1, 0, Some(SECOND)), send(2, 2 * DAY, Some(2 * DAY + SECOND))],
            ..Replies::default()
        };
        for (at, is_opt_in) in [(2 * DAY + HOUR, false), (HOUR, false)] {
            assert!(replies.put_signal(signal(at, is_opt_in)));
        }
        let opted_out = |replies: &Replies| replies.effects().0.iter().map(|had| had.opted_out).collect::<Vec<_>>();
        assert_eq!(opted_out(&replies), [true, false]);
        replies.put_signal(signal(DAY, true));
        assert_eq!(opted_out(&replies), [true, true]);
        replies.put_signal(signal(4 * DAY, true));
        replies.put_signal(signal(5 * DAY, false));
        assert_eq!(replies.effects().1, [5 * DAY], "no marketing message in the day before");
    }
}
