//! Between the connection and the application: what is being asked is noted, and every answer leaves with its headers.

use super::seat::Seat;
use crate::{Peer, Problem};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header},
    response::IntoResponse as _,
};
use hyper::{
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    service::Service,
};
use hyper_util::service::TowerToHyperService;
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// Headers of a request.
const HEADERS: usize = 64;

const CLOSE: HeaderValue = HeaderValue::from_static("close");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const NO_SNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// The application as one connection sees it.
pub(super) struct Door {
    app: TowerToHyperService<Router>,
    seat: Arc<Seat>,
    peer: Peer,
}

impl Door {
    pub(super) fn new(app: Router, seat: Arc<Seat>, peer: Peer) -> Self {
        Self {
            app: TowerToHyperService::new(app),
            seat,
            peer,
        }
    }
}

impl Service<Request<Incoming>> for Door {
    type Response = Response<Leaving>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let last = self.seat.request(!request.body().is_end_stream());
        request.extensions_mut().insert(self.peer);
        let headers = request.headers().len();
        let request = request.map(|body| Arriving {
            whole: body.is_end_stream(),
            body,
            seat: Arc::clone(&self.seat),
        });
        let answer = (headers <= HEADERS).then(|| self.app.call(request));
        let seat = Arc::clone(&self.seat);
        Box::pin(async move {
            let mut response = match answer {
                Some(answer) => answer.await?,
                None => too_many_headers().into_response(),
            };
            let status = response.status();
            let ends = seat.answer(status.is_success(), status.is_client_error(), last);
            dress(response.headers_mut(), ends);
            Ok(response.map(|body| Leaving { body, seat }))
        })
    }
}

fn dress(headers: &mut HeaderMap, ends: bool) {
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(NO_SNIFF);
    headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    if ends {
        headers.insert(header::CONNECTION, CLOSE);
    }
}

fn too_many_headers() -> Problem {
    Problem::new(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "too_many_headers",
        format!("the request has more than {HEADERS} headers"),
        "send fewer headers; the proxy in front may add some",
    )
}

/// The body of a request.
struct Arriving {
    body: Incoming,
    seat: Arc<Seat>,
    whole: bool,
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if self.body.is_end_stream() || frame.is_none() {
            if !self.whole {
                self.whole = true;
                self.seat.body_end(true);
            }
        } else {
            self.seat.body_part();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if !self.whole {
            self.seat.body_end(false);
        }
    }
}

/// The body of an answer.
pub(super) struct Leaving {
    body: Body,
    seat: Arc<Seat>,
}

impl HttpBody for Leaving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.seat.answered();
    }
}
