//! Any order, any repetition and any restart of what is told of a message ends in the same state: that of the whole set.

use super::{Run, message, moved, resolved, status};
use hilo_contracts::{
    facts::Status as Fact,
    item::{Became, Body, Item, Origin, PersonRecord},
    topics,
};
use hilo_stream::{
    driver::{permuted, repeated},
    wire,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
enum Told {
    Item(Box<Item>),
    /// The identity graph changes.
    Graph,
}

fn any_message() -> impl Strategy<Value = Told> {
    let origins = vec![Origin::Outbound, Origin::Received, Origin::Echo, Origin::History];
    let kinds = vec!["text", "template", "edit", "reaction"];
    (prop::sample::select(origins), 0..4i64, prop::sample::select(kinds))
        .prop_map(|(origin, at, kind)| Told::Item(Box::new(message(origin, at, kind))))
}

fn any_status() -> impl Strategy<Value = Told> {
    let names = vec!["sent", "delivered", "read", "played", "failed", "warning"];
    let codes = prop::option::of(prop::sample::select(vec![131_026, 131_047, 131_050]));
    let participants = prop::option::weighted(0.4, prop::sample::select(vec!["a", "b"]));
    (prop::sample::select(names), 0..6i64, codes, participants).prop_map(|(name, at, code, who)| {
        Told::Item(Box::new(status(name, at, code.filter(|_| name == "failed"), who)))
    })
}

/// Runs the processor behind what stands before it: `deduplicate`, which lets of two descriptions of one origin only a
/// better one pass, and the identity graph, whose version rises with each change and which names the person of now.
fn run(order: &[Told], known_person: bool, restart: usize) -> Option<Fact> {
    let mut run = Run::default();
    let mut best: BTreeMap<Origin, Item> = BTreeMap::new();
    let mut version = 1;
    for (place, told) in order.iter().enumerate() {
        if place == restart {
            run.restart();
        }
        let person = format!("p{version}");
        match told {
            Told::Item(item) => {
                if let Body::Message(message) = &item.body {
                    let rank = |item: &Item| (item.event_time, item.content.clone());
                    if best.get(&message.origin).is_some_and(|had| rank(had) < rank(item)) {
                        continue;
                    }
                    best.insert(message.origin, (**item).clone());
                }
                run.feed(&resolved(known_person.then_some(&person), version, (**item).clone()));
            }
            Told::Graph if known_person && !best.is_empty() => {
                version += 1;
                for item in best.values() {
                    run.feed(&moved(item, version, &format!("p{version}")));
                }
            }
            Told::Graph => {}
        }
    }
    let facts = run.facts();
    let revisions: Vec<i64> = facts.iter().map(|fact| fact.revision).collect();
    assert_eq!(revisions, (1..=facts.len() as i64).collect::<Vec<_>>());
    let last = facts.into_iter().next_back();
    if let Some(fact) = last.as_ref().filter(|_| known_person) {
        let mut want = holders(fact, order, &best);
        // Who is told that nothing became of it knows as much as who is told nothing.
        want.retain(|_, became| *became != Became::default());
        assert_eq!(held(&run, &best), want);
    }
    last
}

/// Whether a description is an event of a conversation by which the business wrote.
fn is_send(item: &Item) -> bool {
    let Body::Message(message) = &item.body else {
        return false;
    };
    matches!(message.origin, Origin::Outbound | Origin::Echo) && !["edit", "reaction"].contains(&message.kind.as_str())
}

/// An event of a conversation: its time and fingerprint.
type Held = BTreeMap<(i64, u64), Became>;

/// What conversations know in the end of the message's sends: what descriptions say by themselves, and what was told.
fn held(run: &Run, best: &BTreeMap<Origin, Item>) -> Held {
    let mut held: BTreeMap<(i64, u64), (i64, Became)> = BTreeMap::new();
    for item in best.values().filter(|item| is_send(item)) {
        let is_line = matches!(&item.body, Body::Message(message) if message.origin == Origin::Outbound);
        let described = Became {
            failed: false,
            delivered_at: (!is_line).then_some(item.event_time),
            template: is_line || item.content.contains("template"),
            marketing: is_line,
        };
        held.insert((item.event_time, item.fingerprint()), (0, described));
    }
    for record in run
        .context
        .outputs
        .iter()
        .filter(|record| record.topic == topics::PERSON_ITEM)
    {
        match wire::decode(&record.value).unwrap() {
            PersonRecord::Fate(fate) => {
                let had = held.entry((fate.at, fate.fingerprint)).or_insert((0, fate.became));
                if fate.revision >= had.0 {
                    *had = (fate.revision, fate.became);
                }
            }
            PersonRecord::Forget(gone) => {
                held.remove(&(gone.at, gone.fingerprint));
            }
            _ => {}
        }
    }
    let known = held.into_iter().map(|(event, (_, became))| (event, became));
    known.filter(|(_, became)| *became != Became::default()).collect()
}

/// What they have to know, by the fact that says what became of it.
fn holders(fact: &Fact, told: &[Told], best: &BTreeMap<Origin, Item>) -> Held {
    let failed = fact.effective_status.as_deref() == Some("failed");
    let first = best.values().find(|item| is_send(item));
    let is_line = first.is_some_and(|first| first.content.starts_with("Outbound"));
    let echoed_at = first.filter(|_| !is_line).map(|first| first.event_time);
    let became = Became {
        failed,
        delivered_at: echoed_at.or(fact.delivered_at).filter(|_| !failed),
        template: first.is_some_and(|first| is_line || first.content.contains("template")),
        marketing: fact.category.as_deref() == Some("marketing"),
    };
    if !best.is_empty() {
        let sends = best.values().filter(|item| is_send(item));
        return sends
            .map(|item| ((item.event_time, item.fingerprint()), became))
            .collect();
    }
    // Of an orphan a trace is kept, once there is something to know, where the earliest of its statuses says.
    let statuses = told.iter().filter_map(|told| match told {
        Told::Item(item) => match &item.body {
            Body::Status(status) if status.participant.is_none() => Some((item.event_time, item.fingerprint())),
            _ => None,
        },
        Told::Graph => None,
    });
    statuses.min().into_iter().map(|event| (event, became)).collect()
}

/// The parts of a fact that are the message's state, in one comparable value; the person only by being known.
fn state(fact: &Fact) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        (
            fact.message_type.clone(),
            fact.author.clone(),
            fact.template.clone(),
            fact.orphan,
            fact.accepted,
        ),
        (
            fact.accepted_at,
            fact.sent_at,
            fact.delivered_at,
            fact.read_at,
            fact.played_at,
            fact.failed_at,
            fact.opted_out_at,
        ),
        (
            fact.first_status_at,
            fact.effective_status.clone(),
            fact.error_codes.clone(),
            fact.error_class.clone(),
        ),
        (
            fact.errors.clone(),
            fact.person_id.is_some(),
            fact.phone_number_id.clone(),
        ),
    )
}

/// The state, found naively from the whole set.
fn reference(all: &[Told], known_person: bool) -> Option<Fact> {
    let items: Vec<&Item> = all
        .iter()
        .filter_map(|told| match told {
            Told::Item(item) => Some(&**item),
            Told::Graph => None,
        })
        .collect();
    let mut descriptions: Vec<_> = items
        .iter()
        .filter_map(|item| match &item.body {
            Body::Message(message) => Some((message.origin, item.event_time, &item.content, message)),
            _ => None,
        })
        .collect();
    descriptions.sort_by_key(|(origin, at, content, _)| (*origin, *at, (*content).clone()));
    descriptions.dedup_by_key(|(origin, ..)| *origin);
    let statuses: Vec<_> = items
        .iter()
        .filter_map(|item| match &item.body {
            Body::Status(status) => Some((item.event_time, status)),
            _ => None,
        })
        .collect();
    let sent = |message: &hilo_contracts::item::Message| {
        matches!(message.origin, Origin::Outbound | Origin::Echo) && message.kind != "edit"
    };
    if statuses.is_empty() && !descriptions.iter().any(|(.., message)| sent(message)) {
        return None;
    }
    // To a group: who failed does not count, unless everybody did.
    let who: BTreeSet<Option<&str>> = statuses.iter().map(|(_, s)| s.participant.as_deref()).collect();
    let has_failed = |who: Option<&str>| {
        let latest = |names: &[&str]| {
            let own = statuses.iter().filter(|(_, s)| s.participant.as_deref() == who);
            own.filter(|(_, s)| names.contains(&s.status.as_str()))
                .map(|(at, _)| *at)
                .max()
        };
        let failed = latest(&["failed"]);
        failed.is_some() && latest(&["delivered", "read", "played"]) <= failed
    };
    let participants: Vec<_> = who.iter().filter(|who| who.is_some()).collect();
    let failed = if participants.is_empty() {
        has_failed(None)
    } else {
        participants.iter().all(|who| has_failed(**who))
    };
    let counted: Vec<_> = statuses
        .iter()
        .filter(|(_, s)| failed || !has_failed(s.participant.as_deref()))
        .collect();
    let times = |names: &[&str]| {
        counted
            .iter()
            .filter(|(_, s)| names.contains(&s.status.as_str()))
            .map(|(at, _)| *at)
            .collect::<Vec<_>>()
    };
    let earliest = |names: &[&str]| times(names).into_iter().min();
    let reached = ["played", "read", "delivered", "sent"]
        .into_iter()
        .find(|name| earliest(&[name]).is_some());
    let rank = |(at, s): &(i64, &hilo_contracts::item::Status)| {
        let code = s.errors.first().and_then(|error| error.code);
        (*at, code.is_none(), code)
    };
    let failures = || statuses.iter().filter(|(_, s)| s.status == "failed");
    let first_failure = failures().min_by_key(|status| rank(status));
    let decides = |status: &&(i64, &hilo_contracts::item::Status)| counted.contains(status);
    let class_failure = failures().filter(decides).min_by_key(|status| rank(status));
    let mut error_codes: Vec<i64> = statuses
        .iter()
        .flat_map(|(_, s)| &s.errors)
        .filter_map(|error| error.code)
        .collect();
    error_codes.sort_unstable();
    error_codes.dedup();
    let head = descriptions.first();
    let head_sent = head.filter(|(.., message)| sent(message));
    let addressed = !descriptions.is_empty() || statuses.iter().any(|(_, s)| s.participant.is_none());
    Some(Fact {
        message_type: head.map_or("unknown", |(.., message)| &message.kind).to_owned(),
        author: head.map(|(.., message)| hilo_contracts::facts::AuthorRef {
            kind: message.author.kind.clone(),
            id: message.author.id.clone(),
        }),
        template: head.and_then(|(.., message)| message.template.clone()).map(|template| {
            hilo_contracts::facts::TemplateRef {
                name: template.name,
                language: template.language,
                category: template.category,
            }
        }),
        orphan: descriptions.is_empty(),
        // A reaction is in no cohort of sends.
        accepted: head_sent
            .is_some_and(|(origin, .., message)| *origin == Origin::Outbound && message.kind != "reaction"),
        accepted_at: head_sent.map(|(_, at, ..)| *at),
        sent_at: earliest(&["sent"]),
        delivered_at: earliest(&["delivered", "read", "played"]),
        read_at: earliest(&["read", "played"]),
        played_at: earliest(&["played"]),
        failed_at: earliest(&["failed"]),
        opted_out_at: statuses
            .iter()
            .filter(|(_, s)| s.errors.iter().any(|error| error.code == Some(131_050)))
            .map(|(at, _)| *at)
            .min(),
        first_status_at: statuses.iter().map(|(at, _)| *at).min(),
        effective_status: if failed { Some("failed") } else { reached }.map(str::to_owned),
        error_codes,
        error_class: class_failure.map(|(_, s)| {
            match s.errors.first().and_then(|error| error.code) {
                Some(131_026) => "unreachable",
                Some(131_047) => "window",
                Some(131_050) => "opt_out",
                _ => "other",
            }
            .to_owned()
        }),
        errors: first_failure
            .map(|(_, s)| {
                s.errors
                    .iter()
                    .map(|error| hilo_contracts::facts::ErrorRef {
                        code: error.code,
                        title: None,
                        details: None,
                    })
                    .collect()
            })
            .unwrap_or_default(),
        person_id: (known_person && addressed).then(|| "somebody".to_owned()),
        phone_number_id: Some("210".to_owned()),
        ..Fact::default()
    })
}

proptest! {
    #[test]
    fn the_last_fact_is_that_of_the_whole_set(
        messages in prop::collection::vec(any_message(), 0..5),
        statuses in prop::collection::vec(any_status(), 0..7),
        graph in 0..3usize,
        known_person in any::<bool>(),
        restart in 0..15usize,
        seed in any::<u64>(),
    ) {
        let mut all = messages;
        all.extend(statuses);
        let want = reference(&all, known_person);
        let mut told = all.clone();
        told.extend(std::iter::repeat_n(Told::Graph, graph));
        let order = repeated(&permuted(&told, seed), seed);
        let got = run(&order, known_person, restart);
        match want {
            Some(want) => prop_assert_eq!(got.as_ref().map(state), Some(state(&want))),
            // A duplicate that was a send may have been told of before a better one that is none.
            None => prop_assert!(got.is_none_or(|fact| !fact.accepted && fact.accepted_at.is_none() && !fact.orphan)),
        }
    }

    /// A message whose person changed is told with the last one, wherever the change came.
    #[test]
    fn the_last_version_of_the_graph_holds(before in prop::collection::vec(any_status(), 0..3), seed in any::<u64>()) {
        let mut told = before;
        told.extend([Told::Graph, Told::Graph, Told::Item(Box::new(message(Origin::Outbound, 1, "text")))]);
        let order = permuted(&told, seed);
        let sent = order.iter().position(|told| matches!(told, Told::Item(item) if matches!(item.body, Body::Message(_)))).unwrap();
        let changes = order[sent..].iter().filter(|told| matches!(told, Told::Graph)).count();
        let fact = run(&order, true, usize::MAX).unwrap();
        prop_assert_eq!(fact.person_id, Some(format!("p{}", changes + 1)));
    }
}
