//! One record: its fields, its timeline, and what it is associated with.

use super::{
    Asked,
    text::plain,
    view::{LISTS, label, minute, name, row, shell, stage},
};
use crate::{association::Place, object::Object, portal::Portal, table::Record};
use maud::{Markup, html};

/// Entries of a timeline.
const ENTRIES: usize = 200;

/// The page of a record; `None` where there is none.
pub(super) fn show(portal: &Portal, asked: &Asked, place: Place) -> Option<Markup> {
    let object = place.0;
    let record = portal.record(place)?;
    let words = asked.words();
    let title = name(record, object, words);
    let main = html! {
        h1 {
            (title)
            @if let Some(stage) = stage(portal, object, record) { " " span.chip { (stage) } }
        }
        br;
        div.columns {
            section.panel aria-labelledby="timeline" {
                h2 id="timeline" { (words.timeline) }
                (timeline(portal, asked, (object, record.id)))
            }
            div {
                @for other in LISTS { (associated(portal, asked, (object, record.id), other)) }
                section.panel aria-labelledby="fields" {
                    h2 id="fields" { (words.fields) }
                    dl {
                        @for (name, value) in &record.properties {
                            dt { (name) }
                            dd { (plain(value)) }
                        }
                    }
                }
            }
        }
    };
    Some(shell(portal, asked, Some(object), &title, &main))
}

fn associated(portal: &Portal, asked: &Asked, place: Place, other: Object) -> Markup {
    let records: Vec<&Record> = portal
        .associations
        .with(place, other)
        .filter_map(|(id, _)| portal.record((other, id)))
        .collect();
    html! {
        @if !records.is_empty() {
            section.panel.rows {
                ul {
                    li { h2 { (label(asked.words(), other)) } }
                    @for record in records { (row(portal, asked, other, record)) }
                }
            }
        }
    }
}

/// Messages and notes, the newest first.
fn timeline(portal: &Portal, asked: &Asked, place: Place) -> Markup {
    let of = |object: Object, body: &'static str| {
        let all = portal.associations.with(place, object);
        all.filter_map(move |(id, _)| Some((portal.record((object, id))?, body)))
    };
    let mut entries: Vec<(&Record, &str)> = of(Object::Communications, "hs_communication_body")
        .chain(of(Object::Notes, "hs_note_body"))
        .collect();
    let at = |record: &Record| record.properties.get("hs_timestamp").cloned().unwrap_or_default();
    entries.sort_by_cached_key(|(record, _)| std::cmp::Reverse((at(record), record.id)));
    entries.truncate(ENTRIES);
    html! {
        @if entries.is_empty() { p.quiet { (asked.words().nothing) } }
        ol.timeline {
            @for (record, body) in entries {
                @let value = |name: &str| record.properties.get(name).map(String::as_str).unwrap_or_default();
                @let out = value("wa_direction") == "outbound";
                li.out[out] {
                    p { (plain(value(body))) }
                    small {
                        time datetime=(value("hs_timestamp")) { (minute(value("hs_timestamp"))) }
                        @for fact in ["hs_communication_channel_type", "wa_author", "wa_status", "wa_template"] {
                            @if !value(fact).is_empty() { " · " (value(fact)) }
                        }
                    }
                }
            }
        }
    }
}
