//! What a fuzzer feeds: bytes in, nothing out, a panic where something does not hold. The coverage-guided targets of
//! `fuzz/` and the seeded run in `main.rs` share them.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, and this is a part of several crates"
)]

use axum::http::Request;
use hilo_contracts::{
    capture,
    codec::{self, Codec, ContractError},
    facts::Raw,
    item::{Body, Item},
    json, topics,
};
use hilo_domain::{Identifier, StatusFold, phone};
use hilo_gateway::{DurableLog, Gateway, Limits, LogError, Secret, TenantSecrets, Tenants, router};
use hilo_stream::{Context, Record, wire};
use hmac::{Hmac, Mac as _};
use prometheus::Registry;
use sha2::Sha256;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// A capture line: what it becomes, each item counted once, the same once more all duplicates.
pub fn normalize(line: &[u8]) {
    let Some(raw) = capture::from_line(line, Some("capture.ndjson"), 1) else {
        return;
    };
    let record = Record {
        topic: topics::RAW,
        key: capture::raw_key(&raw),
        value: codec::raw().encode(&raw).unwrap(),
        timestamp: raw.received_at,
    };
    let mut normalize = (hilo_normalize::normalize_spec(BTreeMap::new()).factory)();
    let mut deduplicate = (hilo_deduplicate::spec().factory)();
    let mut context = Context::default();
    normalize.process(&record, &mut context).unwrap();
    let of_topic = |name| context.outputs.iter().filter(move |record| record.topic == name);
    let counted = |context: &Context, label| -> u64 {
        let counts = context
            .counts
            .iter()
            .filter(|count| (count.0, count.1) == ("items", label));
        counts.map(|count| count.2).sum()
    };
    assert_eq!(
        counted(&context, "dead_letter"),
        of_topic(topics::DEAD_LETTER).count() as u64
    );
    assert_eq!(
        counted(&context, "unclassified"),
        of_topic(topics::UNCLASSIFIED).count() as u64
    );
    let items: Vec<&Record> = of_topic(topics::ITEM).collect();
    // An echo of callback data belongs to the status beside it and is counted there.
    let whole = |record: &&&Record| {
        let item: Item = wire::decode(&record.value).unwrap();
        !matches!(item.body, Body::Echoed { .. })
    };
    let count = items.iter().filter(whole).count() as u64;
    let mut once = Context::default();
    let mut twice = Context::default();
    for context in [&mut once, &mut twice] {
        for record in &items {
            deduplicate.process(record, context).unwrap();
        }
        assert_eq!(counted(context, "emitted") + counted(context, "duplicate"), count);
    }
    assert_eq!(counted(&twice, "emitted"), 0);
}

/// Phone numbers, what people state, and the fold of statuses.
pub fn domain(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for region in [None, Some("CL"), Some("BR"), Some("MX"), Some("AR"), Some("??")] {
        if let Some(e164) = phone::dialable(&text, region) {
            let digits = e164.strip_prefix('+').unwrap();
            assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{e164}");
            assert_eq!(phone::canonical_digits(digits), digits, "dialable is canonical");
            assert_eq!(
                phone::dialable(&e164, region).as_deref(),
                Some(e164.as_str()),
                "dialable stays"
            );
            let country = phone::country(&e164);
            assert!(country.is_none_or(|country| country.len() == 2));
            assert!(phone::candidate_digits(digits).is_none_or(|meeting| meeting.starts_with("54")));
        }
    }
    if let Some(digits) = phone::digits_of_wa_id(&text) {
        let canonical = phone::canonical_digits(&digits);
        assert_eq!(phone::canonical_digits(&canonical), canonical);
    }
    for read in [Identifier::email, Identifier::document] {
        if let Some(stated) = read(&text) {
            assert_eq!(read(&stated.value).as_ref(), Some(&stated), "the one form stays");
        }
    }
    fold_in_any_order(bytes);
}

fn fold_in_any_order(bytes: &[u8]) {
    let words = ["sent", "delivered", "read", "played", "failed", "deleted"];
    let told: Vec<(&str, i64, [i64; 1])> = bytes
        .iter()
        .take(12)
        .map(|byte| {
            (
                words[usize::from(byte % 6)],
                i64::from(byte / 6 % 4),
                [i64::from(byte / 24)],
            )
        })
        .collect();
    let fold = |told: &mut dyn Iterator<Item = &(&str, i64, [i64; 1])>| {
        let mut fold = StatusFold::default();
        for (word, at, codes) in told {
            fold.add(word, *at, codes);
        }
        fold
    };
    assert_eq!(fold(&mut told.iter()), fold(&mut told.iter().rev()), "{told:?}");
}

/// Datums of every subject: an error or a value that encodes, and the JSON of the same.
pub fn avro(bytes: &[u8]) {
    decode(&codec::raw(), bytes);
    decode(&codec::identity(), bytes);
    decode(&codec::conversation(), bytes);
    decode(&codec::status(), bytes);
    decode(&codec::account(), bytes);
    decode(&codec::metric(), bytes);
    decode(&codec::dead_letter(), bytes);
    decode(&codec::unclassified(), bytes);
    for subject in [
        topics::RAW,
        topics::IDENTITY,
        topics::CONVERSATION,
        topics::STATUS,
        topics::ACCOUNT,
        topics::METRIC,
        topics::DEAD_LETTER,
        topics::UNCLASSIFIED,
    ] {
        if let Ok(text) = json::to_string(subject, bytes) {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&text);
            assert!(parsed.is_ok(), "{subject}: {text}");
        }
    }
}

fn decode<T>(codec: &impl Codec<T>, bytes: &[u8]) {
    let decoded: Result<T, ContractError> = codec.decode(bytes);
    if let Ok(value) = decoded {
        let datum = codec.encode(&value).unwrap();
        let again = codec.decode(&datum).unwrap();
        assert_eq!(codec.encode(&again).unwrap(), datum);
    }
}

/// What the gateway makes of a POST: of its bytes as a webhook, signed and not, and as lines of each capture address.
/// What it accepts is in the log, verbatim; what it refuses is not.
pub fn gateway(bytes: &[u8]) {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().unwrap();
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(bytes);
    let signed = format!("sha256={:x}", mac.finalize().into_bytes());
    let stray =
        String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).replace(|letter: char| !letter.is_ascii_graphic(), "");
    for (path, name, value) in [
        ("/webhooks/whatsapp/acme", "x-hub-signature-256", signed.as_str()),
        ("/webhooks/whatsapp/acme", "x-hub-signature-256", stray.as_str()),
        ("/v1/outbound", "authorization", "Bearer token"),
        ("/v1/inbox", "authorization", "Bearer token"),
        ("/v1/platform", "authorization", "Bearer token"),
        ("/v1/crm/hubspot", "authorization", "Bearer token"),
        ("/v1/outbound", "authorization", stray.as_str()),
    ] {
        let log = Log::default();
        let secrets = TenantSecrets {
            verify_token: None,
            app_secrets: Secret::new(SECRET).into_iter().collect(),
            api_tokens: Secret::new("token").into_iter().collect(),
        };
        let tenants = Tenants::new([("acme".to_owned(), secrets)]).unwrap();
        let limits = Limits {
            body: 4096,
            ..Limits::default()
        };
        let gateway = Gateway::new(log.clone(), tenants, limits, &Registry::new()).unwrap();
        let request = Request::post(path)
            .header(name, value)
            .body(axum::body::Body::from(bytes.to_vec()))
            .unwrap();
        let router = router(gateway);
        let response = RUNTIME.with(|runtime| runtime.block_on(router.oneshot(request)).unwrap());
        let written = log.0.lock().unwrap();
        let status = response.status();
        assert!(
            status.is_success() || written.is_empty(),
            "{path} {status}: refused and written"
        );
        assert!(!status.is_server_error(), "{path} {status}");
        let raws: Vec<Raw> = written
            .iter()
            .map(|record| codec::raw().decode(&record.value).unwrap())
            .collect();
        if path.starts_with("/webhooks") && status.is_success() {
            assert_eq!(
                raws.iter().map(|raw| raw.body.as_slice()).collect::<Vec<_>>(),
                [bytes],
                "{path}"
            );
            assert!(value == signed, "a stray signature was taken");
        }
        assert!(raws.iter().all(|raw| raw.tenant == "acme"));
        assert!(
            bytes.len() <= 4096 || status.as_u16() == 413 || status.as_u16() == 401,
            "{path} {status}"
        );
    }
}

const SECRET: &str = "a secret";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Record>>>);

impl DurableLog for Log {
    async fn append(&self, records: Vec<Record>) -> Result<(), LogError> {
        self.0.lock().unwrap().extend(records);
        Ok(())
    }
}
