//! Quality of numbers and templates, limits of portfolios.

use super::fact;
use crate::format::{age, count, words};
use crate::model::SenderRow;
use hilo_domain::Millis;
use maud::{Markup, html};

pub(super) fn render(rows: &[SenderRow], now: Millis) -> Markup {
    html! {
        h2 { "Quality and limits" }
        @if rows.is_empty() {
            p.surface.nothing { "Nothing observed yet. Number quality has no webhook: it comes with account snapshots." }
        } @else {
            ul.surface.list.senders {
                @for row in rows {
                    li data-key={ (row.kind) " " (row.id) } {
                        span.who { (fact(&row.trace, &format!("{} {}", words(&row.kind), row.id), &row.id)) small { (words(&row.kind)) } }
                        span.what {
                            @if let Some(quality) = &row.quality { (self::quality(quality)) }
                            @if let Some(limit) = row.limit { (self::limit(limit)) }
                        }
                        @if let Some(observed_at) = row.observed_at { time { (age(now, observed_at)) } }
                    }
                }
            }
        }
    }
}

fn quality(rating: &str) -> Markup {
    let class = match rating {
        "GREEN" => "good",
        "YELLOW" => "fair",
        "RED" => "bad",
        _ => "quiet",
    };
    html! { span class={ "quality " (class) } { span.dot aria-hidden="true" {} (rating.to_lowercase()) } }
}

fn limit(limit: i64) -> Markup {
    html! {
        @match u64::try_from(limit) {
            Ok(people) => { b { (count(people)) } " people in 24 h" },
            Err(_) => b { "unlimited" },
        }
    }
}
