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
                // One reading says how much there is, not how fast it grows.
                @let known = !flow.trend.is_empty();
                @let rate = if known { format::per_second(flow.per_second) } else { "–".to_owned() };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Point;

    #[test]
    fn a_rate_is_told_from_the_second_reading_on() {
        let shown = |trend| {
            let flow = Flow {
                name: "Statuses".to_owned(),
                per_second: 0.0,
                total: 7,
                trend,
                trace: "number:delivery_rate".to_owned(),
            };
            render(&[flow], &Lag::default()).into_string()
        };
        assert!(shown(vec![]).contains("– per second"));
        assert!(shown(vec![Point { at: 1, value: 0.0 }]).contains("0 per second"));
    }
}
