//! A log of facts, written by hand.

use crate::Placed;
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::{
        Account, AuthorRef, Consent, Conversation, IdentifierSpan, Identity, Session, Status, Subject, TemplateRef,
    },
    topics,
};
use hilo_domain::{Millis, time::parse_rfc3339};
use hilo_stream::Record;
use std::collections::BTreeMap;

pub(super) fn at(text: &str) -> Millis {
    parse_rfc3339(text).unwrap()
}

/// Facts in the order in which they were written, with their offsets.
#[derive(Default)]
pub(super) struct Log {
    pub records: Vec<Placed>,
    next: BTreeMap<&'static str, i64>,
}

impl Log {
    fn push(&mut self, topic: &'static str, key: &str, value: Vec<u8>) {
        let offset = self.next.entry(topic).or_default();
        let record = Record {
            topic,
            key: key.as_bytes().to_vec(),
            value,
            timestamp: 0,
        };
        self.records.push(Placed {
            partition: 0,
            offset: *offset,
            record,
        });
        *offset += 1;
    }

    pub(super) fn identity(&mut self, fact: &Identity) {
        self.push(
            topics::IDENTITY,
            &fact.person_id,
            codec::identity().encode(fact).unwrap(),
        );
    }

    pub(super) fn conversation(&mut self, fact: &Conversation) {
        let key = fact.person_id.clone().unwrap_or_default();
        self.push(topics::CONVERSATION, &key, codec::conversation().encode(fact).unwrap());
    }

    pub(super) fn consent(&mut self, fact: &Consent) {
        self.push(topics::CONSENT, &fact.person_id, codec::consent().encode(fact).unwrap());
    }

    pub(super) fn status(&mut self, fact: &Status) {
        let key = format!("{}/{}", fact.tenant, fact.message_id);
        self.push(topics::STATUS, &key, codec::status().encode(fact).unwrap());
    }

    pub(super) fn account(&mut self, fact: &Account) {
        self.push(
            topics::ACCOUNT,
            &fact.subject.id,
            codec::account().encode(fact).unwrap(),
        );
    }
}

/// A person with identifiers as (kind, value, former).
pub(super) fn person(id: &str, revision: i64, country: &str, identifiers: &[(&str, &str, bool)]) -> Identity {
    Identity {
        event_id: format!("{id}-{revision}"),
        tenant: "acme".into(),
        event_time: 1_000 + revision,
        kind: "linked".into(),
        person_id: id.into(),
        revision,
        identifiers: identifiers
            .iter()
            .map(|(kind, value, former)| IdentifierSpan {
                kind: (*kind).into(),
                value: (*value).into(),
                valid_from: Some(0),
                valid_to: former.then_some(500),
            })
            .collect(),
        country: Some(country.into()),
        rule: "together".into(),
        confidence: 1.0,
        ..Identity::default()
    }
}

pub(super) fn received(id: &str, person: &str, at: Millis, session: Option<&str>) -> Conversation {
    Conversation {
        event_id: format!("received-{id}"),
        tenant: "acme".into(),
        event_time: at,
        kind: "message_received".into(),
        revision: 1,
        person_id: Some(person.into()),
        conversation_id: Some(format!("thread-{person}")),
        session_id: session.map(Into::into),
        phone_number_id: Some("210000000000001".into()),
        message_id: Some(id.into()),
        message_type: Some("text".into()),
        direction: Some("inbound".into()),
        author: Some(AuthorRef {
            kind: "customer".into(),
            id: None,
        }),
        content: Some(format!("{{\"id\":\"{id}\"}}")),
        ..Conversation::default()
    }
}

pub(super) fn sent(id: &str, person: &str, at: Millis, session: Option<&str>, agent: Option<&str>) -> Conversation {
    Conversation {
        event_id: format!("sent-{id}"),
        kind: "message_sent".into(),
        direction: Some("outbound".into()),
        author: Some(AuthorRef {
            kind: "agent".into(),
            id: agent.map(Into::into),
        }),
        ..received(id, person, at, session)
    }
}

pub(super) fn session(id: &str, person: &str, revision: i64, session: Session) -> Conversation {
    Conversation {
        event_id: format!("{id}-{revision}"),
        tenant: "acme".into(),
        event_time: session.opened_at,
        kind: "session_changed".into(),
        revision,
        person_id: Some(person.into()),
        conversation_id: Some(format!("thread-{person}")),
        session_id: Some(id.into()),
        phone_number_id: Some("210000000000001".into()),
        session: Some(session),
        ..Conversation::default()
    }
}

pub(super) fn event(id: &str, person: &str, kind: &str, at: Millis, content: Option<&str>) -> Conversation {
    Conversation {
        event_id: id.into(),
        tenant: "acme".into(),
        event_time: at,
        kind: kind.into(),
        revision: 1,
        person_id: Some(person.into()),
        content: content.map(Into::into),
        ..Conversation::default()
    }
}

/// What became of an outbound line.
pub(super) fn accepted(id: &str, revision: i64, at: Millis) -> Status {
    Status {
        event_id: format!("{id}-{revision}"),
        tenant: "acme".into(),
        event_time: at,
        kind: "accepted".into(),
        revision,
        message_id: id.into(),
        accepted_at: Some(at),
        message_type: "text".into(),
        accepted: true,
        ..Status::default()
    }
}

pub(super) fn template(name: &str, language: &str) -> TemplateRef {
    TemplateRef {
        name: name.into(),
        language: Some(language.into()),
        category: Some("marketing".into()),
    }
}

pub(super) fn observation(subject: &str, kind: &str, revision: i64, at: Millis, quality: &str) -> Account {
    Account {
        event_id: format!("{subject}-{kind}-{revision}"),
        tenant: "acme".into(),
        event_time: at,
        kind: kind.into(),
        revision,
        subject: Subject {
            kind: "template".into(),
            id: subject.into(),
        },
        quality: Some(quality.into()),
        ..Account::default()
    }
}
