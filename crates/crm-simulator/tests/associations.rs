//! Who may be associated with whom, and what stands on whose timeline.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use hilo_crm_simulator::Object;
use serde_json::{Value, json};
use support::{V, call, contact, portal, post, standing, ticket, untraced, upsert};

#[tokio::test]
async fn a_message_stands_on_somebodys_timeline() {
    let hubspot = portal(standing()).await;
    let (contact, ticket) = (contact(&hubspot, "k1").await, ticket(&hubspot, "t1").await);
    let message = |links: Value| {
        json!({"properties": {"hs_communication_channel_type": "WHATS_APP", "hs_communication_logged_from": "CRM",
            "hs_communication_body": "Hola", "hs_timestamp": "2026-11-30T12:00:00Z"}, "associations": links})
    };
    let link = |id: &Value, type_id: u32| json!([{"to": {"id": id}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]}]);
    for (links, why) in [
        (json!([]), "none"),
        (json!(null), "none"),
        (link(&json!(contact), 16), "a type that begins elsewhere"),
        (link(&json!(ticket), 81), "a type that leads elsewhere"),
        (link(&json!("99"), 81), "a record that is not there"),
        (link(&json!(99), 81), "an id that is no text"),
    ] {
        let answer = post(&hubspot, &format!("/crm/objects/{V}/communications"), message(links)).await;
        assert_eq!(answer.status, 400, "{why}");
    }
    let good = message(link(&json!(contact), 81));
    assert_eq!(
        post(&hubspot, &format!("/crm/objects/{V}/communications"), good.clone())
            .await
            .status,
        201
    );
    let batch = json!({"inputs": [good]});
    assert_eq!(
        post(
            &hubspot,
            &format!("/crm/objects/{V}/communications/batch/create"),
            batch
        )
        .await
        .status,
        201
    );
    // An upsert takes no associations: they are ignored without a word.
    let mut input = untraced("m1", message(json!(null))["properties"].clone());
    input["associations"] = link(&json!(contact), 81);
    assert_eq!(upsert(&hubspot, "communications", vec![input]).await.status, 200);
    assert_eq!(hubspot.counts().ignored["communications: associations"], 1);
    assert_eq!(
        hubspot.state().of(Object::Contacts)[0].associations["communications"].len(),
        2
    );
    let wrong = untraced(
        "m2",
        json!({"hs_communication_channel_type": "WHATSAPP", "hs_communication_logged_from": "API", "hs_timestamp": "1"}),
    );
    assert_eq!(
        upsert(&hubspot, "communications", vec![wrong]).await.body["errors"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn associations_fit_their_pair_and_exist() {
    let hubspot = portal(standing()).await;
    let (contact, ticket) = (contact(&hubspot, "k1").await, ticket(&hubspot, "t1").await);
    let pair = |from: &str, to: &str, type_id: u32| json!({"from": {"id": from}, "to": {"id": to}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]});
    let path = format!("/crm/associations/{V}/tickets/contacts/batch");
    let wrong = json!({"inputs": [pair(&ticket, &contact, 15)]});
    assert_eq!(post(&hubspot, &format!("{path}/create"), wrong).await.status, 400);
    let some = json!({"inputs": [pair(&ticket, &contact, 16), pair(&ticket, "99", 16)]});
    let answer = post(&hubspot, &format!("{path}/create"), some.clone()).await;
    assert_eq!((answer.status, answer.body["numErrors"].as_u64()), (207, Some(1)));
    let ends = json!({"inputs": [{"from": {"id": ticket}, "to": {"id": contact}}, {"from": {"id": "99"}, "to": {"id": contact}}]});
    let answer = post(&hubspot, &format!("{path}/associate/default"), ends).await;
    // A success with errors in it.
    assert_eq!((answer.status, answer.body["numErrors"].as_u64()), (200, Some(1)));
    assert_eq!(hubspot.state().associations, 1);
    let read = json!({"inputs": [{"id": ticket}, {"id": "99"}]});
    let answer = post(&hubspot, &format!("{path}/read"), read).await;
    assert_eq!(answer.status, 207);
    assert_eq!(answer.body["results"][0]["to"][0]["toObjectId"], json!(contact));
    for (path, status) in [
        (
            format!("/crm/v4/objects/contacts/{contact}/associations/default/tickets/{ticket}"),
            200,
        ),
        (
            format!("/crm/objects/{V}/contacts/{contact}/associations/default/tickets/{contact}"),
            400,
        ),
        (
            format!("/crm/objects/{V}/tasks/{contact}/associations/default/tickets/{ticket}"),
            400,
        ),
    ] {
        assert_eq!(call(&hubspot, "PUT", &path, None).await.status, status, "{path}");
    }
    let archived = json!({"inputs": [{"from": {"id": ticket}, "to": [{"id": contact}]}]});
    assert_eq!(post(&hubspot, &format!("{path}/archive"), archived).await.status, 204);
    assert_eq!(hubspot.state().associations, 0);
}
