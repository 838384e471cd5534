//! A real broker, a real registry and a real browser for tests.
#![doc = include_str!("../README.md")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "this crate is a part of tests, and a test fails by panicking"
)]

mod acl;
mod broker;
pub mod chromium;
mod registry;

pub use acl::Right;
pub use broker::{Broker, Foreign, ITSELF};
pub use registry::SchemaRegistry;

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

/// A broker that does not come up within this time never will, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(6);
/// Where both are, or why not.
fn home() -> Option<&'static Path> {
    static HOME: OnceLock<Option<PathBuf>> = OnceLock::new();
    HOME.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/kafka");
        let output = Command::new(script).arg("install").output().unwrap();
        if output.status.success() {
            let path = String::from_utf8_lossy(&output.stdout);
            return Some(PathBuf::from(path.lines().last().unwrap_or_default().trim()));
        }
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            std::env::var_os("CI").is_none(),
            "in CI nothing is skipped, and there is no broker: {reason}"
        );
        eprintln!("SKIPPED: no broker here: {reason}");
        None
    })
    .as_deref()
}

/// Ports below those that systems give to clients, so that no client takes a port between the look and its use.
const PORTS: std::ops::Range<u16> = 11_000..32_000;

/// A port that nobody uses now, another one at each call.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let width = PORTS.end - PORTS.start;
    // Processes that run beside each other begin at different places.
    let begin = u16::try_from(std::process::id() * 97 % u32::from(width)).unwrap();
    let mut ports = std::iter::repeat_with(|| {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % width;
        PORTS.start + (begin + step) % width
    });
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.by_ref().take(usize::from(width)).find(is_free).unwrap()
}
