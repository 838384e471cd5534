//! The server: connections bounded, slow ones dropped, a panic kept to its request, and an end that finishes its work.

use crate::refusal::Refusal;
use axum::{Router, response::IntoResponse as _};
use hilo_service::Peer;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use std::{future::Future, pin::pin, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{error, warn};

/// Pause after the system had no more sockets for us.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// Bounds of a server.
#[derive(Clone, Copy, Debug)]
pub struct ServeLimits {
    /// Connections at once; further ones wait in the system's queue.
    pub connections: usize,
    /// Time for the head of a request, and how long a connection may be idle.
    pub head_time: Duration,
    /// Time to finish what is under way when it is to end.
    pub end_time: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            connections: 2_048,
            head_time: Duration::from_secs(30),
            end_time: Duration::from_secs(3),
        }
    }
}

/// Serves `app` on `listener` over HTTP/1.1 until `end` resolves; then takes no more connections, finishes the requests
/// under way, and says whether all of them were.
pub async fn serve(listener: TcpListener, app: Router, limits: ServeLimits, end: impl Future<Output = ()>) -> bool {
    let app = app.layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
        // The panic hook has written message and place; the payload may quote data.
        error!("a request handler panicked, the request was answered with 500");
        Refusal::Internal.into_response()
    }));
    let service = TowerToHyperService::new(app);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head_time);
    let places = Arc::new(Semaphore::new(limits.connections));
    let connections = GracefulShutdown::new();
    let mut end = pin!(end);
    loop {
        let next = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = &mut end => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        // Answers are small, and somebody measures them. A failure costs latency only.
        drop(stream.set_nodelay(true));
        let (app, peer) = (service.clone(), Peer::at(address.ip()));
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            app.call(request)
        });
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A sender that breaks off is no event of ours; its request was answered or has failed.
            drop(connection.await);
            drop(place);
        });
    }
    drop(listener);
    let finished = timeout(limits.end_time, connections.shutdown()).await.is_ok();
    if !finished {
        warn!("some requests were not finished in time; nothing of them was acknowledged");
    }
    finished
}
