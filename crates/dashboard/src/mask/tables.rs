//! The table: topic or golden table, path → how it is shown. Most of it is derived from the contracts: the type of a field,
//! its `pii` mark, and the words that its documentation lists.

use super::{Of, crm, rules::Rules, shown::Shown, words};
use hilo_contracts::{schemas, topics};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

type Paths = BTreeMap<String, Shown>;

/// Nothing is known of it: all texts by length.
static NOTHING: LazyLock<Rules> = LazyLock::new(Rules::default);

static TOPICS: LazyLock<BTreeMap<String, Rules>> = LazyLock::new(|| {
    let subjects: BTreeSet<&str> = schemas::all()
        .unwrap_or_default()
        .iter()
        .map(|version| version.subject)
        .collect();
    subjects
        .into_iter()
        .map(|subject| (subject.to_owned(), Rules::new(topic(subject))))
        .collect()
});

static ROWS: LazyLock<BTreeMap<&'static str, Rules>> = LazyLock::new(|| {
    TABLES
        .iter()
        .map(|(table, columns)| (*table, Rules::new(parse(columns))))
        .collect()
});

static ITEM: LazyLock<Rules> =
    LazyLock::new(|| Rules::new(parse("number: entry change item; time: event_time; foreign: content")));
static PERSON: LazyLock<Rules> = LazyLock::new(|| Rules::new(parse(PERSON_PATHS)));
static PROPOSAL: LazyLock<Rules> = LazyLock::new(|| Rules::new(parse(PROPOSAL_PATHS)));
static LEDGER: LazyLock<Rules> = LazyLock::new(|| Rules::new(parse(LEDGER_PATHS)));

/// The rules of a record.
pub(super) fn rules(of: Of) -> &'static Rules {
    match of {
        Of::Topic(topic) => TOPICS.get(topic).unwrap_or(&NOTHING),
        Of::Row(table) => ROWS.get(table).unwrap_or(&NOTHING),
        Of::Item => &ITEM,
        Of::Person => &PERSON,
        Of::Proposal => &PROPOSAL,
        Of::Ledger => &LEDGER,
    }
}

pub(super) fn is_table(name: &str) -> bool {
    ROWS.contains_key(name)
}

/// Tables of the golden record that have rules.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|(table, _)| *table)
}

/// Strings of facts that are ids of ours, wherever a common name stands for one thing in all contracts.
const OURS: &[&str] = &[
    "event_id",
    "person_id",
    "other_person_id",
    "conversation_id",
    "session_id",
    "delivery_id",
    "source.delivery_id",
    "entry_id",
    "hash",
    "previous_hash",
    "subjects[]",
    "session.reopens",
    "proposals[].other_person_id",
    "record_key",
    "alias_of",
    "associations[].record_key",
    "content_hash",
    "mapping_hash",
    "facts[]",
];
const BUSINESS: &[&str] = &["phone_number_id", "waba_id", "portfolio_id", "subject.id"];

/// What no documentation lists in a form that can be read: topic, paths and the vocabulary.
const VOCABULARIES: &[(&str, &[&str], &[&str])] = &[
    (topics::CONVERSATION, &["kind"], words::CONVERSATION_KINDS),
    (
        topics::CONVERSATION,
        &["message_type", "details.subtype"],
        words::MESSAGE_TYPES,
    ),
    (
        topics::CONVERSATION,
        &["session.outcome", "details.inbox.outcome"],
        words::OUTCOMES,
    ),
    (topics::STATUS, &["status", "effective_status"], words::STATUSES),
    (topics::STATUS, &["message_type"], words::MESSAGE_TYPES),
    (topics::STATUS, &["error_class"], words::ERROR_CLASSES),
    (topics::STATUS, &["error_actions[]"], words::ERROR_ACTIONS),
    (topics::ACCOUNT, &["kind"], words::ACCOUNT_KINDS),
    (topics::ACCOUNT, &["event"], words::ACCOUNT_EVENTS),
    (topics::ACCOUNT, &["event"], words::TEMPLATE_EVENTS),
    (topics::ACCOUNT, &["previous"], words::QUALITIES),
    (topics::ACCOUNT, &["previous", "announced"], words::CATEGORIES),
    (topics::IDENTITY, &["rule", "proposals[].rule"], words::RULES),
    (topics::IDENTITY, &["proposals[].blocker"], words::BLOCKERS),
    (
        topics::IDENTITY,
        &[
            "proposals[].evidence[].kind",
            "decisions[].user[].kind",
            "decisions[].other[].kind",
        ],
        words::IDENTIFIERS,
    ),
    (topics::CONSENT, &["effective"], &["granted", "denied", "unknown"]),
    (topics::DEAD_LETTER, &["kind"], &["dead_letter"]),
    (topics::DEAD_LETTER, &["reason"], words::DEAD_LETTER_REASONS),
    (topics::UNCLASSIFIED, &["kind"], &["unclassified"]),
    (topics::UNCLASSIFIED, &["reason"], words::UNCLASSIFIED_REASONS),
    (topics::UNCLASSIFIED, &["field"], words::FIELDS),
    (topics::CRM_RECORD, &["object", "associations[].object"], crm::OBJECTS),
    (topics::CRM_WRITE, &["object"], crm::OBJECTS),
];

fn topic(subject: &str) -> Paths {
    let mut paths = Paths::new();
    match subject {
        // Their JSON has a form of its own.
        topics::RAW => {
            paths = parse("ours: delivery_id; tenant: tenant; time: received_at; foreign: body; length: body_base64");
            paths.insert("source".to_owned(), documented(subject, "source"));
        }
        topics::METRIC => {
            paths = parse(
                "tenant: tenant; time: window.start window.end; number: numerator denominator value count p50 p90 revision; \
                 length: is_final dimensions.template dimensions.segment dimensions.agent dimensions.queue \
                 dimensions.campaign dimensions.reason dimensions.subject_id dimensions.source; \
                 language: dimensions.language; business: dimensions.phone_number_id dimensions.portfolio_id",
            );
            let shown = |name: &str, words: Shown| (name.to_owned(), words);
            paths.extend([
                shown("metric", Shown::Words(metrics(""))),
                shown("definition", Shown::Words([metrics("@1"), metrics("@2")].concat())),
                shown("dimensions.error_class", Shown::words(words::ERROR_CLASSES)),
                shown("dimensions.category", Shown::words(words::CATEGORIES)),
                shown("dimensions.rating", Shown::words(words::QUALITIES)),
                shown(
                    "dimensions.subject_kind",
                    Shown::words(&["phone_number", "template", "waba", "portfolio"]),
                ),
            ]);
        }
        topics::DEAD_LETTER => {
            paths = parse(
                "ours: event_id source.delivery_id; tenant: tenant; time: event_time ingest_time; \
                 number: source.entry source.change source.item source.line; length: kind reason detail source.file \
                 original_base64; foreign: original",
            );
        }
        _ => {
            if let Ok(version) = schemas::latest(subject)
                && let Ok(schema) = serde_json::from_str::<Value>(version.text)
            {
                fields(&schema, "", &mut BTreeMap::new(), &mut paths);
            }
            for path in OURS {
                replace(&mut paths, path, Shown::Ours);
            }
            for path in BUSINESS {
                replace(&mut paths, path, Shown::Business);
            }
            replace(&mut paths, "tenant", Shown::Tenant);
            replace(&mut paths, "country", Shown::Country);
            replace(&mut paths, "template.language", Shown::Language);
            if subject == topics::CONSENT {
                replace(&mut paths, "evidence", Shown::Ours);
                replace(&mut paths, "word", Shown::Will);
            }
            if subject == topics::IDENTITY {
                let kinds = words::IDENTIFIERS.iter().map(|kind| (*kind).to_owned()).collect();
                replace(&mut paths, "evidence", Shown::Joined(kinds));
            }
            if subject == topics::CRM_RECORD {
                replace(&mut paths, "fields[].name", Shown::Property);
                replace(&mut paths, "mapping", Shown::Mapping);
                replace(&mut paths, "rule", Shown::Rule);
            }
            if subject == topics::CRM_WRITE {
                replace(&mut paths, "code", Shown::Words(crm::codes()));
                replace(&mut paths, "action", Shown::Words(crm::actions()));
                replace(&mut paths, "field", Shown::Property);
            }
            if subject == topics::UNCLASSIFIED {
                replace(&mut paths, "original", Shown::Foreign);
            }
        }
    }
    for (_, of, words) in VOCABULARIES.iter().filter(|(topic, ..)| *topic == subject) {
        for path in *of {
            let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            if let Some(Shown::Words(known)) = paths.get(*path) {
                all.extend(known.iter().cloned());
            }
            replace(&mut paths, path, Shown::Words(all));
        }
    }
    paths
}

/// Sets a rule at a path that there is.
fn replace(paths: &mut Paths, path: &str, shown: Shown) {
    if let Some(known) = paths.get_mut(path) {
        *known = shown;
    }
}

fn metrics(version: &str) -> Vec<String> {
    let mut names: Vec<String> = crate::catalogue::names()
        .map(|name| format!("{name}{version}"))
        .collect();
    names.extend(names.clone().iter().map(|name| match name.split_once("_seconds") {
        Some((name, rest)) => format!("{name}_business_seconds{rest}"),
        None => name.clone(),
    }));
    names.extend(
        [
            "traffic_inbound",
            "traffic_outbound",
            "quality_rating",
            "messaging_limit",
        ]
        .map(|name| format!("{name}{version}")),
    );
    names
}

/// The fields of a record of a schema.
fn fields<'a>(schema: &'a Value, path: &str, named: &mut BTreeMap<&'a str, &'a Value>, out: &mut Paths) {
    if let Some(name) = schema["name"].as_str() {
        named.insert(name, schema);
    }
    for field in schema["fields"].as_array().into_iter().flatten() {
        let name = field["name"].as_str().unwrap_or_default();
        let path = if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        };
        kind(&field["type"], &path, field, named, out);
    }
}

fn kind<'a>(
    kind_of: &'a Value,
    path: &str,
    field: &'a Value,
    named: &mut BTreeMap<&'a str, &'a Value>,
    out: &mut Paths,
) {
    let mut leaf = |shown: Shown| {
        out.insert(path.to_owned(), shown);
    };
    match kind_of {
        Value::Array(branches) => {
            for branch in branches.iter().filter(|branch| *branch != "null") {
                kind(branch, path, field, named, out);
            }
        }
        Value::Object(object) => match object["type"].as_str() {
            _ if kind_of["logicalType"] == "timestamp-millis" => leaf(Shown::Time),
            Some("record") => fields(kind_of, path, named, out),
            Some("array") => kind(&kind_of["items"], &format!("{path}[]"), field, named, out),
            Some(_) => kind(&kind_of["type"], path, field, named, out),
            None => leaf(Shown::Length),
        },
        Value::String(name) => match name.as_str() {
            "int" | "long" | "double" | "float" => leaf(Shown::Number),
            "string" if field.get("pii").is_none() => leaf(words_of(field["doc"].as_str().unwrap_or_default())),
            "string" if matches!(field["pii"].as_str(), Some("phone" | "id")) => leaf(Shown::Personal),
            "string" | "bytes" | "boolean" => leaf(Shown::Length),
            name => {
                if let Some(schema) = named.get(name).copied() {
                    fields(schema, path, named, out);
                }
            }
        },
        _ => {}
    }
}

/// The vocabulary of a field's documentation: `Known values: a, b (what it is), c. …`. What is no single word is prose.
fn words_of(doc: &str) -> Shown {
    let Some((_, list)) = doc.split_once("Known values") else {
        return Shown::Length;
    };
    let mut depth = 0_usize;
    let plain: String = list
        .chars()
        .filter(|character| {
            match character {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect();
    let mut words = Vec::new();
    for sentence in plain.split(". ") {
        for part in sentence.split([',', ';']) {
            let part = part.rsplit_once(':').map_or(part, |(_, word)| word);
            let part = part.trim().trim_end_matches('.').trim_end();
            let is_word =
                |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if is_word(part) {
                words.push(part.to_owned());
            } else if let Some((_, last)) = part.rsplit_once(' ')
                && is_word(last)
                && last.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
            {
                words.push(last.to_owned());
            }
        }
    }
    Shown::Words(words)
}

fn documented(subject: &str, field: &str) -> Shown {
    let schema = schemas::latest(subject).ok();
    let schema: Option<Value> = schema.and_then(|version| serde_json::from_str(version.text).ok());
    let doc = schema.and_then(|schema| {
        let fields = schema["fields"].as_array()?;
        let found = fields.iter().find(|known| known["name"] == field)?;
        Some(found["doc"].as_str()?.to_owned())
    });
    words_of(doc.as_deref().unwrap_or_default())
}

/// Reads `ours: person_id; time: valid_from valid_to; …`.
fn parse(text: &str) -> Paths {
    let mut paths = Paths::new();
    for part in text.split(';') {
        let Some((how, names)) = part.split_once(": ") else {
            continue;
        };
        let shown = match how.trim() {
            "ours" => Shown::Ours,
            "time" => Shown::Time,
            "number" => Shown::Number,
            "business" => Shown::Business,
            "tenant" => Shown::Tenant,
            "country" => Shown::Country,
            "language" => Shown::Language,
            "personal" => Shown::Personal,
            "foreign" => Shown::Foreign,
            "type" => Shown::words(words::MESSAGE_TYPES),
            "status" => Shown::words(words::STATUSES),
            "category" => Shown::words(words::CATEGORIES),
            "author" => Shown::words(words::AUTHORS),
            "class" => Shown::words(words::ERROR_CLASSES),
            "outcome" => Shown::words(words::OUTCOMES),
            "rule" => Shown::words(words::RULES),
            "blocker" => Shown::words(words::BLOCKERS),
            "identifier" => Shown::words(words::IDENTIFIERS),
            "ruling" => Shown::words(&["merge", "split", "reject"]),
            "direction" => Shown::words(&["inbound", "outbound"]),
            "part" => Shown::words(&["received", "outbound", "echo", "history"]),
            "opened_by" => Shown::words(&["customer", "business"]),
            "close_reason" => Shown::words(&["resolved", "inactivity"]),
            "event" => match TOPICS_KIND.get(topics::CONVERSATION) {
                Some(words) => words.clone(),
                None => Shown::Length,
            },
            "channel" => Shown::words(&["whatsapp", "email", "sms", "voice"]),
            "purpose" => Shown::words(&["marketing", "utility", "authentication", "service", "profiling", "all"]),
            "state" => Shown::words(&["granted", "denied", "withdrawn", "blocked", "unblocked"]),
            "effective" => Shown::words(&["granted", "denied", "unknown"]),
            "will" => Shown::Will,
            "method" => Shown::words(&["keyword", "user_preferences", "error", "crm"]),
            "sink" => Shown::words(crm::SINKS),
            "object" => Shown::words(crm::OBJECTS),
            "record_kind" => Shown::words(crm::RECORD_KINDS),
            "write_kind" => Shown::words(crm::WRITE_KINDS),
            "sink_state" => Shown::words(crm::STATES),
            "code" => Shown::Words(crm::codes()),
            "action" => Shown::Words(crm::actions()),
            "property" => Shown::Property,
            "mapping" => Shown::Mapping,
            "crm_rule" => Shown::Rule,
            _ => Shown::Length,
        };
        paths.extend(names.split_whitespace().map(|name| (name.to_owned(), shown.clone())));
    }
    paths
}

/// Kinds of facts, for tables that hold facts.
static TOPICS_KIND: LazyLock<BTreeMap<&'static str, Shown>> = LazyLock::new(|| {
    let mut words = match documented(topics::CONVERSATION, "kind") {
        Shown::Words(words) => words,
        _ => Vec::new(),
    };
    words.extend(words::CONVERSATION_KINDS.iter().map(|word| (*word).to_owned()));
    BTreeMap::from([(topics::CONVERSATION, Shown::Words(words))])
});

/// Columns of the golden record.
const TABLES: &[(&str, &str)] = &[
    (
        "contacts",
        "ours: person_id; tenant: tenant; country: country; length: name; time: updated_at; number: revision",
    ),
    ("aliases", "ours: person_id survivor"),
    (
        "identifiers",
        "ours: person_id; number: ordinal; identifier: kind; personal: value; time: valid_from valid_to",
    ),
    (
        "proposals",
        "ours: person_id other_person_id; number: ordinal rule_version confidence_percent; rule: rule; blocker: blocker; \
         time: proposed_at; length: evidence",
    ),
    (
        "decisions",
        "ours: person_id; number: ordinal; ruling: ruling; time: decided_at; length: actor reason user other",
    ),
    (
        "consent_entries",
        "ours: person_id entry_id delivery_id evidence hash previous_hash; tenant: tenant; time: event_time valid_to; \
         number: revision sequence; channel: channel; purpose: purpose; state: state; effective: effective; \
         method: method; will: word; length: system language legal_basis jurisdiction text_version actor reference subjects",
    ),
    (
        "sessions",
        "ours: session_id person_id conversation_id reopens; tenant: tenant; business: phone_number_id; \
         time: opened_at closed_at first_customer_at frt_human_started_at frt_human_stopped_at frt_any_started_at \
         frt_any_stopped_at; opened_by: opened_by; close_reason: close_reason; outcome: outcome; \
         length: frt_human_agent queue reason; number: test revision",
    ),
    (
        "message_parts",
        "tenant: tenant; personal: message_id reply_to window_identifier; identifier: window_identifier_kind; part: part; \
         time: event_time window_expires_at; \
         number: revision opt_out test; type: type; direction: direction; ours: person_id conversation_id session_id; \
         business: phone_number_id; author: author_kind; language: language; category: category; \
         length: group_id author_id template campaign segment referral content source",
    ),
    (
        "message_status",
        "tenant: tenant; personal: message_id; number: revision orphan accepted test; status: effective_status; \
         time: accepted_at sent_at delivered_at read_at played_at failed_at first_status_at; number: error_codes; \
         class: error_class; length: pricing_type author_id template campaign segment; category: pricing_category category; \
         type: type; author: author_kind; language: language; ours: person_id; business: phone_number_id",
    ),
    (
        "events",
        "tenant: tenant; ours: event_id person_id conversation_id session_id; event: kind; business: phone_number_id; \
         time: event_time window_expires_at; identifier: window_identifier_kind; personal: window_identifier; \
         number: revision; length: content",
    ),
    // Fields, associations and facts are lists in a text of one column; the fact of the same revision shows them.
    (
        "crm_records",
        "ours: record_key person_id alias_of mapping_hash content_hash; tenant: tenant; sink: sink; object: object; \
         record_kind: kind; number: revision test waits; personal: adopt_id; crm_rule: rule; mapping: mapping; \
         time: event_time; length: fields associations facts",
    ),
    (
        "crm_links",
        "ours: record_key person_id content_hash; tenant: tenant; sink: sink; object: object; write_kind: kind; \
         number: revision attempts; personal: remote_id; time: until event_time; code: code; property: field; \
         action: action",
    ),
    (
        "crm_sinks",
        "tenant: tenant; sink: sink; sink_state: state; time: until event_time; code: code; action: action; \
         number: budget_limit budget_remaining",
    ),
];

/// `hilo identity show`.
const PERSON_PATHS: &str = "ours: person_id absorbed[].person_id proposals[].other_person_id proposals[].person_id; \
    tenant: tenant proposals[].tenant; country: country; length: name decisions[].actor decisions[].reason; \
    time: updated_at identifiers[].valid_from identifiers[].valid_to proposals[].proposed_at decisions[].decided_at; \
    number: revision proposals[].rule_version proposals[].confidence_percent; identifier: identifiers[].kind \
    proposals[].evidence[].kind decisions[].user[].kind decisions[].other[].kind; personal: identifiers[].value \
    proposals[].evidence[].value decisions[].user[].value decisions[].other[].value; rule: proposals[].rule; \
    blocker: proposals[].blocker; ruling: decisions[].ruling";

/// `hilo identity review`.
const PROPOSAL_PATHS: &str = "ours: person_id other_person_id; tenant: tenant; rule: rule; blocker: blocker; \
    number: rule_version confidence_percent; time: proposed_at; identifier: evidence[].kind; personal: evidence[].value";

/// `hilo consent`.
const LEDGER_PATHS: &str = "ours: person_id chain.hash entries[].delivery_id entries[].entry_id entries[].evidence \
    entries[].subjects[] entries[].previous_hash entries[].hash; time: as_of entries[].event_time entries[].valid_to; \
    channel: consent[].channel entries[].channel; purpose: consent[].purpose entries[].purpose; \
    effective: consent[].effective entries[].effective; state: entries[].state; method: entries[].method; \
    will: entries[].word; number: chain.count entries[].sequence entries[].revision; length: chain.error chain.is_whole entries[].system \
    entries[].language entries[].legal_basis entries[].jurisdiction entries[].text_version entries[].actor \
    entries[].reference";
