//! `hilo trace`: from any id to the whole story in order, across merges; masked unless somebody says why.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod command;

use command::{done, hilo, write};
use serde_json::{Value, json};
use std::{fs, path::Path};

fn webhook(value: &Value) -> Value {
    json!({"source": "whatsapp", "tenant": "acme", "received_at": "2026-05-04T13:00:01Z", "body": {
        "object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": value}]}]}})
}

fn text(id: &str, who: &Value) -> Value {
    let mut message = json!({"id": id, "type": "text", "text": {"body": "hola secreto"}, "timestamp": "1777899600"});
    message
        .as_object_mut()
        .unwrap()
        .extend(who.as_object().unwrap().clone());
    message
}

/// Two people in one delivery, who turn out to be one; a template to one of them, and its status.
fn history() -> Vec<Value> {
    let metadata = json!({"display_phone_number": "15550783881", "phone_number_id": "2"});
    vec![
        webhook(&json!({"metadata": metadata, "messages": [
            text("wamid.one", &json!({"from_user_id": "CL.1"})),
            text("wamid.two", &json!({"from": "56961230002"})),
            text("wamid.three", &json!({"from": "56961230003"})),
        ]})),
        json!({"source": "outbound", "tenant": "acme", "at": "2026-05-04T14:00:00Z", "phone_number_id": "2",
            "message_id": "wamid.out", "command_id": "order-77", "to": {"phone": "+56961230002"}, "type": "template",
            "template": {"name": "promo", "language": "es", "category": "marketing"}}),
        webhook(&json!({"metadata": metadata, "statuses": [
            {"id": "wamid.out", "status": "delivered", "timestamp": "1777903205", "recipient_id": "56961230002"}]})),
        json!({"source": "platform", "tenant": "acme", "at": "2026-05-04T15:00:00Z", "waba_id": "1",
            "number": {"id": "2", "quality_rating": "GREEN", "status": "CONNECTED"}}),
        json!({"source": "clock", "at": "2026-05-08T00:00:00Z"}),
    ]
}

#[test]
fn every_id_leads_to_the_story_in_order_across_a_merge() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("capture.ndjson");
    write(&capture, &history());
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    done(&["ingest", capture.to_str().unwrap(), "--data-dir", data]);
    let decided = ["--actor", "ana", "--reason", "known", "--data-dir", data, "--json"];
    let merged = done(&[&["identity", "merge", "CL.1", "56961230002"], &decided[..]].concat());
    let merged: Value = serde_json::from_str(&merged).unwrap();
    let survivor = merged["person"]["person_id"].as_str().unwrap();
    let part = merged["person"]["absorbed"][0]["person_id"].as_str().unwrap();

    let story = |id: &str| -> Value {
        let output = done(&["trace", id, "--data-dir", data, "--json"]);
        for hidden in ["56961230002", "CL.1\"", "secreto", "wamid.one"] {
            assert!(!output.contains(hidden), "{hidden} in the story of {id}");
        }
        serde_json::from_str(&output).unwrap()
    };
    let titles = |story: &Value, stage: &str| -> Vec<String> {
        let steps = story["steps"].as_array().unwrap().iter();
        let of = steps.filter(|step| step["stage"] == stage);
        of.map(|step| step["title"].as_str().unwrap().to_owned()).collect()
    };

    let person = story(survivor);
    assert_eq!(person["kind"], "person");
    let stages: Vec<&str> = person["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["stage"].as_str().unwrap())
        .collect();
    let order = ["raw", "item", "fact", "golden", "metric"];
    let places: Vec<usize> = stages
        .iter()
        .map(|stage| order.iter().position(|known| known == stage).unwrap())
        .collect();
    assert!(
        places.is_sorted() && order.iter().all(|stage| stages.contains(stage)),
        "{stages:?}"
    );
    let mut raw = titles(&person, "raw");
    raw.sort();
    assert_eq!(raw, ["identity", "outbound", "whatsapp", "whatsapp"]);
    // Both people's items, and not those of the third one in the same delivery.
    assert_eq!(
        titles(&person, "item").iter().filter(|title| *title == "text").count(),
        2
    );
    let facts = titles(&person, "fact");
    for kind in [
        "observed",
        "merged",
        "closed",
        "message_received",
        "message_sent",
        "delivered",
    ] {
        assert!(facts.iter().any(|fact| fact == kind), "{kind} in {facts:?}");
    }
    for row in ["contacts", "aliases", "decisions", "sessions", "message_parts"] {
        assert!(titles(&person, "golden").iter().any(|title| title == row), "{row}");
    }
    assert!(
        titles(&person, "metric")
            .iter()
            .any(|metric| metric.starts_with("delivery_rate"))
    );
    for id in [part, "CL.1", "+56961230002", "56961230002"] {
        assert_eq!(story(id)["steps"], person["steps"], "{id}");
    }

    let message = story("wamid.out");
    assert_eq!(message["kind"], "message");
    assert!(titles(&message, "golden").iter().any(|title| title == "message_status"));
    let delivery = message["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["title"] == "outbound")
        .and_then(|step| step["content"]["delivery_id"].as_str())
        .unwrap()
        .to_owned();
    let fact = message["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["stage"] == "fact")
        .unwrap();
    let event = fact["content"]["event_id"].as_str().unwrap();
    assert_eq!(story(event)["kind"], "event");
    assert_eq!(titles(&story(&delivery), "raw"), ["outbound"]);
    let command = story("order-77");
    assert_eq!(
        (titles(&command, "raw"), command["kind"].as_str()),
        (vec!["outbound".to_owned()], Some("mention"))
    );
    assert!(titles(&command, "fact").iter().any(|fact| fact == "message_sent"));
    assert_eq!(
        hilo(&["trace", "nothing-like-it", "--data-dir", data]).status.code(),
        Some(1)
    );

    // A snapshot of the business's own number is nobody's, and has a story too.
    let raw = done(&["export", "raw", "--data-dir", data]);
    let mut records = raw.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let polled = records.find(|record| record["source"] == "platform").unwrap();
    let polled = story(polled["delivery_id"].as_str().unwrap());
    for (stage, title) in [
        ("raw", "platform"),
        ("item", "number_snapshot"),
        ("fact", "number_snapshot"),
    ] {
        assert_eq!(titles(&polled, stage), [title], "{stage}");
    }
    let fact = polled["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["stage"] == "fact")
        .unwrap();
    assert_eq!(fact["content"]["quality"], "GREEN");

    // Looking is on record before anything is shown.
    assert!(!Path::new(data).join("audit.ndjson").exists());
    let shown = done(&["trace", "CL.1", "--data-dir", data, "--reveal", "--reason", "ticket 7"]);
    assert!(
        shown.contains("hola secreto") && shown.contains("+56961230002"),
        "{shown}"
    );
    let audit: Value =
        serde_json::from_str(&fs::read_to_string(Path::new(data).join("audit.ndjson")).unwrap()).unwrap();
    assert_eq!(
        (&audit["what"], &audit["reason"]),
        (&json!("trace"), &json!("ticket 7"))
    );
    assert!(!audit.to_string().contains("CL.1"), "{audit}");
}
