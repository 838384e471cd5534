//! Every transform by an example, and with everything that may come.

use super::apply::{Context, apply};
use super::table::{Argument, Definition, Form, TRANSFORMS};
use super::{DayForm, Transform};
use crate::mapping::catalogue::Catalogue;
use crate::mapping::node::Node;
use crate::mapping::reader::Reader;
use crate::values::Value;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

struct World {
    zone: TimeZone,
    languages: BTreeMap<String, String>,
    catalogues: BTreeMap<String, Catalogue>,
    currencies: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        let text = "[reason]\npago = \"BILLING\"\nnada = \"\"\n1 = \"uno\"\n[all]\na = \"A\"\n\"*\" = \"other\"\n\
                    [owners]\nana = \"Ana@acme.example\"\n";
        let node = Node::parse("mapping.toml", text, 0).unwrap();
        let catalogue = |(name, node): (&str, &Node)| {
            let catalogue = Catalogue::read(&mut Reader::default(), node, name);
            (name.to_owned(), catalogue)
        };
        Self {
            zone: TimeZone::get("America/Santiago").unwrap(),
            languages: BTreeMap::from([("es".to_owned(), "es-cl".to_owned())]),
            catalogues: node.entries().into_iter().map(catalogue).collect(),
            currencies: BTreeSet::from(["CLP".to_owned(), "MXN".to_owned()]),
        }
    }

    fn apply(&self, written: &str, value: Value) -> Option<Value> {
        let context = Context {
            country: Some("CL"),
            zone: &self.zone,
            day_form: DayForm::Dashes,
            languages: &self.languages,
            catalogues: &self.catalogues,
            currencies: &self.currencies,
        };
        apply(&Transform::parse(written).unwrap(), value, &context)
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(text: &str) -> Value {
    Value::Number(text.to_owned())
}

fn list(texts: &[&str]) -> Value {
    Value::List(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn money(amount: &str, currency: Option<&str>) -> Value {
    Value::Money(amount.to_owned(), currency.map(str::to_owned))
}

/// 2026-11-22T02:30:00Z.
const NIGHT: Value = Value::Time(1_795_314_600_000);

fn examples() -> Vec<(&'static str, Value, Option<Value>)> {
    vec![
        ("trim", text(" a b "), Some(text("a b"))),
        ("trim", text("  "), None),
        ("trim", list(&[" a", " ", "b "]), Some(list(&["a", "b"]))),
        ("lower", text("ÑANDÚ"), Some(text("ñandú"))),
        ("upper", text("ñandú"), Some(text("ÑANDÚ"))),
        ("truncate:3", text("ñandú"), Some(text("ña…"))),
        ("first_word", text("Ana María"), Some(text("Ana"))),
        ("rest_words", text("Ana María Soto"), Some(text("María Soto"))),
        ("rest_words", text("Ana"), None),
        ("html", text("<a>"), Some(text("&lt;a&gt;"))),
        ("e164", text("9 6123 4567"), Some(text("+56961234567"))),
        ("e164", text("no number"), None),
        ("mask_phone", text("+56961234567"), Some(text("+56•••567"))),
        ("bcp47", text("es_MX"), Some(text("es-MX"))),
        ("language", text("pt_BR"), Some(text("pt"))),
        ("hubspot_language", text("es"), Some(text("es-cl"))),
        ("country_name", text("PE"), Some(text("Peru"))),
        ("country_name", text("XX"), None),
        ("owner", text("ana"), Some(text("@owner:ana@acme.example"))),
        ("owner", text("eva@acme.example"), Some(text("@owner:eva@acme.example"))),
        ("owner", text("luis"), None),
        ("map:reason", text("pago"), Some(text("BILLING"))),
        ("map:reason", text("nada"), None),
        ("map:reason", text("otro"), None),
        ("map:reason", number("1"), Some(text("uno"))),
        ("map:all", text("b"), Some(text("other"))),
        ("map:reason", list(&["pago", "otro"]), Some(list(&["BILLING"]))),
        ("map:missing", text("pago"), None),
        ("is:a|b", text("b"), Some(Value::Flag(true))),
        ("is:a|b", text("c"), Some(Value::Flag(false))),
        ("number", text("007.50"), Some(number("7.5"))),
        ("number", text("1,5"), None),
        ("decimal", number("1.500"), Some(number("1.5"))),
        ("decimal:1", number("0.25"), Some(number("0.3"))),
        ("join:; ", list(&["a", "b"]), Some(text("a; b"))),
        ("join:; ", list(&[]), None),
        ("first", list(&["a", "b"]), Some(text("a"))),
        ("count", list(&["a", "b"]), Some(number("2"))),
        ("amount", money("1499.5", Some("CLP")), Some(number("1500"))),
        ("amount", money("1499.5", Some("MXN")), Some(number("1499.50"))),
        ("amount", money("1499.5", Some("EUR")), None),
        ("amount", money("1499.5", None), None),
        ("plain_amount", money("1499.50", None), Some(number("1499.5"))),
        ("minor_units", money("1499.5", Some("USD")), Some(number("149950"))),
        ("currency", money("1", Some("CLP")), Some(text("CLP"))),
        ("currency", money("1", Some("EUR")), None),
        ("plain_currency", money("1", Some("EUR")), Some(text("EUR"))),
        ("date", NIGHT, Some(text("2026-11-21"))),
        // 2026-11-21T00:00:00Z.
        ("date_ms", NIGHT, Some(text("1795219200000"))),
        ("datetime", NIGHT, Some(text("1795314600000"))),
        ("iso8601", NIGHT, Some(text("2026-11-22T02:30:00Z"))),
        ("local_date", NIGHT, Some(text("21-11-2026"))),
        ("flag", Value::Flag(true), Some(Value::Flag(true))),
    ]
}

#[test]
fn every_transform_does_what_its_example_says() {
    let world = World::new();
    let mut shown = BTreeSet::new();
    for (written, value, wanted) in examples() {
        assert_eq!(world.apply(written, value.clone()), wanted, "{written} {value:?}");
        shown.insert(Transform::parse(written).unwrap().definition.name);
    }
    let all: BTreeSet<&str> = TRANSFORMS.iter().map(|definition| definition.name).collect();
    assert_eq!(shown, all);
}

fn written(definition: &Definition) -> String {
    let name = definition.name;
    match definition.argument {
        Argument::None => name.to_owned(),
        Argument::Number { .. } => format!("{name}:3"),
        Argument::Text => format!("{name}:; "),
        Argument::Words => format!("{name}:a|b"),
        Argument::Catalogue => format!("{name}:all"),
    }
}

fn given(form: Form, any: &str, at: i64, flag: bool) -> Value {
    match form {
        Form::Text | Form::Word | Form::Instant | Form::Day => text(any),
        Form::Number => number(any),
        Form::Flag => Value::Flag(flag),
        Form::Time => Value::Time(at),
        Form::List => list(&[any, "a"]),
        Form::Money => money(any, flag.then_some("CLP")),
    }
}

/// Whether a value is of the form that was promised.
fn is_of(value: &Value, form: Form) -> bool {
    match form {
        Form::Text | Form::Word | Form::Instant | Form::Day => matches!(value, Value::Text(_)),
        Form::Number => matches!(value, Value::Number(_)),
        Form::Flag => matches!(value, Value::Flag(_)),
        Form::Time => matches!(value, Value::Time(_)),
        Form::List => matches!(value, Value::List(_)),
        Form::Money => matches!(value, Value::Money(..)),
    }
}

proptest! {
    #[test]
    fn what_comes_out_is_of_the_promised_form(any in "\\PC*", digits in "-?[0-9]{0,12}(\\.[0-9]{0,5})?", at in any::<i64>(), flag in any::<bool>()) {
        let world = World::new();
        for definition in TRANSFORMS {
            let step = written(definition);
            let promised = Transform::parse(&step).unwrap();
            for form in definition.takes.iter().copied().chain(definition.lifts.then_some(Form::List)) {
                for text in [&any, &digits] {
                    let out = world.apply(&step, given(form, text, at, flag));
                    let gives = promised.gives(form);
                    prop_assert!(gives.is_some());
                    prop_assert!(out.iter().all(|value| gives.is_some_and(|form| is_of(value, form))), "{} {:?}", step, out);
                }
            }
        }
    }

    #[test]
    fn no_step_is_too_strange(step in "[a-z0-9_]{0,10}:?\\PC{0,10}") {
        let _unused = Transform::parse(&step);
    }
}
