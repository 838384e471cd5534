//! Updates of an account: restrictions, bans, partners, prices.
//!
//! ```json
//! {"event": "ACCOUNT_RESTRICTION",
//!  "restriction_info": [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1641330498}]}
//! {"event": "PARTNER_REMOVED", "waba_info": {"waba_id": "980198427658004", "owner_business_id": "2329417887457253"},
//!  "disconnection_info": {"reason": "CHANGE_NUMBER", "initiated_by": "USER"}}
//! ```

use super::{Change, about};
use hilo_contracts::item::Account;
use hilo_domain::read::{id, list, owned, text};

pub(super) fn fact(change: &Change) -> Account {
    let value = change.value;
    // Events about partners stand under a portfolio and name the account inside.
    let account = value.get("waba_info").and_then(|info| id(info, "waba_id"));
    let detail = |object: &str, key: &str| value.get(object).and_then(|object| owned(object, key));
    let restrictions: Vec<&str> = list(value, "restriction_info")
        .into_iter()
        .flatten()
        .filter_map(|restriction| text(restriction, "restriction_type"))
        .collect();
    let reason = detail("violation_info", "violation_type")
        .or_else(|| detail("ban_info", "waba_ban_state"))
        .or_else(|| detail("disconnection_info", "reason"))
        .or_else(|| (!restrictions.is_empty()).then(|| restrictions.join(",")));
    let account = account.unwrap_or_else(|| change.entry_id.to_owned());
    let kind = text(value, "event").map_or(OTHER, kind_of);
    Account {
        event: owned(value, "event"),
        reason,
        portfolio_id: value.get("waba_info").and_then(|info| id(info, "owner_business_id")),
        ..about("waba", account, kind)
    }
}

/// An event of an account that nobody documents.
pub(super) const OTHER: &str = "account_update";

/// What an `account_update` is about: each is a state of its own, that the others do not end.
fn kind_of(event: &str) -> &'static str {
    match event {
        "ACCOUNT_DELETED" => "account_deleted",
        "ACCOUNT_RESTRICTION" => "restriction",
        "ACCOUNT_VIOLATION" => "violation",
        "DISABLED_UPDATE" => "ban",
        "PARTNER_ADDED" | "PARTNER_REMOVED" => "partner",
        "PARTNER_APP_INSTALLED" | "PARTNER_APP_UNINSTALLED" => "partner_app",
        "ACCOUNT_OFFBOARDED" | "ACCOUNT_RECONNECTED" => "coexistence",
        "AD_ACCOUNT_LINKED" => "ad_account",
        "MM_LITE_TERMS_SIGNED" => "marketing_terms",
        "AUTH_INTL_PRICE_ELIGIBILITY_UPDATE" => "price_eligibility",
        "VOLUME_BASED_PRICING_TIER_UPDATE" => "price_tier",
        "BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE" => "primary_location",
        "PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE" => "certification",
        "VERIFIED_ACCOUNT" => "verified_account",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use crate::account::{tests::fact, unknown};
    use serde_json::json;

    #[test]
    fn a_restriction_names_what_is_restricted() {
        let told = fact(
            "account_update",
            &json!({"event": "ACCOUNT_RESTRICTION", "restriction_info": [
                {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1_641_330_498},
                {"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"}]}),
        );
        assert_eq!(
            (told.kind.as_str(), told.subject_id.as_str(), unknown(&told)),
            ("restriction", "310", None)
        );
        assert_eq!(
            told.reason.as_deref(),
            Some("RESTRICTED_BIZ_INITIATED_MESSAGING,RESTRICTED_ADD_PHONE_NUMBER_ACTION")
        );
    }

    #[test]
    fn an_event_about_a_partner_names_the_account_and_its_owner() {
        let told = fact(
            "account_update",
            &json!({"event": "PARTNER_REMOVED", "waba_info": {"waba_id": "98", "owner_business_id": "23"},
                "disconnection_info": {"reason": "CHANGE_NUMBER"}}),
        );
        assert_eq!(
            (
                told.kind.as_str(),
                told.subject_id.as_str(),
                told.portfolio_id.as_deref()
            ),
            ("partner", "98", Some("23"))
        );
        assert_eq!(told.reason.as_deref(), Some("CHANGE_NUMBER"));
    }

    #[test]
    fn a_new_event_is_an_update_and_an_unknown_word() {
        let told = fact("account_update", &json!({"event": "OF_TOMORROW"}));
        assert_eq!(
            (told.kind.as_str(), unknown(&told)),
            ("account_update", Some("account_event"))
        );
    }
}
