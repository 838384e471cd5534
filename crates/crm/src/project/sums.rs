//! What the messages and calls of a person add up to.

use super::{
    Key,
    due::Subject,
    index::Item,
    message::{Counted, Message},
    person::{Sums, Watch},
    processor::Project,
};
use hilo_domain::Millis;
use hilo_stream::ProcessorError;

impl Sums {
    /// A message belongs to the person.
    pub(super) fn enter(&mut self, message: Key, counted: &Counted) {
        self.messages += 1;
        self.tests += u32::from(counted.test);
        self.see(counted.at);
        if counted.customer {
            self.last_inbound = self.last_inbound.max(Some(counted.at));
        } else if !counted.inbound && counted.live {
            self.last_outbound = self.last_outbound.max(Some(counted.at));
        }
        self.window = self.window.max(counted.window);
        if let Some(language) = &counted.language
            && self
                .language
                .as_ref()
                .is_none_or(|(at, key, _)| (*at, *key) < (counted.at, message))
        {
            self.language = Some((counted.at, message, language.clone()));
        }
    }

    /// A message belongs to the person no more. Gives whether the sums rest on it.
    pub(super) fn leave(&mut self, message: Key, counted: &Counted) -> bool {
        self.messages = self.messages.saturating_sub(1);
        self.tests = self.tests.saturating_sub(u32::from(counted.test));
        let at = Some(counted.at);
        self.first_seen == at
            || self.last_inbound == at
            || self.last_outbound == at
            || counted.window.is_some() && self.window == counted.window
            || self.language.as_ref().is_some_and(|(_, key, _)| *key == message)
    }

    /// A customer message answers what was sent before. Gives the sends that it answers first.
    pub(super) fn answer(watches: &mut [Watch], at: Millis) -> Vec<Key> {
        let mut answered = Vec::new();
        for watch in watches.iter_mut().filter(|watch| watch.at <= at) {
            if watch.answered.is_none_or(|had| at < had) {
                watch.answered = Some(at);
                answered.push(watch.message);
            }
        }
        answered
    }

    pub(super) fn see(&mut self, at: Millis) {
        self.first_seen = Some(self.first_seen.map_or(at, |had| had.min(at)));
    }
}

impl Project {
    /// Sums up anew what a person's sums rest on, where something left.
    pub(super) fn sum_up(&mut self, id: &str) -> Result<u64, ProcessorError> {
        let mut sums = Sums::default();
        let mut keys: Vec<Key> = Vec::new();
        for item in self.index.of(id)? {
            match item {
                Item::Session(session) => {
                    for item in self.index.of(&session)? {
                        keys.extend(item.message());
                    }
                    let session = self.sessions.get(session.as_bytes())?;
                    if let Some(state) = session.and_then(|session| session.state.as_ref()) {
                        sums.see(state.opened_at);
                    }
                }
                Item::Event(key) => {
                    let event = self.events.get(&key)?;
                    if let Some(event) = event.filter(|event| event.person.as_deref() == Some(id)) {
                        sums.window = sums.window.max(event.window);
                    }
                }
                item => keys.extend(item.message()),
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let Some(person) = self.people.get_mut(id.as_bytes())? else {
            return Ok(0);
        };
        let had: Vec<Watch> = person.watches.clone();
        for watch in &mut person.watches {
            watch.answered = None;
        }
        for key in &keys {
            let counted = self.messages.get(key)?.and_then(Message::counted);
            let Some(counted) = counted.filter(|counted| counted.person.as_deref() == Some(id)) else {
                continue;
            };
            sums.enter(*key, &counted);
            if counted.customer {
                Sums::answer(&mut person.watches, counted.at);
            }
        }
        person.sums = sums;
        person.stale = false;
        for watch in person.watches.iter().filter(|watch| !had.contains(watch)) {
            self.making.insert((Subject::Message, watch.message.to_vec()));
        }
        Ok(keys.len() as u64)
    }
}
