//! What flows, and how far behind the page is.

use super::fact;
use crate::chart::{self, Base};
use crate::format;
use crate::model::{Flow, Lag};
use maud::{Markup, html};

pub(super) fn render(flows: &[Flow], lag: &Lag) -> Markup {
    html! {
        h2 { "Now" }
        div.panels {
            @for flow in flows {
                @let rate = format::per_second(flow.per_second);
                article.panel data-key=(flow.name) {
                    h3 { (flow.name) }
                    p.value { (fact(&flow.trace, &format!("{} {rate} per second", flow.name), &rate)) span.unit { "/s" } }
                    p.parts { (format::count(flow.total)) " in all" }
                    (chart::trend(&format!("{} per second", flow.name), &flow.trend, Base::Zero, format::per_second))
                }
            }
            article.panel data-key="lag" {
                @let age = format::duration(lag.seconds);
                h3 { "Lag" }
                p.value { (fact(&lag.trace, &format!("Lag {age}"), &age)) }
                p.parts {
                    @if lag.records == 0 { "nothing waits" } @else { (format::plural(lag.records, "record")) " waiting" }
                }
                (chart::trend("Lag", &lag.trend, Base::Zero, format::duration))
            }
        }
    }
}
