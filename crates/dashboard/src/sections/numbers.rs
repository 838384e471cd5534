//! The numbers, each with its parts, its trend and whether it may still change.

use super::{fact, tenant_tag};
use crate::catalogue::{self, Better, Unit};
use crate::chart::{self, Base};
use crate::format::{amount, count, duration, percent, span, words};
use crate::model::{NumberCard, Point};
use hilo_contracts::facts::Metric;
use maud::{Markup, html};

/// Cards beside each other on a wide screen; a smaller group shares its row with the next.
const COLUMNS: usize = 4;

pub(super) fn render(cards: &[NumberCard], several_tenants: bool) -> Markup {
    let mut ordered: Vec<&NumberCard> = cards.iter().collect();
    ordered.sort_by_key(|card| catalogue::place(&card.row.metric).1);
    html! {
        h2 { "Numbers" }
        @if cards.is_empty() {
            p.surface.nothing { "No number yet: the first follows the first message or send." }
        }
        div.groups {
            @for group in catalogue::GROUPS {
                @let members: Vec<&&NumberCard> =
                    ordered.iter().filter(|card| catalogue::place(&card.row.metric).0 == *group).collect();
                @if !members.is_empty() {
                    div class={ "group span-" (members.len().min(COLUMNS)) } data-key=(group) {
                        h3 { (group) }
                        @for card in members { (self::card(card, several_tenants)) }
                    }
                }
            }
        }
    }
}

fn card(card: &NumberCard, several_tenants: bool) -> Markup {
    let row = &card.row;
    let (entry, business) = catalogue::find(&row.metric);
    let unit = entry.map_or(Unit::Plain, |entry| entry.unit);
    let better = entry.map_or(Better::Neither, |entry| entry.better);
    let title = entry.map_or_else(|| words(&row.metric), |entry| entry.title.to_owned());
    let shown = headline(row, unit).map_or_else(|| "–".to_owned(), |value| write(unit, value));
    let base = if matches!(unit, Unit::Rate(..) | Unit::Score(_)) {
        Base::Lowest
    } else {
        Base::Zero
    };
    let dimensions: Vec<&str> = row
        .dimensions
        .iter()
        .map(|dimension| dimension.value.as_str())
        .collect();
    html! {
        article.card data-key={ (row.tenant) " " (row.definition) " " (dimensions.join(" ")) } {
            h4 {
                (title)
                @if business { span.tag { "business hours" } }
                @for value in &dimensions { span.tag { (value) } }
                (tenant_tag(several_tenants, &row.tenant))
                @if row.is_final { span.state.final { "final" } } @else { span.state { "provisional" } }
            }
            p.value {
                (fact(&card.trace, &format!("{title} {shown}"), &shown))
                @if matches!(unit, Unit::Duration(_)) { span.unit { "median" } }
                @if let Unit::Score(scale) = unit { span.unit { (scale) } }
            }
            p.parts { (parts(row, unit)) }
            (delta(&card.trend, unit, better))
            @if let Some(note) = entry.and_then(|entry| entry.note) { p.note { (note) } }
            (chart::trend(&title, &card.trend, base, |value| write(unit, value)))
            p.provenance { code { (row.definition) } " rev. " (count(row.revision.unsigned_abs())) }
        }
    }
}

/// The value in front: a duration is told by its median, since one forgotten chat moves the mean.
fn headline(row: &Metric, unit: Unit) -> Option<f64> {
    match unit {
        Unit::Duration(_) => row.p50,
        _ => row.value,
    }
}

fn write(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Rate(..) => percent(value),
        Unit::Duration(_) => duration(value),
        Unit::Count(..) | Unit::Score(_) | Unit::Plain => amount(value),
    }
}

fn parts(row: &Metric, unit: Unit) -> Markup {
    let numerator = amount(row.numerator.unwrap_or_default());
    let denominator = row.denominator.map(amount);
    html! {
        @match (unit, denominator) {
            (Unit::Rate(part, whole) | Unit::Count(part, whole), Some(denominator)) => {
                b { (numerator) } " " (part) " of " b { (denominator) } " " (whole)
            },
            (Unit::Rate(part, _) | Unit::Count(part, _), None) => { b { (numerator) } " " (part) ", without a base" },
            (Unit::Duration(noun), _) => {
                "p90 " b { (row.p90.map_or_else(|| "–".to_owned(), duration)) }
                " · mean " b { (row.value.map_or_else(|| "–".to_owned(), duration)) }
                " · " b { (count(row.count.unsigned_abs())) } " " (noun)
            },
            (Unit::Score(_), _) => { "mean of " b { (count(row.count.unsigned_abs())) } " answers" },
            (Unit::Plain, Some(denominator)) => { b { (numerator) } " of " b { (denominator) } },
            (Unit::Plain, None) => { b { (count(row.count.unsigned_abs())) } " counted" },
        }
    }
}

/// The change over the trend, with its direction in words: colour and arrow alone are not for everybody.
fn delta(trend: &[Point], unit: Unit, better: Better) -> Markup {
    let (Some(first), Some(last)) = (trend.first(), trend.last()) else {
        return html! {};
    };
    if first.at >= last.at {
        return html! {};
    }
    let change = last.value - first.value;
    let size = match unit {
        Unit::Rate(..) => format!("{:.1} points", change.abs() * 100.0),
        _ => write(unit, change.abs()),
    };
    let still = size.starts_with("0.0") || size == "0" || change == 0.0;
    let over = span(last.at - first.at);
    let (class, verdict) = match (still, change > 0.0, better) {
        (true, ..) | (_, _, Better::Neither) => ("delta", ""),
        (_, up, wanted) if up == (wanted == Better::Higher) => ("delta good", " · better"),
        _ => ("delta bad", " · worse"),
    };
    html! {
        p class=(class) {
            @if still { "± unchanged" } @else if change > 0.0 { "▲ up " (size) } @else { "▼ down " (size) }
            span.over { " in " (over) } (verdict)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(from: f64, to: f64) -> Vec<Point> {
        vec![Point { at: 0, value: from }, Point { at: 300_000, value: to }]
    }

    fn text(markup: &Markup) -> String {
        let mut inside = false;
        let shown = |c: &char| {
            inside = (inside || *c == '<') && *c != '>';
            !inside && *c != '>'
        };
        markup.0.replace('\u{a0}', " ").chars().filter(shown).collect()
    }

    #[test]
    fn a_change_is_told_in_words_and_judged_by_the_metric() {
        let rate = Unit::Rate("delivered", "accepted");
        let told = |from, to, better| text(&delta(&points(from, to), rate, better));
        assert_eq!(told(0.95, 0.97, Better::Higher), "▲ up 2.0 points in 5 min · better");
        assert_eq!(told(0.95, 0.97, Better::Lower), "▲ up 2.0 points in 5 min · worse");
        assert_eq!(told(0.97, 0.95, Better::Neither), "▼ down 2.0 points in 5 min");
        assert_eq!(told(0.97, 0.970_1, Better::Higher), "± unchanged in 5 min");
        assert_eq!(
            text(&delta(&points(40.0, 30.0), Unit::Duration("x"), Better::Lower)),
            "▼ down 10 s in 5 min · better"
        );
    }

    #[test]
    fn the_parts_stand_beside_every_number() {
        let row = Metric {
            numerator: Some(97.0),
            denominator: Some(100.0),
            value: Some(58.25),
            count: 1_200,
            p50: Some(42.0),
            p90: Some(190.0),
            ..Metric::default()
        };
        let told = |unit| text(&parts(&row, unit));
        assert_eq!(
            told(Unit::Rate("delivered", "accepted")),
            "97 delivered of 100 accepted"
        );
        assert_eq!(
            told(Unit::Duration("turns")),
            "p90 3 min 10 s · mean 58 s · 1,200 turns"
        );
        assert_eq!(headline(&row, Unit::Duration("turns")), Some(42.0));
        let loose = Metric {
            denominator: None,
            ..row
        };
        assert_eq!(
            text(&parts(&loose, Unit::Rate("people opted out", "people"))),
            "97 people opted out, without a base"
        );
    }
}
