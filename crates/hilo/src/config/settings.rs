//! What is written, and where: by the file, then by the environment.

use anyhow::{Result, anyhow, bail};
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
};
use toml::de::{DeTable, DeValue};

/// Prefix of the environment's keys; levels are separated by two underscores.
const PREFIX: &str = "HILO__";
const SEPARATOR: &str = "__";

/// Where something is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// File and line.
    File(String, usize),
    /// Name of the variable.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::File(name, line) => write!(formatter, "{name}, line {line}"),
            Self::Environment(name) => write!(formatter, "environment variable {name}"),
        }
    }
}

/// A value and its place. It may be a secret, so there is no `Debug`.
pub(super) struct Written<T> {
    pub(super) value: T,
    pub(super) origin: Origin,
}

enum Value {
    Text(String),
    List(Vec<String>),
    Number(i64),
    /// Something that no key takes.
    Other,
}

type Path = Vec<String>;

/// All that is written.
#[derive(Default)]
pub(super) struct Settings {
    sections: BTreeMap<Path, Origin>,
    values: BTreeMap<Path, Written<Value>>,
}

impl Settings {
    pub(super) fn add_file(&mut self, name: &str, text: &str) -> Result<()> {
        // The library's own text quotes the line, and the line may hold a secret.
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line(text, span.start));
            anyhow!("{name}, line {line}: this is no TOML: {}", error.message())
        })?;
        self.add_table(&Vec::new(), table.get_ref(), &|at| {
            Origin::File(name.to_owned(), line(text, at))
        });
        Ok(())
    }

    fn add_table(&mut self, path: &Path, table: &DeTable, origin: &dyn Fn(usize) -> Origin) {
        for (key, value) in table {
            let path: Path = path.iter().cloned().chain([key.get_ref().to_string()]).collect();
            let origin_of_key = origin(key.span().start);
            let value = match value.get_ref() {
                DeValue::Table(table) => {
                    self.sections.insert(path.clone(), origin_of_key);
                    self.add_table(&path, table, origin);
                    continue;
                }
                DeValue::String(text) => Value::Text(text.to_string()),
                DeValue::Array(items) => {
                    list(items.iter().map(toml::Spanned::get_ref)).map_or(Value::Other, Value::List)
                }
                DeValue::Integer(number) => number.as_str().parse().map_or(Value::Other, Value::Number),
                _ => Value::Other,
            };
            self.values.insert(
                path,
                Written {
                    value,
                    origin: origin_of_key,
                },
            );
        }
    }

    /// Variables replace what the file says.
    pub(super) fn add_environment(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) -> Result<()> {
        let mut found: Vec<(String, OsString)> = variables
            .filter_map(|(name, value)| {
                Some((name.to_str().filter(|name| name.starts_with(PREFIX))?.to_owned(), value))
            })
            .collect();
        found.sort_unstable();
        for (name, value) in found {
            let text = OsStr::to_str(&value).map(str::to_owned);
            let origin = Origin::Environment(name.clone());
            let text = text.ok_or_else(|| anyhow!("{origin}: its value is no text (UTF-8)"))?;
            let mut path = Path::new();
            for part in name[PREFIX.len()..].split(SEPARATOR) {
                path.push(self.name_of(&path, part));
            }
            for length in 1..path.len() {
                self.sections
                    .entry(path[..length].to_vec())
                    .or_insert_with(|| origin.clone());
            }
            self.values.insert(
                path,
                Written {
                    value: Value::Text(text),
                    origin,
                },
            );
        }
        Ok(())
    }

    /// The name that `part` of a variable stands for under `path`: the file's, where it has one that differs only in
    /// what a variable cannot write (small letters, dashes).
    fn name_of(&self, path: &Path, part: &str) -> String {
        let plain = |name: &str| name.to_ascii_lowercase().replace('-', "_");
        let wanted = plain(part);
        let mut names = self
            .sections
            .keys()
            .filter(|section| section.starts_with(path))
            .filter_map(|section| section.get(path.len()));
        names.find(|name| plain(name) == wanted).cloned().unwrap_or(wanted)
    }

    /// Sections, outer ones first.
    pub(super) fn sections(&self) -> impl Iterator<Item = (&Path, &Origin)> {
        self.sections.iter()
    }

    /// Keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&Path, &Origin)> {
        self.values.iter().map(|(path, written)| (path, &written.origin))
    }

    /// Where a section begins.
    pub(super) fn section(&self, path: &[&str]) -> Option<&Origin> {
        self.sections.get(&owned(path))
    }

    /// Names of the sections in `section`.
    pub(super) fn subsections(&self, section: &str) -> impl Iterator<Item = (&str, &Origin)> {
        self.sections
            .iter()
            .filter_map(move |(path, origin)| match path.as_slice() {
                [outer, name] if outer == section => Some((name.as_str(), origin)),
                _ => None,
            })
    }

    /// The text of a key.
    pub(super) fn text(&self, path: &[&str]) -> Result<Option<Written<String>>> {
        let Some(Written { value, origin }) = self.values.get(&owned(path)) else {
            return Ok(None);
        };
        match value {
            Value::Text(text) => Ok(Some(Written {
                value: text.clone(),
                origin: origin.clone(),
            })),
            _ => bail!("{origin}: {} should be a text: write it in quotes", path.join(".")),
        }
    }

    /// The whole number of a key, within `range`.
    pub(super) fn number(&self, path: &[&str], range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>> {
        let Some(Written { value, origin }) = self.values.get(&owned(path)) else {
            return Ok(None);
        };
        let number = match (value, origin) {
            (Value::Number(number), _) => Some(*number),
            (Value::Text(text), Origin::Environment(_)) => text.trim().parse().ok(),
            _ => None,
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => bail!(
                "{origin}: {} should be a whole number from {} to {}, without quotes",
                path.join("."),
                range.start(),
                range.end()
            ),
        }
    }

    /// The texts of a key. A variable holds one text, or a TOML list.
    pub(super) fn list(&self, path: &[&str]) -> Result<Vec<Written<String>>> {
        let Some(Written { value, origin }) = self.values.get(&owned(path)) else {
            return Ok(Vec::new());
        };
        let texts = match (value, origin) {
            (Value::List(texts), _) => Some(texts.clone()),
            (Value::Text(text), Origin::Environment(_)) if text.trim_start().starts_with('[') => {
                let parsed = DeValue::parse(text.trim()).ok();
                parsed.and_then(|parsed| match parsed.get_ref() {
                    DeValue::Array(items) => list(items.iter().map(toml::Spanned::get_ref)),
                    _ => None,
                })
            }
            (Value::Text(text), Origin::Environment(_)) => Some(vec![text.clone()]),
            _ => None,
        };
        let texts = texts.ok_or_else(|| {
            anyhow!(
                "{origin}: {} should be a list of texts: write [\"…\", \"…\"]",
                path.join(".")
            )
        })?;
        Ok(texts
            .into_iter()
            .map(|value| Written {
                value,
                origin: origin.clone(),
            })
            .collect())
    }
}

fn owned(path: &[&str]) -> Path {
    path.iter().map(|part| (*part).to_owned()).collect()
}

/// `None` when there is something else than texts.
fn list<'a>(items: impl Iterator<Item = &'a DeValue<'a>>) -> Option<Vec<String>> {
    items
        .map(|item| match item {
            DeValue::String(text) => Some(text.to_string()),
            _ => None,
        })
        .collect()
}

/// Line of a byte, from 1.
fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
