//! How a command ends: exit code 2 for bad usage or configuration, 1 for a failed operation.

use std::fmt;

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    code: u8,
}

impl Failure {
    /// The arguments or the configuration are wrong.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self {
            error: error.into(),
            code: 2,
        }
    }

    /// The operation failed.
    pub(crate) fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self {
            error: error.into(),
            code: 1,
        }
    }

    /// Whether the reader of our output went away (`hilo export … | head`): that is its right, and no failure.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
            .any(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    /// The error and its causes. Many errors name their cause in their own text: what was said is not said again.
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let mut said = self.error.to_string();
        formatter.write_str(&said)?;
        for cause in self.error.chain().skip(1).map(ToString::to_string) {
            if !said.contains(&cause) {
                write!(formatter, ": {cause}")?;
                said = cause;
            }
        }
        Ok(())
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("data cannot be created: {source}")]
    struct Said {
        source: io::Error,
    }

    #[test]
    fn a_cause_is_said_once_and_none_is_left_out() {
        let io = || io::Error::other("File exists");
        let said = Failure::failed(Said { source: io() });
        assert_eq!(said.to_string(), "data cannot be created: File exists");
        let unsaid = anyhow::Error::from(Said { source: io() }).context("the node cannot start");
        let expected = "the node cannot start: data cannot be created: File exists";
        assert_eq!(Failure::failed(unsaid).to_string(), expected);
        let chain = Err::<(), _>(io()).context("outer").unwrap_err();
        assert_eq!(Failure::failed(chain).to_string(), "outer: File exists");
    }
}
