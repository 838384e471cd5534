//! A topology as text and as a picture: the same bytes for the same topology.

mod layout;
mod svg;

pub use svg::svg;

use crate::{Scope, TopicKind, Topology};
use std::fmt::Write as _;

/// The topology as text: processors in the order in which records flow, then topics.
#[must_use]
pub fn text(topology: &Topology) -> String {
    let mut out = String::from("Processors\n");
    for processor in topology.processors() {
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "\n{} ({}): {}",
            processor.name,
            scope(processor.scope),
            processor.doc
        );
        let _ = writeln!(out, "  reads   {}", processor.inputs.join(", "));
        let _ = writeln!(out, "  writes  {}", processor.writes().collect::<Vec<_>>().join(", "));
        for store in &processor.stores {
            let _ = writeln!(out, "  store   {}: {}", store.name, store.doc);
        }
    }
    out.push_str("\nTopics\n");
    for topic in topology.topics() {
        let _ = writeln!(out, "\n{} ({}): {}", topic.name, kind(topic.kind), topic.doc);
        let _ = writeln!(out, "  key     {}", topic.key);
        let _ = writeln!(out, "  kept    {}", topic.kept);
        if let Some(schema) = topic.schema {
            let _ = writeln!(out, "  schema  {schema}");
        }
    }
    out
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Keyed => "keyed",
        Scope::Global => "global",
    }
}

fn kind(kind: TopicKind) -> &'static str {
    match kind {
        TopicKind::Raw => "raw",
        TopicKind::Derived => "derived",
        TopicKind::Internal => "internal",
    }
}
