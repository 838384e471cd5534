//! Transforms of texts.

use hilo_domain::phone;

/// So many characters at most; what is cut ends with an ellipsis, which counts.
pub(in crate::mapping) fn truncated(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

pub(super) fn first_word(text: &str) -> Option<String> {
    text.split_whitespace().next().map(str::to_owned)
}

pub(super) fn rest_words(text: &str) -> Option<String> {
    let rest: Vec<&str> = text.split_whitespace().skip(1).collect();
    (!rest.is_empty()).then(|| rest.join(" "))
}

/// Text as HTML that shows it: what a customer writes is never a tag.
pub(super) fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\r' if characters.peek() == Some(&'\n') => {}
            '\n' | '\r' => out.push_str("<br>"),
            other => out.push(other),
        }
    }
    out
}

/// A number in E.164. A local form is completed by the country of the person.
pub(super) fn e164(text: &str, country: Option<&str>) -> Option<String> {
    phone::dialable(text, country)
}

/// Digits of a number that stay visible at its beginning and end.
const SHOWN: (usize, usize) = (2, 3);

/// A number of which nobody can be called: `+56•••567`.
#[must_use]
pub fn mask_phone(text: &str) -> String {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
    let (head, tail) = SHOWN;
    if digits.len() < head + tail + 3 {
        return "•••".to_owned();
    }
    let head: String = digits.iter().take(head).collect();
    let tail: String = digits.iter().skip(digits.len() - tail).collect();
    format!("+{head}•••{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_parted_at_any_space() {
        assert_eq!(first_word("  Ana  María\tSoto ").as_deref(), Some("Ana"));
        assert_eq!(rest_words("  Ana  María\tSoto ").as_deref(), Some("María Soto"));
        assert_eq!(rest_words("Ana"), None);
        assert_eq!(first_word(" "), None);
    }

    #[test]
    fn cutting_counts_characters_and_shows_itself() {
        assert_eq!(truncated("ñandú", 5), "ñandú");
        assert_eq!(truncated("ñandú ñandú", 7), "ñandú…");
        assert_eq!(truncated("ñandúes", 6), "ñandú…");
        assert_eq!(truncated("x", 0), "…");
    }

    #[test]
    fn what_a_customer_writes_is_no_tag() {
        assert_eq!(
            html("<b onclick='x'>a & \"b\"</b>\r\nc\nd"),
            "&lt;b onclick=&#39;x&#39;&gt;a &amp; &quot;b&quot;&lt;/b&gt;<br>c<br>d"
        );
    }

    #[test]
    fn numbers_are_dialable() {
        assert_eq!(e164("+56 9 6123 4567", None).as_deref(), Some("+56961234567"));
        assert_eq!(e164("5215512345678", None).as_deref(), Some("+525512345678"));
        assert_eq!(e164("9 6123 4567", Some("CL")).as_deref(), Some("+56961234567"));
        assert_eq!(e164("Ana", None), None);
    }

    #[test]
    fn a_masked_number_hides_most_of_it() {
        assert_eq!(mask_phone("+56961234567"), "+56•••567");
        assert_eq!(mask_phone("1234567"), "•••");
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC*", most in 0_usize..20) {
            prop_assert!(truncated(&text, most).chars().count() <= most.max(1));
            prop_assert!(!html(&text).contains(['<', '>', '"']) || html(&text).contains("<br>"));
            let _unused = (first_word(&text), rest_words(&text), e164(&text, Some("CL")), mask_phone(&text));
        }
    }
}
