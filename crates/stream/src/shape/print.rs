//! Shapes as text: a line a field, a line a variant.

use super::trace::{Format, Kind, Type, Variant};
use super::{Root, Shapes};
use hilo_domain::hash::to_hex;
use std::fmt::{self, Display, Formatter};

/// Bytes of an example that are written out; its rest is in the digest.
const SHOWN: usize = 64;

impl Display for Shapes {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let types = &self.tracer.types;
        for Root {
            what,
            format,
            example,
            examples,
            digest,
        } in &self.roots
        {
            writeln!(out, "\n{what}: {}", Named(types, format))?;
            let shown = &example[..example.len().min(SHOWN)];
            let more = if shown.len() < example.len() { "…" } else { "" };
            writeln!(out, "  example: {}{more}", to_hex(shown))?;
            writeln!(
                out,
                "  examples: {examples}, digest {}",
                &digest[..digest.len().min(32)]
            )?;
        }
        for (place, known) in types.iter().enumerate() {
            let named = |format| Named(types, format);
            match &known.kind {
                Kind::Unit => writeln!(out, "\nunit {}", name(types, place))?,
                Kind::Tuple(parts) => {
                    writeln!(out, "\ntuple {}", name(types, place))?;
                    for part in parts {
                        writeln!(out, "  {}", named(part))?;
                    }
                }
                Kind::Struct(fields) => {
                    writeln!(out, "\nstruct {}", name(types, place))?;
                    for (field, format) in fields {
                        writeln!(out, "  {field}: {}", named(format))?;
                    }
                }
                Kind::Enum(variants) => {
                    writeln!(out, "\nenum {}", name(types, place))?;
                    for (number, (variant, content)) in variants.iter().enumerate() {
                        write!(out, "  {number} {variant}")?;
                        match content {
                            None => writeln!(out, " ?")?,
                            Some(Variant::Unit) => writeln!(out)?,
                            Some(Variant::Tuple(parts)) => writeln!(out, "({})", list(types, parts))?,
                            Some(Variant::Struct(fields)) => {
                                let fields: Vec<String> = fields
                                    .iter()
                                    .map(|(field, format)| format!("{field}: {}", named(format)))
                                    .collect();
                                writeln!(out, " {{ {} }}", fields.join(", "))?;
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Name of a type; with a number where an earlier type has the same.
fn name(types: &[Type], place: usize) -> String {
    let Some(known) = types.get(place) else {
        return "?".to_owned();
    };
    match types[..place].iter().filter(|other| other.name == known.name).count() {
        0 => known.name.to_owned(),
        earlier => format!("{} ({})", known.name, earlier + 1),
    }
}

fn list(types: &[Type], parts: &[Format]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| Named(types, part).to_string()).collect();
    parts.join(", ")
}

struct Named<'a>(&'a [Type], &'a Format);

impl Display for Named<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Self(types, format) = self;
        let named = |format| Named(types, format);
        match format {
            Format::Unknown => out.write_str("?"),
            Format::Plain(name) => out.write_str(name),
            Format::Option(inner) => write!(out, "option of {}", named(inner)),
            Format::List(inner) => write!(out, "list of {}", named(inner)),
            Format::Map(key, value) => write!(out, "map of {} to {}", named(key), named(value)),
            Format::Tuple(parts) => match parts.split_first() {
                Some((first, rest)) if !rest.is_empty() && rest.iter().all(|part| part == first) => {
                    write!(out, "[{}; {}]", named(first), parts.len())
                }
                _ => write!(out, "({})", list(types, parts)),
            },
            Format::Newtype(name, inner) => write!(out, "{name}({})", named(inner)),
            Format::Type(place) => out.write_str(&name(types, *place)),
        }
    }
}
