//! An open-loop load generator: requests leave by the clock, whatever the answers do.
//!
//! A request is due at its scheduled time, and its latency counts from then: a server that stalls is charged for
//! everything that should have been sent meanwhile (no coordinated omission). Connections share one schedule; whichever
//! is free takes the next request. Each has a blocking thread: waking one by the system's clock is exact to some tens of
//! microseconds, a timer wheel of milliseconds is not.

use crate::micros;
use hdrhistogram::Histogram;
use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between the last connection and the first request, so that every thread waits for its turn when it comes.
const LEAD: Duration = Duration::from_millis(50);

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Requests a second.
    pub rate: u32,
    /// How long.
    pub duration: Duration,
    /// Keep-alive connections, one request at a time on each.
    pub connections: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Loaded {
    /// Microseconds from the scheduled time to the end of the answer, of requests that were answered with 200.
    pub latency: Histogram<u64>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without an answer.
    pub failed: u64,
    /// The first scheduled time; the n-th request was due n / rate seconds later.
    pub start: Instant,
    /// From the first scheduled time to the last answer.
    pub elapsed: Duration,
}

/// Sends `requests`, whole HTTP/1.1 requests, over and over to `address`.
pub fn load(address: SocketAddr, requests: &[Vec<u8>], load: Load) -> io::Result<Loaded> {
    let total = (f64::from(load.rate) * load.duration.as_secs_f64()) as u64;
    let connections: Vec<Connection> = (0..load.connections.max(1))
        .map(|_| Connection::open(address))
        .collect::<io::Result<_>>()?;
    let next = AtomicU64::new(0);
    let start = Instant::now() + LEAD;
    let schedule = Schedule {
        next: &next,
        start,
        total,
        rate: load.rate.max(1),
    };
    let lanes = thread::scope(|scope| -> io::Result<Vec<Lane>> {
        let mut threads = Vec::with_capacity(connections.len());
        for connection in connections {
            let spawned = thread::Builder::new()
                .name("load".to_owned())
                .stack_size(128 << 10)
                .spawn_scoped(scope, move || schedule.run(connection, address, requests));
            threads.push(spawned?);
        }
        let stopped = |_| io::Error::other("a thread of the load generator panicked");
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(stopped)?)
            .collect()
    })?;
    let mut loaded = Loaded {
        latency: micros::histogram()?,
        statuses: BTreeMap::new(),
        failed: 0,
        start,
        elapsed: start.elapsed(),
    };
    for lane in lanes {
        loaded.latency.add(lane.latency).map_err(io::Error::other)?;
        loaded.failed += lane.failed;
        for (status, count) in lane.statuses {
            *loaded.statuses.entry(status).or_default() += count;
        }
    }
    Ok(loaded)
}

/// What one connection saw.
struct Lane {
    latency: Histogram<u64>,
    statuses: BTreeMap<u16, u64>,
    failed: u64,
}

#[derive(Clone, Copy)]
struct Schedule<'a> {
    next: &'a AtomicU64,
    start: Instant,
    total: u64,
    rate: u32,
}

impl Schedule<'_> {
    fn run(self, mut connection: Connection, address: SocketAddr, requests: &[Vec<u8>]) -> io::Result<Lane> {
        let mut lane = Lane {
            latency: micros::histogram()?,
            statuses: BTreeMap::new(),
            failed: 0,
        };
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.total {
                return Ok(lane);
            }
            let due = self.start + Duration::from_nanos(number.saturating_mul(1_000_000_000) / u64::from(self.rate));
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let request = &requests[number as usize % requests.len()];
            match connection.exchange(request) {
                Ok(status) => {
                    *lane.statuses.entry(status).or_default() += 1;
                    if status == 200 {
                        micros::record(&mut lane.latency, due.elapsed());
                    }
                }
                Err(_) => lane.failed += 1,
            }
            if connection.broken {
                connection = Connection::open(address)?;
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// It cannot be used for another request.
    broken: bool,
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            buffer: vec![0; 4_096],
            broken: false,
        })
    }

    /// Sends a request and reads the whole answer; gives its status.
    fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        self.broken = true;
        self.stream.write_all(request)?;
        let mut filled = 0;
        loop {
            if filled == self.buffer.len() {
                self.buffer.resize(filled * 2, 0);
            }
            match self.stream.read(&mut self.buffer[filled..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => filled += read,
            }
            if let Some(answer) = Answer::parse(&self.buffer[..filled])? {
                self.broken = answer.closes;
                return Ok(answer.status);
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    closes: bool,
}

impl Answer {
    /// `None` as long as it is not whole.
    fn parse(bytes: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let invalid = || {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "the server answers something that is no HTTP/1.1",
            )
        };
        let head = str::from_utf8(&bytes[..end]).map_err(|_| invalid())?;
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
        let mut answer = Self {
            status: status.ok_or_else(invalid)?,
            closes: false,
        };
        let mut length = 0;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(|_| invalid())?;
            } else if name.eq_ignore_ascii_case("connection") {
                answer.closes = value.trim().eq_ignore_ascii_case("close");
            }
        }
        Ok((bytes.len() >= end + 4 + length).then_some(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{net::TcpListener, sync::mpsc};

    #[test]
    fn an_answer_is_read_to_its_end() {
        let whole = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\ncontent-length: 2\r\n\r\nno";
        for end in 0..whole.len() {
            assert_eq!(Answer::parse(&whole[..end]).unwrap(), None, "{end}");
        }
        assert_eq!(
            Answer::parse(whole).unwrap(),
            Some(Answer {
                status: 503,
                closes: true
            })
        );
        assert!(Answer::parse(b"SSH-2.0\r\n\r\n").is_err());
    }

    /// Answers the first request only when told; all others at once.
    fn stalling_server(stalled: mpsc::Receiver<()>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 4];
            while stream.read_exact(&mut buffer).is_ok() {
                let _ = stalled.recv();
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                    .unwrap();
            }
        });
        address
    }

    #[test]
    fn a_stall_is_charged_to_everything_that_was_due_meanwhile() {
        let (go_on, stalled) = mpsc::channel();
        let address = stalling_server(stalled);
        let stall = Duration::from_millis(200);
        thread::spawn(move || {
            thread::sleep(LEAD + stall);
            drop(go_on);
        });
        let asked = Load {
            rate: 1_000,
            duration: Duration::from_millis(200),
            connections: 1,
        };
        let loaded = load(address, &[b"ping".to_vec()], asked).unwrap();
        assert_eq!(loaded.statuses, BTreeMap::from([(200, 200)]));
        assert_eq!(loaded.latency.len(), 200);
        // A generator that waits for answers would have one slow request of 200: a median near zero. The one due in the
        // middle waited for half the stall at the least, however slow this machine is.
        assert!(
            loaded.latency.value_at_quantile(0.5) >= 90_000,
            "{}",
            loaded.latency.value_at_quantile(0.5)
        );
    }

    #[test]
    fn answers_that_break_off_are_counted_and_the_load_goes_on() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut buffer = [0; 4];
                drop(stream.read_exact(&mut buffer));
            }
        });
        let asked = Load {
            rate: 1_000,
            duration: Duration::from_millis(10),
            connections: 1,
        };
        let loaded = load(address, &[b"ping".to_vec()], asked).unwrap();
        assert_eq!((loaded.failed, loaded.latency.len()), (10, 0));
    }
}
