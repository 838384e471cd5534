//! The story of one id as a page, and as JSON; both masked.

use crate::format::{self, words};
use crate::mask;
use crate::page;
use crate::trace::{Stage, Step, Trace};
use hilo_domain::time::to_rfc3339;
use hilo_service::{Reader, Role};
use maud::{Markup, html};
use serde_json::{Value, json};

/// Fields of a record that are shown at once; the rest is one click away.
const FIELDS: usize = 12;
/// Longest reason, in characters.
pub(crate) const REASON: usize = 500;

/// How a story is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Masked.
    Masked,
    /// As it is: the reader said why, and that is recorded.
    Revealed,
}

impl Sight {
    fn id(self, id: &str) -> String {
        match self {
            Self::Masked => mask::identifier(id).as_str().to_owned(),
            Self::Revealed => id.to_owned(),
        }
    }

    fn title(self, step: &Step) -> String {
        match self {
            Self::Masked => mask::title(step),
            Self::Revealed => step.title.clone(),
        }
    }

    fn content(self, step: &Step) -> Value {
        match self {
            Self::Masked => mask::content(step),
            Self::Revealed => step.content.clone(),
        }
    }
}

/// The story, in order.
pub(crate) fn render(reader: &Reader, trace: &Trace, sight: Sight) -> Markup {
    let main = html! {
        nav aria-label="Breadcrumb" { a href="/" { "← Dashboard" } }
        h1 { span.kind { (words(&trace.kind)) } " " (sight.id(&trace.id)) }
        p.lead {
            @let shown = trace.steps.len() as u64;
            @if trace.total > shown { "The latest " (format::count(shown)) " of " (format::plural(trace.total, "step")) }
            @else { (format::plural(shown, "step")) }
            ", from the raw bytes to the numbers. "
            @match sight {
                Sight::Masked => "Personal data is masked.",
                Sight::Revealed => strong { "Personal data is shown, and that you saw it is recorded." },
            }
        }
        @if sight == Sight::Masked && reader.role == Role::Operator { (reveal()) }
        @if trace.steps.is_empty() { p.surface.nothing { "No fact stands behind it yet." } }
        ol.story {
            @for (index, step) in trace.steps.iter().enumerate() {
                @let first = index == 0 || trace.steps[index - 1].stage != step.stage;
                li class={ "step " (step.stage.as_str()) } {
                    @if first { h2 { (stage(step.stage)) } }
                    (self::step(step, sight))
                }
            }
        }
    };
    page::shell(reader, "Trace", &html! {}, &main, false)
}

/// Asks why. It is sent to the page's own address, so that no id stands in the page.
fn reveal() -> Markup {
    html! {
        details.reveal {
            summary { "Show personal data" }
            form method="post" {
                label for="reason" { "Why you look: it is recorded with your name" }
                input id="reason" name="reason" type="text" autocomplete="off" required maxlength=(REASON);
                button type="submit" { "Show" }
            }
        }
    }
}

/// The page of an id without a story.
pub(crate) fn missing(reader: &Reader, id: &str, reason: &str) -> Markup {
    let main = html! {
        nav aria-label="Breadcrumb" { a href="/" { "← Dashboard" } }
        h1 { "No trace of " (mask::identifier(id).as_str()) }
        p.surface.nothing role="alert" { (reason) "." }
    };
    page::shell(reader, "Trace", &html! {}, &main, false)
}

/// The story for programs.
#[must_use]
pub fn to_json(trace: &Trace, sight: Sight) -> Value {
    let step = |step: &Step| {
        let links: Vec<Value> = step
            .links
            .iter()
            .map(|link| json!({"label": link.label, "id": sight.id(&link.id)}))
            .collect();
        json!({
            "stage": step.stage.as_str(),
            "at": to_rfc3339(step.at),
            "title": sight.title(step),
            "topic": mask::topic(step),
            "content": sight.content(step),
            "links": links,
        })
    };
    json!({
        "id": sight.id(&trace.id),
        "kind": trace.kind,
        "total": trace.total.max(trace.steps.len() as u64),
        "steps": trace.steps.iter().map(step).collect::<Vec<Value>>(),
    })
}

fn step(step: &Step, sight: Sight) -> Markup {
    let content = sight.content(step);
    let mut fields = Vec::new();
    flatten(&content, "", "", &mut fields);
    let pretty = serde_json::to_string_pretty(&content).unwrap_or_default();
    html! {
        article {
            header {
                h3 { (title(&sight.title(step))) }
                time datetime=(to_rfc3339(step.at)) { (to_rfc3339(step.at)) }
                @if let Some(topic) = mask::topic(step) { code { (topic) } }
            }
            @if step.stage != Stage::Raw {
                dl {
                    @for (name, value) in fields.iter().take(FIELDS) { div { dt { (name) } dd { (value) } } }
                }
            }
            @if step.stage == Stage::Raw || fields.len() > FIELDS {
                details { summary { "The whole record" } pre tabindex="0" { (pretty) } }
            }
            // An id in an address is in the browser's history, whoever looks.
            @let links: Vec<_> = step.links.iter().filter(|link| mask::is_opaque(&link.id)).collect();
            @if !links.is_empty() {
                p.links {
                    @for link in links { a href=(page::trace_path(&link.id)) { (link.label) " →" } }
                }
            }
        }
    }
}

/// A kind in words, with a capital; a definition as it is written everywhere else.
fn title(title: &str) -> String {
    if title.contains('@') {
        return title.to_owned();
    }
    let mut rest = words(title);
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
        Value::Number(number) if is_time(key) => {
            let told = number.as_i64().filter(|at| *at > 1_000_000_000_000).map(to_rfc3339);
            out.push((path.to_owned(), told.unwrap_or_else(|| number.to_string())));
        }
        Value::String(text) => out.push((path.to_owned(), text.clone())),
        other => out.push((path.to_owned(), other.to_string())),
    }
}

/// Columns whose number is an instant.
fn is_time(key: &str) -> bool {
    key.ends_with("_at") || matches!(key, "event_time" | "valid_from" | "valid_to")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Link;

    const PERSON: &str = "p_a1b2c3d4e5f60718293a4b5c";

    fn reader(role: Role) -> Reader {
        Reader {
            name: "ana".into(),
            role,
            scope: hilo_service::Scope::All,
        }
    }

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
                    id: PERSON.into(),
                },
                Link {
                    label: "message".into(),
                    id: "wamid.HBgLNTY5NjEyMzQ1NjcVAgASGBQz".into(),
                },
            ],
        };
        let fact =
            json!({"event_time": 1_777_899_600_000_i64, "content": "Hola, soy Camila", "person_id": PERSON, "x": null});
        Trace {
            id: "wamid.HBgLNTY5NjEyMzQ1NjcVAgASGBQz".into(),
            kind: "message".into(),
            steps: vec![
                step(
                    Stage::Raw,
                    "whatsapp",
                    json!({"from": "56961234567", "text": {"body": "Hola, soy Camila"}}),
                ),
                step(Stage::Fact, "message_received", fact),
            ],
            total: 9,
        }
    }

    #[test]
    fn the_story_names_nobody() {
        for shown in [
            render(&reader(Role::Operator), &story(), Sight::Masked).into_string(),
            to_json(&story(), Sight::Masked).to_string(),
        ] {
            for secret in ["56961234567", "Camila", "HBgLNTY5"] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
            assert!(shown.contains("2026-05-04T13:00:00Z") && shown.contains("wamid ··· GBQz"));
        }
    }

    #[test]
    fn the_page_tells_stages_steps_and_where_to_go_on() {
        let shown = render(&reader(Role::Viewer), &story(), Sight::Masked).into_string();
        let raw = shown.find("Raw bytes").unwrap();
        let facts = shown.find("<h2>Facts").unwrap();
        assert!(
            raw < facts
                && shown.contains("Message received")
                && shown.contains("href=\"/trace/p_a1b2c3d4e5f60718293a4b5c\"")
        );
        assert!(shown.contains("The latest 2 of 9 steps"));
        assert!(!shown.contains("href=\"/trace/wamid"));
    }

    #[test]
    fn who_may_reveal_sees_where_and_what_was_revealed() {
        let masked = |role| render(&reader(role), &story(), Sight::Masked).into_string();
        assert!(
            masked(Role::Operator).contains("name=\"reason\"") && !masked(Role::Viewer).contains("name=\"reason\"")
        );
        let revealed = render(&reader(Role::Operator), &story(), Sight::Revealed).into_string();
        assert!(revealed.contains("56961234567") && revealed.contains("Hola, soy Camila"));
        // An address stays in the history of a browser.
        assert!(!revealed.contains("href=\"/trace/wamid"));
    }

    #[test]
    fn whatever_stands_in_an_id_is_escaped() {
        let shown = missing(&reader(Role::Viewer), "<script>alert(1)</script>", "nothing is known").into_string();
        assert!(!shown.contains("<script>alert") && shown.contains("••• 25 characters"));
    }
}
