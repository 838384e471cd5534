//! A portal in the test's own process, and calls to it.
#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "each test uses some of it, fails by panicking, and writes its JSON in place"
)]

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use hilo_crm_simulator::{Clock, HubSpot, Options};
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// 2026-11-30 12:00:00 UTC, 09:00 in Santiago.
pub(crate) const NOON: i64 = 1_796_040_000_000;
pub(crate) const V: &str = "2026-09";

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Null where it is no JSON.
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    /// The property that the first error names.
    pub(crate) fn property(&self) -> &str {
        self.body["errors"][0]["context"]["propertyName"][0]
            .as_str()
            .unwrap_or_default()
    }

    pub(crate) fn code(&self) -> &str {
        self.body["errors"][0]["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn category(&self) -> &str {
        self.body["category"].as_str().unwrap_or_default()
    }

    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// Id of the only result of a batch, or of the record.
    pub(crate) fn id(&self) -> String {
        let id = match self.body["results"].as_array() {
            Some(results) => {
                assert_eq!(results.len(), 1, "{}", self.text);
                &results[0]["id"]
            }
            None => &self.body["id"],
        };
        id.as_str().unwrap_or_else(|| panic!("no id: {}", self.text)).to_owned()
    }
}

/// Options whose time stands still.
pub(crate) fn standing() -> Options {
    Options {
        clock: Clock::Standing(NOON),
        ..Options::default()
    }
}

/// A portal in which every object has the unique property `wa_key`.
pub(crate) async fn portal(options: Options) -> HubSpot {
    let hubspot = HubSpot::new(options);
    for object in ["contacts", "tickets", "0-3", "communications", "tasks"] {
        provision(&hubspot, object).await;
    }
    hubspot
}

pub(crate) async fn provision(hubspot: &HubSpot, object: &str) {
    let group = json!({"name": "whatsapp", "label": "WhatsApp"});
    let answer = post(hubspot, &format!("/crm/properties/{V}/{object}/groups"), group).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let answer = post(hubspot, &format!("/crm/properties/{V}/{object}"), key()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}

pub(crate) fn key() -> Value {
    json!({
        "name": "wa_key", "label": "WhatsApp key", "groupName": "whatsapp", "type": "string", "fieldType": "text",
        "hasUniqueValue": true,
    })
}

pub(crate) async fn send(
    hubspot: &HubSpot,
    method: &str,
    path: &str,
    body: Option<Value>,
    token: Option<&str>,
) -> Option<Answer> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let response = hubspot.router().oneshot(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    // A connection that ends without an answer is a body that fails.
    let bytes = to_bytes(body, usize::MAX).await.ok()?;
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Some(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    })
}

pub(crate) async fn call(hubspot: &HubSpot, method: &str, path: &str, body: Option<Value>) -> Answer {
    let answer = send(hubspot, method, path, body, Some(&Options::default().token)).await;
    answer.unwrap_or_else(|| panic!("no answer of {method} {path}"))
}

pub(crate) async fn post(hubspot: &HubSpot, path: &str, body: Value) -> Answer {
    call(hubspot, "POST", path, Some(body)).await
}

pub(crate) async fn get(hubspot: &HubSpot, path: &str) -> Answer {
    call(hubspot, "GET", path, None).await
}

/// An input of an upsert by `wa_key`.
pub(crate) fn input(key: &str, properties: Value) -> Value {
    json!({"id": key, "idProperty": "wa_key", "objectWriteTraceId": format!("op-{key}"), "properties": properties})
}

/// The same without a trace id.
pub(crate) fn untraced(key: &str, properties: Value) -> Value {
    json!({"id": key, "idProperty": "wa_key", "properties": properties})
}

pub(crate) async fn upsert(hubspot: &HubSpot, object: &str, inputs: Vec<Value>) -> Answer {
    let path = format!("/crm/objects/{V}/{object}/batch/upsert");
    post(hubspot, &path, json!({"inputs": inputs})).await
}

/// A contact by its key.
pub(crate) async fn contact(hubspot: &HubSpot, key: &str) -> String {
    upsert(hubspot, "contacts", vec![untraced(key, json!({"firstname": "Ana"}))])
        .await
        .id()
}

pub(crate) fn ticket_properties() -> Value {
    json!({"subject": "Reprogramar", "hs_pipeline": "0", "hs_pipeline_stage": "1"})
}

/// A ticket by its key.
pub(crate) async fn ticket(hubspot: &HubSpot, key: &str) -> String {
    upsert(hubspot, "tickets", vec![untraced(key, ticket_properties())])
        .await
        .id()
}

pub(crate) fn is_success(status: u16) -> bool {
    StatusCode::from_u16(status).unwrap().is_success()
}
