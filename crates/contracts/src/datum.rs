//! Avro's binary encoding through serde, by position: the fields of a struct are those of its record, in that order,
//! which [`crate::shape`] has checked once. The library looks every field up by name for every datum instead, and took
//! ten times as long.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, SeqAccess, Visitor},
    ser::{self, SerializeSeq, SerializeStruct},
};
use std::fmt::Display;

/// Why a value and its bytes do not fit together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Defect(pub(crate) String);

impl ser::Error for Defect {
    fn custom<T: Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

impl de::Error for Defect {
    fn custom<T: Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

/// Appends the datum of `value` to `out`.
pub(crate) fn write<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Defect> {
    value.serialize(&mut Writer { out })
}

/// Reads a value from the whole of `datum`.
pub(crate) fn read<'de, T: Deserialize<'de>>(datum: &'de [u8]) -> Result<T, Defect> {
    let mut reader = Reader { rest: datum };
    let value = T::deserialize(&mut reader)?;
    match reader.rest.len() {
        0 => Ok(value),
        left => Err(Defect(format!("{left} bytes are left over"))),
    }
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    /// A zigzag varint.
    fn integer(&mut self, value: i64) {
        let mut bits = ((value << 1) ^ (value >> 63)) as u64;
        while bits > 0x7f {
            self.out.push(bits as u8 | 0x80);
            bits >>= 7;
        }
        self.out.push(bits as u8);
    }
}

/// Rust types that no schema of ours has.
macro_rules! refuse {
    ($($method:ident($($kind:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $kind),*) -> Result<$ok, Defect> {
            Err(Defect(concat!(stringify!($method), ": no type of a contract").to_owned()))
        })*
    };
}

impl Serializer for &mut Writer<'_> {
    type Ok = ();
    type Error = Defect;
    type SerializeSeq = Self;
    type SerializeStruct = Self;
    type SerializeTuple = ser::Impossible<(), Defect>;
    type SerializeTupleStruct = ser::Impossible<(), Defect>;
    type SerializeTupleVariant = ser::Impossible<(), Defect>;
    type SerializeMap = ser::Impossible<(), Defect>;
    type SerializeStructVariant = ser::Impossible<(), Defect>;

    fn serialize_bool(self, value: bool) -> Result<(), Defect> {
        self.out.push(value.into());
        Ok(())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Defect> {
        self.integer(value.into());
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Defect> {
        self.integer(value);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Defect> {
        self.out.extend_from_slice(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Defect> {
        self.serialize_bytes(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Defect> {
        self.integer(value.len() as i64);
        self.out.extend_from_slice(value);
        Ok(())
    }

    /// Unions are null and one other type.
    fn serialize_none(self) -> Result<(), Defect> {
        self.integer(0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Defect> {
        self.integer(1);
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Defect> {
        match length {
            Some(0) => {}
            Some(length) => self.integer(length as i64),
            None => return Err(Defect("a list of unknown length".to_owned())),
        }
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Defect> {
        Ok(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Defect> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Defect> {
        self.serialize_unit_struct(name)
    }

    refuse! {
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_char(char) -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl SerializeSeq for &mut Writer<'_> {
    type Ok = ();
    type Error = Defect;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Defect> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Defect> {
        self.integer(0);
        Ok(())
    }
}

impl SerializeStruct for &mut Writer<'_> {
    type Ok = ();
    type Error = Defect;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, value: &T) -> Result<(), Defect> {
        value.serialize(&mut **self)
    }

    fn end(self) -> Result<(), Defect> {
        Ok(())
    }
}

/// What is left of a datum.
pub(crate) struct Reader<'de> {
    pub(crate) rest: &'de [u8],
}

const TOO_SHORT: &str = "it ends too early";

impl<'de> Reader<'de> {
    pub(crate) fn take(&mut self, length: usize) -> Result<&'de [u8], Defect> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| Defect(TOO_SHORT.to_owned()))?;
        self.rest = rest;
        Ok(taken)
    }

    /// A zigzag varint.
    pub(crate) fn integer(&mut self) -> Result<i64, Defect> {
        let mut bits: u64 = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or_else(|| Defect(TOO_SHORT.to_owned()))?;
            self.rest = rest;
            bits |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((bits >> 1) as i64 ^ -((bits & 1) as i64));
            }
        }
        Err(Defect("an integer in it is too long".to_owned()))
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, Defect> {
        match self.take(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Defect("a boolean in it is neither true nor false".to_owned())),
        }
    }

    pub(crate) fn double(&mut self) -> Result<f64, Defect> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| Defect(TOO_SHORT.to_owned()))?;
        self.rest = rest;
        Ok(f64::from_le_bytes(*bytes))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'de [u8], Defect> {
        let length = usize::try_from(self.integer()?).map_err(|_| Defect(TOO_SHORT.to_owned()))?;
        self.take(length)
    }

    pub(crate) fn string(&mut self) -> Result<&'de str, Defect> {
        str::from_utf8(self.bytes()?).map_err(|_| Defect("a text in it is not UTF-8".to_owned()))
    }

    /// Whether the branch of a union of null and another type is the other one.
    pub(crate) fn is_some(&mut self) -> Result<bool, Defect> {
        match self.integer()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Defect("it names no branch of a union".to_owned())),
        }
    }

    /// How many items the next block of a list has; 0 after the last.
    pub(crate) fn block(&mut self) -> Result<u64, Defect> {
        let count = self.integer()?;
        if count < 0 {
            // The size of the block, for readers that skip it.
            self.integer()?;
        }
        Ok(count.unsigned_abs())
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Defect;

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        visitor.visit_bool(self.boolean()?)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        let value = i32::try_from(self.integer()?).map_err(|_| Defect("an integer in it is too large".to_owned()))?;
        visitor.visit_i32(value)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        visitor.visit_i64(self.integer()?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        visitor.visit_f64(self.double()?)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        visitor.visit_borrowed_str(self.string()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        visitor.visit_borrowed_bytes(self.bytes()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        if self.is_some()? {
            visitor.visit_some(self)
        } else {
            visitor.visit_none()
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Defect> {
        visitor.visit_seq(Items {
            reader: self,
            left: None,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Defect> {
        visitor.visit_seq(Fields {
            reader: self,
            left: fields.len(),
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Defect> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Defect> {
        Err(Defect("no type of a contract".to_owned()))
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u8 u16 u32 u64 u128 f32 char unit unit_struct tuple tuple_struct map enum identifier ignored_any
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

struct Fields<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = Defect;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Defect> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

struct Items<'a, 'de> {
    reader: &'a mut Reader<'de>,
    /// Items left in the block; `None` before the first.
    left: Option<u64>,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Defect;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Defect> {
        let left = match self.left {
            Some(left) if left > 0 => left,
            _ => self.reader.block()?,
        };
        if left == 0 {
            return Ok(None);
        }
        self.left = Some(left - 1);
        seed.deserialize(&mut *self.reader).map(Some)
    }
}
