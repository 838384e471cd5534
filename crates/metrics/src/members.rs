//! Sends: what groups them and what became of them (metric definitions, chapter 3).

use crate::{
    rows::Grouping,
    series::{self, ERROR_CLASSES, Horizon},
};
use hilo_contracts::facts::Status;
use hilo_domain::{Millis, category};
use serde::{Deserialize, Serialize};

/// Unknown, as a dimension.
pub(crate) const UNKNOWN: &str = "unknown";

/// What groups a send; all sends that share it have the same rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub tenant: String,
    pub phone_number_id: Option<String>,
    pub template: Option<String>,
    pub language: Option<String>,
    /// The one that decides, in lower case.
    pub category: Option<String>,
    pub campaign: Option<String>,
    pub segment: Option<String>,
    pub country: Option<String>,
    pub orphan: bool,
}

impl Profile {
    pub(crate) fn of(fact: &Status, country: Option<&str>) -> Self {
        let template = fact.template.as_ref();
        Self {
            tenant: fact.tenant.clone(),
            phone_number_id: fact.phone_number_id.clone(),
            template: template.map(|template| template.name.clone()),
            language: template.and_then(|template| template.language.clone()),
            category: fact.category.clone(),
            campaign: fact.campaign.clone(),
            segment: fact.segment.clone(),
            country: country.map(str::to_owned),
            orphan: fact.orphan,
        }
    }

    /// Groupings of the message outcomes. A free-form send is in none by template or campaign, also if it names a campaign;
    /// an orphan is, as unknown.
    pub(crate) fn groupings(&self) -> Vec<Grouping<'_>> {
        fn known(text: Option<&String>) -> &str {
            text.map_or(UNKNOWN, String::as_str)
        }
        let mut all: Vec<Grouping> = vec![
            vec![],
            vec![("phone_number_id", known(self.phone_number_id.as_ref()))],
            vec![("category", known(self.category.as_ref()))],
            vec![("country", known(self.country.as_ref()))],
        ];
        if self.template.is_some() || self.orphan {
            let template = ("template", known(self.template.as_ref()));
            let language = ("language", known(self.language.as_ref()));
            let campaign = ("campaign", known(self.campaign.as_ref()));
            let segment = ("segment", known(self.segment.as_ref()));
            all.extend([
                vec![template, language],
                vec![template, language, segment],
                vec![campaign],
                vec![campaign, segment],
            ]);
        }
        all
    }

    pub(crate) fn is_authentication(&self) -> bool {
        self.category.as_deref() == Some("authentication")
    }
}

/// What became of a send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    #[default]
    Pending,
    Delivered,
    Read,
    /// With its place in the error classes.
    Failed(u8),
}

/// A send as it rests in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    pub revision: i64,
    pub person: Option<Box<str>>,
    /// Country as the fact had it, for a person of whom nothing else is known.
    pub country: Option<Box<str>>,
    pub profile: u64,
    /// Time of acceptance, for an orphan the earliest status; `None`: in no cohort.
    pub anchor: Option<Millis>,
    pub outcome: Outcome,
    /// In the cohort of the replies: a template or campaign send, no orphan.
    pub replies: bool,
    /// In the cohort of the opt-outs: a marketing member, also an orphan or a free-form send.
    pub marketing: bool,
    /// Delivered or read, and not failed after all.
    pub delivered_at: Option<Millis>,
    /// The platform refused it because the person stopped marketing.
    pub refused_at: Option<Millis>,
}

impl Sent {
    pub(crate) fn of(fact: &Status, profile: u64) -> Self {
        let marketing = fact.category.as_deref().is_some_and(category::is_marketing);
        let outcome = outcome(fact);
        let delivered_at = [fact.delivered_at, fact.read_at, fact.played_at]
            .into_iter()
            .flatten()
            .min();
        Self {
            revision: fact.revision,
            person: fact.person_id.as_deref().map(Box::from),
            country: fact.country.as_deref().map(Box::from),
            profile,
            anchor: if fact.orphan {
                fact.first_status_at
            } else {
                fact.accepted_at.filter(|_| fact.accepted)
            },
            outcome,
            replies: fact.accepted && (fact.template.is_some() || fact.campaign.is_some()),
            marketing: marketing && (fact.accepted || fact.orphan),
            delivered_at: delivered_at.filter(|_| matches!(outcome, Outcome::Delivered | Outcome::Read)),
            refused_at: fact.opted_out_at,
        }
    }

    /// Slots of the outcomes in which it counts.
    pub(crate) fn slots(&self) -> &'static [usize] {
        const FAILED: [[usize; 3]; ERROR_CLASSES.len()] = {
            let mut slots = [[0, 3, 0]; ERROR_CLASSES.len()];
            let mut class = 0;
            while class < slots.len() {
                slots[class][2] = 4 + class;
                class += 1;
            }
            slots
        };
        match self.outcome {
            Outcome::Pending => &[0],
            Outcome::Delivered => &[0, 1],
            Outcome::Read => &[0, 1, 2],
            Outcome::Failed(class) => FAILED.get(usize::from(class)).map_or(&[0, 3], |slots| slots.as_slice()),
        }
    }

    /// Whether persons are counted who were sent it.
    pub(crate) fn counts_persons(&self) -> bool {
        self.replies || self.marketing
    }

    pub(crate) fn horizon(&self, profile: &Profile) -> Horizon {
        match self.outcome {
            Outcome::Read | Outcome::Failed(_) => Horizon::Settled,
            Outcome::Pending | Outcome::Delivered => series::statuses(profile.is_authentication()),
        }
    }
}

fn outcome(fact: &Status) -> Outcome {
    if fact.effective_status.as_deref() == Some("failed") {
        let name = fact.error_class.as_deref().unwrap_or_default();
        let class = ERROR_CLASSES
            .iter()
            .position(|class| class.as_str() == name)
            .unwrap_or(ERROR_CLASSES.len() - 1);
        Outcome::Failed(class as u8)
    } else if fact.read_at.is_some() || fact.played_at.is_some() {
        Outcome::Read
    } else if fact.delivered_at.is_some() {
        Outcome::Delivered
    } else {
        Outcome::Pending
    }
}
