//! Identifiers of people. A person is none of them: a person *has* them, for a time.

use crate::phone;
use serde::{Deserialize, Serialize};

/// Kinds of identifiers, in the order in which state files sort them by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// Business-scoped user id: one per person and business portfolio (`CL.1001`).
    Bsuid,
    /// Number of an identity document (RUT, CPF, DNI, …) that a person stated; suggests, never matched on.
    Document,
    /// E-mail address that a person stated; suggests, never matched on.
    Email,
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

    /// Whether it is a number to write to, or what the platform made of one: it can go to somebody else.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self, Self::WaId | Self::Phone)
    }

    /// The name used in topics and state files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bsuid => "bsuid",
            Self::Document => "document",
            Self::Email => "email",
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

    /// An e-mail address in the one form in which addresses are compared, small letters; `None` when `raw` holds no
    /// address with a domain, or more than an address.
    #[must_use]
    pub fn email(raw: &str) -> Option<Self> {
        let options = email_address::Options::default()
            .with_required_tld()
            .without_domain_literal()
            .without_display_text();
        let address = email_address::EmailAddress::parse_with_options(raw.trim(), options).ok()?;
        Some(Self::new(IdentifierKind::Email, address.as_str().to_lowercase()))
    }

    /// The number of an identity document in the one form in which numbers are compared: without dots, dashes, spaces
    /// and leading zeros, in capital letters. `None` when `raw` holds no such number: those have 5 to 20 letters and
    /// digits (a CURP has 18), at least five of them digits, and are no date.
    #[must_use]
    pub fn document(raw: &str) -> Option<Self> {
        if is_date(raw.trim()) {
            return None;
        }
        let value: String = raw.chars().filter(|it| !matches!(it, '.' | '-' | ' ')).collect();
        let value = value.trim_start_matches('0').to_ascii_uppercase();
        let is_number = (5..=20).contains(&value.len())
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && value.bytes().filter(u8::is_ascii_digit).count() >= 5;
        is_number.then(|| Self::new(IdentifierKind::Document, value))
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

/// Whether a text is a day in figures, the year first or last.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '.', ' ']).collect();
    let is_figure = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let lengths: Vec<usize> = parts
        .iter()
        .filter(|part| is_figure(part))
        .map(|part| part.len())
        .collect();
    parts.len() == 3 && matches!(lengths[..], [4, 1 | 2, 1 | 2] | [1 | 2, 1 | 2, 4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_has_one_form() {
        let same = Some(Identifier::new(IdentifierKind::Email, "ana.diaz+crm@example.com"));
        for written in ["ana.diaz+crm@example.com", " Ana.Diaz+CRM@Example.COM\n"] {
            assert_eq!(Identifier::email(written), same, "{written}");
        }
        for none in [
            "",
            "@",
            "ana",
            "ana@",
            "@example.com",
            "ana@localhost",
            "ana@example.com, eva@example.com",
            "Ana <ana@example.com>",
            "ana@[127.0.0.1]",
            "ana diaz@example.com",
            "mi correo es ana@example.com",
        ] {
            assert_eq!(Identifier::email(none), None, "{none}");
        }
    }

    #[test]
    fn a_document_has_one_form() {
        for (written, number) in [
            ("12.345.678-k", "12345678K"),
            ("012345678-K", "12345678K"),
            (" 12345678k ", "12345678K"),
            ("123.456.789-09", "12345678909"),
            ("20-12345678-3", "20123456783"),
            ("30.123.456", "30123456"),
            ("BADD110313HCMLNS09", "BADD110313HCMLNS09"),
        ] {
            let document = Identifier::new(IdentifierKind::Document, number);
            assert_eq!(Identifier::document(written), Some(document), "{written}");
        }
        for none in [
            "",
            "0",
            "1234",
            "00001234",
            "DNI",
            "cedula de ciudadania",
            "2026-12-01",
            "1.12.2026",
            "1 12 2026",
            "http://1234567",
            "ñ1234567",
            "123456789012345678901",
        ] {
            assert_eq!(Identifier::document(none), None, "{none}");
        }
    }

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
