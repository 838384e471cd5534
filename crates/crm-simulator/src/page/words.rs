//! Words of the page in the languages of its readers.

/// A language of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Spanish,
    Portuguese,
    English,
}

/// What the page says.
pub(crate) struct Words {
    pub(crate) code: &'static str,
    pub(crate) title: &'static str,
    pub(crate) note: &'static str,
    pub(crate) contacts: &'static str,
    pub(crate) tickets: &'static str,
    pub(crate) deals: &'static str,
    pub(crate) tasks: &'static str,
    pub(crate) timeline: &'static str,
    pub(crate) fields: &'static str,
    pub(crate) messages: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) search: &'static str,
    pub(crate) newer: &'static str,
    pub(crate) older: &'static str,
    pub(crate) pause: &'static str,
    pub(crate) go_on: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) gone: &'static str,
    pub(crate) due: &'static str,
    pub(crate) updated: &'static str,
    pub(crate) calls: &'static str,
    pub(crate) skip: &'static str,
}

const SPANISH: Words = Words {
    code: "es",
    title: "CRM simulado",
    note: "Simulador de HubSpot: lo que se ve aquí llegó por su API.",
    contacts: "Contactos",
    tickets: "Tickets",
    deals: "Negocios",
    tasks: "Tareas",
    timeline: "Línea de tiempo",
    fields: "Datos",
    messages: "mensajes",
    nothing: "Todavía no hay nada.",
    search: "Buscar",
    newer: "Más recientes",
    older: "Más antiguos",
    pause: "Pausar",
    go_on: "Seguir",
    unknown: "Sin nombre",
    gone: "Este registro no existe, o ya no existe.",
    due: "Vence",
    updated: "Actualizado",
    calls: "llamadas a la API",
    skip: "Ir al contenido",
};

const PORTUGUESE: Words = Words {
    code: "pt",
    title: "CRM simulado",
    note: "Simulador do HubSpot: o que se vê aqui chegou pela API.",
    contacts: "Contatos",
    tickets: "Tickets",
    deals: "Negócios",
    tasks: "Tarefas",
    timeline: "Linha do tempo",
    fields: "Dados",
    messages: "mensagens",
    nothing: "Ainda não há nada.",
    search: "Buscar",
    newer: "Mais recentes",
    older: "Mais antigos",
    pause: "Pausar",
    go_on: "Continuar",
    unknown: "Sem nome",
    gone: "Este registro não existe, ou não existe mais.",
    due: "Vence",
    updated: "Atualizado",
    calls: "chamadas à API",
    skip: "Ir para o conteúdo",
};

const ENGLISH: Words = Words {
    code: "en",
    title: "Simulated CRM",
    note: "HubSpot simulator: what is shown here came through its API.",
    contacts: "Contacts",
    tickets: "Tickets",
    deals: "Deals",
    tasks: "Tasks",
    timeline: "Timeline",
    fields: "Fields",
    messages: "messages",
    nothing: "There is nothing yet.",
    search: "Search",
    newer: "Newer",
    older: "Older",
    pause: "Pause",
    go_on: "Go on",
    unknown: "Without a name",
    gone: "This record does not exist, or no longer.",
    due: "Due",
    updated: "Updated",
    calls: "API calls",
    skip: "Skip to the content",
};

impl Language {
    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::Spanish => &SPANISH,
            Self::Portuguese => &PORTUGUESE,
            Self::English => &ENGLISH,
        }
    }

    fn named(tag: &str) -> Option<Self> {
        match tag.get(..2)?.to_ascii_lowercase().as_str() {
            "es" => Some(Self::Spanish),
            "pt" => Some(Self::Portuguese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    /// What was asked for by `lang`, else the best that the browser accepts, else Spanish.
    pub(crate) fn of(asked: Option<&str>, accepted: &str) -> Self {
        let mut accepted: Vec<(f64, Self)> = accepted
            .split(',')
            .filter_map(|one| {
                let (tag, weight) = one.split_once(";q=").unwrap_or((one, "1"));
                Some((weight.trim().parse().unwrap_or(0.0), Self::named(tag.trim())?))
            })
            .filter(|(weight, _)| *weight > 0.0)
            .collect();
        accepted.sort_by(|one, two| two.0.total_cmp(&one.0));
        let accepted = accepted.first().map(|one| one.1);
        asked.and_then(Self::named).or(accepted).unwrap_or(Self::Spanish)
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn what_is_asked_for_goes_before_what_is_accepted() {
        for (asked, accepted, want) in [
            (Some("pt"), "en", Language::Portuguese),
            (Some("xx"), "en-US,en;q=0.9", Language::English),
            (None, "fr-FR,pt-BR;q=0.8,en;q=0.9", Language::English),
            (None, "en;q=0, pt;q=0.1", Language::Portuguese),
            (None, "", Language::Spanish),
        ] {
            assert_eq!(Language::of(asked, accepted), want, "{asked:?} {accepted}");
        }
    }
}
