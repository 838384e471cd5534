//! What is about the portal: owners, details, currencies, limits, rules of values.

use super::{Call, properties};
use crate::{answer::Answer, failure::Failure, object::Object, portal::Portal};
use axum::http::Method;
use hilo_domain::time::to_rfc3339;
use serde_json::{Value, json};

/// Currencies that can be enabled.
const CODES: [&str; 15] = [
    "ARS", "BOB", "BRL", "CLF", "CLP", "COP", "CRC", "EUR", "GBP", "GTQ", "MXN", "PEN", "PYG", "USD", "UYU",
];
/// Records and properties that a portal may have, roughly as a Pro one.
const MOST_RECORDS: u64 = 15_000_000;
const MOST_PROPERTIES: usize = 1_000;

pub(super) fn call(portal: &mut Portal, call: &Call<'_>, parts: &[&str]) -> Result<Answer, Failure> {
    if call.method != Method::GET {
        return Err(Failure::no_address());
    }
    let body = match parts {
        ["crm", "owners"] => json!({"results": owners(portal, call.param("email"))}),
        ["crm", "owners", id] => owners(portal, None)
            .into_iter()
            .find(|owner| owner["id"] == **id)
            .ok_or_else(|| Failure::no_record(id))?,
        ["crm", "property-validations", name] => {
            let object = Object::named(name)
                .ok_or_else(|| Failure::invalid(format!("Unable to infer object type from: {name}")))?;
            json!({"results": properties::validations(portal, call.version, object)})
        }
        ["crm", "limits", "records"] => limits(portal, "records"),
        ["crm", "limits", "custom-properties"] => limits(portal, "custom-properties"),
        ["crm", "limits", "pipelines"] => limits(portal, "pipelines"),
        ["account-info", "details"] => details(portal),
        ["account-info", "api-usage", "daily", "private-apps"] => json!({"results": [{
            "name": "private-apps-api-calls-daily", "usageLimit": portal.options.daily,
            "currentUsage": portal.rate.used(), "collectedAt": to_rfc3339(portal.now()), "fetchStatus": "SUCCESS",
        }]}),
        ["settings", "currencies", "codes"] => json!({
            "results": CODES.map(|code| json!({"currencyCode": code, "currencyName": code})),
        }),
        ["settings", "currencies", "company-currency"] => json!({"currencyCode": portal.options.currencies.first()}),
        ["settings", "currencies", "exchange-rates"] | ["settings", "currencies", "exchange-rates", "current"] => {
            json!({"results": rates(portal)})
        }
        _ => return Err(Failure::no_address()),
    };
    Ok(Answer::json(200, body))
}

fn owners(portal: &Portal, email: Option<&str>) -> Vec<Value> {
    let began = to_rfc3339(0);
    let owners = portal.options.owners.iter();
    owners
        .filter(|owner| email.is_none_or(|email| owner.email.eq_ignore_ascii_case(email)))
        .map(|owner| {
            json!({
                "id": owner.id.to_string(), "email": owner.email, "type": "PERSON", "archived": false,
                "firstName": owner.first_name, "lastName": owner.last_name, "userId": owner.id,
                "userIdIncludingInactive": owner.id, "createdAt": began, "updatedAt": began,
            })
        })
        .collect()
}

fn details(portal: &Portal) -> Value {
    let options = &portal.options;
    let offset = portal
        .zone()
        .to_offset(jiff::Timestamp::from_millisecond(portal.now()).unwrap_or_default());
    let minutes = offset.seconds() / 60;
    json!({
        "portalId": options.portal_id, "accountType": "STANDARD", "timeZone": options.time_zone,
        "companyCurrency": options.currencies.first(), "additionalCurrencies": options.currencies.iter().skip(1).collect::<Vec<_>>(),
        "utcOffset": format!("{}{:02}:{:02}", if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60),
        "utcOffsetMilliseconds": i64::from(offset.seconds()) * 1_000, "dataHostingLocation": "na1",
    })
}

fn rates(portal: &Portal) -> Vec<Value> {
    let Some((own, others)) = portal.options.currencies.split_first() else {
        return Vec::new();
    };
    let at = to_rfc3339(0);
    others
        .iter()
        .zip(1..)
        .map(|(code, id)| {
            json!({
                "id": id.to_string(), "fromCurrencyCode": code, "toCurrencyCode": own, "conversionRate": 1.0,
                "visibleInUI": true, "effectiveAt": at, "createdAt": at, "updatedAt": at,
            })
        })
        .collect()
}

fn limits(portal: &Portal, what: &str) -> Value {
    let rows = portal.tables.iter().map(|(object, table)| {
        let (usage, limit) = match what {
            "records" => (table.records.len() as u64, MOST_RECORDS),
            "pipelines" => (table.pipelines.len() as u64, 100),
            _ => {
                let own = table.definitions.values().filter(|one| !one.built_in).count();
                (own as u64, MOST_PROPERTIES as u64)
            }
        };
        json!({
            "objectTypeId": object.type_id(), "singularLabel": object.singular(), "pluralLabel": object.name(),
            "usage": usage, "limit": limit, "percentage": usage as f64 * 100.0 / limit as f64,
        })
    });
    match what {
        "records" => json!({"hubspotDefinedObjectTypes": rows.collect::<Vec<_>>(), "customObjectTypes": []}),
        "pipelines" => json!({"hubspotDefinedObjectTypes": rows.collect::<Vec<_>>()}),
        _ => json!({"byObjectType": rows.collect::<Vec<_>>()}),
    }
}
