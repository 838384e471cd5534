//! The catalogue of error codes lists every code that can be answered, and none that cannot.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// How a code is written in the sources: behind one of these comes the literal, in the same statement.
const WRITTEN: [&str; 3] = ["Problem::new(", "= problem(", "code: \""];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'0'..=b'9'))
}

/// Codes in one source, but those of its tests.
fn codes(text: &str, file: &Path) -> BTreeSet<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.split("#[cfg(test)] mod tests").next().unwrap_or_default();
    let mut codes = BTreeSet::new();
    for written in WRITTEN {
        for (_, rest) in text
            .match_indices(written)
            .map(|(at, _)| text.split_at(at + written.len()))
        {
            let literal = if written.ends_with('"') {
                rest.split('"').next()
            } else {
                rest.split(';').next().and_then(|statement| statement.split('"').nth(1))
            };
            // A code that is handed on is written where it comes from.
            let handed_on = rest.trim_start().starts_with("status, problem.code");
            let code = literal.filter(|_| !handed_on);
            if let Some(code) = code {
                assert!(is_code(code), "{}: {code:?} is no code", file.display());
                codes.insert(code.to_owned());
            }
        }
    }
    codes
}

#[test]
fn the_catalogue_lists_every_code() {
    let mut files = Vec::new();
    for entry in fs::read_dir(Path::new(ROOT).join("crates")).unwrap() {
        let src = entry.unwrap().path().join("src");
        if src.is_dir() {
            sources(&src, &mut files);
        }
    }
    let speaks_http =
        |text: &str| text.contains("hilo_service::") && text.contains("Problem") || text.contains("LineProblem");
    let written: BTreeSet<String> = files
        .iter()
        .filter_map(|file| {
            let text = fs::read_to_string(file).unwrap();
            let in_service = file.starts_with(Path::new(ROOT).join("crates/service"));
            (in_service || speaks_http(&text)).then(|| codes(&text, file))
        })
        .flatten()
        .collect();
    let catalogue = fs::read_to_string(Path::new(ROOT).join("schemas/errors.md")).unwrap();
    let listed: BTreeSet<String> = catalogue
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| line.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = written.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&written).collect();
    assert!(missing.is_empty(), "add these codes to schemas/errors.md: {missing:?}");
    assert!(
        gone.is_empty(),
        "nothing answers with these codes of schemas/errors.md: {gone:?}"
    );
    assert!(written.len() > 30, "{written:?}");
}
