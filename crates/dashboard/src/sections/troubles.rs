//! Warnings and dead letters.

use super::fact;
use crate::format::{count, plural, words};
use crate::model::{ReasonCount, Severity, Warning};
use maud::{Markup, html};

pub(super) fn warnings(warnings: &[Warning]) -> Markup {
    html! {
        @for warning in warnings {
            @let (class, word) = match warning.severity {
                Severity::Notice => ("warning", "Note"),
                Severity::Problem => ("warning problem", "Problem"),
            };
            p class=(class) data-key=(warning.text) { b { (word) ": " } (warning.text) " " span { (warning.action) } }
        }
    }
}

pub(super) fn unavailable(reason: &str) -> Markup {
    html! {
        p.warning.problem {
            b { "Problem: " } "the page cannot be refreshed (" (reason) "). "
            span { "What it shows is old; it tries again every second." }
        }
    }
}

pub(super) fn dead_letters(reasons: &[ReasonCount]) -> Markup {
    html! {
        h2 { "Dead letters" }
        @if reasons.is_empty() {
            p.surface.nothing { "None. What cannot be read would be kept here, whole, with its reason." }
        } @else {
            ul.surface.list.reasons {
                @for reason in reasons {
                    li data-key=(reason.reason) {
                        span.who { (words(&reason.reason)) }
                        (fact(&reason.trace, &plural(reason.count, "dead letter"), &count(reason.count)))
                    }
                }
                li.hint { "Mend and replay: " code { "hilo dlq list" } }
            }
        }
    }
}
