//! `hilo replay` by the commands that a user types: the worked example byte for byte, real payloads, and the promise
//! that order and repetition do not matter.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod beside;

use beside::beside;
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path, process::Command};

fn replay(inputs: &[&Path], out: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_hilo"))
        .arg("replay")
        .arg("--in")
        .args(inputs)
        .arg("--out")
        .arg(out)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&fs::read_to_string(out.join("summary.json")).unwrap()).unwrap()
}

fn state(out: &Path) -> BTreeMap<&'static str, String> {
    ["persons", "sessions", "messages"]
        .into_iter()
        .map(|name| {
            (
                name,
                fs::read_to_string(out.join(format!("state/{name}.ndjson"))).unwrap(),
            )
        })
        .collect()
}

fn adds_up(summary: &Value) {
    let outcomes: u64 = summary["outcomes"]
        .as_object()
        .unwrap()
        .values()
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(summary["items"].as_u64(), Some(outcomes), "{summary}");
}

/// Metric rows over all input without their revision, which depends on arrival; numbers as shortest decimals.
fn rows(path: &Path) -> Vec<String> {
    let mut rows: Vec<String> = fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|row| row["window"].is_null())
        .map(|mut row| {
            row.as_object_mut().unwrap().remove("revision");
            hilo_domain::json::canonical(&row)
        })
        .collect();
    rows.sort();
    rows
}

#[test]
fn the_worked_example_gives_its_expected_results() {
    let Some(example) = beside("example") else { return };
    let out = tempfile::tempdir().unwrap();
    let summary = replay(&[&example.join("capture.ndjson")], out.path());
    let mut want: Value =
        serde_json::from_str(&fs::read_to_string(example.join("expected/summary.json")).unwrap()).unwrap();
    let mut got = summary;
    adds_up(&got);
    // The names of the reasons are ours, their sum is not.
    let sum = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .values()
            .map(|count| count.as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(sum(&want["dead_letter_reasons"]), sum(&got["dead_letter_reasons"]));
    for value in [&mut want, &mut got] {
        value.as_object_mut().unwrap().remove("dead_letter_reasons");
    }
    assert_eq!(got, want);
    for (name, got) in state(out.path()) {
        let want = fs::read_to_string(example.join(format!("expected/state/{name}.ndjson"))).unwrap();
        assert_eq!(got, want, "{name}");
    }
}

#[test]
fn the_worked_example_gives_its_expected_metrics() {
    let Some(example) = beside("example") else { return };
    let out = tempfile::tempdir().unwrap();
    replay(&[&example.join("capture.ndjson")], out.path());
    assert_eq!(
        rows(&out.path().join("metrics.ndjson")),
        rows(&example.join("expected/metrics.ndjson"))
    );
}

#[test]
fn order_and_repetition_of_lines_do_not_matter() {
    let Some(example) = beside("example") else { return };
    let payloads = beside("payloads");
    let mut lines: Vec<String> = fs::read_to_string(example.join("capture.ndjson"))
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    for file in ["pywa.ndjson", "bindambc.ndjson"] {
        if let Some(folder) = &payloads {
            lines.extend(
                fs::read_to_string(folder.join(file))
                    .unwrap()
                    .lines()
                    .map(str::to_owned),
            );
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let run = |lines: &[String], name: &str| {
        let capture = folder.path().join(format!("{name}.ndjson"));
        fs::write(&capture, lines.join("\n")).unwrap();
        let out = folder.path().join(name);
        adds_up(&replay(&[&capture], &out));
        state(&out)
    };
    let want = run(&lines, "plain");
    for seed in 0..24u64 {
        let mut shuffled = lines.clone();
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = |bound: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % bound as u64) as usize
        };
        for _ in 0..20 {
            let again = shuffled[next(shuffled.len())].clone();
            shuffled.push(again);
        }
        for place in (1..shuffled.len()).rev() {
            shuffled.swap(place, next(place + 1));
        }
        assert_eq!(run(&shuffled, &format!("seed{seed}")), want, "seed {seed}");
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let Some(example) = beside("example") else { return };
    let capture = example.join("capture.ndjson");
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    replay(&[&capture], one.path());
    replay(&[&capture], two.path());
    for name in [
        "identity",
        "conversation",
        "status",
        "account",
        "unclassified",
        "dead_letter",
        "metrics",
    ]
    .map(|name| format!("{name}.ndjson"))
    {
        assert_eq!(
            fs::read(one.path().join(&name)).unwrap(),
            fs::read(two.path().join(&name)).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn real_payloads_add_up() {
    let Some(payloads) = beside("payloads") else { return };
    let out = tempfile::tempdir().unwrap();
    let summary = replay(
        &[&payloads.join("pywa.ndjson"), &payloads.join("bindambc.ndjson")],
        out.path(),
    );
    adds_up(&summary);
    assert_eq!(summary["deliveries"], 100);
    assert_eq!(summary["outcomes"]["dead_letter"], 0);
}
