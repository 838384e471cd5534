//! What is known of a person: the country, and what is grouped by it.

use crate::replies::MessageKey;
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
pub(crate) fn country(
    people: &mut Store<Person>,
    id: Option<&str>,
    told: Option<&str>,
) -> Result<Option<Box<str>>, ProcessorError> {
    let mut survivor: Option<Box<str>> = None;
    for _ in 0..HOPS {
        let Some(id) = survivor.as_deref().or(id) else { break };
        let Some(person) = people.get(id.as_bytes())?.filter(|person| person.revision > 0) else { break };
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
