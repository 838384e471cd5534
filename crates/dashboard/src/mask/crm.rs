//! Words of CRMs: objects, properties, mappings, rules, and the codes of a writer with what to do about each.

use super::shown::{has_phone, is_country};

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

/// The codes of the writer, each with the sentence that says what to do. A test holds them against the writer's own.
const CODES: &[(&str, &str)] = &[
    (
        "missing_property",
        "Run `hilo crm apply`, or take the field out of the mapping; then retry the code.",
    ),
    (
        "invalid_option",
        "Add the option to the property in the CRM, or map the value to one that it has; then retry the code.",
    ),
    (
        "invalid_value",
        "Change the transform of the field in the mapping to the property's type; then retry the code.",
    ),
    ("too_long", "Shorten the field in the mapping; then retry the code."),
    (
        "read_only_property",
        "The CRM computes this property: take it out of the mapping; then retry the code.",
    ),
    (
        "required_property",
        "A rule of the CRM asks for this property: map it, or relax the rule; then retry the code.",
    ),
    (
        "invalid_stage",
        "Name a pipeline and a stage that the CRM has in the mapping; then retry the code.",
    ),
    (
        "currency_disabled",
        "Enable the currency in the CRM's settings, or map it to another one; then retry the code.",
    ),
    (
        "unknown_label",
        "Create the pipeline, stage or owner in the CRM, or change the name in the mapping; then retry the code.",
    ),
    (
        "unknown_object",
        "This release does not write that object: upgrade the writer, or take it out of the mapping.",
    ),
    (
        "unique_conflict",
        "Another record of ours holds a unique value of this one: look at both in the CRM and merge or correct; then retry it.",
    ),
    (
        "parent_missing",
        "The record that this one belongs to is not in the CRM: see what became of it; then retry this one.",
    ),
    (
        "parent_rejected",
        "The record that this one belongs to was rejected: mend that one, and this one follows by itself.",
    ),
    (
        "parent_deleted",
        "The record that this one belongs to was deleted: nothing is to be done unless that was a mistake.",
    ),
    (
        "too_many_identities",
        "The CRM cannot merge so many records into one: merge or split by hand there.",
    ),
    (
        "refused",
        "The CRM refuses the record without a reason that is known here: try it by hand in the CRM; then retry it.",
    ),
    (
        "no_result",
        "The CRM said yes and did nothing, several times: report it to the vendor; then retry it.",
    ),
    (
        "kept_failing",
        "The CRM failed on this record alone, many times: try it by hand in the CRM; then retry it.",
    ),
    (
        "locked",
        "The CRM is busy with this record: nothing is to be done, it is tried again.",
    ),
    (
        "vanished",
        "Somebody removed the record in the CRM: nothing is to be done, it is written anew.",
    ),
    (
        "not_found",
        "The CRM no longer has a record that it had: nothing is to be done, it is looked up again.",
    ),
    (
        "no_parent_yet",
        "The record that this one belongs to is not in the CRM yet: nothing is to be done, it is looked up again.",
    ),
    (
        "rate",
        "The CRM's limit of calls is reached: nothing is to be done, it goes on by itself.",
    ),
    (
        "daily",
        "The calls of the day are used up: raise the limit in the CRM, or write less; it goes on at the portal's midnight.",
    ),
    (
        "unavailable",
        "The CRM fails: look at its status page; it goes on by itself.",
    ),
    (
        "timeout",
        "The CRM does not answer in time: look at its status page; it goes on by itself.",
    ),
    (
        "unreachable",
        "The CRM cannot be reached: check the network and the address in the configuration.",
    ),
    (
        "unauthorized",
        "The CRM does not accept the token: put a valid one in the configuration, and restart the writer.",
    ),
    (
        "missing_scope",
        "The token lacks a scope: add it in the CRM; the writer notices by itself.",
    ),
    (
        "no_sink",
        "The configuration has no CRM of this name for the tenant: add it, or take the mapping away.",
    ),
    (
        "test_record",
        "A test of the platform is never written: nothing is to be done.",
    ),
];

/// The stable codes.
pub(super) fn codes() -> Vec<String> {
    CODES.iter().map(|(code, _)| (*code).to_owned()).collect()
}

/// What to do about them.
pub(super) fn actions() -> Vec<String> {
    CODES.iter().map(|(_, action)| (*action).to_owned()).collect()
}

/// Whether it is what the writer says.
pub(super) fn is_action(text: &str) -> bool {
    CODES.iter().any(|(_, action)| *action == text)
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
    let is_known = |word: &str| STATES.contains(&word) || CODES.iter().any(|(code, _)| *code == word);
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
    fn the_codes_are_those_of_the_writer() {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../crm-writer/src/codes.rs");
        let source = std::fs::read_to_string(source).unwrap();
        let table = source
            .split_once("\ncodes! {\n")
            .unwrap()
            .1
            .split_once("\n}")
            .unwrap()
            .0;
        let theirs: Vec<&str> = table
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with('"'))
            .collect();
        let ours: Vec<String> = CODES
            .iter()
            .map(|(code, action)| format!("\"{code}\" \"{action}\";"))
            .collect();
        assert_eq!(ours, theirs);
    }

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
