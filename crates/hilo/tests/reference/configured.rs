//! What the configuration says of a tenant: interface.md, section 6, and "Identity" of section 7; metrics.md, chapter 3.

use super::{
    items::Item,
    json::text,
    mentions::form,
    messages::type_of,
    over_partitions::configured::{ACCOUNTS, AUTO_REPLIES, OWN_NUMBERS, TENANT, WORDS},
};

/// Whether a number is one of the business's own, in any form.
pub(crate) fn is_own_number(tenant: &str, number: &str) -> bool {
    tenant == TENANT && OWN_NUMBERS.iter().any(|own| any_form(own) == any_form(number))
}

/// Argentina's two forms are one number here, too.
fn any_form(number: &str) -> String {
    let form = form(number);
    match form.strip_prefix("549") {
        Some(rest) if rest.len() == 10 => format!("54{rest}"),
        _ => form,
    }
}

/// Whether an entry is another's: the platform's test is nobody's.
pub(crate) fn is_foreign(tenant: &str, entry: Option<&str>) -> bool {
    tenant == TENANT && entry != Some("0") && !entry.is_some_and(|entry| ACCOUNTS.contains(&entry))
}

/// Whether the phone app answered by itself.
pub(crate) fn is_auto_reply(echo: &Item) -> bool {
    let said = text(&echo.element["text"], "body").map(|said| said.trim().to_lowercase());
    let is = |reply: &&str| said.as_deref() == Some(reply.to_lowercase().as_str());
    echo.tenant == TENANT && type_of(echo) == "text" && AUTO_REPLIES.iter().any(is)
}

/// Opt-outs wherever they are said.
const ALWAYS: &[&str] = &[
    "stop",
    "stop promotions",
    "unsubscribe",
    "baja",
    "dar de baja",
    "darme de baja",
    "no quiero recibir mas mensajes",
    "detener promociones",
    "parar promocoes",
    "cancelar inscricao",
    "descadastrar",
    "remover",
];

/// Whether a message is one of the words: a whole text, or what was pressed or chosen. What a stand-in took from another list
/// is no word: it is history, or the business wrote it.
pub(crate) fn is_opt_out(item: &Item) -> bool {
    let element = &item.element;
    let chosen = ["button_reply", "list_reply"].map(|kind| &element["interactive"][kind]);
    let said = match type_of(item) {
        "text" => vec![text(&element["text"], "body")],
        "button" => ["text", "payload"].map(|key| text(&element["button"], key)).into(),
        "interactive" => {
            let all = chosen
                .iter()
                .flat_map(|chosen| ["title", "id"].map(|key| text(chosen, key)));
            all.collect()
        }
        _ => vec![],
    };
    let added = WORDS.iter().filter(|_| item.tenant == TENANT);
    let words: Vec<String> = ALWAYS.iter().chain(added).map(|word| folded(word)).collect();
    said.into_iter().flatten().any(|said| words.contains(&folded(said)))
}

/// Without case, accents, and what is neither letter nor digit at the ends.
pub(crate) fn folded(text: &str) -> String {
    let plain = |letter: char| match letter {
        '\u{300}'..='\u{36f}' => None,
        'á' | 'ã' => Some('a'),
        'é' | 'ê' => Some('e'),
        'í' => Some('i'),
        'ó' | 'õ' => Some('o'),
        'ú' => Some('u'),
        'ç' => Some('c'),
        letter => Some(letter),
    };
    let plain: String = text.to_lowercase().chars().filter_map(plain).collect();
    plain.trim_matches(|letter: char| !letter.is_alphanumeric()).to_owned()
}
