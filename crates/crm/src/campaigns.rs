//! Which campaign an ad or a tracked token belongs to: what the tenant says, never a guess.

use std::collections::BTreeMap;

/// The campaign of an ad or token, as UTM names it. What the tenant does not say is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Campaign {
    /// utm_source.
    pub source: Option<String>,
    /// utm_medium.
    pub medium: Option<String>,
    /// utm_campaign.
    pub campaign: Option<String>,
    /// utm_content.
    pub content: Option<String>,
}

/// Why a table of campaigns cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the campaign table: {message}")]
pub struct CampaignError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub message: String,
}

/// Campaigns by ad id or token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Campaigns(BTreeMap<String, Campaign>);

impl Campaigns {
    /// Those of a TOML table: `"120211…" = "cyber"`, or `{ campaign, source, medium, content }`.
    pub fn parse(_toml: &str) -> Result<Self, CampaignError> {
        Ok(Self::default())
    }

    /// Those of a CSV file whose first line names its columns: `ad`, `source`, `medium`, `campaign`, `content`.
    pub fn parse_csv(_text: &str) -> Result<Self, CampaignError> {
        Ok(Self::default())
    }

    /// The campaign of an ad id or token.
    #[must_use]
    pub fn get(&self, ad: &str) -> Option<&Campaign> {
        self.0.get(ad)
    }
}
