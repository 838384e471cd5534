//! Progress of long work: a bar on a terminal, a log line every few seconds otherwise.

use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{IsTerminal as _, stderr},
    time::{Duration, Instant},
};

/// How often a line is logged where nobody sees a bar.
const EVERY: Duration = Duration::from_secs(5);

/// A counter that people see.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    what: &'static str,
    done: u64,
    started: Instant,
    logged: Instant,
}

impl Progress {
    /// Counts `what`.
    pub(crate) fn new(what: &'static str) -> Self {
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner().with_message(what);
            if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} {msg} ({per_sec}, {elapsed})") {
                bar.set_style(style);
            }
            bar
        });
        let now = Instant::now();
        Self {
            bar,
            what,
            done: 0,
            started: now,
            logged: now,
        }
    }

    pub(crate) fn add(&mut self, count: u64) {
        self.done += count;
        if let Some(bar) = &self.bar {
            bar.inc(count);
        } else if self.logged.elapsed() >= EVERY {
            self.logged = Instant::now();
            eprintln!(
                "{} {} after {} s",
                self.done,
                self.what,
                self.started.elapsed().as_secs()
            );
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
