//! The registry: its absence stops a start and nothing that runs; a contract that would break readers is refused there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cluster;

use cluster::{Cluster, ROLES, Role};
use hilo_contracts::schemas::{self, Version};
use hilo_kafka::registry::Found;
use hilo_simulator::sender::signature;
use hilo_testbed::{SchemaRegistry, free_port};
use std::{
    thread,
    time::{Duration, Instant},
};

/// A slow machine is no failure; a hang is.
const PATIENCE: Duration = Duration::from_mins(5);

/// A start that must fail: what it says.
fn refused(cluster: &Cluster, role: &str) -> String {
    Cluster::refused(&["run", role, "--config"], &cluster.config("refused", free_port()))
}

/// Waits for what a process says of its readiness.
fn until(cluster: &Cluster, role: Role, status: u16, text: &str) {
    let begun = Instant::now();
    loop {
        let said = cluster.get(role, "/readyz");
        if said
            .as_ref()
            .is_some_and(|said| said.0 == status && said.1.contains(text))
        {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{said:?} instead of {status} {text}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_running_role_does_without_it_and_so_does_a_start_that_was_there_before() {
    let Some(mut cluster) = Cluster::start(2, 1) else {
        return;
    };
    let client = cluster.client();
    let newest = schemas::latest("hilo.status").unwrap();
    assert!(matches!(client.find(newest).unwrap(), Found::Registered(_)));
    // A field that becomes a number breaks who reads texts.
    let text = newest.text.replacen("\"string\"", "\"long\"", 1);
    let broken = Version {
        subject: newest.subject,
        number: newest.number + 1,
        text: Box::leak(text.into_boxed_str()),
        schema: newest.schema.clone(),
    };
    let error = client.register(&broken).unwrap_err().to_string();
    assert!(
        error.contains("incompatible") && error.contains("hilo.status-value"),
        "{error}"
    );
    assert_eq!(client.find(&broken).unwrap(), Found::Missing);

    // Each a process of its own, so that one can be killed.
    for role in ROLES {
        cluster.run(&[role]);
    }
    let line = |id: &str| {
        format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"id":"1","changes":[{{"field":"messages","value":{{"metadata":{{"display_phone_number":"15550783881","phone_number_id":"106"}},"messages":[{{"from":"56961234567","id":"{id}","timestamp":"1784500000","type":"text","text":{{"body":"hola"}}}}]}}}}]}}]}}"#
        )
    };
    cluster.ingest(&line("wamid.one"));
    cluster.drained();
    let port = cluster.registry.port();
    let producer = cluster.producer();
    cluster.registry.end();
    Cluster::produce(&producer, &line("wamid.two"));
    cluster.drained();

    // Who started before starts again without it: from its folder.
    let status = cluster.running("status")[0];
    let folder = cluster.kill(status);
    let status = cluster.run_in(&["status"], folder);
    until(&cluster, status, 200, "ready");
    // A gateway keeps nothing, and takes deliveries all the same.
    cluster.webhooks = format!("127.0.0.1:{}", free_port());
    let gateway = cluster.run(&["gateway"]);
    until(&cluster, gateway, 200, "ready");
    let body = line("wamid.three");
    let taken = reqwest::blocking::Client::new()
        .post(format!("http://{}/webhooks/whatsapp/acme", cluster.webhooks))
        .header("x-hub-signature-256", signature("s", body.as_bytes()))
        .body(body)
        .send()
        .unwrap();
    assert_eq!(taken.status(), 200);
    // It tells the time, and with that nothing is ever quiet.
    cluster.terminate(gateway);
    // A new disk has nothing to go by: it listens, says why it waits, and goes on by itself.
    let fresh = cluster.run(&["account"]);
    until(&cluster, fresh, 503, "schema registry");
    assert_eq!(
        cluster.get(fresh, "/healthz").unwrap().0,
        200,
        "a new start would not help"
    );
    cluster.terminate(fresh);
    let fresh = cluster.run(&["account"]);
    until(&cluster, fresh, 503, "does not answer");
    // It looks again only when the registry has all contracts.
    cluster.stop(fresh);

    // One without our contracts is as good as none, and waiting does not help.
    cluster.registry = SchemaRegistry::at(port).unwrap();
    let message = refused(&cluster, "identity");
    assert!(message.contains("hilo schemas register"), "{message}");
    cluster.register();
    cluster.resume(fresh);
    until(&cluster, fresh, 200, "ready");
    cluster.drained();
    let messages = cluster
        .export("hilo.conversation")
        .into_iter()
        .filter(|(_, fact)| fact["kind"] == "message_received");
    assert_eq!(messages.count(), 3);
}
