//! Words that say "write to me no more".

use crate::text::keyword_form;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Opt-outs wherever they are said, with their languages: version 1 of the metric definitions.
const ALWAYS: [(&str, &str); 12] = [
    ("stop", "en es pt"),
    ("stop promotions", "en"),
    ("unsubscribe", "en"),
    ("baja", "es"),
    ("dar de baja", "es"),
    ("darme de baja", "es"),
    ("no quiero recibir mas mensajes", "es"),
    ("detener promociones", "es"),
    ("parar promocoes", "pt"),
    ("cancelar inscricao", "pt"),
    ("descadastrar", "pt"),
    ("remover", "es pt"),
];

/// Opt-outs only as answers to marketing: also the everyday words of appointments and orders.
const ANSWERS: [(&str, &str); 4] = [
    ("salir", "es"),
    ("sair", "pt"),
    ("parar", "es pt"),
    ("cancelar", "es pt"),
];

/// The word that somebody said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Keyword {
    /// As the list has it: in small letters, without accents.
    pub word: String,
    /// BCP 47 languages of the word, separated by spaces. None where the tenant added it.
    pub languages: Option<String>,
}

/// A word of opt-out, by when it is one. Of two, the smaller says more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OptOut {
    /// Wherever it is said.
    Always(Keyword),
    /// Only as an answer to a marketing template; whether it is one, the thread knows.
    AnswerToMarketing(Keyword),
}

/// The words of a tenant: the lists of the definitions, and what the configuration adds to those that always count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptOutWords {
    added: BTreeSet<String>,
}

impl OptOutWords {
    /// Adds a word in whatever form. `false`, and nothing is added, where only emoji, punctuation and spaces are in it.
    pub fn add(&mut self, word: &str) -> bool {
        let word = keyword_form(word);
        let says_something = !word.is_empty();
        if says_something {
            self.added.insert(word);
        }
        says_something
    }

    /// The word that the whole of `text` is: after case folding and removal of accents, and of emoji, formatting marks,
    /// punctuation and spaces at its ends.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<OptOut> {
        let said = keyword_form(text);
        let among = |list: &[(&str, &str)]| {
            let (word, languages) = list.iter().find(|(word, _)| *word == said)?;
            Some(Keyword {
                word: (*word).to_owned(),
                languages: Some((*languages).to_owned()),
            })
        };
        let added = || {
            self.added.get(&said).map(|word| Keyword {
                word: word.clone(),
                languages: None,
            })
        };
        let always = among(&ALWAYS).or_else(added).map(OptOut::Always);
        always.or_else(|| among(&ANSWERS).map(OptOut::AnswerToMarketing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn always(text: &str) -> bool {
        matches!(OptOutWords::default().find(text), Some(OptOut::Always(_)))
    }

    #[test]
    fn an_opt_out_is_the_whole_message() {
        for text in [
            "STOP.",
            "¡BAJA!",
            "Stop 🛑",
            "*baja*",
            "_~Baja~_",
            "```baja```",
            "Stop promotions",
            "Detener promociones",
            "Dar de baja",
            "¡No quiero recibir más mensajes!",
            "no quiero recibir ma\u{301}s mensajes",
            "PARAR PROMOÇÕES",
            "Cancelar inscrição",
            "  unsubscribe\n",
            "1️⃣ Baja 🅿️",
        ] {
            assert!(always(text), "{text:?}");
        }
        for text in [
            "",
            "🛑",
            "baja, por favor",
            "no quiero la baja",
            "stop it",
            "stop 1",
            "bajar",
            "dar  de baja",
            "s t o p",
        ] {
            assert_eq!(OptOutWords::default().find(text), None, "{text:?}");
        }
    }

    #[test]
    fn everyday_words_answer_marketing_only() {
        let found = OptOutWords::default().find("¡Cancelar!");
        let keyword = Keyword {
            word: "cancelar".to_owned(),
            languages: Some("es pt".to_owned()),
        };
        assert_eq!(found, Some(OptOut::AnswerToMarketing(keyword)));
        for text in ["Salir", "sair", "PARAR 🙏"] {
            let found = OptOutWords::default().find(text);
            assert!(matches!(found, Some(OptOut::AnswerToMarketing(_))), "{text:?}");
        }
    }

    #[test]
    fn a_tenant_adds_words_that_always_count() {
        let mut words = OptOutWords::default();
        assert!(words.add("¡No molestár! ") && words.add("SALIR"));
        assert!(!words.add(" 🛑… ") && !words.add(""));
        let found = words.find("no molestar 🙏");
        let keyword = Keyword {
            word: "no molestar".to_owned(),
            languages: None,
        };
        assert_eq!(found, Some(OptOut::Always(keyword)));
        assert!(matches!(words.find("salir"), Some(OptOut::Always(_))));
        assert_eq!(words.find("🛑"), None);
    }

    #[test]
    fn the_lists_are_in_the_form_in_which_they_are_compared() {
        for (word, _) in ALWAYS.iter().chain(&ANSWERS) {
            assert_eq!(&keyword_form(word), word);
        }
    }
}
