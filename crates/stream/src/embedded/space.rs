//! Room on the disk: warned of while there is some, and kept for what must be written to go on.

use std::io;
use std::path::Path;

/// Intake is refused with less than this: SQLite copies its write-ahead logs into the files, up to 64 MiB for each of
/// them, and what the engine derives of the last deliveries has to go somewhere.
const RESERVE: u64 = 256 << 20;
/// On a small disk the reserve is this part of it.
const RESERVE_PART: u64 = 20;
/// Room is low below this part of the disk.
const LOW_PART: u64 = 10;
/// Room is never low with this much: a tenth of a large disk is months of deliveries.
const ENOUGH: u64 = 10 << 30;

/// Room on the disk of a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// Bytes that this user may still write.
    pub free: u64,
    /// Bytes of the disk.
    pub size: u64,
}

impl Space {
    /// Asks the system.
    pub fn of(path: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(path)?;
        Ok(Self {
            free: found.f_bavail.saturating_mul(found.f_frsize),
            size: found.f_blocks.saturating_mul(found.f_frsize),
        })
    }

    /// Less than a tenth of the disk, and less than 10 GiB, is free: warn.
    #[must_use]
    pub fn is_low(&self) -> bool {
        self.free < ENOUGH.min(self.size / LOW_PART)
    }

    /// So little is free that nothing more may come in.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.free < RESERVE.min(self.size / RESERVE_PART)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_low_before_it_is_short() {
        let of = |free, size| {
            let space = Space { free, size };
            (space.is_low(), space.is_short())
        };
        assert_eq!(of(11, 100), (false, false));
        assert_eq!(of(9, 100), (true, false));
        assert_eq!(of(4, 100), (true, true));
        assert_eq!(of((10 << 30) - 1, 1 << 40), (true, false));
        assert_eq!(of(10 << 30, 1 << 40), (false, false));
        assert_eq!(of(257 << 20, 1 << 40), (true, false));
        assert_eq!(of(255 << 20, 1 << 40), (true, true));
        let here = Space::of(Path::new(".")).unwrap();
        assert!(here.free <= here.size && here.size > 0, "{here:?}");
    }
}
