//! Requests to the portal: under its budget, with their outcome classified and counted.

use super::{
    answers::{Answer, text},
    classify::{Verdict, classify},
    version::ApiVersion,
};
use crate::{
    budget::{Budget, Limits},
    secret::Token,
    sink::Trouble,
};
use hilo_domain::{Millis, time::DAY};
use hilo_service::clock;
use reqwest::{Method, Response, header::HeaderMap};
use serde::Serialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Bytes of an answer that are read: a batch of 100 records with all their properties is far below.
const MOST: usize = 16 << 20;
/// Pages of owners that are read, of 500 each.
const PAGES: usize = 100;

/// How to reach a portal.
#[derive(Clone, Debug)]
pub struct Portal {
    /// `https://api.hubapi.com`, or a simulator.
    pub base: String,
    /// Service Key or private app token.
    pub token: Token,
    /// Version of the API.
    pub version: ApiVersion,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// An address, or a token, that no client can be made of.
#[derive(Debug, thiserror::Error)]
#[error("no HTTP client for the CRM at {0}: give an address such as https://api.hubapi.com")]
pub struct ClientError(pub(crate) String);

/// A client of one portal.
pub struct Client {
    http: reqwest::Client,
    portal: Portal,
    budget: Arc<Budget>,
    calls: Mutex<BTreeMap<&'static str, u64>>,
    /// Offset of the portal's clock, for its midnight.
    offset: Mutex<Option<i64>>,
}

/// A refusal, with what the CRM says: kept apart from [`Trouble`], because callers look at it more closely.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// 0 where there was no answer.
    pub(crate) status: u16,
    pub(crate) answer: Answer,
    pub(crate) trouble: Trouble,
    pub(crate) verdict: Verdict,
}

impl Client {
    /// A client under a budget, which all clients of a portal share.
    pub fn new(portal: Portal, budget: Arc<Budget>) -> Result<Self, ClientError> {
        let failed = || ClientError(portal.base.clone());
        if reqwest::Url::parse(&portal.base).is_err() {
            return Err(failed());
        }
        let http = reqwest::Client::builder()
            .timeout(portal.timeout)
            .connect_timeout(Duration::from_secs(5).min(portal.timeout))
            // A redirect would carry the token to somebody else.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent("hilo")
            .build()
            .map_err(|_| failed())?;
        Ok(Self {
            http,
            portal,
            budget,
            calls: Mutex::default(),
            offset: Mutex::default(),
        })
    }

    pub(crate) fn version(&self) -> ApiVersion {
        self.portal.version
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(crate) fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Refusal> {
        self.call::<()>(Method::GET, path, None, &[]).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Answer, Refusal> {
        self.call::<()>(Method::DELETE, path, None, &[]).await
    }

    /// `sent` are the properties in the body: only they are named in errors.
    pub(crate) async fn post<T: Serialize + Sync>(
        &self,
        path: &str,
        body: &T,
        sent: &[String],
    ) -> Result<Answer, Refusal> {
        self.call(Method::POST, path, Some(body), sent).await
    }

    pub(crate) async fn patch<T: Serialize + Sync>(&self, path: &str, body: &T) -> Result<Answer, Refusal> {
        self.call(Method::PATCH, path, Some(body), &[]).await
    }

    /// All owners, page by page.
    pub(crate) async fn owners(&self) -> Result<Vec<Value>, Refusal> {
        let mut owners = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..PAGES {
            let answer = self.get(&self.version().owners(after.as_deref())).await?;
            owners.extend(answer.results);
            let next = answer.paging.get("next").and_then(|next| next.get("after"));
            after = next.and_then(text);
            if after.is_none() {
                break;
            }
        }
        Ok(owners)
    }

    async fn call<T: Serialize + Sync>(
        &self,
        method: Method,
        path: &str,
        body: Option<&T>,
        sent: &[String],
    ) -> Result<Answer, Refusal> {
        self.budget.take(path.starts_with("/crm/associations/")).await;
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.portal.base))
            .bearer_auth(self.portal.token.expose());
        if let Some(body) = body {
            request = request.json(body);
        }
        let result = match request.send().await {
            Ok(response) => self.answered(response, sent).await,
            Err(error) => Err(lost(&error)),
        };
        let outcome = result.as_ref().map_or_else(|refusal| refusal.trouble.code(), |_| "ok");
        *self
            .calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(outcome)
            .or_default() += 1;
        result
    }

    async fn answered(&self, response: Response, sent: &[String]) -> Result<Answer, Refusal> {
        let status = response.status();
        self.budget.learn(&limits(response.headers()));
        let after = retry_after(response.headers());
        let interval =
            number(response.headers(), "x-hubspot-ratelimit-interval-milliseconds").map(Duration::from_millis);
        let body = read(response).await?;
        let answer = Answer::parse(&body);
        if status.is_success() {
            return Ok(answer);
        }
        let classified = classify(status.as_u16(), &answer, sent.iter());
        let after = match classified.verdict {
            Verdict::Pause => after.or(interval),
            _ => after,
        };
        let verdict = classified.verdict;
        let scopes = answer.missing_scopes();
        let missing = (verdict == Verdict::Stop && !scopes.is_empty()).then(|| scopes.join(", "));
        let now = clock::now();
        let trouble = classified.trouble(after, missing, now, self.midnight(now));
        Err(Refusal {
            status: status.as_u16(),
            answer,
            trouble,
            verdict,
        })
    }

    /// The day of the budget ends at the portal's midnight.
    fn midnight(&self, now: Millis) -> Millis {
        let offset = self.offset.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or(0);
        ((now + offset).div_euclid(DAY) + 1) * DAY - offset
    }

    /// Learns the portal's clock; also the cheap request that shows whether the token is taken.
    pub(crate) async fn account(&self) -> Result<(), Refusal> {
        let answer = self.get(&self.version().account()).await?;
        let offset = answer.utc_offset_milliseconds.as_i64();
        *self.offset.lock().unwrap_or_else(PoisonError::into_inner) = offset;
        Ok(())
    }

    /// Whether the portal's clock is known.
    pub(crate) fn knows_clock(&self) -> bool {
        self.offset.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl Refusal {
    pub(crate) fn of(code: &'static str) -> Self {
        Self {
            status: 0,
            answer: Answer::default(),
            trouble: Trouble::again(code),
            verdict: Verdict::Again,
        }
    }
}

/// No answer: whether the request was carried out is unknown, and everything sent here can be repeated.
fn lost(error: &reqwest::Error) -> Refusal {
    Refusal::of(if error.is_timeout() { "timeout" } else { "unreachable" })
}

async fn read(mut response: Response) -> Result<Vec<u8>, Refusal> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error))? {
        if body.len() + chunk.len() > MOST {
            return Err(Refusal::of("unavailable"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    number(headers, "retry-after").map(Duration::from_secs)
}

fn limits(headers: &HeaderMap) -> Limits {
    let signed = |name| number(headers, name).and_then(|value| i64::try_from(value).ok());
    Limits {
        max: number(headers, "x-hubspot-ratelimit-max"),
        remaining: number(headers, "x-hubspot-ratelimit-remaining"),
        interval: number(headers, "x-hubspot-ratelimit-interval-milliseconds").map(Duration::from_millis),
        daily: signed("x-hubspot-ratelimit-daily"),
        daily_remaining: signed("x-hubspot-ratelimit-daily-remaining"),
    }
}
