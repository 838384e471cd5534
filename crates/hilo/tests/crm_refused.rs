//! What a CRM refuses: listed by code and field without its values, shown to whoever says why, and written once it is
//! mended. Personal data and secrets stand in no log, metric, list or error.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod crm_place;

use crm_place::{Place, Portal, TOKEN, all_closed, property, wrote};
use serde_json::{Value, json};
use std::fs;

const PROPERTIES: &str = "/crm/properties/2026-09";
/// What is personal in the captures.
const PERSONAL: [&str; 4] = ["56977712345", "Marcadora", "palabra-reservada", "573211234567"];

/// Two people who wrote; the session of one is tagged, that of the other is not.
fn capture() -> Vec<Value> {
    vec![
        wrote("wamid.1", "56977712345", "Ana Marcadora", "una palabra-reservada"),
        wrote("wamid.2", "573211234567", "Luis Marcadora", "una palabra-reservada"),
        json!({"source": "inbox", "tenant": "acme", "at": "2026-05-04T13:10:00Z", "phone_number_id": "2",
            "user": {"phone": "+56977712345"}, "event": "tagged", "tags": ["mora"], "agent": "ana"}),
    ]
}

/// A property of tickets with the options `vip` and `late`.
const TOPICS: &str = "[ticket.fields.wa_topics]\nfrom = \"ticket.tags\"\ntransform = [\"first\", \"map:topics\"]\n\
    type = \"enumeration\"\nlabel = \"Temas\"\n\
    [catalogues.topics]\nvip = { label = \"VIP\" }\nmora = { value = \"late\", label = \"Mora\" }\n";

#[track_caller]
fn holds_nothing_secret(what: &str, text: &str) {
    for word in PERSONAL.iter().chain(&[TOKEN]) {
        assert!(!text.contains(word), "{what} holds {word}: {text}");
    }
}

#[test]
fn what_an_option_lacks_is_refused_listed_and_written_after_it_is_mended() {
    let portal = Portal::new();
    let place = Place::new(&portal, TOPICS);
    place.hilo(&["crm", "apply"]).ends(0, &[]);
    let one = json!({"options": [{"label": "VIP", "value": "vip", "displayOrder": 0, "hidden": false}]});
    portal.call("PATCH", &format!("{PROPERTIES}/tickets/wa_topics"), &one);
    place.ingest(&capture());

    let node = place.up();
    place.until(|desired, _| all_closed(desired));
    node.end();
    // The ticket, and the message that belongs to it, wait for the option; all else is there.
    assert_eq!(portal.holds("contacts").len(), 2);
    assert_eq!(portal.holds("tickets").len(), 1);
    let listed = place.hilo(&["crm", "rejected", "list"]).ends(
        0,
        &[
            "invalid_option",
            "wa_topics",
            "acme hubspot ticket",
            "Add the option",
            "parent_rejected",
        ],
    );
    holds_nothing_secret("the list", &listed);
    let refused = place
        .hilo(&["crm", "rejected", "list", "--code", "invalid_option", "--json"])
        .lines();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(
        (&refused[0]["object"], &refused[0]["field"]),
        (&json!("ticket"), &json!("wa_topics"))
    );
    let key = refused[0]["record_key"].as_str().unwrap();

    let masked = place
        .hilo(&["crm", "rejected", "show", key])
        .ends(0, &["invalid_option", "\"length\""]);
    holds_nothing_secret("a record that nobody revealed", &masked);
    place
        .hilo(&["crm", "rejected", "show", key, "--reveal"])
        .ends(2, &["--reason"]);
    assert!(!place.path("data/audit.ndjson").exists(), "nothing was shown yet");
    let why = ["--reveal", "--reason", "a ticket of the help desk"];
    let shown = place
        .hilo(&[&["crm", "rejected", "show", key], &why[..]].concat())
        .ends(0, &["palabra-reservada"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(property(&shown, "wa_topics"), "late");
    let audit = fs::read_to_string(place.path("data/audit.ndjson")).unwrap();
    assert!(
        audit.contains("a ticket of the help desk") && audit.lines().count() == 1,
        "{audit}"
    );
    place
        .hilo(&["crm", "rejected", "show", "gr_nobody"])
        .ends(1, &["gr_nobody", "rejected list"]);
    place.hilo(&["crm", "rejected", "retry"]).ends(2, &["--code", "--all"]);

    // Tried again before it is mended, it is refused again; afterwards it is written, and what belongs to it.
    place
        .hilo(&["crm", "apply"])
        .ends(0, &["done: add options to ticket.wa_topics: late"]);
    place
        .hilo(&["crm", "rejected", "retry", "--code", "invalid_option"])
        .ends(0, &["1 records are tried again"]);
    let node = place.up();
    place.until(|_, outcomes| outcomes.values().all(|outcome| outcome["kind"] != "rejected"));
    node.end();
    place
        .hilo(&["crm", "rejected", "list"])
        .ends(0, &["nothing is refused"]);
    let tickets = portal.holds("tickets");
    assert_eq!((tickets.len(), portal.holds("communications").len()), (2, 2));
    let ticket = portal.call(
        "GET",
        "/crm/objects/2026-09/tickets?limit=100&properties=wa_topics",
        &Value::Null,
    );
    let topics: Vec<&Value> = ticket["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ticket| &ticket["properties"]["wa_topics"])
        .collect();
    assert!(topics.contains(&&json!("late")), "{topics:?}");
}

#[test]
fn a_person_leads_to_their_records_and_to_what_became_of_them() {
    let portal = Portal::new();
    let place = Place::new(&portal, "");
    place.hilo(&["crm", "apply"]).ends(0, &[]);
    place.ingest(&capture());
    let node = place.up();
    place.until(|desired, _| all_closed(desired));
    node.end();
    let story = place
        .hilo(&["trace", "+56977712345"])
        .ends(0, &["crm_record", "crm_write", "contact", "ticket", "written"]);
    holds_nothing_secret(
        "a masked trace",
        &story.replace("+56977712345", "").replace("56977712345", ""),
    );
    assert!(place.path("data/crm.db").exists());
}

/// A portal whose refusals quote the values that it refuses, by everybody who might pass them on.
#[test]
fn nothing_personal_and_no_secret_leaves_by_logs_metrics_lists_or_errors() {
    let portal = Portal::new();
    let place = Place::new(&portal, "");
    // Somebody made our property a number: the portal answers with the name that is none.
    let body = json!({"name": "wa_profile_name", "label": "Nombre", "type": "number", "fieldType": "number",
        "groupName": "contactinformation"});
    portal.call("POST", &format!("{PROPERTIES}/contacts"), &body);
    let quoted =
        json!({"inputs": [{"id": "k", "idProperty": "email", "properties": {"wa_profile_name": "Ana Marcadora"}}]});
    let client = reqwest::blocking::Client::new();
    let answer = client
        .post(format!("{}/crm/objects/2026-09/contacts/batch/upsert", portal.base))
        .bearer_auth(TOKEN)
        .header("content-type", "application/json")
        .body(quoted.to_string())
        .send()
        .unwrap();
    assert!(
        answer.text().unwrap().contains("Marcadora"),
        "the portal quotes what it refuses"
    );
    let applied = place
        .hilo(&["crm", "apply"])
        .ends(1, &["wrong_type", "wa_profile_name"]);
    holds_nothing_secret("apply", &applied);
    place.ingest(&capture());
    let misbehave = json!({"what": {"kind": "server_error"}, "when": {"times": 3, "path": "upsert"}});
    portal.call("POST", "/_simulator/misbehave", &misbehave);

    let node = place.up();
    place.until(|_, outcomes| outcomes.values().any(|outcome| outcome["kind"] == "rejected"));
    let metrics = node.get("/metrics");
    assert!(metrics.contains("hilo_crm_"), "{metrics}");
    holds_nothing_secret("/metrics", &metrics);
    node.end();
    let listed = place
        .hilo(&["crm", "rejected", "list"])
        .ends(0, &["invalid_value", "wa_profile_name"]);
    holds_nothing_secret("the list", &listed);
    for line in place.hilo(&["crm", "rejected", "list", "--json"]).lines() {
        holds_nothing_secret("the list", &line.to_string());
        let shown = place
            .hilo(&["crm", "rejected", "show", line["record_key"].as_str().unwrap()])
            .ends(0, &[]);
        holds_nothing_secret("a record that nobody revealed", &shown);
    }
    let outcomes = place.hilo(&["export", "crm_write"]).ends(0, &["rejected"]);
    holds_nothing_secret("the outcomes", &outcomes);
    fs::write(place.path("token"), format!("{TOKEN}-that-is-no-more")).unwrap();
    let said = place.hilo(&["crm", "verify"]).ends(1, &["unauthorized"]);
    holds_nothing_secret("an error", &said);
    // A node without access says so, and not with what.
    let node = place.up();
    place.hilo(&["crm", "rejected", "retry", "--all"]).ends(0, &[]);
    place.until_stopped();
    let metrics = node.get("/metrics");
    holds_nothing_secret("/metrics", &metrics);
    node.end();
    let log = fs::read_to_string(place.path("log")).unwrap();
    assert!(
        log.contains("the CRM takes nothing for now"),
        "the log says why nothing is written: {log}"
    );
    holds_nothing_secret("the log", &log);
}
