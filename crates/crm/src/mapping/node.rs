//! A mapping file as a tree that knows where each thing stands, and one tree laid over another.

use super::finding::{Finding, Origin, Severity, codes};
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// Something in a file.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// File and line.
    pub(super) origin: Origin,
    /// Layer and position, by which things keep the order in which they are written.
    pub(super) place: (usize, usize),
    /// What it is.
    pub(super) item: Item,
}

/// What stands there.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Text(String),
    Integer(i64),
    Flag(bool),
    List(Vec<Node>),
    Table(BTreeMap<String, Node>),
    /// A thing of TOML that no mapping has: its name.
    Foreign(&'static str),
}

impl Node {
    /// The tree of a file. `layer` counts the files that are laid over one another.
    pub(super) fn parse(file: &str, text: &str, layer: usize) -> Result<Self, Box<Finding>> {
        let source = Source {
            file,
            layer,
            ends: text
                .bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at)
                .collect(),
        };
        let table = DeTable::parse(text).map_err(|error| Box::new(source.broken(&error)))?;
        Ok(source.node(0, Item::Table(source.table(table.get_ref()))))
    }

    /// An empty tree.
    pub(super) fn empty(file: &str) -> Self {
        Self {
            origin: Origin {
                file: file.to_owned(),
                line: 1,
            },
            place: (0, 0),
            item: Item::Table(BTreeMap::new()),
        }
    }

    /// What this kind of thing is called.
    pub(super) fn kind(&self) -> &'static str {
        match &self.item {
            Item::Text(_) => "a text",
            Item::Integer(_) => "a number",
            Item::Flag(_) => "true or false",
            Item::List(_) => "a list",
            Item::Table(_) => "a table",
            Item::Foreign(kind) => kind,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.item {
            Item::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.item {
            Item::Table(table) => table.get(key),
            _ => None,
        }
    }

    /// The entries of a table in the order in which they are written.
    pub(super) fn entries(&self) -> Vec<(&str, &Self)> {
        let Item::Table(table) = &self.item else {
            return Vec::new();
        };
        let mut entries: Vec<(&str, &Self)> = table.iter().map(|(key, node)| (key.as_str(), node)).collect();
        entries.sort_by_key(|(_, node)| node.place);
        entries
    }

    /// The things of a list.
    pub(super) fn list(&self) -> &[Self] {
        match &self.item {
            Item::List(list) => list,
            _ => &[],
        }
    }

    /// Lays another tree over this one: tables grow together, tables of a list that have one name too, everything else
    /// is replaced.
    pub(super) fn overlay(&mut self, over: Self) {
        match (&mut self.item, over.item) {
            (Item::Table(under), Item::Table(table)) => {
                lay(under, table);
                // Whoever speaks of it last has to mend it.
                self.origin = over.origin;
            }
            (Item::List(under), Item::List(over))
                if over.iter().all(|node| named(node).is_some()) && !over.is_empty() =>
            {
                for node in over {
                    match under.iter_mut().find(|other| named(other) == named(&node)) {
                        Some(other) => other.overlay(node),
                        None => under.push(node),
                    }
                }
            }
            (item, over_item) => {
                *item = over_item;
                self.origin = over.origin;
                self.place = over.place;
            }
        }
    }
}

/// Keys of which one takes the place of the others: a field is either a constant or comes from sources, and a rule has
/// one cause.
const EITHER: [(&str, &[&str]); 6] = [
    ("value", &["from", "transform"]),
    ("from", &["value"]),
    ("failed", &["unanswered", "tagged", "rated"]),
    ("unanswered", &["failed", "tagged", "rated"]),
    ("tagged", &["failed", "unanswered", "rated"]),
    ("rated", &["failed", "unanswered", "tagged"]),
];

fn lay(under: &mut BTreeMap<String, Node>, over: BTreeMap<String, Node>) {
    for (key, replaced) in EITHER {
        if over.contains_key(key) {
            under.retain(|other, _| !replaced.contains(&other.as_str()));
        }
    }
    for (key, node) in over {
        match under.get_mut(&key) {
            Some(other) => other.overlay(node),
            None => {
                under.insert(key, node);
            }
        }
    }
}

/// By what a table of a list is known: a rule by its name, a pipeline by its object and label. Examples have no name:
/// those of an overlay take the place of all before them.
fn named(node: &Node) -> Option<(Option<&str>, &str)> {
    let name = node.get("name").or_else(|| node.get("label"))?.text()?;
    Some((node.get("object").and_then(Node::text), name))
}

struct Source<'a> {
    file: &'a str,
    layer: usize,
    /// Where lines end.
    ends: Vec<usize>,
}

impl Source<'_> {
    fn node(&self, at: usize, item: Item) -> Node {
        Node {
            origin: self.origin(at),
            place: (self.layer, at),
            item,
        }
    }

    fn origin(&self, at: usize) -> Origin {
        Origin {
            file: self.file.to_owned(),
            line: 1 + self.ends.partition_point(|end| *end < at),
        }
    }

    fn table(&self, table: &DeTable) -> BTreeMap<String, Node> {
        let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue>)| {
            let key: &toml::Spanned<std::borrow::Cow<str>> = key;
            (
                key.get_ref().to_string(),
                self.node(key.span().start, self.item(value.get_ref())),
            )
        };
        table.iter().map(entry).collect()
    }

    fn item(&self, value: &DeValue) -> Item {
        match value {
            DeValue::String(text) => Item::Text(text.to_string()),
            DeValue::Boolean(flag) => Item::Flag(*flag),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Item::Foreign("a number that is too great"), Item::Integer),
            DeValue::Float(_) => Item::Foreign("a number with a point"),
            DeValue::Datetime(_) => Item::Foreign("a date"),
            DeValue::Array(list) => Item::List(
                list.iter()
                    .map(|value| self.node(value.span().start, self.item(value.get_ref())))
                    .collect(),
            ),
            DeValue::Table(table) => Item::Table(self.table(table)),
        }
    }

    fn broken(&self, error: &toml::de::Error) -> Finding {
        let message = error.message().to_owned();
        let twice = message.contains("duplicate key");
        Finding {
            origin: self.origin(error.span().map_or(0, |span| span.start)),
            severity: Severity::Error,
            code: if twice { codes::DUPLICATE_FIELD } else { codes::SYNTAX },
            field: String::new(),
            message: message.lines().collect::<Vec<_>>().join(" "),
            action: if twice {
                "remove one of the two".to_owned()
            } else {
                "write it as TOML wants it".to_owned()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(base: &str, over: &str) -> Node {
        let mut node = Node::parse("mapping.toml", base, 0).unwrap();
        node.overlay(Node::parse("CL.toml", over, 1).unwrap());
        node
    }

    #[test]
    fn tables_grow_together_and_know_their_file() {
        let node = laid("[a]\nx = 1\ny = 2\n", "[a]\ny = 3\n");
        let a = node.get("a").unwrap();
        assert_eq!(a.get("x").unwrap().origin.file, "mapping.toml");
        let y = a.get("y").unwrap();
        assert_eq!((y.origin.file.as_str(), y.origin.line), ("CL.toml", 2));
        assert!(matches!(y.item, Item::Integer(3)));
    }

    #[test]
    fn tables_of_a_list_meet_by_name() {
        let node = laid(
            "[[rules]]\nname = \"a\"\nbody = \"x\"\n[[rules]]\nname = \"b\"\n",
            "[[rules]]\nname = \"b\"\nbody = \"y\"\n[[rules]]\nname = \"c\"\n",
        );
        let rules = node.get("rules").unwrap().list();
        let names: Vec<_> = rules.iter().filter_map(named).map(|(_, name)| name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(rules[1].get("body").unwrap().text(), Some("y"));
    }

    #[test]
    fn lists_of_values_are_replaced() {
        let node = laid("x = [\"a\", \"b\"]", "x = [\"c\"]");
        assert_eq!(node.get("x").unwrap().list().len(), 1);
    }

    #[test]
    fn a_constant_takes_the_place_of_sources_and_the_other_way_round() {
        let node = laid("[f]\nfrom = \"a\"\ntransform = \"b\"\n", "[f]\nvalue = \"c\"\n");
        let keys: Vec<_> = node
            .get("f")
            .unwrap()
            .entries()
            .into_iter()
            .map(|(key, _)| key)
            .collect();
        assert_eq!(keys, ["value"]);
        let node = laid("[f]\nvalue = \"a\"\n", "[f]\nfrom = \"c\"\n");
        assert!(node.get("f").unwrap().get("value").is_none());
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        let finding = Node::parse("mapping.toml", "a = 1\nb = \n", 0).unwrap_err();
        assert_eq!((finding.code, finding.origin.line), (codes::SYNTAX, 2));
        let finding = Node::parse("mapping.toml", "[a]\nx = 1\n[a]\ny = 1\n", 0).unwrap_err();
        assert_eq!((finding.code, finding.origin.line), (codes::DUPLICATE_FIELD, 3));
    }
}
