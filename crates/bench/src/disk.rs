//! What the disk alone can do: the floor under every durable answer.

use crate::micros;
use hdrhistogram::Histogram;
use std::{
    fs::File,
    io::{self, Seek as _, SeekFrom, Write as _},
    path::Path,
    time::Instant,
};

/// Writes measured.
const WRITES: usize = 200;
/// Bytes of each: a commit of some dozen deliveries.
const SIZE: usize = 64 << 10;

/// Microseconds of a write of 64 KiB with `fdatasync` in `folder`, into a file of its full size, as SQLite's log is.
pub(crate) fn synchronised_writes(folder: &Path) -> io::Result<Histogram<u64>> {
    let path = folder.join("disk.probe");
    let mut file = File::create(&path)?;
    let block = vec![0x5a; SIZE];
    for _ in 0..16 {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    let mut histogram = micros::histogram()?;
    for number in 0..WRITES {
        file.seek(SeekFrom::Start((number % 16 * SIZE) as u64))?;
        let started = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        micros::record(&mut histogram, started.elapsed());
    }
    std::fs::remove_file(path)?;
    Ok(histogram)
}
