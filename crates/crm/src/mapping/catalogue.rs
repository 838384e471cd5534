//! Catalogues: words of ours and the values of the CRM, with what people see.

use super::finding::codes;
use super::manifest::Choice;
use super::node::{Item, Node};
use super::reader::{Reader, under};
use serde::Serialize;
use std::collections::BTreeMap;

/// The word that stands for all others.
pub(super) const OTHERS: &str = "*";

/// Words of ours by the values of the CRM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Catalogue {
    entries: BTreeMap<String, Entry>,
    /// Words in the order in which they are written.
    order: Vec<String>,
}

/// The value of a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    /// Empty: the word has no value, on purpose.
    pub(super) value: String,
    pub(super) label: Option<String>,
    #[serde(skip)]
    pub(super) origin: super::finding::Origin,
}

impl Catalogue {
    pub(super) fn read(reader: &mut Reader, node: &Node, path: &str) -> Self {
        let mut catalogue = Self::default();
        if !reader.is_table(node, path) {
            return catalogue;
        }
        for (word, node) in node.entries() {
            let path = under(path, word);
            let (value, label) = match &node.item {
                Item::Text(value) => (Some(value.clone()), None),
                Item::Table(_) => {
                    reader.closed(node, &path, &["value", "label"]);
                    let value = reader.text(node, &path, "value").unwrap_or(word).to_owned();
                    (Some(value), reader.text(node, &path, "label").map(str::to_owned))
                }
                _ => {
                    reader.wrong(node, &path, "a text, or { value = …, label = … }");
                    (None, None)
                }
            };
            if let Some(value) = value {
                let origin = node.origin.clone();
                catalogue.order.push(word.to_owned());
                catalogue
                    .entries
                    .insert(word.to_owned(), Entry { value, label, origin });
            }
        }
        catalogue
    }

    /// The value of a word.
    pub(super) fn get(&self, word: &str) -> Option<&str> {
        let entry = self.entries.get(word).or_else(|| self.entries.get(OTHERS))?;
        Some(entry.value.as_str()).filter(|value| !value.is_empty())
    }

    /// Words in the order in which they are written.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.order
            .iter()
            .filter_map(|word| Some((word.as_str(), self.entries.get(word)?)))
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.entries.contains_key(word)
    }

    /// Values as options, each once, in their order.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let mut choices: Vec<Choice> = Vec::new();
        for (_, entry) in self.entries() {
            let known = choices.iter_mut().find(|choice| choice.value == entry.value);
            match known {
                Some(choice) if choice.label.is_empty() => {
                    choice.label = entry.label.clone().unwrap_or_default();
                }
                Some(_) => {}
                None if entry.value.is_empty() => {}
                None => choices.push(Choice {
                    value: entry.value.clone(),
                    label: entry.label.clone().unwrap_or_default(),
                }),
            }
        }
        choices
    }

    /// Tells what a source with these words would miss, and entries that it never has.
    pub(super) fn covers(&self, reader: &mut Reader, path: &str, node: &Node, source: &str, words: &[&str]) {
        let holes: Vec<&str> = words.iter().copied().filter(|word| !self.has(word)).collect();
        if !holes.is_empty() && !self.has(OTHERS) {
            reader.error(
                &node.origin,
                codes::CATALOGUE_HOLE,
                path,
                format!("{source} may be {}, which has no entry", holes.join(", ")),
                format!(
                    "write {} = …, or * = …; \"\" means no value",
                    holes.first().unwrap_or(&OTHERS)
                ),
            );
        }
        for (word, entry) in self.entries() {
            if word != OTHERS && !words.contains(&word) {
                reader.warning(
                    &entry.origin,
                    codes::NEVER_USED,
                    &under(path, word),
                    format!("{source} is never {word:?}"),
                    super::reader::instead(word, words),
                );
            }
        }
    }
}
