//! Contracts at a schema registry with Confluent's API: registered when a release is deployed, looked up at start, then
//! never asked again.

use crate::EngineError;
use crate::framing::Framing;
use hilo_contracts::schemas::{self, Version};
use reqwest::StatusCode;
use reqwest::blocking::{Client, Response};
use serde_json::{Value, json};
use std::time::Duration;

/// What every version of a derived topic's contract must be to every other one.
pub const COMPATIBILITY: &str = "FULL_TRANSITIVE";

const PATIENCE: Duration = Duration::from_secs(15);
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// A registry.
pub struct SchemaRegistry {
    client: Client,
    url: String,
    prefix: String,
}

/// What a registry has of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This very schema, under this id.
    Registered(u32),
    /// The subject has not got it.
    Missing,
}

impl SchemaRegistry {
    /// The registry at `url`; subjects are named after topics with `prefix`.
    pub fn new(url: &str, prefix: &str) -> Result<Self, EngineError> {
        let client = Client::builder()
            .timeout(PATIENCE)
            .build()
            .map_err(|error| EngineError::Registry {
                url: without_credentials(url),
                problem: format!("no client can be made: {error}"),
            })?;
        Ok(Self {
            client,
            url: url.trim_end_matches('/').to_owned(),
            prefix: prefix.to_owned(),
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
                message(response)
            )));
        }
        self.id(&subject, response)
    }

    /// Header of each topic's values, for the newest contract of each of `subjects`. A contract that is missing is
    /// refused: what is written must be readable by those who look it up.
    pub fn framing(&self, subjects: impl IntoIterator<Item = &'static str>) -> Result<Framing, EngineError> {
        let mut ids = Vec::new();
        for subject in subjects {
            let version = schemas::latest(subject).map_err(|error| self.wrong(error.to_string()))?;
            match self.find(version)? {
                Found::Registered(id) => ids.push((subject, id)),
                Found::Missing => {
                    return Err(self.wrong(format!(
                        "{} has not got version {} of its contract: run `hilo schemas register` first",
                        self.subject(version),
                        version.number
                    )));
                }
            }
        }
        Ok(Framing::new(ids))
    }

    fn post(&self, path: &str, body: &Value) -> Result<Response, EngineError> {
        self.send(self.client.post(format!("{}/{path}", self.url)), body)
    }

    fn send(&self, request: reqwest::blocking::RequestBuilder, body: &Value) -> Result<Response, EngineError> {
        request
            .header("content-type", MEDIA_TYPE)
            .header("accept", MEDIA_TYPE)
            .body(body.to_string())
            .send()
            .map_err(|error| {
                // The error names the address, which may hold a password.
                let error = error.without_url();
                self.wrong(format!(
                    "it does not answer ({error}); a start needs it, a running process does not"
                ))
            })
    }

    fn accepted(&self, what: &str, response: Response) -> Result<Response, EngineError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        Err(self.wrong(format!("{what}: {status}, {}", message(response))))
    }

    fn id(&self, subject: &str, response: Response) -> Result<u32, EngineError> {
        let response = self.accepted(&format!("{subject} cannot be read or written"), response)?;
        let answer: Option<Value> = response.text().ok().and_then(|text| serde_json::from_str(&text).ok());
        answer
            .and_then(|answer| answer["id"].as_u64())
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

/// What a refusal says.
fn message(response: Response) -> String {
    let text = response.text().unwrap_or_default();
    let said = serde_json::from_str::<Value>(&text).ok();
    said.and_then(|said| Some(said["message"].as_str()?.to_owned()))
        .unwrap_or_else(|| "no reason given".to_owned())
}

fn without_credentials(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => url.to_owned(),
    }
}
