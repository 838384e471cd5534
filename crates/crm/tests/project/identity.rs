//! Who is who in a CRM: each scenario with its outcome.

use super::common::*;
use hilo_contracts::facts::Identity;
use hilo_crm::values::Object;

const NOW: &str = "06-01T00:00:00";

fn contact<'a>(records: &'a Records, person: &str) -> Option<&'a Held> {
    of(records, Object::Contact, &[person])
}

/// A changed number updates the contact that is there: one person, one record.
#[test]
fn number_change_updates_the_same_contact() {
    let moved = identity(
        "ana",
        2,
        &[
            ("phone", "+56961234567", "05-01T00:00:00", Some("05-10T00:00:00")),
            ("phone", "+573211234567", "05-10T00:00:00", None),
            ("bsuid", "CO.1", "05-10T00:00:00", None),
        ],
    );
    let moved = is(Identity {
        kind: "number_changed".to_owned(),
        country: Some("CO".to_owned()),
        ..moved
    });
    let records = made(&config(""), &[ana(), moved], at(NOW));
    assert_eq!(records.len(), 1);
    let contact = contact(&records, "ana").unwrap();
    assert_eq!(contact.kind, "desired");
    assert_eq!(contact.get("s_phone"), Some("+573211234567"));
    assert_eq!(contact.get("s_former_phones"), Some("+56961234567"));
    assert_eq!(contact.get("s_country"), Some("CO"));
    assert_eq!(contact.get("s_user_id"), Some("CO.1"));
    assert_eq!(
        contact.get("s_name"),
        None,
        "the latest fact is complete: it names nobody"
    );
}

/// Two people are one: the winner names the loser's key, the loser points to the winner, what was the loser's is the
/// winner's; and a merge of the winner takes both along.
#[test]
fn merge_aliases_the_loser_and_unmerge_brings_it_back() {
    let bea = is(identity("bea", 1, &[("bsuid", "CL.2", "05-02T00:00:00", None)]));
    let message = received("m1", "bea", "s-bea", at("05-03T10:00:00"), "hola");
    let opened = session("s-bea", "bea", 1, waiting(at("05-03T10:00:00")));
    let mut facts = vec![ana(), bea, told_of(message.clone()), told_of(opened.clone())];
    let before = made(&config(""), &facts, at(NOW));
    assert_eq!(contact(&before, "bea").unwrap().kind, "desired");
    assert_eq!(contact(&before, "bea").unwrap().get("s_messages"), Some("1"));

    facts.push(closed("bea", 2, Some("ana")));
    let mut moved = again(&message, 2);
    moved.person_id = Some("ana".to_owned());
    moved.session_id = Some("s-ana".to_owned());
    facts.push(told_of(retracted("s-bea", "bea", 2, waiting(at("05-03T10:00:00")))));
    facts.push(told_of(session("s-ana", "ana", 1, waiting(at("05-03T10:00:00")))));
    facts.push(told_of(moved.clone()));
    let merged = made(&config(""), &facts, at(NOW));
    let loser = contact(&merged, "bea").unwrap();
    let (ana_key, bea_key) = (key(Object::Contact, &["ana"]), key(Object::Contact, &["bea"]));
    assert_eq!(
        (loser.kind.as_str(), loser.alias_of.as_deref()),
        ("aliased", Some(ana_key.as_str()))
    );
    assert!(loser.fields.is_empty());
    let winner = contact(&merged, "ana").unwrap();
    assert_eq!(winner.get("s_aliases"), Some(bea_key.as_str()));
    assert_eq!(winner.get("s_messages"), Some("1"));
    assert_eq!(of(&merged, Object::Ticket, &["s-bea"]), None);
    let entry = of(&merged, Object::Communication, &["m1"]).unwrap();
    let ticket = key(Object::Ticket, &["s-ana"]);
    let expected = [("contact".to_owned(), ana_key.clone()), ("ticket".to_owned(), ticket)];
    assert_eq!(entry.belongs_to, expected);
    assert_eq!(
        entry.get("s_body"),
        Some("hola"),
        "a move tells no content, and nothing is lost"
    );

    // Ana turns out to be Carla: both are part of Carla now.
    let carla = is(identity("carla", 1, &[]));
    let carla_key = key(Object::Contact, &["carla"]);
    let mut further = facts.clone();
    further.extend([carla, closed("ana", 2, Some("carla"))]);
    let both = made(&config(""), &further, at(NOW));
    for part in ["ana", "bea"] {
        assert_eq!(
            contact(&both, part).unwrap().alias_of.as_deref(),
            Some(carla_key.as_str())
        );
    }
    let mut aliases = [ana_key.clone(), bea_key];
    aliases.sort();
    let mut named: Vec<&str> = contact(&both, "carla")
        .unwrap()
        .get("s_aliases")
        .unwrap()
        .split(',')
        .collect();
    named.sort_unstable();
    assert_eq!(named, aliases);

    // They come apart again: the old record is desired again, and nobody's alias.
    facts.push(is(Identity {
        kind: "unmerged".to_owned(),
        other_person_id: Some("ana".to_owned()),
        ..identity("bea", 3, &[("bsuid", "CL.2", "05-02T00:00:00", None)])
    }));
    facts.push(told_of(again(&message, 3)));
    facts.push(told_of(session("s-bea", "bea", 3, waiting(at("05-03T10:00:00")))));
    facts.push(told_of(retracted("s-ana", "ana", 2, waiting(at("05-03T10:00:00")))));
    let apart = made(&config(""), &facts, at(NOW));
    assert_eq!(contact(&apart, "bea"), contact(&before, "bea"));
    assert_eq!(contact(&apart, "ana"), contact(&before, "ana"));
    assert_eq!(
        of(&apart, Object::Communication, &["m1"]),
        of(&before, Object::Communication, &["m1"])
    );
}

/// A person who is gone without a survivor leaves no record.
#[test]
fn closed_without_survivor_is_deleted() {
    let mut driver = driver(&config(""));
    driver.pipe(ana().record()).unwrap();
    driver.tick(at(NOW)).unwrap();
    driver.pipe(closed("ana", 2, None).record()).unwrap();
    driver.tick(at(NOW)).unwrap();
    let told = told(&driver);
    let kinds: Vec<(&str, i64)> = told
        .iter()
        .map(|record| (record.kind.as_str(), record.revision))
        .collect();
    assert_eq!(kinds, [("desired", 1), ("deleted", 2)]);
    assert!(told[1].fields.is_empty() && told[1].associations.is_empty());
    // Of somebody who was never told there is nothing to delete.
    assert!(made(&config(""), &[closed("zoe", 1, None)], at(NOW)).is_empty());
}

/// A recycled number: the old owner keeps their record and history without it, the new one starts without consent.
#[test]
fn recycled_number_is_another_contact_without_consent() {
    let old = identity(
        "ana",
        2,
        &[("phone", "+56961234567", "05-01T00:00:00", Some("05-20T00:00:00"))],
    );
    let new = identity("new", 1, &[("phone", "+56961234567", "05-20T00:00:00", None)]);
    let facts = [
        ana(),
        said(consent(
            "e1",
            "ana",
            at("05-02T00:00:00"),
            ("granted", "granted"),
            "form",
        )),
        is(old),
        is(new),
    ];
    let records = made(&config(""), &facts, at(NOW));
    let (ana, new) = (contact(&records, "ana").unwrap(), contact(&records, "new").unwrap());
    assert_eq!(
        (ana.get("s_phone"), ana.get("s_former_phones")),
        (None, Some("+56961234567"))
    );
    assert_eq!(ana.get("s_whatsapp_marketing"), Some("granted"));
    assert_eq!(
        (new.get("s_phone"), new.get("s_former_phones")),
        (Some("+56961234567"), None)
    );
    assert_eq!(new.get("s_whatsapp_marketing"), None);
}

/// Who is known by a username only has a contact without a phone, and is called by it.
#[test]
fn username_only_person_has_a_contact_without_phone() {
    let person = identity(
        "u",
        1,
        &[
            ("bsuid", "CL.9", "05-01T00:00:00", None),
            ("username", "lupe.f", "05-01T00:00:00", None),
        ],
    );
    let opened = session("s1", "u", 1, waiting(at("05-03T10:00:00")));
    let records = made(&config(""), &[is(person), told_of(opened)], at(NOW));
    let contact = contact(&records, "u").unwrap();
    assert_eq!(contact.get("s_username"), Some("lupe.f"));
    assert_eq!((contact.get("s_phone"), contact.get("s_name")), (None, None));
    let ticket = of(&records, Object::Ticket, &["s1"]).unwrap();
    assert_eq!(ticket.get("s_subject"), Some("@lupe.f · 2026-05-03"));
}

/// A record that the CRM has already is adopted, by the id that an event of the same CRM named.
#[test]
fn a_record_of_the_crm_is_adopted() {
    let known = |kind| identity("ana", 1, &[(kind, "901", "05-01T00:00:00", None)]);
    let of_hubspot = made(&config(""), &[is(known("hubspot_id"))], at(NOW));
    assert_eq!(contact(&of_hubspot, "ana").unwrap().adopt_id.as_deref(), Some("901"));
    let of_another = made(&config(""), &[is(known("salesforce_id"))], at(NOW));
    assert_eq!(contact(&of_another, "ana").unwrap().adopt_id, None);
}

/// A new name stands in everything that shows it.
#[test]
fn a_new_name_reaches_tickets_and_entries() {
    let opened = session("s1", "ana", 1, waiting(at("05-03T10:00:00")));
    let message = received("m1", "ana", "s1", at("05-03T10:00:00"), "hola");
    let renamed = is(Identity {
        name: Some("Ana Soto".to_owned()),
        ..identity("ana", 2, &[("phone", "+56961234567", "05-01T00:00:00", None)])
    });
    let mut driver = driver(&config(""));
    driver
        .pipe_all([ana(), told_of(opened), told_of(message)].iter().map(Fact::record))
        .unwrap();
    driver.tick(at(NOW)).unwrap();
    let before = standing(&driver);
    let ticket = |records: &Records| {
        of(records, Object::Ticket, &["s1"])
            .unwrap()
            .get("s_subject")
            .map(str::to_owned)
    };
    assert_eq!(ticket(&before).as_deref(), Some("Ana Pérez Soto · 2026-05-03"));
    assert_eq!(contact(&before, "ana").unwrap().get("s_last_name"), Some("Pérez Soto"));
    driver.pipe(renamed.record()).unwrap();
    driver.tick(at(NOW)).unwrap();
    let after = standing(&driver);
    assert_eq!(ticket(&after).as_deref(), Some("Ana Soto · 2026-05-03"));
    assert_eq!(
        of(&after, Object::Communication, &["m1"]).unwrap().get("who_name"),
        Some("Ana Soto")
    );
}

/// A tenant without a CRM makes nothing; one that the default names has it.
#[test]
fn tenants_without_a_crm_make_nothing() {
    let mut facts = vec![
        ana(),
        told_of(received("m1", "ana", "s1", at("05-03T10:00:00"), "hola")),
    ];
    for fact in &mut facts {
        match fact {
            Fact::Identity(fact) => fact.tenant = "other".to_owned(),
            Fact::Conversation(fact) => fact.tenant = "other".to_owned(),
            _ => {}
        }
    }
    assert!(made(&config(""), &facts, at(NOW)).is_empty());
    let with_default = hilo_crm::Config {
        others: Some(target("")),
        ..config("")
    };
    assert_eq!(made(&with_default, &facts, at(NOW)).len(), 2);
}
