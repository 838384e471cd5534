//! A real broker behind TLS and SCRAM: the right credentials do everything, wrong ones are told so.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use hilo_kafka::{Cluster, EngineError, Reader, topics};
use hilo_testbed::Broker;
use std::path::Path;
use std::sync::Arc;
use support::{expected, found, lines, make_topics, produce, settings, start, toys};

const USER: &str = "normalizer";
const PASSWORD: &str = "correct horse \"battery\"";

fn secured(broker: &Broker, password: &str, ca: Option<&Path>) -> Cluster {
    let mut security = vec![
        ("security.protocol".to_owned(), "SASL_SSL".to_owned()),
        ("sasl.mechanism".to_owned(), "SCRAM-SHA-512".to_owned()),
        ("sasl.username".to_owned(), USER.to_owned()),
        ("sasl.password".to_owned(), password.to_owned()),
    ];
    if let Some(ca) = ca {
        security.push(("ssl.ca.location".to_owned(), ca.display().to_string()));
    }
    Cluster {
        bootstrap_servers: broker.address(),
        prefix: String::new(),
        security,
    }
}

/// Why somebody is not let in. That it is `Refused` means that nobody waited for a time-out.
fn refusal(cluster: &Cluster) -> String {
    let checked = topics::check(cluster, &[]).unwrap_err();
    let Err(read) = Reader::open(cluster, &[toys::FACT], Arc::default(), |_, _| 0) else {
        panic!("a reader was let in");
    };
    for error in [&checked, &read] {
        assert!(matches!(error, EngineError::Refused { .. }), "{error}");
    }
    let text = checked.to_string();
    assert!(
        text.contains(&cluster.bootstrap_servers) && text.contains("[kafka]"),
        "{text}"
    );
    text
}

#[test]
fn everything_works_with_credentials_and_nothing_without() {
    let Some(broker) = Broker::secured(&[(USER, PASSWORD)]) else {
        return;
    };
    let ca = broker.ca_file();
    let cluster = secured(&broker, PASSWORD, Some(&ca));
    make_topics(&cluster);
    let lines = lines(1_000, true);
    let state = tempfile::tempdir().unwrap();
    let (engine, ..) = start(
        &cluster,
        &["parse", "fold", "total"],
        settings(state.path(), 2, Some("role-0")),
    );
    produce(&cluster, &lines);
    let want = expected(&lines);
    assert!(want.facts > 900, "{}", want.facts);
    assert_eq!(found(&cluster, &want), want);
    engine.stop().unwrap();

    let wrong = refusal(&secured(&broker, "wrong password", Some(&ca)));
    assert!(wrong.contains("uthentication failed"), "{wrong}");
    assert!(!wrong.contains("wrong password") && !wrong.contains(USER), "{wrong}");

    let untrusted = refusal(&secured(&broker, PASSWORD, None));
    assert!(untrusted.contains("certificate"), "{untrusted}");

    let mut unspoken = secured(&broker, PASSWORD, Some(&ca));
    unspoken.security[1].1 = "PLAIN".to_owned();
    let unspoken = refusal(&unspoken);
    assert!(unspoken.contains("sasl_mechanism"), "{unspoken}");
}
