//! C1: who reads what. The read side is on a listener of its own, asks for a token, and answers for its reader's tenants.

use crate::{
    judge::Judge,
    room::{
        capture::{ACME, BETA, Tenant, now},
        genuine::wait_derived,
        http::{self, Answer, Request, attacker, connect, escape},
        node::{ANA, BEA, NUMA, Node, OLGA, Reader, Room, Settings, free_port, tenants},
        numbers,
        process::Process,
        until,
    },
    scale::Scale,
};
use anyhow::{Result, ensure};
use serde_json::json;
use std::{
    collections::{BTreeSet, VecDeque},
    fs,
    net::Ipv4Addr,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
    time::timeout,
};

/// What is never on the listener that may be public.
const READ_SIDE: [&str; 11] = [
    "/",
    "/events",
    "/login",
    "/trace",
    "/trace/x",
    "/v1/trace/x",
    "/v1/metrics",
    "/metrics",
    "/healthz",
    "/readyz",
    "/assets/style.css",
];
/// What asks for a reader.
const PROTECTED: [&str; 7] = [
    "/",
    "/events",
    "/trace?id=wamid.acme.1",
    "/trace/wamid.acme.1",
    "/v1/trace/wamid.acme.1",
    "/v1/metrics",
    "/v1/metrics?tenant=acme",
];
/// Pages that are followed from `/`.
const PAGES: usize = 40;
/// How long a stream of events is listened to.
const EVENTS: Duration = Duration::from_millis(2_500);
/// A process that refuses its configuration ends within this time.
const REFUSED: Duration = Duration::from_secs(20);
/// A person of both tenants.
const SHARED: &str = "56961234567";

/// Words that only a tenant's own data holds.
fn marks(tenant: &Tenant) -> Vec<String> {
    vec![
        format!("{}_cita", tenant.name),
        format!("{}_campaign", tenant.name),
        format!("wamid.{}", tenant.name),
        format!("\"tenant\":\"{}\"", tenant.name),
        tenant.phone_number_id.to_owned(),
        tenant.waba.to_owned(),
    ]
}

/// The first word of another tenant in an answer.
fn leak(answer: &Answer, of: &Tenant) -> Option<String> {
    let text = answer.text();
    marks(of).into_iter().find(|mark| text.contains(mark.as_str()))
}

/// Nobody gets an answer without a token: an API says so, a page leads to the log-in, and who guesses is made to wait.
fn is_refused(answer: &Answer) -> bool {
    let leads_to_login = || answer.header("location").is_some_and(|to| to.starts_with("/login"));
    answer.status == 401 || answer.status == 429 || (answer.status == 303 && leads_to_login())
}

pub(crate) async fn attack(room: &Room, _: &Scale, judge: &mut Judge) -> Result<()> {
    let node = Node::start(room, Settings::default()).await?;
    seed(&node).await?;
    public_listener(&node, judge).await?;
    without_token(&node, judge).await?;
    other_tenant(&node, judge).await?;
    analyst(&node, judge).await?;
    session(&node, judge).await?;
    links(&node, judge).await?;
    drop(node);
    open_to_the_network(room, judge).await?;
    refused_at_start(room, judge).await
}

async fn seed(node: &Node<'_>) -> Result<()> {
    for tenant in [ACME, BETA] {
        let own = if tenant.name == "acme" {
            "56961230001"
        } else {
            "5215512345678"
        };
        let texts = [
            tenant.text(&format!("wamid.{}.1", tenant.name), own, "hola"),
            tenant.text(&format!("wamid.{}.2", tenant.name), SHARED, "hola"),
        ];
        for text in texts {
            let answer = tenant.signed(&text).send(node.http).await?;
            ensure!(answer.status == 200, "a signed delivery: {}", answer.brief());
        }
        let sent = format!("wamid.{}.out", tenant.name);
        let line = tenant.outbound(&sent, &json!({"phone": format!("+{own}")}), &now());
        let answer = tenant.lines("/v1/outbound", &[line]).send(node.http).await?;
        ensure!(answer.status == 200, "an outbound line: {}", answer.brief());
    }
    for id in ["wamid.acme.2", "wamid.beta.2", "wamid.acme.out", "wamid.beta.out"] {
        wait_derived(node, id, Duration::from_mins(1)).await?;
    }
    Ok(())
}

async fn public_listener(node: &Node<'_>, judge: &mut Judge) -> Result<()> {
    for path in READ_SIDE {
        for request in [Request::get(path), Request::get(path).bearer(OLGA.token)] {
            let answer = request.begin(node.http).await?;
            judge.check("the public listener has no read side", answer.status == 404, || {
                format!("GET {path} on [http] gives {}", answer.brief())
            });
        }
    }
    let delivery = ACME.signed(&ACME.text("wamid.acme.admin", "56961230001", "hola"));
    let line = ACME.outbound("wamid.acme.admin.2", &json!({"phone": "+56961230001"}), &now());
    for request in [delivery, ACME.lines("/v1/outbound", &[line])] {
        let answer = request.send(node.admin).await?;
        judge.check(
            "the read side takes no deliveries",
            matches!(answer.status, 401 | 404 | 405),
            || format!("POST {} on [admin] gives {}", request.path, answer.brief()),
        );
    }
    Ok(())
}

async fn without_token(node: &Node<'_>, judge: &mut Judge) -> Result<()> {
    let cut = &ANA.token[..ANA.token.len() - 1];
    for path in PROTECTED {
        let asked = [
            Request::get(path),
            Request::get(path).bearer("wrong"),
            Request::get(path).bearer(""),
            Request::get(path).bearer(ACME.api_token),
            Request::get(path).bearer(cut),
            Request::get(path).header("Authorization", format!("Basic {}", ANA.token)),
            Request::get(path).header("Cookie", format!("session={}", ANA.token)),
        ];
        for (number, request) in asked.into_iter().enumerate() {
            // Who guesses may be made to wait, and is no neighbour of who reads.
            let answer = request.from(attacker(number)).begin(node.admin).await;
            let said = answer.as_ref().map_or_else(|error| error.to_string(), Answer::brief);
            judge.check(
                "nobody reads without a token",
                answer.is_ok_and(|answer| is_refused(&answer)),
                || format!("GET {path} gives {said}"),
            );
        }
    }
    Ok(())
}

async fn other_tenant(node: &Node<'_>, judge: &mut Judge) -> Result<()> {
    for (reader, own, other) in [(ANA, ACME, BETA), (BEA, BETA, ACME)] {
        let rows = until("the reader has numbers", Duration::from_mins(1), async || {
            Ok(numbers::all(node, reader).await.ok().filter(|rows| !rows.is_empty()))
        })
        .await
        .unwrap_or_default();
        let only_own = !rows.is_empty() && rows.iter().all(|row| row["tenant"] == own.name);
        judge.check("numbers are of the reader's tenants", only_own, || {
            let foreign = rows.iter().filter(|row| row["tenant"] != own.name).count();
            format!("{} sees {} rows, {foreign} of others", reader.name, rows.len())
        });
        let mut paths = vec![
            format!("/v1/metrics?tenant={}", other.name),
            format!("/v1/trace/{SHARED}"),
            format!("/v1/trace/+{SHARED}"),
            format!("/trace/{SHARED}"),
            "/".to_owned(),
        ];
        let mut hidden = vec![
            format!("wamid.{}.1", other.name),
            format!("wamid.{}.out", other.name),
            if other.name == "beta" {
                "5215512345678"
            } else {
                "56961230001"
            }
            .to_owned(),
        ];
        hidden.extend(ids_of(&node.trace(&format!("wamid.{}.1", other.name)).await?, &other));
        for path in &paths {
            let answer = Request::get(path).bearer(reader.token).send(node.admin).await?;
            judge.check("no answer crosses tenants", leak(&answer, &other).is_none(), || {
                format!("{} reads {:?} at {path}", reader.name, leak(&answer, &other))
            });
        }
        judge.check("the ids of the other tenant are known", hidden.len() > 4, || {
            format!("only {hidden:?}")
        });
        paths = hidden
            .iter()
            .flat_map(|id| [format!("/v1/trace/{}", escape(id)), format!("/trace/{}", escape(id))])
            .collect();
        for path in &paths {
            let answer = Request::get(path).bearer(reader.token).send(node.admin).await?;
            judge.check(
                "what belongs to another tenant is not found",
                answer.status == 404,
                || format!("{} asks for {path}: {}", reader.name, answer.brief()),
            );
        }
        let events = events(node, reader).await?;
        let found = marks(&other).into_iter().find(|mark| events.contains(mark.as_str()));
        judge.check("events are of the reader's tenants", found.is_none(), || {
            format!("{} hears {found:?}", reader.name)
        });
    }
    Ok(())
}

/// Ids that a trace names: persons, sessions, conversations, deliveries, events.
fn ids_of(answer: &Answer, tenant: &Tenant) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let steps = answer.json()["steps"].as_array().cloned().unwrap_or_default();
    for step in steps {
        let content = &step["content"];
        if content["tenant"] != tenant.name {
            continue;
        }
        for field in ["person_id", "session_id", "conversation_id", "delivery_id", "event_id"] {
            ids.extend(content[field].as_str().map(str::to_owned));
        }
    }
    ids
}

/// What a reader's stream of events says in a short time, while the other tenant writes.
async fn events(node: &Node<'_>, reader: Reader) -> Result<String> {
    let mut stream = connect(node.admin, http::DECENT, None).await?;
    let request = Request::get("/events").bearer(reader.token);
    stream.write_all(&request.bytes(node.admin)).await?;
    for tenant in [ACME, BETA] {
        let text = tenant.text(&format!("wamid.{}.event.{}", tenant.name, reader.name), SHARED, "hola");
        tenant.signed(&text).send(node.http).await?;
    }
    let mut heard = Vec::new();
    let listening = async {
        let mut chunk = vec![0; 64 << 10];
        while let Ok(read @ 1..) = stream.read(&mut chunk).await {
            heard.extend_from_slice(&chunk[..read]);
        }
    };
    // It goes on for ever: the end of the time is the normal end.
    drop(timeout(EVENTS, listening).await);
    Ok(String::from_utf8_lossy(&heard).into_owned())
}

async fn analyst(node: &Node<'_>, judge: &mut Judge) -> Result<()> {
    let asked = async |path: &str| Request::get(path).bearer(NUMA.token).send(node.admin).await;
    let numbers = asked("/v1/metrics").await?;
    judge.check("an analyst sees numbers", numbers.status == 200, || numbers.brief());
    for path in [
        "/v1/trace/wamid.acme.1",
        "/trace/wamid.acme.1",
        "/v1/trace/56961230001",
        "/v1/trace/nothing-here",
    ] {
        let answer = asked(path).await?;
        judge.check("an analyst traces nobody", answer.status == 403, || {
            format!("GET {path}: {}", answer.brief())
        });
    }
    Ok(())
}

/// The value of an attribute in a piece of HTML.
fn attribute<'a>(html: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = html.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// The log-in, as a browser does it: the form says where and under which names.
async fn session(node: &Node<'_>, judge: &mut Judge) -> Result<()> {
    let page = Request::get("/login").send(node.admin).await?;
    judge.check("there is a log-in", page.status == 200, || page.brief());
    if page.status != 200 {
        return Ok(());
    }
    let html = page.text();
    let field = html
        .split("<input")
        .skip(1)
        .find(|input| attribute(input, "type") == Some("password"))
        .and_then(|input| attribute(input, "name"))
        .unwrap_or("token")
        .to_owned();
    let origin = format!("http://{}", node.admin);
    let log_in = |token: &str| {
        Request::post("/login", format!("{field}={token}"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Origin", origin.clone())
    };
    let wrong = log_in("wrong").from(attacker(0)).send(node.admin).await?;
    judge.check(
        "a wrong token opens no session",
        wrong.header("set-cookie").is_none() && wrong.status >= 400,
        || wrong.brief(),
    );
    let (first, second) = (
        log_in(ANA.token).send(node.admin).await?,
        log_in(ANA.token).send(node.admin).await?,
    );
    let cookie = first.header("set-cookie").unwrap_or_default().to_owned();
    let lower = cookie.to_lowercase();
    let is_strict = lower.contains("httponly") && lower.contains("samesite=strict");
    judge.check(
        "the session's cookie is HttpOnly and SameSite=Strict",
        is_strict,
        || format!("{cookie:?}, {}", first.brief()),
    );
    judge.check("the cookie is not the token", !cookie.contains(ANA.token), || {
        "it is".to_owned()
    });
    judge.check(
        "each log-in has a session of its own",
        first.header("set-cookie") != second.header("set-cookie"),
        || cookie.clone(),
    );
    let pair = cookie.split(';').next().unwrap_or_default().to_owned();
    let with_session = async |request: Request| request.header("Cookie", pair.clone()).send(node.admin).await;
    let page = with_session(Request::get("/")).await?;
    judge.check("a session shows the page", page.status == 200, || page.brief());
    judge.check(
        "a session is of its reader's tenants",
        leak(&page, &BETA).is_none(),
        || format!("{:?}", leak(&page, &BETA)),
    );
    let foreign = with_session(Request::get("/v1/trace/wamid.beta.1")).await?;
    judge.check(
        "a session finds nothing of another tenant",
        foreign.status == 404,
        || foreign.brief(),
    );
    let elsewhere = Request::post("/logout", "").header("Origin", "http://evil.example");
    let kept = with_session(elsewhere).await?;
    let still = with_session(Request::get("/")).await?;
    judge.check("another site's page ends no session", still.status == 200, || {
        format!(
            "POST /logout with a foreign Origin: {}, then {}",
            kept.status, still.status
        )
    });
    let out = with_session(Request::post("/logout", "").header("Origin", origin.clone())).await?;
    let after = with_session(Request::get("/")).await?;
    judge.check(
        "a log-out ends the session",
        out.status < 400 && is_refused(&after),
        || format!("POST /logout: {}, then GET /: {}", out.brief(), after.brief()),
    );
    Ok(())
}

/// Addresses on our own site that a page leads to.
fn leads_to(html: &str) -> BTreeSet<String> {
    let parts = html.split([' ', '\n']);
    let mut found = BTreeSet::new();
    for part in parts {
        for name in ["href=\"", "src=\""] {
            let Some(address) = part.strip_prefix(name).and_then(|rest| rest.split('"').next()) else {
                continue;
            };
            let address = address.split('#').next().unwrap_or_default().replace("&amp;", "&");
            if address.starts_with('/') && !address.starts_with("//") {
                found.insert(address);
            }
        }
    }
    found
}

/// Each address that a page names answers its reader, and nobody else.
async fn links(node: &Node<'_>, judge: &mut Judge) -> Result<()> {
    let (mut waiting, mut seen) = (VecDeque::from(["/".to_owned()]), BTreeSet::new());
    while let Some(path) = waiting.pop_front() {
        if seen.len() >= PAGES || !seen.insert(path.clone()) {
            continue;
        }
        if path.starts_with("/events") || path.starts_with("/logout") {
            continue;
        }
        let answer = Request::get(&path).bearer(ANA.token).send(node.admin).await?;
        judge.check("every link answers", answer.status == 200, || {
            format!("GET {path}: {}", answer.brief())
        });
        judge.check("no page crosses tenants", leak(&answer, &BETA).is_none(), || {
            format!("{path}: {:?}", leak(&answer, &BETA))
        });
        if !path.starts_with("/assets/") && !path.starts_with("/login") {
            let nobody = Request::get(&path).send(node.admin).await?;
            judge.check("no page without a reader", is_refused(&nobody), || {
                format!("GET {path}: {}", nobody.brief())
            });
            let other = Request::get(&path).bearer(BEA.token).send(node.admin).await?;
            judge.check("no page of another's tenant", leak(&other, &ACME).is_none(), || {
                format!("{path}: {:?}", leak(&other, &ACME))
            });
        }
        if answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
        {
            waiting.extend(leads_to(&answer.text()));
        }
    }
    judge.figure("links", seen.len());
    judge.check("pages lead somewhere", seen.len() > 3, || format!("only {seen:?}"));
    Ok(())
}

/// Where others can reach it, also the figures for Prometheus ask for a reader.
async fn open_to_the_network(room: &Room, judge: &mut Judge) -> Result<()> {
    if room.one_listener {
        return Ok(());
    }
    let settings = Settings {
        admin: Ipv4Addr::UNSPECIFIED,
        ..Settings::default()
    };
    let node = Node::start(room, settings).await?;
    for path in PROTECTED.iter().chain(&["/metrics"]) {
        let answer = Request::get(path).begin(node.admin).await?;
        judge.check(
            "nobody reads without a token from elsewhere",
            is_refused(&answer),
            || format!("GET {path}: {}", answer.brief()),
        );
    }
    let measures = node.read("/metrics").await?;
    judge.check("a reader of all gets the figures", measures.status == 200, || {
        measures.brief()
    });
    Ok(())
}

/// A read side that everybody reaches and nobody guards does not start.
async fn refused_at_start(room: &Room, judge: &mut Judge) -> Result<()> {
    let folder = room.folder()?;
    let config = folder.join("hilo.toml");
    let text = format!(
        "[http]\nlisten = \"127.0.0.1:{}\"\n[admin]\nlisten = \"0.0.0.0:{}\"\n[storage]\ndata_dir = \"{}\"\n{}",
        free_port()?,
        free_port()?,
        folder.join("data").display(),
        tenants()
    );
    fs::write(&config, text)?;
    let mut command = Command::new(&room.hilo);
    command.arg("up").arg("--config").arg(&config);
    let mut process = Process::start(&mut command, folder.join("log"))?;
    let status = process.end_within(REFUSED).await?;
    let said = process.tail();
    let code = status.and_then(|status| status.code());
    judge.check(
        "a read side open to the network without readers is refused with exit code 2",
        code == Some(2),
        || format!("{code:?}: {said}"),
    );
    judge.check("the refusal names the key", said.contains("readers"), || said.clone());
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::room::http::read_answer;

    async fn answer(text: &str) -> Answer {
        read_answer(&mut text.as_bytes()).await.unwrap()
    }

    #[tokio::test]
    async fn what_shows_the_other_tenant_is_a_leak() {
        let rows = answer("HTTP/1.1 200 OK\r\n\r\n[{\"tenant\":\"acme\"},{\"tenant\":\"beta\"}]").await;
        assert_eq!(leak(&rows, &BETA).unwrap(), "\"tenant\":\"beta\"");
        let rows = answer("HTTP/1.1 200 OK\r\n\r\n[{\"tenant\":\"acme\"}]").await;
        assert_eq!(leak(&rows, &BETA), None);
        assert!(!is_refused(&rows));
        let elsewhere = answer("HTTP/1.1 303 See Other\r\nlocation: /trace/x\r\ncontent-length: 0\r\n\r\n").await;
        assert!(!is_refused(&elsewhere));
        let login = answer("HTTP/1.1 303 See Other\r\nlocation: /login?to=/\r\ncontent-length: 0\r\n\r\n").await;
        assert!(is_refused(&login));
    }

    #[test]
    fn pages_lead_to_what_they_name() {
        let html = "<a class=\"x\" href=\"/trace/a?b=1&amp;c=2#d\">…</a> <a href=\"https://elsewhere.example/\"> <script src=\"/assets/x.js\">";
        let found: Vec<String> = leads_to(html).into_iter().collect();
        assert_eq!(found, ["/assets/x.js", "/trace/a?b=1&c=2"]);
        assert_eq!(
            attribute("<input type=\"password\" name=\"token\">", "name"),
            Some("token")
        );
    }
}
