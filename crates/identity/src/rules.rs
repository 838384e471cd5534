//! The rules by which people are matched, as data with a version: what is done, what is only suggested, how sure.
//! What is in no row is never a reason: names, usernames, numbers of the business, a number that many had.

use hilo_domain::phone::PLANS_VERSION;
use serde::{Deserialize, Serialize};

/// Version of this table and of the numbering plans; raised when a rule, a confidence, a limit or a plan changes. Published
/// with each fact.
pub(crate) const VERSION: i32 = 3 + PLANS_VERSION;
/// Phones, and user ids, that a person may have after an automatic merge; beyond it is only suggested.
pub(crate) const CAP: usize = 10;
/// A number that more people than this had is shared, and so is what more of them stated: it suggests nothing.
pub(crate) const SHARED: usize = 3;
/// Others that an identifier of one person meets at most: what met more is a placeholder. A number has one user id a
/// portfolio, and another one each time it is recycled; a user id has a number for each move.
/// (Few in this crate's own tests, so that small histories reach it; tests/ and all others have the real one.)
pub(crate) const MET: usize = if cfg!(test) { 4 } else { 50 };
/// Pieces of evidence that hang together at most: more are a knot, and no people. It also bounds what one more piece costs.
pub(crate) const PIECES: usize = if cfg!(test) { 12 } else { 300 };

/// Why identifiers are one person's, or may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Hash)]
pub(crate) enum Rule {
    /// They stood together on one item.
    Together,
    /// A parent user id joins user ids.
    Parent,
    /// The platform named old and new.
    ChangeEvent,
    /// Somebody decided.
    Operator,
    /// The number was seen with another user id: from then on it is theirs.
    RecycledNumber,
    /// It met more others than anything of one person does, so it stands alone.
    Shared,
    /// It hangs together with more than people can, so it stands alone.
    Knot,
    /// The number is the same by a country's rule.
    NumberVariant,
    /// The number was seen with user ids of different portfolios.
    SameNumberOtherPortfolio,
    /// A record of a CRM names the user id.
    CrmUserId,
    /// A record of a CRM names the number.
    CrmPhone,
    /// Both stated the same identity document.
    Document,
    /// Both stated the same e-mail.
    Email,
    /// Argentina's 54 and 549 forms of a number.
    ArMobilePrefix,
    /// Two people had one number, and no change event explains it.
    SameNumber,
    /// A change event named a number that somebody else had.
    NumberTakenOver,
}

/// Name and confidence in hundredths, in the order of [`Rule`]: falling confidence of what is done, then of what is
/// suggested.
const TABLE: [(Rule, &str, i32); 16] = [
    (Rule::Together, "together", 100),
    (Rule::Parent, "parent_bsuid", 100),
    (Rule::ChangeEvent, "change_event", 100),
    (Rule::Operator, "operator", 100),
    (Rule::RecycledNumber, "recycled_number", 100),
    (Rule::Shared, "shared", 100),
    (Rule::Knot, "knot", 100),
    (Rule::NumberVariant, "number_variant", 95),
    (Rule::SameNumberOtherPortfolio, "same_number_other_portfolio", 95),
    (Rule::CrmUserId, "crm_user_id", 90),
    (Rule::CrmPhone, "crm_phone", 80),
    (Rule::Document, "document", 80),
    (Rule::Email, "email", 70),
    (Rule::ArMobilePrefix, "ar_mobile_prefix", 60),
    (Rule::SameNumber, "same_number", 60),
    (Rule::NumberTakenOver, "number_taken_over", 60),
];

impl Rule {
    /// The rule of a published name.
    pub(crate) fn of(name: &str) -> Self {
        let row = TABLE.iter().find(|(_, known, _)| *known == name);
        row.map_or(Self::Together, |(rule, _, _)| *rule)
    }

    /// Whether a person by this rule is one identifier that is no evidence.
    pub(crate) fn is_alone(self) -> bool {
        matches!(self, Self::Shared | Self::Knot)
    }

    pub(crate) fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    pub(crate) fn confidence_percent(self) -> i32 {
        TABLE[self as usize].2
    }
}

/// What speaks against a merge that a rule speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blocker {
    /// Both have user ids of their own.
    OpposingUserIds,
    /// They stated different e-mails and different documents.
    OpposingStatements,
    /// The person would have too many phones or user ids.
    Cap,
}

impl Blocker {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpposingUserIds => "opposing_user_ids",
            Self::OpposingStatements => "opposing_statements",
            Self::Cap => "cap",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_rules() {
        for (place, (rule, _, _)) in TABLE.iter().enumerate() {
            assert_eq!(*rule as usize, place, "{rule:?}");
        }
        assert!(TABLE.windows(2).all(|pair| pair[0].2 >= pair[1].2));
    }
}
