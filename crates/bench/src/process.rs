//! What the system says about this process. Where it says nothing, nothing is told.

use std::{collections::BTreeMap, fs};

/// Ticks a second in `/proc`, the same on every Linux.
const TICKS: f64 = 100.0;

/// CPU seconds of this process's living threads, by thread name.
pub type ThreadSeconds = BTreeMap<String, f64>;

/// CPU seconds of each living thread since it started; threads of one name together.
#[must_use]
pub fn thread_seconds() -> ThreadSeconds {
    let mut seconds = ThreadSeconds::new();
    let Ok(threads) = fs::read_dir("/proc/self/task") else {
        return seconds;
    };
    for thread in threads.flatten() {
        let read = |file: &str| fs::read_to_string(thread.path().join(file)).ok();
        // Nanoseconds on a CPU come first. A thread may have ended since it was listed.
        let spent = read("schedstat").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        if let (Some(name), Some(nanoseconds)) = (read("comm"), spent) {
            *seconds.entry(name.trim_end().to_owned()).or_default() += nanoseconds as f64 / 1e9;
        }
    }
    seconds
}

/// CPU seconds of this process, threads that have ended included. The system counts them in hundredths.
#[must_use]
pub fn process_seconds() -> f64 {
    seconds("/proc/self/stat")
}

/// CPU seconds of the thread that asks, in hundredths too.
#[must_use]
pub fn this_thread_seconds() -> f64 {
    seconds("/proc/thread-self/stat")
}

fn seconds(file: &str) -> f64 {
    let stat = fs::read_to_string(file).unwrap_or_default();
    // The name, in parentheses, may hold blanks; user and system time are the 12th and 13th field behind it.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let times = fields.split_whitespace().skip(11).take(2);
    times.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// CPU seconds that the whole machine worked since it started, whoever for.
#[must_use]
pub fn machine_seconds() -> f64 {
    busy(&fs::read_to_string("/proc/stat").unwrap_or_default()).unwrap_or_default()
}

/// Of the line of all CPUs: user, nice, system, (idle, waiting,) interrupts of both kinds. What a hypervisor took is no
/// work, and guests are counted in user already.
fn busy(stat: &str) -> Option<f64> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = line.split_whitespace().map_while(|ticks| ticks.parse().ok()).collect();
    Some((ticks.get(..3)?.iter().sum::<f64>() + ticks.get(5..7)?.iter().sum::<f64>()) / TICKS)
}

/// Sets the peak of [`peak_resident_bytes`] back to what is resident now, where that may be done.
pub fn reset_peak() {
    drop(fs::write("/proc/self/clear_refs", "5"));
}

/// Greatest resident size of this process so far.
#[must_use]
pub fn peak_resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::{sync::mpsc, thread};

    #[test]
    fn a_machine_works_where_it_neither_idles_nor_waits() {
        let stat = "cpu  100 20 30 4000 500 6 4 70 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\nintr 1\n";
        assert_eq!(busy(stat), Some(1.6));
        assert_eq!(busy(""), None);
        assert_eq!(busy("cpu  1 2\n"), None);
        assert!(machine_seconds() > 0.0);
    }

    #[test]
    fn work_is_charged_to_the_thread_that_does_it() {
        let (done, is_done) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let busy = thread::Builder::new().name("busy-one".to_owned()).spawn(move || {
            let mut sum = 0_u64;
            while thread_seconds().get("busy-one").copied().unwrap_or_default() < 0.005 {
                sum = (0..100_000_u64).fold(sum, |sum, next| sum.wrapping_mul(31) ^ next);
            }
            done.send(sum).unwrap();
            let _ = ended.recv();
        });
        is_done.recv().unwrap();
        assert!(thread_seconds()["busy-one"] >= 0.005);
        assert!(peak_resident_bytes().unwrap() > 1 << 20);
        drop(end);
        busy.unwrap().join().unwrap();
    }
}
