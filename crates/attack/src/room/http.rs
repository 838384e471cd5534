//! HTTP/1.1 over a bare socket: the attacks need control of each byte, of its pace, and of the address that it comes from.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// A request that waits longer has no answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer that are read at most.
const LONGEST: usize = 256 << 20;
/// Address of a decent client.
pub(crate) const DECENT: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Address of the attacker's machine `number`. All of 127/8 is this machine, so that limits per address can be told apart
/// from limits of all.
pub(crate) fn attacker(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 66, (number / 250) as u8, (number % 250 + 1) as u8)
}

/// A request, before it is bytes.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    method: &'static str,
    pub path: String,
    host: Option<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    from: Ipv4Addr,
}

impl Request {
    fn new(method: &'static str, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            host: None,
            headers: Vec::new(),
            body: Vec::new(),
            from: DECENT,
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut request = Self::new("POST", path);
        request.body = body.into();
        request
    }

    pub(crate) fn method(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    pub(crate) fn host(mut self, host: &str) -> Self {
        self.host = Some(host.to_owned());
        self
    }

    pub(crate) fn from(mut self, address: Ipv4Addr) -> Self {
        self.from = address;
        self
    }

    /// The head alone, with the length of the body that it promises.
    pub(crate) fn head(&self, to: SocketAddr, length: usize) -> Vec<u8> {
        let host = self.host.clone().unwrap_or_else(|| to.to_string());
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {host}\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if length > 0 || self.method == "POST" {
            head.push_str(&format!("Content-Length: {length}\r\n"));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    pub(crate) fn bytes(&self, to: SocketAddr) -> Vec<u8> {
        let mut bytes = self.head(to, self.body.len());
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends it on a connection of its own and reads the answer.
    pub(crate) async fn send(&self, to: SocketAddr) -> Result<Answer> {
        self.send_within(to, PATIENCE).await
    }

    /// Sends it and reads the head of the answer alone: a stream has no end.
    pub(crate) async fn begin(&self, to: SocketAddr) -> Result<Answer> {
        let asked = async {
            let mut stream = connect(to, self.from, None).await?;
            stream.write_all(&self.bytes(to)).await?;
            read_head(&mut stream).await
        };
        timeout(PATIENCE, asked)
            .await
            .with_context(|| {
                format!(
                    "{} {} has no answer in {} s",
                    self.method,
                    self.path,
                    PATIENCE.as_secs()
                )
            })?
            .with_context(|| format!("{} {}", self.method, self.path))
    }

    pub(crate) async fn send_within(&self, to: SocketAddr, patience: Duration) -> Result<Answer> {
        let asked = async {
            let stream = connect(to, self.from, None).await?;
            let (mut reader, mut writer) = stream.into_split();
            let bytes = self.bytes(to);
            // A server may answer and close before it has read all of a body: what counts is the answer.
            let (_, answer) = tokio::join!(writer.write_all(&bytes), read_answer(&mut reader));
            answer
        };
        timeout(patience, asked)
            .await
            .with_context(|| {
                format!(
                    "{} {} has no answer in {} s",
                    self.method,
                    self.path,
                    patience.as_secs()
                )
            })?
            .with_context(|| format!("{} {}", self.method, self.path))
    }
}

/// Opens a connection from an address of ours; `room` bounds what the kernel keeps of unread answers.
pub(crate) async fn connect(to: SocketAddr, from: Ipv4Addr, room: Option<u32>) -> Result<TcpStream> {
    ensure!(
        to.ip().is_loopback(),
        "{to} is not this machine: nothing else is attacked"
    );
    let socket = TcpSocket::new_v4()?;
    if let Some(room) = room {
        socket.set_recv_buffer_size(room)?;
    }
    socket.bind(SocketAddr::from((from, 0)))?;
    Ok(socket.connect(to).await?)
}

/// What a server said.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The stable code of an error.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Status and beginning of the body, for a report.
    pub(crate) fn brief(&self) -> String {
        let text: String = self.text().chars().take(120).collect();
        format!("{} {}", self.status, text.escape_debug())
    }
}

/// Reads the head of an answer, and what came of the body with it.
async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Result<Answer> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let read = more(stream, &mut bytes).await?;
        ensure!(read > 0, "closed without an answer, after {} bytes", bytes.len());
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let status = status
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .with_context(|| format!("{status:?} is no status line"))?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect();
    Ok(Answer {
        status,
        headers,
        body: bytes.split_off(head + 4),
    })
}

/// Reads one answer from a stream.
pub(crate) async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> Result<Answer> {
    let mut answer = read_head(stream).await?;
    let status = answer.status;
    if status == 304 || status == 204 || status < 200 {
        return Ok(answer);
    }
    if let Some(length) = answer.header("content-length") {
        let length: usize = length.parse().context("a length that is none")?;
        while answer.body.len() < length {
            let read = more(stream, &mut answer.body).await?;
            ensure!(read > 0, "{} of {length} bytes of an answer", answer.body.len());
        }
        answer.body.truncate(length);
    } else if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = chunks(stream, std::mem::take(&mut answer.body)).await?;
    } else {
        while more(stream, &mut answer.body).await? > 0 {}
    }
    Ok(answer)
}

async fn more(stream: &mut (impl AsyncRead + Unpin), bytes: &mut Vec<u8>) -> Result<usize> {
    ensure!(bytes.len() < LONGEST, "an answer without an end");
    let mut chunk = vec![0; 64 << 10];
    let read = stream.read(&mut chunk).await?;
    bytes.extend_from_slice(&chunk[..read]);
    Ok(read)
}

async fn chunks(stream: &mut (impl AsyncRead + Unpin), mut raw: Vec<u8>) -> Result<Vec<u8>> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let end = loop {
            if let Some(end) = raw[at..].windows(2).position(|window| window == b"\r\n") {
                break at + end;
            }
            if more(stream, &mut raw).await? == 0 {
                bail!("an answer in chunks without its end");
            }
        };
        let size = String::from_utf8_lossy(&raw[at..end]).into_owned();
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).with_context(|| format!("{size:?} is no size of a chunk"))?;
        at = end + 2;
        while raw.len() < at + size + 2 {
            if more(stream, &mut raw).await? == 0 {
                bail!("a chunk without its end");
            }
        }
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&raw[at..at + size]);
        at += size + 2;
    }
}

/// Whether the server has closed a connection; reads and drops what is there.
pub(crate) async fn closed_within(stream: &mut TcpStream, patience: Duration) -> bool {
    let drained = async {
        let mut chunk = vec![0; 16 << 10];
        while matches!(stream.read(&mut chunk).await, Ok(read) if read > 0) {}
    };
    timeout(patience, drained).await.is_ok()
}

/// Escapes an id for a path.
pub(crate) fn escape(id: &str) -> String {
    let mut escaped = String::new();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            escaped.push(byte as char);
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_are_read_whole_in_each_form() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more";
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
        let closed = b"HTTP/1.1 200 OK\r\n\r\nhello";
        for bytes in [&whole[..], chunked, closed] {
            let answer = read_answer(&mut &bytes[..]).await.unwrap();
            assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
        }
        for bytes in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"[..],
            b"",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\n",
        ] {
            assert!(read_answer(&mut &bytes[..]).await.is_err());
        }
    }

    #[tokio::test]
    async fn only_this_machine_is_attacked() {
        let elsewhere = "192.0.2.1:80".parse().unwrap();
        assert!(connect(elsewhere, DECENT, None).await.is_err());
    }
}
