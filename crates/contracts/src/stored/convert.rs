//! From a fact to what is stored of it, and back.

use hilo_domain::Millis;

/// Turns into a type with the same fields.
pub trait Convert<T> {
    /// The same as the other type.
    fn convert(self) -> T;
}

macro_rules! same {
    ($($type:ty)*) => {$(
        impl Convert<$type> for $type {
            fn convert(self) -> $type {
                self
            }
        }
    )*};
}

same!(String Millis i32 bool);

impl<From: Convert<To>, To> Convert<Option<To>> for Option<From> {
    fn convert(self) -> Option<To> {
        self.map(Convert::convert)
    }
}

impl<From: Convert<To>, To> Convert<Vec<To>> for Vec<From> {
    fn convert(self) -> Vec<To> {
        self.into_iter().map(Convert::convert).collect()
    }
}

/// Structs with the fields of the fact of the same name. A field that one of them lacks does not compile.
macro_rules! mirror {
    ($($(#[$attribute:meta])* $name:ident { $($field:ident: $type:ty,)* })*) => {$(
        $(#[$attribute])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $(#[doc = concat!("As in [`facts::", stringify!($name), "`].")] pub $field: $type,)*
        }

        impl Convert<facts::$name> for $name {
            fn convert(self) -> facts::$name {
                facts::$name { $($field: self.$field.convert(),)* }
            }
        }

        impl Convert<$name> for facts::$name {
            fn convert(self) -> $name {
                $name { $($field: self.$field.convert(),)* }
            }
        }
    )*};
}

pub(super) use mirror;
