//! Whether a struct is the record of a schema: the same fields in the same order, with the same types. A struct is
//! asked by reading it from the schema itself, with empty values.

use crate::datum::Defect;
use apache_avro::{Schema, schema::NamesRef};
use serde::{
    Deserializer,
    de::{DeserializeOwned, DeserializeSeed, SeqAccess, Visitor},
};

/// Says where `T` and `schema` differ, if they do.
pub(crate) fn check<T: DeserializeOwned>(schema: &Schema, names: &NamesRef<'_>) -> Result<(), Defect> {
    T::deserialize(Shape { schema, names }).map(|_| ())
}

#[derive(Clone, Copy)]
struct Shape<'a> {
    schema: &'a Schema,
    names: &'a NamesRef<'a>,
}

impl<'a> Shape<'a> {
    fn resolved(&self) -> Result<&'a Schema, Defect> {
        match self.schema {
            Schema::Ref { name } => self
                .names
                .get(name)
                .copied()
                .ok_or_else(|| self.differs("an unknown type")),
            schema => Ok(schema),
        }
    }

    fn differs(&self, asked: &str) -> Defect {
        Defect(format!(
            "the struct has {asked} where the schema has {}",
            kind(self.schema)
        ))
    }
}

fn kind(schema: &Schema) -> &'static str {
    match schema {
        Schema::Boolean => "boolean",
        Schema::Int => "int",
        Schema::Long => "long",
        Schema::TimestampMillis => "timestamp-millis",
        Schema::Double => "double",
        Schema::String => "string",
        Schema::Bytes => "bytes",
        Schema::Array(_) => "array",
        Schema::Union(_) => "union",
        Schema::Record(_) | Schema::Ref { .. } => "record",
        _ => "a type that no struct has",
    }
}

impl<'de> Deserializer<'de> for Shape<'_> {
    type Error = Defect;

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        match self.resolved()? {
            Schema::Boolean => visitor.visit_bool(false),
            _ => Err(self.differs("a boolean")),
        }
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        match self.resolved()? {
            Schema::Int => visitor.visit_i32(0),
            _ => Err(self.differs("an i32")),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        match self.resolved()? {
            Schema::Long | Schema::TimestampMillis => visitor.visit_i64(0),
            _ => Err(self.differs("an i64")),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        match self.resolved()? {
            Schema::Double => visitor.visit_f64(0.0),
            _ => Err(self.differs("an f64")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        match self.resolved()? {
            Schema::String => visitor.visit_borrowed_str(""),
            _ => Err(self.differs("a text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        match self.resolved()? {
            Schema::Bytes => visitor.visit_borrowed_bytes(&[]),
            _ => Err(self.differs("bytes")),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        match self.resolved()? {
            Schema::Union(union) => match union.variants() {
                [Schema::Null, schema] => visitor.visit_some(Shape { schema, ..self }),
                _ => Err(self.differs("an option (null and one other type)")),
            },
            _ => Err(self.differs("an option")),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        match self.resolved()? {
            Schema::Array(items) => visitor.visit_seq(Elements {
                schemas: [&*items.items].into_iter(),
                shape: self,
            }),
            _ => Err(self.differs("a list")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Defect> {
        let Schema::Record(record) = self.resolved()? else {
            return Err(self.differs("a struct"));
        };
        if let Some((ours, theirs)) = fields
            .iter()
            .zip(&record.fields)
            .find(|(ours, theirs)| **ours != theirs.name)
        {
            return Err(Defect(format!(
                "{name} has {ours} where the schema has {}",
                theirs.name
            )));
        }
        if fields.len() != record.fields.len() {
            return Err(Defect(format!(
                "{name} has {} fields, the schema {}",
                fields.len(),
                record.fields.len()
            )));
        }
        visitor.visit_seq(Elements {
            schemas: record.fields.iter().map(|field| &field.schema),
            shape: self,
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Defect> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Defect> {
        Err(self.differs("a type that no contract has"))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 f32 char unit unit_struct tuple tuple_struct map enum identifier ignored_any
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The fields of a record, or one item of a list.
struct Elements<'a, I> {
    schemas: I,
    shape: Shape<'a>,
}

impl<'de, 'a, I: Iterator<Item = &'a Schema>> SeqAccess<'de> for Elements<'a, I> {
    type Error = Defect;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Defect> {
        self.schemas
            .next()
            .map(|schema| seed.deserialize(Shape { schema, ..self.shape }))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apache_avro::schema::ResolvedSchema;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Thing {
        a: i64,
        b: Option<Inner>,
        c: Vec<String>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Inner {
        d: bool,
    }

    fn found(fields: &str) -> Option<String> {
        let text = format!(r#"{{"type":"record","name":"T","fields":[{fields}]}}"#);
        let schema = Schema::parse_str(&text).unwrap();
        let names = ResolvedSchema::try_from(&schema).unwrap();
        check::<Thing>(&schema, names.get_names()).err().map(|defect| defect.0)
    }

    const A: &str = r#"{"name":"a","type":{"type":"long","logicalType":"timestamp-millis"}}"#;
    const B: &str =
        r#"{"name":"b","type":["null",{"type":"record","name":"I","fields":[{"name":"d","type":"boolean"}]}]}"#;
    const C: &str = r#"{"name":"c","type":{"type":"array","items":"string"}}"#;

    #[test]
    fn a_struct_and_its_record_agree() {
        assert_eq!(found(&[A, B, C].join(",")), None);
    }

    #[test]
    fn every_difference_is_named() {
        let cases = [
            ([B, A, C].join(","), "Thing has a where the schema has b"),
            ([A, B].join(","), "Thing has 3 fields, the schema 2"),
            (
                [A, B, C, &A.replace("\"a\"", "\"e\"")].join(","),
                "Thing has 3 fields, the schema 4",
            ),
            (
                [A, &B.replace("boolean", "int"), C].join(","),
                "the struct has a boolean where the schema has int",
            ),
            (
                [A, &B.replace("\"d\"", "\"e\""), C].join(","),
                "Inner has d where the schema has e",
            ),
            (
                [A, B, &C.replace("string", "bytes")].join(","),
                "the struct has a text where the schema has bytes",
            ),
            (
                [A, r#"{"name":"b","type":"string"}"#, C].join(","),
                "the struct has an option where the schema has string",
            ),
            (
                [r#"{"name":"a","type":"int"}"#, B, C].join(","),
                "the struct has an i64 where the schema has int",
            ),
        ];
        for (fields, difference) in cases {
            assert_eq!(found(&fields).as_deref(), Some(difference), "{fields}");
        }
    }
}
