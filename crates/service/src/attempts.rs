//! How often an address may guess a secret: a bucket of attempts that fills again slowly.

use crate::Peer;
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Wrong attempts in a row.
const BURST: u32 = 10;
/// After so long there is one more.
const REFILL: Duration = Duration::from_secs(6);
/// Addresses remembered; further ones share one bucket.
const ADDRESSES: usize = 4_096;

/// Attempts left for each address.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<BTreeMap<Peer, Bucket>>);

struct Bucket {
    left: u32,
    since: Instant,
}

impl Bucket {
    fn refill(&mut self, now: Instant) {
        let more = now.saturating_duration_since(self.since).as_nanos() / REFILL.as_nanos();
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        if self.left.saturating_add(more) >= BURST {
            *self = Self {
                left: BURST,
                since: now,
            };
        } else {
            self.left += more;
            self.since += REFILL * more;
        }
    }
}

impl Attempts {
    /// Takes an attempt; the error says after how many seconds there is one again. Who was right gives it back.
    pub(crate) fn take(&self, peer: Peer, now: Instant) -> Result<(), u32> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = peer;
        if !buckets.contains_key(&key) && buckets.len() >= ADDRESSES {
            buckets.retain(|_, bucket| {
                bucket.refill(now);
                bucket.left < BURST
            });
            if buckets.len() >= ADDRESSES {
                key = nobody();
            }
        }
        let bucket = buckets.entry(key).or_insert(Bucket {
            left: BURST,
            since: now,
        });
        bucket.refill(now);
        if bucket.left == 0 {
            let wait = (bucket.since + REFILL).saturating_duration_since(now);
            return Err(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).max(1));
        }
        bucket.left -= 1;
        Ok(())
    }

    /// Gives an attempt back: the secret was right.
    pub(crate) fn give_back(&self, peer: Peer) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(&peer) {
            bucket.left = (bucket.left + 1).min(BURST);
        }
    }
}

/// Stands for all whose address is not known.
pub(crate) fn nobody() -> Peer {
    Peer::at(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Peer {
        Peer::at(address.parse().unwrap())
    }

    #[test]
    fn ten_wrong_attempts_then_one_each_six_seconds() {
        let attempts = Attempts::default();
        let start = Instant::now();
        for _ in 0..BURST {
            attempts.take(at("127.0.0.1"), start).unwrap();
        }
        assert_eq!(attempts.take(at("127.0.0.1"), start), Err(6));
        assert_eq!(attempts.take(at("127.0.0.1"), start + REFILL), Ok(()));
        assert_eq!(attempts.take(at("127.0.0.1"), start + REFILL), Err(6));
        assert_eq!(attempts.take(at("10.0.0.1"), start), Ok(()));
        let later = start + REFILL * 1_000;
        for _ in 0..BURST {
            attempts.take(at("127.0.0.1"), later).unwrap();
        }
        attempts.take(at("127.0.0.1"), later).unwrap_err();
    }

    #[test]
    fn who_is_right_is_never_stopped() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for _ in 0..BURST * 3 {
            attempts.take(at("127.0.0.1"), now).unwrap();
            attempts.give_back(at("127.0.0.1"));
        }
    }

    #[test]
    fn a_network_is_one_address_and_memory_is_bounded() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for host in 0..BURST {
            attempts.take(at(&format!("2001:db8::{host}")), now).unwrap();
        }
        attempts.take(at("2001:db8::ffff"), now).unwrap_err();
        for host in 0..20_000_u32 {
            // Beyond the bound all share a bucket, which is soon empty.
            let _ = attempts.take(Peer::at(IpAddr::V4(host.into())), now).is_ok();
        }
        assert!(attempts.0.lock().unwrap().len() <= ADDRESSES + 1);
    }
}
