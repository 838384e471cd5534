//! What is wrong with a mapping: stable code, file, line, field and the mending.

use std::fmt;

macro_rules! codes {
    ($($name:ident $code:literal $doc:literal;)*) => {
        /// The codes of findings.
        pub mod codes {
            $(#[doc = $doc] pub const $name: &str = $code;)*
            /// All of them with what each means.
            pub const ALL: &[(&str, &str)] = &[$(($code, $doc)),*];
        }
    };
}

codes! {
    SYNTAX "syntax" "The file is no TOML.";
    UNKNOWN_FILE "unknown_file" "The file is neither mapping.toml nor named after a country.";
    UNKNOWN_KEY "unknown_key" "A mapping has no such key.";
    MISSING_KEY "missing_key" "A key that has to be there is not.";
    WRONG_KIND "wrong_kind" "A text stands where a list should, or the like.";
    UNKNOWN_WORD "unknown_word" "The word is none of those that can stand there.";
    UNKNOWN_SOURCE "unknown_source" "There is no source of that name.";
    FOREIGN_SOURCE "foreign_source" "The object has no values of that source.";
    UNKNOWN_TRANSFORM "unknown_transform" "There is no transform of that name.";
    BAD_ARGUMENT "bad_argument" "The transform needs another argument, or none.";
    WRONG_TYPE "wrong_type" "What comes out does not fit the transform or the type of the property.";
    BAD_VALUE "bad_value" "The constant does not fit the type of the property.";
    BAD_NAME "bad_name" "The CRM does not take such a name.";
    RESERVED_FIELD "reserved_field" "The writer itself keeps that property.";
    DUPLICATE_FIELD "duplicate_field" "Two have one name.";
    MISSING_FIELD "missing_field" "The CRM refuses records without that property.";
    TOO_LONG "too_long" "It is longer than the CRM takes.";
    UNKNOWN_CATALOGUE "unknown_catalogue" "There is no catalogue of that name.";
    CATALOGUE_HOLE "catalogue_hole" "The source has words for which the catalogue has no entry.";
    NEVER_USED "never_used" "The source never has that word, or nothing uses the catalogue.";
    NO_OPTIONS "no_options" "An enumeration of ours has no options.";
    UNKNOWN_OPTION "unknown_option" "The value is none of the property's options.";
    OPTION_WITHOUT_LABEL "option_without_label" "People would see no name for the option.";
    UNKNOWN_STAGE "unknown_stage" "No pipeline of the mapping has that stage.";
    BAD_REFERENCE "bad_reference" "What begins with an @ is nothing that the writer can look up.";
    DISABLED_CURRENCY "disabled_currency" "The portal does not have the currency.";
    RULE_WITHOUT_EXAMPLE "rule_without_example" "No example shows that the rule fires.";
    EXAMPLE_FAILS "example_fails" "The rule does not do what its example says.";
    MISSING_PROPERTY "missing_property" "The portal does not have the property.";
    READ_ONLY "read_only" "Only the CRM itself may write the property.";
    NOT_UNIQUE "not_unique" "Two records could have one key.";
    MISSING_OPTION "missing_option" "The portal's property does not have the option.";
    MISSING_STAGE "missing_stage" "The portal does not have the pipeline or the stage.";
    MISSING_OWNER "missing_owner" "Nobody in the portal has the e-mail address.";
    ADMIN_RULE "admin_rule" "The portal's administrators demand something of the property.";
}

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
    /// Stable code: one of [`codes`].
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

    /// Takes over others.
    pub fn extend(&mut self, others: Self) {
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
