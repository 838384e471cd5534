//! How a registry is asked, against one that says what the test wants.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo_contracts::door::Versions;
use hilo_kafka::registry::{Access, SchemaRegistry};
use hilo_kafka::{EngineError, Framing, Unread};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;

const TOPIC: &str = "hilo.status";
/// `ana:open sesame`, as RFC 7617 writes it.
const LOGIN: &str = "basic yw5hom9wzw4gc2vzyw1l";

/// A registry that lets `ana` in alone; every contract has id 7 there.
fn registry() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while reader.read_line(&mut head).is_ok_and(|count| count > 2) {}
            let head = head.to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            let (status, body) = if !head.contains(LOGIN) {
                ("401 Unauthorized", r#"{"error_code":401,"message":"who are you?"}"#)
            } else if head.starts_with("post /subjects/hilo.status-value ") {
                ("200 OK", r#"{"id":7}"#)
            } else if head.starts_with("get /schemas/ids/8 ") {
                ("404 Not Found", r#"{"error_code":40403,"message":"Schema not found"}"#)
            } else if head.starts_with("get /schemas/ids/9 ") {
                ("404 Not Found", "<html>the proxy has lost its registry</html>")
            } else {
                ("500 Internal Server Error", "{}")
            };
            write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        }
    });
    url
}

fn framing(access: Access) -> Result<Framing, EngineError> {
    SchemaRegistry::new(access, "")?.framing([TOPIC], &Versions::released().unwrap())
}

fn as_ana(password: &str) -> Access {
    Access {
        url: registry(),
        login: Some(("ana".to_owned(), password.to_owned())),
        ..Access::default()
    }
}

#[test]
fn it_is_asked_with_name_and_password() {
    let framing = framing(as_ana("open sesame")).unwrap();
    assert_eq!(framing.wrap(TOPIC, vec![1]), [0, 0, 0, 0, 7, 1]);
}

#[test]
fn a_refusal_names_the_keys_and_not_the_password() {
    let error = framing(as_ana("open sesam")).err().unwrap().to_string();
    assert!(
        error.contains("registry.username") && error.contains("who are you?"),
        "{error}"
    );
    assert!(!error.contains("sesam"), "{error}");
}

/// An id belongs to nobody only when the registry itself says so.
#[test]
fn an_id_is_nobodys_when_the_registry_says_so() {
    let framing = framing(as_ana("open sesame")).unwrap();
    let unread = |id: u8| framing.unwrap(TOPIC, &[0, 0, 0, 0, id, 1]).unwrap_err();
    assert!(matches!(unread(8), Unread::Foreign(_)));
    // A proxy answers for 9. After that nobody is asked for a while, so 10 waits too.
    for id in [9, 10] {
        assert!(matches!(unread(id), Unread::Waits(_)), "{id}");
    }
    assert!(matches!(unread(8), Unread::Foreign(_)));
}

#[test]
fn certificates_that_are_none_are_named() {
    let home = tempfile::tempdir().unwrap();
    let empty = home.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    for file in [PathBuf::from("/nothing/ca.pem"), empty] {
        let access = Access {
            url: "https://127.0.0.1:1".to_owned(),
            ca_file: Some(file.clone()),
            ..Access::default()
        };
        let error = framing(access).err().unwrap().to_string();
        assert!(
            error.contains("registry.ca_file") && error.contains(file.to_str().unwrap()),
            "{error}"
        );
    }
}
