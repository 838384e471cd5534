//! The frame of the page, and lists of records.

use super::{Asked, words::Words};
use crate::{
    object::Object,
    portal::Portal,
    table::{Properties, Record},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::fmt::Write as _;

const STYLE: &str = include_str!("style.css");
/// Records on a page.
const PAGE: usize = 50;

/// The objects that have a list.
pub(super) const LISTS: [Object; 4] = [Object::Contacts, Object::Tickets, Object::Deals, Object::Tasks];

pub(super) fn label(words: &'static Words, object: Object) -> &'static str {
    match object {
        Object::Tickets => words.tickets,
        Object::Deals => words.deals,
        Object::Tasks => words.tasks,
        Object::Communications => words.timeline,
        _ => words.contacts,
    }
}

/// The whole page around `main`.
pub(super) fn shell(portal: &Portal, asked: &Asked, here: Option<Object>, title: &str, main: &Markup) -> Markup {
    let words = asked.words();
    html! {
        (DOCTYPE)
        html lang=(words.code) {
            head {
                meta charset="utf-8";
                title { @if !title.is_empty() { (title) " · " } (words.title) }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                @if !asked.paused {
                    script type="module" src="/_simulator/refresh.js" {}
                    noscript { meta http-equiv="refresh" content="10"; }
                }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { (words.skip) }
                header {
                    a.brand href=(asked.link("/")) { (words.title) }
                    nav aria-label=(words.title) {
                        ul {
                            @for object in LISTS {
                                li {
                                    a href=(asked.link(address(object))) aria-current=[(here == Some(object)).then_some("page")] {
                                        (label(words, object)) " " span { (living(portal, object).count()) }
                                    }
                                }
                            }
                        }
                    }
                    div.tools {
                        @for (code, name) in [("es", "Español"), ("pt", "Português"), ("en", "English")] {
                            @if code != words.code { a href=(asked.here_in(code)) lang=(code) hreflang=(code) { (name) } }
                        }
                        a href=(asked.toggled()) { @if asked.paused { (words.go_on) } @else { (words.pause) } }
                    }
                }
                main id="main" { (main) }
                footer {
                    p { (words.note) }
                    p {
                        (living(portal, Object::Communications).count()) " " (words.messages) " · "
                        (portal.calls) " " (words.calls)
                    }
                }
            }
        }
    }
}

pub(super) fn address(object: Object) -> &'static str {
    match object {
        Object::Tickets => "/tickets",
        Object::Deals => "/deals",
        Object::Tasks => "/tasks",
        _ => "/",
    }
}

fn living(portal: &Portal, object: Object) -> impl DoubleEndedIterator<Item = &Record> {
    let all = portal
        .table(object)
        .into_iter()
        .flat_map(|table| table.records.values());
    all.filter(|record| record.archived_at.is_none())
}

/// A list, the newest first.
pub(super) fn list(portal: &Portal, asked: &Asked, object: Object) -> Markup {
    let words = asked.words();
    let wanted = asked.search.to_lowercase();
    let mut found = living(portal, object)
        .rev()
        .filter(|record| asked.before.is_none_or(|before| record.id < before))
        .filter(|record| wanted.is_empty() || is_wanted(&record.properties, &wanted));
    let shown: Vec<&Record> = found.by_ref().take(PAGE).collect();
    let more = found.next().is_some();
    let main = html! {
        form.search action=(address(object)) method="get" role="search" {
            input type="search" name="q" value=(asked.search) placeholder=(words.search) aria-label=(words.search);
            " " button type="submit" { (words.search) }
            @if asked.explicit { input type="hidden" name="lang" value=(words.code); }
        }
        h1 { (label(words, object)) }
        br;
        @if shown.is_empty() { p.panel.quiet { (words.nothing) } } @else {
            ul.panel.rows { @for record in &shown { (row(portal, asked, object, record)) } }
        }
        p.pages {
            @if asked.before.is_some() { a href=(asked.link(address(object))) { (words.newer) } }
            @if let (true, Some(last)) = (more, shown.last()) {
                a href=(asked.older(address(object), last.id)) { (words.older) }
            }
        }
    };
    shell(portal, asked, Some(object), label(words, object), &main)
}

fn is_wanted(properties: &Properties, wanted: &str) -> bool {
    properties.values().any(|value| value.to_lowercase().contains(wanted))
}

/// A record in a list.
pub(super) fn row(portal: &Portal, asked: &Asked, object: Object, record: &Record) -> Markup {
    let words = asked.words();
    let value = |name: &str| record.properties.get(name).map(String::as_str).unwrap_or_default();
    let link = asked.link(&format!("/{}/{}", object.name(), record.id));
    let facts: Vec<&str> = match object {
        Object::Contacts => vec![value("phone"), value("hs_country_region_code"), value("lifecyclestage")],
        Object::Deals => vec![value("amount"), value("deal_currency_code")],
        Object::Tasks => vec![value("hs_task_priority")],
        _ => vec![value("hs_ticket_priority")],
    };
    let chip = match object {
        Object::Tasks => value("hs_task_status").to_owned(),
        _ => stage(portal, object, record).unwrap_or_default(),
    };
    html! {
        li {
            a.name href=(link) { (name(record, object, words)) }
            @if !chip.is_empty() { span.chip { (chip) } }
            @for fact in facts.iter().filter(|fact| !fact.is_empty()) { span.more { (fact) } }
            @let at = if object == Object::Tasks { value("hs_timestamp") } else { value(object.stamps().1) };
            time datetime=(at) title=(if object == Object::Tasks { words.due } else { words.updated }) { (minute(at)) }
        }
    }
}

/// What a record is called.
pub(super) fn name(record: &Record, object: Object, words: &Words) -> String {
    let value = |name: &str| record.properties.get(name).map(String::as_str).unwrap_or_default();
    let name = match object {
        Object::Contacts => {
            let whole = format!("{} {}", value("firstname"), value("lastname"))
                .trim()
                .to_owned();
            if whole.is_empty() {
                value("phone").to_owned()
            } else {
                whole
            }
        }
        Object::Deals => value("dealname").to_owned(),
        Object::Tasks => value("hs_task_subject").to_owned(),
        _ => value("subject").to_owned(),
    };
    if name.is_empty() {
        words.unknown.to_owned()
    } else {
        name
    }
}

/// The label of its stage.
pub(super) fn stage(portal: &Portal, object: Object, record: &Record) -> Option<String> {
    let (_, property) = object.pipeline_properties()?;
    let (_, stage) = portal.table(object)?.stage(record.properties.get(property)?)?;
    Some(stage.label.clone())
}

/// A time without its seconds.
pub(super) fn minute(at: &str) -> String {
    at.get(..16).map(|at| at.replace('T', " ")).unwrap_or_default()
}

/// A part of a query.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
