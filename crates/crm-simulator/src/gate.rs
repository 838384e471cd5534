//! Who may call, how often, and for what.

use crate::{
    answer::Answer,
    calls::Call,
    failure::Failure,
    portal::Portal,
    rate::{Class, Limits, Policy, WINDOW},
};
use axum::http::{HeaderMap, header};
use jiff::tz::TimeZone;
use serde_json::json;

impl Portal {
    pub(crate) fn zone(&self) -> TimeZone {
        TimeZone::get(&self.options.time_zone).unwrap_or(TimeZone::UTC)
    }

    fn limits(&self) -> Limits {
        Limits {
            burst: self.options.burst,
            daily: self.options.daily,
            searches: self.options.searches,
        }
    }

    /// Answers a call, or refuses it at the door.
    pub(crate) fn serve(&mut self, call: &Call<'_>, headers: &HeaderMap) -> Answer {
        let class = call.class();
        let bearer = match self.authenticated(call, headers) {
            Ok(bearer) => bearer,
            Err(failure) => return self.refusal(&failure),
        };
        let (limits, zone, now) = (self.limits(), self.zone(), self.now());
        if let Err(policy) = self.rate.take(class, limits, &zone, now) {
            let answer = self.too_many(policy, None);
            return self.dressed(answer, class, bearer);
        }
        let scopes = self.options.scopes.as_ref();
        let lacking = call
            .scope()
            .filter(|scope| bearer == Bearer::Key && scopes.is_some_and(|scopes| !scopes.contains(*scope)));
        let answer = match lacking {
            Some(scope) => self.refusal(&missing_scope(scope)),
            None => match call.answer(self) {
                Ok(answer) => answer,
                Err(failure) => self.refusal(&failure),
            },
        };
        self.dressed(answer, class, bearer)
    }

    fn authenticated(&self, call: &Call<'_>, headers: &HeaderMap) -> Result<Bearer, Failure> {
        if call.class() == Class::Free {
            return Ok(Bearer::None);
        }
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        match given {
            Some(token) if token == self.options.token => Ok(Bearer::Key),
            Some(token) => match self.tokens.get(token) {
                Some(until) if self.now() < *until => Ok(Bearer::App),
                Some(_) => Err(Failure::new(
                    401,
                    "EXPIRED_AUTHENTICATION",
                    "The OAuth token used to make this call expired.",
                )),
                None => Err(unauthorized()),
            },
            None => Err(unauthorized()),
        }
    }

    /// A refusal as an answer.
    pub(crate) fn refusal(&mut self, failure: &Failure) -> Answer {
        let correlation = self.random_id();
        Answer::json(failure.status, failure.body(&correlation))
    }

    /// 429. It has no category, as in the real one.
    pub(crate) fn too_many(&mut self, policy: Policy, retry_after: Option<u64>) -> Answer {
        let body = json!({
            "status": "error", "message": policy.message(), "errorType": "RATE_LIMIT",
            "correlationId": self.random_id(), "policyName": policy.name(), "requestId": self.random_id(),
        });
        let answer = Answer::json(429, body);
        match retry_after {
            Some(seconds) => answer.with("retry-after", seconds),
            None => answer,
        }
    }

    /// An answer with what is left of the limits. Searches say nothing of it.
    fn dressed(&self, answer: Answer, class: Class, bearer: Bearer) -> Answer {
        if matches!(class, Class::Search | Class::Free) {
            return answer;
        }
        let limits = self.limits();
        let (left, left_today) = self.rate.left(limits);
        let answer = answer
            .with("x-hubspot-ratelimit-max", limits.burst)
            .with("x-hubspot-ratelimit-remaining", left)
            .with("x-hubspot-ratelimit-interval-milliseconds", WINDOW);
        if bearer == Bearer::App {
            // Applications share the portal's day and are not told of it.
            return answer;
        }
        answer
            .with("x-hubspot-ratelimit-daily", limits.daily)
            .with("x-hubspot-ratelimit-daily-remaining", left_today)
    }
}

/// What a call is made with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bearer {
    Key,
    App,
    None,
}

/// 401.
pub(crate) fn unauthorized() -> Failure {
    Failure::new(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and Service Keys.",
    )
}

fn missing_scope(scope: &str) -> Failure {
    let mut failure = Failure::new(
        403,
        "MISSING_SCOPES",
        "This app hasn't been granted all required scopes to make this call.",
    );
    failure.errors.push(json!({
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": [scope]},
    }));
    failure
}
