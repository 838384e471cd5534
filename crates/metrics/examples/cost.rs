#![allow(clippy::all, clippy::unwrap_used, clippy::pedantic)]
use hilo_contracts::{
    codec::{self, Codec as _},
    facts::*,
    keys, topics,
};
use hilo_stream::*;
use std::time::Instant;
fn main() {
    let n: usize = 100_000;
    let spec = hilo_metrics::spec(&hilo_metrics::Config::default()).unwrap();
    let mut p = (spec.factory)();
    for (label, template, people) in [
        ("template, 5k people", true, 5_000),
        ("template, 500 people", true, 500),
        ("free form, 5k people", false, 5_000),
    ] {
        let mut records = Vec::new();
        for i in 0..n {
            for revision in 1..=4i64 {
                let at = 1_777_900_000_000 + (i as i64) * 500 + revision * 1000;
                let base = 1_777_900_000_000 + (i as i64) * 500;
                let fact = Status {
                    event_id: format!("e{i}-{revision}"),
                    tenant: "acme".into(),
                    event_time: at,
                    kind: "status".into(),
                    revision,
                    message_id: format!("wamid.{label}{i}"),
                    effective_status: [None, Some("sent"), Some("delivered"), Some("read")][revision as usize - 1]
                        .map(str::to_owned),
                    accepted_at: Some(base),
                    sent_at: (revision > 1).then_some(base + 2000),
                    delivered_at: (revision > 2).then_some(base + 3000),
                    read_at: (revision > 3).then_some(base + 4000),
                    message_type: "template".into(),
                    template: template.then(|| TemplateRef {
                        name: format!("t{}", i % 5),
                        language: Some("es".into()),
                        category: Some("marketing".into()),
                    }),
                    campaign: template.then(|| format!("c{}", i % 3)),
                    segment: template.then(|| "vip".to_owned()),
                    person_id: Some(format!("p_{label}{}", i % people)),
                    country: Some("CL".into()),
                    phone_number_id: Some("210000000000001".into()),
                    accepted: true,
                    ..Status::default()
                };
                records.push(Record {
                    topic: topics::STATUS,
                    key: keys::message("acme", &fact.message_id),
                    value: codec::status().encode(&fact).unwrap(),
                    timestamp: at,
                });
            }
        }
        let mut context = Context::default();
        let codec = codec::status();
        let start = Instant::now();
        for r in &records {
            std::hint::black_box(codec.decode(&r.value).unwrap());
        }
        let decode = start.elapsed();
        let start = Instant::now();
        for r in &records {
            p.process(r, &mut context).unwrap();
        }
        let process = start.elapsed();
        let start = Instant::now();
        p.tick(1_777_900_000_000, &mut context).unwrap();
        let per = |d: std::time::Duration| d.as_secs_f64() * 1e6 / records.len() as f64;
        println!(
            "{label}: decode {:.2} µs, process (with decode) {:.2} µs, tick {:?} for {} rows",
            per(decode),
            per(process),
            start.elapsed(),
            context.outputs.len()
        );
    }
}
