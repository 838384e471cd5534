//! Nothing that somebody writes into a mapping or sends in a message makes Hilo fall over.

use hilo_crm::mapping::{Mappings, validate};
use hilo_crm::values::{Kind, Object, SOURCES, Value, Values};
use proptest::prelude::*;

/// Lines of a mapping, right and wrong, in any order.
const LINES: [&str; 16] = [
    "[contact.fields.wa_id]",
    "[ticket.fields.hs_pipeline_stage]",
    "[catalogues.ticket_stage]",
    "[[rules]]",
    "[[rules.examples]]",
    "[[pipelines]]",
    "[policy.deals]",
    "name = \"low_rating\"",
    "label = \"WhatsApp\"",
    "object = \"ticket\"",
    "stages = [{ label = 1 }]",
    "transform = [\"map:ticket_stage\", \"truncate:99999999999999999999\"]",
    "when = { failed = { classes = [] }, rated = 3 }",
    "fires = true",
    "from = [1, \"contact.wa_id\"]",
    "value = \"@stage:/\"",
];

fn value(kind: Kind, text: &str, at: i64) -> Value {
    match kind {
        Kind::Text | Kind::Word => Value::Text(text.to_owned()),
        Kind::Number => Value::Number(text.to_owned()),
        Kind::Flag => Value::Flag(at % 2 == 0),
        Kind::Time => Value::Time(at),
        Kind::List => Value::List(vec![text.to_owned(), String::new()]),
        Kind::Money => Value::Money(text.to_owned(), Some(text.to_owned())),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_file_is_a_mapping_or_has_findings(lines in prop::collection::vec(prop::sample::select(LINES.to_vec()), 0..12), extends in any::<bool>()) {
        let head = if extends { "schema_version = 1\nextends = \"default\"\ncountries = [\"CL\"]\n" } else { "" };
        let files = [("mapping.toml".to_owned(), format!("{head}{}\n", lines.join("\n")))];
        let (mappings, findings) = validate(&files);
        prop_assert_eq!(mappings.is_none(), findings.has_errors());
        prop_assert!(findings.iter().all(|finding| finding.origin.line > 0 && !finding.action.is_empty()));
    }

    #[test]
    fn any_value_has_fields(text in "\\PC*", at in any::<i64>()) {
        let mappings = Mappings::default_for("CL", &[]).unwrap();
        let values: Values = SOURCES.iter().map(|source| (source.name, value(source.kind, &text, at))).collect();
        for object in Object::ALL {
            for field in mappings.of(None).fields(object, &values) {
                // A CRM takes an empty text for "clear it".
                prop_assert!(field.value.as_deref() != Some(""), "{}", field.name);
            }
        }
    }
}
