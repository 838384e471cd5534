//! A simulated HubSpot in the test's own process, and whether it holds exactly what it should.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

pub(crate) mod desired;

use desired::{Desired, Outcome};
use hilo_crm_simulator::{HubSpot, Misbehaviour, Object, Options, State, When};
use hilo_domain::time::parse_rfc3339;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use tokio::{net::TcpListener, runtime::Runtime};

/// The simulator's own token.
const TOKEN: &str = "pat-hilo-simulator";

/// Longer than any test.
const FOR_EVER: u64 = 86_400_000;

/// Ways of misbehaving.
const KINDS: [&str; 13] = [
    "too_many_requests",
    "server_error",
    "bad_gateway",
    "unavailable",
    "locked",
    "migrating",
    "unauthorized",
    "drop_before",
    "drop_after",
    "hold_after",
    "slow",
    "empty_results",
    "partial_failure",
];

/// A portal with an address.
pub(crate) struct Portal {
    pub hubspot: HubSpot,
    base: String,
    // Serves as long as it lives.
    _runtime: Runtime,
}

impl Portal {
    pub(crate) fn start(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let hubspot = HubSpot::new(options);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = hubspot.clone();
        runtime.spawn(async move { serving.serve(listener, std::future::pending()).await });
        Self {
            hubspot,
            base,
            _runtime: runtime,
        }
    }

    /// The part of a configuration that makes it a tenant's CRM.
    pub(crate) fn section(&self, tenant: &str) -> String {
        format!(
            "[tenants.{tenant}.crm.hubspot]\ntoken = \"{TOKEN}\"\nbase_url = \"{}\"\n",
            self.base
        )
    }

    /// Makes what the mapping needs, as an operator does.
    pub(crate) fn provision(config: &str) {
        let output = Command::new(env!("CARGO_BIN_EXE_hilo"))
            .args(["crm", "apply", "--config", config])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "hilo crm apply: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// From now on it misbehaves in every way that passes by itself.
    pub(crate) fn misbehave(&self) {
        let often = |share: f64| When::chance(share);
        // With what writes only: what is held and what is half done.
        let writes = |share: f64| When::chance(share).on("batch/upsert");
        for (what, when) in [
            (Misbehaviour::TooManyRequests { retry_after: None }, often(0.02)),
            (Misbehaviour::TooManyRequests { retry_after: Some(1) }, often(0.02)),
            (Misbehaviour::ServerError, often(0.02)),
            (Misbehaviour::BadGateway, often(0.02)),
            (Misbehaviour::Unavailable, often(0.02)),
            (Misbehaviour::Locked, often(0.02)),
            (Misbehaviour::Migrating { retry_after: 1 }, often(0.01)),
            (Misbehaviour::DropBefore, often(0.03)),
            (Misbehaviour::DropAfter, often(0.05)),
            (Misbehaviour::HoldAfter { millis: 2_000 }, writes(0.05)),
            (Misbehaviour::Slow { millis: 200 }, often(0.02)),
            (Misbehaviour::EmptyResults, writes(0.05)),
            (Misbehaviour::PartialFailure { share: 0.3 }, writes(0.08)),
        ] {
            self.hubspot.misbehave(what, when);
        }
    }

    /// The token is refused once, which stops a writer.
    pub(crate) fn refuse_once(&self) {
        self.hubspot
            .misbehave(Misbehaviour::Unauthorized, When::times(1).on("/crm/objects"));
    }

    /// One write is applied, and its answer never comes.
    pub(crate) fn hold_once(&self) {
        let what = Misbehaviour::HoldAfter { millis: FOR_EVER };
        self.hubspot.misbehave(what, When::times(1).on("batch/upsert"));
    }

    /// Whether an answer is held.
    pub(crate) fn holds(&self) -> bool {
        self.hubspot.held() > 0
    }

    /// Ways of misbehaving that did not happen yet.
    pub(crate) fn never_met(&self) -> Vec<&'static str> {
        let counts = self.hubspot.counts();
        let met = |kind: &&&str| !counts.misbehaved.contains_key(**kind);
        KINDS.iter().filter(met).copied().collect()
    }

    /// Calls so far.
    pub(crate) fn calls(&self) -> u64 {
        self.hubspot.counts().calls.values().sum()
    }

    fn get(&self, path: &str) -> Value {
        let client = reqwest::blocking::Client::new();
        loop {
            let asked = client.get(format!("{}{path}", self.base)).bearer_auth(TOKEN);
            let answer = asked.send().unwrap();
            // The writers may have used the calls of these ten seconds.
            if answer.status() != 429 {
                assert!(answer.status().is_success(), "{path}: {}", answer.status());
                return serde_json::from_str(&answer.text().unwrap()).unwrap();
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }

    /// What the portal itself says of its properties, pipelines and owners.
    pub(crate) fn words(&self) -> Words {
        let mut words = Words::default();
        for object in ["contacts", "tickets", "deals", "communications", "tasks"] {
            let answer = self.get(&format!("/crm/properties/2026-09/{object}"));
            for property in answer["results"].as_array().unwrap() {
                let text = |name: &str| property[name].as_str().unwrap().to_owned();
                let kind = format!("{} {}", text("type"), text("fieldType"));
                words.kinds.insert((object.to_owned(), text("name")), kind);
            }
        }
        for object in ["tickets", "deals"] {
            for pipeline in self.get(&format!("/crm/pipelines/2026-09/{object}"))["results"]
                .as_array()
                .unwrap()
            {
                let label = pipeline["label"].as_str().unwrap();
                let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
                let name = |text: String| (object.to_owned(), text);
                words.names.insert(name(format!("@pipeline:{label}")), id(pipeline));
                for stage in pipeline["stages"].as_array().unwrap() {
                    let of = format!("@stage:{label}/{}", stage["label"].as_str().unwrap());
                    words.names.insert(name(of), id(stage));
                }
            }
        }
        for owner in self.get("/crm/owners/2026-09")["results"].as_array().unwrap() {
            let email = format!("@owner:{}", owner["email"].as_str().unwrap());
            words.owners.insert(email, owner["id"].as_str().unwrap().to_owned());
        }
        words
    }

    /// What is not as it should be; empty where the portal holds exactly what is desired.
    pub(crate) fn differences(words: &Words, state: &State, all: &[Desired], outcomes: &[Outcome]) -> Vec<String> {
        let mut wrong = Vec::new();
        let newest = desired::newest(all);
        let wanted: BTreeMap<(&str, &str), &Desired> = newest
            .values()
            .filter(|record| record.kind == "desired" && !record.test)
            .map(|record| ((plural(&record.object), record.record_key.as_str()), *record))
            .collect();
        let mut keys: BTreeMap<&str, String> = BTreeMap::new();
        let mut found: BTreeSet<(&str, &str)> = BTreeSet::new();
        for object in Object::ALL {
            for seen in state.of(object) {
                let Some(key) = seen.properties.get("wa_key") else {
                    wrong.push(format!("{} {} is nobody's", object.name(), seen.id));
                    continue;
                };
                keys.insert(&seen.id, format!("{} {key}", object.name()));
                if !found.insert((object.name(), key)) {
                    wrong.push(format!("{} {key} is there twice", object.name()));
                }
                let Some(record) = wanted.get(&(object.name(), key.as_str())) else {
                    let what = newest.get(key.as_str()).map_or("unknown", |record| &record.kind);
                    wrong.push(format!(
                        "{} {key} is there and should not be: it is {what}",
                        object.name()
                    ));
                    continue;
                };
                wrong.extend(words.wrong_values(object.name(), record, &seen.properties));
            }
        }
        for (object, key) in wanted.keys().filter(|key| !found.contains(*key)) {
            wrong.push(format!("{object} {key} is missing"));
        }
        let (should, does) = (belongs(&wanted, &newest), belonging(state, &keys));
        for (what, here, there) in [("lacks", &should, &does), ("should not have", &does, &should)] {
            wrong.extend(here.difference(there).map(|(a, b)| format!("{a} {what} {b}")));
        }
        for (record, outcome) in desired::rejected(&newest, outcomes) {
            wrong.push(format!("record {record} is refused: {outcome}"));
        }
        for (field, count) in &state.counts.ignored {
            wrong.push(format!("the field {field} was sent {count} times and means nothing"));
        }
        wrong
    }
}

/// Pairs of records that belong together, each once.
type Pairs = BTreeSet<(String, String)>;

fn pair(a: String, b: String) -> (String, String) {
    if a < b { (a, b) } else { (b, a) }
}

fn belongs(wanted: &BTreeMap<(&str, &str), &Desired>, newest: &BTreeMap<&str, &Desired>) -> Pairs {
    let mut pairs = Pairs::new();
    for ((object, key), record) in wanted {
        for (other, other_key) in &record.associations {
            let holder = desired::holder(newest, other_key);
            pairs.insert(pair(format!("{object} {key}"), format!("{} {holder}", plural(other))));
        }
    }
    pairs
}

fn belonging(state: &State, keys: &BTreeMap<&str, String>) -> Pairs {
    let mut pairs = Pairs::new();
    let name = |id: &str| keys.get(id).cloned().unwrap_or_else(|| format!("somebody {id}"));
    for object in Object::ALL {
        for seen in state.of(object) {
            for id in seen.associations.values().flatten() {
                pairs.insert(pair(name(&seen.id), name(id)));
            }
        }
    }
    pairs
}

fn plural(object: &str) -> &'static str {
    Object::named(object).unwrap().name()
}

/// What names and values mean in a portal.
#[derive(Default)]
pub(crate) struct Words {
    /// Type and field type of a property.
    kinds: BTreeMap<(String, String), String>,
    /// Ids of pipelines and stages, by object.
    names: BTreeMap<(String, String), String>,
    owners: BTreeMap<String, String>,
}

impl Words {
    fn wrong_values(&self, object: &str, record: &Desired, held: &BTreeMap<String, String>) -> Vec<String> {
        let mut wrong = Vec::new();
        for field in &record.fields {
            let holds = held
                .get(&field.name)
                .map(String::as_str)
                .filter(|value| !value.is_empty());
            let wants = field.value.as_deref().map(|value| self.resolved(object, value));
            let kind = self.kind(object, &field.name);
            let right = match (field.write.as_str(), &wants, holds) {
                // Whoever came first may have another value, but somebody came.
                ("if_empty", Some(_), holds) => holds.is_some(),
                ("if_empty" | "on_create", ..) | ("never_clear", None, _) => true,
                (_, Some(wants), Some(holds)) => meaning(kind, wants) == meaning(kind, holds),
                (_, wants, None) => wants.as_deref().is_none_or(str::is_empty),
                (_, None, Some(_)) => false,
            };
            if !right {
                let (key, name) = (&record.record_key, &field.name);
                let rule = &field.write;
                wrong.push(format!(
                    "{object} {key}: {name} ({rule}, {kind}) is {holds:?} and should be {wants:?}"
                ));
            }
        }
        let revision = held.get("wa_revision").and_then(|value| value.parse().ok());
        if revision.is_none_or(|revision: i64| revision > record.revision) {
            wrong.push(format!(
                "{object} {}: revision {revision:?} of {}",
                record.record_key, record.revision
            ));
        }
        wrong
    }

    fn kind(&self, object: &str, name: &str) -> &str {
        let kind = self.kinds.get(&(object.to_owned(), name.to_owned()));
        kind.unwrap_or_else(|| panic!("the portal has no property {name} of {object}"))
    }

    fn resolved(&self, object: &str, value: &str) -> String {
        if !value.starts_with('@') {
            return value.to_owned();
        }
        let name = (object.to_owned(), value.to_owned());
        let id = self.names.get(&name).or_else(|| self.owners.get(value));
        id.unwrap_or_else(|| panic!("{object} has no {value}")).clone()
    }
}

/// What a value means, however it is written.
#[derive(Debug, PartialEq)]
enum Meaning {
    Instant(i64),
    Number(f64),
    Choices(BTreeSet<String>),
    Text(String),
}

fn meaning(kind: &str, value: &str) -> Meaning {
    let text = || Meaning::Text(value.to_owned());
    match kind {
        "number number" => value.parse().map_or_else(|_| text(), Meaning::Number),
        "enumeration checkbox" => Meaning::Choices(value.split(';').map(str::to_owned).collect()),
        _ if kind.starts_with("datetime ") || kind.starts_with("date ") => {
            let day = || parse_rfc3339(&format!("{value}T00:00:00Z"));
            let at = value.parse().ok().or_else(|| parse_rfc3339(value)).or_else(day);
            at.map_or_else(text, Meaning::Instant)
        }
        _ => text(),
    }
}
