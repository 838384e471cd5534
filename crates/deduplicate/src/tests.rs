//! What goes on and what does not, of items that are told more than once.

use super::Deduplicate;
use hilo_contracts::{
    item::{Body, Item, Message, Origin, Position, Sighting, Status},
    keys, topics,
};
use hilo_domain::{
    Identifier, IdentifierKind,
    hash::{IdHasher, to_hex},
};
use hilo_stream::{Context, Processor as _, Record, wire};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Somebody by phone, by user id, or by both.
fn somebody(phone: Option<u8>, user: Option<u8>) -> Option<Sighting> {
    let wa_id = phone.map(|phone| format!("5696123450{phone}"));
    let phone = wa_id.as_ref().map(|wa_id| format!("+{wa_id}"));
    let mut identifiers: Vec<Identifier> = wa_id.as_deref().map(Identifier::wa_id).into_iter().collect();
    identifiers.extend(phone.map(|phone| Identifier::new(IdentifierKind::Phone, phone)));
    identifiers.extend(user.map(|user| Identifier::bsuid(format!("CL.{user}"))));
    identifiers.sort_unstable();
    (!identifiers.is_empty()).then(|| Sighting {
        identifiers,
        creates: true,
        ..Sighting::default()
    })
}

/// An item about the message `m`, with a key that is made of `parts`.
fn item(at: i64, content: &str, person: Option<Sighting>, parts: [&str; 2], body: Body) -> (Vec<u8>, Item) {
    let mut hasher = IdHasher::new("item");
    for part in parts {
        hasher.update(part.as_bytes());
    }
    let item = Item {
        tenant: "acme".into(),
        delivery_id: "d".into(),
        position: Position::default(),
        received_at: 0,
        event_time: at,
        key: to_hex(&hasher.bytes()),
        content: content.into(),
        entry_id: "310".into(),
        phone_number_id: None,
        test: false,
        has_person: person.is_some(),
        sightings: person.into_iter().collect(),
        evidence_only: false,
        generation: 0,
        change: None,
        body,
    };
    (keys::message("acme", "m"), item)
}

fn send(at: i64, content: &str, person: Option<Sighting>) -> (Vec<u8>, Item) {
    let message = Message::new("m".into(), Origin::Outbound, content);
    item(at, content, person, ["outbound", ""], Body::Message(message))
}

fn status(at: i64, name: &str, person: Option<Sighting>) -> (Vec<u8>, Item) {
    let body = Status {
        message_id: "m".into(),
        status: name.into(),
        participant: None,
        errors: vec![],
        pricing: None,
        callback_data: None,
        charged: None,
        identity_hash: None,
        payment: None,
    };
    item(at, name, person, ["status", name], Body::Status(body))
}

struct Out {
    items: Vec<Item>,
    /// Items emitted, duplicates, distinct statuses.
    counts: BTreeMap<&'static str, u64>,
}

fn run(told: &[(Vec<u8>, Item)]) -> Out {
    let mut processor = Deduplicate::default();
    let mut context = Context::default();
    for (key, item) in told {
        let value = wire::encode(item).unwrap();
        let record = Record {
            topic: topics::ITEM,
            key: key.clone(),
            value,
            timestamp: item.event_time,
        };
        processor.process(&record, &mut context).unwrap();
    }
    let mut counts = BTreeMap::new();
    for (name, label, amount) in context.counts {
        *counts.entry(if label.is_empty() { name } else { label }).or_default() += amount;
    }
    Out {
        items: context
            .outputs
            .iter()
            .map(|record| wire::decode(&record.value).unwrap())
            .collect(),
        counts,
    }
}

/// (event time, content, evidence only) of what went on.
fn told(out: &Out) -> Vec<(i64, &str, bool)> {
    out.items
        .iter()
        .map(|item| (item.event_time, item.content.as_str(), item.evidence_only))
        .collect()
}

#[test]
fn the_smallest_time_and_content_hold_and_the_others_are_evidence() {
    let ana = || somebody(Some(1), None);
    let out = run(&[
        send(5, "b", ana()),
        send(5, "c", ana()),
        send(5, "a", ana()),
        send(9, "0", ana()),
        send(4, "z", ana()),
    ]);
    assert_eq!(
        told(&out),
        [
            (5, "b", false),
            (5, "c", true),
            (5, "a", false),
            (9, "0", true),
            (4, "z", false)
        ]
    );
    assert_eq!(out.counts, BTreeMap::from([("emitted", 1), ("duplicate", 4)]));
}

#[test]
fn an_exact_repetition_and_a_worse_one_of_nobody_go_nowhere() {
    let out = run(&[send(5, "b", None), send(5, "b", None), send(6, "b", None)]);
    assert_eq!((told(&out), out.counts["duplicate"]), (vec![(5, "b", false)], 2));
}

#[test]
fn a_status_with_another_time_adds_it() {
    let out = run(&[
        status(9, "sent", None),
        status(6, "sent", None),
        status(9, "sent", None),
        status(9, "read", None),
    ]);
    assert_eq!(told(&out), [(9, "sent", false), (6, "sent", false), (9, "read", false)]);
    assert_eq!(
        out.counts,
        BTreeMap::from([("emitted", 2), ("duplicate", 2), ("statuses", 2)])
    );
}

/// Identifiers of the evidence that joins both sides, with its time.
fn joined(out: &Out) -> Vec<(i64, Vec<Identifier>)> {
    let of = |item: &&Item| {
        matches!(&item.body, Body::Event { kind } if kind == "same_person") && item.sightings[0].instead_of.is_empty()
    };
    out.items
        .iter()
        .filter(of)
        .map(|item| (item.event_time, item.sightings[0].identifiers.clone()))
        .collect()
}

#[test]
fn addressee_and_recipient_are_joined_where_nothing_else_joins_them() {
    for (to, by, joins) in [
        ((Some(1), None), (None, Some(1)), true),
        ((None, Some(1)), (Some(1), None), true),
        ((Some(1), None), (Some(2), None), true),
        ((Some(1), None), (Some(1), Some(1)), true),
        ((Some(1), None), (Some(1), None), false),
        ((Some(1), Some(1)), (Some(1), Some(1)), false),
        ((Some(1), Some(1)), (Some(2), Some(2)), false),
    ] {
        let (send, status) = (
            send(5, "x", somebody(to.0, to.1)),
            status(7, "sent", somebody(by.0, by.1)),
        );
        for order in [[&send, &status], [&status, &send]] {
            let out = run(&order.map(Clone::clone));
            let joined = joined(&out);
            assert_eq!(joined.len(), usize::from(joins), "{to:?} {by:?}");
            for (at, identifiers) in joined {
                assert_eq!(at, 5, "from the send on");
                for side in [&send, &status] {
                    assert!(
                        side.1.sightings[0]
                            .identifiers
                            .iter()
                            .all(|identifier| identifiers.contains(identifier))
                    );
                }
            }
        }
    }
}

#[test]
fn a_participant_of_a_group_is_not_whom_the_message_was_sent_to() {
    let mut told = status(7, "sent", somebody(Some(2), None));
    if let Body::Status(status) = &mut told.1.body {
        status.participant = Some("2".into());
    }
    assert!(joined(&run(&[send(5, "x", somebody(Some(1), None)), told])).is_empty());
}

fn any_told() -> impl Strategy<Value = (Vec<u8>, Item)> {
    let person = (prop::option::of(0..3u8), prop::option::of(0..3u8)).prop_map(|(phone, user)| somebody(phone, user));
    prop_oneof![
        (0..3i64, prop::sample::select(vec!["a", "b", "\"", "é"]), person.clone())
            .prop_map(|(at, text, who)| send(at, text, who)),
        (0..3i64, prop::sample::select(vec!["sent", "read"]), person).prop_map(|(at, name, who)| status(at, name, who)),
    ]
}

/// Who was seen when, in the end: a status that names only numbers counts at its own time until its send is known.
fn evidence(out: &Out) -> BTreeSet<(i64, String)> {
    let (mut seen, mut waiting) = (BTreeSet::new(), Vec::new());
    for item in &out.items {
        for sighting in &item.sightings {
            let who = format!("{:?}", sighting.identifiers);
            match (&item.body, sighting.since) {
                (Body::Status(_), None) if sighting.is_weak() => waiting.push((item.event_time, who.clone())),
                (_, since) => _ = seen.insert((since.unwrap_or(item.event_time), who.clone())),
            }
            for at in &sighting.instead_of {
                let status = (*at, who.clone());
                let place = waiting.iter().position(|waits| *waits == status);
                waiting.swap_remove(place.expect("withdrawn once for each status"));
            }
        }
    }
    seen.extend(waiting);
    seen
}

#[test]
fn who_only_has_a_number_received_what_was_sent_to_it_when_it_was_sent() {
    let number = || somebody(Some(1), None);
    let (send, sent, read) = (
        send(5, "x", number()),
        status(6, "sent", number()),
        status(9, "read", number()),
    );
    for order in [[&send, &sent, &read], [&sent, &send, &read], [&read, &sent, &send]] {
        let seen = evidence(&run(&order.map(Clone::clone)));
        assert_eq!(seen.into_iter().map(|(at, _)| at).collect::<Vec<_>>(), [5]);
    }
    assert_eq!(
        evidence(&run(&[sent, read])).len(),
        2,
        "of an unknown send, when they say"
    );
}

proptest! {
    #[test]
    fn order_and_repetition_do_not_matter(
        (one, other) in prop::collection::vec(any_told(), 1..12).prop_flat_map(|told| {
            let repeated: Vec<_> = told.iter().chain(told.iter().step_by(3)).cloned().collect();
            (Just(told), Just(repeated).prop_shuffle())
        }),
    ) {
        let (one, other) = (run(&one), run(&other));
        prop_assert_eq!(one.counts.get("emitted"), other.counts.get("emitted"));
        prop_assert_eq!(one.counts.get("statuses"), other.counts.get("statuses"));
        prop_assert_eq!(evidence(&one), evidence(&other));
        let held = |out: &Out| {
            let mut sends = out.items.iter().filter(|item| !item.evidence_only && matches!(item.body, Body::Message(_)));
            sends.next_back().map(|item| (item.event_time, item.content.clone(), item.sightings.clone()))
        };
        prop_assert_eq!(held(&one), held(&other));
        let times = |out: &Out| -> BTreeSet<(i64, String)> {
            let statuses = out.items.iter().filter(|item| matches!(item.body, Body::Status(_)));
            statuses.map(|item| (item.event_time, item.content.clone())).collect()
        };
        prop_assert_eq!(times(&one), times(&other));
    }
}
