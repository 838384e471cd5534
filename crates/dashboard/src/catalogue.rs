//! What each metric is called, what its parts count, and which way is better: the words of the metric definitions.

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Numerator of denominator, each with its noun.
    Rate(&'static str, &'static str),
    /// Seconds; its noun says what was timed.
    Duration(&'static str),
    /// A count out of a cohort.
    Count(&'static str, &'static str),
    /// A mean of answers on a scale.
    Score(&'static str),
    /// Nothing is known of it.
    Plain,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Higher,
    Lower,
    Neither,
}

/// One metric's words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) group: &'static str,
    pub(crate) unit: Unit,
    pub(crate) better: Better,
    /// What a reader would otherwise get wrong.
    pub(crate) note: Option<&'static str>,
}

/// Groups in the order of the page.
pub(crate) const GROUPS: &[&str] = &[MESSAGES, TIMES, RESOLUTION, SATISFACTION, OTHER];

const MESSAGES: &str = "Message outcomes";
const TIMES: &str = "Response and handling";
const RESOLUTION: &str = "Resolution and bot";
const SATISFACTION: &str = "Satisfaction and sales";
const OTHER: &str = "Other";

const fn entry(
    name: &'static str,
    title: &'static str,
    group: &'static str,
    unit: Unit,
    better: Better,
    note: Option<&'static str>,
) -> Entry {
    Entry {
        name,
        title,
        group,
        unit,
        better,
        note,
    }
}

const ENTRIES: &[Entry] = &[
    entry(
        "delivery_rate",
        "Delivery rate",
        MESSAGES,
        Unit::Rate("delivered", "accepted"),
        Better::Higher,
        None,
    ),
    entry(
        "read_rate",
        "Read rate",
        MESSAGES,
        Unit::Rate("read", "delivered"),
        Better::Higher,
        Some("A floor: people can switch receipts off."),
    ),
    entry(
        "reply_rate",
        "Reply rate",
        MESSAGES,
        Unit::Rate("people replied", "people reached"),
        Better::Higher,
        Some("Counts people; quoted replies and the first message within the reply window."),
    ),
    entry(
        "reply_rate_strong",
        "Reply rate, quoted",
        MESSAGES,
        Unit::Rate("people replied", "people reached"),
        Better::Higher,
        Some("Only replies that quote the message or press its button."),
    ),
    entry(
        "failure_rate",
        "Failure rate",
        MESSAGES,
        Unit::Rate("failed", "accepted"),
        Better::Lower,
        None,
    ),
    entry(
        "opt_out_rate",
        "Opt-out rate",
        MESSAGES,
        Unit::Rate("people opted out", "people reached by marketing"),
        Better::Lower,
        None,
    ),
    entry(
        "frt_human_seconds",
        "First response, person",
        TIMES,
        Unit::Duration("first responses"),
        Better::Lower,
        Some("Clocks that never stopped are in Unanswered, never in this."),
    ),
    entry(
        "frt_any_seconds",
        "First response, person or bot",
        TIMES,
        Unit::Duration("first responses"),
        Better::Lower,
        None,
    ),
    entry(
        "reply_time_seconds",
        "Reply time",
        TIMES,
        Unit::Duration("turns"),
        Better::Lower,
        Some("From the first message that waits, not the last."),
    ),
    entry(
        "unanswered",
        "Unanswered",
        TIMES,
        Unit::Count("sessions wait", "with a clock started"),
        Better::Lower,
        None,
    ),
    entry(
        "handle_active_seconds",
        "Handling, active",
        TIMES,
        Unit::Duration("sessions"),
        Better::Lower,
        None,
    ),
    entry(
        "handle_assigned_seconds",
        "Handling, assigned",
        TIMES,
        Unit::Duration("sessions"),
        Better::Lower,
        None,
    ),
    entry(
        "elapsed_resolution_seconds",
        "Time to resolution",
        TIMES,
        Unit::Duration("resolved sessions"),
        Better::Lower,
        None,
    ),
    entry(
        "fcr_rate",
        "First-contact resolution",
        RESOLUTION,
        Unit::Rate("held", "resolved"),
        Better::Higher,
        Some("One owner and no new session within 72 h."),
    ),
    entry(
        "bot_containment_rate",
        "Bot containment",
        RESOLUTION,
        Unit::Rate("contained", "bot sessions closed"),
        Better::Higher,
        Some("Confirmed and silent together; silence is not success."),
    ),
    entry(
        "bot_escalation_rate",
        "Bot escalation",
        RESOLUTION,
        Unit::Rate("escalated", "bot sessions closed"),
        Better::Neither,
        None,
    ),
    entry(
        "csat_rate",
        "CSAT",
        SATISFACTION,
        Unit::Rate("satisfied", "answered"),
        Better::Higher,
        None,
    ),
    entry(
        "ces_mean",
        "Customer effort score",
        SATISFACTION,
        Unit::Score("of 7"),
        Better::Higher,
        None,
    ),
    entry(
        "ctwa_won_deals",
        "Deals won from ads",
        SATISFACTION,
        Unit::Count("deals credited", "won"),
        Better::Higher,
        None,
    ),
];

/// The words for a metric and whether it is the twin in business hours. An unknown metric has none.
pub(crate) fn find(metric: &str) -> (Option<&'static Entry>, bool) {
    let business = metric.ends_with("_business_seconds");
    let base = if business {
        metric.replace("_business_seconds", "_seconds")
    } else {
        metric.to_owned()
    };
    (ENTRIES.iter().find(|entry| entry.name == base), business)
}

/// Names of all metrics that have words.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|entry| entry.name)
}

/// Where a metric stands on the page: its group, and its place among all.
pub(crate) fn place(metric: &str) -> (&'static str, usize) {
    let (entry, business) = find(metric);
    let position = entry.and_then(|entry| ENTRIES.iter().position(|other| other.name == entry.name));
    (
        entry.map_or(OTHER, |entry| entry.group),
        position.map_or(usize::MAX, |position| position * 2 + usize::from(business)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_follow_their_metric_and_unknown_ones_come_last() {
        let (entry, business) = find("frt_human_business_seconds");
        assert!(business && entry.is_some_and(|entry| entry.name == "frt_human_seconds"));
        assert!(find("frt_human_seconds").0.is_some() && find("made_up").0.is_none());
        assert!(place("frt_human_seconds").1 < place("frt_human_business_seconds").1);
        assert!(place("frt_human_business_seconds").1 < place("frt_any_seconds").1);
        assert_eq!(place("made_up"), (OTHER, usize::MAX));
    }

    #[test]
    fn every_group_is_on_the_page() {
        assert!(ENTRIES.iter().all(|entry| GROUPS.contains(&entry.group)));
    }
}
