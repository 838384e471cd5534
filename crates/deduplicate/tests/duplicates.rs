//! What is a duplicate of what, and what is counted of statuses.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use hilo_contracts::item::Body;
use support::{identifiers, line, lines, of_owners};

#[test]
fn duplicates_by_key() {
    let message = |id: &str, rest: &str| line("messages", &format!(r#"{{"messages":[{{"id":"{id}"{rest}}}]}}"#));
    let status = |rest: &str| {
        line(
            "messages",
            &format!(r#"{{"statuses":[{{"id":"s","status":"failed"{rest}}}]}}"#),
        )
    };
    let call = |list: &str, rest: &str| line("calls", &format!(r#"{{"{list}":[{{"id":"c"{rest}}}]}}"#));
    let entry = |id: &str, time: &str, received: &str| {
        format!(
            r#"{{"source":"whatsapp","tenant":"acme","received_at":"{received}","body":{{"object":"whatsapp_business_account","entry":[{{"id":"{id}"{time},"changes":[{{"field":"account_update","value":{{"event":"X"}}}}]}}]}}}}"#
        )
    };
    let (day, later, next) = ("2026-05-04T01:00:00Z", "2026-05-04T23:59:59Z", "2026-05-05T00:00:00Z");
    for (first, second, duplicate, why) in [
        (
            message("a", ""),
            message("a", r#","type":"text""#),
            true,
            "a message by its id",
        ),
        (message("a", ""), message("b", ""), false, "another id"),
        (
            message("a", ""),
            message("a", "").replace("acme", "beta"),
            false,
            "another tenant",
        ),
        (
            message("a", ""),
            message("a", "").replace("310", "311"),
            true,
            "whatever the account",
        ),
        (
            message("a", ""),
            line("smb_message_echoes", r#"{"message_echoes":[{"id":"a"}]}"#),
            false,
            "each kind",
        ),
        (
            message("a", ""),
            r#"{"source":"outbound","tenant":"acme","message_id":"a"}"#.to_owned(),
            false,
            "each kind",
        ),
        (
            message("a", ""),
            line("history", r#"{"history":[{"threads":[{"messages":[{"id":"a"}]}]}]}"#),
            false,
            "each kind",
        ),
        (
            status(""),
            status(r#","timestamp":"9","recipient_id":"1""#),
            true,
            "a status whoever received it",
        ),
        (
            status(""),
            status(r#","errors":[{"code":7}]"#),
            false,
            "another first error",
        ),
        (
            status(r#","errors":[{"code":7}]"#),
            status(r#","errors":[{"code":"7"},{"code":8}]"#),
            true,
            "the first error",
        ),
        (
            status(r#","recipient_participant_id":"1""#),
            status(r#","participant_recipient_id":"1""#),
            true,
            "one participant",
        ),
        (
            status(r#","recipient_participant_id":"1""#),
            status(r#","recipient_participant_id":"2""#),
            false,
            "two",
        ),
        (status(""), status("").replace("failed", "Failed"), false, "as received"),
        (
            call("calls", r#","event":"connect""#),
            call("calls", r#","event":"terminate""#),
            false,
            "another event",
        ),
        (
            call("calls", r#","event":"connect","timestamp":"1""#),
            call("calls", r#","event":"connect""#),
            true,
            "one event",
        ),
        (
            call("statuses", r#","type":"call","status":"RINGING""#),
            call("calls", r#","status":"RINGING""#),
            true,
            "a call's status by either list",
        ),
        (
            call("statuses", r#","status":"RINGING""#),
            call("calls", r#","status":"RINGING""#),
            true,
            "what the field of calls tells is a call's",
        ),
        (entry("1", "", day), entry("1", "", later), true, "no time: one day"),
        (entry("1", "", day), entry("1", "", next), false, "no time: another day"),
        (
            entry("1", r#","time":7"#, day),
            entry("1", r#","time":7"#, next),
            true,
            "its own time",
        ),
        (
            entry("1", r#","time":7"#, day),
            entry("1", r#","time":8"#, day),
            false,
            "another time",
        ),
        (entry("1", "", day), entry("2", "", day), false, "another account"),
        (
            r#"{"source":"inbox","event":"x","at":"2026-05-04T01:00:00Z"}"#.to_owned(),
            r#"{"at":"2026-05-04T01:00:00Z", "source":"inbox","event":"x"}"#.to_owned(),
            true,
            "canonical JSON",
        ),
        (
            r#"{"source":"inbox","event":"x","score":5}"#.to_owned(),
            r#"{"source":"inbox","event":"x","score":5.0}"#.to_owned(),
            true,
            "numbers too",
        ),
        (
            r#"{"source":"platform","at":"2026-05-04T01:00:00Z","number":{"id":"1","status":"CONNECTED"}}"#.to_owned(),
            r#"{"number":{"status":"CONNECTED", "id":"1"},"at":"2026-05-04T01:00:00Z","source":"platform"}"#.to_owned(),
            true,
            "a polled answer by all it says",
        ),
        (
            r#"{"source":"platform","at":"2026-05-04T01:00:00Z","number":{"id":"1"}}"#.to_owned(),
            r#"{"source":"platform","at":"2026-05-04T02:00:00Z","number":{"id":"1"}}"#.to_owned(),
            false,
            "the same answer at another time",
        ),
        (
            r#"{"source":"inbox","event":"x"}"#.to_owned(),
            r#"{"source":"inbox","event":"x","agent":"a"}"#.to_owned(),
            false,
            "another content",
        ),
        (
            r#"{"source":"clock","at":"2026-05-04T01:00:00Z"}"#.to_owned(),
            r#"{"source":"clock","at":"2026-05-04T01:00:00Z"}"#.to_owned(),
            true,
            "the clock",
        ),
        (
            r#"{"source":"outbound","message_id":"a"}"#.to_owned(),
            r#"{"source":"outbound","message_id":"a","type":"x"}"#.to_owned(),
            true,
            "a send by its id",
        ),
    ] {
        for (one, two) in [(&first, &second), (&second, &first)] {
            let run = lines(&format!("{one}\n{two}"));
            let want = if duplicate { [1, 1, 0, 0] } else { [2, 0, 0, 0] };
            assert_eq!(run.outcomes(), want, "{why}: {one} {two}");
        }
    }
    let unread = line("messages", r#"{"messages":[{}]}"#);
    assert_eq!(
        lines(&format!("{unread}\n{unread}")).outcomes(),
        [0, 0, 0, 2],
        "dead letters are all recorded"
    );
    let unknown = line("mood_update", "{}");
    assert_eq!(lines(&format!("{unknown}\n{unknown}")).outcomes(), [0, 0, 2, 0]);
}

#[test]
fn statuses_are_counted_by_key_and_calls_are_none() {
    let statuses = line(
        "messages",
        r#"{"statuses":[{"id":"a","status":"sent","timestamp":"1"},
        {"id":"a","status":"sent","timestamp":"2"},{"id":"a","status":"read"},
        {"id":"a","type":"payment","status":"read","from":"56961234567","payment":{"reference_id":"order-17"}},
        {"id":"c","type":"call","status":"RINGING"}]}"#,
    )
    .replace('\n', "");
    let run = lines(&statuses);
    assert_eq!((run.count("statuses", ""), run.outcomes()), (3, [4, 1, 0, 0]));
    let payment = run.items.iter().find(|item| item.has_person).unwrap();
    assert_eq!(identifiers(payment, 0), ["phone:+56961234567", "wa_id:56961234567"]);
}

/// Of which portfolio user ids are depends on the accounts that told them, and on who owns those.
#[test]
fn whatever_names_an_account_is_evidence_of_identity() {
    let update = |owner: &str| {
        let value = format!(r#"{{"event":"PARTNER_ADDED","waba_info":{{"waba_id":"310"{owner}}}}}"#);
        line("account_update", &value)
    };
    for (owner, named) in [(r#","owner_business_id":900"#, Some("900")), ("", None)] {
        assert_eq!(lines(&update(owner)).items.len(), 1);
        let of_owners = of_owners(&update(owner));
        let owners: Vec<_> = of_owners.iter().map(|item| (&item.body, item.evidence_only)).collect();
        match (&owners[..], named) {
            ([(Body::Account(account), true)], Some(_)) => {
                assert_eq!(account.portfolio_id.as_deref(), named);
                assert_eq!(account.account(&of_owners[0].entry_id), Some("310"));
            }
            ([], None) => {}
            other => panic!("{other:?}"),
        }
    }
    let polled = r#"{"source":"platform","tenant":"acme","at":"2026-05-04T01:00:00Z","waba_id":"310","portfolio_id":"900","number":{"id":"210"}}"#;
    assert_eq!(of_owners(polled).len(), 1);
    // The same message, without a person, under another account: all that it says is in which account the number is.
    let message = |account: &str| {
        let metadata = r#""metadata":{"phone_number_id":"210"}"#;
        let told = line("messages", &format!(r#"{{{metadata},"messages":[{{"id":"a"}}]}}"#));
        told.replace(r#""id":"310""#, &format!(r#""id":"{account}""#))
    };
    let run = lines(&[message("310"), message("311"), message("311")].join("\n"));
    let accounts: std::collections::BTreeSet<&str> = run.items.iter().map(|item| item.entry_id.as_str()).collect();
    assert_eq!((run.items.len(), run.outcomes()), (2, [1, 2, 0, 0]));
    assert_eq!(accounts.into_iter().collect::<Vec<_>>(), ["310", "311"]);
}
