//! Texts that Hilo writes itself: subjects, and what stands for a thing that is no text.

use super::{person::Known, said::Said};
use crate::mapping::{Language, mask_phone};
use hilo_domain::Millis;
use jiff::{Timestamp, tz::TimeZone};

/// Kinds of things, in Spanish, Portuguese and English.
const KINDS: [(&str, [&str; 3]); 24] = [
    ("image", ["imagen", "imagem", "image"]),
    ("video", ["video", "vídeo", "video"]),
    ("audio", ["audio", "áudio", "audio"]),
    ("voice", ["nota de voz", "mensagem de voz", "voice note"]),
    ("document", ["documento", "documento", "document"]),
    ("sticker", ["sticker", "figurinha", "sticker"]),
    ("location", ["ubicación", "localização", "location"]),
    ("contacts", ["contacto", "contato", "contact"]),
    ("order", ["pedido", "pedido", "order"]),
    ("template", ["plantilla", "modelo", "template"]),
    (
        "interactive",
        ["mensaje interactivo", "mensagem interativa", "interactive message"],
    ),
    ("button", ["respuesta rápida", "resposta rápida", "quick reply"]),
    ("product", ["producto", "produto", "product"]),
    ("catalog", ["catálogo", "catálogo", "catalogue"]),
    ("poll", ["encuesta", "enquete", "poll"]),
    ("event", ["evento", "evento", "event"]),
    ("call", ["llamada", "chamada", "call"]),
    (
        "unsupported",
        [
            "mensaje no compatible",
            "mensagem não compatível",
            "unsupported message",
        ],
    ),
    (
        "media_placeholder",
        ["archivo no disponible", "arquivo não disponível", "file not available"],
    ),
    ("unknown", ["mensaje", "mensagem", "message"]),
    ("revoked", ["mensaje eliminado", "mensagem apagada", "deleted message"]),
    ("products", ["productos", "produtos", "products"]),
    (
        "digest_cut",
        [
            "mensajes anteriores no incluidos",
            "mensagens anteriores não incluídas",
            "earlier messages left out",
        ],
    ),
    (
        "digest_head",
        [
            "Conversación de WhatsApp",
            "Conversa do WhatsApp",
            "WhatsApp conversation",
        ],
    ),
];

/// Who wrote, in Spanish, Portuguese and English.
const AUTHORS: [(&str, [&str; 3]); 6] = [
    ("customer", ["Cliente", "Cliente", "Customer"]),
    ("agent", ["Agente", "Atendente", "Agent"]),
    ("bot", ["Bot", "Bot", "Bot"]),
    ("automation", ["Automático", "Automático", "Automatic"]),
    ("campaign", ["Campaña", "Campanha", "Campaign"]),
    ("unknown", ["Empresa", "Empresa", "Business"]),
];

fn place(language: Language) -> usize {
    match language {
        Language::Es => 0,
        Language::Pt => 1,
        Language::En => 2,
    }
}

/// What a kind of thing is called; a kind that nobody knows is called what the platform calls it.
pub(super) fn kind(kind: &str, language: Language) -> &str {
    let known = KINDS.iter().find(|(name, _)| *name == kind);
    known.map_or(kind, |(_, words)| words[place(language)])
}

/// What an author is called.
pub(super) fn author(author: &str, language: Language) -> &'static str {
    let known = AUTHORS.iter().find(|(name, _)| *name == author).or(AUTHORS.last());
    known.map_or("", |(_, words)| words[place(language)])
}

/// A message in words: its text; else what it was, and by what it can be recognised.
pub(super) fn body(kind_of: &str, template: Option<&str>, said: Option<&Said>, language: Language) -> String {
    let text = said.and_then(|said| said.text.as_deref());
    let about = said.and_then(|said| said.about.as_deref());
    match (kind_of, text) {
        // A tap says its label.
        ("text" | "button" | "interactive", Some(text)) => text.to_owned(),
        _ => {
            let label = kind(kind_of, language);
            let about = match (kind_of, about) {
                ("template", _) => template.map(str::to_owned),
                ("order", Some(count)) => Some(format!("{count} {}", kind("products", language))),
                (_, about) => about.map(str::to_owned),
            };
            let mut out = match about {
                Some(about) => format!("[{label}: {about}]"),
                None => format!("[{label}]"),
            };
            if let Some(text) = text {
                out.push(' ');
                out.push_str(text);
            }
            out
        }
    }
}

/// How somebody is called in subjects: by their name, else as little of their number as an agent needs to tell two apart.
pub(super) fn called(who: Option<&Known>) -> String {
    let Some(who) = who else { return "WhatsApp".to_owned() };
    if let Some(name) = &who.name {
        return name.as_ref().to_owned();
    }
    if let Some(username) = who.current("username").next() {
        return format!("@{}", username.trim_start_matches('@'));
    }
    match who.current("phone").next() {
        Some(phone) => mask_phone(phone),
        None => "WhatsApp".to_owned(),
    }
}

/// The local time of day of an instant.
pub(super) fn time(at: Millis, zone: &TimeZone) -> String {
    let local = Timestamp::from_millisecond(at).map(|at| at.to_zoned(zone.clone()));
    local.map_or_else(|_| String::new(), |local| local.strftime("%H:%M").to_string())
}

/// The language that people of a country mostly write, as templates are tagged.
pub(super) fn language_of(country: &str) -> Option<String> {
    const SPANISH: [&str; 20] = [
        "AR", "BO", "CL", "CO", "CR", "CU", "DO", "EC", "ES", "GT", "HN", "MX", "NI", "PA", "PE", "PR", "PY", "SV",
        "UY", "VE",
    ];
    if SPANISH.contains(&country) {
        return Some(format!("es_{country}"));
    }
    ["BR", "PT"].contains(&country).then(|| format!("pt_{country}"))
}

/// Milliseconds as seconds: a decimal text with three decimals at most.
pub(super) fn seconds(millis: Millis) -> String {
    let (whole, rest) = (millis / 1_000, (millis % 1_000).abs());
    if rest == 0 {
        return whole.to_string();
    }
    let sign = if millis < 0 && whole == 0 { "-" } else { "" };
    let text = format!("{sign}{whole}.{rest:03}");
    text.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: Option<&str>, about: Option<&str>) -> Said {
        Said {
            text: text.map(Box::from),
            about: about.map(Box::from),
            ..Said::default()
        }
    }

    #[test]
    fn a_message_is_told_in_words() {
        let of = |kind, template, said: &Said, language| body(kind, template, Some(said), language);
        assert_eq!(of("text", None, &said(Some("hola"), None), Language::Es), "hola");
        assert_eq!(of("button", None, &said(Some("Sí"), None), Language::Es), "Sí");
        assert_eq!(
            of("image", None, &said(Some("mira"), None), Language::Pt),
            "[imagem] mira"
        );
        assert_eq!(
            of("document", None, &said(None, Some("boleta.pdf")), Language::Es),
            "[documento: boleta.pdf]"
        );
        assert_eq!(
            of("order", None, &said(None, Some("3")), Language::En),
            "[order: 3 products]"
        );
        assert_eq!(
            of("template", Some("cita"), &said(None, None), Language::Es),
            "[plantilla: cita]"
        );
        assert_eq!(of("hologram", None, &said(None, None), Language::Es), "[hologram]");
    }

    #[test]
    fn times_are_local() {
        let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(-3));
        assert_eq!(time(1_767_232_800_000, &zone), "23:00");
        assert_eq!(called(None), "WhatsApp");
    }

    #[test]
    fn seconds_are_exact() {
        for (millis, text) in [
            (0, "0"),
            (1_000, "1"),
            (1_500, "1.5"),
            (62_005, "62.005"),
            (-500, "-0.5"),
        ] {
            assert_eq!(seconds(millis), text);
        }
    }
}
