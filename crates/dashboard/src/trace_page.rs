//! The story of one id as a page, and as JSON; both masked.

use crate::format::{self, words};
use crate::mask;
use crate::page;
use crate::trace::{Stage, Step, Trace};
use hilo_domain::time::to_rfc3339;
use maud::{Markup, html};
use serde_json::{Value, json};

/// Fields of a record that are shown at once; the rest is one click away.
const FIELDS: usize = 12;

/// The story, in order.
pub(crate) fn render(trace: &Trace) -> Markup {
    let main = html! {
        nav aria-label="Breadcrumb" { a href="/" { "← Dashboard" } }
        h1 { span.kind { (words(&trace.kind)) } " " (mask::identifier(&trace.id).as_str()) }
        p.lead {
            @let shown = trace.steps.len() as u64;
            @if trace.total > shown { "The latest " (format::count(shown)) " of " (format::plural(trace.total, "step")) }
            @else { (format::plural(shown, "step")) }
            ", from the raw bytes to the numbers. Personal data is masked: "
            code { "hilo trace" } " on the machine shows it."
        }
        @if trace.steps.is_empty() { p.surface.nothing { "No fact stands behind it yet." } }
        ol.story {
            @for (index, step) in trace.steps.iter().enumerate() {
                @let first = index == 0 || trace.steps[index - 1].stage != step.stage;
                li class={ "step " (step.stage.as_str()) } {
                    @if first { h2 { (stage(step.stage)) } }
                    (self::step(step))
                }
            }
        }
    };
    page::shell("Trace", &html! {}, &main, false)
}

/// The page of an id without a story.
pub(crate) fn missing(id: &str, reason: &str) -> Markup {
    let main = html! {
        nav aria-label="Breadcrumb" { a href="/" { "← Dashboard" } }
        h1 { "No trace of " (mask::identifier(id).as_str()) }
        p.surface.nothing role="alert" { (reason) "." }
    };
    page::shell("Trace", &html! {}, &main, false)
}

/// The story for programs.
pub(crate) fn to_json(trace: &Trace) -> Value {
    let step = |step: &Step| {
        let links: Vec<Value> = step
            .links
            .iter()
            .map(|link| json!({"label": mask::text(&link.label), "id": mask::identifier(&link.id).as_str()}))
            .collect();
        json!({
            "stage": step.stage.as_str(),
            "at": to_rfc3339(step.at),
            "title": mask::text(&step.title),
            "topic": step.topic,
            "content": mask::json(&step.content),
            "links": links,
        })
    };
    json!({
        "id": mask::identifier(&trace.id).as_str(),
        "kind": trace.kind,
        "total": trace.total.max(trace.steps.len() as u64),
        "steps": trace.steps.iter().map(step).collect::<Vec<Value>>(),
    })
}

fn step(step: &Step) -> Markup {
    let content = mask::json(&step.content);
    let mut fields = Vec::new();
    flatten(&content, "", "", &mut fields);
    let pretty = serde_json::to_string_pretty(&content).unwrap_or_default();
    html! {
        article {
            header {
                h3 { (title(step)) }
                time datetime=(to_rfc3339(step.at)) { (to_rfc3339(step.at)) }
                @if let Some(topic) = &step.topic { code { (topic) } }
            }
            @if step.stage != Stage::Raw {
                dl {
                    @for (name, value) in fields.iter().take(FIELDS) { div { dt { (name) } dd { (value) } } }
                }
            }
            @if step.stage == Stage::Raw || fields.len() > FIELDS {
                details { summary { "The whole record" } pre tabindex="0" { (pretty) } }
            }
            @let links: Vec<_> = step.links.iter().filter(|link| mask::is_linkable(&link.id)).collect();
            @if !links.is_empty() {
                p.links {
                    @for link in links { a href=(page::trace_path(&link.id)) { (mask::text(&link.label)) " →" } }
                }
            }
        }
    }
}

/// A kind in words, with a capital; a definition as it is written everywhere else.
fn title(step: &Step) -> String {
    let title = mask::text(&step.title);
    if title.contains('@') {
        return title;
    }
    let mut rest = words(&title);
    if let Some(first) = rest.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    rest
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Raw => "Raw bytes",
        Stage::Item => "Items",
        Stage::Fact => "Facts",
        Stage::Golden => "Golden record",
        Stage::CrmWrite => "CRM writes",
        Stage::Metric => "Numbers",
    }
}

/// The leaves with their paths; nulls say nothing and are left out.
fn flatten(value: &Value, key: &str, path: &str, out: &mut Vec<(String, String)>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, inner) in fields {
                flatten(inner, name, &below(name), out);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                flatten(inner, key, &below(&index.to_string()), out);
            }
        }
        Value::Number(number) if mask::is_time(key) => {
            let told = number.as_i64().filter(|at| *at > 1_000_000_000_000).map(to_rfc3339);
            out.push((path.to_owned(), told.unwrap_or_else(|| number.to_string())));
        }
        Value::String(text) => out.push((path.to_owned(), text.clone())),
        other => out.push((path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Link;

    fn story() -> Trace {
        let step = |stage, title: &str, content| Step {
            stage,
            at: 1_777_899_600_000,
            title: title.into(),
            topic: Some("hilo.conversation".into()),
            content,
            links: vec![
                Link {
                    label: "person".into(),
                    id: "a1b2".into(),
                },
                Link {
                    label: "message".into(),
                    id: "wamid.HBgLNTY5NjEyMzQ1NjcVAgASGBQz".into(),
                },
            ],
        };
        let fact =
            json!({"event_time": 1_777_899_600_000_i64, "content": "Hola, soy Camila", "person_id": "a1b2", "x": null});
        Trace {
            id: "wamid.HBgLNTY5NjEyMzQ1NjcVAgASGBQz".into(),
            kind: "message".into(),
            steps: vec![
                step(
                    Stage::Raw,
                    "delivery",
                    json!({"from": "56961234567", "text": {"body": "Hola, soy Camila"}}),
                ),
                step(Stage::Fact, "message_received", fact),
            ],
            total: 9,
        }
    }

    #[test]
    fn the_story_names_nobody() {
        for shown in [render(&story()).into_string(), to_json(&story()).to_string()] {
            for secret in ["56961234567", "Camila", "HBgLNTY5"] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
            assert!(shown.contains("2026-05-04T13:00:00Z") && shown.contains("wamid ··· GBQz"));
        }
    }

    #[test]
    fn the_page_tells_stages_steps_and_where_to_go_on() {
        let shown = render(&story()).into_string();
        let raw = shown.find("Raw bytes").unwrap();
        let facts = shown.find("<h2>Facts").unwrap();
        assert!(raw < facts && shown.contains("Message received") && shown.contains("href=\"/trace/a1b2\""));
        assert!(shown.contains("The latest 2 of 9 steps"));
        assert!(!shown.contains("href=\"/trace/wamid"));
    }

    #[test]
    fn whatever_stands_in_an_id_is_escaped() {
        let shown = missing("<script>alert(1)</script>", "nothing is known").into_string();
        assert!(!shown.contains("<script>alert") && shown.contains("&lt;script&gt;"));
    }
}
