//! Tokens of an application.

use super::Call;
use crate::{answer::Answer, failure::Failure, path, portal::Portal};
use axum::http::Method;
use serde_json::json;

/// Seconds that a token is good for.
const LIFE: i64 = 1_800;

pub(super) fn call(portal: &mut Portal, call: &Call<'_>) -> Result<Answer, Failure> {
    if call.method != Method::POST {
        return Err(Failure::no_address());
    }
    let form = std::str::from_utf8(call.body).map(path::pairs).unwrap_or_default();
    let field = |name: &str| {
        form.iter()
            .find(|(one, _)| one == name)
            .map(|(_, value)| value.as_str())
    };
    let app = &portal.options.app;
    if field("client_id") != Some(&app.id) || field("client_secret") != Some(&app.secret) {
        return Ok(refused(
            "BAD_CLIENT_ID",
            "invalid_client",
            "missing or unknown client id or secret",
        ));
    }
    let refreshable = match field("grant_type") {
        Some("client_credentials") => None,
        Some("refresh_token") if field("refresh_token") == Some(&app.refresh_token) => Some(app.refresh_token.clone()),
        Some("refresh_token") => {
            return Ok(refused(
                "BAD_REFRESH_TOKEN",
                "invalid_grant",
                "missing or unknown refresh token",
            ));
        }
        _ => {
            return Ok(refused(
                "BAD_GRANT_TYPE",
                "unsupported_grant_type",
                "missing or unknown grant type",
            ));
        }
    };
    let token = portal.random_id();
    let until = portal.now() + LIFE * 1_000;
    portal.tokens.insert(token.clone(), until);
    let mut body = json!({"access_token": token, "expires_in": LIFE, "token_type": "bearer"});
    if let (Some(refresh), Some(body)) = (refreshable, body.as_object_mut()) {
        body.insert("refresh_token".to_owned(), refresh.into());
    }
    Ok(Answer::json(200, body))
}

fn refused(status: &str, error: &str, message: &str) -> Answer {
    let body = json!({"status": status, "error": error, "error_description": message, "message": message});
    Answer::json(400, body)
}
