//! Identifiers of people. A person is none of them: a person *has* them, for a time.

use crate::phone;
use serde::{Deserialize, Serialize};

/// Kinds of identifiers, in the order in which state files sort them by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// Business-scoped user id: one per person and business portfolio (`CL.1001`).
    Bsuid,
    /// Id of the person's record in HubSpot.
    HubspotId,
    /// Parent of business-scoped user ids, shared by the portfolios of one enterprise (`CL.ENT.…`).
    ParentBsuid,
    /// Dialable number in E.164 with its plus sign.
    Phone,
    /// Id of the person's record in Salesforce.
    SalesforceId,
    /// Display name chosen by the person; mutable, never used to match.
    Username,
    /// The platform's own id of an account, exactly as received; mostly the digits of a number.
    WaId,
}

impl IdentifierKind {
    /// Whether it stays with a person for good, as a number does not.
    #[must_use]
    pub fn is_user_id(self) -> bool {
        matches!(self, Self::Bsuid | Self::ParentBsuid)
    }

    /// The name used in topics and state files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bsuid => "bsuid",
            Self::HubspotId => "hubspot_id",
            Self::ParentBsuid => "parent_bsuid",
            Self::Phone => "phone",
            Self::SalesforceId => "salesforce_id",
            Self::Username => "username",
            Self::WaId => "wa_id",
        }
    }

    /// The kind of a text with the form of a user id, which stands where a number may stand too: two capital letters, a
    /// dot, `ENT.` for a parent, and at most 128 letters and digits. `None` for everything else.
    #[must_use]
    pub fn of_user_id(text: &str) -> Option<Self> {
        let (country, rest) = text.split_once('.')?;
        let (kind, id) = match rest.strip_prefix("ENT.") {
            Some(id) => (Self::ParentBsuid, id),
            None => (Self::Bsuid, rest),
        };
        let has_form = country.len() == 2
            && country.bytes().all(|byte| byte.is_ascii_uppercase())
            && (1..=128).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        has_form.then_some(kind)
    }
}

/// One identifier as it was seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identifier {
    /// What it is.
    pub kind: IdentifierKind,
    /// Its value: a `wa_id` exactly as received, a phone in dialable E.164.
    pub value: String,
}

impl Identifier {
    /// An identifier of `kind`.
    pub fn new(kind: IdentifierKind, value: impl Into<String>) -> Self {
        Self {
            kind,
            value: value.into(),
        }
    }

    /// A `wa_id` as received.
    pub fn wa_id(value: impl Into<String>) -> Self {
        Self::new(IdentifierKind::WaId, value)
    }

    /// A business-scoped user id.
    pub fn bsuid(value: impl Into<String>) -> Self {
        Self::new(IdentifierKind::Bsuid, value)
    }

    /// A phone number; `None` when `raw` holds no number.
    /// `region` (ISO 3166) completes a local form, one without `+` or `00`.
    #[must_use]
    pub fn phone(raw: &str, region: Option<&str>) -> Option<Self> {
        phone::dialable(raw, region).map(|value| Self::new(IdentifierKind::Phone, value))
    }

    /// The digits by which numbers match: equal for a `wa_id` and a phone that are one number by the
    /// country rules (MX 52/521, BR with and without the ninth digit). `None` when it is no number.
    #[must_use]
    pub fn number(&self) -> Option<String> {
        match self.kind {
            IdentifierKind::WaId => phone::digits_of_wa_id(&self.value).map(|digits| phone::canonical_digits(&digits)),
            IdentifierKind::Phone => Some(phone::canonical_digits(self.value.trim_start_matches('+'))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_is_told_from_a_number_by_its_form() {
        let longest = format!("CL.{}", "a".repeat(128));
        for (text, kind) in [
            ("CL.1001", Some(IdentifierKind::Bsuid)),
            ("US.ENT.118157Ab", Some(IdentifierKind::ParentBsuid)),
            (&longest, Some(IdentifierKind::Bsuid)),
            ("US.ENT", Some(IdentifierKind::Bsuid)),
            (&format!("{longest}a"), None),
            ("US.ENT.", None),
            ("US.", None),
            ("USA.1", None),
            ("us.1", None),
            ("US.1.2", None),
            ("US.1 ", None),
            ("ÑU.1", None),
            ("56961234567", None),
            ("", None),
        ] {
            assert_eq!(IdentifierKind::of_user_id(text), kind, "{text}");
        }
    }
}
