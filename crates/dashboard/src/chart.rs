//! Trends as SVG. The lines stretch with the page, the labels are text beside them, so that they stay legible.

use crate::format;
use crate::model::Point;
use maud::{Markup, html};
use std::fmt::Write as _;

/// Height of the drawing in its own units; its width is 100.
const HEIGHT: f64 = 40.0;
/// Room above and below, so that the stroke is not cut.
const MARGIN: f64 = 2.0;

/// Where the vertical axis begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// At zero: amounts.
    Zero,
    /// At the lowest value: ratios that move little.
    Lowest,
}

/// A trend with its axes. `write` tells a value as text.
pub(crate) fn trend(name: &str, points: &[Point], base: Base, write: impl Fn(f64) -> String) -> Markup {
    let points: Vec<Point> = points.iter().copied().filter(|point| point.value.is_finite()).collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return no_trend();
    };
    if first.at >= last.at {
        return no_trend();
    }
    let lowest = points.iter().map(|point| point.value).fold(f64::INFINITY, f64::min);
    let highest = points.iter().map(|point| point.value).fold(f64::NEG_INFINITY, f64::max);
    let from = if base == Base::Zero { lowest.min(0.0) } else { lowest };
    let (line, area) = paths(&points, from, highest);
    let start = format!("{} ago", format::span(last.at - first.at));
    html! {
        figure.chart {
            div.plot {
                div.y aria-hidden="true" {
                    span { (write(highest)) }
                    span { (write(from)) }
                }
                svg viewBox={ "0 0 100 " (HEIGHT) } preserveAspectRatio="none" role="img" {
                    title {
                        (name) " from " (start) " until now: lowest " (write(lowest)) ", highest " (write(highest))
                        ", latest " (write(last.value)) "."
                    }
                    path.area d=(area) {}
                    path.line d=(line) vector-effect="non-scaling-stroke" {}
                }
            }
            figcaption.x aria-hidden="true" {
                span { (start) }
                span { "now" }
            }
        }
    }
}

/// A share of a whole as a bar without text; the number stands beside it.
pub(crate) fn bar(share: f64) -> Markup {
    let width = format!("{:.1}%", share.clamp(0.0, 1.0) * 100.0);
    html! {
        svg.bar aria-hidden="true" {
            rect.rail width="100%" height="100%" {}
            rect.fill width=(width) height="100%" {}
        }
    }
}

/// Shares of one whole beside each other: (class, share).
pub(crate) fn stack(name: &str, shares: &[(&str, f64)]) -> Markup {
    let starts = shares
        .iter()
        .scan(0.0, |from, (_, share)| Some(std::mem::replace(from, *from + share)));
    html! {
        svg.stack role="img" {
            title { (name) }
            rect.rail width="100%" height="100%" {}
            @for ((class, share), start) in shares.iter().zip(starts) {
                @if *share > 0.0 {
                    rect class=(class) x=(format!("{:.2}%", start * 100.0)) width=(format!("{:.2}%", share * 100.0))
                        height="100%" {}
                }
            }
        }
    }
}

fn no_trend() -> Markup {
    html! { figure.chart.empty { p { "The trend begins with the second reading." } } }
}

/// Line and filled area of points that span some time.
fn paths(points: &[Point], from: f64, to: f64) -> (String, String) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return Default::default();
    };
    let span = (last.at - first.at) as f64;
    let range = to - from;
    let mut line = String::with_capacity(points.len() * 12);
    for point in points {
        let x = (point.at - first.at) as f64 / span * 100.0;
        // A flat line lies in the middle, unless it lies at zero.
        let share = if range > 0.0 {
            (point.value - from) / range
        } else if from == 0.0 {
            0.0
        } else {
            0.5
        };
        let y = HEIGHT - MARGIN - share * (HEIGHT - 2.0 * MARGIN);
        // Writing to a String cannot fail.
        let _ = write!(line, "{}{x:.2} {y:.2}", if line.is_empty() { "M" } else { "L" });
    }
    let area = format!("{line}L100 {HEIGHT}L0 {HEIGHT}Z");
    (line, area)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[f64]) -> Vec<Point> {
        values
            .iter()
            .enumerate()
            .map(|(second, value)| Point {
                at: second as i64 * 1_000,
                value: *value,
            })
            .collect()
    }

    #[test]
    fn a_trend_runs_from_corner_to_corner() {
        let (line, area) = paths(&points(&[0.0, 5.0, 10.0]), 0.0, 10.0);
        assert_eq!(line, "M0.00 38.00L50.00 20.00L100.00 2.00");
        assert_eq!(area, "M0.00 38.00L50.00 20.00L100.00 2.00L100 40L0 40Z");
    }

    #[test]
    fn the_title_tells_what_the_eye_sees() {
        let drawn = trend("Rate", &points(&[3.0, 1.0, 2.0]), Base::Zero, |value| {
            format!("{value}/s")
        })
        .into_string();
        assert!(drawn.contains("Rate from 2\u{a0}s ago until now: lowest 1/s, highest 3/s, latest 2/s."));
        assert!(drawn.contains("<span>0/s</span>"));
    }

    #[test]
    fn less_than_two_instants_are_no_trend() {
        for values in [&[][..], &[1.0], &[f64::NAN, 1.0]] {
            assert!(
                trend("x", &points(values), Base::Zero, format::amount)
                    .into_string()
                    .contains("second reading")
            );
        }
    }

    #[test]
    fn a_flat_line_is_drawn_inside() {
        let middle = paths(&points(&[7.0, 7.0]), 7.0, 7.0).0;
        let zero = paths(&points(&[0.0, 0.0]), 0.0, 0.0).0;
        assert_eq!(
            (middle.as_str(), zero.as_str()),
            ("M0.00 20.00L100.00 20.00", "M0.00 38.00L100.00 38.00")
        );
    }
}
