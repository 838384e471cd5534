//! Exact numbers: what rows publish is kept in millionths, so that equal content is equal and rounding happens once.

use hilo_domain::Millis;
use std::collections::BTreeMap;

/// Millionths of a unit, the finest that a row shows.
pub(crate) type Micro = i64;

const ONE: i128 = 1_000_000;

/// A count in millionths.
pub(crate) fn whole(count: i64) -> Micro {
    narrow(i128::from(count) * ONE)
}

/// `numerator / denominator`, half away from zero; `None` for an empty denominator.
pub(crate) fn ratio(numerator: i64, denominator: i64) -> Option<Micro> {
    (denominator > 0).then(|| round(i128::from(numerator) * ONE, i128::from(denominator)))
}

/// Milliseconds as seconds: three decimals, so never rounded.
pub(crate) fn seconds(millis: Millis) -> Micro {
    narrow(i128::from(millis) * 1_000)
}

/// Mean in seconds of durations that sum to `total` milliseconds.
pub(crate) fn mean_seconds(total: Millis, count: i64) -> Option<Micro> {
    (count > 0).then(|| round(i128::from(total) * 1_000, i128::from(count)))
}

/// Nearest rank: of the ascending values the one numbered ⌈percent · count / 100⌉.
pub(crate) fn nearest_rank(values: &BTreeMap<Millis, u32>, percent: u64) -> Option<Millis> {
    let count: u64 = values.values().map(|times| u64::from(*times)).sum();
    let rank = (percent * count).div_ceil(100);
    let mut seen = 0;
    values
        .iter()
        .find(|(_, times)| {
            seen += u64::from(**times);
            seen >= rank
        })
        .map(|(value, _)| *value)
}

/// The nearest floating-point number: its shortest decimal is the published one.
pub(crate) fn to_f64(micro: Micro) -> f64 {
    micro as f64 / 1e6
}

fn round(dividend: i128, divisor: i128) -> Micro {
    let half = divisor / 2 + divisor % 2;
    let quotient = dividend / divisor;
    let rest = dividend % divisor;
    let away = if rest.abs() >= half { dividend.signum() } else { 0 };
    narrow(quotient + away)
}

fn narrow(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_rounded_half_away_from_zero() {
        for (numerator, denominator, expected) in [
            (2, 3, 0.666_667),
            (1, 3, 0.333_333),
            (7, 13, 0.538_462),
            (1, 13, 0.076_923),
            // 0.0000005 is the half: away from zero, on both sides.
            (1, 2_000_000, 0.000_001),
            (-1, 2_000_000, -0.000_001),
            (1, 2_000_001, 0.0),
            (3, 2_000_000, 0.000_002),
        ] {
            let value = ratio(numerator, denominator).map(to_f64);
            assert_eq!(value, Some(expected), "{numerator}/{denominator}");
        }
        assert_eq!(ratio(0, 0), None);
    }

    #[test]
    fn seconds_keep_milliseconds_and_means_six_decimals() {
        assert_eq!(to_f64(seconds(1_234)).to_string(), "1.234");
        assert_eq!(mean_seconds(10, 3).map(to_f64), Some(0.003_333));
        assert_eq!(mean_seconds(780_000, 4).map(to_f64), Some(195.0));
    }

    #[test]
    fn nearest_rank_takes_an_observed_value() {
        let values = |list: &[i64]| {
            let mut values = BTreeMap::new();
            for value in list {
                *values.entry(*value).or_insert(0) += 1;
            }
            values
        };
        let four = values(&[120, 300, 240, 120]);
        assert_eq!(
            (nearest_rank(&four, 50), nearest_rank(&four, 90)),
            (Some(120), Some(300))
        );
        let two = values(&[3, 240]);
        assert_eq!((nearest_rank(&two, 50), nearest_rank(&two, 90)), (Some(3), Some(240)));
        // Eleven values: numbers 6 and 10.
        let eleven = values(&(1..=11).collect::<Vec<_>>());
        assert_eq!(
            (nearest_rank(&eleven, 50), nearest_rank(&eleven, 90)),
            (Some(6), Some(10))
        );
        assert_eq!(nearest_rank(&BTreeMap::new(), 50), None);
    }
}
