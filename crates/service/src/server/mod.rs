//! The one server: HTTP/1.1 on a listener, with bounds on connections, heads, stalls and addresses.

mod door;
mod places;
mod seat;
mod stream;

use crate::{Notice, Peer, Problem};
use axum::{Router, http::StatusCode, response::IntoResponse as _};
use door::Door;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use places::Places;
use std::{any::Any, future::Future, io, pin::pin, sync::Arc, time::Duration};
use stream::Watched;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{error, warn};

/// Bytes of a head, and of the buffers of a connection.
const HEAD_BYTES: usize = 32 << 10;
/// Pause after the system had no socket for us.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);
/// How often it is looked for connections that have had their time.
const SWEEP: Duration = Duration::from_millis(250);
/// How often it is looked for a place while all are taken by requests that are served.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Descriptors of this process, or of the machine, are used up.
const NO_DESCRIPTORS: [i32; 2] = [24, 23];

/// Bounds of one listener.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// Connections at once. Beyond it, those that wait for their client give up their places.
    pub connections: usize,
    /// Time for the head of a request.
    pub head_time: Duration,
    /// Longest time without progress, in sending a body or in reading an answer.
    pub stall_time: Duration,
    /// Longest time between two requests.
    pub idle_time: Duration,
    /// Time to finish what is under way when it is to end.
    pub end_time: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections: 2_048,
            head_time: Duration::from_secs(5),
            stall_time: Duration::from_secs(10),
            // Longer than proxies keep theirs, so that a proxy never writes into a connection that is being closed.
            idle_time: Duration::from_secs(75),
            // With the engine and the reader behind it, the end of a process takes less than 10 s.
            end_time: Duration::from_secs(4),
        }
    }
}

/// Serves `app` on `listener` over HTTP/1.1 until `end` resolves; then takes no more connections, finishes the requests
/// under way, and says whether all of them were. A process with several listeners calls it for each, with limits of
/// their own, so that what fills one leaves the others alone.
///
/// Unknown addresses and methods are answered in the one form of errors; every answer has `nosniff` and, unless it
/// says otherwise, `no-store`. Handlers find the client's address as an extension, [`Peer`].
pub async fn serve(listener: TcpListener, app: Router, limits: ServeLimits, end: impl Future<Output = ()>) -> bool {
    let app = app
        .fallback(async || unknown_address())
        .method_not_allowed_fallback(async || wrong_method())
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| {
            // The panic hook has written message and place; the payload may quote data.
            error!("a request handler panicked, the request was answered with 500");
            Problem::internal().into_response()
        }));
    let server = Server {
        app,
        places: Arc::new(Places::new(limits)),
        connections: GracefulShutdown::new(),
        refused: Notice::default(),
        shed: Notice::default(),
    };
    let places = Arc::clone(&server.places);
    let sweep = async {
        let mut ticks = tokio::time::interval(SWEEP);
        loop {
            ticks.tick().await;
            places.close_overdue(Instant::now());
        }
    };
    let served = async {
        let mut end = pin!(end);
        tokio::select! {
            never = server.accept(&listener) => match never {},
            () = &mut end => {}
        }
        drop(listener);
        timeout(limits.end_time, server.connections.shutdown()).await.is_ok()
    };
    let finished = tokio::select! {
        never = sweep => never,
        finished = served => finished,
    };
    if !finished {
        warn!("some requests were not finished in time; nothing of them was acknowledged");
        places.close_all();
    }
    finished
}

enum Never {}

struct Server {
    app: Router,
    places: Arc<Places>,
    connections: GracefulShutdown,
    refused: Notice,
    shed: Notice,
}

impl Server {
    /// Takes connections for ever. It never waits for one of them.
    async fn accept(&self, listener: &TcpListener) -> Never {
        loop {
            match listener.accept().await {
                Ok((stream, address)) => {
                    while self.places.are_full() {
                        self.make_room("all places are taken").await;
                    }
                    self.serve(stream, Peer::at(address.ip()));
                }
                Err(error) => self.without_socket(&error).await,
            }
        }
    }

    /// Closes what waits for its client; when every connection is being served, waits for one to finish.
    async fn make_room(&self, why: &str) {
        let closed = self.places.shed(Instant::now());
        if closed == 0 {
            tokio::select! {
                () = self.places.left() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        } else if self.shed.is_due() {
            warn!(
                closed,
                "{why}: connections that wait for their client are closed, the oldest first"
            );
        }
    }

    async fn without_socket(&self, error: &io::Error) {
        if self.refused.is_due() {
            warn!(%error, "a connection cannot be accepted");
        }
        if error.raw_os_error().is_some_and(|code| NO_DESCRIPTORS.contains(&code)) {
            self.make_room("the process has no more file descriptors").await;
        } else {
            tokio::time::sleep(ACCEPT_AGAIN).await;
        }
    }

    fn serve(&self, stream: TcpStream, peer: Peer) {
        // Answers are small, and somebody measures them. A failure costs latency only.
        drop(stream.set_nodelay(true));
        let place = self.places.take(peer);
        let seat = Arc::clone(place.seat());
        let door = Door::new(self.app.clone(), Arc::clone(&seat), peer);
        let stream = TokioIo::new(Watched::new(stream, Arc::clone(&seat)));
        let mut http = http1::Builder::new();
        // Times are kept by the seat: one sweep for all connections, and one rule for what may be shed.
        http.timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(HEAD_BYTES);
        let connection = self.connections.watch(http.serve_connection(stream, door));
        tokio::spawn(async move {
            tokio::select! {
                // A sender that breaks off is no event of ours; its request was answered or has failed.
                _ = connection => {}
                () = seat.closed() => {}
            }
            drop(place);
        });
    }
}

fn unknown_address() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_address",
        "there is nothing at this address",
        "deliveries go to /webhooks/whatsapp/{tenant} and captures to /v1/outbound, /v1/inbox, /v1/platform, /v1/identity \
         or /v1/crm/{system} of [http] listen; pages, numbers, traces and probes are on [admin] listen",
    )
}

fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "wrong_method",
        "this address has another method",
        "POST captures and deliveries; GET the challenge, pages, numbers, traces and probes",
    )
}
