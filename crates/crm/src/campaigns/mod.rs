//! Which campaign an ad or a tracked token belongs to: what the tenant says, never a guess.

mod csv;

use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

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

/// What a campaign may have.
const KEYS: [&str; 4] = ["source", "medium", "campaign", "content"];

impl Campaign {
    /// Sets one of [`KEYS`]. An empty text says nothing.
    fn set(&mut self, key: &str, text: &str) -> bool {
        let place = match key {
            "source" => &mut self.source,
            "medium" => &mut self.medium,
            "campaign" => &mut self.campaign,
            "content" => &mut self.content,
            _ => return false,
        };
        *place = Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        true
    }
}

impl FromIterator<(String, Campaign)> for Campaigns {
    fn from_iter<I: IntoIterator<Item = (String, Campaign)>>(campaigns: I) -> Self {
        Self(campaigns.into_iter().collect())
    }
}

impl Campaigns {
    /// Those of a TOML table: `"120211…" = "cyber"`, or `{ campaign, source, medium, content }`.
    pub fn parse(text: &str) -> Result<Self, CampaignError> {
        let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let table = DeTable::parse(text).map_err(|error| CampaignError {
            line: line(error.span().map_or(0, |span| span.start)),
            message: error.message().lines().collect::<Vec<_>>().join(" "),
        })?;
        let mut campaigns = Self::default();
        for (ad, value) in table.get_ref() {
            let campaign = campaign(value.get_ref()).map_err(|message| CampaignError {
                line: line(ad.span().start),
                message,
            })?;
            campaigns.0.insert(ad.get_ref().to_string(), campaign);
        }
        Ok(campaigns)
    }

    /// Those of a CSV file whose first line names its columns: `ad` (or `ad_id`, `token`), `source`, `medium`,
    /// `campaign`, `content`, each also with `utm_` in front. Commas or semicolons part them.
    pub fn parse_csv(text: &str) -> Result<Self, CampaignError> {
        csv::parse(text).map(Self)
    }

    /// The campaign of an ad id or token.
    #[must_use]
    pub fn get(&self, ad: &str) -> Option<&Campaign> {
        self.0.get(ad)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn campaign(value: &DeValue) -> Result<Campaign, String> {
    let mut campaign = Campaign::default();
    match value {
        DeValue::String(name) => {
            campaign.set("campaign", name);
        }
        DeValue::Table(table) => {
            for (key, value) in table {
                let key = key.get_ref();
                let text = value
                    .get_ref()
                    .as_str()
                    .ok_or_else(|| format!("{key} has to be a text"))?;
                if !campaign.set(key, text) {
                    return Err(unknown(key, &KEYS));
                }
            }
        }
        _ => return Err("write a campaign, or a table { campaign, source, medium, content }".to_owned()),
    }
    Ok(campaign)
}

fn unknown(key: &str, known: &[&str]) -> String {
    let similarity = |name: &str| strsim::jaro_winkler(name, &key.to_lowercase());
    let best = known.iter().max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    let best = best.copied().unwrap_or_default();
    format!("there is no {key:?}; did you mean {best:?}?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_campaigns() {
        let text = "\"120211\" = \"cyber\"\nWA7 = { source = \"ig\", medium = \"bio\", content = \"\" }\n";
        let campaigns = Campaigns::parse(text).unwrap();
        assert_eq!(campaigns.len(), 2);
        let cyber = campaigns.get("120211").unwrap();
        assert_eq!(
            (cyber.campaign.as_deref(), cyber.source.as_deref()),
            (Some("cyber"), None)
        );
        let bio = campaigns.get("WA7").unwrap();
        assert_eq!(
            (bio.source.as_deref(), bio.medium.as_deref()),
            (Some("ig"), Some("bio"))
        );
        assert_eq!((bio.campaign.as_deref(), bio.content.as_deref()), (None, None));
        assert_eq!(campaigns.get("other"), None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let error = Campaigns::parse("a = \"x\"\nb = { sorce = \"y\" }\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2 of the campaign table: there is no \"sorce\"; did you mean \"source\"?"
        );
        assert_eq!(Campaigns::parse("a = \"x\"\n\nb = 3\n").unwrap_err().line, 3);
        assert_eq!(Campaigns::parse("a = \"x\"\na = \"y\"\n").unwrap_err().line, 2);
    }
}
