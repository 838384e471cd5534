//! What is known of HubSpot's own properties before a portal is asked.

use crate::values::Object;

/// A property that every portal has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Native {
    pub(super) object: Object,
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) field_type: &'static str,
    /// Options that no portal can change; empty: none are known.
    pub(super) options: &'static [&'static str],
    /// Whether records without it are refused, or useless.
    pub(super) needed: bool,
}

macro_rules! natives {
    ($($object:ident $name:literal $kind:literal $field_type:literal $needed:literal [$($option:literal)*];)*) => {
        const NATIVES: &[Native] = &[$(Native {
            object: Object::$object, name: $name, kind: $kind, field_type: $field_type, options: &[$($option),*],
            needed: $needed,
        }),*];
    };
}

natives! {
    Contact "firstname" "string" "text" false [];
    Contact "lastname" "string" "text" false [];
    Contact "email" "string" "text" false [];
    Contact "phone" "string" "phonenumber" false [];
    Contact "mobilephone" "string" "phonenumber" false [];
    Contact "hs_whatsapp_phone_number" "phone_number" "phonenumber" false [];
    Contact "country" "string" "text" false [];
    Contact "hs_language" "enumeration" "select" false [];
    Contact "hubspot_owner_id" "enumeration" "select" false [];
    Ticket "subject" "string" "text" true [];
    Ticket "content" "string" "textarea" false [];
    Ticket "hs_pipeline" "enumeration" "select" false [];
    Ticket "hs_pipeline_stage" "enumeration" "select" true [];
    Ticket "hs_ticket_category" "enumeration" "select" false [];
    Ticket "hs_ticket_priority" "enumeration" "select" false ["LOW" "MEDIUM" "HIGH" "URGENT"];
    Ticket "hubspot_owner_id" "enumeration" "select" false [];
    Deal "dealname" "string" "text" true [];
    Deal "pipeline" "enumeration" "select" true [];
    Deal "dealstage" "enumeration" "select" true [];
    Deal "amount" "number" "number" false [];
    Deal "deal_currency_code" "enumeration" "select" false [];
    Deal "closedate" "datetime" "date" false [];
    Deal "hubspot_owner_id" "enumeration" "select" false [];
    Communication "hs_communication_channel_type" "enumeration" "select" true ["WHATS_APP" "LINKEDIN_MESSAGE" "SMS"];
    Communication "hs_communication_logged_from" "enumeration" "select" true ["CRM"];
    Communication "hs_communication_body" "string" "html" true [];
    Communication "hs_timestamp" "datetime" "date" true [];
    Communication "hubspot_owner_id" "enumeration" "select" false [];
    Task "hs_task_subject" "string" "text" true [];
    Task "hs_task_body" "string" "html" false [];
    Task "hs_task_status" "enumeration" "select" false ["NOT_STARTED" "IN_PROGRESS" "WAITING" "COMPLETED" "DEFERRED"];
    Task "hs_task_priority" "enumeration" "select" false ["NONE" "LOW" "MEDIUM" "HIGH"];
    Task "hs_task_type" "enumeration" "select" false ["TODO" "CALL" "EMAIL"];
    Task "hs_timestamp" "datetime" "date" true [];
    Task "hubspot_owner_id" "enumeration" "select" false [];
}

/// HubSpot's own property of a name.
pub(super) fn native(object: Object, name: &str) -> Option<&'static Native> {
    NATIVES
        .iter()
        .find(|native| native.object == object && native.name == name)
}

/// Properties without which records of the object are refused.
pub(super) fn needed(object: Object) -> impl Iterator<Item = &'static Native> {
    NATIVES
        .iter()
        .filter(move |native| native.object == object && native.needed)
}

/// Properties that the writer itself keeps: our key, the revision last written, and the key of the record that a
/// merged one is part of.
pub(super) const RESERVED: [&str; 3] = ["wa_key", "wa_revision", "wa_alias_of"];

/// Most characters of a text.
pub(super) const LONGEST_TEXT: usize = 65_536;
/// Most characters of an internal name.
pub(super) const LONGEST_NAME: usize = 100;
/// Most characters of a label or an option's value.
pub(super) const LONGEST_LABEL: usize = 250;
