use super::*;
use proptest::prelude::*;
use std::{collections::BTreeMap, fs, path::Path};

fn line(text: &str) -> Raw {
    from_line(text.as_bytes(), Some("capture.ndjson"), 7).unwrap()
}

/// Source, tenant, receipt and body.
fn told(text: &str) -> (String, String, Millis, String) {
    let raw = line(text);
    assert_eq!((raw.file, raw.line), (None, None), "{text}");
    (
        raw.source,
        raw.tenant,
        raw.received_at,
        String::from_utf8(raw.body).unwrap(),
    )
}

fn expected(source: &str, tenant: &str, at: Millis, body: &str) -> (String, String, Millis, String) {
    (source.to_owned(), tenant.to_owned(), at, body.to_owned())
}

#[test]
fn blank_lines_and_comments_are_no_record() {
    for text in ["", "  \t\r", "# {}", "  # x"] {
        assert_eq!(from_line(text.as_bytes(), None, 1), None, "{text:?}");
    }
}

#[test]
fn a_bare_body_is_kept_whole_and_received_at_its_newest_time() {
    let body =
        r#"{ "object":"whatsapp_business_account","entry":[{"time":1777899600},{"x":{"timestamp":"1777899601"}}]}"#;
    assert_eq!(told(body), expected("whatsapp", "default", 1_777_899_601_000, body));
    let timeless = r#"{"object":"whatsapp_business_account","entry":[]}"#;
    assert_eq!(told(timeless), expected("whatsapp", "default", 0, timeless));
}

#[test]
fn the_body_of_an_envelope_is_verbatim() {
    let received = 1_777_899_601_000;
    let envelope = |body: &str| {
        format!(r#"{{"source":"whatsapp","tenant":"ac\u006de","received_at":"2026-05-04T13:00:01Z","body":{body}}}"#)
    };
    for body in [r#"{"b" : 1.0,"a":"\ud83d","a":[]}"#, "[1]", "12"] {
        assert_eq!(told(&envelope(body)), expected("whatsapp", "acme", received, body));
    }
    let quoted = envelope(r#""{\"a\": \"ñ\\u00e9\"}""#);
    assert_eq!(
        told(&quoted),
        expected("whatsapp", "acme", received, r#"{"a": "ñ\u00e9"}"#)
    );
    let broken = envelope(r#""no JSON""#);
    assert_eq!(told(&broken), expected("whatsapp", "acme", received, "no JSON"));
    let half = envelope(r#""{\"a\":\"\ud83d \ud83d\ude00\"}""#);
    assert_eq!(
        told(&half),
        expected("whatsapp", "acme", received, "{\"a\":\"\u{fffd} 😀\"}")
    );
}

#[test]
fn an_envelope_without_receipt_or_body_is_not_lost() {
    let timed = r#"{"source":"whatsapp","received_at":"tomorrow","body":{"timestamp":"1777899600"}}"#;
    assert_eq!(
        told(timed),
        expected(
            "whatsapp",
            "default",
            1_777_899_600_000,
            r#"{"timestamp":"1777899600"}"#
        )
    );
    let empty = r#"{"source":"whatsapp","tenant":"acme"}"#;
    assert_eq!(told(empty), expected("whatsapp", "acme", 0, empty));
}

#[test]
fn other_lines_are_kept_whole_and_timed_by_themselves() {
    for source in ["outbound", "inbox", "crm", "platform", "clock"] {
        let text = format!(r#"{{"source":"{source}","tenant":null,"at":"2026-05-04T13:00:00.5Z","user":{{"x":[]}}}}"#);
        assert_eq!(told(&text), expected(source, "default", 1_777_899_600_500, &text));
        let timeless = format!(r#"{{"source":"{source}","tenant":"beta","at":12}}"#);
        assert_eq!(told(&timeless), expected(source, "beta", 0, &timeless));
    }
}

#[test]
fn a_line_may_say_when_it_was_received() {
    for source in ["outbound", "inbox", "crm", "platform", "clock", "identity"] {
        let text =
            format!(r#"{{"source":"{source}","at":"2056-05-04T13:00:00Z","received_at":"2026-05-04T13:00:00Z"}}"#);
        assert_eq!(told(&text), expected(source, "default", 1_777_899_600_000, &text));
    }
    let raw = line(r#"{"source":"inbox","tenant":"acme","at":"2026-05-04T13:00:00Z"}"#);
    let later = received(raw.clone(), 1_777_899_600_007);
    assert_eq!(
        (later.received_at, &later.body, &later.tenant),
        (1_777_899_600_007, &raw.body, &raw.tenant)
    );
    assert_ne!(later.delivery_id, raw.delivery_id, "it is of the receipt");
    assert_eq!(received(raw.clone(), raw.received_at), raw);
}

#[test]
fn what_is_no_known_line_is_kept_with_its_place() {
    let texts: [&[u8]; 10] = [
        b"not json",
        br#"{"source":"whatsapp","body":{}"#,
        br#"{"source":"telegram","body":{}}"#,
        br#"{"source":7}"#,
        br#"{"object":"page","entry":[]}"#,
        br#"{"tenant":"acme"}"#,
        br#"["whatsapp","whatsapp_business_account"]"#,
        br#"{"source":"clock","tenant":7,"at":"2026-05-04T13:00:00Z"}"#,
        b"{\"source\":\"clock\",\"x\":\"\xff\"}",
        br#"{"source":"clock"} {"source":"clock"}"#,
    ];
    for text in texts {
        let raw = from_line(text, Some("capture.ndjson"), 7).unwrap();
        let place = (
            raw.source.as_str(),
            raw.file.as_deref(),
            raw.line,
            raw.received_at,
            raw.tenant.as_str(),
        );
        assert_eq!(
            place,
            ("invalid", Some("capture.ndjson"), Some(7), 0, "default"),
            "{}",
            text.escape_ascii()
        );
        assert_eq!(raw.body, text);
    }
    assert_eq!(from_line(b"not json", None, 7).unwrap().line, None);
}

#[test]
fn a_delivery_id_tells_deliveries_apart_and_repeats() {
    let one = from_webhook("acme", 1, b"{}");
    let others = [
        from_webhook("beta", 1, b"{}"),
        from_webhook("acme", 2, b"{}"),
        from_webhook("acme", 1, b"{ }"),
    ];
    assert!(others.iter().all(|other| other.delivery_id != one.delivery_id));
    assert_eq!(one, from_webhook("acme", 1, b"{}"));
    let envelope = line(r#"{"source":"whatsapp","tenant":"acme","received_at":"1970-01-01T00:00:00.001Z","body":{}}"#);
    assert_eq!(envelope, one);
}

#[test]
fn a_key_is_shared_by_a_contact_and_never_between_tenants() {
    let question = from_webhook("acme", 1, br#"{"contacts":[{"wa_id":"56961234567","user_id":"CL.1"}]}"#);
    let status = from_webhook("acme", 2, br#"{"statuses":[{"id":"w","recipient_id":"56961234567"}]}"#);
    let elsewhere = from_webhook("beta", 1, &question.body);
    let nobody = from_webhook("acme", 1, b"{}");
    assert_eq!(raw_key(&question), raw_key(&status));
    assert_ne!(raw_key(&question), raw_key(&elsewhere));
    assert_ne!(raw_key(&question), raw_key(&nobody));
    assert_eq!(raw_key(&nobody), raw_key(&from_webhook("acme", 9, b"[]")));
    assert_eq!(raw_key(&nobody).len(), 16);
}

/// Sources of the records of a file that is there in the project's environment.
fn sources(path: &str) -> Option<BTreeMap<String, usize>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    let Ok(bytes) = fs::read(&path) else {
        eprintln!("SKIPPED: {} is not here", path.display());
        return None;
    };
    let mut found = BTreeMap::new();
    for (index, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if let Some(raw) = from_line(text, Some("x"), index as i64 + 1) {
            *found.entry(raw.source).or_default() += 1;
        }
    }
    Some(found)
}

#[test]
fn the_worked_example_has_the_lines_that_its_summary_counts() {
    if let Some(found) = sources("example/capture.ndjson") {
        assert_eq!(found.values().sum::<usize>(), 63);
        assert_eq!((found["whatsapp"], found["invalid"]), (37, 2), "{found:?}");
    }
}

#[test]
fn every_collected_payload_is_a_delivery() {
    for file in ["payloads/bindambc.ndjson", "payloads/pywa.ndjson"] {
        if let Some(found) = sources(file) {
            assert_eq!(
                found.keys().map(String::as_str).collect::<Vec<_>>(),
                ["whatsapp"],
                "{file}"
            );
        }
    }
}

proptest! {
    #[test]
    fn no_line_is_lost(text in prop::collection::vec(any::<u8>(), 1..80)) {
        let kept = text.trim_ascii();
        match from_line(&text, Some("f"), 3) {
            None => prop_assert!(kept.is_empty() || kept[0] == b'#'),
            Some(raw) => prop_assert_eq!(raw.body, kept),
        }
    }

    #[test]
    fn any_text_in_an_envelope_comes_out_as_it_went_in(body in ".*", tenant in "[^\u{0}]+") {
        let envelope = serde_json::json!({"source": "whatsapp", "tenant": tenant, "body": body});
        let raw = line(&envelope.to_string());
        prop_assert_eq!((raw.source.as_str(), raw.tenant, raw.body), ("whatsapp", tenant, body.into_bytes()));
    }
}

#[test]
fn a_tenant_without_a_name_is_the_default_one() {
    for tenant in [r#""""#, "null"] {
        let raw = line(&format!(
            r#"{{"source":"clock","tenant":{tenant},"at":"2026-05-04T13:00:30Z"}}"#
        ));
        assert_eq!((raw.source.as_str(), raw.tenant.as_str()), ("clock", "default"));
    }
}

#[test]
fn an_export_of_the_raw_topic_is_a_capture_again() {
    let lines: [&[u8]; 3] = [
        br#"{"source":"whatsapp","tenant":"acme","received_at":"2026-05-04T13:00:01Z","body":{"object":"x","n":"caf\u00e9"}}"#,
        br#"{"source":"inbox","tenant":"acme","at":"2026-05-04T13:00:30Z","event":"assigned"}"#,
        br#"{"source":"clock","at":"2026-05-04T13:00:30Z"}"#,
    ];
    for line in lines {
        let first = from_line(line, None, 1).unwrap();
        let datum = crate::codec::Codec::encode(&crate::codec::raw(), &first).unwrap();
        let exported = crate::json::to_string(crate::topics::RAW, &datum).unwrap();
        assert_eq!(from_line(exported.as_bytes(), None, 1), Some(first), "{exported}");
    }
    let broken = from_webhook("acme", 5, &[b'{', 0xff]);
    let datum = crate::codec::Codec::encode(&crate::codec::raw(), &broken).unwrap();
    let exported = crate::json::to_string(crate::topics::RAW, &datum).unwrap();
    assert_eq!(from_line(exported.as_bytes(), None, 1), Some(broken));
}
