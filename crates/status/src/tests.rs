//! What readers of the topic may rely on.

mod category;
mod order;

use crate::Status as Processor;
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::Status as Fact,
    item::{
        Author, Body, Forget, Item, Message, MessageRecord, Origin, PersonRecord, Position, Resolved, Status, Template,
    },
    stored::{ErrorRef, PaymentRef},
    topics,
};
use hilo_stream::{Context, MemoryBackend, Processor as _, Record, Verdict, wire};

const ID: &str = "wamid.A1";
const KEY: &[u8] = b"key";

fn item(at: i64, content: &str, body: Body) -> Item {
    Item {
        tenant: "acme".into(),
        delivery_id: "d1".into(),
        position: Position::default(),
        received_at: at + 1,
        event_time: at,
        key: "item".into(),
        content: content.into(),
        entry_id: "310".into(),
        phone_number_id: Some("210".into()),
        test: false,
        sightings: vec![],
        has_person: true,
        evidence_only: false,
        generation: 0,
        change: None,
        body,
    }
}

fn resolved(person: Option<&str>, version: u64, item: Item) -> MessageRecord {
    let country = person.map(|_| "CL".to_owned());
    MessageRecord::Item(Box::new(Resolved {
        person_id: person.map(Into::into),
        country,
        atom: 1,
        version,
        item,
    }))
}

fn message(origin: Origin, at: i64, kind: &str) -> Item {
    let body = Message {
        inbound: origin == Origin::Received,
        author: Author {
            kind: if origin == Origin::Received {
                "customer"
            } else {
                "campaign"
            }
            .into(),
            id: None,
        },
        template: (origin == Origin::Outbound).then(|| Template {
            name: "promo".into(),
            language: Some("es".into()),
            category: Some("marketing".into()),
        }),
        ..Message::new(ID.into(), origin, kind)
    };
    item(at, &format!("{origin:?} {kind} {at}"), Body::Message(body))
}

fn status(name: &str, at: i64, code: Option<i64>, participant: Option<&str>) -> Item {
    let body = Status {
        message_id: ID.into(),
        status: name.into(),
        participant: participant.map(Into::into),
        errors: code
            .map(|code| ErrorRef {
                code: Some(code),
                title: None,
                details: None,
            })
            .into_iter()
            .collect(),
        pricing: None,
        callback_data: None,
        charged: None,
        identity_hash: None,
        payment: None,
    };
    item(at, &format!("{name} {at} {code:?} {participant:?}"), Body::Status(body))
}

#[derive(Default)]
struct Run {
    processor: Processor,
    context: Context,
    committed: [MemoryBackend; 4],
}

impl Run {
    fn feed(&mut self, record: &MessageRecord) -> Verdict {
        let value = wire::encode(record).unwrap();
        let record = Record {
            topic: topics::MESSAGE_ITEM,
            key: KEY.to_vec(),
            value,
            timestamp: 77,
        };
        self.processor.process(&record, &mut self.context).unwrap()
    }

    fn item(&mut self, item: Item) {
        assert_eq!(self.feed(&resolved(Some("p1"), 1, item)), Verdict::Done);
    }

    /// Stops as a process would: a fresh processor gets the encoded state.
    fn restart(&mut self) {
        for (store, committed) in self.processor.stores().into_iter().zip(&mut self.committed) {
            store.drain_dirty(&mut |change| committed.apply(change)).unwrap();
        }
        self.processor = Processor::default();
        for (store, committed) in self.processor.stores().into_iter().zip(&self.committed) {
            store.attach(Box::new(committed.clone())).unwrap();
        }
    }

    fn facts(&self) -> Vec<Fact> {
        let facts = self
            .context
            .outputs
            .iter()
            .filter(|record| record.topic == topics::STATUS);
        facts
            .map(|record| codec::status().decode(&record.value).unwrap())
            .collect()
    }
}

#[test]
fn an_orphan_is_told_at_once_and_resolved_by_a_higher_revision() {
    let mut run = Run::default();
    run.item(status("delivered", 9, None, None));
    run.item(message(Origin::Outbound, 5, "template"));
    let facts = run.facts();
    let [orphan, sent] = facts.as_slice() else {
        panic!("{facts:?}")
    };
    assert_eq!(
        (orphan.kind.as_str(), orphan.orphan, orphan.accepted),
        ("status", true, false)
    );
    assert_eq!(
        (orphan.message_type.as_str(), orphan.first_status_at, orphan.revision),
        ("unknown", Some(9), 1)
    );
    assert_eq!(
        (sent.kind.as_str(), sent.orphan, sent.accepted),
        ("accepted", false, true)
    );
    assert_eq!(
        (sent.accepted_at, sent.delivered_at, sent.revision),
        (Some(5), Some(9), 2)
    );
    assert_eq!(sent.effective_status.as_deref(), Some("delivered"));
    assert_eq!(sent.template.as_ref().unwrap().name, "promo");
    assert_eq!(
        run.context.counts,
        [("orphans", "found", 1), ("orphans", "resolved", 1)]
    );
}

/// An hour in which only statuses were known, by event time.
const HOUR: i64 = 3_600_000;

#[test]
fn an_orphan_is_published_as_one_after_an_hour_and_once() {
    let mut run = Run::default();
    run.item(status("read", 900, None, None));
    run.item(status("sent", 100, None, None));
    run.restart();
    let tick = |run: &mut Run, now| run.processor.tick(now, &mut run.context).unwrap();
    tick(&mut run, HOUR + 99);
    assert_eq!(run.facts().len(), 2, "its time runs from the earliest status");
    tick(&mut run, HOUR + 100);
    tick(&mut run, 9 * HOUR);
    run.item(status("played", 1_000, None, None));
    tick(&mut run, 10 * HOUR);
    let facts = run.facts();
    let [_, _, orphaned, played] = facts.as_slice() else {
        panic!("{facts:?}")
    };
    assert_eq!(
        (
            orphaned.kind.as_str(),
            orphaned.orphan,
            orphaned.event_time,
            orphaned.revision
        ),
        ("orphaned", true, HOUR + 100, 3)
    );
    assert_eq!(
        (orphaned.tenant.as_str(), orphaned.message_id.as_str(), orphaned.read_at),
        ("acme", ID, Some(900))
    );
    assert_eq!((played.kind.as_str(), played.orphan), ("status", true));
    // The send log comes at last: it is no orphan any more.
    run.item(message(Origin::Outbound, 5, "template"));
    assert!(!run.facts()[4].orphan);
    assert_eq!(
        run.context.counts,
        [
            ("orphans", "found", 1),
            ("orphans", "overdue", 1),
            ("orphans", "resolved", 1)
        ]
    );
}

#[test]
fn a_send_that_comes_in_time_leaves_no_orphan() {
    for origin in [Origin::Outbound, Origin::Echo, Origin::History, Origin::Requested] {
        let mut run = Run::default();
        run.item(status("sent", 100, None, None));
        run.item(message(origin, 90, "text"));
        run.restart();
        run.processor.tick(9 * HOUR, &mut run.context).unwrap();
        assert!(run.facts().iter().all(|fact| fact.kind != "orphaned"), "{origin:?}");
        assert!(!run.facts().pop().unwrap().orphan);
    }
}

#[test]
fn a_request_that_a_status_confirmed_is_a_send_and_a_line_with_the_id_says_more() {
    let mut run = Run::default();
    run.item(message(Origin::Requested, 5, "template"));
    run.item(message(Origin::Outbound, 7, "text"));
    let facts = run.facts();
    let seen: Vec<_> = facts
        .iter()
        .map(|fact| (fact.accepted, fact.accepted_at, fact.message_type.as_str()))
        .collect();
    assert_eq!(seen, [(true, Some(5), "template"), (true, Some(7), "text")]);
}

#[test]
fn a_failure_says_what_a_sender_should_do_until_a_delivery_clears_it() {
    let mut run = Run::default();
    run.item(status("failed", 6, Some(131_049), None));
    run.item(status("delivered", 7, None, None));
    let facts = run.facts();
    let seen: Vec<_> = facts
        .iter()
        .map(|fact| (fact.error_actions.join(" "), fact.retry_after_seconds))
        .collect();
    assert_eq!(
        seen,
        [("never_retry wait".to_owned(), Some(86_400)), (String::new(), None)]
    );
    assert_eq!(facts[1].error_codes, [131_049]);
}

#[test]
fn nothing_is_told_of_a_received_message_before_it_has_a_status() {
    let mut run = Run::default();
    run.item(message(Origin::Received, 5, "text"));
    run.item(message(Origin::History, 4, "text"));
    assert_eq!(run.facts(), []);
    run.item(status("read", 9, None, None));
    let facts = run.facts();
    let [fact] = facts.as_slice() else { panic!("{facts:?}") };
    assert_eq!(
        (fact.orphan, fact.accepted_at, fact.message_type.as_str()),
        (false, None, "text")
    );
    assert_eq!(fact.author.as_ref().unwrap().kind, "customer");
}

#[test]
fn an_edit_from_the_phone_is_no_send() {
    let mut run = Run::default();
    run.item(message(Origin::Echo, 5, "edit"));
    assert_eq!(run.facts(), []);
    run.item(message(Origin::Echo, 5, "edit"));
    run.item(status("sent", 9, None, None));
    assert_eq!((run.facts()[0].accepted_at, run.facts()[0].orphan), (None, false));
}

#[test]
fn each_participant_has_a_fact_and_all_fold_together() {
    let mut run = Run::default();
    assert_eq!(
        run.feed(&resolved(None, 0, message(Origin::Outbound, 1, "text"))),
        Verdict::Done
    );
    run.item(status("delivered", 5, None, Some("a")));
    run.item(status("delivered", 8, None, Some("b")));
    run.item(status("delivered", 8, None, Some("b")));
    run.item(status("read", 7, None, Some("b")));
    run.item(status("failed", 9, Some(131_026), Some("a")));
    run.item(status("failed", 9, Some(131_049), Some("b")));
    let facts = run.facts();
    let seen: Vec<_> = facts
        .iter()
        .map(|fact| {
            let words = [&fact.participant, &fact.participant_status, &fact.effective_status];
            let words = words.map(|word| word.as_deref().unwrap_or("-")).join(" ");
            (words, fact.delivered_at, fact.read_at, fact.failed_at)
        })
        .collect();
    let told = |words: &str, delivered_at, read_at, failed_at| (words.to_owned(), delivered_at, read_at, failed_at);
    assert_eq!(
        seen,
        [
            told("- - -", None, None, None),
            told("a delivered delivered", Some(5), None, None),
            told("b delivered delivered", Some(5), None, None),
            told("b read read", Some(5), Some(7), None),
            told("a failed read", Some(7), Some(7), None),
            told("b failed failed", Some(5), Some(7), Some(9)),
        ]
    );
    assert_eq!(facts[4].error_codes, [131_026]);
    assert_eq!(
        (facts[4].error_class.as_deref(), facts[4].error_actions.len()),
        (None, 0)
    );
    assert_eq!(facts[5].error_class.as_deref(), Some("unreachable"));
    assert!(
        facts.iter().all(|fact| fact.person_id.is_none()),
        "a participant is not the message's person"
    );
}

/// The graph gave an item about the message to somebody else.
fn moved(item: &Item, version: u64, person: &str) -> MessageRecord {
    MessageRecord::Person {
        tenant: "acme".into(),
        message_id: ID.into(),
        at: item.event_time,
        fingerprint: item.fingerprint(),
        version,
        person_id: person.into(),
        country: Some("MX".into()),
    }
}

#[test]
fn the_graph_moves_a_message_once() {
    let mut run = Run::default();
    let sent = message(Origin::Outbound, 5, "template");
    run.item(sent.clone());
    for (version, person) in [(7, "p2"), (4, "p3"), (7, "p2")] {
        assert_eq!(run.feed(&moved(&sent, version, person)), Verdict::Done);
    }
    let facts = run.facts();
    let [_, fact] = facts.as_slice() else {
        panic!("{facts:?}")
    };
    assert_eq!(
        (fact.kind.as_str(), fact.person_id.as_deref(), fact.country.as_deref()),
        ("person_changed", Some("p2"), Some("MX"))
    );
    assert_eq!((fact.event_time, fact.revision, fact.status.as_ref()), (77, 2, None));
}

#[test]
fn a_better_duplicate_of_another_person_makes_the_one_before_forget() {
    let mut run = Run::default();
    let worse = message(Origin::Outbound, 5, "template");
    let fingerprint = worse.fingerprint();
    run.item(worse);
    assert_eq!(
        run.feed(&resolved(Some("p2"), 1, message(Origin::Outbound, 3, "text"))),
        Verdict::Done
    );
    let forget = run
        .context
        .outputs
        .iter()
        .find(|record| record.topic == topics::PERSON_ITEM)
        .unwrap();
    assert_eq!(forget.key, b"p1");
    assert_eq!(
        wire::decode::<PersonRecord>(&forget.value).unwrap(),
        PersonRecord::Forget(Forget {
            key: "item".into(),
            at: 5,
            fingerprint,
            atom: 1,
            version: 1
        })
    );
    let last = run.facts().pop().unwrap();
    assert_eq!(
        (last.person_id.as_deref(), last.accepted_at, last.message_type.as_str()),
        (Some("p2"), Some(3), "text")
    );
}

/// One id that two people stand behind, one who was sent it and one who sent it: the graph moves the one, and the other
/// forgets their part when a better duplicate comes.
#[test]
fn each_description_of_a_message_has_its_own_person() {
    let mut run = Run::default();
    run.item(message(Origin::Outbound, 5, "template"));
    let received = message(Origin::Received, 6, "text");
    run.feed(&resolved(Some("p2"), 1, received.clone()));
    run.feed(&moved(&received, 4, "p3"));
    run.feed(&resolved(Some("p4"), 4, message(Origin::Outbound, 3, "text")));
    let told: Vec<_> = run
        .context
        .outputs
        .iter()
        .filter(|record| record.topic == topics::PERSON_ITEM)
        .map(|record| record.key.as_slice())
        .collect();
    assert_eq!(told, [b"p1"], "p3 holds what was received");
    assert_eq!(run.facts().pop().unwrap().person_id.as_deref(), Some("p4"));
}

/// Times and outcomes that conversations are told of one send.
fn fates(run: &Run) -> Vec<(Option<i64>, bool)> {
    let told = run
        .context
        .outputs
        .iter()
        .filter(|record| record.topic == topics::PERSON_ITEM);
    told.map(|record| match wire::decode(&record.value).unwrap() {
        PersonRecord::Fate(fate) => (fate.became.delivered_at, fate.became.failed),
        other => panic!("{other:?}"),
    })
    .collect()
}

/// A send costs its conversation one record.
#[test]
fn a_conversation_is_told_of_a_send_when_it_arrives_or_fails() {
    let mut run = Run::default();
    run.item(message(Origin::Outbound, 5, "template"));
    run.item(status("sent", 6, None, None));
    assert_eq!(fates(&run), []);
    run.item(status("delivered", 7, None, None));
    run.item(status("read", 9, None, None));
    run.item(status("played", 9, None, None));
    assert_eq!(fates(&run), [(Some(7), false)]);
    run.item(status("failed", 9, Some(131_026), None));
    run.item(status("delivered", 10, None, None));
    assert_eq!(fates(&run)[1..], [(None, true), (Some(7), false)]);
    let mut echo = Run::default();
    echo.item(message(Origin::Echo, 5, "text"));
    echo.item(status("delivered", 7, None, None));
    assert_eq!(fates(&echo), [], "it counts as delivered at its time");
    echo.item(status("failed", 8, None, None));
    assert_eq!(fates(&echo), [(None, true)]);
}

#[test]
fn the_errors_are_those_of_the_first_failure() {
    let mut run = Run::default();
    for (at, code) in [(9, 131_026), (6, 131_049), (6, 131_047)] {
        run.item(status("failed", at, Some(code), None));
    }
    let last = run.facts().pop().unwrap();
    assert_eq!(
        last.errors.iter().map(|error| error.code).collect::<Vec<_>>(),
        [Some(131_047)]
    );
    assert_eq!(last.error_codes, [131_026, 131_047, 131_049]);
    assert_eq!((last.error_class.as_deref(), last.failed_at), (Some("window"), Some(6)));
}

#[test]
fn what_becomes_of_a_payment_says_nothing_of_the_message() {
    let mut run = Run::default();
    run.item(message(Origin::Outbound, 1, "interactive"));
    run.item(status("delivered", 2, None, None));
    let mut failed = status("failed", 3, Some(131_000), None);
    if let Body::Status(status) = &mut failed.body {
        status.payment = Some(PaymentRef {
            reference_id: Some("order-17".into()),
            ..PaymentRef::default()
        });
    }
    run.item(failed);
    let last = run.facts().pop().unwrap();
    assert_eq!(
        last.payment.and_then(|payment| payment.reference_id).as_deref(),
        Some("order-17")
    );
    assert_eq!(last.status.as_deref(), Some("failed"), "as received");
    assert_eq!(last.effective_status.as_deref(), Some("delivered"));
    assert_eq!((last.failed_at, last.error_codes), (None, vec![]));
    assert!(last.errors.is_empty());
}
