//! Instants as milliseconds since the Unix epoch, and their one text form.

use jiff::Timestamp;
use std::{fmt::Write as _, ops::Range};

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
    let mut out = String::with_capacity(24);
    write_rfc3339(at, &mut out);
    out
}

/// Appends [`to_rfc3339`] of `at` to `out`.
pub fn write_rfc3339(at: Millis, out: &mut String) {
    if !FOUR_DIGIT_YEARS.contains(&at) {
        write_rare(at, out);
        return;
    }
    let [year, month, day] = civil_date(at.div_euclid(DAY));
    let of_day = at.rem_euclid(DAY);
    let mut digits = |value: i64, width: u32, end: char| {
        for place in (0..width).rev() {
            out.push(char::from(b'0' + (value / 10_i64.pow(place) % 10) as u8));
        }
        out.push(end);
    };
    digits(year, 4, '-');
    digits(month, 2, '-');
    digits(day, 2, 'T');
    digits(of_day / HOUR, 2, ':');
    digits(of_day / MINUTE % 60, 2, ':');
    match of_day % SECOND {
        0 => digits(of_day / SECOND % 60, 2, 'Z'),
        fraction => {
            digits(of_day / SECOND % 60, 2, '.');
            digits(fraction, 3, 'Z');
        }
    }
}

/// From the year 0 to the end of the library's calendar, which is a little before that of the year 9999.
const FOUR_DIGIT_YEARS: Range<Millis> = -62_167_219_200_000..253_402_207_200_000;

/// Beyond four digits of a year the library decides how it looks.
fn write_rare(at: Millis, out: &mut String) {
    let stamp = Timestamp::from_millisecond(at).unwrap_or(if at < 0 { Timestamp::MIN } else { Timestamp::MAX });
    // Writing to a String cannot fail.
    let _ = if at.rem_euclid(SECOND) == 0 {
        write!(out, "{stamp:.0}")
    } else {
        write!(out, "{stamp:.3}")
    };
}

/// Year, month and day of a day since the epoch (Hinnant's `civil_from_days`: years begin
/// in March, so that the leap day is the last of its year, and 400 of them are 146,097 days).
fn civil_date(day: i64) -> [i64; 3] {
    let since = day + 719_468;
    let era = since.div_euclid(146_097);
    let of_era = since.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    [year, month, of_month]
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
    fn writes_any_instant_as_the_calendar_library_does() {
        let written = |at: Millis| {
            let mut out = String::new();
            write_rare(at, &mut out);
            out
        };
        // Every day of four hundred years, the edges of the years of four digits, and beyond.
        let days = (0..146_100).map(|day| day * DAY + day * 7_919 % DAY);
        let edges = [
            -62_167_219_200_000,
            253_402_207_200_000,
            253_402_300_800_000,
            Millis::MIN,
            Millis::MAX,
        ];
        for at in days.chain(
            edges
                .into_iter()
                .flat_map(|at| [at.saturating_sub(1), at, at.saturating_add(1)]),
        ) {
            assert_eq!(to_rfc3339(at), written(at), "{at}");
        }
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
