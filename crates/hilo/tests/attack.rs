//! The findings of the attack, run against this build: what was mended stays mended. The short numbers; the long ones are
//! `hilo-attack --long`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use hilo_attack::{Engine, Outcome, Plan, Verdict};
use hilo_testbed::{Broker, SchemaRegistry};
use std::sync::{Mutex, PoisonError};

/// One engine at a time: both are more than a machine of tests has.
static ONE: Mutex<()> = Mutex::new(());

/// Runs all attacks; each that fell is in the message.
fn all_held(engine: Engine) {
    let plan = Plan {
        hilo: env!("CARGO_BIN_EXE_hilo").into(),
        engine,
        long: false,
        only: Vec::new(),
        one_listener: false,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let outcomes = runtime
        .block_on(hilo_attack::run(&plan, |outcome| println!("{}", outcome.line())))
        .unwrap();
    let of = |verdict| outcomes.iter().filter(move |outcome| outcome.verdict == verdict);
    for skipped in of(Verdict::Skipped) {
        assert!(
            std::env::var_os("CI").is_none(),
            "in CI nothing is skipped: {}",
            skipped.line()
        );
        eprintln!("{}", skipped.line());
    }
    let fell: Vec<String> = of(Verdict::Fell).map(Outcome::line).collect();
    assert!(fell.is_empty(), "{}", fell.join("\n"));
}

#[test]
fn the_embedded_node_holds() {
    let _alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    all_held(Engine::Embedded);
}

#[test]
fn the_roles_on_kafka_hold() {
    let _alone = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some((broker, registry)) = Broker::start().zip(SchemaRegistry::start()) else {
        return;
    };
    all_held(Engine::Kafka {
        bootstrap: broker.address(),
        registry: registry.url(),
    });
}
