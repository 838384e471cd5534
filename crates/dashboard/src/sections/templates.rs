//! What became of the sends, by template.

use super::{fact, tenant_tag};
use crate::chart;
use crate::format::{count, ratio};
use crate::model::TemplateRow;
use maud::{Markup, html};

/// Bucket of the sends that only their statuses tell of.
const ORPHANS: &str = "unknown";

pub(super) fn render(rows: &[TemplateRow], several_tenants: bool) -> Markup {
    html! {
        h2 { "Templates" }
        @if rows.is_empty() {
            p.surface.nothing { "No template yet: sends come from `POST /v1/outbound` or from captures." }
        } @else {
            div.surface.flush {
                table.templates role="table" {
                    caption {
                        "Delivered is of the accepted, read is of the delivered and a floor, replied is of the people reached."
                    }
                    thead role="rowgroup" {
                        tr role="row" {
                            th role="columnheader" scope="col" { "Template" }
                            @for name in ["Accepted", "Delivered", "Read", "Replied", "Failed"] {
                                th.figure role="columnheader" scope="col" { (name) }
                            }
                        }
                    }
                    tbody role="rowgroup" {
                        @for row in rows { (template(row, several_tenants)) }
                    }
                }
            }
        }
    }
}

fn template(row: &TemplateRow, several_tenants: bool) -> Markup {
    let language = row.language.as_deref().unwrap_or_default();
    let orphans = row.template == ORPHANS;
    html! {
        tr role="row" data-key={ (row.tenant) " " (row.template) " " (language) } {
            th.name role="rowheader" scope="row" {
                (fact(&row.trace, &row.template, &row.template))
                small {
                    @if orphans { "sends known only from their statuses" }
                    @for word in [language, row.category.as_deref().unwrap_or_default()] {
                        @if !word.is_empty() && !orphans { span.tag { (word) } }
                    }
                    (tenant_tag(several_tenants, &row.tenant))
                    @if !row.is_final { span.tag.open { "provisional" } }
                }
            }
            td.figure role="cell" data-label="Accepted" { b { (count(row.sent)) } }
            (share("Delivered", row.delivered, row.sent))
            (share("Read", row.read, row.delivered))
            @if orphans {
                td.figure role="cell" data-label="Replied" { b { "–" } small { "not attributed" } }
            } @else {
                (share("Replied", row.replied, row.persons))
            }
            td.figure role="cell" data-label="Failed" {
                b { (ratio(row.failed, row.sent)) }
                small {
                    (count(row.failed)) " of " (count(row.sent))
                    @if row.marketing_cap > 0 { br; (count(row.marketing_cap)) " by marketing cap" }
                }
            }
        }
    }
}

fn share(label: &str, part: u64, whole: u64) -> Markup {
    html! {
        td.figure role="cell" data-label=(label) {
            b { (ratio(part, whole)) }
            small { (count(part)) " of " (count(whole)) }
            @if whole > 0 { (chart::bar(part as f64 / whole as f64)) }
        }
    }
}
