//! Hours and days by the wall clock of a tenant's zone.

use hilo_contracts::stored::Window;
use hilo_domain::{
    Millis,
    time::{DAY, HOUR, MINUTE},
};
use jiff::{
    Timestamp, Zoned,
    tz::{TimeZone, TimeZoneDatabase},
};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;

/// A zone in the configuration that nobody knows.
#[derive(Debug, thiserror::Error)]
#[error("time zone {zone:?} of tenant {tenant:?} is unknown: use an IANA name such as America/Santiago")]
pub struct UnknownZone {
    /// Tenant.
    pub tenant: String,
    /// Name as configured.
    pub zone: String,
}

/// The hour and the day that hold an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    pub hour: Window,
    pub day: Window,
}

/// Offsets and their changes lie on quarters of an hour (today; older ones are looked up each time).
const STEP: Millis = 15 * MINUTE;
/// Windows kept: a year of quarters, and some.
const CACHED: usize = 50_000;

/// Zones of the tenants, with the windows found last.
#[derive(Clone)]
pub(crate) struct Zones {
    zones: BTreeMap<String, Zone>,
    utc: Zone,
}

#[derive(Clone)]
struct Zone {
    zone: TimeZone,
    found: FxHashMap<Millis, Windows>,
}

impl Zones {
    /// Zones by tenant; the data is compiled in, so that every machine finds the same windows.
    pub(crate) fn new(names: &BTreeMap<String, String>) -> Result<Self, UnknownZone> {
        let database = TimeZoneDatabase::bundled();
        let mut zones = BTreeMap::new();
        for (tenant, name) in names {
            let zone = database.get(name).map_err(|_| UnknownZone {
                tenant: tenant.clone(),
                zone: name.clone(),
            })?;
            zones.insert(tenant.clone(), Zone::new(zone));
        }
        Ok(Self {
            zones,
            utc: Zone::new(TimeZone::UTC),
        })
    }

    /// The windows that hold `at`; UTC for a tenant without a zone.
    pub(crate) fn windows(&mut self, tenant: &str, at: Millis) -> Windows {
        self.zones.get_mut(tenant).unwrap_or(&mut self.utc).windows(at)
    }
}

impl Zone {
    fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            found: FxHashMap::default(),
        }
    }

    fn windows(&mut self, at: Millis) -> Windows {
        let quarter = at.div_euclid(STEP);
        let holds = |found: &&Windows| found.hour.start <= at && at < found.hour.end;
        if let Some(found) = self.found.get(&quarter).filter(holds) {
            return *found;
        }
        // An instant beyond the calendar has no wall clock.
        let windows = compute(&self.zone, at).unwrap_or_else(|| in_utc(at));
        if self.found.len() >= CACHED {
            self.found.clear();
        }
        self.found.insert(quarter, windows);
        windows
    }
}

fn in_utc(at: Millis) -> Windows {
    let window = |length: Millis| {
        let start = at.div_euclid(length).saturating_mul(length);
        Window {
            start,
            end: start.saturating_add(length),
        }
    };
    Windows {
        hour: window(HOUR),
        day: window(DAY),
    }
}

fn compute(zone: &TimeZone, at: Millis) -> Option<Windows> {
    let instant = Timestamp::from_millisecond(at).ok()?;
    let local = instant.to_zoned(zone.clone());
    let midnight = local.start_of_day().ok()?;
    let next = local.tomorrow().and_then(|next| next.start_of_day()).ok()?;
    let day = Window {
        start: millis(&midnight),
        end: millis(&next),
    };
    let into_hour =
        i64::from(local.minute()) * MINUTE + i64::from(local.second()) * 1_000 + i64::from(local.millisecond());
    let start = at - into_hour;
    let mut hour = Window {
        start,
        end: start + HOUR,
    };
    // The clock changed inside the hour (by half an hour, somewhere): the hour ends where it changed.
    let offset = |at: Millis| Timestamp::from_millisecond(at).map(|at| zone.to_offset(at)).ok();
    let here = offset(at)?;
    if offset(hour.start) != Some(here) {
        hour.start = zone
            .preceding(instant + jiff::SignedDuration::from_nanos(1))
            .next()
            .map_or(start, |change| change.timestamp().as_millisecond());
    }
    if offset(hour.end - 1) != Some(here) {
        hour.end = zone
            .following(instant)
            .next()
            .map_or(hour.end, |change| change.timestamp().as_millisecond());
    }
    Some(Windows { hour, day })
}

fn millis(zoned: &Zoned) -> Millis {
    zoned.timestamp().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_domain::time::{parse_rfc3339, to_rfc3339};
    use proptest::prelude::*;

    fn zones(name: &str) -> Zones {
        Zones::new(&BTreeMap::from([("acme".to_owned(), name.to_owned())])).unwrap()
    }

    fn shown(window: Window) -> (String, String) {
        (to_rfc3339(window.start), to_rfc3339(window.end))
    }

    fn at(text: &str) -> Millis {
        parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_day_of_a_clock_change_has_23_or_25_hours() {
        let mut zones = zones("America/Santiago");
        // Chile 2026: back on 5 April at 00:00 (to 23:00 of the 4th), forward on 6 September at 00:00 (to 01:00).
        let long = zones.windows("acme", at("2026-04-04T15:00:00Z")).day;
        assert_eq!(
            shown(long),
            ("2026-04-04T03:00:00Z".to_owned(), "2026-04-05T04:00:00Z".to_owned())
        );
        assert_eq!(long.end - long.start, 25 * HOUR);
        let short = zones.windows("acme", at("2026-09-06T15:00:00Z")).day;
        assert_eq!(
            shown(short),
            ("2026-09-06T04:00:00Z".to_owned(), "2026-09-07T03:00:00Z".to_owned())
        );
        assert_eq!(short.end - short.start, 23 * HOUR);
    }

    #[test]
    fn an_hour_that_comes_twice_is_two_hours() {
        let mut zones = zones("America/Santiago");
        let first = zones.windows("acme", at("2026-04-05T02:30:00Z"));
        let second = zones.windows("acme", at("2026-04-05T03:30:00Z"));
        assert_eq!(first.hour.end, second.hour.start);
        assert_eq!(first.day, second.day);
    }

    #[test]
    fn a_zone_off_the_hour_and_a_tenant_without_zone() {
        let mut zones = zones("Asia/Kolkata");
        let windows = zones.windows("acme", at("2026-05-04T13:40:00Z"));
        assert_eq!(
            shown(windows.hour),
            ("2026-05-04T13:30:00Z".to_owned(), "2026-05-04T14:30:00Z".to_owned())
        );
        assert_eq!(
            shown(windows.day),
            ("2026-05-03T18:30:00Z".to_owned(), "2026-05-04T18:30:00Z".to_owned())
        );
        let windows = zones.windows("beta", at("2026-05-04T13:40:00Z"));
        assert_eq!(
            shown(windows.hour),
            ("2026-05-04T13:00:00Z".to_owned(), "2026-05-04T14:00:00Z".to_owned())
        );
    }

    #[test]
    fn an_unknown_zone_is_named() {
        let error = Zones::new(&BTreeMap::from([("acme".to_owned(), "Mars/Olympus".to_owned())]))
            .err()
            .unwrap();
        assert!(error.to_string().contains("Mars/Olympus") && error.to_string().contains("acme"));
    }

    proptest! {
        /// Windows hold their instant, lie within one another, and every instant of an hour finds the same hour.
        #[test]
        fn windows_partition_time(
            at in 1_600_000_000_000_i64..2_000_000_000_000,
            inside in 0.0..1.0_f64,
            name in prop::sample::select(vec![
                "UTC", "America/Santiago", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Europe/Madrid",
            ]),
        ) {
            let mut zones = zones(name);
            let windows = zones.windows("acme", at);
            prop_assert!(windows.hour.start <= at && at < windows.hour.end);
            prop_assert!(windows.day.start <= windows.hour.start && windows.hour.end <= windows.day.end);
            let other = windows.hour.start + ((windows.hour.end - windows.hour.start - 1) as f64 * inside) as i64;
            let mut fresh = Zones::new(&BTreeMap::from([("acme".to_owned(), name.to_owned())])).unwrap();
            prop_assert_eq!(fresh.windows("acme", other), windows);
        }
    }
}
