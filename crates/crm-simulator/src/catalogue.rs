//! What a new portal has: the properties that HubSpot defines, groups and pipelines.

use crate::{
    definition::{Choice, Definition, Kind, Outside},
    object::Object,
    pipeline::{Pipeline, Stage},
};
use std::collections::BTreeMap;

/// Written by the portal only.
const READ_ONLY: &str = "!";

/// Properties of an object: name, type with its form where that is not the usual one, options. `*` is unique, `!` is read-only, `@` names what defines the options.
type Rows = &'static [(&'static str, &'static str, &'static str)];

const CONTACTS: Rows = &[
    ("email", "string", "*"),
    ("firstname", "string", ""),
    ("lastname", "string", ""),
    ("phone", "string:phonenumber", ""),
    ("mobilephone", "string:phonenumber", ""),
    ("company", "string", ""),
    ("jobtitle", "string", ""),
    ("website", "string", ""),
    ("address", "string", ""),
    ("city", "string", ""),
    ("state", "string", ""),
    ("zip", "string", ""),
    ("country", "string", ""),
    ("date_of_birth", "string", ""),
    ("message", "string:textarea", ""),
    ("hs_whatsapp_phone_number", "phone_number", ""),
    ("hs_whatsapp_bsuids", "string", ""),
    (
        "hs_language",
        "enumeration",
        "ar;de;de-de;en;en-au;en-ca;en-gb;en-us;es;es-ar;es-bo;es-cl;es-co;es-cr;es-cu;es-do;es-ec;es-es;es-gt;es-hn;es-mx;es-ni;es-pa;es-pe;es-pr;es-py;es-sv;es-us;es-uy;es-ve;fr;fr-fr;it;it-it;ja;pt;pt-br;pt-pt;zh",
    ),
    (
        "hs_timezone",
        "enumeration",
        "america_slash_santiago;america_slash_bogota;america_slash_mexico_city;america_slash_sao_paulo;america_slash_lima;america_slash_buenos_aires",
    ),
    ("hs_country_region_code", "string", ""),
    ("hs_state_code", "string", ""),
    (
        "hs_lead_status",
        "enumeration",
        "NEW;OPEN;IN_PROGRESS;OPEN_DEAL;UNQUALIFIED;ATTEMPTED_TO_CONTACT;CONNECTED;BAD_TIMING",
    ),
    (
        "lifecyclestage",
        "enumeration",
        "subscriber;lead;marketingqualifiedlead;salesqualifiedlead;opportunity;customer;evangelist;other",
    ),
    (
        "hs_legal_basis",
        "enumeration:checkbox",
        "Legitimate interest – prospect/lead;Legitimate interest – existing customer;Performance of a contract;Freely given consent from contact;Not applicable",
    ),
    (
        "hs_analytics_source",
        "enumeration",
        "ORGANIC_SEARCH;PAID_SEARCH;EMAIL_MARKETING;SOCIAL_MEDIA;REFERRALS;OTHER_CAMPAIGNS;DIRECT_TRAFFIC;OFFLINE;PAID_SOCIAL",
    ),
    (
        "hs_latest_source",
        "enumeration",
        "ORGANIC_SEARCH;PAID_SEARCH;EMAIL_MARKETING;SOCIAL_MEDIA;REFERRALS;OTHER_CAMPAIGNS;DIRECT_TRAFFIC;OFFLINE;PAID_SOCIAL",
    ),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("hs_additional_emails", "string", ""),
    ("createdate", "datetime", READ_ONLY),
    ("lastmodifieddate", "datetime", READ_ONLY),
    ("hs_object_id", "number", READ_ONLY),
    ("hs_merged_object_ids", "string", READ_ONLY),
    ("hs_calculated_merged_vids", "string", READ_ONLY),
    (
        "hs_searchable_calculated_international_phone_number",
        "string",
        READ_ONLY,
    ),
];

const COMPANIES: Rows = &[
    ("name", "string", ""),
    ("domain", "string", ""),
    ("phone", "string:phonenumber", ""),
    ("city", "string", ""),
    ("country", "string", ""),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("createdate", "datetime", READ_ONLY),
    ("hs_lastmodifieddate", "datetime", READ_ONLY),
    ("hs_object_id", "number", READ_ONLY),
    ("hs_merged_object_ids", "string", READ_ONLY),
];

const DEALS: Rows = &[
    ("dealname", "string", ""),
    ("pipeline", "enumeration", "@pipelines"),
    ("dealstage", "enumeration", "@stages"),
    ("amount", "number", ""),
    ("deal_currency_code", "enumeration", "@currencies"),
    ("closedate", "datetime", ""),
    ("dealtype", "enumeration", "newbusiness;existingbusiness"),
    ("description", "string:textarea", ""),
    ("hs_priority", "enumeration", "low;medium;high"),
    ("closed_lost_reason", "string", ""),
    ("closed_won_reason", "string", ""),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("createdate", "datetime", ""),
    ("hs_lastmodifieddate", "datetime", READ_ONLY),
    ("hs_object_id", "number", READ_ONLY),
    ("hs_is_closed", "bool", READ_ONLY),
    ("hs_is_closed_won", "bool", READ_ONLY),
    ("hs_merged_object_ids", "string", READ_ONLY),
];

const TICKETS: Rows = &[
    ("subject", "string", ""),
    ("content", "string:textarea", ""),
    ("hs_pipeline", "enumeration", "@pipelines"),
    ("hs_pipeline_stage", "enumeration", "@stages"),
    ("hs_ticket_priority", "enumeration", "LOW;MEDIUM;HIGH;URGENT"),
    (
        "hs_ticket_category",
        "enumeration:checkbox",
        "PRODUCT_ISSUE;BILLING_ISSUE;FEATURE_REQUEST;GENERAL_INQUIRY",
    ),
    ("source_type", "enumeration", "CHAT;EMAIL;FORM;PHONE"),
    (
        "hs_resolution",
        "enumeration:checkbox",
        "ISSUE_FIXED;UNABLE_TO_FIX;DUPLICATE;INFO_SENT",
    ),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("createdate", "datetime", ""),
    ("closed_date", "datetime", ""),
    ("hs_lastmodifieddate", "datetime", READ_ONLY),
    ("hs_object_id", "number", READ_ONLY),
    ("hs_merged_object_ids", "string", READ_ONLY),
];

const COMMUNICATIONS: Rows = &[
    (
        "hs_communication_channel_type",
        "enumeration",
        "WHATS_APP;LINKEDIN_MESSAGE;SMS",
    ),
    ("hs_communication_logged_from", "enumeration", "CRM"),
    ("hs_communication_body", "string:html", ""),
    ("hs_timestamp", "datetime", ""),
    ("hs_body_preview", "string", READ_ONLY),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("hs_createdate", "datetime", READ_ONLY),
    ("hs_lastmodifieddate", "datetime", READ_ONLY),
    ("hs_object_id", "number", READ_ONLY),
];

const TASKS: Rows = &[
    ("hs_task_subject", "string", ""),
    ("hs_task_body", "string:html", ""),
    (
        "hs_task_status",
        "enumeration",
        "NOT_STARTED;IN_PROGRESS;WAITING;COMPLETED;DEFERRED",
    ),
    ("hs_task_priority", "enumeration", "NONE;LOW;MEDIUM;HIGH"),
    ("hs_task_type", "enumeration", "TODO;CALL;EMAIL"),
    ("hs_task_reminders", "string", ""),
    ("hs_timestamp", "datetime", ""),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("hs_createdate", "datetime", READ_ONLY),
    ("hs_lastmodifieddate", "datetime", READ_ONLY),
    ("hs_object_id", "number", READ_ONLY),
];

const NOTES: Rows = &[
    ("hs_note_body", "string:html", ""),
    ("hs_timestamp", "datetime", ""),
    ("hubspot_owner_id", "enumeration", "@owners"),
    ("hs_createdate", "datetime", READ_ONLY),
    ("hs_lastmodifieddate", "datetime", READ_ONLY),
    ("hs_object_id", "number", READ_ONLY),
];

/// The group that HubSpot's own properties of an object are in.
pub(crate) fn group(object: Object) -> String {
    format!("{}information", object.singular())
}

/// Definitions of an object in a new portal.
pub(crate) fn definitions(object: Object, now: i64) -> BTreeMap<String, Definition> {
    let rows = match object {
        Object::Contacts => CONTACTS,
        Object::Companies => COMPANIES,
        Object::Deals => DEALS,
        Object::Tickets => TICKETS,
        Object::Communications => COMMUNICATIONS,
        Object::Tasks => TASKS,
        Object::Notes => NOTES,
    };
    rows.iter()
        .zip(0..)
        .map(|(row, order)| (row.0.to_owned(), definition(object, row, order, now)))
        .collect()
}

fn definition(object: Object, row: &(&str, &str, &str), order: i64, now: i64) -> Definition {
    let (name, kind, rest) = *row;
    let (kind, form) = kind.split_once(':').unwrap_or((kind, ""));
    let kind = Kind::named(kind).unwrap_or(Kind::String);
    let outside = match rest {
        "@owners" => Outside::Owners,
        "@pipelines" => Outside::Pipelines,
        "@stages" => Outside::Stages,
        "@currencies" => Outside::Currencies,
        _ => Outside::No,
    };
    let own = kind == Kind::Enumeration && outside == Outside::No;
    let form = match kind {
        _ if !form.is_empty() => form,
        Kind::Enumeration => "select",
        Kind::String => "text",
        Kind::Number => "number",
        Kind::Bool => "booleancheckbox",
        Kind::Date | Kind::Datetime => "date",
        Kind::PhoneNumber => "phonenumber",
    };
    Definition {
        name: name.to_owned(),
        label: name.to_owned(),
        kind,
        form: form.to_owned(),
        group: group(object),
        description: String::new(),
        options: if own { choices(rest) } else { Vec::new() },
        outside,
        unique: rest == "*",
        read_only: rest == READ_ONLY,
        built_in: true,
        hidden: false,
        form_field: false,
        display_order: order,
        sensitivity: "non_sensitive".to_owned(),
        created_at: now,
        updated_at: now,
    }
}

fn choices(list: &str) -> Vec<Choice> {
    list.split(';')
        .zip(0..)
        .map(|(value, display_order)| Choice {
            label: value.to_owned(),
            value: value.to_owned(),
            display_order,
            hidden: false,
        })
        .collect()
}

/// Pipelines of an object in a new portal.
pub(crate) fn pipelines(object: Object, now: i64) -> Vec<Pipeline> {
    let stages = |rows: &[(&str, &str, &str, &str)]| {
        rows.iter()
            .zip(0..)
            .map(|((id, label, name, value), order)| Stage {
                id: (*id).to_owned(),
                label: (*label).to_owned(),
                display_order: order,
                metadata: BTreeMap::from([((*name).to_owned(), (*value).to_owned())]),
                created_at: now,
            })
            .collect()
    };
    let pipeline = |id: &str, label: &str, stages| Pipeline {
        id: id.to_owned(),
        label: label.to_owned(),
        display_order: 0,
        stages,
        created_at: now,
        updated_at: now,
    };
    match object {
        Object::Tickets => vec![pipeline(
            "0",
            "Support Pipeline",
            stages(&[
                ("1", "New", "ticketState", "OPEN"),
                ("2", "Waiting on contact", "ticketState", "OPEN"),
                ("3", "Waiting on us", "ticketState", "OPEN"),
                ("4", "Closed", "ticketState", "CLOSED"),
            ]),
        )],
        Object::Deals => vec![pipeline(
            "default",
            "Sales Pipeline",
            stages(&[
                ("appointmentscheduled", "Appointment Scheduled", "probability", "0.2"),
                ("qualifiedtobuy", "Qualified To Buy", "probability", "0.4"),
                ("contractsent", "Contract Sent", "probability", "0.9"),
                ("closedwon", "Closed Won", "probability", "1.0"),
                ("closedlost", "Closed Lost", "probability", "0.0"),
            ]),
        )],
        _ => Vec::new(),
    }
}
