//! What is known of a person: the country, and what is grouped by it.

use crate::{Metrics, members::Sent, replies::MessageKey, sessions::Known};
use hilo_contracts::facts::Identity;
use hilo_stream::{ProcessorError, Store};
use serde::{Deserialize, Serialize};

/// A person absorbed by another is followed so far; identity never chains that long.
const HOPS: usize = 16;

/// A person as it rests in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// Of the identity fact that holds; 0: none has come.
    pub revision: i64,
    pub country: Option<Box<str>>,
    /// Who absorbed this person: that one's country counts.
    pub survivor: Option<Box<str>>,
    /// People whom this one absorbed.
    pub absorbed: Vec<Box<str>>,
    /// Sends to the person.
    pub messages: Vec<MessageKey>,
    /// Ids of the person's sessions.
    pub sessions: Vec<Box<str>>,
}

/// The country of a person: as identity has it now, else as the fact had it.
pub(crate) fn country_of(
    people: &mut Store<Person>,
    id: Option<&str>,
    told: Option<&str>,
) -> Result<Option<Box<str>>, ProcessorError> {
    let mut survivor: Option<Box<str>> = None;
    for _ in 0..HOPS {
        let Some(id) = survivor.as_deref().or(id) else { break };
        let Some(person) = people.get(id.as_bytes())?.filter(|person| person.revision > 0) else {
            break;
        };
        if person.survivor.is_none() {
            return Ok(person.country.clone());
        }
        survivor.clone_from(&person.survivor);
    }
    Ok(told.map(Box::from))
}

/// The person and everybody whom they absorbed, directly or not.
pub(crate) fn with_absorbed(people: &mut Store<Person>, id: &str) -> Result<Vec<Box<str>>, ProcessorError> {
    let mut all: Vec<Box<str>> = vec![id.into()];
    let mut place = 0;
    while let Some(id) = all.get(place).cloned() {
        if let Some(person) = people.get(id.as_bytes())? {
            for absorbed in &person.absorbed {
                if !all.contains(absorbed) {
                    all.push(absorbed.clone());
                }
            }
        }
        place += 1;
    }
    Ok(all)
}

impl Metrics {
    pub(crate) fn identity(&mut self, fact: &Identity) -> Result<(), ProcessorError> {
        self.see_fact(fact.event_time, fact.ingest_time)?;
        let person = self
            .people
            .get_or_insert_with(fact.person_id.as_bytes(), Person::default)?;
        if fact.revision <= person.revision {
            return Ok(());
        }
        let country: Option<Box<str>> = fact.country.as_deref().map(Box::from);
        let survivor: Option<Box<str>> = fact
            .other_person_id
            .as_deref()
            .filter(|_| fact.kind == "closed")
            .map(Box::from);
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
        for id in with_absorbed(&mut self.people, &fact.person_id)? {
            self.regroup(&id)?;
        }
        Ok(())
    }

    /// Counts what belongs to a person under the country that they have now.
    pub(crate) fn regroup(&mut self, id: &str) -> Result<(), ProcessorError> {
        let Some(person) = self.people.get(id.as_bytes())? else {
            return Ok(());
        };
        if person.messages.is_empty() && person.sessions.is_empty() {
            return Ok(());
        }
        self.work += (person.messages.len() + person.sessions.len()) as u64;
        let (messages, sessions) = (person.messages.clone(), person.sessions.clone());
        for message in messages {
            let Some(had) = self.sends.get(&message)?.cloned() else {
                continue;
            };
            let country = country_of(&mut self.people, had.person.as_deref(), had.country.as_deref())?;
            let profile = self.profiles.with_country(had.profile, country.as_deref())?;
            if profile != had.profile {
                let sent = Sent { profile, ..had.clone() };
                self.resettle(message, &had, &sent)?;
                self.sends.put(&message, sent);
            }
        }
        for session in sessions {
            let Some(had) = self.sessions.get(session.as_bytes())?.cloned() else {
                continue;
            };
            let country = country_of(&mut self.people, had.person.as_deref(), had.country.as_deref())?;
            let known = Known {
                counted_country: country.map(String::from),
                ..had.clone()
            };
            if known != had {
                self.replace_session(Some(&had), &known)?;
                self.sessions.put(session.as_bytes(), known);
            }
        }
        Ok(())
    }
}
