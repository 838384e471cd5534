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
use rcgen::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring, pki_types::PrivateKeyDer};
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;

const TOPIC: &str = "hilo.status";
/// `ana:open sesame`, as RFC 7617 writes it.
const LOGIN: &str = "basic yw5hom9wzw4gc2vzyw1l";

/// A registry that lets `ana` in alone; every contract has id 7 there.
fn registry() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap()).unwrap();
        }
    });
    url
}

/// The same behind TLS; with the certificate that vouches for it.
fn secure_registry() -> (String, String) {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // A client that does not trust the certificate hangs up.
            drop(answer(StreamOwned::new(connection, stream.unwrap())));
        }
    });
    (url, cert.pem())
}

fn answer(stream: impl Read + Write) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
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
    let mut stream = reader.into_inner();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )?;
    stream.flush()
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

/// A private authority is trusted by its file alone, and a file of another one does not do.
#[test]
fn a_private_certificate_is_trusted_by_its_file() {
    let home = tempfile::tempdir().unwrap();
    let (url, pem) = secure_registry();
    let (_, foreign) = secure_registry();
    let asked = |pem: Option<&str>| {
        let ca_file = pem.map(|pem| {
            let file = home.path().join("ca.pem");
            std::fs::write(&file, pem).unwrap();
            file
        });
        framing(Access {
            url: url.clone(),
            ca_file,
            login: Some(("ana".to_owned(), "open sesame".to_owned())),
        })
    };
    assert_eq!(asked(Some(&pem)).unwrap().wrap(TOPIC, vec![1]), [0, 0, 0, 0, 7, 1]);
    for untrusted in [None, Some(foreign.as_str())] {
        let error = asked(untrusted).err().unwrap().to_string();
        assert!(error.contains("look at registry.ca_file"), "{error}");
    }
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
