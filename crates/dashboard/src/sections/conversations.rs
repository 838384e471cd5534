//! Recent conversations, masked.

use super::tenant_tag;
use crate::format::{age, words};
use crate::mask::is_linkable;
use crate::model::{ConversationRow, SessionState};
use crate::page;
use hilo_domain::Millis;
use hilo_domain::time::to_rfc3339;
use maud::{Markup, html};

pub(super) fn render(rows: &[ConversationRow], now: Millis, several_tenants: bool) -> Markup {
    html! {
        h2 { "Recent conversations" }
        @if rows.is_empty() {
            p.surface.nothing { "Nobody has written yet." }
        } @else {
            ol.surface.list {
                @for row in rows { (conversation(row, now, several_tenants)) }
            }
        }
    }
}

fn conversation(row: &ConversationRow, now: Millis, several_tenants: bool) -> Markup {
    let (class, state) = match row.state {
        SessionState::Waiting => ("state waiting", "waits for a person"),
        SessionState::Bot => ("state", "with the bot"),
        SessionState::Answered => ("state final", "answered"),
        SessionState::Resolved => ("state final", "resolved"),
        SessionState::Inactive => ("state", "closed by silence"),
        SessionState::None => ("state", "no session"),
    };
    let direction = if row.inbound { "in" } else { "out" };
    html! {
        li data-key=(row.trace) {
            span.who {
                @if is_linkable(&row.trace) {
                    a href=(page::trace_path(&row.trace)) { (row.person.as_str()) }
                } @else {
                    (row.person.as_str())
                }
                (tenant_tag(several_tenants, &row.tenant))
            }
            span.what { span.direction { (direction) } " " (words(&row.message_type)) }
            span class=(class) { (state) @if let Some(queue) = &row.queue { " · " (queue.as_str()) } }
            time datetime=(to_rfc3339(row.at)) { (age(now, row.at)) }
        }
    }
}
