//! What records are created, changed and found by, and what becomes of them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use hilo_crm_simulator::Object;
use serde_json::json;
use support::{V, call, contact, get, input, portal, post, standing, ticket, ticket_properties, untraced, upsert};

#[tokio::test]
async fn an_upsert_twice_is_one_record() {
    let hubspot = portal(standing()).await;
    let first = upsert(
        &hubspot,
        "contacts",
        vec![untraced("k1", json!({"firstname": "Ana", "phone": "+56961234567"}))],
    )
    .await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(first.body["results"][0]["new"], true);
    assert!(first.body["completedAt"].is_string() && first.body["startedAt"].is_string());
    let second = upsert(
        &hubspot,
        "contacts",
        vec![untraced("k1", json!({"firstname": "Ana María"}))],
    )
    .await;
    assert_eq!(second.body["results"][0]["new"], false);
    assert_eq!(second.id(), first.id());
    let state = hubspot.state();
    let contacts = state.of(Object::Contacts);
    assert_eq!(contacts.len(), 1);
    // What an update does not name stays.
    assert_eq!(contacts[0].properties["phone"], "+56961234567");
    assert_eq!(contacts[0].properties["firstname"], "Ana María");
    assert_eq!(contacts[0].properties["wa_key"], "k1");
}

#[tokio::test]
async fn an_empty_value_clears() {
    let hubspot = portal(standing()).await;
    contact(&hubspot, "k1").await;
    upsert(&hubspot, "contacts", vec![untraced("k1", json!({"firstname": ""}))]).await;
    assert!(
        !hubspot.state().of(Object::Contacts)[0]
            .properties
            .contains_key("firstname")
    );
}

#[tokio::test]
async fn records_are_read_by_their_key() {
    let hubspot = portal(standing()).await;
    let id = contact(&hubspot, "k1").await;
    let read = json!({"idProperty": "wa_key", "properties": ["firstname", "wa_key", "lastname"], "propertiesWithHistory": [], "inputs": [{"id": "k1"}]});
    let read = post(&hubspot, &format!("/crm/objects/{V}/contacts/batch/read"), read).await;
    assert_eq!((read.status, read.id()), (200, id.clone()));
    let properties = &read.body["results"][0]["properties"];
    assert_eq!(
        (&properties["firstname"], &properties["lastname"]),
        (&json!("Ana"), &json!(null))
    );
    let one = get(
        &hubspot,
        "/crm/v3/objects/contacts/k1?idProperty=wa_key&properties=firstname,wa_key",
    )
    .await;
    assert_eq!((one.status, one.id()), (200, id));
    // Of those that are not there, one error speaks, without `errors` and `links`.
    let read = json!({"idProperty": "wa_key", "properties": [], "inputs": [{"id": "k1"}, {"id": "k9"}, {"id": "k8"}]});
    let read = post(&hubspot, &format!("/crm/objects/{V}/contacts/batch/read"), read).await;
    assert_eq!((read.status, read.body["numErrors"].as_u64()), (207, Some(1)));
    assert_eq!(read.body["errors"][0]["context"]["ids"], json!(["k9", "k8"]));
    assert!(read.body["errors"][0].get("errors").is_none());
}

#[tokio::test]
async fn single_calls_have_their_own_statuses() {
    let hubspot = portal(standing()).await;
    let created = post(
        &hubspot,
        &format!("/crm/objects/{V}/contacts"),
        json!({"properties": {"wa_key": "k1"}}),
    )
    .await;
    assert_eq!(created.status, 201, "{}", created.text);
    let body = json!({"properties": {"firstname": "Luz"}});
    let changed = call(
        &hubspot,
        "PATCH",
        &format!("/crm/objects/{V}/contacts/k1?idProperty=wa_key"),
        Some(body),
    )
    .await;
    assert_eq!((changed.status, changed.id()), (200, created.id()));
    let path = format!("/crm/objects/{V}/contacts/{}", created.id());
    assert_eq!(call(&hubspot, "DELETE", &path, None).await.status, 204);
    assert_eq!(get(&hubspot, &path).await.status, 404);
    assert_eq!(get(&hubspot, &format!("{path}?archived=true")).await.status, 200);
    // Its key is free again: what is archived does not come back by an upsert.
    assert_ne!(contact(&hubspot, "k1").await, created.id());
}

#[tokio::test]
async fn a_merge_makes_a_new_id_and_remembers_the_old_ones() {
    let hubspot = portal(standing()).await;
    let (winner, loser) = (contact(&hubspot, "k1").await, contact(&hubspot, "k2").await);
    let properties = json!({"firstname": "Otra", "lastname": "Rojas"});
    upsert(&hubspot, "contacts", vec![untraced("k2", properties)]).await;
    let ticket = ticket(&hubspot, "t1").await;
    let path = format!("/crm/objects/{V}/contacts/{loser}/associations/default/tickets/{ticket}");
    assert_eq!(call(&hubspot, "PUT", &path, None).await.status, 200);
    let order = json!({"primaryObjectId": winner, "objectIdToMerge": loser});
    let merged = post(&hubspot, &format!("/crm/objects/{V}/contacts/merge"), order).await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    assert!(merged.id() != winner && merged.id() != loser);
    for old in [&winner, &loser] {
        let found = get(&hubspot, &format!("/crm/objects/{V}/contacts/{old}")).await;
        assert_eq!(found.id(), merged.id());
    }
    let state = hubspot.state();
    let [contact] = state.of(Object::Contacts)[..] else {
        panic!("one contact is left")
    };
    // The first one's values win, the second fills gaps, its unique value is gone.
    let value = |name: &str| contact.properties.get(name).map(String::as_str);
    assert_eq!(
        (value("firstname"), value("lastname"), value("wa_key")),
        (Some("Ana"), Some("Rojas"), Some("k1"))
    );
    assert_eq!(
        value("hs_merged_object_ids"),
        Some(format!("{winner};{loser}").as_str())
    );
    assert_eq!(contact.associations["tickets"], [ticket]);
    // So the next write by that key makes the duplicate again.
    assert_ne!(support::contact(&hubspot, "k2").await, merged.id());
}

#[tokio::test]
async fn what_is_erased_is_gone_for_ever() {
    let hubspot = portal(standing()).await;
    let id = contact(&hubspot, "k1").await;
    let order = json!({"objectId": "k1", "idProperty": "wa_key"});
    let path = format!("/crm/objects/{V}/contacts/gdpr-delete");
    assert_eq!(post(&hubspot, &path, order.clone()).await.status, 204);
    assert_eq!(
        get(&hubspot, &format!("/crm/objects/{V}/contacts/{id}?archived=true"))
            .await
            .status,
        404
    );
    assert_eq!(post(&hubspot, &path, order).await.status, 404);
    assert!(hubspot.state().records["contacts"].is_empty());
}

#[tokio::test]
async fn a_whole_batch_fails_with_one_input_unless_all_can_be_told_apart() {
    let hubspot = portal(standing()).await;
    let (good, bad) = (json!({"firstname": "Ana"}), json!({"nonsense": "1"}));
    // Without trace ids, with some of them, with the same one twice.
    let mut twice = vec![input("k1", good.clone()), input("k2", bad.clone())];
    twice[1]["objectWriteTraceId"] = json!("op-k1");
    for inputs in [
        vec![untraced("k1", good.clone()), untraced("k2", bad.clone())],
        vec![input("k1", good.clone()), untraced("k2", bad.clone())],
        twice,
    ] {
        let answer = upsert(&hubspot, "contacts", inputs).await;
        assert_eq!(
            (answer.status, answer.code(), answer.property()),
            (400, "PROPERTY_DOESNT_EXIST", "nonsense")
        );
        assert!(
            hubspot.state().of(Object::Contacts).is_empty(),
            "nothing of it is applied"
        );
    }
    let answer = upsert(&hubspot, "contacts", vec![input("k1", good), input("k2", bad)]).await;
    assert_eq!((answer.status, answer.body["numErrors"].as_u64()), (207, Some(1)));
    assert_eq!(answer.body["results"][0]["objectWriteTraceId"], "op-k1");
    assert_eq!(
        answer.body["errors"][0]["context"]["objectWriteTraceId"],
        json!(["op-k2"])
    );
    assert_eq!(hubspot.state().of(Object::Contacts).len(), 1);
}

#[tokio::test]
async fn results_come_in_another_order() {
    let hubspot = portal(standing()).await;
    let keys: Vec<String> = (0..50).map(|number| format!("k{number:02}")).collect();
    let inputs = keys
        .iter()
        .map(|key| untraced(key, json!({"firstname": "Ana"})))
        .collect();
    let answer = upsert(&hubspot, "contacts", inputs).await;
    let mut told: Vec<&str> = answer.body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["properties"]["wa_key"].as_str().unwrap())
        .collect();
    assert_ne!(told, keys);
    told.sort_unstable();
    assert_eq!(told, keys);
}

#[tokio::test]
async fn both_dated_versions_and_the_older_one_are_one_portal() {
    let hubspot = portal(standing()).await;
    for path in [
        "/crm/objects/2026-09/tickets",
        "/crm/objects/2026-03/tickets",
        "/crm/v3/objects/tickets",
        "/crm/objects/2026-09/0-5",
    ] {
        let body = json!({"inputs": [untraced("t1", ticket_properties())]});
        let answer = post(&hubspot, &format!("{path}/batch/upsert"), body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    assert_eq!(hubspot.state().of(Object::Tickets).len(), 1);
    // Deals are published by their type id in the one version.
    for (path, status) in [
        ("2026-03/deals", 404),
        ("2026-03/0-3", 200),
        ("2026-09/deals", 200),
        ("2026-09/0-3", 200),
        ("2025-09/0-3", 404),
    ] {
        assert_eq!(
            get(&hubspot, &format!("/crm/objects/{path}")).await.status,
            status,
            "{path}"
        );
    }
}

#[tokio::test]
async fn pages_of_a_list_lead_through_all_records() {
    let hubspot = portal(standing()).await;
    for key in ["k1", "k2", "k3"] {
        contact(&hubspot, key).await;
    }
    let first = get(
        &hubspot,
        &format!("/crm/objects/{V}/contacts?limit=2&properties=wa_key"),
    )
    .await;
    assert_eq!(first.body["results"].as_array().unwrap().len(), 2);
    let after = first.body["paging"]["next"]["after"].as_str().unwrap();
    let second = get(
        &hubspot,
        &format!("/crm/objects/{V}/contacts?limit=2&after={after}&properties=wa_key"),
    )
    .await;
    assert_eq!(second.body["results"][0]["properties"]["wa_key"], "k3");
    assert!(second.body.get("paging").is_none());
}
