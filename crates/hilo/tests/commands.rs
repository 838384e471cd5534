//! What a user sees who mistypes: one sentence with what to do next, an exit code that scripts can tell apart, and
//! nothing made or changed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const USAGE: i32 = 2;
const FAILED: i32 = 1;

fn hilo(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// Ends with `code`, says all of `words` in one line of standard error, and prints nothing.
fn refuses(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let output = hilo(folder, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?} does not say {word:?}: {said}");
    }
    assert!(output.stdout.is_empty(), "{arguments:?}");
}

#[test]
fn wrong_usage_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("bad.toml"), "[http]\nlisen = \"127.0.0.1:0\"\n").unwrap();
    refuses(
        folder,
        &["up", "--config", "bad.toml"],
        USAGE,
        &["bad.toml", "http.lisen", "\"listen\""],
    );
    refuses(folder, &["up", "--config", "none.toml"], USAGE, &["none.toml"]);
    refuses(
        folder,
        &["metrics", "--data-dir", "none"],
        USAGE,
        &["none", "--data-dir"],
    );
    refuses(
        folder,
        &["trace", "x", "--data-dir", "none"],
        USAGE,
        &["none", "--data-dir"],
    );
    refuses(
        folder,
        &["export", "orders", "--data-dir", "none"],
        USAGE,
        &["orders", "hilo.status"],
    );
    for unknown in [&["frobnicate"][..], &["metrics", "--since", "yesterday"], &["ingest"]] {
        assert_eq!(hilo(folder, unknown).status.code(), Some(USAGE), "{unknown:?}");
    }
    assert_eq!(
        fs::read_dir(folder).unwrap().count(),
        1,
        "a refused command made something"
    );
}

#[test]
fn a_capture_that_is_not_there_makes_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    refuses(
        folder,
        &["ingest", "none.ndjson", "--data-dir", "data"],
        FAILED,
        &["none.ndjson"],
    );
    refuses(
        folder,
        &["replay", "--in", "none.ndjson", "--out", "out"],
        FAILED,
        &["none.ndjson"],
    );
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

/// `hilo … | head`: whoever read our output may go away.
#[test]
fn a_reader_that_went_away_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let line = r#"{"source":"inbox","event":"tagged","at":"2026-05-04T09:00:00Z","user":{"phone":"+56961234567"}}"#;
    fs::write(folder.path().join("capture.ndjson"), line).unwrap();
    for arguments in [
        &["topology"] as &[&str],
        &["topology", "--json"],
        &["replay", "--in", "capture.ndjson", "--out", "out"],
        &["ingest", "capture.ndjson", "--data-dir", "data"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_hilo"))
            .args(arguments)
            .current_dir(folder.path())
            .stdout(writer)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert!(!said.contains("panic"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_data_directory_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("one.ndjson"), "nonsense\n").unwrap();
    let ingest = ["ingest", "one.ndjson", "--data-dir", "data"];
    assert!(hilo(folder, &ingest).status.success());

    let held = hilo_stream::embedded::DataDir::open(&folder.join("data")).unwrap();
    let words = ["data", "in use", "--data-dir"];
    refuses(folder, &ingest, FAILED, &words);
    refuses(
        folder,
        &["demo", "--port", "0", "--duration", "1s", "--data-dir", "data"],
        FAILED,
        &words,
    );
    let reading = hilo(folder, &["export", "raw", "--data-dir", "data"]);
    assert!(reading.status.success(), "reading needs no owner");
    assert_eq!(String::from_utf8(reading.stdout).unwrap().lines().count(), 1);
    drop(held);
    assert!(hilo(folder, &ingest).status.success());
}

#[test]
fn dead_letters_are_listed_shown_and_put_through_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let capture =
        "nonsense\n{\"source\":\"whatsapp\",\"body\":\"{\\\"object\\\":\\\"whatsapp_business_account\\\"}\"}\n";
    fs::write(folder.join("one.ndjson"), capture).unwrap();
    let place = ["--data-dir", "data"];
    let with = |arguments: &[&'static str]| hilo(folder, &[arguments, &place[..]].concat());
    assert!(with(&["ingest", "one.ndjson"]).status.success());
    // Runs what waits in the log, and ends.
    assert!(
        with(&["demo", "--port", "0", "--duration", "1s", "--rate", "1"])
            .status
            .success()
    );

    let masked = String::from_utf8(with(&["dlq", "list", "--json"]).stdout).unwrap();
    assert!(masked.contains("not_json") && !masked.contains("nonsense"), "{masked}");
    let why = ["--reveal", "--reason", "a test"];
    let revealed = |arguments: &[&'static str]| hilo(folder, &[arguments, &why[..], &place[..]].concat());
    let listed = String::from_utf8(revealed(&["dlq", "list", "--json"]).stdout).unwrap();
    let letters: Vec<serde_json::Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(letters.len(), 2, "{listed}");
    let place_of_first = &letters[0]["source"];
    assert_eq!(
        (place_of_first["file"].as_str(), place_of_first["line"].as_i64()),
        (Some("one.ndjson"), Some(1))
    );
    assert_eq!(letters[0]["original"], "nonsense");

    let id = letters[1]["event_id"].as_str().unwrap();
    let shown = hilo(
        folder,
        &[
            "dlq",
            "show",
            id,
            "--reveal",
            "--reason",
            "a test",
            "--data-dir",
            "data",
        ],
    );
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&shown.stdout).unwrap(),
        letters[1]
    );

    let count = |topic| {
        String::from_utf8(with(&["export", topic]).stdout)
            .unwrap()
            .lines()
            .count()
    };
    let before = count("raw");
    let again = hilo(folder, &["dlq", "replay", "--event-id", id, "--data-dir", "data"]);
    assert!(again.status.success());
    assert_eq!(count("raw"), before + 1);
    refuses(
        folder,
        &["dlq", "replay", "--reason", "none", "--data-dir", "data"],
        FAILED,
        &["hilo dlq list"],
    );
    refuses(
        folder,
        &["dlq", "replay", "--data-dir", "data"],
        USAGE,
        &["--reason", "--event-id"],
    );
    refuses(
        folder,
        &["dlq", "show", "none", "--data-dir", "data"],
        FAILED,
        &["none", "hilo dlq list"],
    );
}
