//! What the portal refuses besides wrong values: callers, batches, definitions, addresses.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use hilo_crm_simulator::{HubSpot, Object, Options, Rule};
use serde_json::{Value, json};
use support::{Answer, V, call, contact, get, input, portal, post, send, standing, ticket, untraced, upsert};

/// One upsert of one record.
async fn one(hubspot: &HubSpot, object: &str, properties: Value) -> Answer {
    upsert(hubspot, object, vec![untraced("k1", properties)]).await
}

#[tokio::test]
async fn a_call_needs_the_token() {
    let hubspot = HubSpot::new(standing());
    for token in [None, Some("wrong")] {
        let answer = send(&hubspot, "GET", "/crm/v3/objects/contacts", None, token)
            .await
            .unwrap();
        assert_eq!((answer.status, answer.category()), (401, "INVALID_AUTHENTICATION"));
    }
}

#[tokio::test]
async fn a_call_needs_its_scope() {
    let hubspot = HubSpot::new(Options {
        scopes: Some(["crm.objects.contacts.read".to_owned()].into()),
        ..standing()
    });
    assert_eq!(get(&hubspot, "/crm/v3/objects/contacts").await.status, 200);
    let read = json!({"properties": [], "inputs": [{"id": "1"}]});
    assert_eq!(
        post(&hubspot, "/crm/v3/objects/contacts/batch/read", read).await.status,
        207
    );
    let refused = one(&hubspot, "contacts", json!({"firstname": "Ana"})).await;
    assert_eq!((refused.status, refused.category()), (403, "MISSING_SCOPES"));
    assert_eq!(
        refused.body["errors"][0]["context"]["requiredGranularScopes"],
        json!(["crm.objects.contacts.write"])
    );
    assert_eq!(get(&hubspot, "/crm/v3/objects/tickets").await.status, 403);
}

#[tokio::test]
async fn a_batch_has_one_to_a_hundred_different_inputs() {
    let hubspot = portal(standing()).await;
    let many = |count: usize| {
        (0..count)
            .map(|number| input(&format!("k{number}"), json!({})))
            .collect::<Vec<_>>()
    };
    assert_eq!(upsert(&hubspot, "contacts", many(100)).await.status, 200);
    for count in [0, 101] {
        assert_eq!(upsert(&hubspot, "contacts", many(count)).await.status, 400, "{count}");
    }
    let twice = vec![
        input("k1", json!({})),
        input("k2", json!({})),
        untraced("k1", json!({})),
    ];
    let answer = upsert(&hubspot, "contacts", twice).await;
    assert_eq!((answer.status, answer.category()), (400, "VALIDATION_ERROR"));
    assert_eq!(
        answer.message(),
        "Duplicate IDs found in batch input: [k1]. IDs must be unique"
    );
    assert_eq!(answer.body["context"]["ids"], json!(["k1"]));
}

#[tokio::test]
async fn an_upsert_goes_by_a_unique_property() {
    let hubspot = portal(standing()).await;
    contact(&hubspot, "k1").await;
    for by in ["firstname", "nonsense"] {
        let input = json!({"id": "Ana", "idProperty": by, "properties": {"lastname": "Rojas"}});
        assert_eq!(upsert(&hubspot, "contacts", vec![input]).await.status, 400, "{by}");
    }
    // A typo in the name of a field passes, changes what is meant, and is counted as ignored.
    let typo = json!({"id": "k1", "id_property": "wa_key", "properties": {"lastname": "Rojas"}});
    assert_eq!(upsert(&hubspot, "contacts", vec![typo]).await.status, 404);
    assert_eq!(hubspot.counts().ignored["contacts: id_property"], 1);
    let differs = untraced("k1", json!({"wa_key": "k2"}));
    assert_eq!(upsert(&hubspot, "contacts", vec![differs]).await.status, 400);
}

#[tokio::test]
async fn rules_of_an_administrator_bind_the_newest_version_only() {
    let rule = Rule {
        object: Object::Tickets,
        when: Some(("hs_pipeline_stage".to_owned(), "4".to_owned())),
        required: "hs_resolution".to_owned(),
    };
    let hubspot = portal(Options {
        rules: vec![rule],
        ..standing()
    })
    .await;
    ticket(&hubspot, "t1").await;
    let close = json!({"inputs": [untraced("t1", json!({"hs_pipeline_stage": "4"}))]});
    let answer = post(&hubspot, "/crm/objects/2026-09/tickets/batch/upsert", close.clone()).await;
    assert_eq!((answer.status, answer.property()), (400, "hs_resolution"));
    assert_eq!(
        post(&hubspot, "/crm/objects/2026-03/tickets/batch/upsert", close)
            .await
            .status,
        200
    );
    let told = get(&hubspot, "/crm/property-validations/2026-09/0-5").await;
    assert_eq!(told.body["results"][0]["propertyName"], "hs_resolution");
}

#[tokio::test]
async fn a_definition_is_checked_and_made_once() {
    let hubspot = portal(standing()).await;
    let path = format!("/crm/properties/{V}/contacts");
    let twice = post(&hubspot, &path, support::key()).await;
    assert_eq!((twice.status, twice.category()), (409, "OBJECT_ALREADY_EXISTS"));
    for (field, value) in [
        ("name", json!("Wa_Key")),
        ("name", json!("hs_key")),
        ("groupName", json!("nowhere")),
        ("type", json!("text")),
        ("fieldType", json!("select")),
        ("fieldType", json!(null)),
        ("type", json!("enumeration")),
    ] {
        let mut property = support::key();
        property["name"] = json!("another");
        property[field] = value.clone();
        assert_eq!(post(&hubspot, &path, property).await.status, 400, "{field} {value}");
    }
    // Ten properties with unique values, of which there is one.
    for number in 0..10 {
        let mut property = support::key();
        property["name"] = json!(format!("key_{number}"));
        let status = post(&hubspot, &path, property).await.status;
        assert_eq!(status, if number < 9 { 201 } else { 400 }, "{number}");
    }
    let change = json!({"hasUniqueValue": false});
    assert_eq!(
        call(&hubspot, "PATCH", &format!("{path}/wa_key"), Some(change))
            .await
            .status,
        400
    );
    assert_eq!(
        get(&hubspot, &format!("{path}/wa_key")).await.body["hasUniqueValue"],
        true
    );
    assert_eq!(get(&hubspot, &format!("{path}/nonsense")).await.status, 404);
    let group = json!({"name": "whatsapp", "label": "WhatsApp"});
    assert_eq!(post(&hubspot, &format!("{path}/groups"), group).await.status, 409);
}

#[tokio::test]
async fn addresses_that_are_none_are_not_found() {
    let hubspot = HubSpot::new(standing());
    for path in [
        "/crm/v3/nonsense",
        "/nowhere",
        "/crm/objects/2026-09/contacts/1/nonsense",
        "/crm/objects/2027-03/contacts",
    ] {
        assert_eq!(get(&hubspot, path).await.status, 404, "{path}");
    }
    assert_eq!(get(&hubspot, "/crm/objects/2026-09/unicorns").await.status, 400);
}
