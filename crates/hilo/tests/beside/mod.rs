//! Test input that stands beside the project.

use std::path::{Path, PathBuf};

/// A file or folder of it; `None`, said aloud, where it is not there.
pub(crate) fn beside(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {} is not there", path.display());
        return None;
    }
    Some(path)
}
