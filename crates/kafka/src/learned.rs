//! What the registry says about ids that no version of this release has. It is asked once for each, and the answer is kept.

use crate::EngineError;
use crate::framing::Unread;
use hilo_contracts::door::{Door, Origin};
use rustc_hash::FxHashMap;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// An id that was not registered is asked for again after this: the nodes of a registry learn of a new id one after the other.
const UNKNOWN: Duration = Duration::from_mins(1);
/// A registry that did not answer is asked again after this. Each question would wait for its time-out.
const SILENT: Duration = Duration::from_secs(5);
/// Answers that are kept at most. Registries have few ids, but a producer of garbage may invent millions.
const KEPT: usize = 10_000;

/// Where schemas are looked up by their id.
pub(crate) trait Schemas: Send + Sync {
    /// The text of the schema; `None`: the id is not registered. An error: the registry did not answer that.
    fn text(&self, id: u32) -> Result<Option<String>, EngineError>;
}

/// The version of the topic's contract that an id means, or why its values give no datum.
type Answer = Result<u32, Unread>;

struct Heard {
    answer: Answer,
    /// Until when it holds. `None`: for ever.
    until: Option<Instant>,
}

pub(crate) struct Learned {
    schemas: Box<dyn Schemas>,
    heard: RwLock<FxHashMap<(&'static str, u32), Heard>>,
    /// Until when the registry is not asked, and why.
    silent: Mutex<Option<(Instant, String)>>,
}

impl Learned {
    pub(crate) fn new(schemas: Box<dyn Schemas>) -> Self {
        Self {
            schemas,
            heard: RwLock::default(),
            silent: Mutex::default(),
        }
    }

    /// Number of the version of the topic's contract that has this id.
    pub(crate) fn number(&self, door: &Door, topic: &'static str, id: u32) -> Answer {
        let now = Instant::now();
        let heard = self.heard.read().unwrap_or_else(PoisonError::into_inner);
        let known = heard
            .get(&(topic, id))
            .filter(|heard| heard.until.is_none_or(|until| now < until))
            .map(|heard| heard.answer.clone());
        drop(heard);
        known.unwrap_or_else(|| self.ask(door, topic, id))
    }

    fn ask(&self, door: &Door, topic: &'static str, id: u32) -> Answer {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
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
        if heard.len() >= KEPT {
            heard.clear();
        }
        heard.insert(
            (topic, id),
            Heard {
                answer: answer.clone(),
                until,
            },
        );
        answer
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
        return (Err(Unread::Foreign(problem)), Some(until));
    };
    let answer = match door.origin(topic, text) {
        Origin::Known(number) => Ok(number),
        Origin::Later => Err(Unread::Waits(format!(
            "{topic}: a record has schema id {id}, a later version of the contract than this release reads (it reads up to \
             version {}): roll out readers first; the newer release goes on here, and nothing is lost",
            door.newest(topic).unwrap_or_default()
        ))),
        Origin::Foreign => Err(Unread::Foreign(format!("schema id {id} is no version of {topic}"))),
    };
    (answer, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Framing;
    use hilo_contracts::schemas;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

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
