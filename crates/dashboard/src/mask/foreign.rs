//! The platform's JSON and our capture lines: bodies and the contents of items. Keys are shown that the platform documents
//! or a capture line has, values by length, but for closed vocabularies, times and business ids at known places.

use super::{
    rules::{Rules, keys},
    shown::{Shown, by_length},
    words::{AUTHORS, CATEGORIES, FIELDS, MESSAGE_TYPES, STATUSES},
};
use hilo_contracts::capture::INBOX_EVENTS;
use serde_json::Value;
use std::{collections::BTreeMap, sync::LazyLock};

/// Names of keys that the platform documents, and of our capture lines.
const KEYS: &str = "accepted_at acknowledged actor ad_account_linked address addresses agent amount animated at audio \
    auth_international_rate_eligibility author ban_info billable birthday biz_opaque_callback_data body bot button \
    button_reply call_permission_reply calls campaign caption catalog_id category changes chunk_order city \
    client_business_id close_reason closed_at code command_id contacts context conversation count country country_code \
    created_timestamp ctwa_clid currency current_limit deal_id decision definition delivered_at description detail details \
    dimensions direction disable_date disable_info disconnection_info display_phone_number document duration edit \
    effective_month email emails emoji end_time entry error_class error_codes error_data errors event exception_countries \
    expects_reply expiration expiration_timestamp expires_at failed_at field file filename first_name flows formatted_name \
    forwarded frequently_forwarded from from_parent_user_id from_user_id group_id groups handled_by hash headline history \
    history_context href id identifiers identity image image_url initiated_by intent interactive invite_link is_final \
    is_permanent item_price joined_participants kind language last_name latitude level link list_reply location longitude \
    max_daily_conversations_per_business max_phone_numbers_per_business media_type message message_echoes message_id \
    message_template_button_phone_number message_template_button_text message_template_button_type \
    message_template_button_url message_template_buttons message_template_category message_template_element \
    message_template_footer message_template_id message_template_language message_template_name message_template_title \
    messages messaging_product metadata metric middle_name mime_type mood name new_category new_quality_score nfm_reply \
    number object opened_at opened_by order org origin original_message_id other other_info outcome owner_business_id \
    owner_kind parent_user_id partner_app_id partner_client_certification_info payload payment person phase phone \
    phone_number phone_number_id phones played_at prefix previous_category previous_quality_score pricing pricing_category \
    pricing_model product_items product_retailer_id profile progress quality_rating quantity queue rating reaction read_at \
    reason received_at recipient_id recipient_participant_id recipient_participant_parent_user_id \
    recipient_participant_user_id recipient_type recipient_user_id recommendation referral referred_product region \
    rejection_info rejection_reason rejection_reasons reply_to requested_verified_name response response_json \
    response_source restriction_info restriction_type revoke scale score sdp sdp_type segment sent_at session sha256 \
    signup_id slots solution_id solution_partner_business_ids source source_id source_type source_url stage start_time \
    state state_sync status statuses sticker street subject_id subject_kind suffix system tags template tenant text threads \
    thumbnail_url tier tier_update_time time timestamp title to to_parent_user_id to_user_id transaction type unsupported \
    url urls user user_actions user_id user_id_update user_preferences username value vcard video video_url violation_info \
    violation_type voice volume_tier_info wa_id waba_ban_date waba_ban_state waba_id waba_info window wrap_up_seconds zip";

/// Lists of elements in a value of a webhook.
const ELEMENTS: &[&str] = &[
    "messages[]",
    "message_echoes[]",
    "statuses[]",
    "user_actions[]",
    "calls[]",
    "groups[]",
    "history[].threads[].messages[]",
    "state_sync[]",
    "user_preferences[]",
    "automatic_events[]",
    "user_id_update[]",
];

static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names: Vec<&str> = KEYS.split_whitespace().collect();
    names.sort_unstable();
    names
});

/// What is shown at the paths of an element, a line or a value.
static PLACES: LazyLock<Rules> = LazyLock::new(|| {
    let mut rules = BTreeMap::new();
    let mut add = |paths: &[&str], shown: &Shown| {
        for path in paths {
            rules.insert((*path).to_owned(), shown.clone());
        }
    };
    add(&["type"], &Shown::words(MESSAGE_TYPES));
    add(&["status"], &Shown::words(STATUSES));
    add(&["object"], &Shown::words(&["whatsapp_business_account"]));
    add(&["messaging_product"], &Shown::words(&["whatsapp"]));
    add(&["field"], &Shown::words(FIELDS));
    add(
        &["source"],
        &Shown::words(&["whatsapp", "outbound", "inbox", "crm", "platform", "identity", "clock"]),
    );
    add(&["author.kind"], &Shown::words(AUTHORS));
    add(&["recipient_type"], &Shown::words(&["individual", "group"]));
    add(
        &["interactive.type"],
        &Shown::words(&["button_reply", "list_reply", "nfm_reply", "call_permission_reply"]),
    );
    add(
        &[
            "pricing.category",
            "conversation.origin.type",
            "template.category",
            "pricing_category",
        ],
        &Shown::words(CATEGORIES),
    );
    add(
        &["pricing.type"],
        &Shown::words(&["regular", "free_customer_service", "free_entry_point"]),
    );
    add(&["pricing.pricing_model"], &Shown::words(&["PMP", "CBP"]));
    add(&["referral.source_type"], &Shown::words(&["ad", "post"]));
    add(&["event"], &Shown::words(&INBOX_EVENTS));
    add(
        &["event"],
        &Shown::words(&[
            "deal_won",
            "deal_lost",
            "deal_stage_changed",
            "contact_merged",
            "contact_deleted",
            "merge",
            "reject",
            "split",
            "unmerge",
            "connect",
            "terminate",
        ]),
    );
    add(
        &[
            "timestamp",
            "time",
            "at",
            "received_at",
            "opened_at",
            "conversation.expiration_timestamp",
        ],
        &Shown::Time,
    );
    add(&["errors[].code", "score", "scale"], &Shown::Number);
    add(
        &["metadata.phone_number_id", "phone_number_id", "waba_id"],
        &Shown::Business,
    );
    add(&["template.language", "template.language.code"], &Shown::Language);
    add(&["tenant"], &Shown::Tenant);
    add(
        &[
            "id",
            "message_id",
            "from",
            "from_user_id",
            "to_user_id",
            "recipient_id",
            "recipient_user_id",
            "wa_id",
            "user_id",
            "user.phone",
            "user.user_id",
            "to.phone",
            "to.user_id",
            "other.phone",
            "other.user_id",
            "context.id",
            "context.from",
            "reaction.message_id",
            "contacts[].wa_id",
            "contacts[].user_id",
            "reply_to",
            "metadata.display_phone_number",
        ],
        &Shown::Personal,
    );
    Rules::new(rules)
});

/// All known keys.
#[cfg(test)]
pub(super) fn names() -> Vec<&'static str> {
    NAMES.clone()
}

/// JSON in a text; by length where it is none.
pub(super) fn text(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(inner @ (Value::Object(_) | Value::Array(_))) => value(&inner),
        _ => by_length(text).into(),
    }
}

/// A foreign value.
pub(super) fn value(value: &Value) -> Value {
    masked(value, "")
}

fn masked(value: &Value, path: &str) -> Value {
    let shown = || place(path);
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) => shown().number(number),
        Value::String(text) => shown().text(text).into(),
        Value::Array(items) => {
            let path = format!("{path}[]");
            items.iter().map(|item| masked(item, &path)).collect()
        }
        Value::Object(fields) => keys(
            fields,
            |name| NAMES.binary_search(&name).is_ok(),
            |name, inner| {
                let below = if path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{path}.{name}")
                };
                masked(inner, &below)
            },
        ),
    }
}

/// How a path is shown: below the value of a webhook and below its elements as in an element of its own.
fn place(path: &str) -> &'static Shown {
    let path = path.strip_prefix("body.").unwrap_or(path);
    let path = path.strip_prefix("entry[].").unwrap_or(path);
    let path = path.strip_prefix("changes[].").unwrap_or(path);
    let path = path.strip_prefix("value.").unwrap_or(path);
    let element = ELEMENTS
        .iter()
        .find_map(|list| path.strip_prefix(list)?.strip_prefix('.'))
        .unwrap_or(path);
    PLACES.at(element).unwrap_or(&Shown::Length)
}
