//! What the registry says about ids that no version of this release has: asked once, and remembered.

use crate::EngineError;
use crate::framing::Unread;
use hilo_contracts::door::{Door, Origin};
use rustc_hash::FxHashMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// An id that no registry knew may be known by now: a registry of several nodes tells all of them a moment later.
const UNKNOWN: Duration = Duration::from_mins(1);
/// A registry that does not answer is left alone for so long: each question waits for its time-out.
const SILENT: Duration = Duration::from_secs(5);
/// Answers that are remembered at most. Ids are a few; somebody who writes garbage may invent millions.
const REMEMBERED: usize = 10_000;

/// Where schemas are looked up by their id.
pub(crate) trait Schemas: Send + Sync {
    /// The text of the schema; `None`: nobody registered one under this id. An error: that is not known now.
    fn text(&self, id: u32) -> Result<Option<String>, EngineError>;
}

#[derive(Clone, Debug)]
enum Answer {
    /// It is this version of the topic's contract, under another id.
    Version(u32),
    Unread(Unread),
}

struct Heard {
    answer: Answer,
    /// `None`: for ever.
    until: Option<Instant>,
}

pub(crate) struct Learned {
    schemas: Box<dyn Schemas>,
    heard: RwLock<FxHashMap<(&'static str, u32), Heard>>,
    /// Until when nobody is asked, and why.
    silent: RwLock<Option<(Instant, String)>>,
}

impl Learned {
    pub(crate) fn new(schemas: Box<dyn Schemas>) -> Self {
        Self {
            schemas,
            heard: RwLock::default(),
            silent: RwLock::default(),
        }
    }

    /// Number of the version of the topic's contract that has this id.
    pub(crate) fn number(&self, door: &Door, topic: &'static str, id: u32) -> Result<u32, Unread> {
        let now = Instant::now();
        let heard = self.heard.read().unwrap_or_else(PoisonError::into_inner);
        let known = heard
            .get(&(topic, id))
            .filter(|heard| heard.until.is_none_or(|until| now < until))
            .map(|heard| heard.answer.clone());
        drop(heard);
        let answer = match known {
            Some(answer) => answer,
            None => self.ask(door, topic, id)?,
        };
        match answer {
            Answer::Version(number) => Ok(number),
            Answer::Unread(unread) => Err(unread),
        }
    }

    fn ask(&self, door: &Door, topic: &'static str, id: u32) -> Result<Answer, Unread> {
        let mut silent = self.silent.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((until, problem)) = &*silent
            && Instant::now() < *until
        {
            return Err(Unread::Waits(unanswered(topic, id, problem)));
        }
        let found = match self.schemas.text(id) {
            Ok(found) => found,
            Err(error) => {
                let problem = error.to_string();
                let waits = Unread::Waits(unanswered(topic, id, &problem));
                *silent = Some((Instant::now() + SILENT, problem));
                return Err(waits);
            }
        };
        *silent = None;
        drop(silent);
        let (answer, until) = judge(door, topic, id, found.as_deref());
        let mut heard = self.heard.write().unwrap_or_else(PoisonError::into_inner);
        if heard.len() >= REMEMBERED {
            heard.clear();
        }
        heard.insert(
            (topic, id),
            Heard {
                answer: answer.clone(),
                until,
            },
        );
        Ok(answer)
    }
}

fn unanswered(topic: &str, id: u32, problem: &str) -> String {
    format!(
        "{topic}: a record has schema id {id}, which this release does not know, and the registry cannot say whose it is: \
         {problem}"
    )
}

/// What a schema means for a topic, and until when that holds.
fn judge(door: &Door, topic: &str, id: u32, text: Option<&str>) -> (Answer, Option<Instant>) {
    let Some(text) = text else {
        let problem = format!("schema id {id} is at no subject of the registry");
        let until = Instant::now() + UNKNOWN;
        return (Answer::Unread(Unread::Foreign(problem)), Some(until));
    };
    let answer = match door.origin(topic, text) {
        Origin::Known(number) => Answer::Version(number),
        Origin::Later => Answer::Unread(Unread::Waits(format!(
            "{topic}: a record has schema id {id}, a later version of the contract than this release reads (it reads up to \
             version {}): roll out readers first; the newer release goes on here, and nothing is lost",
            door.newest(topic).unwrap_or_default()
        ))),
        Origin::Foreign => Answer::Unread(Unread::Foreign(format!("schema id {id} is no version of {topic}"))),
    };
    (answer, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Framing;
    use hilo_contracts::schemas;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    const TOPIC: &str = "hilo.status";

    /// A registry that counts how often it is asked; without texts it does not answer.
    #[derive(Clone, Default)]
    struct Fake {
        texts: Arc<Mutex<Option<FxHashMap<u32, String>>>>,
        asked: Arc<AtomicUsize>,
    }

    impl Schemas for Fake {
        fn text(&self, id: u32) -> Result<Option<String>, EngineError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            match &*self.texts.lock().unwrap() {
                Some(texts) => Ok(texts.get(&id).cloned()),
                None => Err(EngineError::Registry {
                    url: "http://registry".to_owned(),
                    problem: "it does not answer".to_owned(),
                }),
            }
        }
    }

    fn framing(fake: &Fake) -> Framing {
        let versions = hilo_contracts::door::Versions::released().unwrap();
        let door = Door::new(&versions).unwrap();
        Framing::with_versions([(TOPIC, 1, Vec::new())], door, Box::new(fake.clone()))
    }

    fn later() -> String {
        let newest = schemas::latest(TOPIC).unwrap().text;
        let mut file: serde_json::Value = serde_json::from_str(newest).unwrap();
        let field = serde_json::json!({"name": "mood", "type": ["null", "string"], "default": null});
        file["fields"].as_array_mut().unwrap().push(field);
        file.to_string()
    }

    fn value(id: u8) -> Vec<u8> {
        vec![0, 0, 0, 0, id, 7]
    }

    #[test]
    fn the_registry_says_what_becomes_of_an_unknown_id() {
        let fake = Fake::default();
        let texts = FxHashMap::from_iter([
            (2, later()),
            (3, schemas::latest("hilo.metric").unwrap().text.to_owned()),
            (4, schemas::latest(TOPIC).unwrap().text.to_owned()),
        ]);
        *fake.texts.lock().unwrap() = Some(texts);
        let framing = framing(&fake);
        for _ in 0..3 {
            let Err(Unread::Waits(why)) = framing.unwrap(TOPIC, &value(2)) else {
                panic!("a later version is neither read nor buried");
            };
            assert!(why.contains("roll out readers first"), "{why}");
            for foreign in [3, 5] {
                let refused = framing.unwrap(TOPIC, &value(foreign)).unwrap_err();
                assert!(matches!(refused, Unread::Foreign(_)), "{refused:?}");
            }
            // The newest version, registered twice.
            assert_eq!(*framing.unwrap(TOPIC, &value(4)).unwrap(), [7]);
            assert_eq!(*framing.unwrap(TOPIC, &value(1)).unwrap(), [7]);
        }
        assert_eq!(fake.asked.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn a_registry_that_does_not_answer_makes_nothing_foreign() {
        let fake = Fake::default();
        let framing = framing(&fake);
        for id in 2..20 {
            let Err(Unread::Waits(why)) = framing.unwrap(TOPIC, &value(id)) else {
                panic!("what nobody could say is not known");
            };
            assert!(why.contains("does not answer"), "{why}");
        }
        // Not once for each.
        assert_eq!(fake.asked.load(Ordering::Relaxed), 1);
        assert_eq!(*framing.unwrap(TOPIC, &value(1)).unwrap(), [7]);
    }
}
