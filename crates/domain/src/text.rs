//! Texts that mean something: courtesies after a resolution, and opt-out keywords.
//! Both lists are part of version 1 of the metric definitions.

/// Messages that only close politely.
const COURTESIES: [&str; 15] = [
    "gracias",
    "muchas gracias",
    "mil gracias",
    "ok",
    "okay",
    "vale",
    "listo",
    "perfecto",
    "dale",
    "obrigado",
    "obrigada",
    "valeu",
    "thanks",
    "thank you",
    "",
];

/// Messages that mean "write to me no more" when they are the whole text, with the languages in which they do.
const OPT_OUTS: [(&str, &str); 7] = [
    ("stop", "en es pt"),
    ("baja", "es"),
    ("salir", "es"),
    ("sair", "pt"),
    ("parar", "es pt"),
    ("cancelar", "es pt"),
    ("unsubscribe", "en"),
];

/// Whether `text` only closes politely: after case folding and removal of emoji, punctuation and spaces
/// at its ends it is empty or a courtesy.
#[must_use]
pub fn is_courtesy(text: &str) -> bool {
    let folded = fold(text);
    COURTESIES.contains(&trimmed(&folded))
}

/// Whether the whole of `text`, case-folded and without spaces around it, is an opt-out keyword.
#[must_use]
pub fn is_opt_out(text: &str) -> bool {
    opt_out(text).is_some()
}

/// The opt-out keyword that the whole of `text` is, and the languages in which it is one.
#[must_use]
pub fn opt_out(text: &str) -> Option<(&'static str, &'static str)> {
    let folded = fold(text);
    OPT_OUTS.into_iter().find(|(word, _)| *word == folded.trim())
}

fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Letters and digits are what is left of a text; everything else at its ends is punctuation, space or emoji.
/// (Keycap emoji end in a combining mark, flags and skin tones in symbols: none of them is alphanumeric.)
fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| !character.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn courtesies_survive_emoji_case_and_punctuation() {
        for text in ["¡Gracias! 🙏", "OK", "  mil gracias…", "👍🏽", "", "...", "Thank you!!"] {
            assert!(is_courtesy(text), "{text:?}");
        }
        for text in [
            "gracias, ¿y el otro?",
            "ok pero no llegó",
            "muchas  gracias",
            "vale la pena?",
        ] {
            assert!(!is_courtesy(text), "{text:?}");
        }
    }

    #[test]
    fn an_opt_out_is_the_whole_message() {
        assert!(is_opt_out("STOP") && is_opt_out("Baja") && is_opt_out(" sair "));
        assert_eq!(opt_out("Sair"), Some(("sair", "pt")));
        assert!(
            !is_opt_out("")
                && !is_opt_out("baja, por favor")
                && !is_opt_out("no quiero la baja")
                && !is_opt_out("stop it")
        );
    }
}
