//! A second implementation of what a replay must find, written from the documents alone, against the pipeline.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod alone;
#[path = "../beside/mod.rs"]
mod beside;
mod compare;
mod configured;
mod history;
mod items;
mod json;
mod mentions;
mod messages;
mod metrics;
#[path = "../over_partitions/mod.rs"]
mod over_partitions;
mod people;
mod properties;
mod sessions;
mod state;

use beside::beside;
use history::Taste;
use state::State;
use std::{
    fs, panic,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

#[test]
fn the_reference_agrees_with_the_worked_example() {
    let Some(example) = beside("example") else { return };
    let found = state::of(
        &lines(&fs::read(example.join("capture.ndjson")).unwrap()),
        metrics::Tie::Least,
    );
    let want = |name: &str| fs::read_to_string(example.join("expected").join(name)).unwrap();
    let mut summary: serde_json::Value = serde_json::from_str(&want("summary.json")).unwrap();
    summary.as_object_mut().unwrap().remove("dead_letter_reasons");
    assert_eq!(found.messages, want("state/messages.ndjson"));
    assert_eq!(found.persons, want("state/persons.ndjson"));
    assert_eq!(found.sessions, want("state/sessions.ndjson"));
    assert_eq!(found.summary, summary);
    // The example tells of no other windows.
    let over_all_input = |line: &&str| line.contains(r#""window":null"#);
    let rows: Vec<&str> = found.metrics.lines().filter(over_all_input).collect();
    let want = metrics::of_pipeline(&want("metrics.ndjson"));
    assert_eq!(rows, want.lines().collect::<Vec<_>>());
}

/// Captures on which the two differed once, each the smallest that does.
#[test]
fn cases_that_once_differed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/cases");
    let mut seen = 0;
    for case in fs::read_dir(folder).unwrap() {
        let path = case.unwrap().path();
        let lines = lines(&fs::read(&path).unwrap());
        assert_eq!(compare::difference(&lines), None, "{}", path.display());
        for seed in 0..4 {
            assert_eq!(order_is_nothing(seed, &lines), Ok(()), "{}", path.display());
            assert_eq!(partitions_are_nothing(seed, &lines), Ok(()), "{}", path.display());
        }
        seen += 1;
    }
    assert_ne!(seen, 0);
}

/// A number that sixty people have, a user id with sixty numbers, and four hundred moves from number to number: none of it
/// is anybody's, and what else is known of those people is theirs.
#[test]
fn what_too_many_share_is_no_evidence() {
    let message = |at: usize, message: serde_json::Value| {
        let mut message = message;
        message["id"] = format!("wamid.{at}").into();
        message["timestamp"] = (1_767_225_600 + at).to_string().into();
        serde_json::json!({"source": "whatsapp", "tenant": "acme", "body": {
            "object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": {
                "metadata": {"display_phone_number": "15550783881", "phone_number_id": "2"}, "messages": [message]}}]}]}})
        .to_string()
        .into_bytes()
    };
    let text = |from: Option<usize>, user: Option<String>| {
        let mut text = serde_json::json!({"type": "text", "text": {"body": "hola"}});
        if let Some(from) = from {
            text["from"] = (56_910_000_000 + from).to_string().into();
        }
        if let Some(user) = user {
            text["from_user_id"] = user.into();
        }
        text
    };
    let mut lines = Vec::new();
    for place in 0..60 {
        lines.push(message(lines.len(), text(Some(0), Some(format!("CL.{place}")))));
        lines.push(message(
            lines.len(),
            text(Some(1_000 + place), Some(format!("CL.{place}"))),
        ));
        lines.push(message(
            lines.len(),
            text(Some(2_000 + place), Some("CL.9000".to_owned())),
        ));
        lines.push(message(
            lines.len(),
            text(Some(2_000 + place), Some(format!("CL.7{place:03}"))),
        ));
    }
    lines.push(message(lines.len(), text(Some(0), None)));
    lines.push(message(lines.len(), text(None, Some("CL.9000".to_owned()))));
    lines.push(message(lines.len(), text(Some(0), Some("CL.9000".to_owned()))));
    for place in 5_000..5_400 {
        let new = (56_910_000_001_usize + place).to_string();
        let mut moved = text(Some(place), None);
        moved["type"] = "system".into();
        moved["system"] = serde_json::json!({"type": "user_changed_number", "wa_id": new});
        lines.push(message(lines.len(), moved));
    }
    assert_eq!(compare::difference(&lines), None);
    for seed in 0..2 {
        assert_eq!(order_is_nothing(seed, &lines), Ok(()));
        assert_eq!(partitions_are_nothing(seed, &lines), Ok(()));
    }
}

/// Bodies of other people's test fixtures, as they stand and each in a tenant of its own: within one, an id stands for many
/// messages. Other captures are compared by `CAPTURES=FOLDER cargo test -p hilo --test reference real`.
#[test]
fn the_pipeline_agrees_on_real_payloads() {
    let named = std::env::var_os("CAPTURES").map(PathBuf::from);
    let Some(folder) = named.or_else(|| beside("payloads")) else {
        return;
    };
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let captures = files.filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    let mut captures: Vec<_> = captures.map(|path| lines(&fs::read(path).unwrap())).collect();
    assert!(!captures.is_empty());
    captures.push(captures.concat());
    let apart: Vec<_> = captures.iter().map(|capture| tenants_apart(capture)).collect();
    let checks: [Check; 3] = [agrees, order_is_nothing, partitions_are_nothing];
    let mut differences = Vec::new();
    for capture in captures.iter().chain(&apart) {
        for check in checks.into_iter().filter(|check| check(0, capture).is_err()) {
            let small = compare::shrink(capture, &|lines| check(0, lines).is_err());
            let text = String::from_utf8_lossy(&small.join(&b'\n')).into_owned();
            differences.push(format!("{text}\n{}", check(0, &small).unwrap_err()));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

/// Each body in an envelope with a tenant of its own; other lines as they are.
fn tenants_apart(capture: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let apart = |(place, line): (usize, &Vec<u8>)| match serde_json::from_slice::<serde_json::Value>(line) {
        Ok(body) if body["object"].is_string() => {
            let tenant = format!("t{place}");
            let envelope = serde_json::json!({"source": "whatsapp", "tenant": tenant, "body": body});
            envelope.to_string().into_bytes()
        }
        _ => line.clone(),
    };
    capture.iter().enumerate().map(apart).collect()
}

type Check = fn(u64, &[Vec<u8>]) -> Result<(), String>;

/// Checks so many histories of one taste, on all cores; the first that fails is made small. A long search is
/// `HISTORIES=20 cargo test --release -p hilo --test reference [NAME]`: twenty times as many, the same ones first.
fn on_histories(kind: u64, count: u64, taste: Taste, check: Check) {
    let times = std::env::var("HISTORIES").map_or(1, |times| times.parse().unwrap());
    let end = kind * 1_000_000 + count * times;
    let next = AtomicU64::new(kind * 1_000_000);
    let failure = |seed, lines: &[Vec<u8>]| {
        let checked = panic::catch_unwind(|| check(seed, lines));
        checked.unwrap_or_else(|_| Err("it panicked".to_owned())).err()
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let lines = history::history(seed, taste);
                    if failure(seed, &lines).is_none() {
                        continue;
                    }
                    next.store(end, Ordering::Relaxed);
                    let small = compare::shrink(&lines, &|lines| failure(seed, lines).is_some());
                    let text = String::from_utf8_lossy(&small.join(&b'\n')).into_owned();
                    panic!("seed {seed}:\n{text}\n{}", failure(seed, &small).unwrap());
                }
            });
        }
    });
}

fn agrees(_: u64, lines: &[Vec<u8>]) -> Result<(), String> {
    compare::difference(lines).map_or(Ok(()), Err)
}

fn holds(seed: u64, lines: &[Vec<u8>]) -> Result<(), String> {
    let found = compare::pipeline(lines);
    properties::adds_up(&found)?;
    properties::statuses_rise(&found)?;
    properties::sessions_partition(&found)?;
    let disturbed = compare::pipeline(&properties::disturbed(lines, seed));
    properties::adds_up(&disturbed)?;
    properties::statuses_rise(&disturbed)?;
    properties::sessions_partition(&disturbed)?;
    is_same(found.state, disturbed.state)
}

/// Order alone, also where one id stands for messages of all kinds.
fn order_is_nothing(seed: u64, lines: &[Vec<u8>]) -> Result<(), String> {
    let disturbed = properties::disturbed(lines, seed);
    is_same(compare::pipeline(lines).state, compare::pipeline(&disturbed).state)
}

/// Over partitions with tasks that move, what is found is what a replay finds, the numbers too.
fn partitions_are_nothing(seed: u64, lines: &[Vec<u8>]) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("capture.ndjson");
    fs::write(&capture, lines.join(&b'\n')).unwrap();
    let want = over_partitions::replayed(&capture);
    if lines.is_empty() {
        return Ok(());
    }
    let got = over_partitions::partitioned(&capture, 2 + seed as usize % 6, seed);
    over_partitions::difference(&want, &got).map_or(Ok(()), Err)
}

/// One line that is dated into the future is one dead letter more, for its tenant and for every other.
fn the_future_is_nothing(seed: u64, lines: &[Vec<u8>]) -> Result<(), String> {
    let Some(line) = properties::from_the_future(lines, seed) else {
        return Ok(());
    };
    let mut more = lines.to_vec();
    more.insert(seed as usize % (lines.len() + 1), line);
    let (want, got) = (compare::pipeline(lines), compare::pipeline(&more));
    if got.dead_letters != want.dead_letters + 1 {
        return Err(format!("{} dead letters, then {}", want.dead_letters, got.dead_letters));
    }
    is_same(want.state, got.state)
}

/// Repeated lines are counted; nothing else differs.
fn is_same(mut want: State, mut got: State) -> Result<(), String> {
    for state in [&mut want, &mut got] {
        for count in ["lines", "deliveries", "empty_deliveries", "items", "outcomes"] {
            state.summary.as_object_mut().unwrap().remove(count);
        }
    }
    compare::between(&want, &got).map_or(Ok(()), Err)
}

const PLAIN: Taste = Taste {
    wild: false,
    ties: false,
    changes: false,
    odd: false,
    collide: false,
    crowd: false,
    sends: false,
    long: false,
    damaged: false,
};

const ALL: Taste = Taste {
    wild: true,
    ties: true,
    changes: true,
    odd: true,
    ..PLAIN
};

const ODD: Taste = Taste { odd: true, ..PLAIN };

const COLLIDING: Taste = Taste { collide: true, ..ALL };

const CROWDED: Taste = Taste {
    odd: false,
    crowd: true,
    ..ALL
};

#[test]
fn the_pipeline_agrees_on_plain_histories() {
    on_histories(0, 700, PLAIN, agrees);
}

#[test]
fn the_pipeline_agrees_on_odd_histories() {
    on_histories(1, 500, Taste { odd: true, ..PLAIN }, agrees);
}

#[test]
fn the_pipeline_agrees_on_events_of_one_time() {
    let taste = Taste {
        ties: true,
        odd: true,
        ..PLAIN
    };
    on_histories(2, 500, taste, agrees);
}

#[test]
fn the_pipeline_agrees_on_changing_people() {
    let taste = Taste {
        changes: true,
        odd: true,
        ..PLAIN
    };
    on_histories(3, 500, taste, agrees);
}

#[test]
fn the_pipeline_agrees_on_sends_and_answers() {
    on_histories(9, 700, Taste { sends: true, ..PLAIN }, agrees);
}

#[test]
fn the_pipeline_agrees_on_sends_and_answers_of_one_time() {
    let taste = Taste {
        sends: true,
        ties: true,
        ..PLAIN
    };
    on_histories(10, 500, taste, agrees);
}

#[test]
fn the_pipeline_agrees_on_long_sessions() {
    on_histories(11, 1000, Taste { long: true, ..PLAIN }, agrees);
}

#[test]
fn the_pipeline_agrees_on_long_sessions_of_few_times() {
    let taste = Taste {
        ties: true,
        long: true,
        ..PLAIN
    };
    on_histories(12, 500, taste, agrees);
}

#[test]
fn the_pipeline_agrees_where_receipts_contradict_what_happened() {
    on_histories(16, 400, ODD, |seed, lines| {
        agrees(seed, &properties::received(lines, seed))
    });
}

#[test]
fn order_is_nothing_where_receipts_contradict_what_happened() {
    on_histories(17, 150, ALL, |seed, lines| {
        order_is_nothing(seed, &properties::received(lines, seed))
    });
}

#[test]
fn a_line_from_the_future_changes_nothing() {
    on_histories(18, 200, ALL, the_future_is_nothing);
}

/// One request of 3 MB was a million dead letters, or as many items.
#[test]
fn the_pipeline_agrees_on_bodies_of_too_many_items() {
    let body = |change: &str, entry: &str| {
        format!(r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","time":1777899600,"changes":[{change}]}}{entry}]}}"#)
            .into_bytes()
    };
    let value = |list: &str, element: &str, count: usize| {
        let elements = vec![element; count].join(",");
        body(
            &format!(r#"{{"value":{{"{list}":[{elements}]}},"field":"messages"}}"#),
            "",
        )
    };
    for count in [10_000, 10_001] {
        let lines = [
            value("messages", "{}", count),
            value("statuses", "0", count),
            value("history", "{}", count),
            value("errors", "{}", count),
            body(&vec!["{}"; count].join(","), ""),
            body("", &",{}".repeat(count)),
            // An empty list is no item, however often it comes.
            body(
                &vec![r#"{"field":"messages","value":{"messages":[]}}"#; count].join(","),
                "",
            ),
        ];
        // At the bound itself two shapes are enough: their items are dead letters, which the reference only counts.
        let shapes = if count > 10_000 { lines.len() } else { 2 };
        for line in lines.into_iter().take(shapes) {
            let dead = compare::pipeline(std::slice::from_ref(&line)).dead_letters;
            assert!(count == 10_000 || dead <= 1, "{dead} dead letters");
            assert_eq!(compare::difference(&[line]), None);
        }
    }
}

#[test]
fn properties_hold_of_any_history() {
    on_histories(4, 400, ALL, holds);
}

#[test]
fn order_is_nothing_where_one_id_stands_for_many_messages() {
    on_histories(5, 400, COLLIDING, order_is_nothing);
}

#[test]
fn order_is_nothing_in_a_crowd_on_few_numbers() {
    on_histories(6, 100, CROWDED, order_is_nothing);
}

#[test]
fn order_is_nothing_where_bodies_are_damaged() {
    let taste = Taste {
        damaged: true,
        ..COLLIDING
    };
    on_histories(13, 400, taste, order_is_nothing);
}

#[test]
fn properties_hold_where_bodies_are_damaged() {
    on_histories(15, 200, Taste { damaged: true, ..ALL }, holds);
}

#[test]
fn the_pipeline_agrees_where_bodies_are_damaged() {
    let taste = Taste {
        odd: true,
        sends: true,
        damaged: true,
        ..PLAIN
    };
    on_histories(14, 400, taste, |seed, lines| {
        if items::read(lines).leaves_open() {
            return Ok(());
        }
        agrees(seed, lines)
    });
}

#[test]
fn partitions_are_nothing_to_any_history() {
    on_histories(7, 500, COLLIDING, partitions_are_nothing);
}

#[test]
fn partitions_are_nothing_to_a_crowd() {
    on_histories(8, 60, CROWDED, partitions_are_nothing);
}
