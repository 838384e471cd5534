//! Sends whose message id nobody recorded: joined to their message by the callback data that its statuses echo.

mod support;

use hilo_contracts::item::{Body, Item, Origin};
use support::{Run, driver, identifiers, line, lines, outputs, records};

const REQUEST: &str = r#"{"source":"outbound","tenant":"acme","at":"2026-05-04T13:00:00Z","phone_number_id":"210","to":{"phone":"+56961234567"},"type":"template","template":{"name":"promo","language":"es-CL","category":"MARKETING"},"campaign":"otono","biz_opaque_callback_data":"cmd-17"}"#;

fn status(id: &str, status: &str, at: u32, callback: &str) -> String {
    let value = format!(
        r#"{{"statuses":[{{"id":"{id}","status":"{status}","timestamp":"{at}","recipient_id":"56961234567","biz_opaque_callback_data":"{callback}"}}]}}"#
    );
    line("messages", &value)
}

/// What a run says of requests: the message that each became.
fn resolved(run: &Run) -> Vec<&Item> {
    let requested = |item: &&Item| matches!(&item.body, Body::Message(message) if message.origin == Origin::Requested);
    run.items.iter().filter(requested).collect()
}

#[test]
fn a_request_and_its_statuses_meet_in_any_order_and_count_as_what_was_told() {
    let all = [
        REQUEST.to_owned(),
        status("m1", "sent", 1_777_899_610, "cmd-17"),
        status("m1", "delivered", 1_777_899_620, "cmd-17"),
        status("m2", "sent", 1_777_899_610, "cmd-18"),
    ];
    let all = records(&all.join("\n"));
    for seed in 0..40 {
        let mut run = driver();
        for (place, record) in hilo_stream::driver::permuted(&all, seed).into_iter().enumerate() {
            run.pipe(record).unwrap();
            if place % 2 == 1 {
                run.restart().unwrap();
            }
        }
        let run = outputs(&run);
        assert_eq!(run.outcomes(), [4, 0, 0, 0], "seed {seed}");
        let found = resolved(&run);
        let [item] = found.as_slice() else {
            panic!("seed {seed}: {found:?}")
        };
        let Body::Message(message) = &item.body else {
            unreachable!()
        };
        assert_eq!((message.id.as_str(), message.kind.as_str()), ("m1", "template"));
        assert_eq!(message.campaign.as_deref(), Some("otono"));
        assert_eq!(message.template.as_ref().unwrap().language.as_deref(), Some("es_CL"));
        assert_eq!(item.event_time, 1_777_899_600_000);
        assert_eq!(identifiers(item, 0), ["phone:+56961234567"]);
    }
}

#[test]
fn a_request_is_known_by_its_data_else_by_its_command_and_told_once() {
    let by_command =
        r#"{"source":"outbound","tenant":"acme","command_id":17,"type":"text","to":{"phone":"+56961234567"}}"#;
    let run = lines(&format!("{by_command}\n{by_command}"));
    assert_eq!(run.outcomes(), [1, 1, 0, 0]);
    let Body::Request(request) = &run.item().body else {
        panic!("{:?}", run.items)
    };
    assert_eq!((request.callback.as_str(), request.message.id.as_str()), ("17", ""));
    // With neither nobody can ever find it.
    let run = lines(r#"{"source":"outbound","tenant":"acme","type":"text"}"#);
    assert_eq!((run.outcomes(), run.reasons()), ([0, 0, 0, 1], vec!["no_id"]));
}

#[test]
fn data_of_another_tenant_or_of_a_line_with_an_id_joins_nothing() {
    let other = REQUEST.replace("acme", "beta");
    let run = lines(&format!("{other}\n{}", status("m1", "sent", 1_777_899_610, "cmd-17")));
    assert_eq!((run.outcomes(), resolved(&run).len()), ([2, 0, 0, 0], 0));
    let known = REQUEST.replace("\"type\":\"template\"", "\"message_id\":\"m9\",\"type\":\"template\"");
    let run = lines(&format!("{known}\n{}", status("m1", "sent", 1_777_899_610, "cmd-17")));
    assert_eq!((run.outcomes(), resolved(&run).len()), ([2, 0, 0, 0], 0));
}

#[test]
fn of_two_requests_with_the_same_data_the_smaller_holds() {
    let later = REQUEST.replace("13:00:00Z", "13:00:05Z").replace("otono", "invierno");
    let told = status("m1", "sent", 1_777_899_610, "cmd-17");
    for capture in [
        [REQUEST, &later, &told],
        [&later, REQUEST, &told],
        [&later, &told, REQUEST],
        [&told, REQUEST, &later],
    ] {
        let run = lines(&capture.join("\n"));
        assert_eq!(run.outcomes(), [2, 1, 0, 0]);
        let last = resolved(&run).pop().unwrap();
        let Body::Message(message) = &last.body else {
            unreachable!()
        };
        assert_eq!(message.campaign.as_deref(), Some("otono"), "{capture:?}");
    }
}
