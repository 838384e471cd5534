//! The command as a user types it.

use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// Runs `hilo` as the user `tester`.
pub(crate) fn hilo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hilo"))
        .args(arguments)
        .env("USER", "tester")
        .output()
        .unwrap()
}

/// What it prints where it succeeds.
pub(crate) fn done(arguments: &[&str]) -> String {
    let output = hilo(arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Writes a capture.
pub(crate) fn write(path: &Path, lines: &[Value]) {
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::write(path, text.join("\n")).unwrap();
}
