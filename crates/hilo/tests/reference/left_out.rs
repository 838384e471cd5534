//! Where the pipeline is thought to be wrong: its numbers are left out of the comparison until it is mended. Take away
//! what is mended; what [`super::history`] does not make for the same reason is said there ("Left out").

use super::{items, messages::NOT_RECEIVED};
use serde_json::Value;
use std::collections::BTreeMap;

/// Whether one id stands for a customer message and for something else: the pipeline may count what does not hold,
/// depending on what came first (interface.md, section 7: the smallest holds; metrics.md, rule 4).
pub(crate) fn is_left_out(lines: &[Vec<u8>]) -> bool {
    let mut kinds: BTreeMap<(String, String), [bool; 2]> = BTreeMap::new();
    for item in items::read(lines).items {
        if item.kind == items::Kind::Received {
            let is_other = NOT_RECEIVED.iter().any(|kind| item.element["type"] == *kind);
            let id = item.element["id"].to_string();
            kinds.entry((item.tenant, id)).or_default()[usize::from(is_other)] = true;
        }
    }
    kinds.values().any(|kinds| kinds == &[true; 2])
}

/// Rows without those by country: of a person whose identifiers change, the pipeline's country depends on what came first
/// (metrics.md, rules 4 and 9).
pub(crate) fn without_countries(metrics: &str) -> String {
    let rows = metrics.lines().filter(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        row["dimensions"].get("country").is_none()
    });
    rows.map(|row| format!("{row}\n")).collect()
}
