//! 200 means durable, whatever the log and the connections do.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use hilo_contracts::{
    codec::{self, Codec as _},
    topics,
};
use hilo_gateway::{DurableLog, Limits, LogError};
use hilo_service::ServeLimits;
use hilo_stream::{
    Record, TopicKind, TopicSpec, Topology,
    embedded::{DataDir, Log, RawLog},
};
use std::{collections::BTreeSet, io, pin::pin, sync::Arc, time::Duration};
use support::{BODY, Hung, Memory, Panicking, Refusing, SECRET, Server, error, signature};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::{Notify, watch},
    task::JoinSet,
};

const DELIVERIES: usize = 200;

/// Makes durable together what waits together; a commit takes as long as the test says.
#[derive(Clone)]
struct Grouped(Arc<Group>);

struct Group {
    waiting: watch::Sender<usize>,
    committed: watch::Sender<usize>,
}

impl Grouped {
    fn new() -> Self {
        Self(Arc::new(Group {
            waiting: watch::Sender::new(0),
            committed: watch::Sender::new(0),
        }))
    }

    async fn arrived(&self, appends: usize) {
        self.0
            .waiting
            .subscribe()
            .wait_for(|waiting| *waiting >= appends)
            .await
            .unwrap();
    }

    fn commit(&self) {
        self.0.committed.send_modify(|commits| *commits += 1);
    }
}

impl DurableLog for Grouped {
    async fn append(&self, _: Vec<Record>) -> Result<(), LogError> {
        let mut committed = self.0.committed.subscribe();
        let before = *committed.borrow_and_update();
        self.0.waiting.send_modify(|waiting| *waiting += 1);
        committed.wait_for(|commits| *commits > before).await.unwrap();
        Ok(())
    }
}

/// Sends `DELIVERIES` different deliveries at once; gives their statuses.
fn deliver_all(server: &Server) -> JoinSet<u16> {
    (0..DELIVERIES)
        .map(|number| {
            let body = format!("{{\"number\":{number}}}");
            let header = signature(SECRET, body.as_bytes());
            let request = server.signed(body, &header);
            async move { request.send().await.unwrap().status().as_u16() }
        })
        .collect()
}

#[tokio::test]
async fn deliveries_at_once_share_one_commit_and_none_is_answered_before() {
    let log = Grouped::new();
    let server = Server::start(log.clone()).await;
    let mut statuses = deliver_all(&server);
    log.arrived(DELIVERIES).await;
    assert!(statuses.try_join_next().is_none(), "nothing is durable yet");
    log.commit();
    assert_eq!(statuses.join_all().await, vec![200; DELIVERIES]);
    assert_eq!(*log.0.committed.borrow(), 1);
}

#[tokio::test]
async fn what_was_acknowledged_is_in_the_embedded_log() {
    let home = tempfile::tempdir().unwrap();
    let directory = DataDir::open(home.path()).unwrap();
    let log = Arc::new(RawLog::open(&directory, topics::RAW).unwrap());
    let server = Server::start(Arc::clone(&log)).await;
    assert_eq!(deliver_all(&server).join_all().await, vec![200; DELIVERIES]);
    let raw = TopicSpec {
        name: topics::RAW,
        kind: TopicKind::Raw,
        key: "hash",
        schema: Some(topics::RAW),
        kept: "for the test",
        doc: "Deliveries.",
    };
    let topology = Topology::new(vec![raw], Vec::new()).unwrap();
    // Another reader: it sees what is on the disk, not what the writer has in memory.
    let read = Log::open(home.path(), &topology).read(topics::RAW, 0, 1_000).unwrap();
    let codec = codec::raw();
    let bodies: BTreeSet<Vec<u8>> = read
        .iter()
        .map(|(_, record)| codec.decode(&record.value).unwrap().body)
        .collect();
    let expected: BTreeSet<Vec<u8>> = (0..DELIVERIES)
        .map(|number| format!("{{\"number\":{number}}}").into_bytes())
        .collect();
    assert_eq!(bodies, expected);
    assert_eq!(read.len(), DELIVERIES);
    assert!(server.ended().await);
}

#[tokio::test]
async fn a_log_that_cannot_take_it_is_no_200() {
    for (log, outcome) in [
        (Refusing(LogError::Full), "log_full"),
        (
            Refusing(LogError::Unavailable("the disk is full".to_owned())),
            "log_failed",
        ),
    ] {
        let server = Server::start(log).await;
        let response = server.deliver(BODY).await;
        assert_eq!(response.headers()["retry-after"], "5");
        let (status, told, _) = error(response).await;
        assert_eq!(status, 503);
        assert!(!told.contains("disk"), "how it is inside is not told: {told}");
        let series = format!(r#"hilo_gateway_requests_total{{endpoint="whatsapp",outcome="{outcome}"}}"#);
        assert_eq!(server.measured(&series).as_deref(), Some("1"));
    }
}

#[tokio::test]
async fn a_closed_embedded_log_is_no_200() {
    let home = tempfile::tempdir().unwrap();
    let directory = DataDir::open(home.path()).unwrap();
    // Records of the gateway are none of this log's: it refuses each of them.
    let log = RawLog::open(&directory, topics::IDENTITY).unwrap();
    let server = Server::start(log).await;
    assert_eq!(server.deliver(BODY).await.status(), 503);
}

#[tokio::test]
async fn a_log_that_never_answers_has_a_deadline() {
    let limits = Limits {
        append_time: Duration::from_millis(20),
        ..Limits::default()
    };
    let server = Server::bounded(Hung, limits, ServeLimits::default()).await;
    let response = server.deliver(BODY).await;
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(error(response).await.0, 503);
}

#[tokio::test]
async fn a_panic_ends_one_request() {
    let server = Server::start(Panicking).await;
    for _ in 0..2 {
        assert_eq!(error(server.deliver(BODY).await).await.0, 500);
    }
    // The challenge: it needs no log.
    let challenge = "/webhooks/whatsapp/acme?hub.mode=subscribe&hub.verify_token=verify-acme&hub.challenge=1";
    assert_eq!(
        server.client.get(server.url(challenge)).send().await.unwrap().status(),
        200
    );
}

/// What the server says to these bytes, until it closes.
async fn talk(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer).await {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn slow_bodies_and_slow_heads_are_cut_off_and_others_are_served() {
    let limits = Limits {
        body_time: Duration::from_millis(50),
        ..Limits::default()
    };
    let serve_limits = ServeLimits {
        head_time: Duration::from_millis(50),
        ..ServeLimits::default()
    };
    let log = Memory::default();
    let server = Server::bounded(log.clone(), limits, serve_limits).await;
    let head = format!(
        "POST /webhooks/whatsapp/acme HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: {}\r\n",
        signature(SECRET, BODY.as_bytes())
    );
    let slow_body = format!("{head}Content-Length: {}\r\n\r\n{}", BODY.len(), &BODY[..10]);
    let (body, cut_off, served) = tokio::join!(talk(&server, &slow_body), talk(&server, &head), server.deliver(BODY));
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
    assert!(!cut_off.contains("200"), "{cut_off}");
    assert_eq!(served.status(), 200);
    assert_eq!(log.raws().len(), 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_not_kept() {
    let log = Memory::default();
    let server = Server::start(log.clone()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /webhooks/whatsapp/acme HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: {}\r\nContent-Length: 100\r\n\r\n{BODY}",
        signature(SECRET, BODY.as_bytes())
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(!answer.contains(" 200 "), "{answer}");
    assert!(server.ended().await);
    assert!(log.raws().is_empty());
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    let log = Grouped::new();
    let serve_limits = ServeLimits {
        connections: 1,
        ..ServeLimits::default()
    };
    let server = Server::bounded(log.clone(), Limits::default(), serve_limits).await;
    let delivery = format!(
        "POST /webhooks/whatsapp/acme HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Hub-Signature-256: {}\r\n\
         Content-Length: {}\r\n\r\n{BODY}",
        signature(SECRET, BODY.as_bytes()),
        BODY.len()
    );
    let first = talk(&server, &delivery);
    let second = async {
        log.arrived(1).await;
        talk(
            &server,
            "GET /v1/inbox HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
        .await
    };
    let mut second = pin!(second);
    let mut first = pin!(first);
    // The bound holds, or the second is answered while the first has not even been committed.
    tokio::select! {
        answer = &mut first => panic!("answered before its commit: {answer}"),
        answer = &mut second => panic!("answered beyond the bound: {answer}"),
        () = tokio::time::sleep(Duration::from_millis(50)) => {}
    }
    log.commit();
    let (first, second) = tokio::join!(first, second);
    assert!(first.starts_with("HTTP/1.1 200"), "{first}");
    // There is no GET: it is answered all the same.
    assert!(second.starts_with("HTTP/1.1 405"), "{second}");
}

#[tokio::test]
async fn an_end_finishes_what_is_under_way() {
    let log = Grouped::new();
    let mut server = Server::start(log.clone()).await;
    let answered = Arc::new(Notify::new());
    let header = signature(SECRET, BODY.as_bytes());
    let request = server.signed(BODY, &header);
    let under_way = tokio::spawn({
        let answered = Arc::clone(&answered);
        async move {
            let status = request.send().await.unwrap().status();
            answered.notify_one();
            status
        }
    });
    log.arrived(1).await;
    server.end();
    log.commit();
    answered.notified().await;
    assert_eq!(under_way.await.unwrap(), 200);
    assert!(server.ended().await);
}

#[tokio::test]
async fn an_end_does_not_wait_for_ever() {
    let serve_limits = ServeLimits {
        end_time: Duration::from_millis(20),
        ..ServeLimits::default()
    };
    let log = Grouped::new();
    let server = Server::bounded(log.clone(), Limits::default(), serve_limits).await;
    let header = signature(SECRET, BODY.as_bytes());
    let stuck = tokio::spawn(server.signed(BODY, &header).send());
    log.arrived(1).await;
    assert!(!server.ended().await, "one request was not finished, and it says so");
    stuck.abort();
}
