//! The stable codes of `hilo.crm_write`, and what to do about each: data, shown on pages and in runbooks.

/// One code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Its name, for ever.
    pub name: &'static str,
    /// What to do, one sentence. Never quotes the CRM: its texts may hold personal data.
    pub action: &'static str,
}

/// The entry of a code.
#[must_use]
pub fn of(name: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.name == name)
}

/// What to do about a code.
#[must_use]
pub fn action(name: &str) -> Option<&'static str> {
    of(name).map(|code| code.action)
}

macro_rules! codes {
    ($($name:literal $action:literal;)*) => {
        /// All of them.
        pub const CODES: &[Code] = &[$(Code { name: $name, action: $action }),*];
    };
}

codes! {
    "missing_property" "Run `hilo crm apply`, or take the field out of the mapping; then retry the code.";
    "invalid_option" "Add the option to the property in the CRM, or map the value to one that it has; then retry the code.";
    "invalid_value" "Change the transform of the field in the mapping to the property's type; then retry the code.";
    "too_long" "Shorten the field in the mapping; then retry the code.";
    "read_only_property" "The CRM computes this property: take it out of the mapping; then retry the code.";
    "required_property" "A rule of the CRM asks for this property: map it, or relax the rule; then retry the code.";
    "invalid_stage" "Name a pipeline and a stage that the CRM has in the mapping; then retry the code.";
    "currency_disabled" "Enable the currency in the CRM's settings, or map it to another one; then retry the code.";
    "unknown_label" "Create the pipeline, stage or owner in the CRM, or change the name in the mapping; then retry the code.";
    "unknown_object" "This release does not write that object: upgrade the writer, or take it out of the mapping.";
    "unique_conflict" "Another record of ours holds a unique value of this one: look at both in the CRM and merge or correct; then retry it.";
    "parent_missing" "The record that this one belongs to is not in the CRM: see what became of it; then retry this one.";
    "parent_rejected" "The record that this one belongs to was rejected: mend that one, and this one follows by itself.";
    "parent_deleted" "The record that this one belongs to was deleted: nothing is to be done unless that was a mistake.";
    "too_many_identities" "The CRM cannot merge so many records into one: merge or split by hand there.";
    "refused" "The CRM refuses the record without a reason that is known here: try it by hand in the CRM; then retry it.";
    "no_result" "The CRM said yes and did nothing, several times: report it to the vendor; then retry it.";
    "kept_failing" "The CRM failed on this record alone, many times: try it by hand in the CRM; then retry it.";
    "locked" "The CRM is busy with this record: nothing is to be done, it is tried again.";
    "vanished" "Somebody removed the record in the CRM: nothing is to be done, it is written anew.";
    "not_found" "The CRM no longer has a record that it had: nothing is to be done, it is looked up again.";
    "no_parent_yet" "The record that this one belongs to is not in the CRM yet: nothing is to be done, it is looked up again.";
    "rate" "The CRM's limit of calls is reached: nothing is to be done, it goes on by itself.";
    "daily" "The calls of the day are used up: raise the limit in the CRM, or write less; it goes on at the portal's midnight.";
    "unavailable" "The CRM fails: look at its status page; it goes on by itself.";
    "timeout" "The CRM does not answer in time: look at its status page; it goes on by itself.";
    "unreachable" "The CRM cannot be reached: check the network and the address in the configuration.";
    "unauthorized" "The CRM does not accept the token: put a valid one in the configuration, and restart the writer.";
    "missing_scope" "The token lacks a scope: add it in the CRM; the writer notices by itself.";
    "no_sink" "The configuration has no CRM of this name for the tenant: add it, or take the mapping away.";
    "test_record" "A test of the platform is never written: nothing is to be done.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_code_is_there_once_and_says_what_to_do_in_one_sentence() {
        let names: BTreeSet<&str> = CODES.iter().map(|code| code.name).collect();
        assert_eq!(names.len(), CODES.len());
        for code in CODES {
            assert!(code.action.ends_with('.') && code.action.len() > 30, "{}", code.name);
        }
    }
}
