//! What is noted of an attack, and the verdict on it.

use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// Failed checks that a line names; all of them are in the JSON.
const NAMED: usize = 8;
/// Cases of a failed check that are kept.
const EXAMPLES: usize = 3;

/// A check that failed, once or more often.
#[derive(Debug)]
struct Failed {
    what: String,
    times: usize,
    examples: Vec<String>,
}

impl Failed {
    fn text(&self) -> String {
        let times = if self.times > 1 {
            format!(" ({} times)", self.times)
        } else {
            String::new()
        };
        format!("{}{times}: {}", self.what, self.examples.join("; "))
    }
}

/// Checks and figures of one attack.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    checks: usize,
    fell: Vec<Failed>,
    skipped: Option<String>,
    figures: Map<String, Value>,
}

impl Judge {
    /// Notes whether something held; `why` is asked only where it did not.
    pub(crate) fn check(&mut self, what: &str, held: bool, why: impl FnOnce() -> String) {
        self.checks += 1;
        if held {
            return;
        }
        if let Some(failed) = self.fell.iter_mut().find(|failed| failed.what == what) {
            failed.times += 1;
            if failed.examples.len() < EXAMPLES {
                failed.examples.push(why());
            }
            return;
        }
        self.fell.push(Failed {
            what: what.to_owned(),
            times: 1,
            examples: vec![why()],
        });
    }

    /// Notes a figure.
    pub(crate) fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }

    /// What this machine cannot show.
    pub(crate) fn skip(&mut self, why: impl Into<String>) {
        self.skipped = Some(why.into());
    }

    pub(crate) fn verdict(mut self, ended: Result<()>) -> (Verdict, Vec<String>, Map<String, Value>) {
        if let Err(error) = ended {
            self.check("the attack is carried out to its end", false, || format!("{error:#}"));
        }
        let mut because: Vec<String> = self.fell.iter().map(Failed::text).collect();
        let verdict = match self.skipped {
            _ if !because.is_empty() => Verdict::Fell,
            Some(why) => {
                because.push(why);
                Verdict::Skipped
            }
            None if self.checks == 0 => {
                because.push("nothing was checked".to_owned());
                Verdict::Fell
            }
            None => Verdict::Held,
        };
        (verdict, because, self.figures)
    }
}

/// What became of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// All checks held.
    Held,
    /// At least one did not, or the attack could not be carried out.
    Fell,
    /// This machine cannot show it: no right to mount, for example.
    Skipped,
}

/// One finding, attacked.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// `C1`.
    pub finding: &'static str,
    /// What should not be.
    pub title: &'static str,
    /// What became of it.
    pub verdict: Verdict,
    /// Checks that failed, or why it was skipped.
    pub because: Vec<String>,
    /// What was measured.
    pub figures: Map<String, Value>,
    /// Duration of the attack.
    pub seconds: f64,
}

impl Outcome {
    pub(crate) fn of(
        finding: &'static str,
        title: &'static str,
        judge: Judge,
        ended: Result<()>,
        took: Duration,
    ) -> Self {
        let (verdict, because, figures) = judge.verdict(ended);
        Self {
            finding,
            title,
            verdict,
            because,
            figures,
            seconds: (took.as_secs_f64() * 10.0).round() / 10.0,
        }
    }

    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let word = match self.verdict {
            Verdict::Held => "held",
            Verdict::Fell => "FELL",
            Verdict::Skipped => "SKIPPED",
        };
        let figures: Vec<String> = self
            .figures
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut line = format!("{:<3} {word:<7} {:>5.1} s  {}", self.finding, self.seconds, self.title);
        if !figures.is_empty() {
            line.push_str(&format!(" [{}]", figures.join(" ")));
        }
        if !self.because.is_empty() {
            line.push_str(&format!(
                ": {}",
                self.because[..self.because.len().min(NAMED)].join("; ")
            ));
        }
        if self.because.len() > NAMED {
            line.push_str(&format!("; and {} more", self.because.len() - NAMED));
        }
        // What a node says may hold anything: it must not reach the terminal as it is.
        line.chars()
            .map(|sign| if sign.is_control() { ' ' } else { sign })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(judge: Judge, ended: Result<()>) -> (Verdict, String) {
        let outcome = Outcome::of("C1", "title", judge, ended, Duration::from_secs(2));
        (outcome.verdict, outcome.line())
    }

    #[test]
    fn held_only_where_something_was_checked_and_nothing_failed() {
        let mut judge = Judge::default();
        judge.check("a", true, || "never asked".to_owned());
        judge.figure("p99_ms", 7);
        let (verdict, text) = line(judge, Ok(()));
        assert_eq!(verdict, Verdict::Held);
        assert!(text.contains("held") && text.contains("p99_ms=7"), "{text}");

        let (verdict, text) = line(Judge::default(), Ok(()));
        assert_eq!(verdict, Verdict::Fell, "{text}");

        let mut judge = Judge::default();
        judge.check("a", true, String::new);
        judge.check("b", false, || "\u{1b}[31m5 of 9".to_owned());
        judge.check("c", false, || "x".to_owned());
        judge.check("c", false, || "y".to_owned());
        let (verdict, text) = line(judge, Ok(()));
        assert_eq!(verdict, Verdict::Fell);
        assert!(
            text.contains("FELL") && text.contains("b:  [31m5 of 9; c (2 times): x; y"),
            "{text}"
        );

        let mut judge = Judge::default();
        judge.check("a", true, String::new);
        assert_eq!(line(judge, Err(anyhow::anyhow!("no node"))).0, Verdict::Fell);
    }

    #[test]
    fn what_fell_is_not_skipped() {
        let mut judge = Judge::default();
        judge.skip("no right to mount");
        assert_eq!(line(judge, Ok(())).0, Verdict::Skipped);
        let mut judge = Judge::default();
        judge.check("a", false, String::new);
        judge.skip("no right to mount");
        assert_eq!(line(judge, Ok(())).0, Verdict::Fell);
    }
}
