//! Payloads of six countries, written by hand from the definition of the built-in mapping.

use hilo_crm::mapping::{Mappings, built_in};
use hilo_crm::values::{Kind, Object, Value, Values, source};
use hilo_domain::time::parse_rfc3339;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

const COUNTRIES: [(&str, &str); 6] = [
    ("AR", include_str!("../golden/AR.json")),
    ("BR", include_str!("../golden/BR.json")),
    ("CL", include_str!("../golden/CL.json")),
    ("CO", include_str!("../golden/CO.json")),
    ("MX", include_str!("../golden/MX.json")),
    ("PE", include_str!("../golden/PE.json")),
];

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("{json} is no text")).to_owned()
}

fn value(kind: Kind, json: &Json) -> Value {
    match kind {
        Kind::Text | Kind::Word => Value::Text(text(json)),
        Kind::Number => Value::Number(text(json)),
        Kind::Flag => Value::Flag(json.as_bool().unwrap()),
        Kind::Time => Value::Time(parse_rfc3339(&text(json)).unwrap()),
        Kind::List => Value::List(json.as_array().unwrap().iter().map(text).collect()),
        Kind::Money => Value::Money(text(&json["amount"]), json["currency"].as_str().map(str::to_owned)),
    }
}

fn object(name: &str) -> Object {
    Object::ALL.into_iter().find(|object| object.as_str() == name).unwrap()
}

fn values(record: &Json) -> Values {
    let entries = record["values"].as_object().unwrap().iter();
    entries
        .map(|(name, json)| {
            let source = source(name).unwrap_or_else(|| panic!("there is no source {name}"));
            (source.name, value(source.kind, json))
        })
        .collect()
}

#[test]
fn records_of_six_countries_have_the_fields_of_the_definition() {
    let mappings = Mappings::default_hubspot().unwrap();
    for (country, golden) in COUNTRIES {
        let golden: Json = serde_json::from_str(golden).unwrap();
        let mapping = mappings.of(Some(country));
        assert_eq!(mapping.name(), text(&golden["name"]));
        for record in golden["records"].as_array().unwrap() {
            let fields = mapping.fields(object(&text(&record["object"])), &values(record));
            let had: BTreeMap<&str, &str> = fields
                .iter()
                .filter_map(|field| Some((field.name.as_str(), field.value.as_deref()?)))
                .collect();
            let wanted: BTreeMap<&str, &str> = record["fields"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
                .collect();
            assert_eq!(had, wanted, "{country}: {}", record["values"]);
            assert!(fields.is_sorted_by(|a, b| a.name < b.name));
        }
    }
}

#[test]
fn countries_differ_in_what_matters_to_them() {
    let mappings = Mappings::default_hubspot().unwrap();
    // 2026-11-22T02:30:00Z is the evening before in all six.
    let at = parse_rfc3339("2026-11-22T02:30:00Z").unwrap();
    for (country, golden) in COUNTRIES {
        let golden: Json = serde_json::from_str(golden).unwrap();
        let mapping = mappings.of(Some(country));
        let policy = mapping.policy();
        assert_eq!(mapping.day(at), text(&golden["day"]), "{country}");
        assert_eq!(policy.first_response_target, golden["target"].as_i64(), "{country}");
        assert_eq!(
            serde_json::to_value(policy.language).unwrap(),
            golden["language"],
            "{country}"
        );
        let rule = policy.rules.iter().find(|rule| rule.name == "reschedule").unwrap();
        assert_eq!(rule.subject, text(&golden["reschedule"]), "{country}");
        let currencies = mapping.manifest().currencies;
        assert!(
            currencies.iter().any(|(code, _)| *code == text(&golden["currency"])),
            "{country}"
        );
    }
}

#[test]
fn chile_says_all_that_there_is() {
    let golden: Json = serde_json::from_str(COUNTRIES[2].1).unwrap();
    let said: BTreeSet<String> = golden["records"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|record| {
            record["fields"]
                .as_object()
                .unwrap()
                .keys()
                .map(|name| format!("{}.{name}", text(&record["object"])))
        })
        .collect();
    // What only an outgoing message, an owner of a message or task has is said by other countries.
    let elsewhere = [
        "communication.wa_agent",
        "communication.wa_campaign",
        "communication.wa_error",
        "communication.wa_status",
        "communication.wa_template",
        "communication.hubspot_owner_id",
        "task.hubspot_owner_id",
    ];
    let mapping = Mappings::default_hubspot().unwrap();
    for property in mapping.of(Some("CL")).manifest().properties {
        let path = format!("{}.{}", property.object.as_str(), property.name);
        let kept = ["wa_key", "wa_revision", "wa_alias_of"].contains(&property.name.as_str());
        assert!(
            kept || said.contains(&path) || elsewhere.contains(&path.as_str()),
            "{path}"
        );
    }
    assert_eq!(built_in().len(), 7);
}

#[test]
fn people_own_what_is_theirs() {
    let mappings = Mappings::default_hubspot().unwrap();
    let mapping = mappings.of(None);
    for (object, name, write) in [
        (Object::Contact, "wa_profile_name", "always"),
        (Object::Contact, "firstname", "if_empty"),
        (Object::Contact, "lastname", "if_empty"),
        (Object::Contact, "phone", "never_clear"),
        (Object::Contact, "hs_language", "if_empty"),
        (Object::Contact, "wa_optin_marketing", "always"),
        (Object::Ticket, "hs_pipeline_stage", "always"),
        (Object::Ticket, "hubspot_owner_id", "if_empty"),
        (Object::Ticket, "subject", "on_create"),
        (Object::Deal, "dealstage", "on_create"),
        (Object::Deal, "amount", "on_create"),
        (Object::Deal, "wa_utm_campaign", "always"),
        (Object::Communication, "wa_status", "always"),
        (Object::Task, "hs_task_status", "on_create"),
        (Object::Task, "wa_status", "always"),
    ] {
        let fields = mapping.fields(object, &Values::new());
        let field = fields.iter().find(|field| field.name == name).unwrap();
        assert_eq!(field.write, write, "{name}");
    }
}
