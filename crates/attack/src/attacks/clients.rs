//! H2, H8, M1: clients that hold what they take. They come from one address and from many; genuine deliveries from another.

use crate::{
    judge::Judge,
    room::{
        capture::{ACME, BETA, signature},
        genuine::Genuine,
        http::{Answer, DECENT, Request, attacker, closed_within, connect, read_answer},
        node::{Node, OLGA, Room, Settings},
    },
    scale::Scale,
};
use anyhow::Result;
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    task::JoinSet,
    time::{interval, timeout},
};

/// Pipelined requests of a client that does not read.
const PIPELINED: usize = 400;
/// Its room for what it does not read.
const UNREAD: u32 = 4 << 10;
/// Connections of one attacker's machine where the attack comes from many.
const PER_ADDRESS: usize = 32;
/// A head that is refused for certain: the server reads up to 32 KiB before it looks, and as much with the last look.
const LONG_HEAD: usize = 72 << 10;
/// A head is whole within 5 s; the rest is for a machine with tests beside this.
const HEAD: Duration = Duration::from_secs(9);
/// Connections that no progress holds are closed within 10 s; the rest as above.
const IDLE: Duration = Duration::from_secs(16);
/// A refusal that needs no body comes within this time.
const AT_ONCE: Duration = Duration::from_secs(5);
/// A genuine delivery within this time was answered.
const PATIENCE: Duration = Duration::from_secs(30);
/// Connections at once that are still being opened.
const OPENING: Duration = Duration::from_millis(500);
/// Senders that stall, as the attack had.
const STALLED: usize = 35;

/// Where an attack comes from: one machine, or many.
fn source(number: usize, many: bool) -> Ipv4Addr {
    attacker(if many { 1 + number / PER_ADDRESS } else { 0 })
}

/// Opens connections and writes to each what it takes. A server that has had enough may refuse some: that is its right.
async fn hold(to: SocketAddr, count: usize, many: bool, bytes: &[u8], room: Option<u32>) -> Vec<TcpStream> {
    let mut held = Vec::new();
    for number in 0..count {
        let opened = timeout(OPENING, connect(to, source(number, many), room)).await;
        let Ok(Ok(mut stream)) = opened else { continue };
        // It takes what fits, no more.
        drop(timeout(Duration::from_millis(2), stream.write_all(bytes)).await);
        held.push(stream);
    }
    held
}

/// How many of them the server has closed within a time.
async fn closed(held: Vec<TcpStream>, patience: Duration) -> usize {
    let mut looking = JoinSet::new();
    for mut stream in held {
        looking.spawn(async move { closed_within(&mut stream, patience).await });
    }
    looking.join_all().await.into_iter().filter(|closed| *closed).count()
}

pub(crate) async fn silent(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let node = Node::start(room, Settings::default()).await?;
    let pipelined = |to: SocketAddr| Request::get("/").bearer(OLGA.token).bytes(to).repeat(PIPELINED);
    for (name, to) in [("webhooks", node.http), ("pages", node.admin)] {
        for many in [false, true] {
            let held = hold(to, scale.readers_that_do_not, many, &pipelined(to), Some(UNREAD)).await;
            let opened = held.len();
            under(&node, scale, judge).await?;
            judge.figure(&format!("unread_{name}_{}", if many { "many" } else { "one" }), opened);
            // The page of the admin listener may be asked for by a decent reader as well.
            let page = Request::get("/healthz").send_within(node.admin, PATIENCE).await;
            judge.check(
                "probes answer beside clients that do not read",
                page.is_ok_and(|page| page.status == 200),
                || format!("{opened} on {name} hold them up"),
            );
            drop(held);
        }
    }
    let half = b"POST /webhooks/whatsapp/acme HTTP/1.1\r\nHost: localhost\r\nX-Hub-";
    let mut held = Vec::new();
    for many in [false, true] {
        let more = hold(node.http, scale.half_heads, many, half, None).await;
        judge.figure(if many { "half_heads_many" } else { "half_heads_one" }, more.len());
        held.extend(more);
        under(&node, scale, judge).await?;
    }
    let opened = held.len();
    let (gone, slow, silent) = tokio::join!(closed(held, HEAD), slow_head(&node), never_asks(&node));
    judge.check("half heads are given up", gone == opened, || {
        format!(
            "{} of {opened} are still there after {} s",
            opened - gone,
            HEAD.as_secs()
        )
    });
    judge.check("a head has its time as a whole", slow?, || {
        format!(
            "a letter each 200 ms holds a connection for more than {} s",
            HEAD.as_secs()
        )
    });
    judge.check("a connection without a request is closed", silent?, || {
        format!("not in {} s", IDLE.as_secs())
    });
    Ok(())
}

/// Genuine deliveries while an attack goes on.
async fn under(node: &Node<'_>, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let genuine = Genuine::start(node.http, BETA, scale.pace, PATIENCE);
    tokio::time::sleep(scale.while_attacked).await;
    genuine.end().await?.judge(node, scale, judge).await
}

/// Whether a head is given up that comes letter by letter: it is never idle, and never whole.
async fn slow_head(node: &Node<'_>) -> Result<bool> {
    // From an address that holds nothing else.
    let mut stream = connect(node.http, attacker(9_001), None).await?;
    let writing = async {
        let mut pace = interval(Duration::from_millis(200));
        for letter in b"POST /webhooks/whatsapp/acme HTTP/1.1\r\nX-Slow: "
            .iter()
            .chain(std::iter::repeat(&b'a'))
        {
            pace.tick().await;
            if stream.write_all(&[*letter]).await.is_err() {
                break;
            }
        }
    };
    Ok(timeout(HEAD, writing).await.is_ok())
}

/// Whether a connection is closed on which nothing comes.
async fn never_asks(node: &Node<'_>) -> Result<bool> {
    let mut stream = connect(node.http, attacker(9_000), None).await?;
    Ok(closed_within(&mut stream, IDLE).await)
}

pub(crate) async fn bodies(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let node = Node::start(room, Settings::default()).await?;
    let lengths = [(3 << 20) - 10, 500 << 10, 12 << 10, 250];
    let unsigned = || Request::post(&ACME.webhook_path(), "");
    let bad = [
        ("no signature", unsigned()),
        (
            "half a signature",
            unsigned().header("X-Hub-Signature-256", "sha256=abcd"),
        ),
        (
            "another form",
            unsigned().header("X-Hub-Signature-256", "sha1=0123456789012345678901234567890123456789"),
        ),
        (
            "no hex",
            unsigned().header("X-Hub-Signature-256", format!("sha256={}", "z".repeat(64))),
        ),
    ];
    let no_token = Request::post("/v1/outbound", "");
    let wrong_token = Request::post("/v1/outbound", "").bearer("wrong");
    for (name, request) in bad
        .iter()
        .map(|(name, request)| (*name, request))
        .chain([("no token", &no_token), ("a wrong token", &wrong_token)])
    {
        let refused = refused_by_head(node.http, request, lengths[0]).await;
        let said = refused
            .as_ref()
            .map_or_else(|error| format!("{error:#}"), Answer::brief);
        judge.check(
            "a body without a right is refused by its head",
            refused.is_ok_and(|answer| answer.status == 401),
            || format!("{name}: {said}"),
        );
    }

    let count = if scale.long { 10 * STALLED } else { STALLED };
    // Well-formed and wrong: nobody knows before the body is there.
    let forged = unsigned().header("X-Hub-Signature-256", signature("wrong", b"another body"));
    let mut held = Vec::new();
    for request in [&unsigned(), &forged] {
        for many in [false, true] {
            for number in 0..count {
                let Ok(mut stream) = connect(node.http, source(number, many), None).await else {
                    continue;
                };
                let length = lengths[number % lengths.len()];
                let mut bytes = request.head(node.http, length);
                bytes.resize(bytes.len() + length - 1, b' ');
                // All of it but the last byte, or what the server takes.
                drop(timeout(Duration::from_millis(200), stream.write_all(&bytes)).await);
                held.push(stream);
            }
            under(&node, scale, judge).await?;
        }
    }
    let opened = held.len();
    let (gone, slow) = tokio::join!(closed(held, IDLE), slow_body(&node, &forged));
    judge.figure("stalled", opened);
    judge.check("senders that stall are given up", gone == opened, || {
        format!(
            "{} of {opened} are still there after {} s",
            opened - gone,
            IDLE.as_secs()
        )
    });
    judge.check("a body has a least rate", slow?, || {
        format!("100 B/s hold a connection for more than {} s", IDLE.as_secs())
    });
    Ok(())
}

/// The answer to a head alone, whose body never comes.
async fn refused_by_head(to: SocketAddr, request: &Request, length: usize) -> Result<Answer> {
    let mut stream = connect(to, DECENT, None).await?;
    stream.write_all(&request.head(to, length)).await?;
    timeout(AT_ONCE, read_answer(&mut stream)).await?
}

/// Whether a body is given up that is never idle, and never there.
async fn slow_body(node: &Node<'_>, request: &Request) -> Result<bool> {
    let mut stream = connect(node.http, attacker(9_002), None).await?;
    stream.write_all(&request.head(node.http, 1 << 20)).await?;
    let writing = async {
        let mut pace = interval(Duration::from_millis(100));
        loop {
            pace.tick().await;
            if stream.write_all(&[b' '; 10]).await.is_err() {
                break;
            }
        }
    };
    Ok(timeout(IDLE, writing).await.is_ok())
}

pub(crate) async fn heads(room: &Room, scale: &Scale, judge: &mut Judge) -> Result<()> {
    let node = Node::start(room, Settings::default()).await?;
    for (name, to) in [("webhooks", node.http), ("pages", node.admin)] {
        let small = Request::get("/healthz")
            .header("X-Padding", "a".repeat(8 << 10))
            .send(to)
            .await?;
        judge.check("a head of 8 KiB is taken", small.status != 431, || {
            format!("{name}: {}", small.brief())
        });
        let large = Request::get("/healthz")
            .header("X-Padding", "a".repeat(LONG_HEAD))
            .send(to)
            .await;
        let refused = large
            .as_ref()
            .is_ok_and(|answer| matches!(answer.status, 400 | 414 | 431));
        judge.check("a head of 72 KiB is refused", refused || large.is_err(), || {
            format!("{name}: {:?}", large.map(|answer| answer.brief()))
        });
        let mut many = Request::get("/healthz");
        for number in 0..100 {
            many = many.header(&format!("X-{number}"), "a");
        }
        let many = many.send(to).await;
        let refused = many.as_ref().is_ok_and(|answer| matches!(answer.status, 400 | 431));
        judge.check("100 headers are refused", refused || many.is_err(), || {
            format!("{name}: {:?}", many.map(|answer| answer.brief()))
        });
    }

    node.forget_peak();
    let before = node.memory()?;
    let mut endless = b"POST /webhooks/whatsapp/acme HTTP/1.1\r\nHost: localhost\r\nX-Endless: ".to_vec();
    endless.resize(390 << 10, b'a');
    let genuine = Genuine::start(node.http, BETA, scale.pace, PATIENCE);
    let mut writing = JoinSet::new();
    for number in 0..scale.endless_heads {
        let (to, endless) = (node.http, endless.clone());
        writing.spawn(async move {
            let mut stream = connect(to, source(number, true), None).await?;
            drop(timeout(AT_ONCE, stream.write_all(&endless)).await);
            anyhow::Ok(stream)
        });
    }
    let held: Vec<TcpStream> = writing.join_all().await.into_iter().flatten().collect();
    tokio::time::sleep(scale.while_attacked).await;
    genuine.end().await?.judge(&node, scale, judge).await?;
    let grown = node.peak()?.saturating_sub(before);
    judge.figure("grown_mib", grown);
    // 64 KiB each are twice what a head may have.
    let limit = 128 + scale.endless_heads as u64 * 64 / 1_024;
    judge.check("endless heads are not kept", grown < limit, || {
        format!("{grown} MiB more, allowed {limit}")
    });
    drop(held);
    Ok(())
}
