//! Chance, from one seed.
//!
//! Only arithmetic that IEEE 754 defines exactly: a logarithm could differ between two machines, and with it the bytes.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.0.random::<f64>() < probability
    }

    /// From `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        if high <= low {
            low
        } else {
            self.0.random_range(low..=high)
        }
    }

    /// From `low` to `high`, mostly near `low`, with a long tail: how long people and networks take.
    pub(crate) fn skewed(&mut self, low: i64, high: i64) -> i64 {
        let unit: f64 = self.0.random();
        low + ((high - low) as f64 * (unit * unit * unit)) as i64
    }

    /// An index below `length`; 0 when there is none.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        if length < 2 { 0 } else { self.0.random_range(0..length) }
    }

    pub(crate) fn pick<T: Copy, const N: usize>(&mut self, from: &[T; N]) -> T {
        const { assert!(N > 0, "nothing to pick from") };
        from[self.index(N)]
    }

    /// An index drawn by weight; the last one when all weights are 0.
    pub(crate) fn weighted(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let total: i64 = weights.clone().map(i64::from).sum();
        let mut left = self.between(1, total);
        let mut last = 0;
        for (index, weight) in weights.enumerate() {
            last = index;
            left -= i64::from(weight);
            if left <= 0 {
                break;
            }
        }
        last
    }
}

/// A bijection of 64 bits (SplitMix64's finaliser): counters become ids that look drawn and never collide.
pub(crate) fn scramble(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
