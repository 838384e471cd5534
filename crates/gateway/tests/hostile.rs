//! Deliveries beside bad clients: the genuine ones are answered while the others hold what they can.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use hilo_gateway::Limits;
use hilo_service::ServeLimits;
use std::io;
use support::{BODY, Memory, SECRET, Server, signature};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Duration,
};

/// Well-formed, and of nothing.
const FORGED: &str = "sha256=0000000000000000000000000000000000000000000000000000000000000000";

/// Makes paused time run, twenty times as fast as in the world. Left alone it would jump to the next deadline whenever
/// this process is idle, also while the system still carries bytes from a client to the server.
async fn hurry() {
    loop {
        let real = Duration::from_millis(1);
        tokio::task::spawn_blocking(move || std::thread::sleep(real))
            .await
            .unwrap();
        tokio::time::advance(real * 20).await;
    }
}

async fn server(log: &Memory, limits: Limits, serve_limits: ServeLimits) -> Server {
    tokio::spawn(hurry());
    Server::bounded(log.clone(), limits, serve_limits).await
}

/// A connection that has sent this much of a body of `length` bytes.
async fn stalled(server: &Server, header: &str, length: usize, sent: usize) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /webhooks/whatsapp/acme HTTP/1.1\r\nHost: x\r\n{header}Content-Length: {length}\r\n\r\n{}",
        " ".repeat(sent)
    );
    // The server may have answered and closed before all of it is sent.
    drop(stream.write_all(head.as_bytes()).await);
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer).await {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
    String::from_utf8(answer).unwrap()
}

/// A delivery over a connection of its own.
async fn deliver(server: &Server, body: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "POST /webhooks/whatsapp/acme HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Hub-Signature-256: {}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        signature(SECRET, body.as_bytes()),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    answer(stream).await
}

#[tokio::test(start_paused = true)]
async fn an_unsigned_body_is_refused_unread_and_takes_no_room() {
    let log = Memory::default();
    let server = server(&log, Limits::default(), ServeLimits::default()).await;
    let mut strangers = Vec::new();
    for length in [3 << 20, 500_000, 12_000, 250].into_iter().cycle().take(35) {
        strangers.push(stalled(&server, "", length, length - 10).await);
        assert!(deliver(&server, BODY).await.starts_with("HTTP/1.1 200"));
    }
    for stream in strangers {
        let answer = answer(stream).await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert!(
            answer.contains("connection: close") && answer.contains("bad_signature"),
            "{answer}"
        );
    }
    assert_eq!(log.raws().len(), 35);
}

#[tokio::test(start_paused = true)]
async fn stalled_bodies_with_a_forged_signature_leave_room_for_small_deliveries_and_end() {
    let limits = Limits {
        large_bodies: 1 << 20,
        ..Limits::default()
    };
    let log = Memory::default();
    let server = server(&log, limits, ServeLimits::default()).await;
    let header = format!("X-Hub-Signature-256: {FORGED}\r\n");
    let mut forgers = Vec::new();
    for _ in 0..10 {
        forgers.push(stalled(&server, &header, 3 << 20, 1 << 18).await);
    }
    assert!(deliver(&server, BODY).await.starts_with("HTTP/1.1 200"));
    let mut statuses: Vec<String> = Vec::new();
    for stream in forgers {
        statuses.push(answer(stream).await.chars().skip(9).take(3).collect());
    }
    assert!(
        statuses.iter().all(|status| status == "408" || status == "503"),
        "{statuses:?}"
    );
    assert!(
        statuses.iter().any(|status| status == "503"),
        "one client cannot have all of the room: {statuses:?}"
    );
    assert_eq!(log.raws().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn deliveries_go_on_while_every_place_is_held_by_somebody_else() {
    let serve_limits = ServeLimits {
        connections: 32,
        ..ServeLimits::default()
    };
    let log = Memory::default();
    let server = server(&log, Limits::default(), serve_limits).await;
    let header = format!("X-Hub-Signature-256: {FORGED}\r\n");
    let mut others = Vec::new();
    for _ in 0..32 {
        let mut half = TcpStream::connect(server.address).await.unwrap();
        half.write_all(b"POST /webhooks/whatsapp/acme HTTP/1.1\r\nHost:")
            .await
            .unwrap();
        others.push(half);
        others.push(stalled(&server, &header, 1_000, 10).await);
        let mut deaf = TcpStream::connect(server.address).await.unwrap();
        deaf.write_all("GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(400).as_bytes())
            .await
            .unwrap();
        others.push(deaf);
    }
    for number in 0..20 {
        let answer = deliver(&server, &format!("{{\"number\":{number}}}")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    for stream in others {
        let answer = answer(stream).await;
        assert!(
            !answer.contains(" 200 ") && answer.matches("HTTP/1.1 ").count() <= 1,
            "{answer}"
        );
    }
    assert_eq!(log.raws().len(), 20);
}

#[tokio::test(start_paused = true)]
async fn lines_of_a_stranger_are_not_read() {
    let server = server(&Memory::default(), Limits::default(), ServeLimits::default()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "POST /v1/outbound HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nobody\r\nContent-Length: 1000\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = answer(stream).await;
    assert!(
        answer.starts_with("HTTP/1.1 401") && answer.contains("bad_token"),
        "{answer}"
    );
}
