//! A datum as JSON by its schema alone, without a value in between: any topic, also those of other crates.

use crate::json::{Object, push_bytes, push_double, push_integer, push_time};
use apache_avro::{Schema, schema::NamesRef};
use hilo_domain::json::write_string;

/// What is wrong with a datum.
pub(crate) type Defect = &'static str;

const TOO_SHORT: Defect = "it ends too early";

/// Appends the whole of `datum` to `out`.
pub(crate) fn push(schema: &Schema, names: &NamesRef<'_>, datum: &[u8], out: &mut String) -> Result<(), Defect> {
    let mut reader = Reader { rest: datum, names };
    reader.value(schema, out)?;
    if reader.rest.is_empty() { Ok(()) } else { Err("bytes are left over") }
}

struct Reader<'a> {
    rest: &'a [u8],
    names: &'a NamesRef<'a>,
}

impl<'a> Reader<'a> {
    fn value(&mut self, schema: &'a Schema, out: &mut String) -> Result<(), Defect> {
        match schema {
            Schema::Null => out.push_str("null"),
            Schema::Boolean => out.push_str(if self.take(1)? == [0] { "false" } else { "true" }),
            Schema::Int | Schema::Long => push_integer(self.integer()?, out),
            Schema::TimestampMillis => push_time(self.integer()?, out),
            Schema::Double => push_double(self.double()?, out),
            Schema::String => write_string(self.string()?, out),
            Schema::Enum(symbols) => {
                let index = usize::try_from(self.integer()?).map_err(|_| "it names no symbol")?;
                write_string(symbols.symbols.get(index).ok_or("it names no symbol")?, out);
            }
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
            Schema::Ref { name } => {
                let named = *self.names.get(name).ok_or("its schema names an unknown type")?;
                self.value(named, out)?;
            }
            _ => return Err("its schema uses a type that has no form in JSON here"),
        }
        Ok(())
    }

    /// Bytes decide about the name of their key, so they are read before it is written.
    fn field(&mut self, name: &str, schema: &'a Schema, object: &mut Object<'_>) -> Result<(), Defect> {
        match self.chosen(schema)? {
            Schema::Bytes => {
                let bytes = self.bytes()?;
                push_bytes(name, bytes, |name| object.key(name));
                Ok(())
            }
            chosen => self.value(chosen, object.key(name)),
        }
    }

    /// The branch of a union; other schemas are their own.
    fn chosen(&mut self, schema: &'a Schema) -> Result<&'a Schema, Defect> {
        let Schema::Union(union) = schema else { return Ok(schema) };
        let index = usize::try_from(self.integer()?).map_err(|_| "it names no branch of a union")?;
        union.variants().get(index).ok_or("it names no branch of a union")
    }

    fn array(&mut self, items: &'a Schema, out: &mut String) -> Result<(), Defect> {
        out.push('[');
        let mut first = true;
        loop {
            let count = self.integer()?;
            if count == 0 {
                break;
            }
            if count < 0 {
                // The size of the block, for readers that skip it.
                self.integer()?;
            }
            for _ in 0..count.unsigned_abs() {
                if !std::mem::take(&mut first) {
                    out.push(',');
                }
                self.value(items, out)?;
            }
        }
        out.push(']');
        Ok(())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Defect> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(TOO_SHORT)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A zigzag varint.
    fn integer(&mut self) -> Result<i64, Defect> {
        let mut bits: u64 = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(TOO_SHORT)?;
            self.rest = rest;
            bits |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((bits >> 1) as i64 ^ -((bits & 1) as i64));
            }
        }
        Err("an integer in it is too long")
    }

    fn double(&mut self) -> Result<f64, Defect> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(TOO_SHORT)?;
        self.rest = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    fn bytes(&mut self) -> Result<&'a [u8], Defect> {
        let length = usize::try_from(self.integer()?).map_err(|_| TOO_SHORT)?;
        self.take(length)
    }

    fn string(&mut self) -> Result<&'a str, Defect> {
        str::from_utf8(self.bytes()?).map_err(|_| "a text in it is not UTF-8")
    }
}
