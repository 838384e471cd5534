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

/// Messages that mean "write to me no more" when they are the whole text.
const OPT_OUTS: [&str; 7] = ["stop", "baja", "salir", "sair", "parar", "cancelar", "unsubscribe"];

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
    OPT_OUTS.contains(&fold(text).trim())
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
        assert!(
            !is_opt_out("")
                && !is_opt_out("baja, por favor")
                && !is_opt_out("no quiero la baja")
                && !is_opt_out("stop it")
        );
    }
}
