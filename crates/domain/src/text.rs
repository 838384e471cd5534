//! Forms in which texts are compared, and courtesies after a resolution.

use icu_casemap::CaseMapper;
use icu_normalizer::DecomposingNormalizer;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{Emoji, GeneralCategory, GeneralCategoryGroup},
};

/// Messages that only close politely, of version 1 of the metric definitions.
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

/// Whether `text` only closes politely: after case folding and removal of emoji, punctuation and spaces
/// at its ends it is empty or a courtesy.
#[must_use]
pub fn is_courtesy(text: &str) -> bool {
    let folded = CaseMapper::new().fold_string(trimmed(text));
    COURTESIES.contains(&folded.as_ref())
}

/// The form in which texts are equal whatever their case and whatever composes their letters, without spaces at the ends.
#[must_use]
pub fn caseless(text: &str) -> String {
    let nfd = DecomposingNormalizer::new_nfd();
    // Case folding alone may leave marks in another order.
    let folded = CaseMapper::new().fold_string(&nfd.normalize(text.trim())).into_owned();
    nfd.normalize(&folded).into_owned()
}

/// The form of a keyword: case folded, without accents, and without emoji, punctuation and spaces at the ends.
pub(crate) fn keyword_form(text: &str) -> String {
    let category = CodePointMapData::<GeneralCategory>::new();
    let nfd = DecomposingNormalizer::new_nfd();
    let bare: String = nfd
        .normalize_iter(trimmed(text).chars())
        .filter(|character| category.get(*character) != GeneralCategory::NonspacingMark)
        .collect();
    CaseMapper::new().fold_string(&bare).into_owned()
}

/// What lies between the first and the last letter or digit of a text.
fn trimmed(text: &str) -> &str {
    let mut before = text.char_indices().peekable();
    let mut start = text.len();
    while let Some((at, character)) = before.next() {
        if is_written(character, before.peek().map(|(_, next)| *next)) {
            start = at;
            break;
        }
    }
    let mut next = None;
    for (at, character) in text[start..].char_indices().rev() {
        if is_written(character, next) {
            return &text[start..start + at + character.len_utf8()];
        }
        next = Some(character);
    }
    ""
}

/// Makes an emoji of the character before it.
const EMOJI_VARIATION: char = '\u{fe0f}';
/// Makes a key of the digit before it.
const KEYCAP: char = '\u{20e3}';

/// Whether a character is a letter or a digit. `next` follows it: some letters and digits are emoji before a certain mark.
fn is_written(character: char, next: Option<char>) -> bool {
    if matches!(next, Some(EMOJI_VARIATION | KEYCAP)) && CodePointSetData::new::<Emoji>().contains(character) {
        return false;
    }
    if character.is_ascii() {
        return character.is_ascii_alphanumeric();
    }
    // Some emoji count as alphabetic for the standard library: 🅿 is a symbol that is shaped like a letter.
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    let is_letter_or_digit = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Number);
    is_letter_or_digit.contains(category) || category == GeneralCategory::SpacingMark
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn courtesies_survive_emoji_case_and_punctuation() {
        for text in [
            "¡Gracias! 🙏",
            "OK",
            "  mil gracias…",
            "👍🏽",
            "",
            "...",
            "Thank you!!",
            "ok 🅿️",
            "1️⃣ listo ℹ️",
        ] {
            assert!(is_courtesy(text), "{text:?}");
        }
        for text in [
            "gracias, ¿y el otro?",
            "ok pero no llegó",
            "muchas  gracias",
            "vale la pena?",
            "1",
            "ok 1",
        ] {
            assert!(!is_courtesy(text), "{text:?}");
        }
    }

    #[test]
    fn the_ends_of_a_text_are_letters_or_digits() {
        for (text, expected) in [
            ("", ""),
            ("¿?", ""),
            ("a", "a"),
            ("*a b*", "a b"),
            ("1️⃣a1️⃣", "a"),
            ("🇨🇱 a 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👨‍👩‍👧", "a"),
            // A mark that follows no emoji changes nothing.
            ("stop\u{fe0f}", "stop"),
            ("2 ñ 3", "2 ñ 3"),
            ("\u{200b}\u{feff}a\u{a0}\n", "a"),
        ] {
            assert_eq!(trimmed(text), expected, "{text:?}");
        }
    }

    #[test]
    fn caseless_texts_are_equal_in_any_composition() {
        let greeting = "\n¡Hola! Te responderemos mañana 🙂 ";
        assert_eq!(caseless(greeting), caseless("¡HOLA! te responderemos man\u{303}ana 🙂"));
        assert_ne!(caseless(greeting), caseless("¡Hola! Te responderemos manana 🙂"));
        assert_ne!(caseless("hola"), caseless("hola."));
    }

    proptest! {
        /// A form is a form of itself, so that a word of the configuration means what it says.
        #[test]
        fn a_form_has_no_other_form(text in any::<String>()) {
            let form = keyword_form(&text);
            prop_assert_eq!(keyword_form(&form), form.as_str());
            let same = caseless(&text);
            prop_assert_eq!(caseless(&same), same.as_str());
        }
    }
}
