//! What waiting cannot mend ends the lanes, and names its key; a real broker says it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use hilo_kafka::{Cluster, EngineError, LaneSettings};
use hilo_testbed::Broker;
use std::time::Duration;
use support::{PATIENCE, cluster, make_topics, settings, start};

/// Why the lanes ended by themselves.
fn refusal(cluster: &Cluster, settings: LaneSettings) -> String {
    let (engine, ..) = start(cluster, &["fold"], settings);
    assert!(engine.has_ended(PATIENCE), "it goes on trying");
    let error = engine.stop().unwrap_err();
    assert!(error.is_configuration(), "{error}");
    assert!(matches!(error, EngineError::Configuration { .. }), "{error}");
    error.to_string()
}

#[test]
fn a_time_out_that_the_broker_refuses_is_named() {
    let Some(broker) = Broker::start() else { return };
    let cluster = cluster(&broker.address(), "refused.");
    make_topics(&cluster);
    let folder = tempfile::tempdir().unwrap();
    let mut short = settings(folder.path(), 1, None);
    short.session_timeout = Duration::from_millis(500);
    let said = refusal(&cluster, short);
    assert!(said.contains("kafka.session_timeout_ms"), "{said}");

    let mut long = settings(folder.path(), 1, None);
    // The broker allows a quarter of an hour.
    long.transaction_timeout = Duration::from_mins(20);
    let said = refusal(&cluster, long);
    assert!(said.contains("kafka.transaction_timeout_ms"), "{said}");
}

#[test]
fn a_missing_right_is_named() {
    const USER: &str = "without-rights";
    let Some(broker) = Broker::guarded(&[(USER, "a password")]) else {
        return;
    };
    let secured = |name: &str, password: &str| Cluster {
        security: [
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", name),
            ("sasl.password", password),
            ("ssl.ca.location", broker.ca_file().to_str().unwrap()),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec(),
        ..cluster(&broker.address(), "guarded.")
    };
    make_topics(&secured(hilo_testbed::ITSELF, hilo_testbed::ITSELF));
    let folder = tempfile::tempdir().unwrap();
    let said = refusal(&secured(USER, "a password"), settings(folder.path(), 1, None));
    assert!(
        said.contains("kafka.username") && said.contains("transactional ids"),
        "{said}"
    );
}
