//! The requests of the writer, read by the types of a client that nobody here wrote.

use crate::{
    basics::{Bench, conversation},
    support::{
        Crm, client,
        records::{aliased, deleted, of, record},
        run, settings,
    },
};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
};
use hilo_crm::{
    mapping::{Group, Mappings},
    values::Object,
};
use hilo_crm_simulator::Options;
use hilo_crm_writer::{hubspot::Portal, provision};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

type Requests = Arc<Mutex<Vec<Value>>>;

/// Another address of the portal, which keeps the bodies that come there.
async fn recorded(crm: &Crm, requests: &Requests) -> Portal {
    let requests = Arc::clone(requests);
    let keep = move |request: Request, next: Next| {
        let requests = Arc::clone(&requests);
        async move {
            let (head, body) = request.into_parts();
            let bytes = to_bytes(body, usize::MAX).await.unwrap();
            if !bytes.is_empty() {
                let body: Value = serde_json::from_slice(&bytes).unwrap();
                let request = json!({"method": head.method.as_str(), "path": head.uri.path(), "body": body});
                requests.lock().unwrap().push(request);
            }
            let answer: Response = next.run(Request::from_parts(head, Body::from(bytes))).await;
            answer
        }
    };
    let router: Router = crm.simulator.router().layer(from_fn(keep));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Portal { base, ..crm.portal() }
}

/// The Python that has the client; `None` where there is none to get.
fn python() -> Option<PathBuf> {
    let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crm-simulator/tests/clients/install");
    let output = Command::new(install).arg("python").output().unwrap();
    if output.status.success() {
        return Some(String::from_utf8(output.stdout).unwrap().trim().into());
    }
    let reason = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        std::env::var_os("CI").is_none(),
        "in CI nothing is skipped, and there is no client for Python: {reason}"
    );
    eprintln!("SKIPPED: no client for Python here: {reason}");
    None
}

#[tokio::test]
async fn the_types_of_the_official_client_accept_every_request() {
    let Some(python) = python() else { return };
    let requests = Requests::default();
    let mut bench = Bench::new(Options::default()).await;
    let portal = recorded(&bench.crm, &requests).await;
    // What the built-in mapping needs, then all that becomes of people: new, changed, joined, parted, gone.
    let mut manifest = Mappings::default_hubspot().unwrap().manifest();
    // The portal has the mapping's own group.
    manifest.groups.push(Group {
        object: Object::Contact,
        name: "another".to_owned(),
        label: "Another".to_owned(),
    });
    provision::apply(&client(portal.clone()), &manifest).await.unwrap();
    let steps = [
        [conversation("ana"), conversation("bea")].concat(),
        vec![
            record(Object::Contact, "ana", 3, Some("changed")),
            of(
                record(Object::Ticket, "ana", 2, Some("hers now")),
                &[(Object::Contact, "bea")],
            ),
        ],
        vec![
            aliased(Object::Contact, "bea", 3, "ana"),
            deleted(Object::Task, "ana", 2),
        ],
    ];
    for records in steps {
        bench.log.records.extend(records);
        let sinks = Crm::sinks_of(portal.clone());
        run(bench.dir.path(), &mut bench.log, &bench.facts, sinks, settings(), true)
            .await
            .unwrap();
    }
    // On a new machine nobody knows which associations the portal has: it is asked.
    let new = tempfile::tempdir().unwrap();
    let sinks = Crm::sinks_of(portal.clone());
    run(new.path(), &mut bench.log, &bench.facts, sinks, settings(), true)
        .await
        .unwrap();
    bench.agrees();
    let sent = requests.lock().unwrap().clone();
    let file = bench.dir.path().join("requests.ndjson");
    let lines = sent.iter().fold(String::new(), |mut lines, request| {
        writeln!(lines, "{request}").unwrap();
        lines
    });
    std::fs::write(&file, lines).unwrap();
    let accept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/types/accept.py");
    let read = |file: &Path| Command::new(&python).arg(&accept).arg(file).output().unwrap();
    let output = read(&file);
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for name in [
        "BatchInputPublicAssociationMultiArchive",
        "BatchInputPublicDefaultAssociationMultiPost",
        "BatchInputPublicFetchAssociationsBatchRequest",
        "BatchInputSimplePublicObjectBatchInput",
        "BatchInputSimplePublicObjectBatchInputUpsert",
        "BatchReadInputSimplePublicObjectId",
        "PipelineInput",
        "PropertyCreate",
        "PropertyGroupCreate",
        "PublicMergeInput",
    ] {
        assert!(said.contains(name), "no request was of the type {name}: {said}");
    }
    // The check sees a key that the types do not know, and one that is missing.
    let upsert = sent
        .iter()
        .find(|request| request["path"].as_str().unwrap().ends_with("batch/upsert"));
    for break_it in [
        |input: &mut Value| input["id_property"] = json!("wa_key"),
        |input: &mut Value| drop(input.as_object_mut().unwrap().remove("properties")),
    ] {
        let mut broken = upsert.unwrap().clone();
        break_it(&mut broken["body"]["inputs"][0]);
        std::fs::write(&file, format!("{broken}\n")).unwrap();
        assert!(!read(&file).status.success(), "{broken}");
    }
}
