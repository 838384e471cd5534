//! The parts of the page; each is rendered whole and sent when it changed.

mod conversations;
mod crm;
mod flow;
mod numbers;
mod outcomes;
mod senders;
mod templates;
mod troubles;

use crate::mask;
use crate::model::Snapshot;
use crate::{format, page};
use maud::{Markup, html};

/// The id of a part and its content.
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) html: String,
}

/// All parts of a snapshot, in the order of the page; those about people only with `records`.
pub(crate) fn render(snapshot: &Snapshot, records: bool) -> Vec<Section> {
    let several = several_tenants(snapshot);
    let talks = if records {
        conversations::render(&snapshot.conversations, snapshot.now, several)
    } else {
        html! {}
    };
    let parts = [
        ("clock", page::clock(snapshot)),
        ("warnings", troubles::warnings(&snapshot.warnings)),
        ("flow", flow::render(&snapshot.flows, &snapshot.lag)),
        ("outcomes", outcomes::render(&snapshot.outcomes)),
        ("crm", crm::render(&snapshot.crms, snapshot.now, several)),
        ("numbers", numbers::render(&snapshot.numbers, several)),
        ("templates", templates::render(&snapshot.templates, several)),
        ("conversations", talks),
        ("senders", senders::render(&snapshot.senders, snapshot.now)),
        ("dead_letters", troubles::dead_letters(&snapshot.dead_letters)),
    ];
    parts
        .into_iter()
        .map(|(id, html)| Section {
            id,
            html: html.into_string(),
        })
        .collect()
}

/// The only part that is known when the source does not answer.
pub(crate) fn failed(reason: &str) -> Vec<Section> {
    vec![Section {
        id: "warnings",
        html: troubles::unavailable(reason).into_string(),
    }]
}

/// The page in one sentence, for those who hear it.
pub(crate) fn summary(snapshot: &Snapshot) -> String {
    let mut said: Vec<String> = snapshot
        .flows
        .iter()
        .map(|flow| format!("{} {} per second", flow.name, format::per_second(flow.per_second)))
        .collect();
    said.push(format!("lag {}", format::duration(snapshot.lag.seconds)));
    said.extend(snapshot.crms.iter().filter_map(crm::summary));
    if !snapshot.warnings.is_empty() {
        said.push(format::plural(snapshot.warnings.len() as u64, "warning"));
    }
    said.join(", ")
}

/// A number that leads to the facts behind it. An id that must not stand in an address leads nowhere.
fn fact(trace: &str, label: &str, shown: &str) -> Markup {
    html! {
        @if mask::is_linkable(trace) {
            a.num href=(page::trace_path(trace)) aria-label={ (label) ": see the facts" } { (shown) }
        } @else {
            span.num { (shown) }
        }
    }
}

/// The tenant, where there is more than one.
fn tenant_tag(several: bool, tenant: &str) -> Markup {
    html! { @if several { span.tag { (tenant) } } }
}

fn several_tenants(snapshot: &Snapshot) -> bool {
    let cards = snapshot.numbers.iter().map(|card| &card.row.tenant);
    let templates = snapshot.templates.iter().map(|row| &row.tenant);
    let conversations = snapshot.conversations.iter().map(|row| &row.tenant);
    let crms = snapshot.crms.iter().map(|card| &card.tenant);
    let mut tenants = cards.chain(templates).chain(conversations).chain(crms);
    let first = tenants.next();
    tenants.any(|tenant| Some(tenant) != first)
}
