//! Public payloads: every line is understood, and says what was reviewed.

mod support;

use hilo_contracts::{capture, item::Body};
use std::fmt::Write as _;
use support::{identifiers, shared};

/// What came of each line, for review: `tests/payloads.txt` is what was reviewed. `UPDATE=1` writes it anew.
#[test]
fn every_line_says_what_was_reviewed() {
    let mut told = String::new();
    for file in ["bindambc", "pywa"] {
        let Some(text) = shared(&format!("payloads/{file}.ndjson")) else {
            return;
        };
        for (number, line) in (1..).zip(text.lines()) {
            // A tenant of its own: in these files one id stands for many messages.
            let raw = capture::from_webhook(&format!("{file}{number}"), 0, line.as_bytes());
            let run = support::run(&[support::record(&raw)]);
            assert_eq!(run.outcomes()[1..], [0, 0, 0], "{file} {number}: {:?}", run.reasons());
            assert!(run.total() > 0, "{file} {number}");
            for item in &run.items {
                let people: Vec<String> = (0..item.sightings.len())
                    .map(|at| identifiers(item, at).join("+"))
                    .collect();
                let whose = if item.has_person { "of" } else { "beside" };
                let _ = writeln!(
                    told,
                    "{file} {number}: {} {whose} [{}]",
                    says(&item.body),
                    people.join(" | ")
                );
            }
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/payloads.txt");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &told).unwrap();
    }
    let reviewed = std::fs::read_to_string(path).unwrap_or_default();
    for (told, reviewed) in told.lines().zip(reviewed.lines()) {
        assert_eq!(told, reviewed, "review, then run with UPDATE=1");
    }
    assert_eq!(
        told.lines().count(),
        reviewed.lines().count(),
        "review, then run with UPDATE=1"
    );
}

fn says(body: &Body) -> String {
    match body {
        Body::Message(message) => {
            let mut text = format!("{:?} {}", message.origin, message.kind);
            if let Some(other) = &message.reply_to {
                let _ = write!(text, " about {}", &other[..other.len().min(20)]);
            }
            if message.referral.is_some() {
                text.push_str(" with referral");
            }
            text
        }
        Body::Status(status) => {
            let codes: Vec<i64> = status.errors.iter().filter_map(|error| error.code).collect();
            format!(
                "status {} {:?} {codes:?} pricing {}",
                status.status,
                status.participant,
                status.pricing.is_some()
            )
        }
        Body::Call(call) => format!("call {} inbound {}", call.event, call.inbound),
        Body::Preference(preference) => format!("preference {} {}", preference.category, preference.value),
        Body::Account(account) => format!(
            "{} of {} {}: {:?} quality {:?} limit {:?} reason {:?} template {:?}",
            account.kind,
            account.subject_kind,
            account.subject_id,
            account.event,
            account.quality,
            account.limit,
            account.reason,
            account
                .template
                .as_ref()
                .map(|template| (&template.name, &template.language, &template.category)),
        ),
        other => format!("{other:?}"),
    }
}

#[test]
fn as_captures_of_one_tenant_their_counts_add_up() {
    for (file, lines) in [("bindambc", 25), ("pywa", 75)] {
        let Some(text) = shared(&format!("payloads/{file}.ndjson")) else {
            return;
        };
        let run = support::lines(&text);
        assert_eq!((run.count("deliveries", ""), run.count("lines", "")), (lines, lines));
        let apart: u64 = text.lines().map(|line| support::lines(line).total()).sum();
        assert_eq!(run.total(), apart);
        assert_eq!(run.outcomes()[2..], [0, 0]);
        assert!(run.count("items", "duplicate") > 0);
    }
}
