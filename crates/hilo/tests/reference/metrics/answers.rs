//! Words that opt out only as an answer to marketing: metrics.md, chapter 3, "Words".

use super::{
    super::{
        configured::folded,
        items::{Item, Kind},
        json::text,
        messages::{Message, is_reaction, type_of},
    },
    World,
    sends::{Send, addressee, is_marketing},
};

const WORDS: &[&str] = &["salir", "sair", "parar", "cancelar"];
/// What only templates are charged as, beside marketing.
const TEMPLATES: &[&str] = &[
    "utility",
    "group_utility",
    "authentication",
    "authentication_international",
];

/// A message of the business, as the person has it.
pub(super) struct Written<'a> {
    message: &'a Message<'a>,
    person: Option<usize>,
    number: Option<&'a str>,
    at: i64,
    delivered: Option<i64>,
    is_template: bool,
    is_marketing: bool,
}

/// What the business wrote: lines, echoes, and what only statuses tell of.
pub(super) fn written<'a>(world: &World<'a>, sends: &[Send<'a>]) -> Vec<Written<'a>> {
    let of_sends = sends.iter().map(|send| {
        let is_marketing = send.is_marketing();
        let is_charged_so = is_marketing
            || send
                .category
                .as_deref()
                .is_some_and(|category| TEMPLATES.contains(&category));
        Written {
            message: send.message,
            person: send.person,
            number: send.number,
            at: send.at,
            delivered: send.delivered(),
            is_template: send.is_template || send.is_orphan && is_charged_so,
            is_marketing,
        }
    });
    let echoes = world.messages.iter().filter_map(|message| {
        let echo = message.sent().filter(|item| item.kind == Kind::Echo)?;
        if is_reaction(echo) || text(&echo.element, "group_id").is_some() {
            return None;
        }
        let has_failed = message.effective() == Some("failed");
        Some(Written {
            message,
            person: addressee(world, message),
            number: echo.phone_number_id.as_deref(),
            at: echo.time,
            // It counts as delivered at its time.
            delivered: Some(echo.time).filter(|_| !has_failed),
            is_template: type_of(echo) == "template",
            is_marketing: message.priced().is_some_and(|category| is_marketing(&category)),
        })
    });
    of_sends.chain(echoes).collect()
}

/// Whether a message, which is in no group, is one of the words and answers marketing. As in `configured::is_opt_out`, what a
/// stand-in took from another list is no word.
pub(super) fn is_answer_to_marketing(said: &Item, person: Option<usize>, written: &[Written]) -> bool {
    let element = &said.element;
    // What is chosen from what the business offers is a plain reply.
    let words = match type_of(said) {
        "text" => vec![text(&element["text"], "body")],
        "button" => ["text", "payload"].map(|key| text(&element["button"], key)).into(),
        _ => vec![],
    };
    let is_word = |word: &str| WORDS.contains(&folded(word).as_str());
    if person.is_none() || !words.into_iter().flatten().any(is_word) {
        return false;
    }
    let in_thread = |written: &&Written| {
        written.message.tenant == said.tenant
            && written.person == person
            && written.number == said.phone_number_id.as_deref()
    };
    let thread: Vec<&Written> = written.iter().filter(in_thread).collect();
    if let Some(named) = text(&element["context"], "id") {
        let named = thread.iter().find(|written| written.message.id == named);
        if let Some(named) = named.filter(|named| named.is_template || named.is_marketing) {
            return named.is_marketing;
        }
    }
    let before = thread
        .iter()
        .filter(|written| written.delivered.is_some_and(|at| at < said.time));
    let latest = before.max_by_key(|written| (written.delivered, written.at, written.message.id));
    latest.is_some_and(|latest| latest.is_marketing)
}
