//! A deserializer that makes examples of a type, and notes what the type asks for.

use super::ShapeError;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer as _, MapAccess, SeqAccess, VariantAccess,
    Visitor,
};
use std::collections::BTreeSet;

/// What stands in a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// Not seen yet.
    #[default]
    Unknown,
    Plain(&'static str),
    Option(Box<Format>),
    List(Box<Format>),
    Map(Box<Format>, Box<Format>),
    Tuple(Vec<Format>),
    /// A struct of one part without a name.
    Newtype(&'static str, Box<Format>),
    /// A named type, by its place.
    Type(usize),
}

pub(super) type Fields = Vec<(&'static str, Format)>;

/// What a variant has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    Unit,
    Tuple(Vec<Format>),
    Struct(Fields),
}

/// What a named type is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Unit,
    Tuple(Vec<Format>),
    Struct(Fields),
    /// `None`: no example had the variant yet.
    Enum(Vec<(&'static str, Option<Variant>)>),
}

/// A named type. Names are not unique; the visitor that the compiler makes for a type is.
pub(super) struct Type {
    pub(super) visitor: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Variants by which examples go on.
    turn: usize,
    /// Whether the examples since the last restart had each variant.
    seen: Vec<bool>,
    asked: bool,
}

fn differs(one: &impl std::fmt::Debug, other: &impl std::fmt::Debug) -> ShapeError {
    ShapeError(format!("it is read in two ways, as {one:?} and as {other:?}"))
}

fn merge_all(these: &mut [Format], those: Vec<Format>) -> Result<(), ShapeError> {
    if these.len() != those.len() {
        return Err(differs(&these, &those));
    }
    these
        .iter_mut()
        .zip(those)
        .try_for_each(|(this, that)| this.merge(that))
}

fn merge_fields(these: &mut Fields, those: Fields) -> Result<(), ShapeError> {
    let names = |fields: &Fields| fields.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    if names(these) != names(&those) {
        return Err(differs(these, &those));
    }
    these
        .iter_mut()
        .zip(those)
        .try_for_each(|((_, this), (_, that))| this.merge(that))
}

impl Format {
    /// Takes in what another example shows.
    pub(super) fn merge(&mut self, other: Self) -> Result<(), ShapeError> {
        match (&mut *self, other) {
            (_, Self::Unknown) => Ok(()),
            (this @ Self::Unknown, other) => {
                *this = other;
                Ok(())
            }
            (Self::Option(this), Self::Option(that)) | (Self::List(this), Self::List(that)) => this.merge(*that),
            (Self::Map(key, value), Self::Map(other_key, other_value)) => {
                key.merge(*other_key)?;
                value.merge(*other_value)
            }
            (Self::Tuple(these), Self::Tuple(those)) => merge_all(these, those),
            (Self::Newtype(name, this), Self::Newtype(other, that)) if *name == other => this.merge(*that),
            (this, other) if *this == other => Ok(()),
            (this, other) => Err(differs(this, &other)),
        }
    }
}

impl Variant {
    fn merge(&mut self, other: Self) -> Result<(), ShapeError> {
        match (self, other) {
            (Self::Unit, Self::Unit) => Ok(()),
            (Self::Tuple(these), Self::Tuple(those)) => merge_all(these, those),
            (Self::Struct(these), Self::Struct(those)) => merge_fields(these, those),
            (this, other) => Err(differs(this, &other)),
        }
    }
}

/// Types within types; more is a type inside of itself, which this encoding of state has no need of.
const DEPTH: usize = 60;

/// Makes examples.
#[derive(Default)]
pub(super) struct Tracer {
    /// In the order in which they were found.
    pub(super) types: Vec<Type>,
    /// Visitors of structs of one part without a name.
    pub(super) newtypes: BTreeSet<&'static str>,
    depth: usize,
    /// Values of examples differ, so that fields of one type that change places change the bytes.
    number: u8,
}

impl Tracer {
    /// The next example is the first one again.
    pub(super) fn restart(&mut self) {
        self.number = 0;
        for known in &mut self.types {
            known.turn = 0;
            known.asked = false;
            known.seen.fill(false);
        }
    }

    /// The next example, and the format that it shows.
    pub(super) fn example<T: DeserializeOwned>(&mut self) -> Result<(Format, T), ShapeError> {
        let mut format = Format::Unknown;
        self.depth = 0;
        let value = T::deserialize(Place {
            tracer: self,
            format: &mut format,
        })?;
        Ok((format, value))
    }

    /// Whether the examples since the restart had each variant of each enum that they met.
    pub(super) fn is_complete(&self) -> bool {
        let asked = |known: &&Type| known.asked;
        self.types
            .iter()
            .filter(asked)
            .all(|known| known.seen.iter().all(|seen| *seen))
    }

    fn number(&mut self) -> u8 {
        self.number = self.number % 100 + 1;
        self.number
    }

    fn place<V>(&mut self, name: &'static str, kind: impl FnOnce() -> Kind) -> usize {
        let visitor = std::any::type_name::<V>();
        // A visitor that several types share is that of a generic one, whose name tells them apart.
        let known = |known: &Type| (known.visitor, known.name) == (visitor, name);
        if let Some(place) = self.types.iter().position(known) {
            return place;
        }
        let kind = kind();
        let variants = match &kind {
            Kind::Enum(variants) => variants.len(),
            _ => 0,
        };
        self.types.push(Type {
            visitor,
            name,
            kind,
            turn: 0,
            seen: vec![false; variants],
            asked: false,
        });
        self.types.len() - 1
    }

    fn enter(&mut self, name: &str) -> Result<(), ShapeError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(ShapeError(format!("{name} is inside of itself, or {DEPTH} types deep")));
        }
        Ok(())
    }
}

/// A place in an example.
struct Place<'a> {
    tracer: &'a mut Tracer,
    format: &'a mut Format,
}

impl Place<'_> {
    fn plain(&mut self, name: &'static str) -> Result<u8, ShapeError> {
        self.format.merge(Format::Plain(name))?;
        Ok(self.tracer.number())
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ShapeError> {
            let number = self.plain(stringify!($type))?;
            visitor.$visit($type::from(number))
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Place<'_> {
    type Error = ShapeError;

    numbers! {
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128,
        deserialize_f32 visit_f32 f32,
        deserialize_f64 visit_f64 f64,
        deserialize_char visit_char char,
    }

    fn deserialize_i8<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ShapeError> {
        let number = self.plain("i8")?;
        visitor.visit_i8(number.cast_signed())
    }

    fn deserialize_bool<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ShapeError> {
        let number = self.plain("bool")?;
        visitor.visit_bool(number % 2 == 1)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ShapeError> {
        let number = self.plain("string")?;
        visitor.visit_string(format!("s{number}"))
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ShapeError> {
        let number = self.plain("bytes")?;
        visitor.visit_byte_buf(vec![number, 0])
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ShapeError> {
        self.plain("unit")?;
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        let mut inner = Format::Unknown;
        let value = visitor.visit_some(Place {
            tracer: self.tracer,
            format: &mut inner,
        })?;
        self.format.merge(Format::Option(Box::new(inner)))?;
        Ok(value)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        let mut parts = vec![Format::Unknown];
        let value = visitor.visit_seq(Parts::of(self.tracer, parts.iter_mut()))?;
        let inner = parts.pop().unwrap_or_default();
        self.format.merge(Format::List(Box::new(inner)))?;
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        let mut parts = vec![Format::Unknown, Format::Unknown];
        let value = visitor.visit_map(Parts::of(self.tracer, parts.iter_mut()))?;
        let (inner, key) = (parts.pop().unwrap_or_default(), parts.pop().unwrap_or_default());
        self.format.merge(Format::Map(Box::new(key), Box::new(inner)))?;
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ShapeError> {
        let mut parts = vec![Format::Unknown; len];
        let value = visitor.visit_seq(Parts::of(self.tracer, parts.iter_mut()))?;
        self.format.merge(Format::Tuple(parts))?;
        Ok(value)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        self.tracer.enter(name)?;
        self.tracer.newtypes.insert(std::any::type_name::<V>());
        let mut inner = Format::Unknown;
        let value = visitor.visit_newtype_struct(Place {
            tracer: self.tracer,
            format: &mut inner,
        })?;
        self.tracer.depth -= 1;
        self.format.merge(Format::Newtype(name, Box::new(inner)))?;
        Ok(value)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, ShapeError> {
        let place = self.tracer.place::<V>(name, || Kind::Unit);
        self.format.merge(Format::Type(place))?;
        visitor.visit_unit()
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        self.tracer.enter(name)?;
        let place = self.tracer.place::<V>(name, || Kind::Tuple(vec![Format::Unknown; len]));
        self.format.merge(Format::Type(place))?;
        let mut parts = vec![Format::Unknown; len];
        let value = visitor.visit_seq(Parts::of(self.tracer, parts.iter_mut()))?;
        self.tracer.depth -= 1;
        match &mut self.tracer.types[place].kind {
            Kind::Tuple(known) => merge_all(known, parts)?,
            other => return Err(differs(other, &parts)),
        }
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        let unknown = || -> Fields { fields.iter().map(|field| (*field, Format::Unknown)).collect() };
        self.tracer.enter(name)?;
        let place = self.tracer.place::<V>(name, || Kind::Struct(unknown()));
        self.format.merge(Format::Type(place))?;
        let mut found = unknown();
        let places = found.iter_mut().map(|(_, format)| format);
        let value = visitor.visit_seq(Parts::of(self.tracer, places))?;
        self.tracer.depth -= 1;
        match &mut self.tracer.types[place].kind {
            Kind::Struct(known) => merge_fields(known, found)?,
            other => return Err(differs(other, &found)),
        }
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        self.tracer.enter(name)?;
        let place = self.tracer.place::<V>(name, || {
            Kind::Enum(variants.iter().map(|variant| (*variant, None)).collect())
        });
        self.format.merge(Format::Type(place))?;
        let known = &mut self.tracer.types[place];
        known.asked = true;
        // What no example had comes first; after that all take turns, so that what is inside of each is reached.
        let number = known.seen.iter().position(|seen| !seen).unwrap_or_else(|| {
            known.turn += 1;
            known.turn % variants.len().max(1)
        });
        if let Some(seen) = known.seen.get_mut(number) {
            *seen = true;
        }
        let mut found = None;
        let value = visitor.visit_enum(Choice {
            tracer: self.tracer,
            number,
            found: &mut found,
        })?;
        self.tracer.depth -= 1;
        let Kind::Enum(known) = &mut self.tracer.types[place].kind else {
            return Err(differs(&name, &found));
        };
        if let (Some((_, known)), Some(found)) = (known.get_mut(number), found) {
            match known {
                Some(known) => known.merge(found)?,
                None => *known = Some(found),
            }
        }
        Ok(value)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ShapeError> {
        Err(ShapeError(
            "a type that reads whatever is there has no shape, and the encoding cannot hold it".to_owned(),
        ))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        self.deserialize_any(visitor)
    }

    /// So that [`crate::wire::Encoded`] shows what is inside of it. No other type of ours asks.
    fn is_human_readable(&self) -> bool {
        true
    }
}

/// Places in their order.
struct Parts<'a, I> {
    tracer: &'a mut Tracer,
    places: I,
    left: usize,
}

impl<'a, I: ExactSizeIterator<Item = &'a mut Format>> Parts<'a, I> {
    fn of(tracer: &'a mut Tracer, places: I) -> Self {
        let left = places.len();
        Self { tracer, places, left }
    }

    fn next<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ShapeError> {
        let Some(format) = self.places.next() else {
            return Ok(None);
        };
        self.left -= 1;
        seed.deserialize(Place {
            tracer: self.tracer,
            format,
        })
        .map(Some)
    }
}

impl<'de, 'a, I: ExactSizeIterator<Item = &'a mut Format>> SeqAccess<'de> for Parts<'a, I> {
    type Error = ShapeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ShapeError> {
        self.next(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de, 'a, I: ExactSizeIterator<Item = &'a mut Format>> MapAccess<'de> for Parts<'a, I> {
    type Error = ShapeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ShapeError> {
        self.next(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ShapeError> {
        self.next(seed)?
            .ok_or_else(|| ShapeError("a map asks for a value without a key".to_owned()))
    }
}

/// A variant of an enum.
struct Choice<'a> {
    tracer: &'a mut Tracer,
    number: usize,
    found: &'a mut Option<Variant>,
}

impl<'de> EnumAccess<'de> for Choice<'_> {
    type Error = ShapeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), ShapeError> {
        let number: de::value::U32Deserializer<ShapeError> = (self.number as u32).into_deserializer();
        Ok((seed.deserialize(number)?, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'_> {
    type Error = ShapeError;

    fn unit_variant(self) -> Result<(), ShapeError> {
        *self.found = Some(Variant::Unit);
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ShapeError> {
        let mut format = Format::Unknown;
        let value = seed.deserialize(Place {
            tracer: self.tracer,
            format: &mut format,
        })?;
        *self.found = Some(Variant::Tuple(vec![format]));
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, ShapeError> {
        let mut parts = vec![Format::Unknown; len];
        let value = visitor.visit_seq(Parts::of(self.tracer, parts.iter_mut()))?;
        *self.found = Some(Variant::Tuple(parts));
        Ok(value)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        let mut found: Fields = fields.iter().map(|field| (*field, Format::Unknown)).collect();
        let places = found.iter_mut().map(|(_, format)| format);
        let value = visitor.visit_seq(Parts::of(self.tracer, places))?;
        *self.found = Some(Variant::Struct(found));
        Ok(value)
    }
}

impl de::Error for ShapeError {
    fn custom<T: std::fmt::Display>(problem: T) -> Self {
        Self(problem.to_string())
    }
}
