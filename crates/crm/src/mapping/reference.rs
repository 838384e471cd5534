//! Values that the writer looks up in the portal: `@stage:PIPELINE/STAGE`, `@pipeline:PIPELINE`, `@owner:E-MAIL`.

/// What a value refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// A stage by the labels of its pipeline and itself.
    Stage {
        /// Label of the pipeline.
        pipeline: &'a str,
        /// Label of the stage.
        stage: &'a str,
    },
    /// A pipeline by its label.
    Pipeline(&'a str),
    /// An owner by e-mail address.
    Owner(&'a str),
}

const PREFIXES: [&str; 3] = ["@stage:", "@pipeline:", "@owner:"];

impl<'a> Reference<'a> {
    /// What a value refers to; `None`: it is a value like others.
    #[must_use]
    pub fn of(value: &'a str) -> Option<Self> {
        if let Some(path) = value.strip_prefix("@stage:") {
            let (pipeline, stage) = path.split_once('/')?;
            return Some(Self::Stage { pipeline, stage });
        }
        if let Some(pipeline) = value.strip_prefix("@pipeline:") {
            return Some(Self::Pipeline(pipeline));
        }
        value.strip_prefix("@owner:").map(Self::Owner)
    }
}

/// A text of a person as a value. A text that looks like a reference gets a space in front: nobody's message makes the
/// writer look something up.
pub(super) fn harmless(text: String) -> String {
    if PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
        return format!(" {text}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_references_are_looked_up() {
        assert_eq!(
            Reference::of("@stage:WhatsApp/En curso"),
            Some(Reference::Stage {
                pipeline: "WhatsApp",
                stage: "En curso"
            })
        );
        assert_eq!(Reference::of("@pipeline:A/B"), Some(Reference::Pipeline("A/B")));
        assert_eq!(
            Reference::of("@owner:ana@acme.example"),
            Some(Reference::Owner("ana@acme.example"))
        );
        assert_eq!(Reference::of("@ana hola"), None);
        assert_eq!(Reference::of(&harmless("@owner:x".to_owned())), None);
        assert_eq!(harmless("@ana".to_owned()), "@ana");
    }
}
