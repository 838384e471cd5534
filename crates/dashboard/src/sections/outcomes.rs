//! Every item has one outcome.

use super::fact;
use crate::chart;
use crate::format::{count, plural};
use crate::model::Outcomes;
use maud::{Markup, html};
use std::cmp::Ordering;

pub(super) fn render(outcomes: &Outcomes) -> Markup {
    let parts = [
        ("emitted", "became facts", outcomes.emitted),
        ("duplicate", "known already", outcomes.duplicate),
        ("unclassified", "kept, not known yet", outcomes.unclassified),
        ("dead_letter", "could not be read", outcomes.dead_letter),
    ];
    let sum: u64 = parts.iter().map(|(_, _, items)| items).sum();
    let whole = sum.max(outcomes.items).max(1) as f64;
    let shares = parts.map(|(name, _, items)| (name, items as f64 / whole));
    html! {
        h2 { "Every item accounted for" }
        div.surface {
            p.account { (account(outcomes.items, sum)) }
            (chart::stack("Items by outcome; the counts follow.", &shares))
            ul.legend {
                @for (name, meaning, items) in parts {
                    li data-key=(name) {
                        span class={ "swatch " (name) } aria-hidden="true" {}
                        span.what { b { (crate::format::words(name)) } small { (meaning) } }
                        (fact(&trace(&outcomes.trace_prefix, name), &plural(items, "item"), &count(items)))
                    }
                }
            }
        }
    }
}

/// Nowhere where there is no prefix.
fn trace(prefix: &str, name: &str) -> String {
    if prefix.is_empty() {
        String::new()
    } else {
        format!("{prefix}{name}")
    }
}

fn account(items: u64, sum: u64) -> Markup {
    html! {
        (plural(items, "item")) " "
        @match items.cmp(&sum) {
            Ordering::Equal => span.good { "✓ each with one outcome" },
            Ordering::Greater => span.quiet { (count(items - sum)) " on the way" },
            Ordering::Less => span.bad { "✗ " (count(sum - items)) " outcomes too many: run `hilo doctor`" },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_says_whether_it_adds_up() {
        let said = |items, sum| account(items, sum).into_string();
        assert!(said(5, 5).contains("✓ each with one outcome"));
        assert!(said(5, 3).contains("2 on the way"));
        assert!(said(3, 5).contains("2 outcomes too many"));
    }
}
