//! What people, bots and the platform say.

pub(crate) const FIRST_NAMES: [&str; 40] = [
    "Camila",
    "Diego",
    "Inês",
    "José",
    "Valentina",
    "Matías",
    "Sofía",
    "Joaquín",
    "Lupe",
    "Iván",
    "Rosa",
    "Nicolás",
    "Bruna",
    "João",
    "Marta",
    "Andrés",
    "Fernanda",
    "Tomás",
    "Pía",
    "Ramón",
    "Luciana",
    "Agustín",
    "Ximena",
    "Hugo",
    "Beatriz",
    "Caio",
    "Daniela",
    "Esteban",
    "Gabriela",
    "Íñigo",
    "Julieta",
    "Kevin",
    "Leonor",
    "Mónica",
    "Néstor",
    "Olívia",
    "Paulo",
    "Renata",
    "Santiago",
    "Zoé",
];

pub(crate) const LAST_NAMES: [&str; 24] = [
    "Muñoz",
    "Rojas",
    "Díaz",
    "Pérez",
    "Soto",
    "Contreras",
    "Silva",
    "Martínez",
    "Sepúlveda",
    "Morales",
    "Núñez",
    "García",
    "Hernández",
    "López",
    "Souza",
    "Conceição",
    "Quispe",
    "Huamán",
    "Castaño",
    "Restrepo",
    "Benítez",
    "Fernández",
    "O’Higgins",
    "Ibáñez",
];

pub(crate) const ORNAMENTS: [&str; 6] = ["🌸", "🇨🇱", "💪🏽", "(oficial)", "♥", "🚗"];

pub(crate) const GREETINGS: [&str; 10] = [
    "Hola, ¿tienen hora mañana?",
    "Buenas tardes 👋",
    "Hola! Quisiera información del plan anual",
    "Oi, quero a segunda via do boleto",
    "Buen día, ¿cuál es el horario de atención?",
    "Hola 😊 vi su anuncio",
    "¿Me ayudan con un pedido?",
    "Olá, tudo bem?",
    "Hola, mi pedido no llegó",
    "Qué tal, ¿hacen envíos a regiones?",
];

pub(crate) const QUESTIONS: [&str; 12] = [
    "¿Y cuánto cuesta?",
    "¿Puedo pagar con transferencia?",
    "¿Hasta cuándo dura la promoción?",
    "¿Me pueden mandar el detalle por acá?",
    "Sigue igual, no me deja entrar a la app",
    "¿Y el de abril?",
    "Vocês entregam no sábado?",
    "Necesito cambiar la dirección: Av. Siempre Viva 742, depto 31/B",
    "¿Atienden el feriado?",
    "Quero remarcar a consulta, por favor",
    "Mi RUT es el del titular, ¿sirve?",
    "ya pagué, adjunto el comprobante 📎",
];

pub(crate) const HUMAN_PLEASE: [&str; 4] = [
    "Quiero hablar con una persona",
    "Un humano, por favor",
    "Atendente, por favor",
    "no entiendo 😡 necesito un ejecutivo",
];

pub(crate) const COURTESIES: [&str; 7] = [
    "¡Gracias! 🙏",
    "ok",
    "Muchas gracias",
    "Obrigada!",
    "Perfecto 👍",
    "Listo",
    "Dale",
];

pub(crate) const OPT_OUT_WORDS: [&str; 4] = ["BAJA", "Stop", "Salir", "SAIR"];

pub(crate) const CAMPAIGN_REPLIES: [&str; 6] = [
    "Me interesa",
    "¿Hasta cuándo dura?",
    "¿Tienen en talla M?",
    "Quero sim!",
    "¿Cómo lo compro?",
    "No es para mí, gracias por avisar",
];

pub(crate) const EMOJI: [&str; 5] = ["👍", "❤️", "😂", "🙏🏽", "😮"];

pub(crate) const AGENTS: [&str; 8] = [
    "ana", "bruno", "carla", "daniel", "elena", "felipe", "gloria", "henrique",
];

pub(crate) const QUEUES: [&str; 3] = ["soporte", "ventas", "cobranza"];

pub(crate) const TOPICS: [&str; 6] = ["agenda", "saldo", "envio", "pago", "reclamo", "producto"];

/// Why a bot gives up.
pub(crate) const HAND_OFF_REASONS: [(&str, u32); 5] = [
    ("requested", 50),
    ("low_confidence", 20),
    ("rule", 18),
    ("failure", 8),
    ("bot_error", 4),
];

pub(crate) const SEGMENTS: [&str; 4] = ["vip", "nuevo", "frecuente", "dormido"];

/// A template: name, category, id.
pub(crate) struct Template {
    pub(crate) name: &'static str,
    pub(crate) category: &'static str,
    pub(crate) id: u64,
}

pub(crate) const TEMPLATES: [Template; 7] = [
    Template {
        name: "promo_primavera",
        category: "marketing",
        id: 710_001,
    },
    Template {
        name: "reactivacion_30d",
        category: "marketing",
        id: 710_002,
    },
    Template {
        name: "cyber_ofertas",
        category: "marketing",
        id: 710_003,
    },
    Template {
        name: "cita_manana",
        category: "utility",
        id: 710_004,
    },
    Template {
        name: "pedido_en_camino",
        category: "utility",
        id: 710_005,
    },
    Template {
        name: "boleta_disponible",
        category: "utility",
        id: 710_006,
    },
    Template {
        name: "codigo_acceso",
        category: "authentication",
        id: 710_007,
    },
];

/// A failure of a send: code, title, details, weight.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: u64,
    pub(crate) title: &'static str,
    pub(crate) details: &'static str,
    pub(crate) weight: u32,
}

/// What template sends fail with.
pub(crate) const TEMPLATE_FAILURES: [Failure; 8] = [
    Failure {
        code: 131_049,
        title: "This message was not delivered to maintain healthy ecosystem engagement.",
        details: "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
        weight: 38,
    },
    Failure {
        code: 131_026,
        title: "Message undeliverable",
        details: "Message Undeliverable.",
        weight: 34,
    },
    Failure {
        code: 130_472,
        title: "User's number is part of an experiment",
        details: "Failed to send message because this user's phone number is part of an experiment",
        weight: 9,
    },
    Failure {
        code: 132_015,
        title: "Template is paused",
        details: "Template is paused due to low quality",
        weight: 6,
    },
    Failure {
        code: 131_048,
        title: "Spam rate limit hit",
        details: "Message failed to send because there are restrictions on how many messages can be sent",
        weight: 4,
    },
    Failure {
        code: 131_000,
        title: "Something went wrong",
        details: "Message failed to send due to an unknown error.",
        weight: 4,
    },
    Failure {
        code: 131_053,
        title: "Media upload error",
        details: "Downloading media from weblink failed with http code 404",
        weight: 3,
    },
    Failure {
        code: 131_042,
        title: "Business eligibility payment issue",
        details: "Message failed to send because there were one or more errors related to your payment method.",
        weight: 2,
    },
];

/// What free-form sends fail with.
pub(crate) const FREE_FORM_FAILURES: [Failure; 3] = [
    Failure {
        code: 131_047,
        title: "Re-engagement message",
        details: "More than 24 hours have passed since the customer last replied to this number.",
        weight: 60,
    },
    Failure {
        code: 131_026,
        title: "Message undeliverable",
        details: "Message Undeliverable.",
        weight: 30,
    },
    Failure {
        code: 131_056,
        title: "Pair rate limit hit",
        details: "Too many messages to this user.",
        weight: 10,
    },
];

/// What marketing to somebody who opted out fails with.
pub(crate) const OPTED_OUT: Failure = Failure {
    code: 131_050,
    title: "User has stopped marketing messages",
    details: "Unable to deliver the message: the recipient chose to stop receiving marketing messages.",
    weight: 0,
};
