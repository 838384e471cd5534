//! CRMs: whether each takes what is written, how far it is behind, and what it refused.

use super::{fact, tenant_tag};
use crate::format::{count, duration, instant, percent, plural, words};
use crate::model::{CrmBudget, CrmCard, CrmObject, CrmRejection, CrmStanding};
use crate::{chart, mask, page};
use hilo_domain::Millis;
use hilo_domain::time::{SECOND, to_rfc3339};
use maud::{Markup, html};

/// Nothing where no tenant has a CRM.
pub(super) fn render(cards: &[CrmCard], now: Millis, several_tenants: bool) -> Markup {
    html! {
        @if !cards.is_empty() {
            h2 { "CRM" }
            @for card in cards { (self::card(card, now, several_tenants)) }
        }
    }
}

/// A CRM that takes nothing, for those who hear it.
pub(super) fn summary(card: &CrmCard) -> Option<String> {
    let standing = match card.standing {
        CrmStanding::Unknown | CrmStanding::Open => return None,
        CrmStanding::Paused => "paused",
        CrmStanding::Stopped => "stopped",
    };
    Some(format!("CRM {} {standing}", name(&card.sink)))
}

fn name(sink: &str) -> &str {
    match sink {
        "hubspot" => "HubSpot",
        other => other,
    }
}

fn card(card: &CrmCard, now: Millis, several_tenants: bool) -> Markup {
    let (class, standing) = match card.standing {
        CrmStanding::Unknown => ("state", "nothing said yet"),
        CrmStanding::Open => ("state final", "open"),
        CrmStanding::Paused => ("state waiting", "paused"),
        CrmStanding::Stopped => ("state stopped", "stopped"),
    };
    html! {
        article.surface.crm data-key={ (card.tenant) " " (card.sink) } {
            header {
                h3 { (name(&card.sink)) }
                (tenant_tag(several_tenants, &card.tenant))
                span class=(class) { (standing) }
            }
            (trouble(card))
            dl.readings {
                div {
                    dt { "Behind" }
                    dd { b { (plural(card.waiting, "record")) } small { (since(card, now)) } }
                }
                div {
                    dt { "Last outcome" }
                    dd {
                        @match card.last_at {
                            Some(at) => {
                                b { time datetime=(to_rfc3339(at)) { (instant(at)) } }
                                small { (plural(card.last_minute, "outcome")) " in the minute before it" }
                            }
                            None => { b { "–" } small { "none yet" } }
                        }
                    }
                }
                div { dt { "Calls of the day" } dd { (budget(card.budget)) } }
            }
            @if !card.objects.is_empty() { (objects(&card.objects)) }
            @if !card.outcomes.is_empty() {
                p.tally {
                    "By outcome: "
                    @for (index, outcome) in card.outcomes.iter().enumerate() {
                        @if index > 0 { ", " }
                        (words(&outcome.reason)) " "
                        (fact(&outcome.trace, &format!("{} {}", words(&outcome.reason), count(outcome.count)), &count(outcome.count)))
                    }
                }
            }
            @if !card.rejected.is_empty() {
                h4 { "Rejected, and what to do" }
                ul.rejections { @for rejection in &card.rejected { (self::rejection(rejection)) } }
            }
        }
    }
}

/// Why it does not go on, until when, and what to do.
fn trouble(card: &CrmCard) -> Markup {
    let (class, word, otherwise) = match card.standing {
        CrmStanding::Unknown | CrmStanding::Open => return html! {},
        CrmStanding::Paused => ("warning", "Paused", "It goes on by itself."),
        CrmStanding::Stopped => (
            "warning problem",
            "Stopped",
            "Read the last error in the log of the writer.",
        ),
    };
    html! {
        p class=(class) {
            b {
                (word)
                @if let Some(until) = card.until { " until " time datetime=(to_rfc3339(until)) { (instant(until)) } }
                @if let Some(code) = &card.code { " (" (words(code.as_str())) ")" }
                ": "
            }
            @match &card.action { Some(action) => (action.as_str()), None => (otherwise) }
        }
    }
}

/// How long the oldest record waits.
fn since(card: &CrmCard, now: Millis) -> String {
    match card.waiting_since {
        Some(at) if card.waiting > 0 => {
            let seconds = now.saturating_sub(at).max(0) as f64 / SECOND as f64;
            format!("the oldest waits for {}", duration(seconds))
        }
        _ => "nothing waits".to_owned(),
    }
}

fn budget(budget: Option<CrmBudget>) -> Markup {
    html! {
        @match budget {
            Some(CrmBudget { used, limit }) => {
                @let share = used as f64 / limit.max(1) as f64;
                b { (percent(share)) } small { (count(used)) " of " (count(limit)) " used" }
                (chart::bar(share))
            }
            None => { b { "–" } small { "the CRM does not say" } }
        }
    }
}

fn objects(objects: &[CrmObject]) -> Markup {
    let has_outcomes = objects
        .iter()
        .any(|object| object.written.is_some() || object.rejected.is_some());
    html! {
        table.objects role="table" {
            caption {
                "Records that the CRM should hold"
                @if has_outcomes { "; written counts those that it held already" }
                "."
            }
            thead role="rowgroup" {
                tr role="row" {
                    th role="columnheader" scope="col" { "Object" }
                    th.figure role="columnheader" scope="col" { "Desired" }
                    @if has_outcomes {
                        th.figure role="columnheader" scope="col" { "Written" }
                        th.figure role="columnheader" scope="col" { "Rejected" }
                    }
                }
            }
            tbody role="rowgroup" {
                @for object in objects {
                    tr role="row" data-key=(object.object) {
                        th.name role="rowheader" scope="row" { (words(&object.object)) }
                        td.figure role="cell" data-label="Desired" {
                            (fact(&object.trace, &plural(object.desired, &words(&object.object)), &count(object.desired)))
                        }
                        @if has_outcomes {
                            (outcome("Written", object.written))
                            (outcome("Rejected", object.rejected))
                        }
                    }
                }
            }
        }
    }
}

fn outcome(label: &str, records: Option<u64>) -> Markup {
    html! {
        td.figure role="cell" data-label=(label) { @match records { Some(records) => (count(records)), None => "–" } }
    }
}

fn rejection(rejection: &CrmRejection) -> Markup {
    let field = rejection.field.as_ref().map(mask::Masked::as_str).unwrap_or_default();
    html! {
        li data-key={ (rejection.code.as_str()) " " (field) } {
            b.amount { (count(rejection.count)) }
            span.who { (words(rejection.code.as_str())) @if !field.is_empty() { " " code { (field) } } }
            span.what {
                @match &rejection.action {
                    Some(action) => (action.as_str()),
                    None => { "Look at them: " code { "hilo crm rejected list" } "." },
                }
                @if mask::is_opaque(&rejection.example) {
                    " For example " a href=(page::trace_path(&rejection.example)) { code { (rejection.example) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Masked;

    const NOW: Millis = 1_777_899_600_000;

    fn shown(card: CrmCard) -> String {
        render(&[card], NOW, false).into_string().replace('\u{a0}', " ")
    }

    #[test]
    fn without_a_crm_there_is_no_section() {
        assert_eq!(render(&[], NOW, true).into_string(), "");
    }

    #[test]
    fn a_writer_that_said_nothing_is_no_open_one() {
        let text = shown(CrmCard {
            sink: "hubspot".into(),
            ..CrmCard::default()
        });
        assert!(text.contains("HubSpot") && text.contains("nothing said yet") && text.contains("nothing waits"));
        assert!(text.contains("the CRM does not say") && !text.contains("warning") && !text.contains("<table"));
    }

    #[test]
    fn what_stands_still_says_until_when_and_what_to_do() {
        let paused = CrmCard {
            standing: CrmStanding::Paused,
            until: Some(NOW + 60_000),
            code: Some(Masked::crm_code("daily")),
            action: Masked::crm_action("The calls of the day are gone, Camila."),
            waiting: 1_204,
            waiting_since: Some(NOW - 190_000),
            ..CrmCard::default()
        };
        let text = shown(paused.clone());
        assert!(text.contains("Paused until") && text.contains("2026-05-04 13:01:00 UTC") && text.contains("(daily)"));
        assert!(
            text.contains("1,204 records") && text.contains("the oldest waits for 3 min 10 s"),
            "{text}"
        );
        assert!(
            !text.contains("Camila") && text.contains("It goes on by itself."),
            "{text}"
        );
        let stopped = CrmCard {
            standing: CrmStanding::Stopped,
            action: None,
            ..paused
        };
        assert_eq!(summary(&stopped).unwrap(), "CRM  stopped");
        assert!(shown(stopped).contains("Read the last error in the log of the writer."));
    }

    #[test]
    fn objects_have_the_outcomes_that_the_source_counts() {
        let object = |written| CrmObject {
            object: "ticket".into(),
            desired: 12_345,
            written,
            ..CrmObject::default()
        };
        let card = |object| CrmCard {
            objects: vec![object],
            ..CrmCard::default()
        };
        let text = shown(card(object(None)));
        assert!(text.contains("12,345") && !text.contains("Written"));
        let text = shown(card(object(Some(12_000))));
        assert!(text.contains("Written") && text.contains("12,000") && text.contains("–"));
    }

    #[test]
    fn a_rejection_leads_to_one_of_its_records_and_to_nobody() {
        let rejected = |code: &str, field: &str, example: &str| CrmCard {
            rejected: vec![CrmRejection {
                code: Masked::crm_code(code),
                field: Some(Masked::property(field)),
                action: None,
                count: 3,
                example: example.into(),
            }],
            ..CrmCard::default()
        };
        let key = "gr_0190b7c2aa0f4e7d12345678";
        let text = shown(rejected("invalid_option", "motivo_consulta", key));
        assert!(
            text.contains(&format!("href=\"/trace/{key}\"")) && text.contains("invalid option"),
            "{text}"
        );
        assert!(text.contains("motivo_consulta") && text.contains("hilo crm rejected list"));
        let text = shown(rejected("Camila", "tel 56961234567", "56961234567"));
        assert!(
            !text.contains("Camila") && !text.contains("56961234567") && !text.contains("href"),
            "{text}"
        );
    }
}
