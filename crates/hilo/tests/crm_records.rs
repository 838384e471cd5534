//! What CRMs should hold, through the whole topology: the same records for any order, repetition and partitions of the
//! input, and the people, sessions, messages and deals of the golden record, each once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod beside;
mod crm_world;
mod nasty;

use beside::beside;
use crm_world::{Found, Run, difference};
use hilo_simulator::{Profile, capture};
use hilo_stream::driver::{permuted, repeated};
use nasty::{LATER, START, instant, webhook};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{env, fs};

/// Mappings: an entry a message, and an entry a session.
const TIMELINES: [&str; 2] = ["messages", "digest"];

/// One input in other orders, repeated, over partitions; and each time beside the golden record.
fn is_the_same(lines: &[Value], timeline: &str, seeds: std::ops::Range<u64>) -> Found {
    let run = Run::new(timeline);
    let want = run.replayed(lines);
    for seed in seeds {
        let other = repeated(&permuted(lines, seed), seed);
        let got = run.replayed(&other);
        if let Some(difference) = difference(&want, &got) {
            panic!("{timeline}, in another order, seed {seed}: {difference}");
        }
        let partitions = 1 + seed as usize % 5;
        let got = run.partitioned(&other, partitions, seed);
        if let Some(difference) = difference(&want, &got) {
            panic!("{timeline}, {partitions} partitions, seed {seed}: {difference}");
        }
    }
    want
}

fn lines_of(text: &str) -> Vec<Value> {
    text.lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn clock(at: &str) -> Value {
    json!({"source": "clock", "at": at})
}

#[test]
fn the_worked_example_gives_one_set_of_records() {
    let Some(folder) = beside("example") else { return };
    let mut lines = lines_of(&fs::read_to_string(folder.join("capture.ndjson")).unwrap());
    lines.push(clock("2027-01-01T00:00:00Z"));
    for timeline in TIMELINES {
        let found = is_the_same(&lines, timeline, 0..6);
        assert!(!found.lines.is_empty());
    }
}

#[test]
fn the_collected_payloads_give_one_set_of_records() {
    let Some(folder) = beside("payloads") else { return };
    let mut lines = Vec::new();
    for file in ["bindambc", "pywa"] {
        let text = fs::read_to_string(folder.join(format!("{file}.ndjson"))).unwrap();
        for body in lines_of(&text) {
            // One tenant: in these files one id stands for many messages, and the fold has to decide.
            lines.push(
                json!({"source": "whatsapp", "tenant": file, "received_at": "2026-11-01T00:00:00Z", "body": body}),
            );
        }
    }
    lines.push(clock("2027-01-01T00:00:00Z"));
    is_the_same(&lines, "messages", 0..4);
}

#[test]
fn a_simulated_world_gives_one_set_of_records() {
    let mut bytes = Vec::new();
    let profile = Profile {
        tenants: vec!["acme".to_owned(), "beta".to_owned()],
        people: 40,
        usernames: 0.3,
        number_changes: 0.2,
        recycled_numbers: 0.5,
        ..Profile::demo(1_795_510_800_000, 100)
    };
    capture::write(&mut bytes, 3, profile, 900).unwrap();
    let mut lines = lines_of(&String::from_utf8(bytes).unwrap());
    lines.push(clock("2027-01-01T00:00:00Z"));
    for timeline in TIMELINES {
        let found = is_the_same(&lines, timeline, 0..2);
        for object in ["contact", "ticket"] {
            assert!(found.count(object) >= 20, "{object}: {}", found.count(object));
        }
    }
}

/// What makes deals, tasks and texts that change, which the other histories do without.
fn more((hour, kind, pick): (i64, usize, usize)) -> Value {
    let seconds = (START + hour * 3_600).to_string();
    let wa_id = ["56961230001", "56961230002", "5511987654321"][pick % 3];
    let phone = format!("+{wa_id}");
    let metadata = json!({"display_phone_number": "15550783881", "phone_number_id": "2"});
    let message = |message: Value| webhook("messages", &json!({"metadata": metadata, "messages": [message]}));
    match kind {
        // By an ad, or with a tracked word.
        0 => message(
            json!({"id": format!("wamid.ad.{hour}.{pick}"), "from": wa_id, "type": "text", "timestamp": seconds,
            "text": {"body": "quiero PROMO10 por favor"},
            "referral": {"source_type": "ad", "source_id": (["ad1", "ad2"][pick % 2]), "ctwa_clid": "clid"}}),
        ),
        1 => message(
            json!({"id": format!("wamid.t.{hour}.{pick}"), "from": wa_id, "type": "text", "timestamp": seconds,
            "text": {"body": (["PROMO10", "hola"][pick % 2])}}),
        ),
        2 => json!({"source": "inbox", "tenant": "acme", "at": instant(hour), "phone_number_id": "2",
            "user": {"phone": phone}, "event": "tagged", "tags": [(["venta", "reprogramar"][pick % 2])], "agent": "ana"}),
        3 => json!({"source": "inbox", "tenant": "acme", "at": instant(hour), "phone_number_id": "2",
            "user": {"phone": phone}, "event": "rated", "instrument": "csat", "score": 1 + pick % 5, "scale": 5}),
        4 => json!({"source": "outbound", "tenant": "acme", "at": instant(hour), "phone_number_id": "2",
            "message_id": format!("wamid.cobro.{}", pick % 3), "to": {"phone": phone}, "type": "template",
            "template": {"name": "cobro_pendiente", "language": "es_CL", "category": "utility"}}),
        5 => webhook(
            "messages",
            &json!({"metadata": metadata, "statuses": [{"id": format!("wamid.cobro.{}", pick % 3),
            "timestamp": seconds, "recipient_id": wa_id, "status": (["read", "failed", "delivered"][pick / 3 % 3]),
            "errors": (if pick / 3 % 3 == 1 { json!([{"code": 131_026}]) } else { json!([]) })}]}),
        ),
        6 => message(
            json!({"id": format!("wamid.edit.{hour}.{pick}"), "from": wa_id, "type": "edit", "timestamp": seconds,
            "edit": {"original_message_id": format!("wamid.t.{}.{pick}", hour - 1),
                "message": {"type": "text", "text": {"body": "corregido"}}}}),
        ),
        _ => message(
            json!({"id": format!("wamid.rev.{hour}.{pick}"), "from": wa_id, "type": "revoke", "timestamp": seconds,
            "revoke": {"original_message_id": format!("wamid.t.{}.{pick}", hour - 1)}}),
        ),
    }
}

fn cases() -> u32 {
    let fallback = if cfg!(debug_assertions) { 60 } else { 400 };
    let asked = env::var("HILO_HISTORIES").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(fallback)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn small_nasty_histories_give_one_set_of_records(
        mut lines in nasty::history(),
        extra in prop::collection::btree_set((0..72i64, 0..9usize, 0..9usize), 0..8),
        seed in any::<u64>(),
        partitions in 1..5usize,
        timeline in 0..2usize,
    ) {
        lines.extend(extra.into_iter().map(more));
        lines.push(clock(&instant(LATER)));
        let run = Run::new(TIMELINES[timeline]);
        let want = run.replayed(&lines);
        let other = repeated(&permuted(&lines, seed), seed);
        for found in [run.replayed(&other), run.partitioned(&other, partitions, seed)] {
            let difference = difference(&want, &found).unwrap_or_default();
            prop_assert!(difference.is_empty(), "{}", difference);
        }
    }
}
