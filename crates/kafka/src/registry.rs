//! Contracts at a schema registry with Confluent's API. They are registered when a release is deployed, and looked up at start.
//! After that the registry is asked only about ids that no version of this release has.

use crate::EngineError;
use crate::framing::Framing;
use crate::learned::Schemas;
use hilo_contracts::door::{Door, Versions};
use hilo_contracts::schemas::{self, Version};
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::{Certificate, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// What every version of a derived topic's contract must be to every other one.
pub const COMPATIBILITY: &str = "FULL_TRANSITIVE";

const PATIENCE: Duration = Duration::from_secs(15);
/// A question on the way of a record: the lane's transaction is open meanwhile.
const SHORT: Duration = Duration::from_secs(2);
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// Where a registry is, and what it asks for.
#[derive(Clone, Default)]
pub struct Access {
    /// Address of its API.
    pub url: String,
    /// Certificates that its own must come from, beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// Name and password.
    pub login: Option<(String, String)>,
}

/// A registry.
#[derive(Clone)]
pub struct SchemaRegistry {
    client: Client,
    url: String,
    prefix: String,
    login: Option<(String, String)>,
}

/// What a registry has of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This very schema, under this id.
    Registered(u32),
    /// The subject has not got it.
    Missing,
}

/// Ids that a registry gave: by topic, then by number of the version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids(BTreeMap<String, BTreeMap<u32, u32>>);

impl SchemaRegistry {
    /// The registry behind `access`; subjects are named after topics with `prefix`.
    pub fn new(access: Access, prefix: &str) -> Result<Self, EngineError> {
        let wrong = |problem: String| EngineError::Registry {
            url: without_credentials(&access.url),
            problem,
        };
        let mut client = Client::builder().timeout(PATIENCE);
        if let Some(file) = &access.ca_file {
            let read = std::fs::read(file).map_err(|error| error.to_string());
            let certificates =
                read.and_then(|pem| Certificate::from_pem_bundle(&pem).map_err(|error| error.to_string()));
            let certificates =
                certificates.map_err(|error| wrong(format!("registry.ca_file {}: {error}", file.display())))?;
            if certificates.is_empty() {
                return Err(wrong(format!(
                    "registry.ca_file {} holds no certificate",
                    file.display()
                )));
            }
            client = certificates
                .into_iter()
                .fold(client, reqwest::blocking::ClientBuilder::add_root_certificate);
        }
        let client = client
            .build()
            .map_err(|error| wrong(format!("no client can be made: {error}")))?;
        Ok(Self {
            client,
            url: access.url.trim_end_matches('/').to_owned(),
            prefix: prefix.to_owned(),
            login: access.login,
        })
    }

    /// Name of a contract's subject: the topic's, with `-value`.
    #[must_use]
    pub fn subject(&self, version: &Version) -> String {
        format!("{}{}-value", self.prefix, version.subject)
    }

    /// Whether the registry has this very schema.
    pub fn find(&self, version: &Version) -> Result<Found, EngineError> {
        let subject = self.subject(version);
        let response = self.post(&format!("subjects/{subject}"), &json!({ "schema": version.text }))?;
        if response.status() == StatusCode::NOT_FOUND {
            return Ok(Found::Missing);
        }
        Ok(Found::Registered(self.id(&subject, response)?))
    }

    /// Registers a schema under its subject, which is kept compatible in both directions with all versions. Gives its id.
    pub fn register(&self, version: &Version) -> Result<u32, EngineError> {
        let subject = self.subject(version);
        let mode = json!({ "compatibility": COMPATIBILITY });
        let response = self.send(self.client.put(format!("{}/config/{subject}", self.url)), &mode)?;
        self.accepted(&format!("the compatibility of {subject} cannot be set"), response)?;
        let response = self.post(
            &format!("subjects/{subject}/versions"),
            &json!({ "schema": version.text }),
        )?;
        if response.status() == StatusCode::CONFLICT {
            return Err(self.wrong(format!(
                "{subject} refuses version {} as incompatible with an earlier one ({COMPATIBILITY}): {}; add fields with a null \
                 default, and change nothing else",
                version.number,
                message(&body(response))
            )));
        }
        self.id(&subject, response)
    }

    /// Header of each topic's values, for all `versions` of the contracts of `subjects`. The registry must have the newest
    /// version, because readers look up what is written. Another version that it lacks was never written.
    pub fn framing(
        &self,
        subjects: impl IntoIterator<Item = &'static str>,
        versions: &Versions,
    ) -> Result<Framing, EngineError> {
        let subjects: Vec<&'static str> = subjects.into_iter().collect();
        let ids = self.ids(&subjects, versions)?;
        self.framing_of(&ids, &subjects, versions)
    }

    /// The ids of all versions of the contracts of some subjects. A version that the registry lacks was never written.
    pub fn ids(&self, subjects: &[&'static str], versions: &Versions) -> Result<Ids, EngineError> {
        let mut ids = Ids::default();
        for subject in subjects {
            for version in versions.of(subject) {
                if let Found::Registered(id) = self.find(version)? {
                    let known = ids.0.entry((*subject).to_owned()).or_default();
                    known.insert(version.number, id);
                }
            }
        }
        Ok(ids)
    }

    /// The same as [`SchemaRegistry::framing`], with ids that are known.
    pub fn framing_of(
        &self,
        ids: &Ids,
        subjects: &[&'static str],
        versions: &Versions,
    ) -> Result<Framing, EngineError> {
        let wrong = |error: hilo_contracts::ContractError| self.wrong(error.to_string());
        let mut framed = Vec::new();
        for subject in subjects {
            let newest = schemas::latest(subject).map_err(wrong)?;
            let known = ids.0.get(*subject);
            let Some(id) = known.and_then(|known| known.get(&newest.number)) else {
                return Err(self.wrong(format!(
                    "{} has not got version {} of its contract: run `hilo schemas register` first",
                    self.subject(newest),
                    newest.number
                )));
            };
            let others = known
                .into_iter()
                .flatten()
                .filter(|(number, _)| **number != newest.number);
            framed.push((*subject, *id, others.map(|(number, id)| (*id, *number)).collect()));
        }
        let door = Door::new(versions).map_err(wrong)?;
        Ok(Framing::with_versions(framed, door, Box::new(self.clone())))
    }

    fn post(&self, path: &str, body: &Value) -> Result<Response, EngineError> {
        self.send(self.client.post(format!("{}/{path}", self.url)), body)
    }

    fn send(&self, request: RequestBuilder, body: &Value) -> Result<Response, EngineError> {
        let request = request.header("content-type", MEDIA_TYPE).body(body.to_string());
        self.answer(request).map_err(|problem| self.silent(problem))
    }

    fn silent(&self, problem: String) -> EngineError {
        EngineError::RegistrySilent {
            url: without_credentials(&self.url),
            problem,
        }
    }

    fn answer(&self, request: RequestBuilder) -> Result<Response, String> {
        let request = match &self.login {
            Some((name, password)) => request.basic_auth(name, Some(password)),
            None => request,
        };
        // The error names the address, which may hold a password.
        request
            .header("accept", MEDIA_TYPE)
            .send()
            .map_err(|error| with_causes(&error.without_url()))
    }

    fn accepted(&self, what: &str, response: Response) -> Result<Response, EngineError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_server_error() {
            return Err(self.silent(format!("{what}: {status}, {}", message(&body(response)))));
        }
        let advice = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "; look at registry.username and registry.password",
            _ => "",
        };
        Err(self.wrong(format!("{what}: {status}, {}{advice}", message(&body(response)))))
    }

    fn id(&self, subject: &str, response: Response) -> Result<u32, EngineError> {
        let response = self.accepted(&format!("{subject} cannot be read or written"), response)?;
        body(response)["id"]
            .as_u64()
            .and_then(|id| u32::try_from(id).ok())
            .ok_or_else(|| {
                self.wrong(format!(
                    "its answer about {subject} has no id: is this Confluent's API?"
                ))
            })
    }

    fn wrong(&self, problem: String) -> EngineError {
        EngineError::Registry {
            url: without_credentials(&self.url),
            problem,
        }
    }
}

impl Schemas for SchemaRegistry {
    fn text(&self, id: u32) -> Result<Option<String>, EngineError> {
        let request = self.client.get(format!("{}/schemas/ids/{id}", self.url)).timeout(SHORT);
        let response = self.answer(request).map_err(|problem| self.silent(problem))?;
        let what = format!("schema id {id} cannot be looked up");
        if response.status() != StatusCode::NOT_FOUND {
            let answer = body(self.accepted(&what, response)?);
            let text = answer["schema"].as_str().map(str::to_owned);
            return match text {
                Some(text) => Ok(Some(text)),
                None => Err(self.wrong(format!("{what}: its answer has no schema: is this Confluent's API?"))),
            };
        }
        // A proxy without its registry says 404 too. Only an answer of the registry itself means that the id does not exist.
        let answer = body(response);
        match answer["error_code"].as_u64() {
            Some(404 | 40_400..=40_499) => Ok(None),
            _ => Err(self.wrong(format!("{what}: 404, {}", message(&answer)))),
        }
    }
}

fn body(response: Response) -> Value {
    let text = response.text().unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// What a refusal says.
fn message(answer: &Value) -> String {
    answer["message"].as_str().unwrap_or("no reason given").to_owned()
}

/// An error with what it comes of: a client's own text hides that a certificate is not trusted.
fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    if text.contains("certificate") {
        text.push_str("; look at registry.ca_file");
    }
    text
}

fn without_credentials(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => url.to_owned(),
    }
}
