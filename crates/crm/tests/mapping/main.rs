//! Mappings as configuration: what is wrong with one, what one makes of records, what another would change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod any;
mod built_in;
mod diff;
mod findings;
mod golden;
mod live;
mod overlays;
mod readme;

use hilo_crm::mapping::{Finding, Mappings, validate};

/// A tenant's own mapping over the built-in one, with overlays.
fn files(mapping: &str, overlays: &[(&str, &str)]) -> Vec<(String, String)> {
    let base = format!("schema_version = 1\nextends = \"default\"\n{mapping}");
    let others = overlays
        .iter()
        .map(|(file, text)| ((*file).to_owned(), (*text).to_owned()));
    std::iter::once(("mapping.toml".to_owned(), base))
        .chain(others)
        .collect()
}

fn parsed(mapping: &str, overlays: &[(&str, &str)]) -> Mappings {
    Mappings::parse(&files(mapping, overlays)).unwrap_or_else(|findings| panic!("{findings}"))
}

/// The only finding of a mapping.
fn only(mapping: &str, overlays: &[(&str, &str)]) -> Finding {
    let (_, findings) = validate(&files(mapping, overlays));
    let all: Vec<&Finding> = findings.iter().collect();
    assert_eq!(all.len(), 1, "{findings}");
    all[0].clone()
}
