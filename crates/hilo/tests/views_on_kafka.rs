//! The same capture gives the same page, numbers and traces on Kafka and on the embedded engine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod beside;
mod cluster;
mod stand;

use beside::beside;
use cluster::{Cluster, PROCESSORS, READER};
use hilo_contracts::{facts::Metric, topics};
use hilo_dashboard::{Asked, MetricQuery, Snapshot, Source, Trace, model::Severity};
use hilo_service::Scope;
use hilo_testbed::chromium::{self, Browser};
use hilo_views::{Kafka, Pulse, View};
use stand::{CLOCK, Stand, TOKEN, links, two_tenants, visit::visit};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What does not depend on when somebody looked, nor on how often a row was corrected on its way.
fn lasting(mut snapshot: Snapshot) -> Snapshot {
    snapshot.label.clear();
    snapshot.lag.trend.clear();
    snapshot.lag.seconds = 0.0;
    // What is wrong with a process is its own: the embedded engine of this test has ended.
    snapshot
        .warnings
        .retain(|warning| warning.severity != Severity::Problem);
    for flow in &mut snapshot.flows {
        flow.trend.clear();
        flow.per_second = 0.0;
    }
    for card in &mut snapshot.numbers {
        card.row.revision = 0;
    }
    snapshot
}

fn rows(view: &View, scope: &Scope) -> Vec<Metric> {
    let query = MetricQuery {
        since: Some(0),
        limit: 1_000,
        ..MetricQuery::default()
    };
    let mut rows = Vec::new();
    let mut after = None;
    loop {
        let page = view.metrics(scope, &MetricQuery { after, ..query.clone() }).unwrap();
        rows.extend(page.rows.into_iter().map(|row| Metric { revision: 0, ..row }));
        after = page.next;
        if after.is_none() {
            return rows;
        }
    }
}

/// What a story holds: its kind, and how often each step but facts, of which there may be more on the way to the same end.
fn gist(trace: &Trace) -> (String, BTreeMap<(&'static str, String), usize>, BTreeSet<String>) {
    let mut steps = BTreeMap::new();
    let mut facts = BTreeSet::new();
    for step in &trace.steps {
        if step.stage.as_str() == "fact" {
            // Who was known first, and was linked later, depends on who came first.
            if step.topic.as_deref() != Some(topics::IDENTITY) {
                facts.insert(step.title.clone());
            }
        } else {
            *steps.entry((step.stage.as_str(), step.title.clone())).or_insert(0) += 1;
        }
    }
    (trace.kind.clone(), steps, facts)
}

/// The cases that `tests/cases.rs` checks on the embedded engine, without lines about time: each forwards, backwards and
/// doubled, as tenants of their own.
fn cases() -> String {
    let folder = beside("cases");
    let files = folder.into_iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let captures = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "ndjson"));
    let mut lines = String::new();
    for path in captures {
        let case = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let forwards: Vec<&str> = text
            .lines()
            .filter(|line| !line.contains(r#""source":"clock""#))
            .collect();
        let backwards: Vec<&str> = forwards.iter().rev().copied().collect();
        let doubled = [forwards.clone(), forwards.clone()].concat();
        for (form, of_case) in [("forwards", forwards), ("backwards", backwards), ("doubled", doubled)] {
            for line in of_case {
                lines += &line.replace(r#""tenant":"acme""#, &format!(r#""tenant":"{case}-{form}""#));
                lines.push('\n');
            }
        }
    }
    lines
}

#[test]
fn one_capture_is_one_page_on_both_engines() {
    let Some(mut cluster) = Cluster::start(2, 1) else {
        return;
    };
    let clock = |hour: u32| format!("{{\"source\":\"clock\",\"at\":\"2026-12-20T0{hour}:00:00Z\"}}\n");
    let lines = two_tenants() + &cases();
    let embedded = Stand::new(&format!("{lines}{CLOCK}{}{}", clock(1), clock(2)));
    cluster.run(PROCESSORS);
    let golden = cluster.run(&["golden"]);
    // What came in one after the other must not be processed the other way round, so time waits for it.
    cluster.ingest(&lines);
    cluster.drained();
    for clock in [CLOCK.to_owned(), clock(1), clock(2)] {
        cluster.ingest(&clock);
        cluster.drained();
    }

    let (address, framing) = cluster.address();
    let topics = Arc::new(Kafka::new(&address, &framing, &embedded.topology, None));
    let dir = cluster.data_dir(golden);
    let kafka = View::new("Kafka", &dir, &embedded.topology, topics, Pulse::of_a_copy()).unwrap();
    for scope in [
        Stand::scope(&["alpha-inc", "beta-corp"]),
        Stand::scope(&["alpha-inc"]),
        Stand::scope(&["beta-corp"]),
        Scope::All,
    ] {
        let here = embedded.view.snapshot(&scope).unwrap();
        let there = kafka.snapshot(&scope).unwrap();
        assert!(here.outcomes.items > 100 && !here.dead_letters.is_empty() && !here.conversations.is_empty());
        let mut here = lasting(here);
        let mut there = lasting(there);
        if scope == Scope::All {
            // The clock's own items are counted with the next clock.
            (here.outcomes, there.outcomes) = Default::default();
        }
        // Who somebody is called depends on who came first.
        for row in here.conversations.iter_mut().chain(&mut there.conversations) {
            assert!(row.trace.starts_with("p_"), "{}", row.trace);
            row.trace.clear();
        }
        assert_eq!(there, here, "{scope:?}");
        assert_eq!(rows(&kafka, &scope), rows(&embedded.view, &scope), "{scope:?}");
    }

    // The page of the process itself, over HTTP, with every link followed.
    let base = format!("http://127.0.0.1:{}", cluster.port(golden));
    let client = reqwest::blocking::Client::new();
    let get_of = |base: &str, path: &str| client.get(format!("{base}{path}")).bearer_auth(READER).send().unwrap();
    let get = |path: &str| get_of(&base, path);
    let page = get("/").text().unwrap();
    let found = links(&page);
    let unnamed = |links: &BTreeSet<String>| -> BTreeSet<String> {
        links
            .iter()
            .filter(|link| !link.starts_with("/trace/p_"))
            .cloned()
            .collect()
    };
    assert_eq!(unnamed(&found), unnamed(&links(&embedded.get(&Scope::All, "/").body)));
    assert!(found.len() > 10, "{found:?}");
    for link in &found {
        assert_eq!(get(link).status(), 200, "{link}");
        assert_eq!(get(&format!("/v1{link}")).status(), 200, "/v1{link}");
    }
    // In a browser too, beside the page of the embedded engine.
    if let Some(path) = chromium::find() {
        let browser = Browser::launch(path);
        let mut there = visit(&browser, &base, READER);
        let mut here = embedded.served(|base| visit(&browser, base, TOKEN));
        for seen in [&mut there, &mut here] {
            seen.links = unnamed(&seen.links);
        }
        assert_eq!(there, here);
    }
    let scope = Scope::All;
    let shown = |view: &View| view.snapshot(&scope).unwrap().conversations;
    let people = shown(&embedded.view)
        .into_iter()
        .zip(shown(&kafka))
        .map(|(here, there)| (here.trace, there.trace));
    let same = ["wamid.shared", "wamid.out", "order-77", "deal-5", "+56961230002"].map(str::to_owned);
    for (here, there) in people.chain(same.map(|id| (id.clone(), id))) {
        let id = here.clone();
        let here = embedded.view.trace(&scope, &here, &Asked::default()).unwrap();
        let there = kafka.trace(&scope, &there, &Asked::default()).unwrap();
        assert_eq!(gist(&there), gist(&here), "{id}");
    }
    assert!(kafka.trace(&scope, "nothing-like-it", &Asked::default()).is_err());

    // A new start reads what stands: the same page, and ready.
    let folder = cluster.kill(golden);
    let again = cluster.run_in(&["golden"], folder);
    cluster.drained();
    let page_again = get_of(&format!("http://127.0.0.1:{}", cluster.port(again)), "/");
    assert_eq!(links(&page_again.text().unwrap()), found);
}
