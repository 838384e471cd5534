//! A one-time code that lets the user of this machine in. Who can write into the data directory may make one: a file
//! there holds its hash, where it is good, and until when.

use crate::{Fingerprint, fingerprint::random};
use hilo_domain::Millis;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

const FILE: &str = "login.json";
/// How long a code is good.
const GOOD_FOR: Millis = 3_600_000;

#[derive(Serialize, Deserialize)]
struct Stored {
    /// Where the pages are: `http://127.0.0.1:8090`.
    address: String,
    /// SHA-256 of the code; none once it was used.
    code_hash: Option<String>,
    expires_at: Millis,
}

/// The codes of one data directory.
pub struct LoginCodes {
    path: PathBuf,
    turn: Mutex<()>,
}

impl LoginCodes {
    /// Codes that `dir` keeps.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self {
            path: dir.join(FILE),
            turn: Mutex::new(()),
        }
    }

    /// Makes a code for the pages at `address` and gives the link. A code before it is no longer good.
    pub fn link(&self, address: &str, now: Millis) -> io::Result<String> {
        let code = random().map_err(|error| io::Error::other(error.to_string()))?;
        self.write(&Stored {
            address: address.to_owned(),
            code_hash: Some(Fingerprint::of(code.as_bytes()).hex()),
            expires_at: now.saturating_add(GOOD_FOR),
        })?;
        Ok(format!("{address}/login?code={code}"))
    }

    /// A new link to the pages that the last one led to; `None` where nobody serves pages from this folder.
    pub fn renewed(&self, now: Millis) -> io::Result<Option<String>> {
        match self.read()? {
            Some(stored) => self.link(&stored.address, now).map(Some),
            None => Ok(None),
        }
    }

    /// Forgets all codes: readers have tokens of their own.
    pub fn forget(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether `code` is good. From then on it is not.
    pub(crate) fn redeem(&self, code: &str, now: Millis) -> io::Result<bool> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut stored) = self.read()? else {
            return Ok(false);
        };
        let given = Fingerprint::of(Fingerprint::of(code.as_bytes()).hex().as_bytes());
        let good = stored
            .code_hash
            .as_ref()
            .is_some_and(|hash| Fingerprint::of(hash.as_bytes()).is(&given).into());
        if !good || now >= stored.expires_at {
            return Ok(false);
        }
        stored.code_hash = None;
        // Before anybody is let in: a code that cannot be spent is not taken.
        self.write(&stored)?;
        Ok(true)
    }

    fn read(&self) -> io::Result<Option<Stored>> {
        match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&self, stored: &Stored) -> io::Result<()> {
        let new = self.path.with_extension("new");
        // Its rights are those of the making, not of a file that was there.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(serde_json::to_string(stored)?.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_code_is_good_once_and_for_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let codes = LoginCodes::new(folder.path());
        assert!(!codes.redeem("", 0).unwrap());
        assert_eq!(codes.renewed(0).unwrap(), None);
        let code = |link: &str| link.split_once("code=").unwrap().1.to_owned();
        let first = codes.link("http://127.0.0.1:1", 0).unwrap();
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(
            !fs::read_to_string(&path).unwrap().contains(&code(&first)),
            "only its hash"
        );

        let second = codes.renewed(5).unwrap().unwrap();
        assert!(second.starts_with("http://127.0.0.1:1/login?code="));
        assert!(!codes.redeem(&code(&first), 6).unwrap(), "a newer one has replaced it");
        assert!(!codes.redeem("", 6).unwrap());
        assert!(codes.redeem(&code(&second), 6).unwrap());
        assert!(!codes.redeem(&code(&second), 6).unwrap(), "it was used");

        let third = codes.renewed(10).unwrap().unwrap();
        assert!(!codes.redeem(&code(&third), 10 + GOOD_FOR).unwrap(), "too old");
        codes.forget().unwrap();
        codes.forget().unwrap();
        assert!(!codes.redeem(&code(&third), 10).unwrap());
    }
}
