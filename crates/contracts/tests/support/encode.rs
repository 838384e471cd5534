//! A line of JSON as a datum, by its schema and apache-avro: how the sample of a new version is made.

use apache_avro::{Schema, types::Value, writer::datum::GenericDatumWriter};
use hilo_contracts::schemas;
use hilo_domain::time;
use serde_json::Value as Json;
use std::collections::BTreeMap;

pub(super) fn datum(subject: &str, version: u32, json: &Json) -> Vec<u8> {
    let all = schemas::all().unwrap();
    let found = all
        .iter()
        .find(|known| known.subject == subject && known.number == version)
        .unwrap();
    let mut named = BTreeMap::new();
    name(&found.schema, &mut named);
    let value = value(&found.schema, json, &named);
    let writer = GenericDatumWriter::builder(&found.schema).build().unwrap();
    writer.write_value_to_vec(value).unwrap()
}

/// Adds the records in a schema by name: one may be defined where the sample has nothing, and used behind.
fn name(schema: &Schema, named: &mut BTreeMap<String, Schema>) {
    match schema {
        Schema::Array(array) => name(&array.items, named),
        Schema::Union(union) => union.variants().iter().for_each(|variant| name(variant, named)),
        Schema::Record(record) => {
            named.insert(record.name.fullname(None), schema.clone());
            record.fields.iter().for_each(|field| name(&field.schema, named));
        }
        _ => {}
    }
}

fn value(schema: &Schema, json: &Json, named: &BTreeMap<String, Schema>) -> Value {
    match schema {
        Schema::Boolean => Value::Boolean(json.as_bool().unwrap()),
        Schema::Int => Value::Int(json.as_i64().unwrap().try_into().unwrap()),
        Schema::Long => Value::Long(json.as_i64().unwrap()),
        Schema::TimestampMillis => Value::TimestampMillis(time::parse_rfc3339(json.as_str().unwrap()).unwrap()),
        Schema::Double => Value::Double(json.as_f64().unwrap()),
        Schema::String => Value::String(json.as_str().unwrap().to_owned()),
        Schema::Bytes => Value::Bytes(json.as_str().unwrap().as_bytes().to_vec()),
        Schema::Array(array) => {
            let items = json.as_array().unwrap();
            Value::Array(items.iter().map(|item| value(&array.items, item, named)).collect())
        }
        Schema::Union(_) if json.is_null() => Value::Union(0, Box::new(Value::Null)),
        Schema::Union(union) => Value::Union(1, Box::new(value(&union.variants()[1], json, named))),
        Schema::Record(record) => {
            let field = |name: &str| json.get(name).unwrap_or_else(|| panic!("the sample lacks {name}"));
            let fields = record.fields.iter().map(|known| {
                let found = value(&known.schema, field(&known.name), named);
                (known.name.clone(), found)
            });
            Value::Record(fields.collect())
        }
        Schema::Ref { name } => value(&named[&name.fullname(None)], json, named),
        other => panic!("no datum for {other:?}: add it here"),
    }
}
