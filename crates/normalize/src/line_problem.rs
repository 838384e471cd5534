//! What can be wrong with a capture line, for the one who sent it. The codes are the reasons of dead letters, and a few more.

use hilo_contracts::capture::INBOX_EVENTS;

/// Why a capture line cannot become a fact, or would become one that says less than its sender means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineProblem {
    /// Stable; listed in the catalogue of codes.
    pub code: &'static str,
    /// What is wrong, as the end of a sentence about the line. It never quotes the line.
    pub error: &'static str,
    /// Path of the key that is meant: `to.phone`. Empty: the line as a whole.
    pub field: &'static str,
    /// The values, forms or keys that would be right, where they can be listed.
    pub allowed: &'static [&'static str],
}

const fn problem(
    code: &'static str,
    field: &'static str,
    error: &'static str,
    allowed: &'static [&'static str],
) -> LineProblem {
    LineProblem {
        code,
        error,
        field,
        allowed,
    }
}

/// CRMs whose records are known.
pub(crate) const CRMS: &[&str] = &["hubspot", "salesforce"];
/// Who writes outbound messages.
pub(crate) const AUTHORS: &[&str] = &["agent", "bot", "automation", "campaign"];
/// Keys that name a person.
const PERSON: &[&str] = &["phone", "user_id", "wa_id", "parent_user_id"];
/// Keys that name a side of a decision.
const SIDE: &[&str] = &[
    "phone",
    "user_id",
    "wa_id",
    "parent_user_id",
    "hubspot_id",
    "salesforce_id",
];
const PHONE: &[&str] = &["+56961234567, or a local form where tenants.<name>.country is set"];
const INSTANT: &[&str] = &["2026-05-04T13:00:00Z"];

pub(crate) const NOT_UTF8: LineProblem = problem("not_utf8", "", "is no UTF-8", &[]);
pub(crate) const NOT_JSON: LineProblem = problem("not_json", "", "is no JSON", &[]);
pub(crate) const UNKNOWN_SOURCE: LineProblem = problem(
    "unknown_source",
    "source",
    "is no JSON object of a known source",
    &["outbound", "inbox", "crm", "platform", "clock", "identity"],
);
pub(crate) const BAD_TIME: LineProblem = problem("bad_time", "at", "has an at that is no instant", INSTANT);
pub(crate) const FROM_THE_FUTURE: LineProblem = problem(
    "from_the_future",
    "at",
    "has an at more than 5 minutes after its receipt",
    &["a time that has been"],
);
pub(crate) const NO_TIME: LineProblem = problem("no_time", "at", "has no at, which says when it counts from", INSTANT);
pub(crate) const NO_ID: LineProblem = problem(
    "no_id",
    "message_id",
    "names neither a message nor the data that was stamped on the send",
    &["message_id", "biz_opaque_callback_data", "command_id"],
);
pub(crate) const NO_EVENT: LineProblem = problem("no_event", "event", "has no event", &[]);
pub(crate) const NO_INBOX_EVENT: LineProblem = problem("no_event", "event", "has no event", &INBOX_EVENTS);
pub(crate) const NO_DECISION: LineProblem = problem("no_event", "event", "has no event", DECISIONS);
pub(crate) const UNKNOWN_INBOX_EVENT: LineProblem = problem(
    "unknown_event",
    "event",
    "has an event that no inbox has",
    &INBOX_EVENTS,
);
pub(crate) const UNKNOWN_DECISION: LineProblem =
    problem("unknown_event", "event", "has an event that is no decision", DECISIONS);
pub(crate) const NO_USER: LineProblem = problem("no_person", "user", "names nobody under user", PERSON);
pub(crate) const NO_USER_SIDE: LineProblem = problem("no_person", "user", "names nobody under user", SIDE);
pub(crate) const NO_OTHER_SIDE: LineProblem = problem("no_person", "other", "names nobody under other", SIDE);
pub(crate) const NO_RECIPIENT: LineProblem = problem(
    "no_person",
    "to",
    "names nobody under to",
    &["phone", "user_id", "wa_id", "parent_user_id", "group_id"],
);
pub(crate) const BAD_PHONE_OF_TO: LineProblem =
    problem("bad_phone", "to.phone", "has a phone that is no phone number", PHONE);
pub(crate) const BAD_PHONE_OF_USER: LineProblem =
    problem("bad_phone", "user.phone", "has a phone that is no phone number", PHONE);
pub(crate) const BAD_PHONE_OF_OTHER: LineProblem =
    problem("bad_phone", "other.phone", "has a phone that is no phone number", PHONE);
pub(crate) const UNKNOWN_AUTHOR: LineProblem = problem(
    "unknown_author",
    "author.kind",
    "has an author of no known kind",
    AUTHORS,
);
pub(crate) const UNKNOWN_SYSTEM: LineProblem =
    problem("unknown_system", "system", "comes from a CRM that is not known", CRMS);
pub(crate) const NO_ACTOR: LineProblem = problem("no_actor", "actor", "does not say who decided", &[]);
pub(crate) const NO_SUBJECT: LineProblem = problem(
    "no_number_or_template",
    "number",
    "is about no number and no template",
    &["number", "template"],
);
pub(crate) const TWO_SUBJECTS: LineProblem = problem(
    "number_and_template",
    "template",
    "is about a number and a template: send two lines",
    &["number", "template"],
);
pub(crate) const NO_NUMBER_ID: LineProblem = problem(
    "no_number_id",
    "number.id",
    "does not say which number it is about",
    &[],
);
pub(crate) const NO_TEMPLATE_ID: LineProblem = problem(
    "no_template_id",
    "template.id",
    "does not say which template it is about",
    &[],
);

/// As `Ruling` writes them.
const DECISIONS: &[&str] = &["merge", "unmerge", "reject", "split"];

impl LineProblem {
    /// All that [`crate::check`] can find, for the catalogue of codes.
    pub const ALL: [Self; 26] = [
        NOT_UTF8,
        NOT_JSON,
        UNKNOWN_SOURCE,
        BAD_TIME,
        FROM_THE_FUTURE,
        NO_TIME,
        NO_ID,
        NO_EVENT,
        NO_INBOX_EVENT,
        NO_DECISION,
        UNKNOWN_INBOX_EVENT,
        UNKNOWN_DECISION,
        NO_USER,
        NO_USER_SIDE,
        NO_OTHER_SIDE,
        NO_RECIPIENT,
        BAD_PHONE_OF_TO,
        BAD_PHONE_OF_USER,
        BAD_PHONE_OF_OTHER,
        UNKNOWN_AUTHOR,
        UNKNOWN_SYSTEM,
        NO_ACTOR,
        NO_SUBJECT,
        TWO_SUBJECTS,
        NO_NUMBER_ID,
        NO_TEMPLATE_ID,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_contracts::item::Ruling;

    #[test]
    fn decisions_are_the_rulings() {
        assert_eq!(DECISIONS, Ruling::ALL.map(Ruling::as_str));
    }
}
