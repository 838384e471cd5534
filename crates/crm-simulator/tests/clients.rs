//! Clients that nobody here wrote: HubSpot's own, for Python and for Node, with one scripted scenario each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo_crm_simulator::{HubSpot, Object, Options, State};
use std::{
    path::{Path, PathBuf},
    process::Command as Plain,
};
use tokio::{net::TcpListener, process::Command, sync::oneshot};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// Where a client is; `None` where there is none to get.
fn installed(language: &str) -> Option<PathBuf> {
    let output = Plain::new(folder().join("install")).arg(language).output().unwrap();
    if output.status.success() {
        return Some(String::from_utf8(output.stdout).unwrap().trim().into());
    }
    let reason = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        std::env::var_os("CI").is_none(),
        "in CI nothing is skipped, and there is no client for {language}: {reason}"
    );
    eprintln!("SKIPPED: no client for {language} here: {reason}");
    None
}

/// Runs a scenario against a new portal; gives what the portal holds afterwards.
async fn run(command: &mut Command) -> State {
    let hubspot = HubSpot::new(Options {
        searches: u32::MAX,
        ..Options::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (end, ended) = oneshot::channel::<()>();
    let server = hubspot.clone();
    let served = tokio::spawn(async move { server.serve(listener, async { drop(ended.await) }).await });
    let Options { token, app, .. } = Options::default();
    let output = command
        .env("BASE", base)
        .env("TOKEN", token)
        .env("CLIENT_ID", app.id)
        .env("CLIENT_SECRET", app.secret)
        .env("REFRESH_TOKEN", app.refresh_token)
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let (told, failed) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{told}\n{failed}");
    assert!(
        told.contains("checks held"),
        "the scenario did not come to its end: {told}\n{failed}"
    );
    end.send(()).unwrap();
    served.await.unwrap();
    hubspot.state()
}

/// What both scenarios leave behind, seen from inside.
fn is_as_the_client_said(state: &State, mark: &str) {
    let contacts = state.of(Object::Contacts);
    let one = |key: &str| {
        let key = format!("{mark}-{key}");
        contacts
            .iter()
            .find(|contact| contact.properties.get("wa_key") == Some(&key))
    };
    let merged = one("1").expect("the merged contact holds the first one's key");
    assert_eq!(merged.merged.len(), 2);
    assert_eq!(merged.properties["firstname"], "Ana María");
    assert_eq!(
        (
            merged.associations["tickets"].len(),
            merged.associations["communications"].len()
        ),
        (1, 1)
    );
    assert!(one("2").is_some());
    for gone in ["3", "4", "5", "6"] {
        assert!(one(gone).is_none(), "{mark}-{gone}");
    }
    assert_eq!(
        (state.of(Object::Tickets).len(), state.of(Object::Communications).len()),
        (1, 1)
    );
    assert!(state.counts.ignored.is_empty(), "{:?}", state.counts.ignored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_for_python_gets_what_it_expects() {
    let Some(python) = installed("python") else { return };
    let state = run(Command::new(python).arg(folder().join("scenario.py"))).await;
    is_as_the_client_said(&state, "py");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_client_for_node_gets_what_it_expects() {
    let Some(home) = installed("node") else { return };
    let mut command = Command::new("node");
    let state = run(command.arg(folder().join("scenario.cjs")).env("CLIENT_HOME", home)).await;
    is_as_the_client_said(&state, "js");
    assert_eq!(state.counts.misbehaved["server_error"], 2);
}
