//! Who may read the files: the user that runs Hilo and nobody else, whatever the umask. All messages stand in them.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

const DIRECTORY: u32 = 0o700;
const FILE: u32 = 0o600;
/// Rights of group and others.
const OTHERS: u32 = 0o077;

/// Makes the directory `path`, with those above it that are missing, for this user alone.
pub fn directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(DIRECTORY).create(path)
}

/// Makes the file `path` for this user alone, unless it is there. SQLite gives the files beside a database the rights of
/// the database.
pub fn file(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).mode(FILE).open(path)
}

/// What in the directory `dir`, itself included, others may read. Links are not followed.
pub fn wider(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(path) = open.pop() {
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            // SQLite removes files while we look.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if metadata.is_symlink() {
            continue;
        }
        if metadata.permissions().mode() & OTHERS != 0 {
            found.push(path.clone());
        }
        if metadata.is_dir() {
            for entry in fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Takes the rights of others from everything in `dir`, itself included. Says what it could not change, as a file of
/// another user.
pub fn tighten(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut left = Vec::new();
    for path in wider(dir)? {
        let mode = if path.is_dir() { DIRECTORY } else { FILE };
        match fs::set_permissions(&path, Permissions::from_mode(mode)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => left.push(path),
            _ => {}
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_wider_is_found_and_tightened() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("data");
        directory(&dir.join("state")).unwrap();
        drop(file(&dir.join("raw.db")).unwrap());
        assert_eq!(wider(&dir).unwrap(), Vec::<PathBuf>::new());
        fs::write(dir.join("state/old.db"), b"x").unwrap();
        fs::set_permissions(dir.join("state/old.db"), Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        assert_eq!(wider(&dir).unwrap(), [dir.clone(), dir.join("state/old.db")]);
        assert_eq!(tighten(&dir).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(wider(&dir).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(fs::read(dir.join("state/old.db")).unwrap(), b"x");
    }
}
