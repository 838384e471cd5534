//! What becomes a record at all, and in which words: the part of a mapping that `project` decides by.

use serde::Serialize;

/// What becomes a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// Whether each session becomes a ticket.
    pub tickets: bool,
    /// What of a conversation becomes an entry of the timeline.
    pub timeline: Timeline,
    /// What becomes a deal.
    pub deals: DealPolicy,
    /// Seconds that a person has for the first response; none: there is no target.
    pub first_response_target: Option<i64>,
    /// Language of subjects and bodies.
    pub language: Language,
    /// What becomes a task, by name.
    pub rules: Vec<Rule>,
}

/// What of a conversation becomes an entry of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Timeline {
    /// Each message.
    Messages,
    /// Each session, as a digest.
    Digest,
    /// Nothing.
    Nothing,
}

/// What becomes a deal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DealPolicy {
    /// A click on an ad, or a text with a tracked token.
    pub referral: bool,
    /// One of these tags.
    pub tags: Vec<String>,
    /// One of these intents.
    pub intents: Vec<String>,
}

/// The three by their names.
pub(super) const TIMELINES: [(&str, Timeline); 3] = [
    ("messages", Timeline::Messages),
    ("digest", Timeline::Digest),
    ("none", Timeline::Nothing),
];

/// Language of what Hilo itself writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Spanish.
    Es,
    /// Portuguese.
    Pt,
    /// English.
    En,
}

/// The three by their names.
pub(super) const LANGUAGES: [(&str, Language); 3] = [("es", Language::Es), ("pt", Language::Pt), ("en", Language::En)];

/// A cause that becomes a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its name: with the cause it makes the task's key, so the same cause never fires twice.
    pub name: String,
    /// Its version, which a firing names.
    pub version: u32,
    /// Its cause.
    pub when: When,
    /// What has to be done. May hold `{placeholders}`, see [`fill`].
    pub subject: String,
    /// Why. May hold `{placeholders}`.
    pub body: String,
    /// A link that helps, for example that of a flow.
    pub link: Option<String>,
    /// `low`, `medium`, `high`.
    pub priority: String,
    /// Seconds from the cause until the task is due.
    pub due_seconds: i64,
}

/// The cause of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// A send failed for good.
    Failed {
        /// With an error of one of these classes.
        classes: Vec<String>,
    },
    /// A template was read and the person did not answer.
    Unanswered {
        /// Names of templates; a `*` stands for any text.
        templates: Vec<String>,
        /// Seconds from the reading.
        after_seconds: i64,
    },
    /// A tag or an intent was given.
    Tagged {
        /// One of these tags.
        tags: Vec<String>,
        /// One of these intents.
        intents: Vec<String>,
    },
    /// A survey was answered badly.
    Rated {
        /// `csat`, `ces`.
        instrument: String,
        /// The greatest score that fires.
        at_most: String,
    },
}

/// What happened, as a rule sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause<'a> {
    /// A send failed with an error of a class.
    Failed {
        /// Name of the class.
        class: &'a str,
    },
    /// A template is read and unanswered.
    Unanswered {
        /// Its name.
        template: &'a str,
        /// Seconds since the reading.
        seconds: i64,
    },
    /// A tag was given.
    Tag(&'a str),
    /// An intent was given.
    Intent(&'a str),
    /// A survey was answered.
    Rated {
        /// `csat`, `ces`.
        instrument: &'a str,
        /// The score, a decimal text.
        score: &'a str,
    },
}

impl When {
    /// Whether the cause fires.
    #[must_use]
    pub fn fires(&self, cause: &Cause) -> bool {
        match (self, cause) {
            (Self::Failed { classes }, Cause::Failed { class }) => classes.iter().any(|one| one == class),
            (Self::Unanswered { after_seconds, .. }, Cause::Unanswered { template, seconds }) => {
                self.concerns(template) && seconds >= after_seconds
            }
            (Self::Tagged { tags, .. }, Cause::Tag(tag)) => tags.iter().any(|one| same(one, tag)),
            (Self::Tagged { intents, .. }, Cause::Intent(intent)) => intents.iter().any(|one| same(one, intent)),
            (
                Self::Rated { instrument, at_most },
                Cause::Rated {
                    instrument: answered,
                    score,
                },
            ) => {
                instrument == answered
                    && matches!((score.parse::<f64>(), at_most.parse::<f64>()), (Ok(score), Ok(most)) if score <= most)
            }
            _ => false,
        }
    }

    /// Whether the reading of a template can fire it later.
    #[must_use]
    pub fn concerns(&self, template: &str) -> bool {
        matches!(self, Self::Unanswered { templates, .. } if templates.iter().any(|one| matches(one, template)))
    }
}

/// People write tags and intents in capitals or not.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.trim().to_lowercase()
}

/// Whether a pattern, in which `*` stands for any text, is the whole of a name.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, behind)) = name.split_once(part) else {
            return false;
        };
        name = behind;
    }
    name.ends_with(tail)
}

/// What subjects and bodies of rules can name: the person's name or masked number, the template, the class of the
/// failure, the tag, the intent, the instrument and score, the link of the rule.
pub const PLACEHOLDERS: [&str; 8] = [
    "contact",
    "template",
    "class",
    "tag",
    "intent",
    "instrument",
    "score",
    "link",
];

/// A text with its placeholders filled. One that has no value becomes nothing.
#[must_use]
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        out.push_str(before);
        if PLACEHOLDERS.contains(&name) {
            let value = values.iter().find(|(known, _)| *known == name);
            out.push_str(value.map_or("", |(_, value)| value));
        } else {
            out.extend(["{", name, "}"]);
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, is) in [
            ("cobranza", "cobranza", true),
            ("cobranza", "cobranza_2", false),
            ("cobranza*", "cobranza_2", true),
            ("*cobranza*", "aviso_cobranza_2", true),
            ("*cobranza*", "cobranza", true),
            ("a*a", "a", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), is, "{pattern} {name}");
        }
    }

    #[test]
    fn only_the_cause_of_a_rule_fires_it() {
        let failed = When::Failed {
            classes: vec!["template".to_owned()],
        };
        assert!(failed.fires(&Cause::Failed { class: "template" }));
        assert!(!failed.fires(&Cause::Failed { class: "rate" }));
        assert!(!failed.fires(&Cause::Tag("template")));
        let unanswered = When::Unanswered {
            templates: vec!["*cobranza*".to_owned()],
            after_seconds: 86_400,
        };
        let waited = |template, seconds| unanswered.fires(&Cause::Unanswered { template, seconds });
        assert!(waited("cobranza_1", 86_400));
        assert!(!waited("cobranza_1", 86_399));
        assert!(!waited("cita", 90_000));
        let tagged = When::Tagged {
            tags: vec!["reprogramar".to_owned()],
            intents: Vec::new(),
        };
        assert!(tagged.fires(&Cause::Tag("Reprogramar ")));
        assert!(!tagged.fires(&Cause::Intent("reprogramar")));
        let rated = When::Rated {
            instrument: "csat".to_owned(),
            at_most: "2".to_owned(),
        };
        let score = |instrument, score| rated.fires(&Cause::Rated { instrument, score });
        assert!(score("csat", "2"));
        assert!(score("csat", "1.5"));
        assert!(!score("csat", "10"));
        assert!(!score("ces", "1"));
        assert!(!score("csat", "bad"));
    }

    #[test]
    fn a_text_is_filled() {
        let values = [("contact", "Ana {link}"), ("score", "2")];
        assert_eq!(fill("Call {contact}: {score}{link}", &values), "Call Ana {link}: 2");
        assert_eq!(fill("{what} {", &values), "{what} {");
    }
}
