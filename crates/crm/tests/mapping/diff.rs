//! What another mapping would change in a CRM.

use crate::parsed;
use hilo_crm::mapping::{DiffRecord, diff};
use hilo_crm::values::{Object, Value, Values};

fn ticket(key: &str, country: &str, reason: &str) -> DiffRecord {
    DiffRecord {
        object: Object::Ticket,
        key: key.to_owned(),
        country: Some(country.to_owned()),
        values: Values::from([("ticket.reason", Value::Text(reason.to_owned()))]),
    }
}

#[test]
fn only_records_and_fields_that_change_are_told() {
    let old = parsed("name = \"old\"\n", &[]);
    let new = parsed(
        "[ticket.fields.wa_reason]\nwrite = \"if_empty\"\n[ticket.fields.wa_bot]\noff = true\n",
        &[("CL.toml", "[catalogues.ticket_category]\nrobo = \"PRODUCT_ISSUE\"\n")],
    );
    let records = vec![ticket("gr_1", "CL", "robo"), ticket("gr_2", "MX", "robo")];
    let changes: Vec<_> = diff(&old, &new, records.clone()).collect();
    let told: Vec<(&str, Vec<_>)> = changes
        .iter()
        .map(|record| {
            let fields = record.fields.iter().map(|field| {
                (
                    field.name.as_str(),
                    field.before.as_ref().and_then(|it| it.value.as_deref()),
                    field.after.as_ref().and_then(|it| it.value.as_deref()),
                )
            });
            (record.key.as_str(), fields.collect())
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "gr_1",
                vec![
                    ("hs_ticket_category", None, Some("PRODUCT_ISSUE")),
                    ("wa_bot", None, None),
                    ("wa_reason", Some("robo"), Some("robo")),
                ]
            ),
            (
                "gr_2",
                vec![("wa_bot", None, None), ("wa_reason", Some("robo"), Some("robo"))]
            ),
        ]
    );
    let reason = &changes[0].fields[2];
    assert_eq!(reason.before.as_ref().unwrap().write, "always");
    assert_eq!(reason.after.as_ref().unwrap().write, "if_empty");
    assert!(changes[0].fields[1].before.is_some() && changes[0].fields[1].after.is_none());
    assert_eq!(changes[0].mappings, ("old+CL".to_owned(), "custom+CL".to_owned()));
    assert_eq!(diff(&new, &new, records).count(), 0);
}
