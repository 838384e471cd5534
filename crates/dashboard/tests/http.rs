//! The routes as a program sees them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use support::{ANALYST, Fake, HOSTILE, MESSAGE, OPERATOR, RECORD, Served, VIEWER, serve};

struct Server {
    base: String,
    fake: Arc<Fake>,
    served: Served,
    client: Client,
}

impl Server {
    async fn start() -> Self {
        let fake = Arc::new(Fake::default());
        let served = serve(Arc::clone(&fake)).await;
        Self {
            base: format!("http://{}", served.address),
            fake,
            served,
            client: Client::builder().no_proxy().redirect(Policy::none()).build().unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Response {
        self.get_as(OPERATOR, path).await
    }

    async fn get_as(&self, token: &str, path: &str) -> Response {
        self.client
            .get(format!("{}{path}", self.base))
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
    }

    /// With a cookie instead of a token.
    async fn get_with(&self, cookie: &str, path: &str) -> Response {
        self.client
            .get(format!("{}{path}", self.base))
            .header("cookie", cookie)
            .send()
            .await
            .unwrap()
    }

    /// As a form of `origin` sends it.
    async fn post(&self, origin: &str, cookie: &str, path: &str, form: &[(&str, &str)]) -> Response {
        let body: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
            .collect();
        self.client
            .post(format!("{}{path}", self.base))
            .header("origin", origin)
            .header("cookie", cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.join("&"))
            .send()
            .await
            .unwrap()
    }

    /// The cookie of a session of this token.
    async fn log_in(&self, token: &str) -> String {
        let entered = self.post(&self.base, "", "/login", &[("token", token)]).await;
        assert_eq!(entered.status(), StatusCode::SEE_OTHER);
        cookie(&entered)
    }

    async fn json(&self, path: &str) -> (StatusCode, Value) {
        let response = self.get(path).await;
        (response.status(), response.json().await.unwrap())
    }
}

fn cookie(response: &Response) -> String {
    let set = header(response.headers(), "set-cookie");
    for guarded in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(guarded), "{set}");
    }
    set.split(';').next().unwrap().to_owned()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// The next event of a stream; `None` at its end.
async fn event(stream: &mut Response, buffer: &mut String) -> Option<Value> {
    loop {
        if let Some((event, rest)) = buffer.clone().split_once("\n\n") {
            rest.clone_into(buffer);
            if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) {
                return Some(serde_json::from_str(data).unwrap());
            }
        } else {
            buffer.push_str(std::str::from_utf8(&stream.chunk().await.ok()??).unwrap());
        }
    }
}

fn ids(event: &Value) -> Vec<&str> {
    let sections = event["sections"].as_array().unwrap();
    sections.iter().map(|section| section["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_page_is_whole_without_a_script_and_closed_to_foreign_ones() {
    let server = Server::start().await;
    let response = server.get("/").await;
    let policy = header(response.headers(), "content-security-policy").to_owned();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(header(response.headers(), "cache-control"), "no-store");
    assert_eq!(header(response.headers(), "x-content-type-options"), "nosniff");
    let page = response.text().await.unwrap();
    for told in [
        "Messages received",
        "Delivery rate",
        "cita_manana",
        "CL ··· 4567",
        "not json",
        "&lt;img src=x",
    ] {
        assert!(page.contains(told), "{told}");
    }
    for foreign in [HOSTILE, "http://", "https://", "style=", "onclick", "61234567"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[tokio::test]
async fn a_stream_begins_with_everything_goes_on_with_changes_and_ends_at_closing() {
    let server = Server::start().await;
    let mut stream = server.get("/events").await;
    assert_eq!(header(stream.headers(), "content-type"), "text/event-stream");
    let mut buffer = String::new();
    let first = event(&mut stream, &mut buffer).await.unwrap();
    assert_eq!(
        ids(&first),
        [
            "clock",
            "warnings",
            "flow",
            "outcomes",
            "crm",
            "numbers",
            "templates",
            "conversations",
            "senders",
            "dead_letters"
        ]
    );
    let second = event(&mut stream, &mut buffer).await.unwrap();
    assert!(
        ids(&second).contains(&"flow") && !ids(&second).contains(&"warnings"),
        "{second}"
    );
    server.served.close.send(true).unwrap();
    while event(&mut stream, &mut buffer).await.is_some() {}
}

#[tokio::test]
async fn many_pages_ask_the_source_once_and_too_many_are_refused() {
    let server = Server::start().await;
    let mut open = Vec::new();
    for _ in 0..64 {
        let stream = server.get("/events").await;
        assert_eq!(stream.status(), StatusCode::OK);
        open.push(stream);
    }
    let refused = server.get("/events").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(header(refused.headers(), "retry-after"), "5");
    for stream in &mut open {
        assert!(event(stream, &mut String::new()).await.is_some());
    }
    // The first events of 64 streams come from few snapshots, not from one each.
    assert!(server.fake.step.load(Ordering::SeqCst) < 64);
    server.served.close.send(true).unwrap();
    for stream in &mut open {
        while event(stream, &mut String::new()).await.is_some() {}
    }
    server.served.close.send(false).unwrap();
    assert_eq!(server.get("/events").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_source_that_fails_is_told_and_comes_back() {
    let server = Server::start().await;
    server.fake.broken.store(true, Ordering::SeqCst);
    let page = server.get("/").await.text().await.unwrap();
    assert!(page.contains("golden.db does not answer"));
    let mut stream = server.get("/events").await;
    let mut buffer = String::new();
    assert_eq!(ids(&event(&mut stream, &mut buffer).await.unwrap()), ["warnings"]);
    server.fake.broken.store(false, Ordering::SeqCst);
    let back = event(&mut stream, &mut buffer).await.unwrap();
    assert!(
        ids(&back).contains(&"warnings") && ids(&back).contains(&"numbers"),
        "{back}"
    );
}

#[tokio::test]
async fn rows_are_filtered_and_bad_questions_refused() {
    let server = Server::start().await;
    let (status, rows) = server.json("/v1/metrics?definition=delivery_rate@1&tenant=acme").await;
    assert_eq!((status, rows.as_array().unwrap().len()), (StatusCode::OK, 100));
    assert_eq!(rows[0]["metric"], "delivery_rate");
    assert!(rows[0]["window"].is_null() && rows[0]["dimensions"].is_object() && rows[0]["numerator"].is_i64());
    let (_, rows) = server
        .json("/v1/metrics?definition=fcr_rate&since=2026-05-04T14:00:00Z")
        .await;
    assert_eq!(rows, serde_json::json!([]));
    for bad in [
        "since=yesterday",
        "until=1",
        "metrik=x",
        "limit=0",
        "limit=10001",
        "after=x",
    ] {
        let (status, answer) = server.json(&format!("/v1/metrics?{bad}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{bad}");
        assert_eq!(answer["code"], "bad_query");
        assert!(!answer["error"].as_str().unwrap().is_empty() && !answer["hint"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn pages_of_rows_follow_one_another_and_are_the_whole() {
    let server = Server::start().await;
    let (_, whole) = server.json("/v1/metrics?limit=10000").await;
    let mut path = "/v1/metrics?limit=170".to_owned();
    let mut rows = Vec::new();
    loop {
        let response = server.get(&path).await;
        let link = header(response.headers(), "link").to_owned();
        let page: Value = response.json().await.unwrap();
        assert!(page.as_array().unwrap().len() <= 170);
        rows.extend(page.as_array().unwrap().clone());
        let Some(next) = link
            .strip_prefix('<')
            .and_then(|link| link.split_once(">; rel=\"next\""))
        else {
            break;
        };
        assert!(next.0.contains("limit=170"), "{link}");
        path = next.0.to_owned();
    }
    assert_eq!(
        (Value::from(rows), whole.as_array().unwrap().len()),
        (whole.clone(), 1_200)
    );
}

#[tokio::test]
async fn two_traces_run_four_wait_more_are_busy_and_who_leaves_is_not_worked_for() {
    let server = Server::start().await;
    let ask = || {
        let request = server
            .client
            .get(format!("{}/v1/trace/endless", server.base))
            .bearer_auth(OPERATOR);
        tokio::spawn(async move { request.send().await })
    };
    // Whichever comes last of seven is refused; the others wait for an answer that does not come.
    let mut asking: Vec<_> = (0..7).map(|_| ask()).collect();
    let last = loop {
        if let Some(last) = asking.iter().position(tokio::task::JoinHandle::is_finished) {
            break asking.swap_remove(last).await.unwrap().unwrap();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(last.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(last.headers(), "retry-after"), "1");
    assert_eq!(last.json::<Value>().await.unwrap()["code"], "busy");
    while server.fake.running.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    assert!(!asking.iter().any(tokio::task::JoinHandle::is_finished));
    for one in asking.drain(..) {
        one.abort();
    }
    // Who has left is not worked for: there is room again.
    loop {
        if server.get("/v1/trace/a-message").await.status() == StatusCode::OK {
            break;
        }
        tokio::task::yield_now().await;
    }
    while server.fake.running.load(Ordering::SeqCst) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_trace_is_masked_for_programs_too() {
    let server = Server::start().await;
    let (status, trace) = server.json(&format!("/v1/trace/{MESSAGE}")).await;
    assert_eq!((status, trace["steps"].as_array().unwrap().len()), (StatusCode::OK, 5));
    let text = trace.to_string();
    for secret in ["56961234567", "Camila", "Hola", "soporte", &MESSAGE[6..20]] {
        assert!(!text.contains(secret), "{secret}");
    }
    let (status, answer) = server.json("/v1/trace/missing").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(answer["code"] == "not_found" && answer["hint"].as_str().unwrap().contains("hilo dlq list"));
    let page = server.get("/trace/%3Cscript%3E").await;
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert!(page.text().await.unwrap().contains("No trace of ••• 8 characters"));
    // A base64 id may hold slashes.
    assert_eq!(
        server.get("/v1/trace/wamid.AB/CD%2FEF==").await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn assets_are_asked_for_again_only_when_they_changed() {
    let server = Server::start().await;
    for (name, kind) in [
        ("dashboard.css", "text/css"),
        ("live.js", "text/javascript"),
        ("morph.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ] {
        let path = format!("/assets/{name}");
        let response = server.get(&path).await;
        assert!(header(response.headers(), "content-type").starts_with(kind));
        let tag = header(response.headers(), "etag").to_owned();
        assert!(!response.text().await.unwrap().is_empty());
        let again = server
            .client
            .get(format!("{}{path}", server.base))
            .header("if-none-match", tag)
            .send()
            .await
            .unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
    assert_eq!(server.get("/assets/Cargo.toml").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_token_becomes_a_session_and_a_log_out_ends_it_with_its_streams() {
    let server = Server::start().await;
    let away = server
        .client
        .get(format!("{}/trace?id=a%20b", server.base))
        .send()
        .await
        .unwrap();
    assert_eq!(away.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(away.headers(), "location"), "/login?next=/trace%3Fid%3Da%2520b");
    let entered = server
        .post(
            &server.base,
            "",
            "/login",
            &[("token", VIEWER), ("next", "%2Ftrace%2Fx")],
        )
        .await;
    assert_eq!(
        (entered.status(), header(entered.headers(), "location")),
        (StatusCode::SEE_OTHER, "/trace/x")
    );
    let session = cookie(&entered);
    let page = server.get_with(&session, "/").await.text().await.unwrap();
    assert!(page.contains("vera") && page.contains("viewer: masked"));
    let mut stream = server.get_with(&session, "/events").await;
    let mut buffer = String::new();
    event(&mut stream, &mut buffer).await.unwrap();

    // A log-in makes a new id, and the one before is nobody's.
    let again = cookie(
        &server
            .post(&server.base, &session, "/login", &[("token", VIEWER)])
            .await,
    );
    assert_ne!(session, again);
    assert_eq!(
        server.get_with(&session, "/v1/metrics").await.status(),
        StatusCode::UNAUTHORIZED
    );
    while event(&mut stream, &mut buffer).await.is_some() {}

    let mut stream = server.get_with(&again, "/events").await;
    let left = server.post(&server.base, &again, "/logout", &[]).await;
    assert_eq!(
        (left.status(), header(left.headers(), "location")),
        (StatusCode::SEE_OTHER, "/login")
    );
    assert!(header(left.headers(), "set-cookie").contains("Max-Age=0"));
    assert_eq!(server.get_with(&again, "/").await.status(), StatusCode::SEE_OTHER);
    while event(&mut stream, &mut buffer).await.is_some() {}
}

#[tokio::test]
async fn a_link_lets_in_once_and_behind_tls_its_cookie_is_secure() {
    let server = Server::start().await;
    let link = server.served.link();
    let open = || server.client.get(&link).header("x-forwarded-proto", "https").send();
    let entered = open().await.unwrap();
    assert_eq!(entered.status(), StatusCode::OK);
    assert!(header(entered.headers(), "set-cookie").ends_with("; Secure"));
    let session = cookie(&entered);
    assert!(entered.text().await.unwrap().contains("url=/"));
    let again = open().await.unwrap();
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
    assert!(header(again.headers(), "set-cookie").is_empty());
    let page = server.get_with(&session, "/").await.text().await.unwrap();
    assert!(page.contains("local") && page.contains("operator"));
}

#[tokio::test]
async fn guesses_are_bounded_and_other_sites_cannot_send() {
    let server = Server::start().await;
    let session = server.log_in(OPERATOR).await;
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        for path in ["/login", "/logout", "/trace/x"] {
            let sent = server
                .post(origin, &session, path, &[("token", OPERATOR), ("reason", "x")])
                .await;
            assert_eq!(sent.status(), StatusCode::FORBIDDEN, "{origin} {path}");
        }
    }
    let silent = server
        .client
        .post(format!("{}/logout", server.base))
        .header("cookie", &session)
        .send()
        .await
        .unwrap();
    assert_eq!(silent.status(), StatusCode::FORBIDDEN);
    for guess in 0..10 {
        let refused = server.post(&server.base, "", "/login", &[("token", "guess")]).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{guess}");
    }
    // From then on not even the right one is looked at, and what is logged in goes on.
    for right in [
        server.post(&server.base, "", "/login", &[("token", OPERATOR)]).await,
        server.get("/v1/metrics").await,
        server.client.get(server.served.link()).send().await.unwrap(),
    ] {
        assert_eq!(right.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(header(right.headers(), "retry-after").parse::<u32>().unwrap() <= 6);
    }
    assert_eq!(server.get_with(&session, "/").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn each_role_sees_what_it_may() {
    let server = Server::start().await;
    let reveal = format!("/v1/trace/{MESSAGE}?reveal=1&reason=she+asked");
    let masked = format!("/v1/trace/{MESSAGE}");
    let page = format!("/trace/{MESSAGE}");
    for (path, by_role) in [
        ("/", [200, 200, 200]),
        ("/v1/metrics", [200, 200, 200]),
        ("/events", [200, 200, 200]),
        (&masked, [403, 200, 200]),
        (&page, [403, 200, 200]),
        ("/trace?id=x", [403, 200, 200]),
        (&reveal, [403, 403, 200]),
    ] {
        for (token, status) in [ANALYST, VIEWER, OPERATOR].into_iter().zip(by_role) {
            let answer = server.get_as(token, path).await;
            assert_eq!(answer.status(), status, "{token} {path}");
            if status == 403 {
                assert_eq!(answer.json::<Value>().await.unwrap()["code"], "role");
            }
        }
    }
    let numbers = server.get_as(ANALYST, "/").await.text().await.unwrap();
    assert!(numbers.contains("Delivery rate") && numbers.contains("cita_manana"));
    for person in ["··· 4567", "/trace", "Recent conversations", "waits for a person"] {
        assert!(!numbers.contains(person), "{person}");
    }
    let mut stream = server.get_as(ANALYST, "/events").await;
    let first = event(&mut stream, &mut String::new()).await.unwrap().to_string();
    assert!(!first.contains("··· 4567") && !first.contains("/trace"), "{first}");
}

#[tokio::test]
async fn a_crm_says_how_it_is_and_a_reader_of_numbers_sees_no_record() {
    let server = Server::start().await;
    let page = server.get_as(VIEWER, "/").await.text().await.unwrap();
    let (_, crm) = page.split_once("<section id=\"crm\">").unwrap();
    let (crm, _) = crm.split_once("</section>").unwrap();
    assert!(crm.contains(&format!("href=\"/trace/{RECORD}\"")) && crm.contains("href=\"/trace/crm:hubspot:deal\""));
    assert!(
        crm.contains("Stopped") && crm.contains("motivo_de_la_consulta_de_la_paciente"),
        "{crm}"
    );
    assert!(!crm.contains("Camila") && !crm.contains("onerror"), "{crm}");

    let numbers = server.get_as(ANALYST, "/").await.text().await.unwrap();
    let (_, crm) = numbers.split_once("<section id=\"crm\">").unwrap();
    let (crm, _) = crm.split_once("</section>").unwrap();
    assert!(crm.contains("missing property") && crm.contains(">431<"), "{crm}");
    assert!(!crm.contains("/trace") && !crm.contains(RECORD), "{crm}");
}

#[tokio::test]
async fn an_operator_reveals_with_a_reason_that_is_kept_first() {
    let server = Server::start().await;
    let api = |query: &str| format!("/v1/trace/{MESSAGE}?{query}");
    for bad in ["reveal=1", "reveal=1&reason=+", "reveal=yes&reason=x", "show=1"] {
        assert_eq!(server.get(&api(bad)).await.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
    let (status, shown) = server.json(&api("reveal=1&reason=she+asked")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(shown.to_string().contains("56961234567") && shown["id"] == MESSAGE);
    let session = server.log_in(OPERATOR).await;
    let page = format!("/trace?id={MESSAGE}");
    let shown = server
        .post(&server.base, &session, &page, &[("reason", "a complaint")])
        .await;
    assert!(shown.text().await.unwrap().contains("Camila Rojas"));
    let expected =
        [["olga", "she asked", MESSAGE], ["olga", "a complaint", MESSAGE]].map(|line| line.map(str::to_owned));
    assert_eq!(*server.served.seen.0.lock().unwrap(), expected);

    let (status, refused) = server.json(&api("reveal=1&reason=the+disk+is+full")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!refused.to_string().contains("56961234567"));
    let viewer = server.log_in(VIEWER).await;
    let refused = server
        .post(&server.base, &viewer, &page, &[("reason", "curious")])
        .await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(server.served.seen.0.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn only_its_own_names_are_answered() {
    let server = Server::start().await;
    for (host, status) in [("evil.example", 421), ("localhost:1", 200), ("[::1]", 200)] {
        let answer = server
            .client
            .get(format!("{}/v1/metrics", server.base))
            .bearer_auth(OPERATOR)
            .header("host", host)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), status, "{host}");
    }
}
