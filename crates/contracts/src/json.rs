//! Records of the topics as canonical JSON, one object a record: what `export` and `replay` write.
//!
//! Keys stand in the order of the schema. Most topics are written straight from the datum, by their schema; the others
//! have a form that the interface fixes.

use crate::{
    ContractError,
    codec::{self, Codec},
    facts::{DeadLetter, Metric, Raw},
    topics,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hilo_domain::json::write_string;
use std::{
    fmt::Write as _,
    io::{self, Write},
    sync::LazyLock,
};

static RAW: LazyLock<codec::AvroCodec<Raw>> = LazyLock::new(codec::raw);
static METRIC: LazyLock<codec::AvroCodec<Metric>> = LazyLock::new(codec::metric);
static DEAD_LETTER: LazyLock<codec::AvroCodec<DeadLetter>> = LazyLock::new(codec::dead_letter);

/// Writes a datum of `subject` as one JSON object, without a line break.
pub fn write(subject: &str, datum: &[u8], out: &mut impl Write) -> io::Result<()> {
    let text = to_string(subject, datum).map_err(io::Error::other)?;
    out.write_all(text.as_bytes())
}

/// A datum of `subject` as one JSON object.
pub fn to_string(subject: &str, datum: &[u8]) -> Result<String, ContractError> {
    let mut out = String::with_capacity(datum.len() * 2 + OVERHEAD);
    match subject {
        topics::RAW => push_raw(&RAW.decode(datum)?, &mut out),
        topics::METRIC => push_metric(&METRIC.decode(datum)?, &mut out),
        topics::DEAD_LETTER => push_dead_letter(&DEAD_LETTER.decode(datum)?, &mut out),
        _ => codec::transcode(subject, datum, &mut out)?,
    }
    Ok(out)
}

/// Names of the keys of a usual record.
const OVERHEAD: usize = 512;

/// Writes a metric row as one JSON object, without a line break.
pub fn write_metric(row: &Metric, out: &mut impl Write) -> io::Result<()> {
    let mut text = String::with_capacity(OVERHEAD);
    push_metric(row, &mut text);
    out.write_all(text.as_bytes())
}

/// Members of an object, one after the other.
pub(crate) struct Object<'a> {
    out: &'a mut String,
    first: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, first: true }
    }

    /// Writes the key and gives the place of the value.
    pub(crate) fn key(&mut self, name: &str) -> &mut String {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        write_string(name, self.out);
        self.out.push(':');
        self.out
    }

    fn text(&mut self, name: &str, value: &str) {
        write_string(value, self.key(name));
    }

    fn integer(&mut self, name: &str, value: i64) {
        push_integer(value, self.key(name));
    }

    fn index(&mut self, name: &str, value: Option<i32>) {
        match value {
            Some(value) => self.integer(name, value.into()),
            None => self.key(name).push_str("null"),
        }
    }

    fn double(&mut self, name: &str, value: Option<f64>) {
        match value {
            Some(value) => push_double(value, self.key(name)),
            None => self.key(name).push_str("null"),
        }
    }

    fn time(&mut self, name: &str, value: i64) {
        push_time(value, self.key(name));
    }

    fn bytes(&mut self, name: &str, value: &[u8]) {
        push_bytes(name, value, |name| self.key(name));
    }

    pub(crate) fn close(self) {
        self.out.push('}');
    }
}

fn push_raw(raw: &Raw, out: &mut String) {
    let mut object = Object::open(out);
    object.text("delivery_id", &raw.delivery_id);
    object.text("tenant", &raw.tenant);
    object.text("source", &raw.source);
    object.time("received_at", raw.received_at);
    object.bytes("body", &raw.body);
    object.close();
}

fn push_metric(row: &Metric, out: &mut String) {
    let mut object = Object::open(out);
    object.text("tenant", &row.tenant);
    object.text("metric", &row.metric);
    object.text("definition", &row.definition);
    match row.window {
        Some(window) => {
            let mut span = Object::open(object.key("window"));
            span.time("start", window.start);
            span.time("end", window.end);
            span.close();
        }
        None => object.key("window").push_str("null"),
    }
    let mut dimensions = Object::open(object.key("dimensions"));
    for dimension in &row.dimensions {
        dimensions.text(&dimension.name, &dimension.value);
    }
    dimensions.close();
    object.double("numerator", row.numerator);
    object.double("denominator", row.denominator);
    object.double("value", row.value);
    object.integer("count", row.count);
    object.double("p50", row.p50);
    object.double("p90", row.p90);
    object
        .key("is_final")
        .push_str(if row.is_final { "true" } else { "false" });
    object.integer("revision", row.revision);
    object.close();
}

fn push_dead_letter(letter: &DeadLetter, out: &mut String) {
    let mut object = Object::open(out);
    object.text("event_id", &letter.event_id);
    object.text("tenant", &letter.tenant);
    object.time("event_time", letter.event_time);
    object.time("ingest_time", letter.ingest_time);
    object.text("kind", &letter.kind);
    object.text("reason", &letter.reason);
    object.text("detail", &letter.detail);
    let mut source = Object::open(object.key("source"));
    if let (Some(file), Some(line)) = (&letter.file, letter.line) {
        source.text("file", file);
        source.integer("line", line);
    } else {
        source.text("delivery_id", &letter.delivery_id);
        source.index("entry", letter.entry);
        source.index("change", letter.change);
        source.index("item", letter.item);
    }
    source.close();
    object.bytes("original", &letter.original);
    object.close();
}

pub(crate) fn push_integer(value: i64, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

/// The shortest decimal that reads back equal; JSON has no word for what is no number.
pub(crate) fn push_double(value: f64, out: &mut String) {
    match serde_json::Number::from_f64(value) {
        Some(number) => hilo_domain::json::write_canonical(&number.into(), out),
        None => out.push_str("null"),
    }
}

pub(crate) fn push_time(at: i64, out: &mut String) {
    out.push('"');
    hilo_domain::time::write_rfc3339(at, out);
    out.push('"');
}

/// Bytes as text where they are UTF-8, else as base64 under a name that says so.
pub(crate) fn push_bytes<'a>(name: &str, value: &[u8], key: impl FnOnce(&str) -> &'a mut String) {
    if let Ok(text) = str::from_utf8(value) {
        write_string(text, key(name));
    } else {
        let out = key(&format!("{name}_base64"));
        out.push('"');
        BASE64_STANDARD.encode_string(value, out);
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Dimension, Window};

    fn line<T>(subject: &str, codec: &impl Codec<T>, fact: &T) -> String {
        let mut out = Vec::new();
        write(subject, &codec.encode(fact).unwrap(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_body_that_is_no_text_is_written_as_base64() {
        let raw = Raw {
            source: "whatsapp".into(),
            body: b"\xff{}".to_vec(),
            ..Raw::default()
        };
        assert_eq!(
            line(topics::RAW, &codec::raw(), &raw),
            r#"{"delivery_id":"","tenant":"","source":"whatsapp","received_at":"1970-01-01T00:00:00Z","body_base64":"/3t9"}"#
        );
    }

    #[test]
    fn a_dead_letter_of_a_file_names_its_line() {
        let letter = DeadLetter {
            reason: "not_json".into(),
            file: Some("a.ndjson".into()),
            line: Some(3),
            original: b"\xff".to_vec(),
            ..DeadLetter::default()
        };
        let text = line(topics::DEAD_LETTER, &codec::dead_letter(), &letter);
        let end = r#""reason":"not_json","detail":"","source":{"file":"a.ndjson","line":3},"original_base64":"/w=="}"#;
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn a_dead_letter_of_a_delivery_names_its_place() {
        let letter = DeadLetter {
            delivery_id: "d".into(),
            entry: Some(0),
            original: b"{}".to_vec(),
            ..DeadLetter::default()
        };
        let text = line(topics::DEAD_LETTER, &codec::dead_letter(), &letter);
        let end = r#""source":{"delivery_id":"d","entry":0,"change":null,"item":null},"original":"{}"}"#;
        assert!(text.ends_with(end), "{text}");
    }

    #[test]
    fn a_metric_row_is_written_as_the_interface_shows_it() {
        let dimension = |name: &str, value: &str| Dimension {
            name: name.into(),
            value: value.into(),
        };
        let row = Metric {
            tenant: "acme".into(),
            metric: "frt_human_seconds".into(),
            definition: "frt_human_seconds@1".into(),
            window: Some(Window {
                start: 1_777_899_600_000,
                end: 1_777_903_200_000,
            }),
            dimensions: vec![dimension("queue", "soporte"), dimension("agent", "\"ana\"")],
            numerator: Some(120.5),
            denominator: Some(1.0),
            value: Some(f64::NAN),
            count: 1,
            p50: Some(1e-7),
            p90: None,
            is_final: false,
            revision: 2,
        };
        let expected = concat!(
            r#"{"tenant":"acme","metric":"frt_human_seconds","definition":"frt_human_seconds@1","#,
            r#""window":{"start":"2026-05-04T13:00:00Z","end":"2026-05-04T14:00:00Z"},"#,
            r#""dimensions":{"queue":"soporte","agent":"\"ana\""},"numerator":120.5,"denominator":1,"#,
            r#""value":null,"count":1,"p50":1e-7,"p90":null,"is_final":false,"revision":2}"#,
        );
        assert_eq!(line(topics::METRIC, &codec::metric(), &row), expected);
        let total = Metric {
            window: None,
            dimensions: Vec::new(),
            ..row
        };
        let mut out = Vec::new();
        write_metric(&total, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains(r#""window":null,"dimensions":{},"numerator":120.5"#),
            "{text}"
        );
    }
}
