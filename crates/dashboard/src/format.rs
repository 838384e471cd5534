//! Numbers, durations and times as people read them.

use hilo_domain::Millis;
use hilo_domain::time::{SECOND, to_rfc3339};

/// `12,345`.
pub(crate) fn count(amount: u64) -> String {
    let digits = amount.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A whole number with separators, another with at most two decimals.
pub(crate) fn amount(value: f64) -> String {
    let sign = if value < 0.0 { "−" } else { "" };
    let rounded = (value.abs() * 100.0).round() / 100.0;
    let whole = count(rounded.trunc() as u64);
    let decimals = format!("{:.2}", rounded.fract());
    match decimals.trim_start_matches("0.").trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        rest => format!("{sign}{whole}.{rest}"),
    }
}

/// A rate per second: one decimal where it is small.
pub(crate) fn per_second(rate: f64) -> String {
    match rate {
        0.0 => "0".to_owned(),
        ..9.95 => format!("{rate:.1}"),
        _ => count(rate.round() as u64),
    }
}

/// `97.0 %` of a ratio.
pub(crate) fn percent(ratio: f64) -> String {
    format!("{:.1}\u{a0}%", ratio * 100.0)
}

/// The ratio as text, or a dash where nothing divides.
pub(crate) fn ratio(part: u64, whole: u64) -> String {
    if whole == 0 {
        "–".to_owned()
    } else {
        percent(part as f64 / whole as f64)
    }
}

/// `4.2 s`, `42 s`, `3 min 10 s`, `2 h 05 min`, `3 d 4 h`.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds <= 0.0 {
        return "0\u{a0}s".to_owned();
    }
    if seconds < 9.95 {
        return format!("{seconds:.1}\u{a0}s");
    }
    let total = seconds.round() as u64;
    let (days, hours, minutes, rest) = (total / 86_400, total / 3_600 % 24, total / 60 % 60, total % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest}\u{a0}s"),
        (0, 0, _) => format!("{minutes}\u{a0}min {rest:02}\u{a0}s"),
        (0, ..) => format!("{hours}\u{a0}h {minutes:02}\u{a0}min"),
        _ => format!("{days}\u{a0}d {hours}\u{a0}h"),
    }
}

/// A span in one unit, rounded: `2 min` for 119 s.
pub(crate) fn span(length: Millis) -> String {
    let seconds = length.max(0) as f64 / SECOND as f64;
    let (value, unit) = match seconds {
        ..59.5 => (seconds, "s"),
        ..3_570.0 => (seconds / 60.0, "min"),
        ..84_600.0 => (seconds / 3_600.0, "h"),
        _ => (seconds / 86_400.0, "d"),
    };
    format!("{:.0}\u{a0}{unit}", value.round())
}

/// How long ago, in one unit; the future is `now`, since clocks differ.
pub(crate) fn age(now: Millis, at: Millis) -> String {
    let seconds = now.saturating_sub(at).max(0) / SECOND;
    match seconds {
        0 => "now".to_owned(),
        1..60 => format!("{seconds}\u{a0}s ago"),
        60..3_600 => format!("{}\u{a0}min ago", seconds / 60),
        3_600..86_400 => format!("{}\u{a0}h ago", seconds / 3_600),
        _ => format!("{}\u{a0}d ago", seconds / 86_400),
    }
}

/// `13:00:05 UTC`.
pub(crate) fn clock(at: Millis) -> String {
    let stamp = to_rfc3339(at.div_euclid(SECOND) * SECOND);
    match stamp.split_once('T') {
        Some((_, time)) => format!("{}\u{a0}UTC", time.trim_end_matches('Z')),
        None => stamp,
    }
}

/// `2026-05-04 13:00:05 UTC`, for what happened by another clock than the page's.
pub(crate) fn instant(at: Millis) -> String {
    let stamp = to_rfc3339(at.div_euclid(SECOND) * SECOND);
    stamp.replace('T', "\u{a0}").replace('Z', "\u{a0}UTC")
}

/// `cita_manana` stays; `message_received` becomes `message received`.
pub(crate) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// `1 message`, `2 messages`: for the nouns whose plural is regular.
pub(crate) fn plural(amount: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(amount), if amount == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0.0, 6.5, 1_234.0, 0.333_33, -2.25, 0.999].map(amount),
            ["0", "6.5", "1,234", "0.33", "−2.25", "1"]
        );
        assert_eq!([0.0, 9.94, 9.96, 1_200.4].map(per_second), ["0", "9.9", "10", "1,200"]);
    }

    #[test]
    fn a_ratio_of_nothing_is_no_zero() {
        assert_eq!(ratio(0, 0), "–");
        assert_eq!(ratio(97, 100), "97.0\u{a0}%");
    }

    #[test]
    fn durations_use_two_units_at_most() {
        let plain = |seconds| duration(seconds).replace('\u{a0}', " ");
        assert_eq!(
            [0.0, 4.25, 42.4, 59.9, 190.0, 7_500.0, 360_000.0].map(plain),
            [
                "0 s",
                "4.2 s",
                "42 s",
                "1 min 00 s",
                "3 min 10 s",
                "2 h 05 min",
                "4 d 4 h"
            ]
        );
    }

    #[test]
    fn spans_are_rounded_to_one_unit() {
        let plain = |length| span(length).replace('\u{a0}', " ");
        assert_eq!(
            [0, 59_000, 119_000, 3_599_000, 86_400_000 * 3].map(plain),
            ["0 s", "59 s", "2 min", "1 h", "3 d"]
        );
    }

    #[test]
    fn ages_are_told_from_the_event_clock() {
        let plain = |at| age(10_000_000, at).replace('\u{a0}', " ");
        assert_eq!(
            [11_000_000, 9_999_500, 9_988_000, 9_700_000, 0].map(plain),
            ["now", "now", "12 s ago", "5 min ago", "2 h ago"]
        );
        assert_eq!(clock(1_777_899_605_250).replace('\u{a0}', " "), "13:00:05 UTC");
        let plain = |at| instant(at).replace('\u{a0}', " ");
        assert_eq!(plain(1_777_899_605_250), "2026-05-04 13:00:05 UTC");
    }
}
