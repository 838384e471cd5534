//! What is kept of a message: who told of it, what became of it, and what changed it later.

use super::{
    Key, event,
    said::{Ad, Said},
    trail::Trail,
};
use hilo_contracts::{
    facts::{Conversation, Status},
    item::CUSTOMER,
};
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};

/// Edits of one message that are kept, the latest ones.
const EDITS: usize = 32;

/// What told of a message, the first that counts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum By {
    Outbound,
    Received,
    Echo,
    History,
}

/// A message, by all that was told under its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    pub tenant: Box<str>,
    pub id: Box<str>,
    /// At most one of each kind, in their order.
    pub parts: Vec<Part>,
    pub sent: Option<Sent>,
    /// Edits and revocations of it, by time and message id.
    pub edits: Vec<(Millis, Box<str>)>,
    pub revocations: Vec<(Millis, Box<str>)>,
    /// Whether an entry of the timeline was told.
    pub told: bool,
    /// Rules whose task was told.
    pub tasks: Vec<Box<str>>,
    pub trail: Trail,
}

/// A message as one of those who told of it has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub by: By,
    pub revision: i64,
    source: Key,
    pub at: Millis,
    /// Type as received.
    pub kind: Box<str>,
    pub change: Change,
    pub inbound: bool,
    /// A message of a customer, as the metric definitions count them.
    pub customer: bool,
    pub group: bool,
    pub person: Option<Box<str>>,
    pub session: Option<Box<str>>,
    pub conversation: Option<Box<str>>,
    pub author: Box<str>,
    pub agent: Option<Box<str>>,
    pub template: Option<Template>,
    pub campaign: Option<Box<str>>,
    pub window: Option<Millis>,
    pub test: bool,
    /// Its content; that is told once.
    pub said: Option<Box<Said>>,
}

/// What a message does to another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Change {
    Nothing,
    Edits(Box<str>),
    Revokes(Box<str>),
}

/// Template of a send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Template {
    pub name: Box<str>,
    pub language: Option<Box<str>>,
}

/// What became of a send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    revision: i64,
    pub accepted: bool,
    pub at: Option<Millis>,
    pub kind: Box<str>,
    pub status: Option<Box<str>>,
    pub error: Option<Box<str>>,
    pub read_at: Option<Millis>,
    pub failed_at: Option<Millis>,
    pub person: Option<Box<str>>,
    pub author: Box<str>,
    pub agent: Option<Box<str>>,
    pub template: Option<Template>,
    pub campaign: Option<Box<str>>,
    pub test: bool,
}

/// What a message counts as for its person and session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub person: Option<Box<str>>,
    pub session: Option<Box<str>>,
    pub at: Millis,
    pub inbound: bool,
    pub customer: bool,
    /// Told when it was written, not from a history.
    pub live: bool,
    pub window: Option<Millis>,
    /// Language of its template.
    pub language: Option<Box<str>>,
    /// A template that was sent: its answer may be waited for.
    pub template: bool,
    /// By which ad or token somebody came.
    pub ad: Option<Ad>,
    pub token: Option<Box<str>>,
    pub test: bool,
}

fn boxed(text: Option<&String>) -> Option<Box<str>> {
    text.map(|text| text.as_str().into())
}

fn template(told: Option<&hilo_contracts::facts::TemplateRef>) -> Option<Template> {
    told.map(|template| Template {
        name: template.name.as_str().into(),
        language: boxed(template.language.as_ref()),
    })
}

impl Part {
    /// The part that a fact about a message is.
    pub(super) fn of(fact: &Conversation, said: Option<Said>) -> Self {
        let outbound = fact.direction.as_deref() == Some("outbound");
        // A send is told by a line, an echo by a webhook.
        let by = match (fact.kind.as_str(), outbound) {
            ("message_history", _) => By::History,
            (_, true) if fact.source.entry < 0 => By::Outbound,
            (_, true) => By::Echo,
            _ => By::Received,
        };
        let target = || boxed(fact.reply_to.as_ref());
        let change = match fact.kind.as_str() {
            "message_edited" => target().map(Change::Edits),
            "message_revoked" => target().map(Change::Revokes),
            _ => None,
        };
        let author = fact.author.as_ref();
        Self {
            by,
            revision: fact.revision,
            source: event::source(fact),
            at: fact.event_time,
            kind: fact.message_type.as_deref().unwrap_or("unknown").into(),
            change: change.unwrap_or(Change::Nothing),
            inbound: !outbound,
            customer: fact.kind == "message_received"
                && fact.group_id.is_none()
                && author.is_none_or(|author| author.kind == CUSTOMER),
            group: fact.group_id.is_some(),
            person: boxed(fact.person_id.as_ref()),
            session: boxed(fact.session_id.as_ref()),
            conversation: boxed(fact.conversation_id.as_ref()),
            author: author.map_or("unknown", |author| author.kind.as_str()).into(),
            agent: author.and_then(|author| boxed(author.id.as_ref())),
            template: template(fact.template.as_ref()),
            campaign: boxed(fact.campaign.as_ref()),
            window: fact.window_expires_at,
            test: fact.test,
            said: said.map(Box::new),
        }
    }

    /// Whether it is no message but a change of one, or says nothing of its own.
    fn is_other(&self) -> bool {
        matches!(
            (&*self.kind, self.by),
            ("edit" | "revoke", By::Outbound | By::Received | By::Echo)
                | ("reaction" | "system" | "request_welcome", By::Received)
        )
    }

    /// Whether it is no entry of a conversation, whoever told of it.
    fn is_no_message(&self) -> bool {
        matches!(
            &*self.kind,
            "reaction" | "edit" | "revoke" | "system" | "request_welcome"
        )
    }

    /// Whether what came says only that something came.
    pub(super) fn is_stand_in(&self) -> bool {
        matches!(&*self.kind, "unsupported" | "media_placeholder" | "unknown")
    }
}

impl Message {
    /// Takes a part in: of one kind the higher revision holds, and content stays with its occurrence. Gives whether that
    /// changed anything.
    pub(super) fn tell(&mut self, mut part: Part) -> bool {
        let Some(place) = self.parts.iter().position(|had| had.by == part.by) else {
            let place = self.parts.partition_point(|had| had.by < part.by);
            self.parts.insert(place, part);
            return true;
        };
        let had = &mut self.parts[place];
        let same = had.source == part.source;
        if part.revision > had.revision {
            if part.said.is_none() && same {
                part.said = had.said.take();
            }
            *had = part;
            return true;
        }
        if same && had.said.is_none() && part.said.is_some() {
            had.said = part.said;
            return true;
        }
        false
    }

    /// Takes in what became of it: the highest revision holds. Gives whether that changed anything.
    pub(super) fn became(&mut self, fact: &Status) -> bool {
        if self.sent.as_ref().is_some_and(|had| had.revision >= fact.revision) {
            return false;
        }
        let author = fact.author.as_ref();
        self.sent = Some(Sent {
            revision: fact.revision,
            accepted: fact.accepted,
            at: fact.accepted_at.or(fact.first_status_at),
            kind: fact.message_type.as_str().into(),
            status: boxed(fact.effective_status.as_ref()),
            error: boxed(fact.error_class.as_ref()),
            read_at: fact.read_at,
            failed_at: fact.failed_at,
            person: boxed(fact.person_id.as_ref()),
            author: author.map_or("unknown", |author| author.kind.as_str()).into(),
            agent: author.and_then(|author| boxed(author.id.as_ref())),
            template: template(fact.template.as_ref()),
            campaign: boxed(fact.campaign.as_ref()),
            test: fact.test,
        });
        true
    }

    /// An edit or revocation names it, or no more.
    pub(super) fn change(&mut self, edits: bool, change: (Millis, Box<str>), is_here: bool) {
        let list = if edits { &mut self.edits } else { &mut self.revocations };
        match (list.binary_search(&change), is_here) {
            (Err(place), true) => {
                list.insert(place, change);
                if list.len() > EDITS {
                    list.remove(0);
                }
            }
            (Ok(place), false) => drop(list.remove(place)),
            _ => {}
        }
    }

    /// The part that gives its details: as the golden record's view of messages chooses.
    pub(super) fn main(&self) -> Option<&Part> {
        let first = self.parts.first()?;
        if first.by == By::History {
            return Some(first);
        }
        self.parts
            .iter()
            .find(|part| part.by != By::History && !part.is_other())
    }

    /// What it says: its own content, else that of another description of it.
    pub(super) fn said(&self) -> Option<&Said> {
        let main = self.main()?;
        let own = main.said.as_deref();
        if main.is_stand_in() || own.is_none_or(Said::is_empty) {
            let others = self.parts.iter().filter_map(|part| part.said.as_deref());
            return others.clone().find(|said| !said.is_empty()).or(own);
        }
        own
    }

    /// What it does to another message: whether it edits, which one, and when.
    pub(super) fn changes(&self) -> Option<(bool, &str, Millis)> {
        self.parts.iter().find_map(|part| match &part.change {
            Change::Edits(target) => Some((true, target.as_ref(), part.at)),
            Change::Revokes(target) => Some((false, target.as_ref(), part.at)),
            Change::Nothing => None,
        })
    }

    /// Text of an edit.
    pub(super) fn new_text(&self) -> Option<&Said> {
        let edit = self.parts.iter().find(|part| matches!(part.change, Change::Edits(_)))?;
        edit.said.as_deref()
    }

    /// What it counts as.
    pub(super) fn counted(&self) -> Option<Counted> {
        let Some(main) = self.main() else {
            let sent = self
                .sent
                .as_ref()
                .filter(|sent| sent.accepted && self.parts.is_empty())?;
            return Some(Counted {
                person: sent.person.clone(),
                at: sent.at?,
                live: true,
                language: sent.template.as_ref().and_then(|template| template.language.clone()),
                template: sent.template.is_some(),
                test: sent.test,
                ..Counted::default()
            });
        };
        if main.is_no_message() {
            return None;
        }
        let said = main.said.as_deref().filter(|_| main.customer);
        Some(Counted {
            person: main.person.clone(),
            session: main.session.clone(),
            at: main.at,
            inbound: main.inbound,
            customer: main.customer,
            live: main.by != By::History,
            window: main.window,
            language: main.template.as_ref().and_then(|template| template.language.clone()),
            template: main.template.is_some() && main.by == By::Outbound,
            ad: said.and_then(|said| said.ad.clone()),
            token: said.and_then(|said| said.token.clone()),
            test: main.test,
        })
    }
}
