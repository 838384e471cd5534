//! What goes wrong on demand, over a socket: so often, with such calls, applied or not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use hilo_crm_simulator::{HubSpot, Misbehaviour, Object, Options, Rule, When};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use support::{V, input, portal, standing, ticket_properties, untraced};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// A portal that listens.
struct Listening {
    hubspot: HubSpot,
    base: String,
    client: Client,
    end: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl Listening {
    async fn new(options: Options) -> Self {
        let hubspot = portal(options).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (end, ended) = oneshot::channel();
        let server = hubspot.clone();
        let served = tokio::spawn(async move {
            server.serve(listener, async { drop(ended.await) }).await;
        });
        // A proxy of the environment is none of the test's, and neither is a connection that was used before.
        let client = Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        Self {
            hubspot,
            base,
            client,
            end,
            served,
        }
    }

    fn posted(&self, path: &str, body: &Value) -> RequestBuilder {
        let request = self.client.post(format!("{}{path}", self.base));
        request.bearer_auth(Options::default().token).json(body)
    }

    async fn post(&self, path: &str, body: &Value) -> reqwest::Result<Response> {
        self.posted(path, body).send().await
    }

    /// An upsert of one contact.
    fn upsert_of(&self, key: &str) -> RequestBuilder {
        let body = json!({"inputs": [untraced(key, json!({"firstname": "Ana"}))]});
        self.posted(&format!("/crm/objects/{V}/contacts/batch/upsert"), &body)
    }

    async fn upsert(&self, key: &str) -> reqwest::Result<Response> {
        self.upsert_of(key).send().await
    }

    /// A call that is under way, and is held by the portal.
    async fn held(&self, call: RequestBuilder) -> JoinHandle<reqwest::Result<Response>> {
        let call = tokio::spawn(call.send());
        while self.hubspot.held() == 0 {
            tokio::task::yield_now().await;
        }
        call
    }

    fn contacts(&self) -> usize {
        self.hubspot.state().of(Object::Contacts).len()
    }

    async fn end(self) {
        self.end.send(()).unwrap();
        self.served.await.unwrap();
    }
}

async fn body(answer: Response) -> Value {
    answer.json().await.unwrap()
}

#[tokio::test]
async fn refusals_have_their_status_body_and_headers_and_apply_nothing() {
    let portal = Listening::new(standing()).await;
    for (what, status, retry_after, category, policy) in [
        (
            Misbehaviour::TooManyRequests { retry_after: None },
            429,
            None,
            None,
            Some("TEN_SECONDLY_ROLLING"),
        ),
        (
            Misbehaviour::TooManyRequests { retry_after: Some(10) },
            429,
            Some("10"),
            None,
            Some("TEN_SECONDLY_ROLLING"),
        ),
        (
            Misbehaviour::DailyLimit { retry_after: None },
            429,
            None,
            None,
            Some("DAILY"),
        ),
        (
            Misbehaviour::DailyLimit {
                retry_after: Some(3_600),
            },
            429,
            Some("3600"),
            None,
            Some("DAILY"),
        ),
        (Misbehaviour::ServerError, 500, None, Some("INTERNAL_ERROR"), None),
        (Misbehaviour::Unavailable, 503, None, Some("SERVICE_UNAVAILABLE"), None),
        (Misbehaviour::Locked, 423, None, Some("LOCKED"), None),
        (
            Misbehaviour::Migrating { retry_after: 5 },
            477,
            Some("5"),
            Some("MIGRATION_IN_PROGRESS"),
            None,
        ),
        (
            Misbehaviour::Unauthorized,
            401,
            None,
            Some("INVALID_AUTHENTICATION"),
            None,
        ),
    ] {
        portal.hubspot.misbehave(what.clone(), When::times(1));
        let answer = portal.upsert("k1").await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{what:?}");
        let told = answer
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(told.as_deref(), retry_after, "{what:?}");
        let body = body(answer).await;
        assert_eq!(
            (body["category"].as_str(), body["policyName"].as_str()),
            (category, policy),
            "{what:?}"
        );
        assert_eq!(portal.contacts(), 0, "{what:?}");
    }
    portal.hubspot.misbehave(Misbehaviour::BadGateway, When::times(1));
    let answer = portal.upsert("k1").await.unwrap();
    assert_eq!(answer.status().as_u16(), 502);
    assert!(answer.text().await.unwrap().starts_with("<html>"));
    // Each was asked for once, so the next call is served.
    assert_eq!(portal.upsert("k1").await.unwrap().status(), StatusCode::OK);
    assert_eq!(portal.hubspot.counts().misbehaved["too_many_requests"], 2);
    portal.end().await;
}

#[tokio::test]
async fn a_connection_ends_before_or_after_the_call_was_applied() {
    let portal = Listening::new(standing()).await;
    portal.hubspot.misbehave(Misbehaviour::DropBefore, When::times(1));
    assert!(portal.upsert("k1").await.unwrap_err().is_request());
    assert_eq!(portal.contacts(), 0);
    portal.hubspot.misbehave(Misbehaviour::DropAfter, When::times(1));
    assert!(portal.upsert("k1").await.unwrap_err().is_request());
    assert_eq!(portal.contacts(), 1);
    let again = body(portal.upsert("k1").await.unwrap()).await;
    assert_eq!(again["results"][0]["new"], false);
    assert_eq!(portal.hubspot.counts().statuses[&0], 2);
    portal.end().await;
}

#[tokio::test]
async fn an_answer_is_held_though_the_call_was_applied() {
    let portal = Listening::new(standing()).await;
    portal
        .hubspot
        .misbehave(Misbehaviour::HoldAfter { millis: 3_600_000 }, When::times(1));
    let call = portal.held(portal.upsert_of("k1")).await;
    assert_eq!(portal.contacts(), 1);
    assert!(!call.is_finished());
    portal.hubspot.release();
    assert!(call.await.unwrap().unwrap_err().is_request());
    assert_eq!(portal.hubspot.held(), 0);
    portal.end().await;
}

#[tokio::test]
async fn a_held_answer_does_not_keep_the_server() {
    let portal = Listening::new(standing()).await;
    portal
        .hubspot
        .misbehave(Misbehaviour::HoldAfter { millis: 3_600_000 }, When::default());
    let list = portal.client.get(format!("{}/crm/v3/objects/contacts", portal.base));
    let call = portal.held(list).await;
    portal.end().await;
    assert!(call.await.unwrap().is_err());
}

#[tokio::test]
async fn a_slow_call_is_applied_after_its_time() {
    let portal = Listening::new(standing()).await;
    portal
        .hubspot
        .misbehave(Misbehaviour::Slow { millis: 3_600_000 }, When::times(1));
    let call = portal.held(portal.upsert_of("k1")).await;
    assert_eq!(portal.contacts(), 0);
    portal.hubspot.release();
    assert_eq!(call.await.unwrap().unwrap().status(), StatusCode::OK);
    assert_eq!(portal.contacts(), 1);
    portal.end().await;
}

#[tokio::test]
async fn a_batch_succeeds_without_results_and_without_being_applied() {
    let portal = Listening::new(standing()).await;
    portal.hubspot.misbehave(Misbehaviour::EmptyResults, When::times(2));
    // It makes sense with batches only: another call is served as ever.
    let other = portal
        .client
        .get(format!("{}/crm/v3/owners", portal.base))
        .bearer_auth(Options::default().token);
    assert_eq!(
        body(other.send().await.unwrap()).await["results"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let answer = portal.upsert("k1").await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body = body(answer).await;
    assert_eq!((&body["results"], body.get("errors")), (&json!([]), None));
    let created = portal
        .post(
            "/crm/v3/objects/contacts/batch/create",
            &json!({"inputs": [{"properties": {}}]}),
        )
        .await;
    assert_eq!(created.unwrap().status(), StatusCode::CREATED);
    assert_eq!(portal.contacts(), 0);
    portal.end().await;
}

#[tokio::test]
async fn some_inputs_of_a_batch_fail_for_the_time_being() {
    let portal = Listening::new(standing()).await;
    portal
        .hubspot
        .misbehave(Misbehaviour::PartialFailure { share: 0.5 }, When::times(2));
    let inputs: Vec<Value> = (0..40).map(|number| input(&format!("k{number}"), json!({}))).collect();
    let path = format!("/crm/objects/{V}/contacts/batch/upsert");
    let answer = portal.post(&path, &json!({"inputs": inputs})).await.unwrap();
    assert_eq!(answer.status(), StatusCode::MULTI_STATUS);
    let told = body(answer).await;
    let (done, failed) = (
        told["results"].as_array().unwrap().len(),
        told["errors"].as_array().unwrap().len(),
    );
    assert!(done > 0 && failed > 0 && done + failed == 40, "{done} {failed}");
    assert_eq!(
        (portal.contacts(), told["errors"][0]["category"].as_str()),
        (done, Some("INTERNAL_ERROR"))
    );
    // Without trace ids there is nobody to tell apart.
    let inputs: Vec<Value> = (0..40)
        .map(|number| untraced(&format!("u{number}"), json!({})))
        .collect();
    let answer = portal.post(&path, &json!({"inputs": inputs})).await.unwrap();
    assert_eq!((answer.status().as_u16(), portal.contacts()), (503, done));
    portal.end().await;
}

#[tokio::test]
async fn it_goes_wrong_as_often_and_where_it_was_asked_for() {
    let portal = Listening::new(standing()).await;
    let after = When {
        after: 2,
        ..When::times(1)
    }
    .on("batch/upsert");
    portal.hubspot.misbehave(Misbehaviour::ServerError, after);
    let mut seen = Vec::new();
    for key in ["k1", "k2", "k3", "k4"] {
        let missing = json!({"inputs": [{"id": "1"}], "properties": []});
        let read = portal
            .post("/crm/v3/objects/contacts/batch/read", &missing)
            .await
            .unwrap();
        assert_eq!(read.status(), StatusCode::MULTI_STATUS);
        seen.push(portal.upsert(key).await.unwrap().status().as_u16());
    }
    assert_eq!(seen, [200, 200, 500, 200]);
    // For a while, in the portal's time.
    let when = When {
        for_millis: Some(1_000),
        ..When::default()
    };
    portal.hubspot.misbehave(Misbehaviour::Unauthorized, when);
    assert_eq!(portal.upsert("k1").await.unwrap().status().as_u16(), 401);
    portal.hubspot.advance(1_000);
    assert_eq!(portal.upsert("k1").await.unwrap().status().as_u16(), 200);
    portal.end().await;
}

#[tokio::test]
async fn chance_is_of_the_seed() {
    let run = async |seed: u64| {
        let portal = Listening::new(Options { seed, ..standing() }).await;
        portal.hubspot.misbehave(Misbehaviour::Unavailable, When::chance(0.5));
        let mut seen = Vec::new();
        for number in 0..40 {
            seen.push(portal.upsert(&format!("k{number}")).await.unwrap().status().as_u16());
        }
        portal.end().await;
        seen
    };
    let first = run(1).await;
    assert!(first.contains(&200) && first.contains(&503));
    assert_eq!(first, run(1).await);
    assert_ne!(first, run(2).await);
}

#[tokio::test]
async fn an_administrator_sets_a_rule_and_takes_it_back() {
    let portal = Listening::new(standing()).await;
    let rule = Rule {
        object: Object::Tickets,
        when: None,
        required: "content".to_owned(),
    };
    portal.hubspot.misbehave(Misbehaviour::Rule(rule), When::default());
    let body = json!({"inputs": [untraced("t1", ticket_properties())]});
    for (version, status) in [("2026-09", 400), ("2026-03", 200)] {
        let answer = portal
            .post(&format!("/crm/objects/{version}/tickets/batch/upsert"), &body)
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{version}");
    }
    portal.hubspot.behave();
    let answer = portal
        .post("/crm/objects/2026-09/tickets/batch/upsert", &body)
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    portal.end().await;
}

#[tokio::test]
async fn all_of_it_can_be_asked_for_over_http() {
    let portal = Listening::new(standing()).await;
    let control = async |path: &str, body: Value| {
        let answer = portal
            .client
            .post(format!("{}/_simulator/{path}", portal.base))
            .json(&body)
            .send()
            .await
            .unwrap();
        answer.status().as_u16()
    };
    let order = json!({"what": {"kind": "migrating", "retry_after": 7}, "when": {"times": 1, "path": "contacts"}});
    assert_eq!(control("misbehave", order).await, 204);
    assert_eq!(portal.upsert("k1").await.unwrap().status().as_u16(), 477);
    assert_eq!(portal.upsert("k1").await.unwrap().status().as_u16(), 200);
    let rule = json!({"what": {"kind": "rule", "object": "contacts", "required": "lastname"}});
    assert_eq!(control("misbehave", rule).await, 204);
    assert_eq!(portal.upsert("k1").await.unwrap().status().as_u16(), 400);
    assert_eq!(control("behave", json!({})).await, 204);
    assert_eq!(portal.upsert("k1").await.unwrap().status().as_u16(), 200);
    for wrong in [
        json!({"what": {"kind": "nonsense"}}),
        json!({"what": {"kind": "locked"}, "when": {"time": 1}}),
        json!({}),
    ] {
        assert!(
            [400, 422].contains(&control("misbehave", wrong.clone()).await),
            "{wrong}"
        );
    }
    assert_eq!(control("advance", json!({"millis": 60_000})).await, 204);
    let look = async |query: &str| -> Value {
        body(
            portal
                .client
                .get(format!("{}/_simulator/state{query}", portal.base))
                .send()
                .await
                .unwrap(),
        )
        .await
    };
    let state = look("").await;
    assert_eq!(state["records"]["contacts"][0]["properties"]["wa_key"], "k1");
    assert_eq!(state["counts"]["calls"]["POST /crm/objects/contacts/batch/upsert"], 4);
    assert_eq!(look("?records=no").await["records"], json!({}));
    assert_eq!(control("reset", json!({})).await, 204);
    assert_eq!(look("").await["records"]["contacts"], json!([]));
    portal.end().await;
}
