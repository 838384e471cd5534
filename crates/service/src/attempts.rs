//! How often an address may guess a secret: a bucket of attempts that fills again slowly.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
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
pub(crate) struct Attempts(Mutex<BTreeMap<IpAddr, Bucket>>);

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
    pub(crate) fn take(&self, address: IpAddr, now: Instant) -> Result<(), u32> {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = group(address);
        if !buckets.contains_key(&key) && buckets.len() >= ADDRESSES {
            buckets.retain(|_, bucket| {
                bucket.refill(now);
                bucket.left < BURST
            });
            if buckets.len() >= ADDRESSES {
                key = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
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
    pub(crate) fn give_back(&self, address: IpAddr) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(&group(address)) {
            bucket.left = (bucket.left + 1).min(BURST);
        }
    }
}

/// Whoever has an IPv6 address has 2⁶⁴ of them.
fn group(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn ten_wrong_attempts_then_one_each_six_seconds() {
        let attempts = Attempts::default();
        let start = Instant::now();
        for _ in 0..BURST {
            attempts.take(ONE, start).unwrap();
        }
        assert_eq!(attempts.take(ONE, start), Err(6));
        assert_eq!(attempts.take(ONE, start + REFILL), Ok(()));
        assert_eq!(attempts.take(ONE, start + REFILL), Err(6));
        assert_eq!(attempts.take("10.0.0.1".parse().unwrap(), start), Ok(()));
        let later = start + REFILL * 1_000;
        for _ in 0..BURST {
            attempts.take(ONE, later).unwrap();
        }
        attempts.take(ONE, later).unwrap_err();
    }

    #[test]
    fn who_is_right_is_never_stopped() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for _ in 0..BURST * 3 {
            attempts.take(ONE, now).unwrap();
            attempts.give_back(ONE);
        }
    }

    #[test]
    fn a_network_is_one_address_and_memory_is_bounded() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for host in 0..BURST {
            attempts.take(format!("2001:db8::{host}").parse().unwrap(), now).unwrap();
        }
        attempts.take("2001:db8::ffff".parse().unwrap(), now).unwrap_err();
        for host in 0..20_000_u32 {
            // Beyond the bound all share a bucket, which is soon empty.
            let _ = attempts.take(IpAddr::V4(host.into()), now).is_ok();
        }
        assert!(attempts.0.lock().unwrap().len() <= ADDRESSES + 1);
    }
}
