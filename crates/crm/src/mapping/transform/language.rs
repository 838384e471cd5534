//! Languages as BCP 47 writes them, and as HubSpot does.

use std::collections::BTreeMap;

/// Languages with a region that every portal has; of every other one the language alone is written. A portal that has
/// more says so in `[languages]`.
const WITH_REGION: [&str; 7] = ["en-us", "es-ar", "es-cl", "es-co", "es-mx", "es-pe", "pt-br"];

/// Language in small letters and region in capitals; `None` when it is no language.
fn parts(text: &str) -> Option<(String, Option<String>)> {
    let mut parts = text.trim().split(['_', '-']);
    let language = parts.next()?.to_ascii_lowercase();
    let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !(2..=3).contains(&language.len()) || !letters(&language) {
        return None;
    }
    let region = parts
        .find(|part| {
            (part.len() == 2 && letters(part)) || (part.len() == 3 && part.bytes().all(|it| it.is_ascii_digit()))
        })
        .map(str::to_ascii_uppercase);
    Some((language, region))
}

/// `es-MX`.
pub(super) fn bcp47(text: &str) -> Option<String> {
    let (language, region) = parts(text)?;
    Some(region.map_or_else(|| language.clone(), |region| format!("{language}-{region}")))
}

/// `es`.
pub(super) fn primary(text: &str) -> Option<String> {
    parts(text).map(|(language, _)| language)
}

/// `es-mx`: what the mapping says for it, else the language with its region where HubSpot has it, else the language.
pub(super) fn hubspot(text: &str, mapped: &BTreeMap<String, String>) -> Option<String> {
    let tag = bcp47(text)?;
    if let Some(value) = mapped.get(&tag) {
        return Some(value.clone());
    }
    let tag = tag.to_ascii_lowercase();
    if WITH_REGION.contains(&tag.as_str()) {
        return Some(tag);
    }
    primary(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_language_is_written_as_each_wants_it() {
        let mapped = BTreeMap::from([("es".to_owned(), "es-cl".to_owned())]);
        for (text, tag, value) in [
            ("es_MX", "es-MX", "es-mx"),
            ("pt_BR", "pt-BR", "pt-br"),
            ("ES", "es", "es-cl"),
            ("es-419", "es-419", "es"),
            ("zh_Hant_TW", "zh-TW", "zh"),
            ("es_EC", "es-EC", "es"),
            ("fil", "fil", "fil"),
        ] {
            assert_eq!(bcp47(text).as_deref(), Some(tag), "{text}");
            assert_eq!(hubspot(text, &mapped).as_deref(), Some(value), "{text}");
        }
        assert_eq!(primary("pt_BR").as_deref(), Some("pt"));
        assert_eq!(bcp47("español"), None);
        assert_eq!(hubspot("", &mapped), None);
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC*") {
            let _unused = (bcp47(&text), primary(&text), hubspot(&text, &BTreeMap::new()));
        }
    }
}
