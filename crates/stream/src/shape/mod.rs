//! Shapes of what is stored and of what travels inside: fields and variants in their order, as serde sees them.
//!
//! The encoding has neither names nor tags, so bytes of another shape may be read as other fields. The shapes are pinned by
//! golden files (`crates/hilo/shapes`), and a test refuses another shape under the same [`crate::wire::VERSION`].
//!
//! A type is traced by reading it from a deserializer that notes what it is asked for, so that each attribute of serde counts.
//! `serde-reflection` works in the same way, but it leaves enums behind options and lists incomplete unless each is named, and
//! most of ours are private to their crates. `postcard-schema` needs a derive on each type and does not see attributes.

mod print;
mod trace;

use hilo_domain::hash;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::BTreeSet;
use trace::{Format, Tracer};

/// A type that has no shape, or one that does not keep its own bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShapeError(String);

/// Something that is stored, or that travels.
struct Root {
    what: String,
    format: Format,
    /// The first example, encoded.
    example: Vec<u8>,
    examples: usize,
    /// Hash of all examples.
    digest: String,
}

/// The shapes of several things, with all types inside of them.
#[derive(Default)]
pub struct Shapes {
    tracer: Tracer,
    roots: Vec<Root>,
}

/// More examples than any type needs until each of its variants was seen.
const MOST_EXAMPLES: usize = 20_000;

impl Shapes {
    /// Adds the shape of `T`, and the bytes of examples of it that have each variant.
    pub fn add<T: Serialize + DeserializeOwned>(&mut self, what: impl Into<String>) -> Result<(), ShapeError> {
        let what = what.into();
        let failed = |problem: String| ShapeError(format!("{what}: {problem}"));
        let mut format = Format::Unknown;
        let mut examples: Vec<Vec<u8>> = Vec::new();
        // Examples must not depend on what was traced before.
        self.tracer.restart();
        loop {
            let (found, example): (Format, T) = self.tracer.example().map_err(|error| failed(error.0))?;
            format.merge(found).map_err(|error| failed(error.0))?;
            let bytes = bytes(&example).map_err(&failed)?;
            let again: T = postcard::from_bytes(&bytes).map_err(|error| failed(error.to_string()))?;
            if self::bytes(&again).map_err(&failed)? != bytes {
                return Err(failed("what is read is not what was written".to_owned()));
            }
            examples.push(bytes);
            if self.tracer.is_complete() {
                break;
            }
            if examples.len() == MOST_EXAMPLES {
                return Err(failed("some variants of its enums are never reached".to_owned()));
            }
        }
        let parts: Vec<&[u8]> = examples.iter().map(Vec::as_slice).collect();
        let digest = hash::digest("shape", &parts);
        self.roots.push(Root {
            format,
            examples: examples.len(),
            digest,
            example: examples.swap_remove(0),
            what,
        });
        Ok(())
    }

    /// Paths of all named types inside, as the compiler writes them for their visitors.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<&'static str> {
        let named = self.tracer.types.iter().map(|known| known.visitor);
        named.chain(self.tracer.newtypes.iter().copied()).collect()
    }
}

fn bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, String> {
    postcard::to_stdvec(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Encoded;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Serialize, Deserialize)]
    enum Kind {
        Small,
        Large { size: u32 },
        Both(Box<Inner>, bool),
    }

    #[derive(Serialize, Deserialize)]
    struct Inner {
        deep: Vec<Option<Deep>>,
    }

    #[derive(Serialize, Deserialize)]
    enum Deep {
        One,
        Two(String),
        Three,
    }

    #[derive(Serialize, Deserialize)]
    struct Packed(Box<[u8]>);

    #[derive(Serialize, Deserialize)]
    struct Whole {
        kinds: BTreeMap<String, Kind>,
        #[serde(rename = "other")]
        name: [u64; 3],
        packed: Packed,
        inside: Encoded<(Deep, f64)>,
    }

    fn text<T: Serialize + DeserializeOwned>() -> String {
        let mut shapes = Shapes::default();
        shapes.add::<T>("store whole").unwrap();
        let text = shapes.to_string();
        // The digest is of no interest here.
        text.lines()
            .filter(|line| !line.starts_with("  "))
            .map(|line| format!("{line}\n"))
            .chain(
                text.lines()
                    .filter(|line| line.starts_with("  ") && !line.contains("example"))
                    .map(|line| format!("{line}\n")),
            )
            .collect()
    }

    #[test]
    fn a_shape_names_each_field_and_each_variant_at_any_depth() {
        let text = text::<Whole>();
        for line in [
            "store whole: Whole",
            "  kinds: map of string to Kind",
            "  other: [u64; 3]",
            "  packed: Packed(list of u8)",
            "  inside: Encoded((Deep, f64))",
            "  0 Small",
            "  1 Large { size: u32 }",
            "  2 Both(Inner, bool)",
            "  deep: list of option of Deep",
            "  0 One",
            "  1 Two(string)",
            "  2 Three",
        ] {
            assert!(text.lines().any(|had| had == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn bytes_of_examples_differ_where_fields_change_places() {
        #[derive(Serialize, Deserialize)]
        struct Pair {
            a: u32,
            b: u32,
        }
        mod swapped {
            use serde::{Deserialize, Serialize};
            #[derive(Serialize, Deserialize)]
            pub(super) struct Pair {
                pub b: u32,
                pub a: u32,
            }
        }
        let of = |add: fn(&mut Shapes, &'static str) -> Result<(), ShapeError>| {
            let mut shapes = Shapes::default();
            add(&mut shapes, "pair").unwrap();
            shapes.to_string()
        };
        assert_ne!(of(Shapes::add::<Pair>), of(Shapes::add::<swapped::Pair>));
        assert_eq!(of(Shapes::add::<Pair>), of(Shapes::add::<Pair>));
    }

    #[test]
    fn a_type_that_is_not_read_as_it_is_written_is_refused() {
        #[derive(Serialize, Deserialize)]
        struct Lossy {
            #[serde(skip_serializing)]
            _a: u32,
            b: u32,
        }
        let refused = Shapes::default().add::<Lossy>("lossy").unwrap_err();
        assert!(refused.to_string().starts_with("lossy: "), "{refused}");
    }

    #[test]
    fn types_of_one_name_are_told_apart() {
        mod other {
            use serde::{Deserialize, Serialize};
            #[derive(Serialize, Deserialize)]
            pub(super) struct Inner {
                flat: bool,
            }
        }
        let text = text::<(Inner, other::Inner)>();
        assert!(text.contains("store whole: (Inner, Inner (2))"), "{text}");
        assert!(text.contains("\nstruct Inner (2)\n"), "{text}");
    }

    #[test]
    fn paths_name_the_types_inside() {
        let mut shapes = Shapes::default();
        shapes.add::<Whole>("whole").unwrap();
        for name in ["Whole", "Deep", "Packed"] {
            let path = format!("shape::tests::{name}");
            assert!(
                shapes.paths().iter().any(|had| had.contains(&path)),
                "{:?}",
                shapes.paths()
            );
        }
    }
}
