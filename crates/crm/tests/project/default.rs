//! The mapping that Hilo brings, fed by `project`: what HubSpot refuses a record without is there.

use super::{common::*, order::facts};
use hilo_crm::{Config, Target, campaigns::Campaigns, mapping::Mappings};

#[test]
fn no_record_lacks_what_hubspot_needs() {
    let target = Target {
        sink: "hubspot".to_owned(),
        mappings: Mappings::default_hubspot().unwrap(),
        campaigns: Campaigns::parse(CAMPAIGNS).unwrap(),
    };
    let config = Config {
        tenants: std::collections::BTreeMap::from([("acme".to_owned(), target)]),
        others: None,
    };
    let records = made(&config, &facts(), at("06-01T00:00:00"));
    let needed = |object: &str| -> &[&str] {
        match object {
            "contact" => &["firstname", "hs_language"],
            "ticket" => &["subject", "hs_pipeline", "hs_pipeline_stage"],
            "deal" => &["dealname", "pipeline", "dealstage"],
            "communication" => &[
                "hs_communication_channel_type",
                "hs_communication_logged_from",
                "hs_communication_body",
                "hs_timestamp",
            ],
            _ => &["hs_task_subject", "hs_timestamp"],
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    for ((object, key), held) in records.iter().filter(|(_, held)| held.kind == "desired") {
        seen.insert(object.as_str());
        for name in needed(object) {
            assert!(
                held.get(name).is_some_and(|value| !value.is_empty()),
                "{object} {key} lacks {name}: {held:?}"
            );
        }
    }
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        ["communication", "contact", "deal", "task", "ticket"]
    );
}
