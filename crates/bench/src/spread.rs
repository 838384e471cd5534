//! One number measured several times.

use serde::Serialize;
use std::fmt;

/// The median of several measurements, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Of an even number of measurements the mean of the middle two.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// `None` of no measurement.
    #[must_use]
    pub fn of(measured: &[f64]) -> Option<Self> {
        let mut sorted = measured.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (&min, &max) = (sorted.first()?, sorted.last()?);
        let (lower, upper) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self {
            median: f64::midpoint(lower, upper),
            min,
            max,
        })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self { median, min, max } = self;
        write!(formatter, "{median:.0} ({min:.0}–{max:.0})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_moves_the_end_and_not_the_median() {
        assert_eq!(Spread::of(&[]), None);
        let of = |measured: &[f64]| {
            let Spread { median, min, max } = Spread::of(measured).unwrap();
            (median, min, max)
        };
        assert_eq!(of(&[7.0]), (7.0, 7.0, 7.0));
        assert_eq!(of(&[3.0, 900.0, 1.0, 2.0, 4.0]), (3.0, 1.0, 900.0));
        assert_eq!(of(&[4.0, 1.0, 3.0, 2.0]), (2.5, 1.0, 4.0));
        assert_eq!(
            Spread::of(&[1000.4, 990.0, 2000.0]).unwrap().to_string(),
            "1000 (990–2000)"
        );
    }
}
