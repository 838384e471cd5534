//! The commands of CRMs as a user types them: what a portal lacks, what a mapping says, what a change of it would do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod crm_place;

use crm_place::{Place, Portal, TOKEN, overlays, wrote};
use serde_json::{Value, json};
use std::fs;

const PROPERTIES: &str = "/crm/properties/2026-09";

/// A property as somebody makes it by hand.
fn by_hand(portal: &Portal, object: &str, name: &str, kind: &str, field: &str) {
    let body = json!({"name": name, "label": name, "type": kind, "fieldType": field,
        "groupName": format!("{object}information"), "options": []});
    portal.call("POST", &format!("{PROPERTIES}/{object}s"), &body);
}

#[test]
fn a_portal_is_planned_made_and_verified() {
    let portal = Portal::new();
    let place = Place::new(&portal, "");
    place
        .hilo(&["crm", "verify"])
        .ends(1, &["missing_property", "contact.wa_profile_name", "hilo crm apply"]);
    let planned = place.hilo(&["crm", "plan"]).ends(
        0,
        &[
            "would do: create property contact.wa_key\n",
            "would do: create property contact.wa_profile_name\n",
            "would do: create pipeline of tickets \"WhatsApp\"",
            "would do: create group contact.whatsapp",
        ],
    );
    let steps: Vec<&str> = planned
        .lines()
        .filter_map(|line| line.strip_prefix("would do: "))
        .collect();
    place
        .hilo(&["crm", "plan"])
        .ends(0, &["create property contact.wa_key\n"]);

    let done = place.hilo(&["crm", "apply"]).ends(0, &[]);
    let made: Vec<&str> = done.lines().filter_map(|line| line.strip_prefix("done: ")).collect();
    assert_eq!(made, steps, "what was planned is done");
    let again = place.hilo(&["crm", "apply"]);
    assert_eq!((again.code, again.out.as_str()), (0, ""), "nothing is left to do");
    place.hilo(&["crm", "plan"]).ends(0, &["nothing is missing"]);
    place
        .hilo(&["crm", "verify"])
        .ends(0, &["the portal has all that the mapping", "needs"]);
    let told = place.hilo(&["crm", "verify", "--json"]).lines();
    assert_eq!(told, [json!({"steps": [], "findings": []})]);
    // Another account of the same thing: what HubSpot itself lists.
    let found = portal.call("GET", &format!("{PROPERTIES}/contacts/wa_key"), &Value::Null);
    assert_eq!(found["hasUniqueValue"], true);
}

#[test]
fn a_property_of_another_type_is_drift_that_nobody_mends_unasked() {
    let portal = Portal::new();
    let place = Place::new(&portal, "");
    by_hand(&portal, "ticket", "wa_queue", "number", "number");
    let words = ["wrong_type", "ticket.wa_queue", "default.toml:"];
    place.hilo(&["crm", "plan"]).ends(0, &words);
    place.hilo(&["crm", "apply"]).ends(1, &words);
    place.hilo(&["crm", "verify"]).ends(1, &words);
    let findings = place.hilo(&["crm", "verify", "--json"]);
    assert_eq!(findings.code, 1);
    let findings: Value = serde_json::from_str(&findings.out).unwrap();
    let finding = &findings["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["field"]),
        (&json!("wrong_type"), &json!("ticket.wa_queue"))
    );
    assert!(finding["line"].as_i64() > Some(1) && !finding["action"].as_str().unwrap().is_empty());
    let there = portal.call("GET", &format!("{PROPERTIES}/tickets/wa_queue"), &Value::Null);
    assert_eq!(there["type"], "number", "it stays as somebody made it");
}

#[test]
fn mappings_are_validated_without_a_crm() {
    let place = Place::bare();
    let folder = place.mapping("good", "name = \"copied\"\n");
    assert_eq!(overlays(&place.path("good")), 6);
    place
        .hilo(&["mapping", "validate", &folder])
        .ends(0, &["copied is good", "AR BR CL CO MX PE"]);
    place.hilo(&["mapping", "validate", "default"]).ends(0, &["is good"]);

    let bad = place.mapping(
        "bad",
        "[contact.fields.wa_id]\nfrom = \"contact.waid\"\n\
         [contact.fields.wa_username]\ntransform = \"uper\"\n\
         [ticket.fields.wa_status]\ntransform = \"map:mine\"\n\
         [ticket.fields.wa_opened_at]\ntype = \"number\"\n\
         [catalogues.mine]\nnew = { label = \"Nuevo\" }\n",
    );
    // The two lines of the head come first.
    place.hilo(&["mapping", "validate", &bad]).ends(
        1,
        &[
            "mapping.toml:4: error [unknown_source] contact.wa_id: ",
            "\"contact.wa_id\"",
            "mapping.toml:6: error [unknown_transform] contact.wa_username: ",
            "\"upper\"",
            "mapping.toml:11: error [catalogue_hole] catalogues.mine: ",
            "open, waiting, closed",
            "mapping.toml:10: error [wrong_type] ticket.wa_opened_at: ",
            "4 errors; mend them",
        ],
    );
    let told = place.hilo(&["mapping", "validate", &bad, "--json"]);
    assert_eq!(told.code, 1);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    let errors = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["severity"] == "error");
    assert_eq!(errors.count(), 4);

    place.hilo(&["mapping", "validate", "nowhere"]).ends(2, &["nowhere"]);
    fs::create_dir(place.path("empty")).unwrap();
    place
        .hilo(&["mapping", "validate", "empty"])
        .ends(2, &["empty", "mapping.toml"]);
}

#[test]
fn mappings_are_validated_against_the_portal_itself() {
    let portal = Portal::new();
    let place = Place::new(&portal, "[portal]\ncurrencies = [\"JPY\"]\n");
    place.hilo(&["mapping", "validate"]).ends(0, &["is good"]);
    place.hilo(&["crm", "apply"]).ends(1, &["disabled_currency", "JPY"]);
    portal.call("DELETE", &format!("{PROPERTIES}/contacts/wa_country"), &Value::Null);
    portal.call("DELETE", &format!("{PROPERTIES}/tickets/wa_queue"), &Value::Null);
    by_hand(&portal, "ticket", "wa_queue", "datetime", "date");
    let options = json!({"options": [{"label": "Nuevo", "value": "new", "displayOrder": 0, "hidden": false}]});
    portal.call("PATCH", &format!("{PROPERTIES}/tickets/wa_status"), &options);
    let found = place.hilo(&["mapping", "validate", "--live"]).ends(
        1,
        &[
            "error [missing_property] contact.wa_country: ",
            "error [missing_option] ticket.wa_status: ",
            "error [disabled_currency] ",
            "error [wrong_type] ticket.wa_queue: ",
            "mapping.toml:4: ",
        ],
    );
    for line in found.lines().filter(|line| line.contains(" error [")) {
        let (place, rest) = line.split_once(": error [").unwrap();
        let (file, number) = place.rsplit_once(':').unwrap();
        assert!(file.contains(".toml") && number.parse::<usize>().unwrap() > 0, "{line}");
        assert!(
            rest.split_once("; ").is_some_and(|(_, mending)| !mending.is_empty()),
            "{line}"
        );
    }
}

/// The block of TOML in the project's README that has this text.
fn from_readme(part: &str) -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let blocks = readme
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).find(|block| block.contains(part)).unwrap()
}

#[test]
fn the_example_of_the_readme_is_a_good_one() {
    let place = Place::bare();
    fs::write(place.path("hilo.toml"), from_readme("[tenants.acme.crm.hubspot]")).unwrap();
    fs::create_dir_all(place.path("mapping/acme")).unwrap();
    fs::write(
        place.path("mapping/acme/mapping.toml"),
        from_readme("extends = \"default\""),
    )
    .unwrap();
    place.hilo(&["mapping", "validate"]).ends(0, &["acme is good"]);
}

/// Two people, one message each, one of them answered.
fn capture(place: &Place) -> String {
    let lines = [
        wrote("wamid.1", "56961234567", "Ana Beltran", "hola secreto"),
        wrote("wamid.2", "573211234567", "Luis Prado", "hola secreto"),
        json!({"source": "outbound", "tenant": "acme", "at": "2026-05-04T13:10:00Z", "phone_number_id": "2",
            "message_id": "wamid.3", "to": {"phone": "+56961234567"}, "type": "text", "author": {"kind": "agent", "id": "ana"}}),
        json!({"source": "clock", "at": "2026-05-04T14:00:00Z"}),
    ];
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(place.path("capture.ndjson"), text.join("\n")).unwrap();
    place.text("capture.ndjson")
}

#[test]
fn what_a_changed_mapping_would_change_is_shown_before_it_does() {
    let place = Place::bare();
    let capture = capture(&place);
    let old = place.mapping("old", "name = \"acme\"\n");
    let diff = |new: &str, more: &[&str]| {
        place
            .hilo(&[&["mapping", "diff", &old, new, "--in", &capture], more].concat())
            .ends(0, &[])
    };
    let same = place.mapping("same", "# remarks and labels change nothing\nname = \"acme\"\n");
    // Two contacts, two tickets, three messages.
    assert_eq!(diff(&same, &[]), "no record would change; 7 are the same under both\n");

    let stage = place.mapping(
        "stage",
        "name = \"acme\"\n[[pipelines]]\nobject = \"ticket\"\nlabel = \"WhatsApp\"\nstages = [{ label = \"Recibido\" }, \
         { label = \"En atención\" }, { label = \"Esperando al cliente\" }, { label = \"Cerrado\", closed = true }]\n\
         [catalogues.ticket_stage]\nnew = \"@stage:WhatsApp/Recibido\"\n",
    );
    let told = diff(&stage, &[]);
    assert!(told.contains("hs_pipeline_stage"), "{told}");
    assert!(
        told.contains("\"@stage:WhatsApp/Nuevo\" → \"@stage:WhatsApp/Recibido\""),
        "{told}"
    );
    // The other ticket waits for its customer.
    assert!(told.contains("1 records of 7: 1 tickets changed"), "{told}");

    let rule = place.mapping(
        "rule",
        "name = \"acme\"\n[contact.fields.firstname]\nwrite = \"always\"\n",
    );
    let told = diff(&rule, &[]);
    assert!(
        told.contains("firstname") && told.contains("2 contacts changed"),
        "{told}"
    );
    assert!(!told.contains("Ana") && told.contains("--values"), "{told}");
    assert!(
        diff(&rule, &["--values"]).contains("\"Ana\" → \"Ana\""),
        "whoever asks sees the values"
    );

    let digest = place.mapping("digest", "name = \"acme\"\n[policy]\ntimeline = \"digest\"\n");
    let told = diff(&digest, &[]);
    assert!(told.contains("3 communications gone"), "{told}");
    let lines: Vec<Value> = diff(&digest, &["--json"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines
            .iter()
            .all(|line| line["change"] == "gone" && line["object"] == "communication"),
        "{lines:?}"
    );
    assert!(diff(&digest, &["--limit", "1"]).contains("1 of them are shown"));
}

#[test]
fn a_replay_writes_what_a_crm_should_hold() {
    let place = Place::bare();
    let capture = capture(&place);
    place.hilo(&["replay", "--in", &capture, "--out", "out"]).ends(0, &[]);
    let text = fs::read_to_string(place.path("out/crm_record.ndjson")).unwrap();
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |object: &str| records.iter().filter(|record| record["object"] == object).count();
    assert_eq!(
        ["contact", "ticket", "communication", "deal", "task"].map(count),
        [2, 2, 3, 0, 0]
    );
}

#[test]
fn a_crm_that_is_wrongly_configured_is_told_with_what_to_do() {
    let portal = Portal::new();
    let place = Place::new(&portal, "");
    let token = format!("token = \"{TOKEN}\"\n");
    for (crm, words) in [
        (
            String::new(),
            ["no such CRM is configured", "[tenants.NAME.crm.hubspot]"],
        ),
        (
            format!("[tenants.acme.crm.hubspot]\n{token}[tenants.acme.crm.salesforce]\n{token}"),
            ["two CRMs", "keep one"],
        ),
        (
            format!("[tenants.acme.crm.pipedrive]\n{token}"),
            ["\"pipedrive\"", "[tenants.acme.crm.hubspot]"],
        ),
        ("[tenants.acme.crm.hubspot]\n".to_owned(), ["needs token", "env:NAME"]),
        (
            format!("[tenants.acme.crm.hubspot]\n{token}api_version = \"2025-01\"\n"),
            ["\"2025-01\" is not supported", "2026-09 or 2026-03"],
        ),
        (
            format!("[tenants.acme.crm.hubspot]\n{token}base_url = \"ftp://x\"\n"),
            ["base_url", "https://"],
        ),
        (
            format!("[tenants.acme.crm.hubspot]\n{token}maping = \"x\"\n"),
            ["maping", "\"mapping\""],
        ),
        (
            format!("[tenants.acme.crm.hubspot]\n{token}mapping = \"nowhere\"\n"),
            ["mapping", "nowhere"],
        ),
        (
            format!(
                "[tenants.acme.crm.hubspot]\n{token}[tenants.beta]\napp_secrets = [\"s\"]\n[tenants.beta.crm.hubspot]\n{token}"
            ),
            ["several tenants", "--tenant"],
        ),
    ] {
        place.configure(&crm);
        let said = place.hilo(&["crm", "verify"]);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        let said = said.ends(2, &words);
        assert!(!said.contains(TOKEN), "{said}");
    }
}

#[test]
fn a_portal_that_does_not_answer_is_told_without_its_token() {
    let portal = Portal::new();
    let place = Place::new(&portal, "");
    fs::write(place.path("token"), "pat-na1-another-marcador").unwrap();
    for command in ["plan", "apply", "verify"] {
        let said = place
            .hilo(&["crm", command])
            .ends(1, &["unauthorized", "put a valid one"]);
        assert!(!said.contains("marcador"), "{said}");
    }
    drop(portal);
    let said = place
        .hilo(&["crm", "verify"])
        .ends(1, &["unreachable", "check the network"]);
    assert!(!said.contains("marcador"), "{said}");
}
