//! Reading a body: bounded in size, in time, in rate, and over all requests.

use crate::{
    refusal::Refusal,
    room::{Held, Room},
};
use axum::body::{Body, Bytes, HttpBody as _};
use hilo_service::Peer;
use http_body_util::BodyExt as _;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Longest time without a byte.
const STALL: Duration = Duration::from_secs(3);
/// Bytes a second, on average since the begin, that a body has to keep after [`STALL`].
const LEAST_RATE: usize = 64 << 10;

/// A whole body, and its place in the room until it is dropped.
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    _held: Held,
}

/// Reads a whole body. One that is announced as too large is not read at all.
pub(crate) async fn read(
    mut body: Body,
    limit: usize,
    time: Duration,
    room: &Room,
    peer: Peer,
) -> Result<Received, Refusal> {
    let announced = body
        .size_hint()
        .exact()
        .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if announced.is_some_and(|bytes| bytes > limit) {
        return Err(Refusal::TooLarge(limit));
    }
    let started = Instant::now();
    let mut held = room.enter(announced, peer);
    let mut whole = Bytes::new();
    let mut parts: Vec<u8> = Vec::new();
    let mut total = 0;
    loop {
        let in_proportion = Duration::from_secs_f64(total as f64 / LEAST_RATE as f64);
        let deadline = (started + time)
            .min(Instant::now() + STALL)
            .min(started + STALL + in_proportion);
        let frame = match timeout_at(deadline, body.frame()).await {
            Err(_) => return Err(Refusal::TooSlow),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Refusal::Broken),
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        total += data.len();
        if total > limit {
            return Err(Refusal::TooLarge(limit));
        }
        held.take(data.len())?;
        // Nearly every body comes in one piece and is not copied.
        if total == data.len() {
            whole = data;
        } else {
            if parts.is_empty() {
                parts.extend_from_slice(&whole);
            }
            parts.extend_from_slice(&data);
        }
    }
    let bytes = if parts.is_empty() { whole } else { parts.into() };
    Ok(Received { bytes, _held: held })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{Stream, StreamExt as _, stream};
    use http_body_util::{StreamBody, combinators::UnsyncBoxBody};
    use hyper::body::Frame;
    use proptest::prelude::*;
    use std::{convert::Infallible, net::Ipv4Addr};

    const LONG: Duration = Duration::from_mins(1);

    fn peer() -> Peer {
        Peer::at(Ipv4Addr::LOCALHOST.into())
    }

    fn body(pieces: impl Stream<Item = Vec<u8>> + Send + 'static) -> Body {
        let frames = pieces.map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::from(piece))));
        Body::new(UnsyncBoxBody::new(StreamBody::new(frames)))
    }

    /// Pieces of `bytes`, one each `pause`, for ever.
    fn dripping(bytes: usize, pause: Duration) -> Body {
        body(stream::repeat(()).then(move |()| async move {
            tokio::time::sleep(pause).await;
            vec![b' '; bytes]
        }))
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_make_the_same_body_or_are_refused_by_size(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8), limit in 0..200usize
        ) {
            let whole = pieces.concat();
            let room = Room::new(0, 1_000);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let read = runtime.block_on(read(body(stream::iter(pieces)), limit, LONG, &room, peer()));
            match read {
                Ok(received) => {
                    prop_assert!(whole.len() <= limit);
                    prop_assert_eq!(received.bytes.as_ref(), whole.as_slice());
                    prop_assert_eq!(room.free(), (0, 1_000 - whole.len()));
                }
                Err(refusal) => {
                    prop_assert!(whole.len() > limit);
                    prop_assert_eq!(refusal, Refusal::TooLarge(limit));
                }
            }
            prop_assert_eq!(room.free(), (0, 1_000));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stalls_drips_or_takes_too_long_is_cut_off_in_time() {
        let room = Room::new(1 << 20, 64 << 20);
        for (bytes, pause, at_most) in [
            // Nothing at all.
            (1, LONG, STALL),
            // A byte a second.
            (1, Duration::from_secs(1), STALL + Duration::from_millis(1)),
            // Half the rate: behind it after twice the grace.
            (LEAST_RATE / 2, Duration::from_secs(1), 2 * STALL),
            // Fast enough, and without an end.
            (LEAST_RATE, Duration::from_secs(1), Duration::from_secs(10)),
        ] {
            let begun = Instant::now();
            let read = read(dripping(bytes, pause), 3 << 20, Duration::from_secs(10), &room, peer()).await;
            assert_eq!(read.err(), Some(Refusal::TooSlow), "{bytes} {pause:?}");
            assert!(
                begun.elapsed() <= at_most && begun.elapsed() >= STALL,
                "{bytes} {pause:?} {:?}",
                begun.elapsed()
            );
        }
        assert_eq!(room.free(), (1 << 20, 64 << 20));
    }

    #[tokio::test]
    async fn a_body_announced_as_too_large_is_not_read() {
        let room = Room::new(1_000, 1_000);
        let read = read(Body::from(vec![b' '; 101]), 100, LONG, &room, peer()).await;
        assert_eq!(read.err(), Some(Refusal::TooLarge(100)));
    }
}
