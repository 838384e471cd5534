//! What the portal refuses: told with code, property and what to do; tried again after the cause is mended.

use crate::{
    basics::{Bench, conversation},
    support::{
        Crm, client, lane,
        records::{field, key, of, record},
        run, settings,
    },
};
use hilo_contracts::facts::CrmRecord;
use hilo_crm::values::Object;
use hilo_crm_simulator::{Misbehaviour, Object as Remote, Options, Rule, When};
use hilo_crm_writer::{Settings, Sink as _, Token, Which, codes, hubspot::HubSpot};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn with(mut record: CrmRecord, name: &str, value: &str) -> CrmRecord {
    record.fields.retain(|field| field.name != name);
    record.fields.push(field(name, Some(value), "always"));
    record.fields.sort();
    record.content_hash = hilo_crm::content_hash(&record);
    record
}

#[tokio::test]
async fn one_bad_record_of_a_hundred_is_refused_alone() {
    for conflicts in [
        hilo_crm_simulator::Conflicts::Conflict,
        hilo_crm_simulator::Conflicts::Validation,
    ] {
        let mut bench = Bench::new(Options {
            conflicts,
            ..Options::unlimited()
        })
        .await;
        let mut records: Vec<CrmRecord> = (0..100)
            .map(|at| record(Object::Contact, &format!("person {at}"), 1, Some("x")))
            .collect();
        records[42] = with(records[42].clone(), "hs_language", "klingon");
        records[43] = with(records[43].clone(), "wa_unknown", "x");
        bench.write(records).await;
        assert_eq!(bench.crm.simulator.state().of(Remote::Contacts).len(), 98);
        let facts = bench.facts.latest();
        let told = |natural: &str| {
            let fact = &facts[&key(Object::Contact, natural)];
            (
                fact.kind.as_str(),
                fact.code.as_deref().unwrap_or(""),
                fact.field.as_deref().unwrap_or(""),
            )
        };
        assert_eq!(told("person 42"), ("rejected", "invalid_option", "hs_language"));
        assert_eq!(told("person 43"), ("rejected", "missing_property", "wa_unknown"));
        assert_eq!(
            facts[&key(Object::Contact, "person 43")].action.as_deref(),
            codes::action("missing_property")
        );
    }
}

#[tokio::test]
async fn children_of_a_refused_record_follow_when_it_is_mended() {
    let mut bench = Bench::new(Options::unlimited()).await;
    let mut records = conversation("ana");
    // The newest revision of the contact has a property that the portal lacks.
    let last = records.pop().unwrap();
    records.push(with(last, "wa_late", "x"));
    bench.write(records).await;
    let state = bench.crm.simulator.state();
    assert!(
        Remote::ALL.iter().all(|object| state.of(*object).is_empty()),
        "nobody belongs to a contact that is not there"
    );
    let links = bench.links();
    let codes: Vec<String> = links
        .rejected(&lane(), Which::All, 10)
        .unwrap()
        .into_iter()
        .map(|one| one.code)
        .collect();
    assert_eq!(codes.len(), 5);
    assert_eq!(codes.iter().filter(|code| *code == "parent_rejected").count(), 4);
    let shown = format!("{:?}", links.rejected(&lane(), Which::All, 10).unwrap());
    assert!(
        !shown.contains("Ana") && !shown.contains("newer"),
        "the list has no personal data"
    );

    let mut manifest = crate::support::manifest();
    let mut late = manifest.properties.last().unwrap().clone();
    (late.name, late.unique) = ("wa_late".into(), false);
    manifest.properties.push(late);
    let portal = client(bench.crm.portal());
    hilo_crm_writer::provision::apply(&portal, &manifest).await.unwrap();
    assert_eq!(links.retry(&lane(), Which::Code("missing_property"), 1).unwrap(), 1);
    bench.write(Vec::new()).await;
    bench.agrees();
    assert_eq!(bench.kinds().get("written"), Some(&5));
    assert!(links.rejected(&lane(), Which::All, 10).unwrap().is_empty());
}

#[tokio::test]
async fn a_record_that_holds_our_value_is_adopted_unless_it_is_another_of_ours() {
    let mut bench = Bench::new(Options::unlimited()).await;
    // Somebody made the contact by hand.
    let client = reqwest::Client::new();
    let by_hand = |body: serde_json::Value| {
        client
            .post(format!("{}/crm/objects/2026-09/contacts", bench.crm.base))
            .bearer_auth(crate::support::TOKEN)
            .json(&body)
            .send()
    };
    let answer = by_hand(serde_json::json!({"properties": {"wa_id": "56961234567", "firstname": "Anita"}}))
        .await
        .unwrap();
    assert_eq!(answer.status(), 201);
    let ana = with(record(Object::Contact, "ana", 1, Some("x")), "wa_id", "56961234567");
    bench.write(vec![ana]).await;
    let state = bench.crm.simulator.state();
    let contacts = state.of(Remote::Contacts);
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].properties["wa_key"], key(Object::Contact, "ana"));
    assert_eq!(contacts[0].properties["firstname"], "Anita", "what people wrote stays");

    let bea = with(record(Object::Contact, "bea", 1, Some("x")), "wa_id", "56961234567");
    bench.write(vec![bea]).await;
    let fact = bench.facts.latest()[&key(Object::Contact, "bea")].clone();
    assert_eq!(
        (fact.kind.as_str(), fact.code.as_deref()),
        ("rejected", Some("unique_conflict"))
    );
    assert_eq!(bench.crm.simulator.state().of(Remote::Contacts).len(), 1);
}

#[tokio::test]
async fn a_deal_that_an_event_of_the_crm_named_is_taken_over() {
    let mut bench = Bench::new(Options::unlimited()).await;
    let made = reqwest::Client::new()
        .post(format!("{}/crm/objects/2026-09/0-3", bench.crm.base))
        .bearer_auth(crate::support::TOKEN)
        .json(&serde_json::json!({"properties": {"dealname": "Por mano", "pipeline": "default", "dealstage": "contractsent"}}))
        .send()
        .await
        .unwrap();
    let made: serde_json::Value = serde_json::from_str(&made.text().await.unwrap()).unwrap();
    let id = made["id"].as_str().unwrap().to_owned();
    let mut records = conversation("ana");
    let deal = records.iter_mut().find(|record| record.object == "deal").unwrap();
    deal.adopt_id = Some(id.clone());
    deal.content_hash = hilo_crm::content_hash(deal);
    bench.write(records).await;
    let state = bench.crm.simulator.state();
    let deals = state.of(Remote::Deals);
    assert_eq!((deals.len(), &deals[0].id), (1, &id));
    assert_eq!(
        deals[0].properties["dealname"], "Por mano",
        "on_create: the deal was there"
    );
    assert_eq!(deals[0].properties["dealstage"], "qualifiedtobuy");
}

#[tokio::test]
async fn an_unknown_label_names_its_property() {
    let mut bench = Bench::new(Options::unlimited()).await;
    let stage = with(
        record(Object::Ticket, "ana", 1, None),
        "hs_pipeline_stage",
        "@stage:Support Pipeline/Nowhere",
    );
    bench
        .write(vec![
            record(Object::Contact, "ana", 1, None),
            of(stage, &[(Object::Contact, "ana")]),
        ])
        .await;
    let fact = bench.facts.latest()[&key(Object::Ticket, "ana")].clone();
    let told = (fact.kind.as_str(), fact.code.as_deref(), fact.field.as_deref());
    assert_eq!(told, ("rejected", Some("unknown_label"), Some("hs_pipeline_stage")));
}

#[tokio::test]
async fn a_rule_of_an_administrator_is_named_and_binds_the_newer_version_only() {
    let rule = Rule {
        object: Remote::Tickets,
        when: None,
        required: "hs_ticket_priority".into(),
    };
    let mut bench = Bench::new(Options {
        rules: vec![rule],
        ..Options::unlimited()
    })
    .await;
    bench.write(conversation("ana")).await;
    let fact = bench.facts.latest()[&key(Object::Ticket, "ana")].clone();
    let told = (fact.code.as_deref(), fact.field.as_deref());
    assert_eq!(told, (Some("required_property"), Some("hs_ticket_priority")));
    bench
        .links()
        .retry(&lane(), Which::Code("required_property"), 1)
        .unwrap();
    let mut older = bench.crm.portal();
    older.version = hilo_crm_writer::hubspot::ApiVersion::V2026_03;
    let sinks = Crm::sinks_of(older);
    run(bench.dir.path(), &mut bench.log, &bench.facts, sinks, settings(), true)
        .await
        .unwrap();
    bench.agrees();
}

#[tokio::test]
async fn a_scope_that_is_missing_stops_the_portal_and_is_named() {
    let all = [
        "crm.objects.contacts.read",
        "crm.objects.contacts.write",
        "crm.objects.deals.read",
        "tickets",
    ];
    let schemas =
        ["contacts.read", "contacts.write", "deals.read", "deals.write"].map(|one| format!("crm.schemas.{one}"));
    let scopes = all
        .iter()
        .map(|scope| (*scope).to_owned())
        .chain(schemas)
        .chain(["crm.objects.owners.read".to_owned()]);
    let mut bench = Bench::new(Options {
        scopes: Some(scopes.collect()),
        ..Options::unlimited()
    })
    .await;
    bench.log.records = conversation("ana");
    let patient = Settings {
        probe: Duration::from_hours(1),
        ..settings()
    };
    let sinks = bench.crm.sinks();
    run(bench.dir.path(), &mut bench.log, &bench.facts, sinks, patient, true)
        .await
        .unwrap();
    let last = bench.facts.of_sink().pop().unwrap();
    let told = (last.state.as_deref(), last.code.as_deref(), last.field.as_deref());
    assert_eq!(
        told,
        (Some("stopped"), Some("missing_scope"), Some("crm.objects.deals.write"))
    );
    assert!(last.action.is_some());
    let census = bench.links().census(&lane()).unwrap();
    assert_eq!((census.kinds["written"], census.waiting), (2, 3), "nothing is lost");
}

#[tokio::test]
async fn a_token_that_is_taken_again_opens_what_was_stopped() {
    let mut bench = Bench::new(Options::unlimited()).await;
    bench
        .crm
        .simulator
        .misbehave(Misbehaviour::Unauthorized, When::times(1).on("contacts/batch/upsert"));
    bench.log.records = conversation("ana");
    let sinks = bench.crm.sinks();
    run(bench.dir.path(), &mut bench.log, &bench.facts, sinks, settings(), true)
        .await
        .unwrap();
    bench.write(Vec::new()).await;
    bench.agrees();
    let states: Vec<String> = bench
        .facts
        .of_sink()
        .into_iter()
        .filter_map(|fact| fact.state)
        .collect();
    assert!(
        states.contains(&"stopped".to_owned()) && states.last().unwrap() == "open",
        "{states:?}"
    );
}

#[tokio::test]
async fn yes_without_results_is_no_success_and_ends_in_a_rejection() {
    let mut bench = Bench::new(Options::unlimited()).await;
    bench.crm.simulator.misbehave(
        Misbehaviour::EmptyResults,
        When::chance(1.0).on("contacts/batch/upsert"),
    );
    bench.write(vec![record(Object::Contact, "ana", 1, None)]).await;
    let fact = bench.facts.latest()[&key(Object::Contact, "ana")].clone();
    assert_eq!(
        (fact.kind.as_str(), fact.code.as_deref()),
        ("rejected", Some("no_result"))
    );
    assert_eq!(u32::try_from(fact.attempts), Ok(settings().attempts));
}

#[tokio::test]
async fn neither_the_token_nor_what_people_wrote_is_in_logs_errors_and_facts() {
    let said_so_far = Log::default();
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(Mutex::new(said_so_far.clone()))
        .finish();
    // With a single subscriber, a line that another test's thread reaches first is off for good: that thread has none.
    let second = tracing::Dispatch::new(tracing_subscriber::registry());
    let logging = tracing::subscriber::set_default(log);
    let mut bench = Bench::new(Options::unlimited()).await;
    let secret = "pat-na1-very-secret";
    let mut portal = bench.crm.portal();
    portal.token = Token::new(secret).unwrap();
    let shown = format!("{portal:?} {:?}", portal.token);
    assert!(!shown.contains(secret), "{shown}");
    let stranger = client(portal.clone());
    let sink = HubSpot::new(stranger.clone(), Duration::from_millis(1));
    let refused = sink.probe().await.unwrap_err();
    let provisioning = hilo_crm_writer::provision::verify(&stranger, &crate::support::manifest())
        .await
        .unwrap_err();
    let shown = format!("{refused:?} {provisioning} {provisioning:?}");
    assert!(!shown.contains(secret) && shown.contains("unauthorized"), "{shown}");

    // Values that the portal repeats in its texts.
    let said = "Mi RUT es 12.345.678-5";
    let bad = with(record(Object::Contact, "ana", 1, None), "hs_language", said);
    bench.write(vec![bad]).await;
    let facts = format!("{:?}", bench.facts.all.lock().unwrap());
    let list = format!("{:?}", bench.links().rejected(&lane(), Which::All, 10).unwrap());
    // A CRM that stops is logged.
    bench
        .crm
        .simulator
        .misbehave(Misbehaviour::Unauthorized, When::times(1).on("contacts/batch/upsert"));
    bench.write(vec![record(Object::Contact, "bea", 1, Some(said))]).await;
    drop((logging, second));
    let logged = String::from_utf8(said_so_far.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("the CRM takes nothing for now"), "{logged}");
    for shown in [&logged, &facts, &list] {
        assert!(
            !shown.contains(secret) && !shown.contains(crate::support::TOKEN),
            "{shown}"
        );
        assert!(!shown.contains(said) && !shown.contains("12.345.678"), "{shown}");
    }
    for shown in [facts, list] {
        assert!(shown.contains("invalid_option"), "{shown}");
        assert!(!shown.contains(said) && !shown.contains("Ana"), "{shown}");
    }
    let body = bench
        .links()
        .rejected_body(&lane(), &key(Object::Contact, "ana"))
        .unwrap()
        .unwrap();
    assert!(format!("{:?}", body.record).contains(said), "only --reveal shows it");
}

#[tokio::test]
async fn a_deal_that_somebody_removed_is_written_anew_with_all_it_needs() {
    let mut bench = Bench::new(Options::unlimited()).await;
    bench.write(conversation("ana")).await;
    let id = bench.crm.simulator.state().of(Remote::Deals)[0].id.clone();
    let removed = reqwest::Client::new()
        .delete(format!("{}/crm/objects/2026-09/0-3/{id}", bench.crm.base))
        .bearer_auth(crate::support::TOKEN)
        .send()
        .await
        .unwrap();
    assert_eq!(removed.status(), 204);
    let newer = record(Object::Deal, "ana", 2, Some("won after all"));
    bench
        .write(vec![of(newer, &[(Object::Contact, "ana"), (Object::Ticket, "ana")])])
        .await;
    bench.agrees();
}
