//! Words that opt out only as answers to marketing: they are judged again when sends of the thread change.

use super::{Conversation, Place, Whose, thread};
use crate::event::{Answer, Event};
use hilo_contracts::item::Became;
use hilo_domain::Millis;
use hilo_stream::{Context, ProcessorError, Store};

/// A word, by its time and fingerprint.
pub(super) type Word = (Millis, u64);

/// A send that arrived, left or changed: which words may depend on it.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// The earliest time at which it was delivered, before or after.
    delivered: Option<Millis>,
    /// Its message, where words that name it may be judged otherwise now.
    named: Option<Box<str>>,
}

impl Touched {
    pub(super) fn by(event: &Event, before: Became) -> Self {
        if !event.is_send() {
            return Self::default();
        }
        let after = event.became();
        let arrived = |became: Became| (became.delivered_at, became.marketing);
        let kind = |became: Became| (became.template, became.marketing);
        let times = before.delivered_at.into_iter().chain(after.delivered_at);
        Self {
            delivered: times.min().filter(|_| arrived(before) != arrived(after)),
            named: (kind(before) != kind(after)).then(|| event.id.clone()),
        }
    }

    /// The send arrived or left. A trace hides the send that it stands for, so words that name either are judged again.
    pub(super) fn by_all(event: &Event) -> Self {
        Self {
            named: event.is_send().then(|| event.id.clone()),
            ..Self::by(event, Became::default())
        }
    }
}

/// Key of the words that name a message.
fn key_of(whose: Whose, message_id: &str) -> Vec<u8> {
    [whose.person, whose.number, message_id].join("\0").into_bytes()
}

/// Stores or removes which message a word names, as the word is put into a thread or taken out.
pub(super) fn note_word(
    named: &mut Store<Vec<Word>>,
    whose: Whose,
    event: &Event,
    is_there: bool,
) -> Result<(), ProcessorError> {
    let Some(message_id) = event.answer.as_ref().and_then(|answer| answer.reply_to.as_deref()) else {
        return Ok(());
    };
    let key = key_of(whose, message_id);
    let words = named.get_or_insert_with(&key, Vec::new)?;
    words.retain(|had| *had != (event.at, event.fingerprint));
    if is_there {
        words.push((event.at, event.fingerprint));
    } else if words.is_empty() {
        named.remove(&key);
    }
    Ok(())
}

impl Conversation {
    /// Judges a word by what the thread knows; gives its place if the judgement changed.
    pub(super) fn judge(
        &mut self,
        whose: Whose,
        word: Word,
        context: &mut Context,
    ) -> Result<Option<Place>, ProcessorError> {
        let Some(person) = self.people.get_mut(whose.person.as_bytes())? else {
            return Ok(None);
        };
        let (thread, mut chain) = thread(person, &mut self.segments, whose.person, whose.number);
        let (at, fingerprint) = word;
        let is_it = |event: &Event| event.at == at && event.fingerprint == fingerprint;
        let Some(place) = thread.find(at, is_it, &mut chain, context)? else {
            return Ok(None);
        };
        let Some(answer) = thread.event(place, &mut chain)?.answer.clone() else {
            return Ok(None);
        };
        let to_marketing = thread.answers_marketing(at, answer.reply_to.as_deref(), &mut chain, context)?;
        if to_marketing == answer.to_marketing {
            return Ok(None);
        }
        let event = thread.event_mut(place, &mut chain)?;
        event.answer = Some(Box::new(Answer {
            to_marketing,
            ..*answer
        }));
        event.told = false;
        Ok(Some(place))
    }

    /// Judges again the words that may depend on changed sends, and publishes those whose judgement changed.
    pub(super) fn judge_again(
        &mut self,
        whose: Whose,
        touched: &[Touched],
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let Some(person) = self.people.get_mut(whose.person.as_bytes())? else {
            return Ok(());
        };
        let (thread, mut chain) = thread(person, &mut self.segments, whose.person, whose.number);
        if !thread.has_words {
            return Ok(());
        }
        let mut words = Vec::new();
        if let Some(since) = touched.iter().filter_map(|touched| touched.delivered).min() {
            words = thread.words_after(since, &mut chain, context)?;
        }
        for named in touched.iter().filter_map(|touched| touched.named.as_deref()) {
            context.spend(1)?;
            words.extend(self.named.get(&key_of(whose, named))?.into_iter().flatten());
        }
        for word in words {
            if let Some(place) = self.judge(whose, word, context)? {
                self.refold(whose, place, place.at, None, context)?;
            }
        }
        Ok(())
    }
}
