//! Rights at a guarded broker. The client has no call for them, and Kafka's own tool is in no archive that tests fetch; so the
//! request is written by hand: `CreateAcls`, version 1, to the controller, whose listener lets everybody in.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

const CREATE_ACLS: i16 = 30;
const VERSION: i16 = 1;
const ALLOW: i8 = 3;

/// A right on a resource.
#[derive(Clone, Debug)]
pub struct Right {
    /// `topic`, `group`, `transactionalId` or `cluster`.
    pub resource: String,
    /// Its name, or what it begins with.
    pub name: String,
    /// `literal` or `prefix`.
    pub pattern: String,
    /// `Read`, `Write`, `Create`, `Describe`, `DescribeConfigs` or `AlterConfigs`.
    pub operation: String,
}

fn code(name: &str) -> i8 {
    match name {
        "topic" => 2,
        "group" | "literal" | "Read" => 3,
        "prefix" | "cluster" | "Write" => 4,
        "transactionalId" | "Create" => 5,
        "Describe" => 8,
        "DescribeConfigs" => 10,
        "AlterConfigs" => 11,
        other => panic!("no right has {other}"),
    }
}

fn text(into: &mut Vec<u8>, text: &str) {
    into.extend(i16::try_from(text.len()).unwrap().to_be_bytes());
    into.extend(text.as_bytes());
}

/// Gives `user` these rights; the controller is at `port`.
pub(crate) fn allow(port: u16, user: &str, rights: &[Right]) {
    let mut request = Vec::new();
    request.extend(CREATE_ACLS.to_be_bytes());
    request.extend(VERSION.to_be_bytes());
    request.extend(1_i32.to_be_bytes());
    text(&mut request, "testbed");
    request.extend(i32::try_from(rights.len()).unwrap().to_be_bytes());
    for right in rights {
        request.extend(code(&right.resource).to_be_bytes());
        text(&mut request, &right.name);
        request.extend(code(&right.pattern).to_be_bytes());
        text(&mut request, &format!("User:{user}"));
        text(&mut request, "*");
        request.extend(code(&right.operation).to_be_bytes());
        request.extend(ALLOW.to_be_bytes());
    }
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream
        .write_all(&i32::try_from(request.len()).unwrap().to_be_bytes())
        .unwrap();
    stream.write_all(&request).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut answer).unwrap();
    // Correlation, throttling, number of results; of each its error, which is 0, and the error's text, which is null or empty.
    let mut results = &answer[12..];
    for right in rights {
        let (error, said) = (
            i16::from_be_bytes([results[0], results[1]]),
            i16::from_be_bytes([results[2], results[3]]),
        );
        let (said, rest) = results[4..].split_at(usize::try_from(said).unwrap_or_default());
        assert!(
            error == 0,
            "the controller refuses {right:?} of {user}: {error} {}",
            String::from_utf8_lossy(said)
        );
        results = rest;
    }
}
