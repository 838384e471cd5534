//! One id, different messages, of different people: the one with the smaller time and content holds, whoever it came of
//! first, and nothing of the others stays anywhere but as evidence of identity.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use hilo::{replay, topology::Tenants};
use std::fs;

/// A received message `m1` and a contact beside it.
fn line(at: u32, from: &str, user: &str, text: &str, contact: &str, contact_user: &str) -> String {
    let user = if user.is_empty() {
        String::new()
    } else {
        format!(r#""from_user_id":"{user}","#)
    };
    format!(
        r#"{{"source":"whatsapp","tenant":"acme","received_at":"2026-05-04T13:00:05Z","body":{{"object":"whatsapp_business_account","entry":[{{"id":"310","changes":[{{"field":"messages","value":{{"metadata":{{"display_phone_number":"56229876543","phone_number_id":"210"}},"contacts":[{{"wa_id":"{contact}","user_id":"{contact_user}"}}],"messages":[{{"from":"{from}",{user}"id":"m1","timestamp":"{at}","type":"text","text":{{"body":"{text}"}}}}]}}}}]}}]}}}}"#
    )
}

fn state(lines: &[&String]) -> Vec<String> {
    let place = tempfile::tempdir().unwrap();
    let capture = place.path().join("capture.ndjson");
    let text: Vec<&str> = lines.iter().map(|line| line.as_str()).collect();
    fs::write(&capture, text.join("\n")).unwrap();
    let out = place.path().join("out");
    replay::replay(&[capture], &out, &Tenants::default()).unwrap();
    ["persons", "sessions", "messages"]
        .map(|name| fs::read_to_string(out.join(format!("state/{name}.ndjson"))).unwrap())
        .to_vec()
}

/// All orders of the places below `count`.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in orders(count - 1) {
        for place in 0..=shorter.len() {
            let mut order = shorter.clone();
            order.insert(place, count - 1);
            all.push(order);
        }
    }
    all
}

#[track_caller]
fn the_same_in_any_order(lines: &[String], session: &str) {
    let want = state(&lines.iter().collect::<Vec<_>>());
    assert!(want[1].contains(session), "{}", want[1]);
    for order in orders(lines.len()) {
        let shuffled: Vec<&String> = order.iter().map(|place| &lines[*place]).collect();
        assert_eq!(state(&shuffled), want, "{order:?}");
    }
}

#[test]
fn of_one_second_the_smaller_content_holds() {
    let lines = [
        line(1_777_906_800, "5215512345678", "CL.1", "BAJA", "5215512345678", "CL.2"),
        line(1_777_906_800, "56961234567", "CL.2", "hola", "551187654321", "MX.3"),
    ];
    the_same_in_any_order(&lines, r#""opened_at":"2026-05-04T15:00:00Z""#);
}

#[test]
fn a_message_that_the_graph_moves_does_not_take_the_place_of_its_better_duplicate() {
    let other = line(1_777_986_000, "551187654321", "CL.2", "hola", "5215512345678", "CL.1").replace("m1", "m2");
    let lines = [
        other,
        line(1_777_939_600, "5511987654321", "CL.1", "a", "5215512345678", "CL.1"),
        line(1_777_986_000, "5511987654321", "", "hola", "5215512345678", "CL.1"),
    ];
    the_same_in_any_order(&lines, r#""opened_at":"2026-05-05T00:06:40Z""#);
}
