//! The registry: its absence stops a start and nothing that runs; a contract that would break readers is refused there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cluster;

use cluster::{Cluster, ROLES};
use hilo_contracts::schemas::{self, Version};
use hilo_kafka::registry::Found;
use hilo_testbed::{SchemaRegistry, free_port};

/// A start that must fail: what it says.
fn refused(cluster: &Cluster, role: &str) -> String {
    Cluster::refused(&["run", role, "--config"], &cluster.config("refused", free_port()))
}

#[test]
fn a_running_role_does_without_it_and_a_start_does_not() {
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

    cluster.run(&ROLES);
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
    let message = refused(&cluster, "identity");
    assert!(
        message.contains("schema registry") && message.contains("does not answer"),
        "{message}"
    );

    // One without our contracts is as good as none.
    cluster.registry = SchemaRegistry::at(port).unwrap();
    let message = refused(&cluster, "identity");
    assert!(message.contains("hilo schemas register"), "{message}");
    cluster.register();
    let messages = cluster
        .export("hilo.conversation")
        .into_iter()
        .filter(|(_, fact)| fact["kind"] == "message_received");
    assert_eq!(messages.count(), 2);
}
