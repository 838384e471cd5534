//! Classes of errors: metrics.md, chapter 3.

use super::super::{items::code_of, messages::Message};

/// The class of a failed message: that of its earliest failure, of the smallest code on a tie.
pub(super) fn class_of(message: &Message) -> &'static str {
    let earliest = message.earliest(&["failed"]);
    let first = message
        .way()
        .filter(|status| status.element["status"] == "failed" && Some(status.time) == earliest);
    let errors = first.filter_map(|status| status.element["errors"].as_array());
    let codes = errors.flatten().filter_map(code_of);
    codes.min().map_or("other", class)
}

fn class(code: i64) -> &'static str {
    match code {
        0 | 3 | 10 | 104 | 190 | 200..=299 | 131_005 => "auth",
        1 | 2 | 131_000 | 131_016 | 133_004 => "transient",
        33
        | 368
        | 131_031
        | 131_037
        | 131_042
        | 131_044
        | 131_045
        | 133_000..=133_010
        | 133_015
        | 133_016
        | 134_011 => "account",
        4 | 80_007 | 130_429 | 131_056 | 131_057 | 2_494_100 => "rate",
        131_047 => "window",
        131_049 | 130_472 => "marketing_cap",
        131_050 => "opt_out",
        131_026 | 131_021 | 131_030 | 130_403 | 130_497 => "unreachable",
        131_048 | 131_064 | 132_007 | 132_015 | 132_016 | 132_068 | 132_069 => "quality",
        131_062 | 131_063 | 132_000 | 132_001 | 132_005 | 132_008 | 132_012 | 132_018 | 134_101 | 134_102 => "template",
        100 | 131_008 | 131_009 | 131_051 | 131_055 | 134_100 | 135_000 => "request",
        131_052 | 131_053 => "media",
        137_000 => "identity",
        _ => "other",
    }
}
