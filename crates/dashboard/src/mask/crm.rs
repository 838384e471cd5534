//! Words of CRMs: objects, properties, mappings, rules, and the codes of a writer with what to do about each.

use super::shown::{has_phone, is_country};
use hilo_contracts::crm_codes::{self, CODES};

/// Objects of a CRM.
pub(super) const OBJECTS: &[&str] = &["contact", "ticket", "deal", "communication", "task"];

/// CRMs.
pub(super) const SINKS: &[&str] = &["hubspot"];

/// What a record should be.
pub(super) const RECORD_KINDS: &[&str] = &["desired", "aliased", "deleted"];

/// What became of a record.
pub(super) const WRITE_KINDS: &[&str] = &[
    "written", "skipped", "deferred", "rejected", "merged", "deleted", "sink",
];

/// How a CRM is.
pub(super) const STATES: &[&str] = &["open", "paused", "stopped"];

/// Names of rules that are shipped.
const RULES: &[&str] = &["failed_send", "billing_unanswered", "reschedule", "low_rating"];

/// Beginnings of properties that Hilo or the CRM named: nobody else may use them.
const PREFIXES: &[&str] = &["wa_", "hs_", "hubspot_"];

/// Properties of the CRM's own without such a beginning.
const PROPERTIES: &[&str] = &[
    "amount",
    "city",
    "closedate",
    "content",
    "country",
    "createdate",
    "deal_currency_code",
    "dealname",
    "dealstage",
    "dealtype",
    "email",
    "firstname",
    "lastname",
    "lifecyclestage",
    "mobilephone",
    "phone",
    "pipeline",
    "subject",
];

/// The stable codes.
pub(super) fn codes() -> Vec<String> {
    CODES.iter().map(|code| code.name.to_owned()).collect()
}

/// What to do about them.
pub(super) fn actions() -> Vec<String> {
    CODES.iter().map(|code| code.action.to_owned()).collect()
}

/// Whether it is what the writer says.
pub(super) fn is_action(text: &str) -> bool {
    CODES.iter().any(|code| code.action == text)
}

/// A property that Hilo or the CRM named. One that a business named may say something of somebody.
pub(super) fn is_property(name: &str) -> bool {
    is_plain(name)
        && (PROPERTIES.contains(&name)
            || PREFIXES
                .iter()
                .any(|prefix| name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty())))
}

/// A name as CRMs give them to properties.
pub(super) fn is_plain(name: &str) -> bool {
    const LONGEST: usize = 100;
    (1..=LONGEST).contains(&name.len())
        && !has_phone(name)
        && name
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// `default`, `default+CL`.
pub(super) fn is_mapping(text: &str) -> bool {
    match text.split_once('+') {
        None => text == "default",
        Some((base, overlay)) => base == "default" && is_country(overlay),
    }
}

/// A shipped rule with its version: `low_rating@1`.
pub(super) fn is_rule(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, version)| {
        RULES.contains(&name) && (1..=3).contains(&version.len()) && version.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether a title of a step is made of words of CRMs: `contact desired`, `rejected invalid_option`, `sink paused daily`.
pub(super) fn is_title(title: &str) -> bool {
    let mut words = title.split(' ');
    let first = words.next().unwrap_or_default();
    if OBJECTS.contains(&first) {
        return words.next().is_some_and(|kind| RECORD_KINDS.contains(&kind)) && words.next().is_none();
    }
    let is_known = |word: &str| STATES.contains(&word) || crm_codes::of(word).is_some();
    WRITE_KINDS.contains(&first) && words.all(is_known)
}

/// A part of an id that names a number of a CRM: `crm:hubspot:rejected`.
pub(super) fn is_part(part: &str) -> bool {
    part == "crm" || SINKS.contains(&part) || OBJECTS.contains(&part) || WRITE_KINDS.contains(&part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_properties_are_shown_where_hilo_or_the_crm_gave_them() {
        for name in ["wa_key", "hs_pipeline_stage", "hubspot_owner_id", "firstname", "amount"] {
            assert!(is_property(name), "{name}");
        }
        for name in [
            "",
            "wa_",
            "camila_rojas",
            "wa_56961234567",
            "wa_Camila",
            "hs_ana@acme.cl",
            "motivo",
        ] {
            assert!(!is_property(name), "{name}");
        }
        assert!(is_plain("motivo_consulta") && !is_plain("Motivo") && !is_plain("tel56961234567") && !is_plain(""));
    }

    #[test]
    fn mappings_rules_and_titles_are_of_known_words() {
        assert!(is_mapping("default") && is_mapping("default+CL"));
        assert!(
            !is_mapping("camila") && !is_mapping("default+cl") && !is_mapping("camila+CL") && !is_mapping("default+")
        );
        assert!(is_rule("low_rating@1") && !is_rule("low_rating") && !is_rule("camila@1") && !is_rule("low_rating@x"));
        for title in [
            "contact desired",
            "ticket aliased",
            "written",
            "rejected invalid_option",
            "sink paused daily",
        ] {
            assert!(is_title(title), "{title}");
        }
        for title in [
            "",
            "contact",
            "contact desired camila",
            "camila desired",
            "rejected camila",
            "desired",
        ] {
            assert!(!is_title(title), "{title}");
        }
    }
}
