//! Reading one `[OBJECT.fields.PROPERTY]` and checking that what comes out fits the property.

use super::compile::Shared;
use super::field::{Field, TYPES, Type, WRITES};
use super::finding::{Origin, codes};
use super::manifest::{Choice, Created};
use super::native::{LONGEST_LABEL, LONGEST_NAME, LONGEST_TEXT, RESERVED, native};
use super::node::{Item, Node};
use super::reader::{Reader, instead, under};
use super::transform::{Form, Transform};
use crate::values::{Object, SOURCES, Source, source};

const KEYS: &[&str] = &[
    "from",
    "value",
    "otherwise",
    "transform",
    "write",
    "type",
    "field_type",
    "options",
    "label",
    "group",
    "description",
    "unique",
    "off",
];

const FIELD_TYPES: &[&str] = &[
    "text",
    "textarea",
    "html",
    "number",
    "date",
    "select",
    "radio",
    "checkbox",
    "booleancheckbox",
    "phonenumber",
];

/// The field of a node; `None` when it is switched off or makes no sense.
pub(super) fn read(reader: &mut Reader, object: Object, name: &str, node: &Node, shared: &Shared) -> Option<Field> {
    let path = under(object.as_str(), name);
    if !reader.closed(node, &path, KEYS) || reader.flag(node, &path, "off") == Some(true) {
        return None;
    }
    check_name(reader, &node.origin, &path, name);
    let own = native(object, name);
    let types: Vec<&str> = TYPES.iter().map(|(name, ..)| *name).collect();
    let (_, kind, usual) = match reader.one_of(node, &path, "type", &types) {
        Some(named) => TYPES.iter().find(|(name, ..)| *name == named).copied()?,
        None => {
            let known = own.and_then(|own| TYPES.iter().find(|(name, ..)| *name == own.kind));
            if known.is_none() && node.get("type").is_none() {
                reader.need(node, &path, "type");
            }
            *known?
        }
    };
    if let Some(own) = own.filter(|own| own.kind != kind.as_str()) {
        let message = format!("HubSpot's {name} is of type {}", own.kind);
        let origin = origin_of(node, "type");
        reader.error(
            &origin,
            codes::WRONG_TYPE,
            &path,
            message,
            format!("write type = {:?}", own.kind),
        );
    }
    let field_type = reader.one_of(node, &path, "field_type", FIELD_TYPES).map(str::to_owned);
    let write = reader
        .one_of(node, &path, "write", &WRITES)
        .unwrap_or("always")
        .to_owned();
    let mut field = Field {
        name: name.to_owned(),
        from: sources(reader, object, node, &path),
        value: reader.text(node, &path, "value").map(str::to_owned),
        otherwise: reader.text(node, &path, "otherwise").map(str::to_owned),
        transforms: transforms(reader, node, &path),
        write,
        kind,
        editor: String::new(),
        unique: reader.flag(node, &path, "unique").unwrap_or(false),
        options: options(reader, node, &path),
        declared: node.get("options").is_some(),
        create: created(reader, node, &path, shared),
        origin: node.origin.clone(),
    };
    field.editor = field_type.unwrap_or_else(|| match own {
        Some(own) => own.field_type.to_owned(),
        None if kind == Type::Enumeration && field.several() => "checkbox".to_owned(),
        None => usual.to_owned(),
    });
    origin_of_value(reader, node, &path, &field);
    chain(reader, node, &path, &field);
    Some(field)
}

fn check_name(reader: &mut Reader, origin: &Origin, path: &str, name: &str) {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    let rest = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !first || !rest || name.len() > LONGEST_NAME {
        let message = format!("{name:?} is no internal name of a property");
        let action = format!("use small letters, digits and _, {LONGEST_NAME} at most, the first a letter");
        reader.error(origin, codes::BAD_NAME, path, message, action);
    }
    if RESERVED.contains(&name) {
        let action = "remove it: the writer fills it and `crm apply` makes it";
        reader.error(
            origin,
            codes::RESERVED_FIELD,
            path,
            format!("{name} is kept by the writer"),
            action,
        );
    }
}

fn sources(reader: &mut Reader, object: Object, node: &Node, path: &str) -> Vec<&'static Source> {
    let mut found = Vec::new();
    for (name, origin) in reader.texts(node, path, "from") {
        let Some(known) = source(&name) else {
            let names: Vec<&str> = SOURCES
                .iter()
                .filter(|known| has(object, known))
                .map(|known| known.name)
                .collect();
            let message = format!("there is no source {name:?}");
            reader.error(&origin, codes::UNKNOWN_SOURCE, path, message, instead(&name, &names));
            continue;
        };
        if has(object, known) {
            found.push(known);
        } else {
            let message = format!("a {} has no values of {name}", object.as_str());
            let action = "use a source of the object itself, of its contact, or of its ticket";
            reader.error(&origin, codes::FOREIGN_SOURCE, path, message, action);
        }
    }
    found
}

/// Whether values of the object hold the source: its own, its contact's, and those of the ticket that an entry or a
/// task belongs to.
fn has(object: Object, source: &Source) -> bool {
    let of = source.object();
    of == object.as_str()
        || of == Object::Contact.as_str()
        || (of == Object::Ticket.as_str() && matches!(object, Object::Communication | Object::Task))
}

fn transforms(reader: &mut Reader, node: &Node, path: &str) -> Vec<Transform> {
    let mut steps = Vec::new();
    for (written, origin) in reader.texts(node, path, "transform") {
        match Transform::parse(&written) {
            Ok(step) => steps.push(step),
            Err((code, message, action)) => reader.error(&origin, code, path, message, action),
        }
    }
    steps
}

fn options(reader: &mut Reader, node: &Node, path: &str) -> Vec<Choice> {
    let Some(options) = node.get("options") else {
        return Vec::new();
    };
    let path = under(path, "options");
    match &options.item {
        Item::Table(_) => options
            .entries()
            .into_iter()
            .filter_map(|(value, node)| {
                let label = node.text();
                if label.is_none() {
                    reader.wrong(node, &path, "the label, a text");
                }
                Some(Choice {
                    value: value.to_owned(),
                    label: label?.to_owned(),
                })
            })
            .collect(),
        _ => {
            reader.wrong(options, &path, "{ value = \"label\" }");
            Vec::new()
        }
    }
}

fn created(reader: &mut Reader, node: &Node, path: &str, shared: &Shared) -> Option<Created> {
    let label = reader.text(node, path, "label")?.to_owned();
    let group = reader.text(node, path, "group").map(str::to_owned);
    let description = reader.text(node, path, "description").unwrap_or_default().to_owned();
    if label.is_empty() || label.chars().count() > LONGEST_LABEL {
        let origin = origin_of(node, "label");
        let message = format!("a label has 1 to {LONGEST_LABEL} characters");
        reader.error(&origin, codes::TOO_LONG, path, message, "write a shorter one");
    }
    Some(Created {
        label,
        group: group.unwrap_or_else(|| shared.group.0.clone()),
        description,
    })
}

/// A value comes either from sources or is a constant that fits.
fn origin_of_value(reader: &mut Reader, node: &Node, path: &str, field: &Field) {
    let constant = field.value.is_some();
    if constant == node.get("from").is_some() {
        let message = if constant {
            "it has both from and value"
        } else {
            "it has neither from nor value"
        };
        reader.error(&node.origin, codes::MISSING_KEY, path, message, "write one of the two");
    }
    if constant && !field.transforms.is_empty() {
        let message = "a constant is written as it is";
        reader.error(
            &node.origin,
            codes::WRONG_TYPE,
            path,
            message,
            "remove transform, or use from",
        );
    }
    for key in ["value", "otherwise"] {
        let Some(value) = node.get(key).and_then(Node::text) else {
            continue;
        };
        let origin = origin_of(node, key);
        if value.is_empty() || !field.kind.takes(value) {
            let message = format!("{value:?} is no {}", field.kind.as_str());
            reader.error(&origin, codes::BAD_VALUE, path, message, "write a value of the type");
        }
        if value.chars().count() > LONGEST_TEXT {
            let message = format!("it has more than {LONGEST_TEXT} characters");
            reader.error(&origin, codes::TOO_LONG, path, message, "write a shorter one");
        }
    }
}

/// What comes out of each source has to fit each step, and the property at the end.
fn chain(reader: &mut Reader, node: &Node, path: &str, field: &Field) {
    let origin = last_of(node, &["type", "from", "transform"]);
    'sources: for source in &field.from {
        let mut form = Form::of(source.kind);
        for step in &field.transforms {
            let Some(next) = step.gives(form) else {
                let message = format!("{} takes no {} ({})", step.written, form.as_str(), source.name);
                let action = format!("it takes {}", takes(step));
                reader.error(&origin, codes::WRONG_TYPE, path, message, action);
                continue 'sources;
            };
            form = next;
        }
        if !field.kind.holds(form) {
            let kind = field.kind.as_str();
            let message = format!(
                "{} gives a {}, which a {kind} does not hold",
                source.name,
                form.as_str()
            );
            reader.error(&origin, codes::WRONG_TYPE, path, message, mending(form));
        }
    }
}

fn takes(step: &Transform) -> String {
    let names: Vec<&str> = step.definition.takes.iter().map(|form| form.as_str()).collect();
    names.join(", ")
}

fn mending(form: Form) -> &'static str {
    match form {
        Form::Time => "use type datetime or date, or a transform such as datetime or local_date",
        Form::List => "use join:TEXT, first or count, or an enumeration",
        Form::Money => "use amount for the number and currency for its code",
        Form::Flag => "use type bool",
        Form::Number => "use type number",
        Form::Text | Form::Word => "use number for a text that is one, is:WORD for yes or no, or another type",
        Form::Instant => "use type datetime",
        Form::Day => "use type date",
    }
}

/// Where the key stands that was laid over the others last; of one file the last of the keys.
fn last_of(node: &Node, keys: &[&str]) -> Origin {
    let found = keys
        .iter()
        .filter_map(|key| node.get(key))
        .max_by_key(|node| node.place.0);
    found.unwrap_or(node).origin.clone()
}

/// Where a key of a table stands, else the table.
pub(super) fn origin_of(node: &Node, key: &str) -> Origin {
    node.get(key).unwrap_or(node).origin.clone()
}
