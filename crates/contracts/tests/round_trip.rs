//! Every value that a schema allows goes through the struct and comes back as the same bytes, and its JSON says the
//! same: values are made from the schema, so a field that the struct lacks, or has more, cannot hide.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use apache_avro::{Schema, types::Value, writer::datum::GenericDatumWriter};
use hilo_contracts::{ContractError, codec, codec::Codec as _, facts::Status, json, schemas, topics};
use hilo_domain::time;
use proptest::{collection::vec, option, prelude::*, strategy::BoxedStrategy};
use serde_json::Value as Json;
use std::collections::BTreeMap;

type Named = BTreeMap<String, Schema>;

/// Values of `schema`. Instants stay within the years 0000 to 9999, beyond which RFC 3339 has no form.
fn value(schema: &Schema, named: &mut Named) -> BoxedStrategy<Value> {
    match schema {
        Schema::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Schema::Int => any::<i32>().prop_map(Value::Int).boxed(),
        Schema::Long => any::<i64>().prop_map(Value::Long).boxed(),
        Schema::TimestampMillis => (-62_000_000_000_000_i64..253_000_000_000_000)
            .prop_map(Value::TimestampMillis)
            .boxed(),
        // Three decimals, as everything that is published: serde_json reads longer ones inexactly.
        Schema::Double => any::<i32>()
            .prop_map(|thousandths| Value::Double(f64::from(thousandths) / 1000.0))
            .boxed(),
        Schema::String => ".{0,12}".prop_map(Value::String).boxed(),
        Schema::Bytes => prop_oneof![vec(any::<u8>(), 0..12), ".{0,8}".prop_map(String::into_bytes)]
            .prop_map(Value::Bytes)
            .boxed(),
        Schema::Array(items) => vec(value(&items.items, named), 0..4).prop_map(Value::Array).boxed(),
        Schema::Union(union) => {
            assert!(matches!(union.variants(), [Schema::Null, _]));
            let some = |value: Option<Value>| match value {
                None => Value::Union(0, Box::new(Value::Null)),
                Some(value) => Value::Union(1, Box::new(value)),
            };
            option::of(value(&union.variants()[1], named)).prop_map(some).boxed()
        }
        Schema::Record(record) => {
            named.insert(record.name.fullname(None), schema.clone());
            let fields: Vec<_> = record
                .fields
                .iter()
                .map(|field| {
                    let name = field.name.clone();
                    value(&field.schema, named).prop_map(move |value| (name.clone(), value))
                })
                .collect();
            fields.prop_map(Value::Record).boxed()
        }
        Schema::Ref { name } => {
            let schema = named[&name.fullname(None)].clone();
            value(&schema, named)
        }
        other => panic!("no values for {other:?}: add them here and to the transcoder"),
    }
}

/// JSON of a value by the rules of the interface, in the plainest way.
fn plain(value: &Value) -> Json {
    match value {
        Value::Union(_, value) => plain(value),
        Value::Null => Json::Null,
        Value::Boolean(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Long(value) => (*value).into(),
        Value::TimestampMillis(at) => time::to_rfc3339(*at).into(),
        Value::Double(value) if value.fract() == 0.0 && value.abs() < 1e15 => (*value as i64).into(),
        Value::Double(value) => (*value).into(),
        Value::String(value) => value.as_str().into(),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Record(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// Names of an object's keys in the order of the text.
fn keys(object: &str) -> Vec<String> {
    struct Keys(Vec<String>);
    impl<'de> serde::Deserialize<'de> for Keys {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Keys;
                fn expecting(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
                    formatter.write_str("an object")
                }
                fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                    let mut keys = Vec::new();
                    while let Some((key, serde::de::IgnoredAny)) = map.next_entry()? {
                        keys.push(key);
                    }
                    Ok(Keys(keys))
                }
            }
            deserializer.deserialize_map(Visitor)
        }
    }
    serde_json::from_str::<Keys>(object).unwrap().0
}

/// Topics whose JSON is their schema's; the others are tested in `json.rs`.
fn follows_the_schema(subject: &str) -> bool {
    ![topics::RAW, topics::METRIC, topics::DEAD_LETTER].contains(&subject)
}

#[test]
fn any_value_survives_struct_and_json() {
    for version in schemas::all().unwrap() {
        if schemas::latest(version.subject).unwrap().number != version.number {
            continue;
        }
        let writer = GenericDatumWriter::builder(&version.schema).build().unwrap();
        let values = value(&version.schema, &mut Named::new());
        let config = ProptestConfig {
            cases: 128,
            failure_persistence: None,
            ..ProptestConfig::default()
        };
        proptest!(config, |(value in values)| {
            let datum = writer.write_value_to_vec(value.clone()).unwrap();
            if let Some(again) = support::through_the_struct(version.subject, &datum) {
                prop_assert_eq!(&again, &datum);
            }
            let text = json::to_string(version.subject, &datum).unwrap();
            let read: Json = serde_json::from_str(&text).unwrap();
            if follows_the_schema(version.subject) {
                prop_assert_eq!(read, plain(&value));
                let Value::Record(fields) = &value else { unreachable!() };
                prop_assert_eq!(keys(&text), fields.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
            }
        });
    }
}

#[test]
fn a_damaged_datum_is_an_error_of_its_topic_and_nothing_else() {
    for version in schemas::all().unwrap() {
        let (datum, _) = support::sample(version.subject, version.number);
        for length in 0..datum.len() {
            let error = json::to_string(version.subject, &datum[..length]).unwrap_err();
            assert!(
                matches!(&error, ContractError::Decode { subject, .. } if subject == version.subject),
                "{error}"
            );
        }
        let longer = [&datum[..], b"\0"].concat();
        assert!(
            json::to_string(version.subject, &longer)
                .unwrap_err()
                .to_string()
                .contains("left over")
        );
    }
    let (status, _) = support::sample(topics::STATUS, 1);
    let longer = [&status[..], b"\0"].concat();
    assert!(
        codec::status()
            .decode(&longer)
            .unwrap_err()
            .to_string()
            .contains("left over")
    );
    assert!(codec::status().decode(&status[..9]).is_err());
}

#[test]
fn any_bytes_stop_nobody() {
    let config = ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(bytes in vec(any::<u8>(), 0..64), damage in any::<(usize, u8)>())| {
        let (mut datum, _) = support::sample(topics::STATUS, 1);
        let place = damage.0 % datum.len();
        datum[place] = damage.1;
        for datum in [&bytes, &datum] {
            // Either is fine, as long as both ways of reading agree that the text in it is text.
            let read = codec::status().decode(datum).is_ok();
            let written = json::to_string(topics::STATUS, datum).is_ok();
            prop_assert!(!read || written);
        }
    });
}

#[test]
fn a_topic_without_a_schema_says_what_to_do() {
    let error = codec::of::<Status>("hilo.nothing")
        .encode(&Status::default())
        .unwrap_err();
    assert_eq!(error, ContractError::UnknownSubject("hilo.nothing".to_owned()));
    assert!(error.to_string().contains("schemas/hilo.nothing/v1.avsc"), "{error}");
    assert_eq!(json::to_string("hilo.nothing", &[]).unwrap_err(), error);
    let wrong = codec::of::<Status>(topics::RAW).encode(&Status::default()).unwrap_err();
    assert!(matches!(wrong, ContractError::Mismatch { .. }), "{wrong}");
}
