//! Reading rules with their examples: an example that does not hold is a finding.

use super::finding::{Origin, codes};
use super::native::LONGEST_TEXT;
use super::node::Node;
use super::policy::{Cause, PLACEHOLDERS, Rule, When};
use super::reader::{Reader, instead, under};
use super::words::PRIORITIES;
use hilo_domain::ErrorClass;
use std::collections::BTreeSet;

const KEYS: &[&str] = &[
    "name",
    "version",
    "when",
    "subject",
    "body",
    "link",
    "priority",
    "due_seconds",
    "examples",
    "off",
];
const CAUSES: &[&str] = &["failed", "unanswered", "tagged", "rated"];
const INSTRUMENTS: &[&str] = &["csat", "ces"];

/// Reads `[[rules]]`.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Vec<Rule> {
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for node in node.list() {
        let Some(name) = reader.need(node, "rules", "name") else {
            continue;
        };
        let path = under("rules", name);
        if !reader.closed(node, &path, KEYS) || reader.flag(node, &path, "off") == Some(true) {
            continue;
        }
        if !names.insert(name.to_owned()) {
            let message = "two rules have this name";
            reader.error(
                &node.origin,
                codes::DUPLICATE_FIELD,
                &path,
                message,
                "rename one of the two",
            );
        }
        if let Some(rule) = rule(reader, node, &path, name) {
            examples(reader, node, &path, &rule);
            rules.push(rule);
        }
    }
    rules
}

fn rule(reader: &mut Reader, node: &Node, path: &str, name: &str) -> Option<Rule> {
    let subject = reader.need(node, path, "subject")?.to_owned();
    let body = reader.text(node, path, "body").unwrap_or_default().to_owned();
    for (key, text) in [("subject", &subject), ("body", &body)] {
        words(
            reader,
            node.get(key).map_or(&node.origin, |it| &it.origin),
            &under(path, key),
            text,
        );
    }
    let link = reader.text(node, path, "link").filter(|link| !link.is_empty());
    if let Some(link) = link.filter(|link| !link.starts_with("https://")) {
        let message = format!("{link:?} is no link");
        reader.error(
            &node.origin,
            codes::BAD_VALUE,
            &under(path, "link"),
            message,
            "begin it with https://",
        );
    }
    let version = reader.count(node, path, "version").unwrap_or(1);
    Some(Rule {
        name: name.to_owned(),
        version: u32::try_from(version).unwrap_or(u32::MAX),
        when: when(reader, node, path)?,
        subject,
        body,
        link: link.map(str::to_owned),
        priority: reader
            .one_of(node, path, "priority", PRIORITIES)
            .unwrap_or("medium")
            .to_owned(),
        due_seconds: reader.count(node, path, "due_seconds").unwrap_or(86_400),
    })
}

/// Placeholders have to be known, and the text short enough.
fn words(reader: &mut Reader, origin: &Origin, path: &str, text: &str) {
    for part in text.split('{').skip(1) {
        let name = part.split_once('}').map_or(part, |(name, _)| name);
        if !PLACEHOLDERS.contains(&name) {
            let message = format!("there is no placeholder {{{name}}}");
            reader.error(origin, codes::UNKNOWN_WORD, path, message, instead(name, &PLACEHOLDERS));
        }
    }
    if text.chars().count() > LONGEST_TEXT {
        let message = format!("it has more than {LONGEST_TEXT} characters");
        reader.error(origin, codes::TOO_LONG, path, message, "write a shorter one");
    }
}

/// The one cause of a table, with its own table.
fn cause<'a>(reader: &mut Reader, node: &'a Node, path: &str, key: &str) -> Option<(&'a str, &'a Node, String)> {
    let Some(table) = node.get(key) else {
        let message = format!("{key:?} is missing");
        let action = format!("write {key}.CAUSE = {{ … }} with one of {}", CAUSES.join(", "));
        reader.error(&node.origin, codes::MISSING_KEY, path, message, action);
        return None;
    };
    let path = under(path, key);
    if !reader.closed(table, &path, CAUSES) {
        return None;
    }
    let entries = table.entries();
    let [(name, node)] = entries.as_slice() else {
        let message = format!("it has {} causes", entries.len());
        reader.error(&table.origin, codes::MISSING_KEY, &path, message, "write one cause");
        return None;
    };
    Some((name, node, under(&path, name)))
}

fn when(reader: &mut Reader, node: &Node, path: &str) -> Option<When> {
    let (name, node, path) = cause(reader, node, path, "when")?;
    let texts = |reader: &mut Reader, key: &str| -> Vec<String> {
        reader
            .texts(node, &path, key)
            .into_iter()
            .map(|(text, _)| text)
            .collect()
    };
    let some = |reader: &mut Reader, words: &[&Vec<String>], keys: &str| {
        if words.iter().all(|words| words.is_empty()) {
            reader.error(
                &node.origin,
                codes::MISSING_KEY,
                &path,
                "it can never fire",
                format!("write {keys}"),
            );
        }
    };
    match name {
        "failed" => {
            reader.closed(node, &path, &["classes"]);
            for (class, origin) in reader.texts(node, &path, "classes") {
                if !ErrorClass::NAMES.contains(&class.as_str()) {
                    let message = format!("there is no class {class:?}");
                    let hint = instead(&class, &ErrorClass::NAMES);
                    reader.error(&origin, codes::UNKNOWN_WORD, &path, message, hint);
                }
            }
            let classes = texts(reader, "classes");
            some(reader, &[&classes], "classes");
            Some(When::Failed { classes })
        }
        "unanswered" => {
            reader.closed(node, &path, &["templates", "after_seconds"]);
            let templates = texts(reader, "templates");
            some(reader, &[&templates], "templates");
            let after_seconds = reader.count(node, &path, "after_seconds").unwrap_or(86_400);
            Some(When::Unanswered {
                templates,
                after_seconds,
            })
        }
        "tagged" => {
            reader.closed(node, &path, &["tags", "intents"]);
            let (tags, intents) = (texts(reader, "tags"), texts(reader, "intents"));
            some(reader, &[&tags, &intents], "tags or intents");
            Some(When::Tagged { tags, intents })
        }
        _ => {
            reader.closed(node, &path, &["instrument", "at_most"]);
            reader.need(node, &path, "instrument");
            let instrument = reader.one_of(node, &path, "instrument", INSTRUMENTS)?.to_owned();
            let at_most = reader.need(node, &path, "at_most")?.to_owned();
            if !super::transform::is_decimal(&at_most) {
                let message = format!("{at_most:?} is no score");
                reader.error(&node.origin, codes::BAD_VALUE, &path, message, "write at_most = \"2\"");
            }
            Some(When::Rated { instrument, at_most })
        }
    }
}

/// Each example says whether the rule fires; one at least has to show that it does.
fn examples(reader: &mut Reader, node: &Node, path: &str, rule: &Rule) {
    let mut shown = false;
    for node in node.get("examples").map(Node::list).unwrap_or_default() {
        let path = under(path, "examples");
        if !reader.closed(node, &path, &["given", "fires"]) {
            continue;
        }
        let Some(wanted) = reader.flag(node, &path, "fires") else {
            let message = "\"fires\" is missing";
            reader.error(
                &node.origin,
                codes::MISSING_KEY,
                &path,
                message,
                "write fires = true or false",
            );
            continue;
        };
        let Some(fires) = given(reader, node, &path, &rule.when) else {
            continue;
        };
        shown |= wanted;
        if fires != wanted {
            let (does, should) = if fires {
                ("fires", "not")
            } else {
                ("does not fire", "so")
            };
            let message = format!("the rule {does}, the example says it should {should}");
            reader.error(
                &node.origin,
                codes::EXAMPLE_FAILS,
                &path,
                message,
                "mend the rule or the example",
            );
        }
    }
    if !shown {
        let message = "no example shows that it fires";
        let action = "write [[rules.examples]] with given and fires = true";
        reader.error(&node.origin, codes::RULE_WITHOUT_EXAMPLE, path, message, action);
    }
}

fn given(reader: &mut Reader, node: &Node, path: &str, when: &When) -> Option<bool> {
    let (name, node, path) = cause(reader, node, path, "given")?;
    Some(match name {
        "failed" => {
            reader.closed(node, &path, &["class"]);
            let class = reader.need(node, &path, "class")?;
            when.fires(&Cause::Failed { class })
        }
        "unanswered" => {
            reader.closed(node, &path, &["template", "seconds"]);
            let template = reader.need(node, &path, "template")?;
            let seconds = reader.count(node, &path, "seconds").unwrap_or(0);
            when.fires(&Cause::Unanswered { template, seconds })
        }
        "tagged" => {
            reader.closed(node, &path, &["tag", "intent"]);
            let tag = reader.text(node, &path, "tag").map(Cause::Tag);
            let intent = reader.text(node, &path, "intent").map(Cause::Intent);
            tag.into_iter().chain(intent).any(|cause| when.fires(&cause))
        }
        _ => {
            reader.closed(node, &path, &["instrument", "score"]);
            let instrument = reader.need(node, &path, "instrument")?;
            let score = reader.need(node, &path, "score")?;
            when.fires(&Cause::Rated { instrument, score })
        }
    })
}
