//! What a record belongs to in the portal, where no link knows it: after a kill, after a lost file.

use crate::{
    basics::{Bench, conversation},
    support::{
        Crm, Death, TOKEN,
        records::{key, of, record},
        run, settings,
    },
};
use hilo_contracts::facts::CrmRecord;
use hilo_crm::values::Object;
use hilo_crm_simulator::{Object as Remote, Options};
use serde_json::json;

/// A message of Ana, in somebody's ticket.
fn message(revision: i64, ticket: &str) -> CrmRecord {
    of(
        record(Object::Communication, "ana", revision, Some("said")),
        &[(Object::Contact, "ana"), (Object::Ticket, ticket)],
    )
}

async fn three_conversations() -> Bench {
    let mut bench = Bench::new(Options::unlimited()).await;
    bench.write(["ana", "bea", "cam"].map(conversation).concat()).await;
    bench.agrees();
    bench
}

/// Writes until the trap kills the writer; its file may be lost with it.
async fn killed(bench: &mut Bench, lost_file: bool) {
    let sinks = bench.crm.sinks();
    tokio::select! {
        ended = run(bench.dir.path(), &mut bench.log, &bench.facts, sinks, settings(), true) => {
            panic!("the writer was not killed: {ended:?}");
        }
        () = bench.trap.sprung() => {}
    }
    if lost_file {
        bench.dir = tempfile::tempdir().unwrap();
    }
}

/// The message moves to Bea's ticket, and the writer is killed; then it moves to Cam's.
#[tokio::test]
async fn what_a_killed_writer_associated_is_undone() {
    // The records are sent before the associations: a later call is one of the associations.
    for (death, after) in [
        (Death::AfterCall, 0),
        (Death::AfterCall, 1),
        (Death::AfterCall, 2),
        (Death::BeforePublish, 0),
        (Death::AfterPublish, 0),
    ] {
        for lost_file in [false, true] {
            let mut bench = three_conversations().await;
            bench.log.records.push(message(2, "bea"));
            bench.trap.arm(death, after);
            killed(&mut bench, lost_file).await;
            bench.write(vec![message(3, "cam")]).await;
            bench.agrees();
        }
    }
}

/// The same for a record that was new: its first ticket has to go.
#[tokio::test]
async fn what_a_killed_writer_associated_with_a_new_record_is_undone() {
    for lost_file in [false, true] {
        let mut bench = three_conversations().await;
        let note = |revision, ticket: &str| {
            of(
                record(Object::Communication, "note", revision, Some("new")),
                &[(Object::Contact, "ana"), (Object::Ticket, ticket)],
            )
        };
        bench.log.records.push(note(1, "bea"));
        bench.trap.arm(Death::BeforePublish, 0);
        killed(&mut bench, lost_file).await;
        bench.write(vec![note(2, "cam")]).await;
        bench.agrees();
    }
}

/// Somebody put the message into a ticket of theirs. It stays there, also where the portal has to be asked.
#[tokio::test]
async fn what_people_associated_with_records_of_their_own_stays() {
    let mut bench = three_conversations().await;
    let state = bench.crm.simulator.state();
    let ours = key(Object::Communication, "ana");
    let message_id = state
        .of(Remote::Communications)
        .into_iter()
        .find(|seen| seen.properties["wa_key"] == ours)
        .map(|seen| seen.id.clone())
        .unwrap();
    let base = &bench.crm.base;
    let client = reqwest::Client::new();
    let made = client
        .post(format!("{base}/crm/objects/2026-09/tickets"))
        .bearer_auth(TOKEN)
        .json(&json!({"properties": {"subject": "Por mano", "hs_pipeline": "0", "hs_pipeline_stage": "1"}}))
        .send()
        .await
        .unwrap();
    let made: serde_json::Value = serde_json::from_str(&made.text().await.unwrap()).unwrap();
    let ticket = made["id"].as_str().unwrap().to_owned();
    let put = client
        .put(format!(
            "{base}/crm/objects/2026-09/communications/{message_id}/associations/default/tickets/{ticket}"
        ))
        .bearer_auth(TOKEN)
        .send()
        .await
        .unwrap();
    assert_eq!(put.status(), 200);

    let new = tempfile::tempdir().unwrap();
    bench.log.records.push(message(2, "cam"));
    let sinks = Crm::sinks_of(bench.crm.portal());
    run(new.path(), &mut bench.log, &bench.facts, sinks, settings(), true)
        .await
        .unwrap();
    let state = bench.crm.simulator.state();
    let cams = state
        .of(Remote::Tickets)
        .into_iter()
        .find(|seen| seen.properties.get("wa_key") == Some(&key(Object::Ticket, "cam")))
        .map(|seen| seen.id.clone())
        .unwrap();
    let seen = state
        .of(Remote::Communications)
        .into_iter()
        .find(|seen| seen.id == message_id)
        .unwrap();
    let mut tickets: Vec<String> = seen.associations["tickets"].clone();
    tickets.sort();
    let mut expected = vec![cams, ticket];
    expected.sort();
    assert_eq!(tickets, expected);
}
