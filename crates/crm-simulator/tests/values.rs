//! Values that fit, what a new record needs, and whose a unique value is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use hilo_crm_simulator::{Conflicts, HubSpot, Object, Options};
use serde_json::{Value, json};
use support::{Answer, V, contact, input, portal, post, standing, ticket, ticket_properties, untraced, upsert};

/// One upsert of one record.
async fn one(hubspot: &HubSpot, object: &str, properties: Value) -> Answer {
    upsert(hubspot, object, vec![untraced("k1", properties)]).await
}

/// A contact, and the answer to whoever creates another one with its key.
async fn taken(hubspot: &HubSpot) -> (String, Answer) {
    let holder = contact(hubspot, "k1").await;
    let another = json!({"properties": {"wa_key": "k1"}});
    let answer = post(hubspot, &format!("/crm/objects/{V}/contacts"), another).await;
    (holder, answer)
}

#[tokio::test]
async fn all_values_are_texts() {
    let hubspot = portal(standing()).await;
    for value in [json!(1), json!(true), json!(null), json!(["a"])] {
        // Not even trace ids save a batch of the wrong form.
        let answer = upsert(&hubspot, "contacts", vec![input("k1", json!({"firstname": value}))]).await;
        assert_eq!((answer.status, answer.category()), (400, "VALIDATION_ERROR"), "{value}");
        assert!(answer.message().contains("firstname"), "{}", answer.message());
    }
}

#[tokio::test]
async fn a_value_fits_its_property() {
    let hubspot = portal(standing()).await;
    let group = json!({"name": "more", "label": "More"});
    post(&hubspot, &format!("/crm/properties/{V}/contacts/groups"), group).await;
    let option = |value: &str| json!({"label": value, "value": value, "hidden": false, "displayOrder": 0});
    for (name, kind, form, options) in [
        ("a_number", "number", "number", json!([])),
        ("a_date", "date", "date", json!([])),
        ("a_time", "datetime", "date", json!([])),
        ("a_flag", "bool", "booleancheckbox", json!([])),
        ("several", "enumeration", "checkbox", json!([option("a"), option("b")])),
    ] {
        let property = json!({"name": name, "label": name, "groupName": "more", "type": kind, "fieldType": form, "options": options});
        let answer = post(&hubspot, &format!("/crm/properties/{V}/contacts"), property).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    for (name, value, code) in [
        ("nonsense", "x", "PROPERTY_DOESNT_EXIST"),
        ("hs_object_id", "7", "READ_ONLY_VALUE"),
        ("a_number", "15.000", ""),
        ("a_number", "15,5", "INVALID_NUMBER"),
        ("a_number", " 15", "INVALID_NUMBER"),
        ("a_number", "inf", "INVALID_NUMBER"),
        ("a_date", "2026-11-30", ""),
        ("a_date", "2026-02-30", "INVALID_DATE"),
        ("a_date", "1795996800000", ""),
        ("a_date", "1795996800001", "INVALID_DATE"),
        ("a_date", "2026-11-30T12:00:00Z", "INVALID_DATE"),
        ("a_time", "2026-11-30T12:00:00.000Z", ""),
        ("a_time", "1796040000000", ""),
        ("a_time", "30/11/2026", "INVALID_LONG"),
        ("a_flag", "true", ""),
        ("a_flag", "yes", "INVALID_OPTION"),
        ("several", "a;b", ""),
        ("several", "a;c", "INVALID_OPTION"),
        ("hs_language", "es", ""),
        ("hs_language", "klingon", "INVALID_OPTION"),
        ("hubspot_owner_id", "7001", ""),
        ("hubspot_owner_id", "1", "INVALID_OPTION"),
    ] {
        let mut properties = json!({});
        properties[name] = json!(value);
        let answer = one(&hubspot, "contacts", properties).await;
        if code.is_empty() {
            assert_eq!(answer.status, 200, "{name} {value}: {}", answer.text);
        } else {
            assert_eq!(
                (answer.status, answer.category()),
                (400, "VALIDATION_ERROR"),
                "{name} {value}"
            );
            assert_eq!((answer.code(), answer.property()), (code, name), "{name} {value}");
        }
    }
    // What is kept has one form.
    let contact = &hubspot.state().of(Object::Contacts)[0].properties.clone();
    assert_eq!(
        (contact["a_date"].as_str(), contact["a_time"].as_str()),
        ("2026-11-30", "2026-11-30T12:00:00Z")
    );
}

#[tokio::test]
async fn all_wrong_values_are_named_at_once() {
    let hubspot = portal(standing()).await;
    let answer = one(&hubspot, "contacts", json!({"nonsense": "1", "hs_language": "klingon"})).await;
    let mut named: Vec<&str> = answer.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["context"]["propertyName"][0].as_str().unwrap())
        .collect();
    named.sort_unstable();
    assert_eq!(named, ["hs_language", "nonsense"]);
    assert!(
        answer.message().starts_with("Property values were not valid: [{"),
        "{}",
        answer.message()
    );
}

#[tokio::test]
async fn a_unique_value_is_held_by_one_record() {
    let hubspot = portal(standing()).await;
    let (holder, answer) = taken(&hubspot).await;
    assert_eq!(
        (answer.status, answer.category(), answer.property()),
        (409, "CONFLICT", "wa_key")
    );
    assert_eq!(
        answer.message(),
        format!("Contact already exists. Existing ID: {holder}")
    );
    // Inside of a batch it is an error of its own.
    one(&hubspot, "contacts", json!({"email": "ana@example.test"})).await;
    let inputs = vec![
        input("k2", json!({"email": "Ana@Example.test"})),
        input("k3", json!({})),
    ];
    let answer = upsert(&hubspot, "contacts", inputs).await;
    assert_eq!(answer.status, 207);
    assert_eq!(answer.body["errors"][0]["category"], "CONFLICT");
    assert_eq!(
        answer.body["errors"][0]["message"],
        format!("Contact already exists. Existing ID: {holder}")
    );
}

#[tokio::test]
async fn a_unique_value_may_be_refused_as_wrong_instead() {
    let hubspot = portal(Options {
        conflicts: Conflicts::Validation,
        ..standing()
    })
    .await;
    let (holder, answer) = taken(&hubspot).await;
    assert_eq!(
        (answer.status, answer.code(), answer.property()),
        (400, "CONFLICTING_UNIQUE_VALUE", "wa_key")
    );
    assert!(
        answer.message().contains(&format!("{holder} already has that value")),
        "{}",
        answer.message()
    );
}

#[tokio::test]
async fn a_new_record_has_what_its_object_needs() {
    let hubspot = portal(standing()).await;
    for (object, properties, missing) in [
        ("tickets", json!({"hs_pipeline_stage": "1"}), "subject"),
        ("tickets", json!({"subject": "x"}), "hs_pipeline_stage"),
        (
            "0-3",
            json!({"dealstage": "closedwon", "pipeline": "default"}),
            "dealname",
        ),
        ("0-3", json!({"dealname": "x", "pipeline": "default"}), "dealstage"),
        ("0-3", json!({"dealname": "x", "dealstage": "closedwon"}), "pipeline"),
        ("tasks", json!({"hs_task_subject": "x"}), "hs_timestamp"),
        (
            "communications",
            json!({"hs_communication_channel_type": "WHATS_APP", "hs_communication_logged_from": "CRM"}),
            "hs_timestamp",
        ),
        (
            "communications",
            json!({"hs_timestamp": "1796040000000", "hs_communication_logged_from": "CRM"}),
            "hs_communication_channel_type",
        ),
        (
            "communications",
            json!({"hs_timestamp": "1796040000000", "hs_communication_channel_type": "SMS"}),
            "hs_communication_logged_from",
        ),
    ] {
        let answer = one(&hubspot, object, properties).await;
        assert_eq!(answer.status, 400, "{object} {missing}");
        assert_eq!(
            answer.body["context"]["properties"],
            json!([missing]),
            "{}",
            answer.text
        );
        assert!(
            answer.message().ends_with("Some required properties were not set."),
            "{}",
            answer.message()
        );
    }
    // Later calls name only what they change, and cannot take it away.
    ticket(&hubspot, "t1").await;
    assert_eq!(
        upsert(&hubspot, "tickets", vec![untraced("t1", json!({"content": "x"}))])
            .await
            .status,
        200
    );
    assert_eq!(
        upsert(&hubspot, "tickets", vec![untraced("t1", json!({"subject": ""}))])
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_stage_is_one_of_its_pipeline() {
    let hubspot = portal(standing()).await;
    let second = json!({"label": "WhatsApp", "displayOrder": 1, "stages": [
        {"label": "Abierto", "displayOrder": 0, "metadata": {"ticketState": "OPEN"}},
        {"label": "Cerrado", "displayOrder": 1, "metadata": {"ticketState": "CLOSED"}},
    ]});
    let second = post(&hubspot, &format!("/crm/pipelines/{V}/tickets"), second).await;
    assert_eq!(second.status, 201, "{}", second.text);
    let (pipeline, stage) = (second.id(), second.body["stages"][0]["id"].as_str().unwrap().to_owned());
    for (pipeline, stage, status) in [
        ("0", "1", 200),
        ("0", "99", 400),
        (pipeline.as_str(), "1", 400),
        (&pipeline, &stage, 200),
        ("7", "1", 400),
    ] {
        let answer = one(
            &hubspot,
            "tickets",
            json!({"subject": "x", "hs_pipeline": pipeline, "hs_pipeline_stage": stage}),
        )
        .await;
        assert_eq!(answer.status, status, "{pipeline} {stage}: {}", answer.text);
        if status == 400 {
            assert_eq!(answer.code(), "INVALID_OPTION");
        }
    }
    // With two pipelines, a ticket has to name its own.
    let answer = upsert(
        &hubspot,
        "tickets",
        vec![untraced("k2", json!({"subject": "x", "hs_pipeline_stage": "1"}))],
    )
    .await;
    assert_eq!(
        (answer.status, answer.body["context"]["properties"].clone()),
        (400, json!(["hs_pipeline"]))
    );
}

#[tokio::test]
async fn a_currency_is_enabled() {
    let hubspot = portal(standing()).await;
    let deal = |currency: &str| json!({"dealname": "x", "dealstage": "closedwon", "pipeline": "default", "amount": "15000", "deal_currency_code": currency});
    let answer = one(&hubspot, "0-3", deal("EUR")).await;
    assert_eq!(
        (answer.status, answer.code(), answer.property()),
        (400, "INVALID_OPTION", "deal_currency_code")
    );
    assert_eq!(one(&hubspot, "0-3", deal("BRL")).await.status, 200);
    assert_eq!(
        hubspot.state().of(Object::Deals)[0].properties["hs_is_closed_won"],
        "true"
    );
}

#[tokio::test]
async fn a_ticket_needs_no_pipeline_where_there_is_one() {
    let hubspot = portal(standing()).await;
    let mut properties = ticket_properties();
    properties.as_object_mut().unwrap().remove("hs_pipeline");
    assert_eq!(one(&hubspot, "tickets", properties).await.status, 200);
    assert_eq!(hubspot.state().of(Object::Tickets)[0].properties["hs_pipeline"], "0");
}
