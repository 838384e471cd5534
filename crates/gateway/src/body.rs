//! Reading a body: bounded in size, in time, and over all requests.

use crate::refusal::Refusal;
use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How much is read of a body that is too large, in limits: a sender in the middle of its body does not hear an answer.
const PATIENCE: usize = 4;

/// Bytes that may be in memory at once over all requests.
#[derive(Clone)]
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    /// Taken as bytes arrive, not as they are announced: an announcement costs the sender nothing.
    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let bytes = u32::try_from(bytes).map_err(|_| Refusal::Busy)?;
        Arc::clone(&self.0)
            .try_acquire_many_owned(bytes)
            .map_err(|_| Refusal::Busy)
    }
}

/// A whole body, and its place in the room until it is dropped.
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    _place: Option<OwnedSemaphorePermit>,
}

/// Reads a whole body.
pub(crate) async fn read(body: Body, limit: usize, time: Duration, room: &Room) -> Result<Received, Refusal> {
    timeout(time, collect(body, limit, room))
        .await
        .map_err(|_| Refusal::TooSlow)?
}

async fn collect(mut body: Body, limit: usize, room: &Room) -> Result<Received, Refusal> {
    let mut place: Option<OwnedSemaphorePermit> = None;
    let mut whole = Bytes::new();
    let mut parts: Vec<u8> = Vec::new();
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Err(Refusal::Broken);
        };
        let Ok(data) = frame.into_data() else { continue };
        total += data.len();
        if total > limit {
            (whole, parts, place) = (Bytes::new(), Vec::new(), None);
            if total > limit * PATIENCE {
                break;
            }
            continue;
        }
        let more = room.take(data.len())?;
        match &mut place {
            Some(place) => place.merge(more),
            None => place = Some(more),
        }
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
    if total > limit {
        return Err(Refusal::TooLarge(limit));
    }
    let bytes = if parts.is_empty() { whole } else { parts.into() };
    Ok(Received { bytes, _place: place })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http_body_util::{StreamBody, combinators::UnsyncBoxBody};
    use hyper::body::Frame;
    use proptest::prelude::*;
    use std::convert::Infallible;

    fn body(pieces: Vec<Vec<u8>>) -> Body {
        let frames = pieces
            .into_iter()
            .map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::from(piece))));
        Body::new(UnsyncBoxBody::new(StreamBody::new(futures_util::stream::iter(frames))))
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_make_the_same_body_or_are_refused_by_size(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..8), limit in 0..200usize
        ) {
            let whole = pieces.concat();
            let room = Room::new(1_000);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let read = runtime.block_on(read(body(pieces), limit, Duration::from_mins(1), &room));
            match read {
                Ok(received) => {
                    prop_assert!(whole.len() <= limit);
                    prop_assert_eq!(received.bytes.as_ref(), whole.as_slice());
                    prop_assert_eq!(room.0.available_permits(), 1_000 - whole.len());
                }
                Err(refusal) => {
                    prop_assert!(whole.len() > limit);
                    prop_assert_eq!(refusal, Refusal::TooLarge(limit));
                }
            }
            prop_assert_eq!(room.0.available_permits(), 1_000);
        }
    }

    #[tokio::test]
    async fn a_full_room_refuses_and_is_free_again() {
        let room = Room::new(10);
        let second = Duration::from_mins(1);
        let first = read(body(vec![vec![0; 8]]), 100, second, &room).await.unwrap();
        let refused = read(body(vec![vec![0; 2], vec![0; 1]]), 100, second, &room).await;
        assert_eq!(refused.err(), Some(Refusal::Busy));
        drop(first);
        assert!(read(body(vec![vec![0; 10]]), 100, second, &room).await.is_ok());
    }
}
