//! Limits on calls, tokens of an application, and searches that lag behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use hilo_crm_simulator::{Clock, HubSpot, Options, SearchLag};
use serde_json::{Value, json};
use support::{Answer, NOON, V, contact, get, portal, post, send, standing, ticket};

#[tokio::test]
async fn ten_rolling_seconds_have_so_many_calls() {
    let hubspot = HubSpot::new(Options { burst: 3, ..standing() });
    for left in ["2", "1", "0"] {
        let answer = get(&hubspot, "/crm/v3/objects/contacts").await;
        assert_eq!(
            (answer.status, answer.header("x-hubspot-ratelimit-remaining")),
            (200, Some(left))
        );
        assert_eq!(answer.header("x-hubspot-ratelimit-max"), Some("3"));
        assert_eq!(
            answer.header("x-hubspot-ratelimit-interval-milliseconds"),
            Some("10000")
        );
        hubspot.advance(1_000);
    }
    let refused = get(&hubspot, "/crm/v3/objects/contacts").await;
    assert_eq!(
        (refused.status, refused.body["policyName"].as_str()),
        (429, Some("TEN_SECONDLY_ROLLING"))
    );
    // It has no category, which other refusals have.
    assert_eq!(
        (refused.category(), refused.body["errorType"].as_str()),
        ("", Some("RATE_LIMIT"))
    );
    hubspot.advance(6_999);
    assert_eq!(get(&hubspot, "/crm/v3/objects/contacts").await.status, 429);
    // The first of the three is ten seconds old; the window has room for one.
    hubspot.advance(1);
    assert_eq!(get(&hubspot, "/crm/v3/objects/contacts").await.status, 200);
    assert_eq!(get(&hubspot, "/crm/v3/objects/contacts").await.status, 429);
}

#[tokio::test]
async fn a_day_ends_at_the_portals_midnight() {
    let hubspot = HubSpot::new(Options { daily: 2, ..standing() });
    let first = get(&hubspot, "/crm/v3/objects/contacts").await;
    assert_eq!(first.header("x-hubspot-ratelimit-daily"), Some("2"));
    assert_eq!(first.header("x-hubspot-ratelimit-daily-remaining"), Some("1"));
    get(&hubspot, "/crm/v3/objects/contacts").await;
    let refused = get(&hubspot, "/crm/v3/objects/contacts").await;
    assert_eq!(
        (refused.status, refused.body["policyName"].as_str()),
        (429, Some("DAILY"))
    );
    // In Santiago it is nine o'clock: fifteen hours are left.
    hubspot.advance(15 * 3_600_000 - 1);
    assert_eq!(get(&hubspot, "/crm/v3/objects/contacts").await.status, 429);
    hubspot.advance(1);
    assert_eq!(get(&hubspot, "/crm/v3/objects/contacts").await.status, 200);
}

#[tokio::test]
async fn batches_about_associations_count_for_the_day_only() {
    let hubspot = portal(Options {
        burst: 13,
        ..standing()
    })
    .await;
    let (contact, ticket) = (contact(&hubspot, "k1").await, ticket(&hubspot, "t1").await);
    // Ten calls have set the portal up, two have made records: one is left.
    let inputs = json!({"inputs": [{"from": {"id": ticket}, "to": {"id": contact}}]});
    for _ in 0..3 {
        let path = format!("/crm/associations/{V}/tickets/contacts/batch/associate/default");
        assert_eq!(post(&hubspot, &path, inputs.clone()).await.status, 200);
    }
    assert_eq!(get(&hubspot, "/crm/v3/objects/contacts").await.status, 200);
    assert_eq!(get(&hubspot, "/crm/v3/objects/contacts").await.status, 429);
    assert_eq!(hubspot.state().daily_used, 16);
}

fn wanted(name: &str) -> Value {
    json!({"filterGroups": [{"filters": [{"propertyName": "firstname", "operator": "EQ", "value": name}]}],
        "sorts": [], "properties": ["firstname"], "limit": 10, "after": "0"})
}

async fn search(hubspot: &HubSpot, name: &str) -> Answer {
    post(hubspot, &format!("/crm/objects/{V}/contacts/search"), wanted(name)).await
}

#[tokio::test]
async fn a_search_sees_a_change_some_calls_and_some_time_later() {
    let search_lag = SearchLag { calls: 2, millis: 500 };
    let hubspot = portal(Options {
        search_lag,
        searches: u32::MAX,
        ..standing()
    })
    .await;
    contact(&hubspot, "k1").await;
    hubspot.advance(500);
    // Enough time, too few calls: this search is the first call after it, then the second.
    for (total, millis) in [(0, 0), (0, 0), (1, 0)] {
        hubspot.advance(millis);
        let answer = search(&hubspot, "Ana").await;
        assert_eq!((answer.status, answer.body["total"].as_u64()), (200, Some(total)));
        assert_eq!(answer.header("x-hubspot-ratelimit-remaining"), None);
    }
    let change = support::untraced("k1", json!({"firstname": "Luz"}));
    support::upsert(&hubspot, "contacts", vec![change]).await;
    for _ in 0..5 {
        // Enough calls, no time: the old value is what is seen.
        assert_eq!(
            search(&hubspot, "Ana").await.body["results"][0]["properties"]["firstname"],
            "Ana"
        );
    }
    hubspot.advance(500);
    assert_eq!(search(&hubspot, "Ana").await.body["total"], 0);
    assert_eq!(search(&hubspot, "Luz").await.body["total"], 1);
}

#[tokio::test]
async fn searches_have_a_limit_and_a_form_of_their_own() {
    let hubspot = portal(Options {
        searches: 2,
        ..standing()
    })
    .await;
    for status in [200, 200, 429] {
        let answer = search(&hubspot, "Ana").await;
        assert_eq!(answer.status, status);
        assert!(status == 200 || answer.body["policyName"] == "SECONDLY");
    }
    hubspot.advance(1_000);
    let mut short = wanted("Ana");
    short.as_object_mut().unwrap().remove("after");
    assert_eq!(
        post(&hubspot, &format!("/crm/objects/{V}/contacts/search"), short.clone())
            .await
            .status,
        400
    );
    assert_eq!(
        post(&hubspot, "/crm/v3/objects/contacts/search", short).await.status,
        200
    );
    hubspot.advance(1_000);
    let mut long = wanted("Ana");
    long["limit"] = json!(201);
    assert_eq!(
        post(&hubspot, &format!("/crm/objects/{V}/contacts/search"), long)
            .await
            .status,
        400
    );
}

async fn token(hubspot: &HubSpot, form: &str) -> Answer {
    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use tower::ServiceExt as _;
    let request = Request::post("/oauth/2026-09/token")
        .body(Body::from(form.to_owned()))
        .unwrap();
    let (parts, body) = hubspot.router().oneshot(request).await.unwrap().into_parts();
    let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_str(&text).unwrap(),
        text,
    }
}

#[tokio::test]
async fn an_application_gets_tokens_that_expire() {
    let hubspot = HubSpot::new(Options {
        clock: Clock::Standing(NOON),
        ..Options::default()
    });
    let app = Options::default().app;
    let who = format!("client_id={}&client_secret={}", app.id, app.secret);
    for (form, status) in [
        (format!("grant_type=client_credentials&{who}"), 200),
        (
            format!("grant_type=refresh_token&{who}&refresh_token={}", app.refresh_token),
            200,
        ),
        (format!("grant_type=refresh_token&{who}&refresh_token=wrong"), 400),
        (format!("grant_type=password&{who}"), 400),
        (
            "grant_type=client_credentials&client_id=x&client_secret=y".to_owned(),
            400,
        ),
    ] {
        assert_eq!(token(&hubspot, &form).await.status, status, "{status}");
    }
    let given = token(&hubspot, &format!("grant_type=client_credentials&{who}")).await;
    let token = given.body["access_token"].as_str().unwrap();
    let with = async || {
        send(&hubspot, "GET", "/crm/v3/objects/contacts", None, Some(token))
            .await
            .unwrap()
    };
    let answer = with().await;
    // Applications are not told of the day.
    assert_eq!((answer.status, answer.header("x-hubspot-ratelimit-daily")), (200, None));
    hubspot.advance(given.body["expires_in"].as_i64().unwrap() * 1_000);
    assert_eq!(
        (with().await.status, with().await.category()),
        (401, "EXPIRED_AUTHENTICATION")
    );
}

#[tokio::test]
async fn the_portal_tells_about_itself() {
    let hubspot = HubSpot::new(standing());
    let details = get(&hubspot, "/account-info/2026-09/details").await;
    assert_eq!(
        (
            details.body["timeZone"].as_str(),
            details.body["companyCurrency"].as_str()
        ),
        (Some("America/Santiago"), Some("CLP"))
    );
    assert_eq!(details.body["utcOffset"], "-03:00");
    let owners = get(&hubspot, "/crm/v3/owners/?limit=100&archived=false").await;
    assert_eq!(owners.body["results"][0]["email"], "ana@example.test");
    let pipelines = get(&hubspot, "/crm/pipelines/2026-09/0-3").await;
    assert_eq!(pipelines.body["results"][0]["id"], "default");
    let enabled = get(&hubspot, "/settings/currencies/2026-09/exchange-rates/current").await;
    assert_eq!(enabled.body["results"][0]["fromCurrencyCode"], "USD");
    for path in [
        "/settings/currencies/2026-09/codes",
        "/crm/limits/2026-09/records",
        "/crm/limits/2026-09/custom-properties",
        "/crm/property-validations/2026-09/0-1",
    ] {
        assert_eq!(get(&hubspot, path).await.status, 200, "{path}");
    }
}
