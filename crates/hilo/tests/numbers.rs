//! Small captures whose numbers follow from the definitions by hand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use hilo::{replay, topology::Tenants};
use serde_json::{Value, json};
use std::fs;

/// Numerator and denominator of a metric over all time, without dimensions; `None` where there is no row.
fn number(lines: &[Value], metric: &str) -> Option<(f64, f64)> {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("capture.ndjson");
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(&capture, text.join("\n")).unwrap();
    let out = folder.path().join("out");
    replay::replay(&[capture], &out, &Tenants::default()).unwrap();
    let rows = fs::read_to_string(out.join("metrics.ndjson")).unwrap();
    rows.lines().find_map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let is_it = row["metric"] == metric && row["window"].is_null() && row["dimensions"] == json!({});
        is_it.then(|| (row["numerator"].as_f64().unwrap(), row["denominator"].as_f64().unwrap()))
    })
}

fn messages(more: &Value) -> Value {
    let mut value = json!({"metadata": {"display_phone_number": "56229876543", "phone_number_id": "1"}});
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"source": "whatsapp", "body": {"object": "whatsapp_business_account",
        "entry": [{"id": "3", "changes": [{"field": "messages", "value": value}]}]}})
}

fn customer(at: &str) -> Value {
    messages(&json!({"messages": [
        {"id": format!("in-{at}"), "from": "56961234567", "timestamp": at, "type": "text", "text": {"body": "hola"}}]}))
}

fn sent(at: &str, kind: &str, author: &str) -> Value {
    json!({"source": "outbound", "at": at, "phone_number_id": "1", "message_id": "o", "to": {"phone": "+56961234567"},
        "type": kind, "author": {"kind": author, "id": "ana"},
        "template": {"name": "t", "language": "es", "category": "marketing"}})
}

fn inbox(at: &str, event: &str) -> Value {
    json!({"source": "inbox", "at": at, "phone_number_id": "1", "user": {"phone": "+56961234567"}, "event": event,
        "agent": "ana"})
}

fn clock() -> Value {
    json!({"source": "clock", "at": "2026-05-20T00:00:00Z"})
}

/// A send log has milliseconds, a status has whole seconds.
#[test]
fn a_template_that_is_delivered_in_its_own_second_is_answered() {
    let delivered = messages(&json!({"statuses": [
        {"id": "o", "status": "delivered", "timestamp": "1777885200", "recipient_id": "56961234567"}]}));
    let lines = [
        sent("2026-05-04T09:00:00.058Z", "template", "campaign"),
        delivered,
        customer("1777885204"),
    ];
    assert_eq!(number(&lines, "reply_rate"), Some((1.0, 1.0)));
}

#[test]
fn what_the_business_began_is_handled_once_the_customer_writes() {
    let began = [
        sent("2026-05-04T09:00:00Z", "text", "agent"),
        inbox("2026-05-04T09:01:00Z", "assigned"),
        inbox("2026-05-04T09:10:00Z", "resolved"),
        clock(),
    ];
    for metric in ["handle_active_seconds", "handle_assigned_seconds"] {
        assert_eq!(number(&began, metric), None, "{metric}");
    }
    let mut answered = began.to_vec();
    answered.push(customer("1777885320"));
    assert_eq!(number(&answered, "handle_assigned_seconds"), Some((540.0, 1.0)));
}

#[test]
fn a_session_is_no_repeat_of_itself() {
    let lines = [
        customer("1777885200"),
        inbox("2026-05-04T09:00:00Z", "resolved"),
        clock(),
    ];
    assert_eq!(number(&lines, "fcr_rate"), Some((1.0, 1.0)));
    let mut again = lines.to_vec();
    again.push(customer("1777888800"));
    assert_eq!(number(&again, "fcr_rate"), Some((0.0, 1.0)));
}
