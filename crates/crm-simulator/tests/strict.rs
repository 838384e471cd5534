//! What the portal refuses, and with which words.

mod support;

use hilo_crm_simulator::{Conflicts, HubSpot, Object, Options, Rule};
use serde_json::{Value, json};
use support::{
    Answer, V, call, contact, get, input, portal, post, send, standing, ticket, ticket_properties, untraced, upsert,
};

/// One upsert of one contact.
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
    let holder = contact(&hubspot, "k1").await;
    let answer = post(
        &hubspot,
        &format!("/crm/objects/{V}/contacts"),
        json!({"properties": {"wa_key": "k1"}}),
    )
    .await;
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
    let taken = vec![
        input("k2", json!({"email": "Ana@Example.test"})),
        input("k3", json!({})),
    ];
    let answer = upsert(&hubspot, "contacts", taken).await;
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
    let holder = contact(&hubspot, "k1").await;
    let answer = post(
        &hubspot,
        &format!("/crm/objects/{V}/contacts"),
        json!({"properties": {"wa_key": "k1"}}),
    )
    .await;
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
async fn a_ticket_needs_no_pipeline_where_there_is_one() {
    let hubspot = portal(standing()).await;
    let mut properties = ticket_properties();
    properties.as_object_mut().unwrap().remove("hs_pipeline");
    assert_eq!(one(&hubspot, "tickets", properties).await.status, 200);
    assert_eq!(hubspot.state().of(Object::Tickets)[0].properties["hs_pipeline"], "0");
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
