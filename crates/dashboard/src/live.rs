//! One rendered state for everybody, and the streams that carry what changed.

use crate::model::Snapshot;
use crate::sections::{self, Section};
use crate::source::{Asked, MetricPage, MetricQuery, Source, SourceError};
use crate::trace::Trace;
use axum::response::sse::Event;
use futures_util::stream::{self, Stream};
use hilo_service::{Lease, Role, Scope};
use serde_json::json;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often a page hears of changes.
const PERIOD: Duration = Duration::from_secs(1);
/// A state younger than this is shown again: many pages cost as much as one.
const FRESH: Duration = Duration::from_millis(900);
/// Streams that may be open. More than a team needs, few enough that a loop of reconnects cannot exhaust the process.
const STREAMS: usize = 64;

/// Traces that run at once, and that wait for one of them to end. Each has connections of its own.
const TRACES: (usize, usize) = (2, 4);
/// Answers with numbers that are under way at once: each holds its rows until they are sent.
const NUMBERS: (usize, usize) = (2, 0);

/// Work that is dear, so that only so much of it is done at once.
struct Desk {
    running: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

/// A place at a desk, until it is dropped.
pub(crate) struct Turn {
    _running: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Desk {
    fn new((at_once, waiting): (usize, usize)) -> Self {
        Self {
            running: Arc::new(Semaphore::new(at_once)),
            places: Arc::new(Semaphore::new(at_once + waiting)),
        }
    }

    /// Waits for a turn; `None` at once when too many wait already.
    async fn turn(&self) -> Option<Turn> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let running = Arc::clone(&self.running).acquire_owned().await.ok()?;
        Some(Turn {
            _running: running,
            _place: place,
        })
    }
}

/// Says that nobody waits once the request is gone.
struct Waiting(Asked);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// Why a question has no answer.
pub(crate) enum Refusal {
    /// Too many ask at once.
    Busy,
    /// The source has none.
    Source(SourceError),
}

/// The page at one instant.
pub(crate) struct Frame {
    pub(crate) label: String,
    /// Why there is no state to show.
    pub(crate) failure: Option<SourceError>,
    summary: String,
    pub(crate) sections: Vec<Section>,
}

/// What a reader's page may show; readers who see the same share one rendering.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sight {
    pub(crate) scope: Scope,
    /// Whether people and what leads to them are on it.
    pub(crate) records: bool,
}

impl Sight {
    pub(crate) fn of(reader: &hilo_service::Reader) -> Self {
        Self {
            scope: reader.scope.clone(),
            records: reader.role >= Role::Viewer,
        }
    }
}

/// The source, and its latest state.
pub(crate) struct Live {
    source: Arc<dyn Source>,
    latest: Mutex<BTreeMap<Sight, (Instant, Arc<Frame>)>>,
    streams: Arc<Semaphore>,
    traces: Desk,
    numbers: Desk,
    closing: watch::Receiver<bool>,
}

impl Live {
    pub(crate) fn new(source: Arc<dyn Source>, closing: watch::Receiver<bool>) -> Self {
        Self {
            source,
            latest: Mutex::default(),
            streams: Arc::new(Semaphore::new(STREAMS)),
            traces: Desk::new(TRACES),
            numbers: Desk::new(NUMBERS),
            closing,
        }
    }

    /// The story of an id. Dropped, it ends between two of its steps.
    pub(crate) async fn trace(&self, scope: Scope, id: String) -> Result<Trace, Refusal> {
        let turn = self.traces.turn().await.ok_or(Refusal::Busy)?;
        let asked = Asked::default();
        let _waiting = Waiting(asked.clone());
        let answer = self.ask(move |source| {
            // Until the work is over, whether somebody waits for it or not.
            let _turn = turn;
            source.trace(&scope, &id, &asked)
        });
        answer.await.map_err(Refusal::Source)
    }

    /// A page of the numbers; the turn lasts until they are sent.
    pub(crate) async fn metrics(&self, scope: Scope, query: MetricQuery) -> Result<(MetricPage, Turn), Refusal> {
        let turn = self.numbers.turn().await.ok_or(Refusal::Busy)?;
        let answer = self.ask(move |source| Ok((source.metrics(&scope, &query)?, turn)));
        answer.await.map_err(Refusal::Source)
    }

    /// Asks the source on a thread that may block.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Source) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let source = Arc::clone(&self.source);
        let answer = tokio::task::spawn_blocking(move || question(source.as_ref())).await;
        answer.unwrap_or_else(|_| {
            Err(SourceError::Unavailable(
                "the source of the page stopped; see the log".into(),
            ))
        })
    }

    /// The state now.
    pub(crate) async fn frame(&self, sight: &Sight) -> Arc<Frame> {
        let mut latest = self.latest.lock().await;
        // They are those of the configured readers, so they are few.
        latest.retain(|_, (at, _)| at.elapsed() < FRESH);
        if let Some((_, frame)) = latest.get(sight) {
            return Arc::clone(frame);
        }
        let asked = sight.clone();
        let rendered = self.ask(move |source| {
            let mut snapshot = source.snapshot(&asked.scope)?;
            if !asked.records {
                numbers_only(&mut snapshot);
            }
            Ok(Frame {
                failure: None,
                summary: sections::summary(&snapshot),
                sections: sections::render(&snapshot, asked.records),
                label: snapshot.label,
            })
        });
        let frame = rendered.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "dashboard: no snapshot");
            Frame {
                label: String::new(),
                summary: "The page cannot be refreshed".to_owned(),
                sections: sections::failed(&error.to_string()),
                failure: Some(error),
            }
        });
        let frame = Arc::new(frame);
        latest.insert(sight.clone(), (Instant::now(), Arc::clone(&frame)));
        frame
    }

    /// A stream of changes, beginning with everything, that ends with `lease`; `None` when too many are open.
    pub(crate) fn stream(
        self: Arc<Self>,
        sight: Sight,
        lease: Lease,
    ) -> Option<impl Stream<Item = Result<Event, Infallible>>> {
        let permit = Arc::clone(&self.streams).try_acquire_owned().ok()?;
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let reader = Reader {
            closing: self.closing.clone(),
            live: self,
            sight,
            lease,
            ticks,
            sent: None,
            _permit: permit,
        };
        Some(stream::unfold(reader, |mut reader| async {
            let event = reader.next().await?;
            Some((Ok(event), reader))
        }))
    }
}

/// One open page.
struct Reader {
    live: Arc<Live>,
    sight: Sight,
    lease: Lease,
    closing: watch::Receiver<bool>,
    ticks: tokio::time::Interval,
    sent: Option<Arc<Frame>>,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    /// The next change; `None` once the server closes or the session ends.
    async fn next(&mut self) -> Option<Event> {
        loop {
            tokio::select! {
                _ = self.closing.wait_for(|closing| *closing) => return None,
                () = self.lease.ended() => return None,
                _ = self.ticks.tick() => {}
            }
            let frame = self.live.frame(&self.sight).await;
            let changed = changes(self.sent.as_deref(), &frame);
            if !changed.is_empty() {
                let parts: Vec<_> = changed
                    .iter()
                    .map(|part| json!({"id": part.id, "html": part.html}))
                    .collect();
                let data = json!({"summary": frame.summary, "sections": parts});
                self.sent = Some(frame);
                return Some(Event::default().event("change").data(data.to_string()));
            }
        }
    }
}

/// Takes people, and what leads to records of them, out of a page.
fn numbers_only(snapshot: &mut Snapshot) {
    snapshot.conversations.clear();
    snapshot.outcomes.trace_prefix.clear();
    snapshot.lag.trace.clear();
    let Snapshot {
        flows,
        numbers,
        templates,
        senders,
        dead_letters,
        crms,
        ..
    } = snapshot;
    let traces = flows.iter_mut().map(|flow| &mut flow.trace);
    let traces = traces.chain(numbers.iter_mut().map(|card| &mut card.trace));
    let traces = traces.chain(templates.iter_mut().map(|row| &mut row.trace));
    let traces = traces.chain(senders.iter_mut().map(|row| &mut row.trace));
    let of_crms = crms.iter_mut().flat_map(|card| {
        let objects = card.objects.iter_mut().map(|object| &mut object.trace);
        let outcomes = card.outcomes.iter_mut().map(|outcome| &mut outcome.trace);
        objects
            .chain(outcomes)
            .chain(card.rejected.iter_mut().map(|rejection| &mut rejection.example))
    });
    let traces = traces.chain(of_crms);
    for trace in traces.chain(dead_letters.iter_mut().map(|row| &mut row.trace)) {
        trace.clear();
    }
}

/// The parts of a state that the reader has not got.
fn changes<'a>(sent: Option<&Frame>, frame: &'a Frame) -> Vec<&'a Section> {
    let known = |part: &&Section| {
        sent.is_some_and(|sent| {
            sent.sections
                .iter()
                .any(|old| old.id == part.id && old.html == part.html)
        })
    };
    frame.sections.iter().filter(|part| !known(part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(parts: &[(&'static str, &str)]) -> Frame {
        let section = |(id, html): &(&'static str, &str)| Section {
            id,
            html: (*html).to_owned(),
        };
        Frame {
            label: String::new(),
            failure: None,
            summary: String::new(),
            sections: parts.iter().map(section).collect(),
        }
    }

    #[test]
    fn a_reader_gets_everything_once_and_then_what_changed() {
        let before = frame(&[("a", "1"), ("b", "1")]);
        let after = frame(&[("a", "1"), ("b", "2"), ("c", "1")]);
        let ids = |sent, now| changes(sent, now).iter().map(|part| part.id).collect::<Vec<_>>();
        assert_eq!(ids(None, &before), ["a", "b"]);
        assert_eq!(ids(Some(&before), &after), ["b", "c"]);
        assert!(ids(Some(&after), &after).is_empty());
    }
}
