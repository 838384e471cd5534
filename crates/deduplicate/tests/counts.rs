//! Totals of what became of the items: by tenant, over any partitions, any turns and any moves of tasks.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use hilo_contracts::{
    codec::{self, Codec as _},
    topics,
};
use hilo_stream::PartitionedDriver;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What a line is made to become.
#[derive(Clone, Copy, Debug)]
enum Made {
    Emitted,
    Duplicate,
    Unclassified,
    DeadLetter,
}

/// Totals by tenant, counter and label.
type Totals = BTreeMap<(String, String, String), i64>;

/// The line, and the outcome that it has by the interface's rules.
fn line(tenant: &str, made: Made, number: usize) -> String {
    match made {
        // The first line of a tenant is one to repeat.
        Made::Emitted => outbound(tenant, number + 1),
        Made::Duplicate => outbound(tenant, 0),
        Made::Unclassified => format!(
            r#"{{"source":"whatsapp","tenant":"{tenant}","received_at":"2026-05-04T13:00:01Z","body":{}}}"#,
            support::body("not_known_yet", "{}")
        ),
        Made::DeadLetter => {
            format!(r#"{{"source":"inbox","tenant":"{tenant}","at":"2026-05-04T13:00:00Z","user":{{}}}}"#)
        }
    }
}

fn outbound(tenant: &str, number: usize) -> String {
    format!(
        r#"{{"source":"outbound","tenant":"{tenant}","at":"2026-05-04T13:00:00Z","phone_number_id":"1","message_id":"wamid.{number}","to":{{"phone":"+56961234567"}},"type":"text"}}"#
    )
}

fn add(totals: &mut Totals, tenant: &str, counter: &str, label: &str) {
    *totals
        .entry((tenant.to_owned(), counter.to_owned(), label.to_owned()))
        .or_default() += 1;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn add_up_by_tenant(
        lines in prop::collection::vec((any::<bool>(), prop_oneof![
            Just(Made::Emitted), Just(Made::Duplicate), Just(Made::Unclassified), Just(Made::DeadLetter)
        ]), 1..30),
        partitions in 1usize..4,
        seed in any::<u64>(),
    ) {
        let mut driver =
            PartitionedDriver::new(&support::topology(), partitions, seed, hilo_normalize::dead_letter).unwrap();
        let mut expected = Totals::new();
        let mut appended: Vec<(String, String, &str)> = ["acme", "beta"]
            .map(|tenant| (tenant.to_owned(), outbound(tenant, 0), "emitted"))
            .into();
        appended.extend(lines.iter().enumerate().map(|(number, (acme, made))| {
            let tenant = if *acme { "acme" } else { "beta" };
            let outcome = match made {
                Made::Emitted => "emitted",
                Made::Duplicate => "duplicate",
                Made::Unclassified => "unclassified",
                Made::DeadLetter => "dead_letter",
            };
            (tenant.to_owned(), line(tenant, *made, number), outcome)
        }));
        for (place, (tenant, line, outcome)) in appended.iter().enumerate() {
            add(&mut expected, tenant, "fanned_out", "");
            add(&mut expected, tenant, "items", outcome);
            for record in support::records(line) {
                driver.append(record);
            }
            if place % 7 == 3 {
                driver.run().unwrap();
                driver.move_one().unwrap();
            }
        }
        // The second clock record publishes what the first one had sent.
        for at in ["2026-05-04T14:00:00Z", "2026-05-04T14:00:01Z"] {
            driver.run().unwrap();
            for record in support::records(&format!(r#"{{"source":"clock","at":"{at}"}}"#)) {
                driver.append(record);
            }
            driver.run().unwrap();
        }
        let codec = codec::count();
        let mut found = Totals::new();
        for record in driver.topic(topics::COUNT).iter().flatten() {
            let count = codec.decode(&record.value).unwrap();
            // Clock lines are nobody's.
            if count.tenant != "default" && ["fanned_out", "items"].contains(&count.counter.as_str()) {
                let before = found.insert((count.tenant, count.counter, count.label), count.amount);
                prop_assert!(before.unwrap_or_default() < count.amount, "a total only rises");
            }
        }
        prop_assert_eq!(found, expected);
    }
}
