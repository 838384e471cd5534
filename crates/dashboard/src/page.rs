//! The page around its parts.

use crate::format;
use crate::model::Snapshot;
use crate::sections::Section;
use hilo_domain::time::to_rfc3339;
use hilo_service::{Reader, Role};
use maud::{DOCTYPE, Markup, html};
use std::fmt::Write as _;

/// The whole page. Parts that are not known yet stay empty and are filled by the stream.
pub(crate) fn index(reader: &Reader, label: &str, sections: &[Section]) -> Markup {
    let part = |id: &str| sections.iter().find(|section| section.id == id);
    let section = |id: &'static str| {
        html! { section id=(id) { @if let Some(part) = part(id) { (maud::PreEscaped(&part.html)) } } }
    };
    let main = html! {
        div id="warnings" role="status" { @if let Some(part) = part("warnings") { (maud::PreEscaped(&part.html)) } }
        @for id in ["flow", "outcomes", "crm", "numbers", "templates"] { (section(id)) }
        div.columns {
            (section("conversations"))
            div { (section("senders")) (section("dead_letters")) }
        }
        p.visually-hidden id="announcement" aria-live="polite" {}
    };
    let live = html! {
        div id="clock" { @if let Some(part) = part("clock") { (maud::PreEscaped(&part.html)) } }
        p id="connection" role="status" { "Static" }
        button id="pause" type="button" hidden { "Pause" }
    };
    shell(reader, label, &live, &main, true)
}

/// The event time that the page has reached.
pub(crate) fn clock(snapshot: &Snapshot) -> Markup {
    html! {
        "as of "
        time datetime=(to_rfc3339(snapshot.now)) { (format::clock(snapshot.now)) }
    }
}

/// What all pages load.
pub(crate) fn head(title: &str) -> Markup {
    html! {
        meta charset="utf-8";
        title { @if !title.is_empty() { (title) " · " } "Hilo" }
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="color-scheme" content="light dark";
        meta name="robots" content="noindex";
        link rel="icon" href="/assets/icon.svg" type="image/svg+xml";
        link rel="stylesheet" href="/assets/dashboard.css";
    }
}

/// Who reads, and the way out.
fn who(reader: &Reader) -> Markup {
    let role = match reader.role {
        Role::Analyst => "analyst: numbers only",
        Role::Viewer => "viewer: masked",
        Role::Operator => "operator",
    };
    html! {
        form.reader method="post" action="/logout" {
            span { b { (reader.name) } " · " (role) }
            button type="submit" { "Log out" }
        }
    }
}

/// Head, header and footer of the pages behind the log-in.
pub(crate) fn shell(reader: &Reader, label: &str, live: &Markup, main: &Markup, updates: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (head(label))
                @if updates {
                    script type="module" src="/assets/live.js" {}
                    noscript { meta http-equiv="refresh" content="5"; }
                }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/" { img src="/assets/icon.svg" alt="" width="28" height="28"; "Hilo" }
                    @if !label.is_empty() { span.tag { (label) } }
                    @if reader.role >= Role::Viewer {
                        form.lookup action="/trace" method="get" role="search" {
                            label.visually-hidden for="lookup" { "Trace a delivery, message, person or command id" }
                            input id="lookup" name="id" type="search" placeholder="Trace an id" autocomplete="off"
                                spellcheck="false" required;
                            button type="submit" { "Trace" }
                        }
                    }
                    div.live { (live) }
                }
                main id="main" { (main) }
                footer {
                    (who(reader))
                    p {
                        "People are masked. Every number leads to its facts; all rows: "
                        a href="/v1/metrics" { "/v1/metrics" } "."
                    }
                }
            }
        }
    }
}

/// Address of the story of an id.
pub(crate) fn trace_path(id: &str) -> String {
    let mut path = String::from("/trace/");
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~@:".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_part_of_the_address() {
        assert_eq!(trace_path("delivery_rate@1"), "/trace/delivery_rate@1");
        assert_eq!(trace_path("a/b?c=ñ\"<"), "/trace/a%2Fb%3Fc%3D%C3%B1%22%3C");
    }
}
