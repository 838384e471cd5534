//! Facts by hand, and a driver that feeds them.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod example;

use hilo_contracts::{
    codec::{self, Codec as _},
    facts::{Account, Clock, Conversation, ErrorRef, Identity, Metric, Session, Status, Subject, TemplateRef},
    keys, topics,
};
use hilo_domain::{ErrorClass, Millis, StatusFold, time::parse_rfc3339};
use hilo_metrics::{Config, spec, table::Table};
use hilo_stream::{ProcessorError, Record, TestDriver, TopicKind, TopicSpec, Topology};

pub(crate) const NUMBER: &str = "210000000000001";

pub(crate) fn at(text: &str) -> Millis {
    parse_rfc3339(&format!("2026-{text}Z")).unwrap()
}

pub(crate) fn driver(config: &Config) -> TestDriver {
    let input = |name| TopicSpec {
        name,
        kind: TopicKind::Raw,
        key: "any",
        schema: Some(name),
        kept: "for the test",
        doc: "Facts.",
    };
    let inputs = [topics::IDENTITY, topics::CONVERSATION, topics::STATUS, topics::ACCOUNT]
        .map(input)
        .to_vec();
    let topology = Topology::new(inputs, vec![spec(config).unwrap()]).unwrap();
    TestDriver::all(&topology, |_, reason, _| {
        Err(ProcessorError::Contract(reason.to_owned()))
    })
    .unwrap()
}

/// The rows that a driver published, folded.
pub(crate) fn rows(driver: &TestDriver) -> Vec<Metric> {
    let mut table = Table::default();
    for record in driver.topic(topics::METRIC) {
        table.apply(codec::metric().decode(&record.value).unwrap());
    }
    table.rows().cloned().collect()
}

/// What a tick at the end makes of facts.
pub(crate) fn replay(facts: &[Fact], now: Millis) -> Vec<Metric> {
    let mut driver = driver(&Config::default());
    driver.pipe_all(facts.iter().map(Fact::record)).unwrap();
    driver.tick(now).unwrap();
    rows(&driver)
}

#[derive(Clone, Debug)]
pub(crate) enum Fact {
    Identity(Identity),
    Conversation(Box<Conversation>),
    Status(Box<Status>),
    Account(Account),
}

impl Fact {
    pub(crate) fn record(&self) -> Record {
        let (topic, key, value, timestamp) = match self {
            Self::Identity(fact) => {
                let key = fact.person_id.clone().into_bytes();
                (
                    topics::IDENTITY,
                    key,
                    codec::identity().encode(fact).unwrap(),
                    fact.event_time,
                )
            }
            Self::Conversation(fact) => {
                let key = fact.person_id.clone().unwrap_or_default().into_bytes();
                (
                    topics::CONVERSATION,
                    key,
                    codec::conversation().encode(fact).unwrap(),
                    fact.event_time,
                )
            }
            Self::Status(fact) => {
                let key = keys::message(&fact.tenant, &fact.message_id);
                (
                    topics::STATUS,
                    key,
                    codec::status().encode(fact).unwrap(),
                    fact.event_time,
                )
            }
            Self::Account(fact) => {
                let key = fact.subject.id.clone().into_bytes();
                (
                    topics::ACCOUNT,
                    key,
                    codec::account().encode(fact).unwrap(),
                    fact.event_time,
                )
            }
        };
        Record {
            topic,
            key,
            value,
            timestamp,
        }
    }
}

pub(crate) fn person(tenant: &str, id: &str, country: &str, revision: i64) -> Fact {
    Fact::Identity(Identity {
        event_id: format!("identity-{id}-{revision}"),
        tenant: tenant.to_owned(),
        kind: "observed".to_owned(),
        person_id: id.to_owned(),
        revision,
        country: Some(country.to_owned()),
        ..Identity::default()
    })
}

/// A send with the statuses that came of it, as the status processor tells them one by one.
pub(crate) struct Sent {
    pub(crate) accepted: Option<Status>,
    statuses: Vec<(String, Millis, Vec<i64>)>,
    base: Status,
}

impl Sent {
    pub(crate) fn new(tenant: &str, id: &str, person: &str) -> Self {
        let base = Status {
            tenant: tenant.to_owned(),
            message_id: id.to_owned(),
            person_id: Some(person.to_owned()),
            phone_number_id: Some(if tenant == "beta" { "220000000000001" } else { NUMBER }.to_owned()),
            message_type: "text".to_owned(),
            orphan: true,
            ..Status::default()
        };
        Self {
            accepted: None,
            statuses: Vec::new(),
            base,
        }
    }

    pub(crate) fn accepted(mut self, at: Millis) -> Self {
        self.accepted = Some(Status {
            accepted_at: Some(at),
            accepted: true,
            ..self.base.clone()
        });
        self
    }

    pub(crate) fn template(mut self, name: &str, language: &str, category: &str) -> Self {
        let template = TemplateRef {
            name: name.to_owned(),
            language: Some(language.to_owned()),
            category: Some(category.to_owned()),
        };
        let accepted = self.accepted.as_mut().unwrap();
        accepted.template = Some(template);
        accepted.category = Some(category.to_owned());
        self
    }

    pub(crate) fn campaign(mut self, name: &str, segment: &str) -> Self {
        let accepted = self.accepted.as_mut().unwrap();
        accepted.campaign = Some(name.to_owned());
        accepted.segment = Some(segment.to_owned());
        self
    }

    pub(crate) fn status(mut self, name: &str, at: Millis, codes: &[i64]) -> Self {
        self.statuses.push((name.to_owned(), at, codes.to_vec()));
        self
    }

    /// One fact for the send and one for each status, with rising revisions; `late`: the send becomes known last.
    pub(crate) fn facts(self, late: bool) -> Vec<Fact> {
        let Self {
            accepted,
            statuses,
            base,
        } = self;
        let mut occasions: Vec<Option<(String, Millis, Vec<i64>)>> = statuses.into_iter().map(Some).collect();
        if accepted.is_some() {
            occasions.insert(if late { occasions.len() } else { 0 }, None);
        }
        let mut fold = StatusFold::default();
        let mut known: Option<&Status> = None;
        let mut facts = Vec::new();
        for (revision, occasion) in (1..).zip(occasions) {
            let event_time = if let Some((name, at, codes)) = &occasion {
                fold.add(name, *at, codes);
                *at
            } else {
                known = accepted.as_ref();
                accepted.as_ref().and_then(|fact| fact.accepted_at).unwrap()
            };
            let error_class = fold.error_class().map(|class: ErrorClass| class.as_str().to_owned());
            facts.push(Fact::Status(Box::new(Status {
                event_id: format!("{}-{revision}", base.message_id),
                event_time,
                kind: if occasion.is_some() { "status" } else { "accepted" }.to_owned(),
                revision,
                effective_status: fold.effective().map(str::to_owned),
                sent_at: fold.sent,
                delivered_at: fold.delivered_at(),
                read_at: fold.read_at(),
                played_at: fold.played,
                failed_at: fold.failed,
                opted_out_at: fold.opted_out,
                first_status_at: fold.earliest,
                errors: fold
                    .error_codes
                    .iter()
                    .map(|code| ErrorRef {
                        code: Some(*code),
                        ..ErrorRef::default()
                    })
                    .collect(),
                error_codes: fold.error_codes.clone(),
                error_class,
                orphan: known.is_none(),
                ..known.unwrap_or(&base).clone()
            })));
        }
        facts
    }
}

pub(crate) fn received(tenant: &str, id: &str, person: &str, at: Millis, reply_to: Option<&str>) -> Conversation {
    Conversation {
        event_id: format!("message-{id}"),
        tenant: tenant.to_owned(),
        event_time: at,
        kind: "message_received".to_owned(),
        revision: 1,
        person_id: Some(person.to_owned()),
        phone_number_id: Some(if tenant == "beta" { "220000000000001" } else { NUMBER }.to_owned()),
        message_id: Some(id.to_owned()),
        message_type: Some("text".to_owned()),
        direction: Some("inbound".to_owned()),
        reply_to: reply_to.map(str::to_owned),
        ..Conversation::default()
    }
}

pub(crate) fn preference(tenant: &str, id: &str, person: &str, at: Millis, kind: &str) -> Conversation {
    Conversation {
        kind: kind.to_owned(),
        message_id: None,
        message_type: None,
        direction: None,
        opt_out: kind == "opt_out",
        ..received(tenant, id, person, at, None)
    }
}

pub(crate) fn conversation(fact: Conversation) -> Fact {
    Fact::Conversation(Box::new(fact))
}

/// A session that a customer opened and nobody answered.
pub(crate) fn session(opened_at: Millis) -> Session {
    let clock = Clock {
        started_at: opened_at,
        ..Clock::default()
    };
    Session {
        opened_at,
        opened_by: "customer".to_owned(),
        first_customer_at: Some(opened_at),
        frt_human: Some(clock.clone()),
        frt_any: Some(clock),
        ..Session::default()
    }
}

pub(crate) fn clock(start: Millis, stop: Millis, agent: Option<&str>, agent_start: Millis) -> Clock {
    Clock {
        started_at: start,
        stopped_at: Some(stop),
        agent: agent.map(str::to_owned),
        agent_started_at: Some(agent_start),
    }
}

pub(crate) fn closed(session: Session, at: Millis, reason: &str) -> Session {
    Session {
        closed_at: Some(at),
        close_reason: Some(reason.to_owned()),
        ..session
    }
}

pub(crate) fn told(tenant: &str, person: &str, revision: i64, session: Session) -> Fact {
    conversation(Conversation {
        event_id: format!("session-{person}-{}-{revision}", session.opened_at),
        kind: if session.closed_at.is_some() {
            "session_closed"
        } else {
            "session_opened"
        }
        .to_owned(),
        event_time: session.closed_at.unwrap_or(session.opened_at),
        revision,
        session_id: Some(format!("{person}-{}", session.opened_at)),
        message_id: None,
        message_type: None,
        direction: None,
        session: Some(session),
        ..received(tenant, "", person, 0, None)
    })
}

pub(crate) fn account(id: &str, at: Millis, subject: (&str, &str), quality: Option<&str>, limit: Option<i64>) -> Fact {
    Fact::Account(Account {
        event_id: id.to_owned(),
        tenant: "acme".to_owned(),
        event_time: at,
        kind: if limit.is_some() { "limit" } else { "number_snapshot" }.to_owned(),
        revision: 1,
        subject: Subject {
            kind: subject.0.to_owned(),
            id: subject.1.to_owned(),
        },
        waba_id: Some("310000000000001".to_owned()),
        quality: quality.map(str::to_owned),
        limit,
        limit_told: limit.is_some(),
        ..Account::default()
    })
}
