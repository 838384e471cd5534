//! What the processors counted: outcomes, and what the reader must know before trusting the rest.

use crate::{
    behind::{OUTCOME, REASON},
    engine::Waiting,
};
use hilo_dashboard::model::{Outcomes, ReasonCount, Severity, Warning};
use std::collections::BTreeMap;

/// From this many waiting records on the page says that it is behind.
const BEHIND: u64 = 10_000;

/// Amounts by counter and label.
pub(crate) type Counters = BTreeMap<(String, String), u64>;

pub(crate) fn count(counters: &Counters, name: &str, label: &str) -> u64 {
    counters
        .get(&(name.to_owned(), label.to_owned()))
        .copied()
        .unwrap_or_default()
}

pub(crate) fn outcomes(counters: &Counters) -> Outcomes {
    let of = |label| count(counters, "items", label);
    Outcomes {
        items: count(counters, "fanned_out", ""),
        emitted: of("emitted"),
        duplicate: of("duplicate"),
        unclassified: of("unclassified"),
        dead_letter: of("dead_letter"),
        trace_prefix: OUTCOME.to_owned(),
    }
}

fn labels<'a>(counters: &'a Counters, name: &'a str) -> impl Iterator<Item = (&'a str, u64)> {
    counters
        .iter()
        .filter(move |((counter, _), amount)| counter == name && **amount > 0)
        .map(|((_, label), amount)| (label.as_str(), *amount))
}

pub(crate) fn dead_letters(counters: &Counters) -> Vec<ReasonCount> {
    labels(counters, "dead_letter_reasons")
        .map(|(reason, count)| ReasonCount {
            reason: reason.to_owned(),
            count,
            trace: format!("{REASON}{reason}"),
        })
        .collect()
}

/// What is counted under `name`, as a list of labels with their counts.
fn listed(counters: &Counters, name: &str) -> Option<String> {
    let of: Vec<String> = labels(counters, name)
        .map(|(label, count)| format!("{} {count}", label.replace('_', " ")))
        .collect();
    (!of.is_empty()).then(|| of.join(", "))
}

pub(crate) fn warnings(waiting: &Waiting, counters: &Counters) -> Vec<Warning> {
    let notice = |text: String, action: &str| Warning {
        severity: Severity::Notice,
        text,
        action: action.to_owned(),
    };
    let mut warnings = Vec::new();
    if waiting.records > BEHIND {
        let text = format!("{} records wait to be processed.", waiting.records);
        warnings.push(notice(
            text,
            "The numbers follow as they are processed; nothing is lost.",
        ));
    }
    if let Some(reasons) = listed(counters, "unclassified_reasons") {
        let text = format!("Items of a kind that nobody knows yet: {reasons}.");
        warnings.push(notice(
            text,
            "They are kept whole: hilo export unclassified shows them.",
        ));
    }
    if let Some(words) = listed(counters, "unknown_words") {
        let text = format!("Facts with a word that this release does not know: {words}.");
        let action = "They are facts with the word as it came: hilo export conversation (status, account) shows them.";
        warnings.push(notice(text, action));
    }
    let overdue = count(counters, "orphans", "overdue");
    if overdue > 0 {
        let text = format!("{overdue} messages were known from statuses alone for an hour.");
        let action = "Another tool sends on this number, or the sends do not reach /v1/outbound.";
        warnings.push(notice(text, action));
    }
    warnings
}
