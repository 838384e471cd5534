//! The server beside bad clients: who does not read, half heads, floods, slow bodies. Time runs faster than in the world, so
//! that a wait of ten seconds takes half of one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

use axum::{
    Router,
    body::{Body, Bytes},
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use futures_util::stream;
use hilo_service::{Problem, ServeLimits, serve};
use std::{convert::Infallible, io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep},
};

const LARGE: usize = 32 << 20;
const HELLO: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

fn app() -> Router {
    Router::new()
        .route("/", get(async || "hello"))
        .route("/large", get(async || vec![b'x'; LARGE]))
        .route("/echo", post(async |body: Bytes| body.len().to_string()))
        .route("/defect", get(async || -> &'static str { panic!("a defect") }))
        .route("/refuse", post(async || refusal()))
        .route("/events", get(async || Body::from_stream(events())))
}

fn refusal() -> impl IntoResponse {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "too large", "send less").into_response()
}

/// Four events, each 15 s behind the one before.
fn events() -> impl stream::Stream<Item = Result<&'static str, Infallible>> {
    stream::unfold(0, async |sent| {
        if sent == 4 {
            return None;
        }
        sleep(Duration::from_secs(15)).await;
        Some((Ok("event\n"), sent + 1))
    })
}

struct Server {
    address: SocketAddr,
    end: watch::Sender<bool>,
    served: JoinHandle<bool>,
}

impl Server {
    /// In a test with paused time.
    async fn start(limits: ServeLimits) -> Self {
        tokio::spawn(hurry());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let end = watch::Sender::new(false);
        let mut ended = end.subscribe();
        let served = tokio::spawn(serve(listener, app(), limits, async move {
            drop(ended.wait_for(|ended| *ended).await);
        }));
        Self { address, end, served }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection that has sent `bytes`.
    async fn sent(&self, bytes: impl AsRef<[u8]>) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        stream
    }

    /// What comes until the server closes.
    async fn talk(&self, bytes: impl AsRef<[u8]>) -> String {
        until_closed(self.sent(bytes).await).await
    }

    async fn hello(&self) {
        let answer = self
            .talk("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            .await;
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"),
            "{answer}"
        );
    }

    async fn ended(self) -> bool {
        self.end.send_replace(true);
        self.served.await.unwrap()
    }
}

/// Makes time run, twenty times as fast. Left alone, paused time would jump to the next deadline whenever this process is
/// idle, also while the system still carries bytes from a client to the server.
async fn hurry() {
    loop {
        let real = Duration::from_millis(1);
        tokio::task::spawn_blocking(move || std::thread::sleep(real))
            .await
            .unwrap();
        tokio::time::advance(real * 20).await;
    }
}

async fn until_closed(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer).await {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
    String::from_utf8(answer).unwrap()
}

fn few(connections: usize) -> ServeLimits {
    ServeLimits {
        connections,
        ..ServeLimits::default()
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_closed_and_others_are_served() {
    let server = Server::start(few(4)).await;
    let mut deaf = Vec::new();
    for _ in 0..4 {
        deaf.push(server.sent("GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await);
    }
    server.hello().await;
    sleep(ServeLimits::default().stall_time * 2).await;
    server.hello().await;
    for stream in deaf {
        let read = until_closed(stream).await.len();
        assert!(read < LARGE, "{read} bytes came, the connection was not closed");
    }
}

#[tokio::test(start_paused = true)]
async fn half_heads_are_closed_and_others_are_served() {
    let server = Server::start(few(4)).await;
    let mut halves = Vec::new();
    for _ in 0..6 {
        halves.push(server.sent("GET / HTTP/1.1\r\nHost:").await);
        server.hello().await;
    }
    for stream in halves {
        assert_eq!(until_closed(stream).await, "");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_byte_by_byte_has_no_more_time() {
    let server = Server::start(few(4)).await;
    let mut slow = server.connect().await;
    let seconds = ServeLimits::default().head_time.as_secs() * 10;
    let mut bytes = HELLO
        .bytes()
        .cycle()
        .filter(|byte| *byte != b'\n')
        .take(seconds as usize);
    while let Some(byte) = bytes.next()
        && slow.write_all(&[byte]).await.is_ok()
    {
        sleep(Duration::from_secs(1)).await;
    }
    assert!(bytes.next().is_some(), "it was never closed");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_closed_and_one_that_goes_on_is_not() {
    let server = Server::start(few(4)).await;
    let head = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n";
    assert_eq!(server.talk(format!("{head}abc")).await, "");
    let mut slow = server.sent(format!("{head}abc")).await;
    for last in ["d", "e"] {
        sleep(ServeLimits::default().stall_time / 2).await;
        slow.write_all(last.as_bytes()).await.unwrap();
    }
    let mut answer = vec![0; 256];
    let read = slow.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"));
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_and_an_event_stream_does_not() {
    let server = Server::start(few(4)).await;
    let begun = Instant::now();
    let answer = server.talk(HELLO).await;
    assert!(answer.ends_with("hello"));
    assert!(begun.elapsed() >= ServeLimits::default().idle_time);
    let events = server.sent("GET /events HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let answer = until_closed(events).await;
    assert_eq!(answer.matches("event\n").count(), 4, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_head_beyond_its_bounds_is_431() {
    let server = Server::start(few(4)).await;
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "a".repeat(400 << 10));
    assert!(server.talk(&long).await.starts_with("HTTP/1.1 431"));
    let endless = format!("GET / HTTP/1.1\r\nHost: x\r\nA: {}", "a".repeat(400 << 10));
    assert!(server.talk(&endless).await.starts_with("HTTP/1.1 431"));
    let with = |headers: usize| format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(headers - 1));
    assert!(server.talk(with(64)).await.starts_with("HTTP/1.1 200"));
    let answer = server.talk(with(65)).await;
    assert!(answer.starts_with("HTTP/1.1 431") && answer.contains("\"code\":\"too_many_headers\""));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_in_the_middle_of_a_body_is_seen() {
    let server = Server::start(few(4)).await;
    let mut body = format!("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: {LARGE}\r\n\r\n").into_bytes();
    body.resize(body.len() + LARGE, b'x');
    let answer = server.talk(&body).await;
    assert!(
        answer.starts_with("HTTP/1.1 413") && answer.contains("too_large"),
        "{answer}"
    );
    assert!(answer.contains("connection: close"), "{answer}");
    // Who sends for ever is not listened to for ever.
    let mut endless = server
        .sent("POST /refuse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    let mut seconds = 0..60;
    while endless.write_all(b"1\r\nx\r\n").await.is_ok() && seconds.next().is_some() {
        sleep(Duration::from_secs(1)).await;
    }
    assert!(!seconds.is_empty(), "it was never closed");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_requests_on_one_connection_is_cut_off() {
    let server = Server::start(few(4)).await;
    let answers = async |request: &str| server.talk(request.repeat(400)).await.matches("HTTP/1.1 ").count();
    assert_eq!(answers(HELLO).await, 16);
    assert_eq!(
        answers("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n").await,
        1,
        "a stranger's error"
    );
    let mut known = server.sent(HELLO).await;
    let mut answer = vec![0; 4_096];
    for request in ["GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", HELLO] {
        sleep(Duration::from_millis(1)).await;
        assert!(known.read(&mut answer).await.unwrap() > 0);
        known.write_all(request.as_bytes()).await.unwrap();
    }
    let read = known.read(&mut answer).await.unwrap();
    assert!(
        answer[..read].starts_with(b"HTTP/1.1 "),
        "an error of who is known ends nothing"
    );
}

#[tokio::test(start_paused = true)]
async fn every_answer_has_its_headers_and_every_error_its_form() {
    let server = Server::start(ServeLimits::default()).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = |path: &str| format!("http://{}{path}", server.address);
    for (request, status, code) in [
        (client.get(url("/")), 200, None),
        (client.get(url("/nothing")), 404, Some("unknown_address")),
        (client.put(url("/")), 405, Some("wrong_method")),
        (client.get(url("/defect")), 500, Some("internal")),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        if let Some(code) = code {
            let body: serde_json::Value = answer.json().await.unwrap();
            assert_eq!(body["code"], code);
            assert!(body["error"].is_string() && body["hint"].is_string());
        }
    }
    assert!(server.ended().await);
}

#[tokio::test(start_paused = true)]
async fn one_listener_that_is_full_leaves_the_other_alone() {
    let (full, other) = (Server::start(few(1)).await, Server::start(few(1)).await);
    let streams = full.sent("GET /events HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let waits = full.sent(HELLO).await;
    other.hello().await;
    assert!(
        until_closed(streams).await.ends_with("0\r\n\r\n"),
        "a place in use is not taken away"
    );
    assert!(
        until_closed(waits).await.ends_with("hello"),
        "it had its turn behind the stream"
    );
}
