//! Facts by hand, a mapping that shows every source, and a driver that feeds them.

use hilo_contracts::{
    codec::{self, Codec as _},
    details::{Ad, Deal, Details, HandOff, InboxEvent},
    facts::{
        AuthorRef, Clock, Consent, Conversation, CrmRecord, IdentifierSpan, Identity, Session, Source, Status,
        TemplateRef,
    },
    keys, topics,
};
use hilo_crm::{
    Config, Target,
    campaigns::Campaigns,
    mapping::Mappings,
    spec,
    values::{Kind, Object, SOURCES, source},
};
use hilo_domain::{Millis, hash, time::parse_rfc3339};
use hilo_stream::{ProcessorError, Record, TestDriver, TopicKind, TopicSpec, Topology};
use std::collections::BTreeMap;

pub(crate) const NUMBER: &str = "106500000000001";
pub(crate) const CAMPAIGNS: &str = r#"
"120211" = { campaign = "cyber", source = "facebook", medium = "cpc", content = "video" }
"120300" = { campaign = "otono", source = "instagram" }
"IG-42" = { campaign = "bio", source = "instagram", medium = "link" }
"#;

pub(crate) fn at(text: &str) -> Millis {
    parse_rfc3339(&format!("2026-{text}Z")).unwrap()
}

/// Properties that HubSpot refuses a record without.
const NEEDED: [(&str, &str); 12] = [
    ("ticket", "[ticket.fields.subject]\nfrom = [\"ticket.subject\"]\n"),
    ("ticket", "[ticket.fields.hs_pipeline]\nvalue = \"0\"\n"),
    ("ticket", "[ticket.fields.hs_pipeline_stage]\nvalue = \"1\"\n"),
    ("deal", "[deal.fields.dealname]\nfrom = [\"deal.name\"]\n"),
    ("deal", "[deal.fields.pipeline]\nvalue = \"0\"\n"),
    ("deal", "[deal.fields.dealstage]\nvalue = \"1\"\n"),
    (
        "communication",
        "[communication.fields.hs_communication_channel_type]\nvalue = \"WHATS_APP\"\n",
    ),
    (
        "communication",
        "[communication.fields.hs_communication_logged_from]\nvalue = \"CRM\"\n",
    ),
    (
        "communication",
        "[communication.fields.hs_communication_body]\nfrom = [\"communication.body\"]\n",
    ),
    (
        "communication",
        "[communication.fields.hs_timestamp]\nfrom = [\"communication.at\"]\n",
    ),
    ("task", "[task.fields.hs_task_subject]\nfrom = [\"task.subject\"]\n"),
    ("task", "[task.fields.hs_timestamp]\nfrom = [\"task.due_at\"]\n"),
];

/// A mapping with a property `s_NAME` for each source of an object, and `who_name` of its person; `rest` has the policy and
/// the rules.
pub(crate) fn showing_all(rest: &str) -> String {
    let mut text = format!("schema_version = 1\nname = \"all\"\nportal.currencies = [\"CLP\"]\n{rest}\n");
    for object in Object::ALL.map(Object::as_str) {
        for (_, fields) in NEEDED.iter().filter(|(of, _)| *of == object) {
            text.push_str(fields);
        }
        for source in SOURCES.iter().filter(|source| source.object() == object) {
            let name = source.name.split_once('.').unwrap().1;
            text.push_str(&shows(object, &format!("s_{name}"), source.name));
        }
        if object != "contact" {
            text.push_str(&shows(object, "who_name", "contact.name"));
        }
    }
    text
}

/// A property of ours that shows a source.
fn shows(object: &str, property: &str, name: &str) -> String {
    let rest = match source(name).unwrap().kind {
        Kind::Text | Kind::Word => "type = \"string\"",
        Kind::Number => "type = \"number\"",
        Kind::Flag => "type = \"bool\"",
        Kind::Time => "type = \"datetime\"",
        Kind::List => "type = \"string\"\ntransform = [\"join:,\"]",
        Kind::Money => "type = \"number\"\ntransform = [\"amount\"]",
    };
    format!("[{object}.fields.{property}]\nfrom = [\"{name}\"]\n{rest}\nlabel = \"x\"\n")
}

/// Properties that show of their contact and ticket what changes with each message.
pub(crate) fn reaching() -> String {
    let all = [
        ("ticket", "who_messages", "contact.messages"),
        ("deal", "who_last", "contact.last_inbound_at"),
        ("communication", "who_touch", "contact.first_touch_campaign"),
        ("communication", "ticket_status", "ticket.status"),
        ("task", "ticket_first", "ticket.first_text"),
    ];
    all.map(|(object, property, name)| shows(object, property, name))
        .concat()
}

pub(crate) fn target(rest: &str) -> Target {
    let files = vec![("mapping.toml".to_owned(), showing_all(rest))];
    Target {
        sink: "hubspot".to_owned(),
        mappings: Mappings::parse(&files).unwrap_or_else(|findings| panic!("{findings}")),
        campaigns: Campaigns::parse(CAMPAIGNS).unwrap(),
    }
}

pub(crate) fn config(rest: &str) -> Config {
    Config {
        tenants: BTreeMap::from([("acme".to_owned(), target(rest))]),
        others: None,
    }
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
    let inputs = [topics::IDENTITY, topics::CONVERSATION, topics::STATUS, topics::CONSENT].map(input);
    let topology = Topology::new(inputs.to_vec(), vec![spec(config)]).unwrap();
    TestDriver::all(&topology, |_, reason, _| {
        Err(ProcessorError::Contract(reason.to_owned()))
    })
    .unwrap()
}

/// A record as a reader has it: without what depends on when it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub kind: String,
    pub alias_of: Option<String>,
    pub adopt_id: Option<String>,
    pub person: Option<String>,
    pub fields: BTreeMap<String, String>,
    pub belongs_to: Vec<(String, String)>,
    pub rule: Option<String>,
    pub test: bool,
}

impl Held {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    pub(crate) fn time(&self, name: &str) -> Option<Millis> {
        let text = self.get(name)?;
        Some(text.parse().ok().or_else(|| parse_rfc3339(text)).unwrap())
    }
}

pub(crate) type Records = BTreeMap<(String, String), Held>;

/// All records that were told.
pub(crate) fn told(driver: &TestDriver) -> Vec<CrmRecord> {
    let decode = |record: &Record| codec::crm_record().decode(&record.value).unwrap();
    driver.topic(topics::CRM_RECORD).map(decode).collect()
}

/// The records that stand: the highest revision of each, without what is deleted.
pub(crate) fn standing(driver: &TestDriver) -> Records {
    let mut last: BTreeMap<(String, String), CrmRecord> = BTreeMap::new();
    for record in told(driver) {
        let key = (record.object.clone(), record.record_key.clone());
        let had = last.insert(key, record.clone());
        assert_eq!(
            had.map_or(0, |had| had.revision) + 1,
            record.revision,
            "revisions count up"
        );
    }
    let held = |record: CrmRecord| Held {
        kind: record.kind,
        alias_of: record.alias_of,
        adopt_id: record.adopt_id,
        person: record.person_id,
        fields: record
            .fields
            .into_iter()
            .filter_map(|field| Some((field.name, field.value?)))
            .collect(),
        belongs_to: record
            .associations
            .into_iter()
            .map(|one| (one.object, one.record_key))
            .collect(),
        rule: record.rule,
        test: record.test,
    };
    let stand = last.into_iter().filter(|(_, record)| record.kind != "deleted");
    stand.map(|(key, record)| (key, held(record))).collect()
}

/// Key of a record of tenant acme.
pub(crate) fn key(object: Object, natural: &[&str]) -> String {
    hilo_crm::record_key("acme", object, natural)
}

pub(crate) fn of<'a>(records: &'a Records, object: Object, natural: &[&str]) -> Option<&'a Held> {
    records.get(&(object.as_str().to_owned(), key(object, natural)))
}

/// What a tick at `now` makes of facts.
pub(crate) fn made(config: &Config, facts: &[Fact], now: Millis) -> Records {
    let mut driver = driver(config);
    driver.pipe_all(facts.iter().map(Fact::record)).unwrap();
    driver.tick(now).unwrap();
    standing(&driver)
}

#[derive(Clone, Debug)]
pub(crate) enum Fact {
    Identity(Box<Identity>),
    Conversation(Box<Conversation>),
    Status(Box<Status>),
    Consent(Box<Consent>),
}

impl Fact {
    pub(crate) fn record(&self) -> Record {
        let (topic, key, value, timestamp) = match self {
            Self::Identity(fact) => (
                topics::IDENTITY,
                fact.person_id.clone().into_bytes(),
                codec::identity().encode(fact).unwrap(),
                fact.event_time,
            ),
            Self::Conversation(fact) => (
                topics::CONVERSATION,
                fact.person_id.clone().unwrap_or_default().into_bytes(),
                codec::conversation().encode(fact).unwrap(),
                fact.event_time,
            ),
            Self::Status(fact) => (
                topics::STATUS,
                keys::message(&fact.tenant, &fact.message_id),
                codec::status().encode(fact).unwrap(),
                fact.event_time,
            ),
            Self::Consent(fact) => (
                topics::CONSENT,
                fact.person_id.clone().into_bytes(),
                codec::consent().encode(fact).unwrap(),
                fact.event_time,
            ),
        };
        Record {
            topic,
            key,
            value,
            timestamp,
        }
    }
}

/// An identifier: kind, value, since when, until when.
pub(crate) type Known<'a> = (&'a str, &'a str, &'a str, Option<&'a str>);

pub(crate) fn identity(id: &str, revision: i64, known: &[Known]) -> Identity {
    Identity {
        event_id: format!("identity-{id}-{revision}"),
        tenant: "acme".to_owned(),
        event_time: at("05-01T00:00:00"),
        ingest_time: at("05-01T00:00:01"),
        kind: "observed".to_owned(),
        person_id: id.to_owned(),
        revision,
        identifiers: known
            .iter()
            .map(|(kind, value, from, to)| IdentifierSpan {
                kind: (*kind).to_owned(),
                value: (*value).to_owned(),
                valid_from: Some(at(from)),
                valid_to: to.map(at),
            })
            .collect(),
        country: Some("CL".to_owned()),
        ..Identity::default()
    }
}

pub(crate) fn is(fact: Identity) -> Fact {
    Fact::Identity(Box::new(fact))
}

/// Ana, with a name and a number.
pub(crate) fn ana() -> Fact {
    is(Identity {
        name: Some("Ana Pérez Soto".to_owned()),
        ..identity("ana", 1, &[("phone", "+56961234567", "05-01T00:00:00", None)])
    })
}

/// A person who became part of another one.
pub(crate) fn closed(id: &str, revision: i64, survivor: Option<&str>) -> Fact {
    is(Identity {
        kind: "closed".to_owned(),
        other_person_id: survivor.map(str::to_owned),
        ..identity(id, revision, &[])
    })
}

fn conversation(event_id: String, person: &str, at: Millis) -> Conversation {
    Conversation {
        event_id,
        tenant: "acme".to_owned(),
        event_time: at,
        ingest_time: at + 500,
        revision: 1,
        person_id: Some(person.to_owned()),
        conversation_id: Some(format!("thread-{person}")),
        phone_number_id: Some(NUMBER.to_owned()),
        ..Conversation::default()
    }
}

/// A text that a customer wrote.
pub(crate) fn received(id: &str, person: &str, session: &str, at: Millis, text: &str) -> Conversation {
    Conversation {
        kind: "message_received".to_owned(),
        source: Source {
            delivery_id: format!("delivery-{id}"),
            ..Source::default()
        },
        session_id: Some(session.to_owned()).filter(|id| !id.is_empty()),
        message_id: Some(id.to_owned()),
        message_type: Some("text".to_owned()),
        direction: Some("inbound".to_owned()),
        author: Some(AuthorRef {
            kind: "customer".to_owned(),
            id: None,
        }),
        window_expires_at: Some(at + 86_400_000),
        content: Some("{}".to_owned()),
        details: Some(Box::new(Details {
            text: Some(text.to_owned()).filter(|text| !text.is_empty()),
            ..Details::default()
        })),
        ..conversation(format!("message-{id}"), person, at)
    }
}

/// A text that came by an ad.
pub(crate) fn clicked(id: &str, person: &str, session: &str, at: Millis, ad: &str) -> Conversation {
    let mut fact = received(id, person, session, at, "Hola, vi el aviso");
    fact.details.as_mut().unwrap().ad = Some(Ad {
        source_id: Some(ad.to_owned()),
        ctwa_clid: Some(format!("click-{id}")),
        ..Ad::default()
    });
    fact
}

/// A message of the business, told by a line.
pub(crate) fn sent(
    id: &str,
    person: &str,
    session: &str,
    at: Millis,
    author: (&str, &str),
    text: &str,
) -> Conversation {
    Conversation {
        kind: "message_sent".to_owned(),
        direction: Some("outbound".to_owned()),
        author: Some(AuthorRef {
            kind: author.0.to_owned(),
            id: Some(author.1.to_owned()),
        }),
        source: Source {
            delivery_id: format!("delivery-{id}"),
            entry: -1,
            change: -1,
            item: -1,
        },
        window_expires_at: None,
        ..received(id, person, session, at, text)
    }
}

/// A template of a campaign.
pub(crate) fn template(id: &str, person: &str, at: Millis, name: &str, language: &str) -> Conversation {
    Conversation {
        message_type: Some("template".to_owned()),
        template: Some(TemplateRef {
            name: name.to_owned(),
            language: Some(language.to_owned()),
            category: Some("utility".to_owned()),
        }),
        campaign: Some("c1".to_owned()),
        ..sent(id, person, "", at, ("campaign", "c1"), "")
    }
}

/// The same fact told again, as upstream tells it: without content.
pub(crate) fn again(fact: &Conversation, revision: i64) -> Conversation {
    Conversation {
        revision,
        content: None,
        details: None,
        ..fact.clone()
    }
}

/// An event of the inbox.
pub(crate) fn inbox(id: &str, kind: &str, person: &str, session: &str, at: Millis, tags: &[&str]) -> Conversation {
    Conversation {
        kind: kind.to_owned(),
        session_id: Some(session.to_owned()).filter(|id| !id.is_empty()),
        source: Source {
            delivery_id: format!("delivery-{id}"),
            entry: -1,
            change: -1,
            item: -1,
        },
        content: Some("{}".to_owned()),
        details: Some(Box::new(Details {
            inbox: Some(InboxEvent {
                tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
                ..InboxEvent::default()
            }),
            ..Details::default()
        })),
        ..conversation(format!("event-{id}"), person, at)
    }
}

/// A hand-off of a bot that found out what the customer wants.
pub(crate) fn handed_off(id: &str, person: &str, session: &str, at: Millis, intent: &str) -> Conversation {
    let mut fact = inbox(id, "handed_off", person, session, at, &[]);
    fact.details.as_mut().unwrap().hand_off = Some(HandOff {
        intent: Some(intent.to_owned()),
        ..HandOff::default()
    });
    fact
}

/// An event of a CRM about a deal.
pub(crate) fn deal(id: &str, kind: &str, person: &str, at: Millis, deal: Deal) -> Conversation {
    let mut fact = inbox(id, kind, person, "", at, &[]);
    **fact.details.as_mut().unwrap() = Details {
        deal: Some(deal),
        ..Details::default()
    };
    fact
}

/// A session that a customer opened and nobody answered.
pub(crate) fn waiting(opened_at: Millis) -> Session {
    let clock = Clock {
        started_at: opened_at,
        ..Clock::default()
    };
    Session {
        opened_at,
        opened_by: "customer".to_owned(),
        first_customer_at: Some(opened_at),
        frt_human: Some(clock.clone()),
        frt_any: Some(clock.clone()),
        turns: vec![clock],
        ..Session::default()
    }
}

/// The same, answered by a person.
pub(crate) fn answered(session: Session, at: Millis, agent: &str) -> Session {
    let clock = Clock {
        started_at: session.opened_at,
        stopped_at: Some(at),
        agent: Some(agent.to_owned()),
        agent_started_at: Some(session.opened_at),
    };
    Session {
        frt_human: Some(clock.clone()),
        frt_any: Some(clock.clone()),
        turns: vec![clock],
        agent: Some(agent.to_owned()),
        answered_by_human: true,
        owners: vec![agent.to_owned()],
        ..session
    }
}

/// The same, over.
pub(crate) fn over(session: Session, at: Millis, reason: &str) -> Session {
    Session {
        closed_at: Some(at),
        close_reason: Some(reason.to_owned()),
        turns: session
            .turns
            .into_iter()
            .filter(|turn| turn.stopped_at.is_some())
            .collect(),
        ..session
    }
}

pub(crate) fn session(id: &str, person: &str, revision: i64, session: Session) -> Conversation {
    Conversation {
        kind: "session_changed".to_owned(),
        ingest_time: 0,
        revision,
        session_id: Some(id.to_owned()),
        event_time: session.closed_at.unwrap_or(session.opened_at),
        session: Some(session),
        ..conversation(format!("session-{id}-{revision}"), person, 0)
    }
}

/// A session that was none.
pub(crate) fn retracted(id: &str, person: &str, revision: i64, had: Session) -> Conversation {
    Conversation {
        kind: "session_retracted".to_owned(),
        ..session(id, person, revision, had)
    }
}

pub(crate) fn told_of(fact: Conversation) -> Fact {
    Fact::Conversation(Box::new(fact))
}

/// What became of a send so far.
pub(crate) fn status(id: &str, person: &str, revision: i64, status: Option<&str>, at: Millis) -> Status {
    let is = |names: &[&str]| status.is_some_and(|status| names.contains(&status)).then_some(at);
    Status {
        event_id: format!("status-{id}-{revision}"),
        tenant: "acme".to_owned(),
        event_time: at,
        ingest_time: at,
        kind: "status".to_owned(),
        revision,
        message_id: id.to_owned(),
        status: status.map(str::to_owned),
        effective_status: status.map(str::to_owned),
        delivered_at: is(&["delivered", "read"]),
        read_at: is(&["read"]),
        failed_at: is(&["failed"]),
        first_status_at: status.map(|_| at),
        message_type: "text".to_owned(),
        person_id: Some(person.to_owned()),
        accepted: true,
        ..Status::default()
    }
}

pub(crate) fn became(status: Status) -> Fact {
    Fact::Status(Box::new(status))
}

/// An entry of the consent ledger.
pub(crate) fn consent(id: &str, person: &str, at: Millis, (state, effective): (&str, &str), method: &str) -> Consent {
    Consent {
        event_id: format!("consent-{id}"),
        tenant: "acme".to_owned(),
        event_time: at,
        ingest_time: at,
        kind: "entry".to_owned(),
        person_id: person.to_owned(),
        revision: 1,
        entry_id: id.to_owned(),
        channel: "whatsapp".to_owned(),
        purpose: "marketing".to_owned(),
        state: state.to_owned(),
        effective: effective.to_owned(),
        method: method.to_owned(),
        subjects: vec![hash::id("subject", &[person.as_bytes()])],
        ..Consent::default()
    }
}

pub(crate) fn said(consent: Consent) -> Fact {
    Fact::Consent(Box::new(consent))
}
