//! The health of a node: what probes, pages, Prometheus and the process itself ask.

use crate::rebuild;
use hilo_dashboard::model::{Severity, Warning};
use hilo_domain::Millis;
use hilo_service::clock::{self, Jumps};
use hilo_stream::embedded::{ProgressWatch, RawLog, Space};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

/// Work that waits for so long without any being done: something hangs, and only a new start mends that.
const HANGS: Duration = Duration::from_mins(1);
/// From this many records that wait on, a node is behind and not ready.
const BEHIND: u64 = 10_000;
/// Time in the log may be ahead of the machine's clock by so much: then one of the two is wrong.
const CLOCK_OFF: Millis = clock::JUMP;
/// How often it is looked whether something has ended.
const LOOK: Duration = Duration::from_millis(200);

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a node goes on: what is asked of its health.
#[derive(Clone)]
pub(crate) struct Pulse {
    watch: ProgressWatch,
    /// Weak: who asks for the health does not keep the log open.
    raw: Weak<RawLog>,
    views: hilo_views::Pulse,
    clock: Arc<Mutex<Jumps>>,
    dir: PathBuf,
    /// The offset up to which old state is rebuilt; 0 where none is.
    rebuilds: u64,
}

/// Something that a person has to look at, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Concern {
    pub text: String,
    pub action: String,
}

impl From<Concern> for Warning {
    fn from(Concern { text, action }: Concern) -> Self {
        Self {
            severity: Severity::Problem,
            text,
            action,
        }
    }
}

/// What Prometheus is told beside the engine's progress.
pub(crate) struct Readings {
    pub reader_lag: u64,
    pub reader_running: bool,
    pub standing: Duration,
    pub space: Space,
    pub clock_ahead: Millis,
    pub clock_jumps: u64,
}

impl Pulse {
    pub(crate) fn new(dir: &Path, watch: ProgressWatch, raw: &Arc<RawLog>, views: hilo_views::Pulse) -> Self {
        Self {
            watch,
            raw: Arc::downgrade(raw),
            views,
            clock: Arc::default(),
            dir: dir.to_owned(),
            rebuilds: 0,
        }
    }

    /// State of an older release is rebuilt up to this offset.
    pub(crate) fn rebuilding(mut self, upto: u64) -> Self {
        self.rebuilds = upto;
        self
    }

    /// How the reader of the topics is.
    pub(crate) fn views(&self) -> hilo_views::Pulse {
        self.views.clone()
    }

    /// The wall clock says `now`: once a second.
    pub(crate) fn saw(&self, now: Millis) {
        if let Some(jump) = held(&self.clock).saw(now, Instant::now()) {
            tracing::error!(
                seconds = jump / 1_000,
                "the machine's clock has jumped: see the runbook HiloClockWrong"
            );
        }
    }

    /// Whether the process should go on: for liveness. The error says what has stopped or hangs; only a new start mends
    /// that.
    pub(crate) fn beats(&self) -> Result<(), String> {
        self.lives()?;
        let progress = self.watch.get();
        if progress.standing > HANGS {
            let why = progress.fault.map_or_else(String::new, |fault| format!(": {fault}"));
            return Err(format!(
                "the engine has done nothing for {} s while work waits{why}",
                progress.standing.as_secs()
            ));
        }
        self.views.moves_within(HANGS)
    }

    /// Whether every part is there: none of them comes back by itself.
    pub(crate) fn lives(&self) -> Result<(), String> {
        let running = self.watch.get().running;
        let reading = self.views.is_running();
        let takes = self.raw.upgrade().is_none_or(|raw| raw.is_running());
        let stopped = match (takes, running, reading) {
            (true, true, true) => return Ok(()),
            (false, _, _) => "the raw log",
            (true, false, _) => "the engine",
            (true, true, false) => "the reader of the topics, which writes the golden record,",
        };
        Err(format!("{stopped} has stopped; read the last error in the log"))
    }

    /// Resolves when a part has ended for good: then the process ends too, so that its supervisor starts it anew.
    pub(crate) async fn ended(&self) -> String {
        loop {
            if let Err(reason) = self.lives() {
                return reason;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether it answers with what is true now: for readiness. The error names what is behind, with its lag.
    pub(crate) fn ready(&self) -> Result<(), String> {
        self.beats()?;
        let progress = self.watch.get();
        if let Some(fault) = progress.fault {
            return Err(format!("the engine waits and tries again: {fault}"));
        }
        if let Some(fault) = self.views.fault() {
            return Err(format!("the reader of the topics waits and tries again: {fault}"));
        }
        if Space::of(&self.dir).is_ok_and(|space| space.is_short()) {
            return Err(format!("the disk of {} is full: free some space", self.dir.display()));
        }
        if progress.raw_offset < self.rebuilds {
            let far = rebuild::far(progress.raw_offset, self.rebuilds);
            return Err(format!("the state of an older release is rebuilt: {far}"));
        }
        if progress.lag_records > BEHIND {
            return Err(format!("the engine is behind by {} records", progress.lag_records));
        }
        self.views.ready()?;
        let lag = self.views.behind();
        if lag > BEHIND {
            return Err(format!(
                "the reader of the topics, which writes the golden record, is behind by {lag} records"
            ));
        }
        Ok(())
    }

    /// What the page and doctor say beside the counters.
    pub(crate) fn concerns(&self) -> Vec<Concern> {
        let mut concerns = Vec::new();
        if let Err(text) = self.beats() {
            concerns.push(Concern {
                text: format!("{text}."),
                action: "Read the last error in the log, mend its cause and start again.".to_owned(),
            });
        }
        let readings = self.readings();
        concerns.extend(disk(&self.dir, readings.space));
        concerns.extend(ahead(readings.clock_ahead));
        if let Some(jump) = held(&self.clock).last() {
            concerns.push(Concern {
                text: format!("The machine's clock has jumped by {} since the start.", span(jump)),
                action:
                    "Set it, and keep it set by NTP; the runbook HiloClockWrong says how to repair what it has dated."
                        .to_owned(),
            });
        }
        concerns
    }

    pub(crate) fn readings(&self) -> Readings {
        let progress = self.watch.get();
        Readings {
            reader_lag: self.views.behind(),
            reader_running: self.views.is_running(),
            standing: progress.standing,
            space: Space::of(&self.dir).unwrap_or_default(),
            clock_ahead: progress.now.map_or(0, |now| (now - clock::now()).max(0)),
            clock_jumps: held(&self.clock).count(),
        }
    }
}

/// Little room on the disk of `dir`.
pub(crate) fn disk(dir: &Path, space: Space) -> Option<Concern> {
    space.is_low().then(|| Concern {
        text: format!(
            "{} of {} MiB are free on the disk of {}{}.",
            space.free >> 20,
            space.size >> 20,
            dir.display(),
            if space.is_short() {
                ", and nothing more is taken"
            } else {
                ""
            }
        ),
        action: "Make room, or move the data directory to a larger disk; it goes on by itself.".to_owned(),
    })
}

/// Time in the log that is ahead of the machine's clock.
pub(crate) fn ahead(by: Millis) -> Option<Concern> {
    (by > CLOCK_OFF).then(|| Concern {
        text: format!("Time in the log is {} ahead of this machine's clock.", span(by)),
        action: "If the clock is right now, it was wrong before: stop hilo, run `hilo clock mend`, and start it."
            .to_owned(),
    })
}

fn span(by: Millis) -> String {
    let hours = by.abs() / hilo_domain::time::HOUR;
    let sign = if by < 0 { "-" } else { "" };
    if hours >= 48 {
        format!("{sign}{} days", hours / 24)
    } else {
        format!("{sign}{hours} hours")
    }
}
