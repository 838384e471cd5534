//! What is wrong with a mapping: stable code, file, line, field and the mending.

use std::fmt;

/// Whether a mapping can be used in spite of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, and somebody should look.
    Warning,
}

impl Severity {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Where something stands in a mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Name of the file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where it stands.
    pub origin: Origin,
    /// Error or warning.
    pub severity: Severity,
    /// Stable code: one of [`super::codes`].
    pub code: &'static str,
    /// What it is about: `contact.phone`, `catalogues.ticket_status.open`, `rules.failed_send`.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub action: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}:{}: {} [{}] {}: {}; {}",
            self.origin.file,
            self.origin.line,
            self.severity.as_str(),
            self.code,
            self.field,
            self.message,
            self.action
        )
    }
}

/// All that is wrong with a mapping, by file and line, nothing twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn add(&mut self, finding: Finding) {
        if let Err(place) = self.0.binary_search(&finding) {
            self.0.insert(place, finding);
        }
    }

    pub(super) fn extend(&mut self, others: Self) {
        for finding in others.0 {
            self.add(finding);
        }
    }

    /// By file and line.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether one of them forbids the use of the mapping.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(out, "{end}{finding}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

/// Why a mapping cannot be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum MappingError {
    /// It has errors.
    #[error("the mapping cannot be used:\n{0}")]
    Wrong(#[from] Findings),
}
