//! Instants as milliseconds since the Unix epoch, and their one text form.

use jiff::Timestamp;

/// Milliseconds since 1970-01-01T00:00:00Z. Facts carry it as Avro `timestamp-millis`.
pub type Millis = i64;

/// One second.
pub const SECOND: Millis = 1_000;
/// One minute.
pub const MINUTE: Millis = 60 * SECOND;
/// One hour.
pub const HOUR: Millis = 60 * MINUTE;
/// One day of 24 hours.
pub const DAY: Millis = 24 * HOUR;

/// Reads an RFC 3339 instant; `None` when the text is none. Below a millisecond it is cut off.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<Millis> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

/// Writes an instant as RFC 3339 in UTC: `Z`, no fraction when whole, else three digits.
/// An instant outside the calendar's range is written as its nearest end.
#[must_use]
pub fn to_rfc3339(at: Millis) -> String {
    let stamp = Timestamp::from_millisecond(at).unwrap_or(if at < 0 { Timestamp::MIN } else { Timestamp::MAX });
    if at.rem_euclid(SECOND) == 0 {
        format!("{stamp:.0}")
    } else {
        format!("{stamp:.3}")
    }
}

/// Whole seconds since the epoch, as the platform writes them, to milliseconds; `None` beyond the calendar.
#[must_use]
pub fn from_unix_seconds(seconds: i64) -> Option<Millis> {
    let millis = seconds.checked_mul(SECOND)?;
    Timestamp::from_millisecond(millis).ok().map(|_| millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_a_fraction_only_when_there_is_one() {
        assert_eq!(to_rfc3339(1_777_899_600_000), "2026-05-04T13:00:00Z");
        assert_eq!(to_rfc3339(1_777_899_600_007), "2026-05-04T13:00:00.007Z");
        assert_eq!(to_rfc3339(-1), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn reads_offsets_and_refuses_nonsense() {
        assert_eq!(parse_rfc3339("2026-05-04T09:00:00-04:00"), Some(1_777_899_600_000));
        assert_eq!(parse_rfc3339("tomorrow"), None);
    }

    #[test]
    fn seconds_beyond_the_calendar_are_none() {
        assert_eq!(from_unix_seconds(1_777_899_600), Some(1_777_899_600_000));
        assert_eq!(from_unix_seconds(i64::MAX), None);
        assert_eq!(from_unix_seconds(99_999_999_999_999), None);
    }
}
