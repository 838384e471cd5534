//! Instants as a CRM and as people of a country write them.

use hilo_domain::{Millis, time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Date};
use serde::Serialize;

/// How people of a country write a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DayForm {
    /// 2026-11-22.
    Iso,
    /// 22-11-2026.
    Dashes,
    /// 22/11/2026.
    Slashes,
}

/// The forms by their names in a mapping.
pub(in crate::mapping) const DAY_FORMS: [(&str, DayForm); 3] = [
    ("yyyy-mm-dd", DayForm::Iso),
    ("dd-mm-yyyy", DayForm::Dashes),
    ("dd/mm/yyyy", DayForm::Slashes),
];

fn day(at: Millis, zone: &TimeZone) -> Option<Date> {
    let at = Timestamp::from_millisecond(at).ok()?;
    Some(at.to_zoned(zone.clone()).date())
}

/// `2026-11-22`: the day in the zone.
pub(super) fn date(at: Millis, zone: &TimeZone) -> Option<String> {
    day(at, zone).map(|day| written(day, DayForm::Iso))
}

/// Midnight UTC of the day in the zone, in milliseconds.
pub(super) fn date_ms(at: Millis, zone: &TimeZone) -> Option<String> {
    let midnight = day(at, zone)?.to_zoned(TimeZone::UTC).ok()?;
    Some(midnight.timestamp().as_millisecond().to_string())
}

/// The day in the zone as people write it.
pub(in crate::mapping) fn local_date(at: Millis, zone: &TimeZone, form: DayForm) -> Option<String> {
    day(at, zone).map(|day| written(day, form))
}

pub(super) fn iso8601(at: Millis) -> String {
    time::to_rfc3339(at)
}

fn written(day: Date, form: DayForm) -> String {
    let (year, month, day) = (day.year(), day.month(), day.day());
    match form {
        DayForm::Iso => format!("{year:04}-{month:02}-{day:02}"),
        DayForm::Dashes => format!("{day:02}-{month:02}-{year:04}"),
        DayForm::Slashes => format!("{day:02}/{month:02}/{year:04}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-22T02:30:00Z, the evening before in all of Latin America.
    const NIGHT: Millis = 1_795_314_600_000;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    #[test]
    fn a_day_is_that_of_the_zone() {
        assert_eq!(iso8601(NIGHT), "2026-11-22T02:30:00Z");
        for (name, form, text) in [
            ("UTC", DayForm::Iso, "2026-11-22"),
            ("America/Santiago", DayForm::Dashes, "21-11-2026"),
            ("America/Sao_Paulo", DayForm::Slashes, "21/11/2026"),
        ] {
            assert_eq!(local_date(NIGHT, &zone(name), form).as_deref(), Some(text), "{name}");
        }
        assert_eq!(date(NIGHT, &zone("America/Lima")).as_deref(), Some("2026-11-21"));
        // 2026-11-21T00:00:00Z.
        assert_eq!(date_ms(NIGHT, &zone("America/Lima")).as_deref(), Some("1795219200000"));
        assert_eq!(time::parse_rfc3339("2026-11-21T00:00:00Z"), Some(1_795_219_200_000));
    }

    proptest! {
        #[test]
        fn no_instant_is_too_strange(at in any::<i64>()) {
            let zone = zone("America/Santiago");
            let _unused = (date(at, &zone), date_ms(at, &zone), local_date(at, &zone, DayForm::Slashes), iso8601(at));
        }
    }
}
