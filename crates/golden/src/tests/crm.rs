//! What a CRM should hold beside what became of it.

use crate::{Golden, Placed, Tenants};
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::{CrmField, CrmRecord, CrmWrite},
    topics,
};
use hilo_stream::Record;

fn record(key: &str, revision: i64, at: i64) -> CrmRecord {
    CrmRecord {
        event_id: format!("{key}-{revision}"),
        tenant: "acme".to_owned(),
        event_time: at,
        kind: "desired".to_owned(),
        revision,
        sink: "hubspot".to_owned(),
        object: "contact".to_owned(),
        record_key: key.to_owned(),
        person_id: Some(format!("p_{key}")),
        fields: vec![CrmField {
            name: "firstname".to_owned(),
            value: Some("Ana".to_owned()),
            write: "if_empty".to_owned(),
        }],
        content_hash: format!("hash {revision}"),
        ..CrmRecord::default()
    }
}

fn outcome(key: &str, kind: &str, revision: i64, at: i64) -> CrmWrite {
    CrmWrite {
        event_id: format!("{key}-{kind}-{revision}"),
        tenant: "acme".to_owned(),
        event_time: at,
        kind: kind.to_owned(),
        revision,
        sink: "hubspot".to_owned(),
        object: Some("contact".to_owned()),
        record_key: Some(key.to_owned()),
        code: (kind == "rejected").then(|| "invalid_option".to_owned()),
        ..CrmWrite::default()
    }
}

fn placed(topic: &'static str, offset: i64, key: &str, value: Vec<u8>) -> Placed {
    Placed {
        partition: 0,
        offset,
        record: Record {
            topic,
            key: key.as_bytes().to_vec(),
            value,
            timestamp: 0,
        },
    }
}

fn golden(records: &[CrmRecord], outcomes: &[CrmWrite]) -> Golden {
    let (desired, written) = (codec::crm_record(), codec::crm_write());
    let mut all = Vec::new();
    for (offset, record) in (0..).zip(records) {
        all.push(placed(
            topics::CRM_RECORD,
            offset,
            &record.record_key,
            desired.encode(record).unwrap(),
        ));
    }
    for (offset, outcome) in (0..).zip(outcomes) {
        let key = outcome.record_key.clone().unwrap_or_default();
        all.push(placed(
            topics::CRM_WRITE,
            offset,
            &key,
            written.encode(outcome).unwrap(),
        ));
    }
    let mut golden = Golden::open_in_memory().unwrap();
    golden.apply(&all).unwrap();
    golden
}

#[test]
fn a_record_waits_until_its_last_revision_has_an_outcome() {
    let records = [
        record("gr_1", 1, 10),
        record("gr_1", 2, 20),
        record("gr_2", 1, 30),
        record("gr_3", 1, 40),
    ];
    // gr_1 was written before its last change, gr_2 is to be tried again, gr_3 is refused for good.
    let outcomes = [
        outcome("gr_1", "written", 1, 11),
        outcome("gr_2", "deferred", 1, 31),
        outcome("gr_3", "rejected", 1, 41),
    ];
    let states = golden(&records, &outcomes).crm_states(&Tenants::of(["acme"])).unwrap();
    let [state] = states.as_slice() else {
        panic!("{states:?}")
    };
    assert_eq!((state.waiting, state.waiting_since), (2, Some(20)));
    assert_eq!(state.records["contact"], 3);
    assert_eq!(state.rejected.len(), 1);
    assert_eq!(
        (state.rejected[0].code.as_str(), state.rejected[0].count),
        ("invalid_option", 1)
    );

    let through = [outcome("gr_1", "written", 2, 50), outcome("gr_2", "written", 1, 60)];
    let states = golden(&records, &[&outcomes[..], &through].concat())
        .crm_states(&Tenants::of(["acme"]))
        .unwrap();
    assert_eq!((states[0].waiting, states[0].waiting_since), (0, None));
    assert_eq!(states[0].outcomes["written"], 2);
    assert_eq!(states[0].last_at, Some(60));
}

#[test]
fn a_record_and_its_link_are_found_by_their_person_and_by_no_other_tenant() {
    let golden = golden(&[record("gr_1", 1, 10)], &[outcome("gr_1", "written", 1, 11)]);
    let tables = |tenant: &str, id: &str| -> Vec<&str> {
        let rows = golden.trace(&Tenants::of([tenant]), id, 10).unwrap();
        rows.into_iter().map(|row| row.table).collect()
    };
    assert_eq!(tables("acme", "p_gr_1"), ["crm_records"]);
    assert_eq!(tables("acme", "gr_1"), ["crm_records", "crm_links"]);
    assert_eq!(tables("rival", "gr_1"), Vec::<&str>::new());
}

#[test]
fn the_state_of_a_crm_is_the_last_that_its_writer_told() {
    let sink = |state: &str, at: i64| CrmWrite {
        tenant: "acme".to_owned(),
        event_time: at,
        kind: "sink".to_owned(),
        sink: "hubspot".to_owned(),
        state: Some(state.to_owned()),
        budget_limit: Some(250_000),
        budget_remaining: Some(249_000),
        ..CrmWrite::default()
    };
    let states = golden(&[], &[sink("paused", 1), sink("open", 2)])
        .crm_states(&Tenants::of(["acme"]))
        .unwrap();
    assert_eq!(states[0].state.as_deref(), Some("open"));
    assert_eq!(states[0].budget, Some((250_000, 249_000)));
}
