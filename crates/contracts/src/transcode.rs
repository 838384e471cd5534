//! A datum as JSON by its schema alone, without a value in between: any topic, also those of other crates.

use crate::{
    datum::{Defect, Reader},
    json::{Object, push_bytes, push_double, push_integer, push_time},
};
use apache_avro::{Schema, schema::NamesRef};
use hilo_domain::json::write_string;

/// Appends the whole of `datum` to `out`.
pub(crate) fn push(schema: &Schema, names: &NamesRef<'_>, datum: &[u8], out: &mut String) -> Result<(), Defect> {
    let mut transcoder = Transcoder {
        reader: Reader { rest: datum },
        names,
    };
    transcoder.value(schema, out)?;
    match transcoder.reader.rest.len() {
        0 => Ok(()),
        left => Err(Defect(format!("{left} bytes are left over"))),
    }
}

struct Transcoder<'a> {
    reader: Reader<'a>,
    names: &'a NamesRef<'a>,
}

impl<'a> Transcoder<'a> {
    fn value(&mut self, schema: &'a Schema, out: &mut String) -> Result<(), Defect> {
        match schema {
            Schema::Null => out.push_str("null"),
            Schema::Boolean => out.push_str(if self.reader.boolean()? { "true" } else { "false" }),
            Schema::Int | Schema::Long => push_integer(self.reader.integer()?, out),
            Schema::TimestampMillis => push_time(self.reader.integer()?, out),
            Schema::Double => push_double(self.reader.double()?, out),
            Schema::String => write_string(self.reader.string()?, out),
            Schema::Array(items) => self.array(&items.items, out)?,
            Schema::Union(_) => {
                let chosen = self.chosen(schema)?;
                self.value(chosen, out)?;
            }
            Schema::Record(record) => {
                let mut object = Object::open(out);
                for field in &record.fields {
                    self.field(&field.name, &field.schema, &mut object)?;
                }
                object.close();
            }
            Schema::Ref { name } => match self.names.get(name).copied() {
                Some(named) => self.value(named, out)?,
                None => return Err(Defect(format!("its schema names {name}, which is not there"))),
            },
            other => {
                return Err(Defect(format!(
                    "its schema uses {other:?}, which has no form in JSON here"
                )));
            }
        }
        Ok(())
    }

    /// Bytes decide about the name of their key, so they are read before it is written.
    fn field(&mut self, name: &str, schema: &'a Schema, object: &mut Object<'_>) -> Result<(), Defect> {
        match self.chosen(schema)? {
            Schema::Bytes => {
                let bytes = self.reader.bytes()?;
                push_bytes(name, bytes, |name| object.key(name));
                Ok(())
            }
            chosen => self.value(chosen, object.key(name)),
        }
    }

    /// The branch of a union; other schemas are their own.
    fn chosen(&mut self, schema: &'a Schema) -> Result<&'a Schema, Defect> {
        let Schema::Union(union) = schema else {
            return Ok(schema);
        };
        let index = usize::from(self.reader.is_some()?);
        let missing = || Defect("its schema has a union of one type".to_owned());
        union.variants().get(index).ok_or_else(missing)
    }

    fn array(&mut self, items: &'a Schema, out: &mut String) -> Result<(), Defect> {
        out.push('[');
        let mut first = true;
        loop {
            let count = self.reader.block()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                if !std::mem::take(&mut first) {
                    out.push(',');
                }
                self.value(items, out)?;
            }
        }
        out.push(']');
        Ok(())
    }
}
