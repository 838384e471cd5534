//! What has to be made anew because something that it shows, or belongs to, has changed.

use super::{Key, due::Subject, index::Item, processor::Project};
use hilo_stream::{Context, ProcessorError};

type Done = Result<(), ProcessorError>;

/// Steps from a person to whom they are part of. Each merge is one.
const STEPS: usize = 64;

impl Project {
    /// Whoever this person is part of by now; `None` while nobody knows them, or they are gone.
    pub(super) fn root(&mut self, id: &str) -> Result<Option<String>, ProcessorError> {
        let mut id = id.to_owned();
        for _ in 0..STEPS {
            let Some(who) = self.people.get(id.as_bytes())?.and_then(|person| person.who.as_ref()) else {
                return Ok(None);
            };
            if !who.is.closed {
                return Ok(Some(id));
            }
            match &who.is.survivor {
                Some(survivor) => survivor.as_ref().clone_into(&mut id),
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// All who are part of a person, whoever they came by; sorted.
    pub(super) fn parts_of(&mut self, id: &str) -> Result<Vec<String>, ProcessorError> {
        let mut found: Vec<String> = Vec::new();
        let mut open = vec![id.to_owned()];
        while let Some(next) = open.pop() {
            let Some(person) = self.people.get(next.as_bytes())? else {
                continue;
            };
            for part in &person.absorbed {
                if **part != *id && !found.iter().any(|had| **had == **part) {
                    found.push(part.as_ref().to_owned());
                    open.push(part.as_ref().to_owned());
                }
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    /// A person and those whom they are part of name other aliases.
    pub(super) fn refresh_up(&mut self, id: &str) -> Done {
        let mut id = id.to_owned();
        for _ in 0..STEPS {
            self.due.changed(Subject::Person, id.as_bytes())?;
            let who = self.people.get(id.as_bytes())?.and_then(|person| person.who.as_ref());
            let Some(survivor) = who.and_then(|who| who.is.survivor.as_deref()) else {
                break;
            };
            id = survivor.to_owned();
        }
        Ok(())
    }

    /// A person is somebody else than before: their records, and those of who is part of them.
    pub(super) fn refresh_person(&mut self, id: &str, context: &mut Context) -> Done {
        self.refresh_up(id)?;
        let mut people = self.parts_of(id)?;
        people.push(id.to_owned());
        for id in people {
            self.due.changed(Subject::Person, id.as_bytes())?;
            for item in self.index.of(&id)? {
                match item {
                    Item::Session(session) => {
                        self.due.changed(Subject::Session, session.as_bytes())?;
                        self.refresh_messages(&session, context)?;
                    }
                    Item::Deal(key) => self.due.changed(Subject::Deal, &key)?,
                    Item::Message(key) => self.due.changed(Subject::Message, &key)?,
                    Item::Event(_) => {}
                }
            }
        }
        Ok(())
    }

    /// The messages of a session belong to something else than before.
    pub(super) fn refresh_messages(&mut self, session: &str, context: &mut Context) -> Done {
        let items = self.index.of(session)?;
        context.spend(items.len() as u64)?;
        for key in items.iter().filter_map(Item::message) {
            self.due.changed(Subject::Message, &key)?;
        }
        Ok(())
    }

    /// Deals of a person may follow from another touch.
    pub(super) fn refresh_deals(&mut self, person: &str) -> Done {
        for item in self.index.of(person)? {
            match item {
                Item::Session(session) => self.due.changed(Subject::Session, session.as_bytes())?,
                Item::Deal(key) => self.due.changed(Subject::Deal, &key)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The digest that holds a message says something else.
    pub(super) fn refresh_digest(&mut self, message: &Key) -> Done {
        let counted = self.messages.get(message)?.and_then(super::message::Message::counted);
        if let Some(session) = counted.and_then(|counted| counted.session) {
            self.due.changed(Subject::Session, session.as_bytes())?;
        }
        Ok(())
    }
}
