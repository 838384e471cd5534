//! Which words of a thread answer marketing (metric definitions, chapter 3, "Words").
//!
//! Sends stand in the thread by the time of the send, and a word is judged by the time of delivery. The thread stores how
//! far the two are apart at most, so a search reads only the segments near the word.

use super::{At, Chain, Thread};
use crate::event::Event;
use hilo_contracts::item::Became;
use hilo_domain::Millis;
use hilo_stream::{Context, ProcessorError};
use serde::{Deserialize, Serialize};

/// How far deliveries lie from their sends, at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// After them.
    late: Millis,
    /// Before them: the sender's clock is not the platform's.
    early: Millis,
}

impl Thread {
    /// Notes when a send was delivered.
    pub(crate) fn spread(&mut self, at: Millis, became: Became) {
        if let Some(delivered) = became.delivered_at {
            self.spread.late = self.spread.late.max(delivered - at);
            self.spread.early = self.spread.early.max(at - delivered);
        }
    }

    /// Whether a word answers marketing. If the message that it names is a template of this thread, that decides; else the
    /// latest message that was delivered before the word.
    pub(crate) fn answers_marketing(
        &self,
        at: Millis,
        reply_to: Option<&str>,
        chain: &mut Chain,
        context: &mut Context,
    ) -> Result<bool, ProcessorError> {
        if let Some(named) = reply_to {
            let is_named = |event: &Event| event.is_send() && *event.id == *named;
            if let Some(place) = self.find(Millis::MIN, is_named, chain, context)? {
                let named = self.event(place, chain)?.became();
                if named.marketing || named.template {
                    return Ok(named.marketing);
                }
            }
        }
        self.follows_marketing(at, chain, context)
    }

    /// Whether the latest message of the business that was delivered before a time is marketing. If several were delivered at
    /// once, the one that was sent last decides.
    fn follows_marketing(
        &self,
        before: Millis,
        chain: &mut Chain,
        context: &mut Context,
    ) -> Result<bool, ProcessorError> {
        let (mut latest, mut marketing) = (None, false);
        let mut at: At = None;
        loop {
            let segment = self.segment(at, chain)?;
            let first = segment.events.first().map(|first| first.at);
            // None of these was delivered before.
            let is_later = first.is_some_and(|first| first - self.spread.early >= before);
            if !is_later {
                context.spend(segment.events.len() as u64)?;
                for event in segment.events.iter().filter(|event| event.is_send()) {
                    let became = event.became();
                    let Some(delivered) = became.delivered_at.filter(|delivered| *delivered < before) else {
                        continue;
                    };
                    let order = (delivered, event.at, event.id.clone(), event.key.clone());
                    if latest.as_ref().is_none_or(|had| *had < order) {
                        (latest, marketing) = (Some(order), became.marketing);
                    }
                }
            }
            // What was sent earlier was delivered earlier.
            let is_found = latest
                .as_ref()
                .zip(first)
                .is_some_and(|(latest, first)| first + self.spread.late < latest.0);
            if is_found || segment.before.is_none() {
                return Ok(marketing);
            }
            at = segment.before;
            context.spend(1)?;
        }
    }

    /// Words after a time that opt out only as answers.
    pub(crate) fn words_after(
        &self,
        since: Millis,
        chain: &mut Chain,
        context: &mut Context,
    ) -> Result<Vec<(Millis, u64)>, ProcessorError> {
        let mut words = Vec::new();
        let mut seen = 0;
        self.back(chain, context, |_, segment| {
            seen += segment.events.len() as u64;
            let later = segment.events.iter().filter(|event| event.at > since);
            let answers = later.filter(|event| event.answer.is_some());
            words.extend(answers.map(|event| (event.at, event.fingerprint)));
            segment.events.first().is_none_or(|first| first.at > since)
        })?;
        context.spend(seen)?;
        Ok(words)
    }
}
