//! The log of desired records begins anew: a release with another state computed it again, with revisions of its own.

use crate::{
    basics::{Bench, conversation},
    support::{
        Log,
        records::{key, record},
    },
};
use hilo_crm::values::Object;
use hilo_crm_simulator::Options;

#[tokio::test]
async fn revisions_of_a_log_that_begins_anew_count_again_and_what_is_so_already_is_not_written() {
    let mut bench = Bench::new(Options::unlimited()).await;
    bench.write(conversation("ana")).await;
    bench
        .write(
            (3..=9)
                .map(|it| record(Object::Contact, "ana", it, Some("newest")))
                .collect(),
        )
        .await;
    bench.agrees();
    let link = |bench: &Bench| {
        bench.facts.latest()[&key(Object::Contact, "ana")]
            .remote_id
            .clone()
            .unwrap()
    };
    let (before, id) = (bench.crm.simulator.counts().calls_of("batch/upsert"), link(&bench));

    bench.links().start_over().unwrap();
    bench.log = Log {
        records: Vec::new(),
        committed: 0,
    };
    let mut anew = conversation("ana");
    anew.retain(|record| record.object != "contact");
    anew.push(record(Object::Contact, "ana", 1, Some("newest")));
    bench.write(anew).await;
    assert_eq!(
        bench.crm.simulator.counts().calls_of("batch/upsert"),
        before,
        "it was written again"
    );

    // A revision that the old log had passed long ago.
    bench
        .write(vec![record(Object::Contact, "ana", 2, Some("of today"))])
        .await;
    bench.agrees();
    assert_eq!(bench.facts.latest()[&key(Object::Contact, "ana")].revision, 2);
    assert_eq!(link(&bench), id);
}
