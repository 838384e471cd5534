//! Reading a tree: what is missing, unknown or of the wrong kind becomes a finding, and reading goes on.

use super::finding::codes;
use super::finding::{Finding, Findings, Origin, Severity};
use super::node::{Item, Node};

/// The findings of one reading.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) findings: Findings,
}

impl Reader {
    /// Tells an error.
    pub(super) fn error(
        &mut self,
        origin: &Origin,
        code: &'static str,
        field: &str,
        message: impl Into<String>,
        action: impl Into<String>,
    ) {
        self.tell(Severity::Error, origin, code, field, message.into(), action.into());
    }

    /// Tells a warning.
    pub(super) fn warning(
        &mut self,
        origin: &Origin,
        code: &'static str,
        field: &str,
        message: impl Into<String>,
        action: impl Into<String>,
    ) {
        self.tell(Severity::Warning, origin, code, field, message.into(), action.into());
    }

    fn tell(
        &mut self,
        severity: Severity,
        origin: &Origin,
        code: &'static str,
        field: &str,
        message: String,
        action: String,
    ) {
        self.findings.add(Finding {
            origin: origin.clone(),
            severity,
            code,
            field: field.to_owned(),
            message,
            action,
        });
    }

    /// Whether it is a table, and refuses keys that it cannot have.
    pub(super) fn closed(&mut self, node: &Node, path: &str, known: &[&str]) -> bool {
        if !self.is_table(node, path) {
            return false;
        }
        for (key, value) in node.entries() {
            if !known.contains(&key) {
                let message = format!("there is no key {key:?}");
                self.error(
                    &value.origin,
                    codes::UNKNOWN_KEY,
                    &under(path, key),
                    message,
                    instead(key, known),
                );
            }
        }
        true
    }

    /// Whether it is a table.
    pub(super) fn is_table(&mut self, node: &Node, path: &str) -> bool {
        let is = matches!(node.item, Item::Table(_));
        if !is {
            self.wrong(node, path, "a table");
        }
        is
    }

    pub(super) fn wrong(&mut self, node: &Node, path: &str, wanted: &str) {
        let message = format!("it is {}", node.kind());
        self.error(
            &node.origin,
            codes::WRONG_KIND,
            path,
            message,
            format!("write {wanted}"),
        );
    }

    /// A text, where the key is there.
    pub(super) fn text<'a>(&mut self, node: &'a Node, path: &str, key: &str) -> Option<&'a str> {
        let value = node.get(key)?;
        if value.text().is_none() {
            self.wrong(value, &under(path, key), "a text");
        }
        value.text()
    }

    /// A text that has to be there.
    pub(super) fn need<'a>(&mut self, node: &'a Node, path: &str, key: &str) -> Option<&'a str> {
        if node.get(key).is_none() {
            let message = format!("{key:?} is missing");
            self.error(
                &node.origin,
                codes::MISSING_KEY,
                path,
                message,
                format!("write {key} = …"),
            );
        }
        self.text(node, path, key)
    }

    /// A text out of a few.
    pub(super) fn one_of<'a>(&mut self, node: &'a Node, path: &str, key: &str, known: &[&str]) -> Option<&'a str> {
        let text = self.text(node, path, key)?;
        if known.contains(&text) {
            return Some(text);
        }
        if let Some(value) = node.get(key) {
            let message = format!("{text:?} is none of {}", known.join(", "));
            self.error(
                &value.origin,
                codes::UNKNOWN_WORD,
                &under(path, key),
                message,
                instead(text, known),
            );
        }
        None
    }

    /// True or false, where the key is there.
    pub(super) fn flag(&mut self, node: &Node, path: &str, key: &str) -> Option<bool> {
        let value = node.get(key)?;
        if let Item::Flag(flag) = value.item {
            return Some(flag);
        }
        self.wrong(value, &under(path, key), "true or false");
        None
    }

    /// A whole number from 0, where the key is there.
    pub(super) fn count(&mut self, node: &Node, path: &str, key: &str) -> Option<i64> {
        let value = node.get(key)?;
        match value.item {
            Item::Integer(number) if (0..=MOST_SECONDS).contains(&number) => return Some(number),
            _ => self.wrong(value, &under(path, key), "a whole number from 0 to 10 years in seconds"),
        }
        None
    }

    /// Texts, where the key is there: a list, or one alone.
    pub(super) fn texts(&mut self, node: &Node, path: &str, key: &str) -> Vec<(String, Origin)> {
        let Some(value) = node.get(key) else {
            return Vec::new();
        };
        let path = under(path, key);
        let nodes = match &value.item {
            Item::List(list) => list.as_slice(),
            _ => std::slice::from_ref(value),
        };
        let mut texts = Vec::new();
        for node in nodes {
            match node.text() {
                Some(text) => texts.push((text.to_owned(), node.origin.clone())),
                None => self.wrong(node, &path, "a text"),
            }
        }
        texts
    }
}

/// Times of a mapping are added to instants: beyond this they are a slip.
const MOST_SECONDS: i64 = 10 * 366 * 86_400;

/// `contact.fields` and `phone`: `contact.fields.phone`.
pub(super) fn under(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// What to write instead of a name that nobody knows.
pub(super) fn instead<'a>(wrong: &str, known: impl IntoIterator<Item = &'a &'a str>) -> String {
    let wrong = wrong.to_lowercase();
    let similarity = |name: &str| strsim::jaro_winkler(&name.to_lowercase(), &wrong);
    let best = known
        .into_iter()
        .copied()
        .max_by(|a, b| similarity(a).total_cmp(&similarity(b)));
    best.map_or_else(
        || "remove it".to_owned(),
        |name| format!("did you mean {name:?}? Else remove it"),
    )
}
