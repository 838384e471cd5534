//! What crowded identifiers cost is linear: twice as many items cost about twice as many units of work, however they are
//! connected. Counted, not timed: the units are those by which an engine refuses a record as too costly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo_contracts::{
    codec::{self, Codec as _},
    item::{Account, Body, Decision, IdentityChange, Item, Position, Ruling, Sighting},
    topics,
};
use hilo_domain::{Identifier, Millis};
use hilo_identity::Identity;
use hilo_stream::{Context, Processor as _, Record, wire};

fn user(place: usize) -> Vec<Identifier> {
    vec![Identifier::bsuid(format!("CL.{place}"))]
}

fn number(place: usize) -> Vec<Identifier> {
    let digits = (56_910_000_000 + place).to_string();
    let phone = Identifier::phone(&format!("+{digits}"), None).unwrap();
    vec![Identifier::wa_id(digits), phone]
}

fn item(at: Millis) -> Item {
    Item {
        tenant: "acme".to_owned(),
        delivery_id: at.to_string(),
        position: Position::default(),
        received_at: at,
        event_time: at,
        key: at.to_string(),
        content: "{}".to_owned(),
        entry_id: "1".to_owned(),
        phone_number_id: Some("2".to_owned()),
        test: false,
        sightings: Vec::new(),
        has_person: false,
        evidence_only: false,
        generation: 0,
        change: None,
        body: Body::Event { kind: "x".to_owned() },
    }
}

fn seen(at: usize, ids: &[Vec<Identifier>]) -> Item {
    let sighting = Sighting {
        identifiers: ids.concat(),
        creates: true,
        ..Sighting::default()
    };
    Item {
        sightings: vec![sighting],
        has_person: true,
        ..item(at as Millis)
    }
}

fn changed(at: usize, old: Vec<Identifier>, new: Vec<Identifier>) -> Item {
    let kind = "number_changed".to_owned();
    Item {
        change: Some(IdentityChange { old, new, kind }),
        has_person: true,
        ..item(at as Millis)
    }
}

fn decided(at: usize, user: Vec<Identifier>, other: Vec<Identifier>) -> Item {
    let decision = Decision {
        ruling: Ruling::ALL[at % Ruling::ALL.len()],
        user,
        other,
        actor: "ana".to_owned(),
        reason: String::new(),
    };
    Item {
        body: Body::Decision(decision),
        ..item(at as Millis)
    }
}

/// One number and all users; and one user and all numbers.
fn star(of_number: bool) -> impl Fn(usize) -> Item {
    move |place| {
        let (user_of, number_of) = if of_number { (place, 0) } else { (0, place) };
        seen(place, &[user(user_of), number(number_of)])
    }
}

/// The same with numbers of their own, moves and decisions among them.
fn mixed(of_number: bool) -> impl Fn(usize) -> Item {
    move |place| match place % 5 {
        0 | 1 => star(of_number)(place),
        2 => seen(place, &[user(place - 1), number(place)]),
        3 => changed(place, number(place - 1), number(place + 1)),
        _ => decided(place, user(place - 3), user(place - 4)),
    }
}

/// People with a user id in each of two accounts, whose owners are named again and again.
fn portfolios(place: usize) -> Item {
    let owned = |account: &str, portfolio: usize| {
        let account = Account {
            subject_kind: "waba".to_owned(),
            subject_id: account.to_owned(),
            portfolio_id: Some(portfolio.to_string()),
            ..Account::default()
        };
        Item {
            evidence_only: true,
            body: Body::Account(account),
            ..item(place as Millis)
        }
    };
    match place {
        500 => owned("1", 900),
        700 => owned("2", 900),
        // It owns nothing else: whose user ids are of one portfolio is as before.
        _ if place % 10 == 9 => owned("3", place),
        _ => Item {
            entry_id: (1 + place % 2).to_string(),
            ..seen(place, &[user(place), number(place / 2)])
        },
    }
}

/// Moves from number to number, or users and numbers in turn: no identifier meets many others.
fn chain(of_moves: bool) -> impl Fn(usize) -> Item {
    move |place| {
        if of_moves {
            changed(place, number(place), number(place + 1))
        } else {
            seen(place, &[user(place / 2), number(place.div_ceil(2))])
        }
    }
}

/// Units of work, and bytes of all facts, and those of the largest, for so many items.
fn cost(count: usize, item: &dyn Fn(usize) -> Item) -> (u64, usize, u64) {
    let mut identity = Identity::default();
    let (mut units, mut bytes, mut largest) = (0, 0, 0);
    for place in 0..count {
        let record = Record {
            topic: topics::UNIQUE,
            key: b"acme".to_vec(),
            value: wire::encode(&item(place)).unwrap(),
            timestamp: place as Millis,
        };
        let mut context = Context::default();
        identity.process(&record, &mut context).unwrap();
        units += context.spent;
        largest = largest.max(context.spent);
        bytes += context.outputs.iter().map(|record| record.value.len()).sum::<usize>();
    }
    (units, bytes, largest)
}

/// The items of a history, by number.
type Shape = Box<dyn Fn(usize) -> Item>;

#[test]
fn twice_as_many_items_cost_twice_as_much() {
    let shapes: [(&str, Shape); 7] = [
        ("one number", Box::new(star(true))),
        ("one user", Box::new(star(false))),
        ("one number and more", Box::new(mixed(true))),
        ("one user and more", Box::new(mixed(false))),
        ("moves", Box::new(chain(true))),
        ("turns", Box::new(chain(false))),
        ("portfolios", Box::new(portfolios)),
    ];
    for (name, item) in &shapes {
        let ((once, said, _), (twice, said_twice, largest)) = (cost(800, item), cost(1_600, item));
        assert!(2 * twice < 5 * once, "{name}: {once} units, then {twice}");
        assert!(2 * said_twice < 5 * said, "{name}: {said} bytes, then {said_twice}");
        // No item costs more than a cluster at its largest, and each of its parts once more.
        assert!(largest < 10_000, "{name}: {largest}");
        // Ten thousand of them in one body are far below what one record may cost.
        assert!(twice / 1_600 * 10_000 < Context::BUDGET / 2, "{name}: {twice}");
    }
}

#[test]
fn a_placeholder_says_so_once_and_why() {
    let mut identity = Identity::default();
    let codec = codec::identity();
    let mut told = Vec::new();
    for place in 0..200 {
        let record = Record {
            topic: topics::UNIQUE,
            key: b"acme".to_vec(),
            value: wire::encode(&star(true)(place)).unwrap(),
            timestamp: place as Millis,
        };
        let mut context = Context::default();
        identity.process(&record, &mut context).unwrap();
        let facts = context.outputs.iter().filter(|record| record.topic == topics::IDENTITY);
        let facts = facts.map(|record| codec.decode(&record.value).unwrap());
        told.extend(facts.filter(|fact| fact.kind == "placeholder"));
    }
    let [fact] = &told[..] else { panic!("{told:?}") };
    let ids: Vec<(&str, &str)> = fact.identifiers.iter().map(|id| (&*id.kind, &*id.value)).collect();
    assert_eq!(ids, [("phone", "+56910000000"), ("wa_id", "56910000000")]);
    assert_eq!(
        (&*fact.rule, fact.evidence.as_deref()),
        ("shared", Some("phone+wa_id>50"))
    );
    assert!(fact.other_person_id.is_some());
}
