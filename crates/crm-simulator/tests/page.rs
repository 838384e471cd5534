//! The page: what came in is shown, as text, in the reader's language.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use axum::{
    body::{Body, to_bytes},
    http::{Request, header},
};
use hilo_crm_simulator::HubSpot;
use serde_json::json;
use support::{V, call, contact, portal, post, standing, ticket, untraced, upsert};
use tower::ServiceExt as _;

async fn page(hubspot: &HubSpot, path: &str, language: &str) -> (u16, String) {
    let request = Request::get(path)
        .header(header::ACCEPT_LANGUAGE, language)
        .body(Body::empty())
        .unwrap();
    let answer = hubspot.router().oneshot(request).await.unwrap();
    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'none'"));
    let status = answer.status().as_u16();
    let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

/// A contact with a message, a ticket, a deal and a task.
async fn filled() -> (HubSpot, String) {
    let hubspot = portal(standing()).await;
    let id = contact(&hubspot, "k1").await;
    let name = json!({"firstname": "Ana <b>", "lastname": "Rojas & Cía", "phone": "+56961234567"});
    upsert(&hubspot, "contacts", vec![untraced("k1", name)]).await;
    let ticket = ticket(&hubspot, "t1").await;
    let deal = json!({"dealname": "Campaña", "dealstage": "closedwon", "pipeline": "default"});
    let deal = upsert(&hubspot, "0-3", vec![untraced("d1", deal)]).await.id();
    let task = json!({"hs_task_subject": "Llamar", "hs_timestamp": "2026-12-01T12:00:00Z"});
    let task = upsert(&hubspot, "tasks", vec![untraced("a1", task)]).await.id();
    let message = json!({"hs_communication_channel_type": "WHATS_APP", "hs_communication_logged_from": "CRM",
        "hs_communication_body": "<p>Hola &lt;script&gt;alert(1)&lt;/script&gt;</p>", "hs_timestamp": "2026-11-30T12:00:00Z"});
    let message = upsert(&hubspot, "communications", vec![untraced("m1", message)])
        .await
        .id();
    for (object, other) in [
        ("tickets", ticket),
        ("deals", deal),
        ("tasks", task),
        ("communications", message),
    ] {
        let path = format!("/crm/objects/{V}/contacts/{id}/associations/default/{object}/{other}");
        assert_eq!(call(&hubspot, "PUT", &path, None).await.status, 200, "{object}");
    }
    (hubspot, id)
}

#[tokio::test]
async fn lists_show_what_came_in() {
    let (hubspot, id) = filled().await;
    for (path, want) in [
        ("/", "+56961234567"),
        ("/tickets", "Reprogramar"),
        ("/deals", "Closed Won"),
        ("/tasks", "Llamar"),
    ] {
        let (status, page) = page(&hubspot, path, "es").await;
        assert_eq!(status, 200);
        assert!(page.contains(want), "{path}: {page}");
    }
    let (_, list) = page(&hubspot, "/", "es").await;
    assert!(list.contains(&format!("/contacts/{id}")));
    let (_, found) = page(&hubspot, "/?q=rojas", "es").await;
    assert!(found.contains("+56961234567"));
    let (_, missed) = page(&hubspot, "/?q=nadie%22%3E%3Cb%3E", "es").await;
    assert!(
        !missed.contains("+56961234567") && !missed.contains("\"><b>"),
        "{missed}"
    );
}

#[tokio::test]
async fn a_contact_has_its_timeline_and_its_records_as_text() {
    let (hubspot, id) = filled().await;
    let (status, page) = page(&hubspot, &format!("/contacts/{id}"), "es").await;
    assert_eq!(status, 200);
    for want in [
        "Ana &lt;b&gt; Rojas &amp; Cía",
        "Hola &lt;script&gt;alert(1)&lt;/script&gt;",
        "2026-11-30 12:00",
        "Reprogramar",
        "Campaña",
        "Llamar",
    ] {
        assert!(page.contains(want), "{want}: {page}");
    }
    assert!(!page.contains("<script>alert") && !page.contains("Ana <b>"));
}

#[tokio::test]
async fn the_language_is_the_readers() {
    let (hubspot, id) = filled().await;
    for (path, accepted, want) in [
        ("/", "pt-BR,pt;q=0.9", "Contatos"),
        ("/", "en-GB", "Contacts"),
        ("/", "de", "Contactos"),
        ("/?lang=pt", "en", "Negócios"),
    ] {
        assert!(
            page(&hubspot, path, accepted).await.1.contains(want),
            "{path} {accepted}"
        );
    }
    // What was chosen stays chosen.
    let (_, chosen) = page(&hubspot, "/?lang=pt", "en").await;
    assert!(chosen.contains(&format!("/contacts/{id}?lang=pt")), "{chosen}");
}

#[tokio::test]
async fn the_page_renews_itself_unless_it_is_paused() {
    let (hubspot, _) = filled().await;
    assert!(page(&hubspot, "/", "es").await.1.contains("/_simulator/refresh.js"));
    assert!(
        !page(&hubspot, "/?pause=1", "es")
            .await
            .1
            .contains("/_simulator/refresh.js")
    );
}

#[tokio::test]
async fn a_record_that_is_gone_is_said_to_be() {
    let (hubspot, id) = filled().await;
    let erase = json!({"objectId": id});
    post(&hubspot, &format!("/crm/objects/{V}/contacts/gdpr-delete"), erase).await;
    for path in [format!("/contacts/{id}"), "/contacts/nobody".to_owned()] {
        let (status, page) = page(&hubspot, &path, "en").await;
        assert_eq!(status, 404);
        assert!(page.contains("no longer"), "{path}");
    }
}

#[tokio::test]
async fn a_long_list_has_pages() {
    let hubspot = portal(standing()).await;
    let inputs = (0..60)
        .map(|number| untraced(&format!("k{number}"), json!({"firstname": format!("P{number:02}.")})))
        .collect();
    upsert(&hubspot, "contacts", inputs).await;
    let (_, first) = page(&hubspot, "/", "en").await;
    assert!(first.contains("P59.") && first.contains("P10.") && !first.contains("P09."));
    let link = first
        .split("href=\"")
        .find(|part| part.starts_with("/?before="))
        .unwrap();
    let (_, second) = page(&hubspot, link.split('"').next().unwrap(), "en").await;
    assert!(second.contains("P09.") && second.contains("P00.") && !second.contains("P10."));
}
