//! Messages, theirs and ours, with their statuses and contacts.

use super::{Maker, WA_IDS};
use serde_json::{Value, json};

const TEXTS: &[&str] = &[
    "Hola",
    "gracias",
    "¡Ok! 🙏",
    "",
    " LISTO. ",
    "gracias pero no",
    "👍",
    "Thank you!",
    "BAJA",
    "Salir",
    " stop. ",
    "*Baja* 🛑",
    "¡No quiero recibir más mensajes!",
    "Parar promoc\u{327}o\u{303}es",
    "No molestar…",
    "quiero parar",
    "Cancelar",
];
/// What opts out only as an answer to marketing.
const ANSWERS_TO_MARKETING: &[&str] = &["Salir", "¡SAIR!", " *parar* ", "cancelar"];
const TYPES: &[&str] = &[
    "text",
    "text",
    "text",
    "text",
    "contacts",
    "contacts",
    "image",
    "reaction",
    "edit",
    "revoke",
    "request_welcome",
    "unsupported",
    "button",
    "interactive",
];
const ANSWERS: &[&str] = &[
    "text",
    "text",
    "text",
    "button",
    "button",
    "interactive",
    "image",
    "reaction",
];
/// What a button or a row of a list says. As a choice the second is a plain reply.
const CHOICES: &[&str] = &["Detener promociones", "Cancelar", "Sí", "No"];
/// What the phone app says by itself, and what is nearly that.
const ECHOES: &[&str] = &[
    "x",
    "¡Hola! Te responderemos mañana",
    " FUERA DE HORARIO.\n",
    "Fuera de horario",
];
const STATUSES: &[&str] = &["sent", "delivered", "delivered", "read", "played", "failed", "failed"];
/// Of payments; the last ones would mean something of a message.
const PAYMENTS: &[&str] = &["pending", "captured", "failed", "delivered", "read"];
const CODES: &[i64] = &[131_026, 131_049, 131_047, 131_050, 131_050, 133_004, 133_010, 190, 7];

impl Maker {
    /// Cards: mostly the one that answers the business's question for the number, and much that is nearly that.
    pub(super) fn cards(&mut self, display: &str, message: &mut Value) {
        let count = if self.random.one_in(6) { 2 } else { 1 };
        let cards: Vec<Value> = (0..count).map(|_| self.card(display)).collect();
        message["contacts"] = json!(cards);
        // Where early documents have the origin.
        if self.random.one_in(3) {
            message["origin"] = json!(self.random.of(&["contact_request", "contact_request", "other"]));
        }
    }

    fn card(&mut self, display: &str) -> Value {
        let count = *self.random.of(&[1, 1, 1, 1, 1, 1, 0, 2]);
        let phones: Vec<Value> = (0..count)
            .map(|_| {
                let (theirs, any) = (self.somebody()[0], *self.random.of(&WA_IDS[..self.numbers]));
                let wa_id = theirs.filter(|_| !self.random.one_in(4)).unwrap_or(any[0]);
                let wa_id = if self.random.one_in(12) { display } else { wa_id };
                let mut phone = json!({"type": "CELL"});
                let form = self.random.below(3);
                if form > 0 {
                    phone["wa_id"] = json!(wa_id);
                }
                if form < 2 {
                    phone["phone"] = json!(format!("+{} {}", &wa_id[..2], &wa_id[2..]));
                }
                phone
            })
            .collect();
        let mut card = json!({"name": {"formatted_name": "N"}, "phones": phones});
        let origin = *self.random.of(&["contact_request", "contact_request", "other", ""]);
        if !origin.is_empty() {
            card["origin"] = json!(origin);
        }
        card
    }

    pub(super) fn contacts(value: &mut Value, ids: [Option<&str>; 3]) {
        let mut contact = json!({"profile": {"name": "N"}});
        Self::put(&mut contact, ["wa_id", "user_id", "parent_user_id"], ids);
        if value["contacts"].is_null() {
            value["contacts"] = json!([]);
        }
        value["contacts"].as_array_mut().unwrap().push(contact);
    }

    pub(super) fn received(&mut self, display: &str, value: &mut Value) {
        let mut messages = Vec::new();
        loop {
            let (time, id) = (self.time(), self.wamid("r"));
            let mut ids = self.partner(&id);
            let kind = *self.random.of(if self.taste.sends { ANSWERS } else { TYPES });
            let mut message = json!({"id": id, "type": kind});
            if kind == "contacts" {
                self.cards(display, &mut message);
                // Whose number is asked for is mostly known by the user id alone.
                ids[0] = ids[0].filter(|_| ids[1].is_none() || self.random.one_in(3));
            }
            if self.random.one_in(20) {
                message.as_object_mut().unwrap().remove("type");
            }
            if kind == "text" {
                let words = self.taste.sends && self.random.one_in(3);
                let texts = if words { ANSWERS_TO_MARKETING } else { TEXTS };
                message["text"] = json!({"body": self.random.of(texts)});
            }
            if kind == "button" {
                let (pressed, payload) = (
                    self.random.of(&["Sí", "Sí", "Baja", "Salir"]),
                    self.random.of(&["yes", "no", "STOP"]),
                );
                message["button"] = json!({"text": pressed, "payload": payload});
            }
            if kind == "interactive" {
                let (title, id) = (self.random.of(CHOICES), self.random.of(&["r1", "r2", "STOP"]));
                let kind = *self.random.of(&["button_reply", "list_reply"]);
                message["interactive"] = json!({"type": kind, kind: {"title": title, "id": id}});
            }
            if self.random.one_in(if self.taste.sends { 3 } else { 6 }) {
                message["context"] = json!({"from": display, "id": self.wamid("s")});
            }
            let described = self.random.one_in(2);
            let shown = match self.random.below(4) {
                0 if described && ids[1].is_some() => [None, ids[1], ids[2]],
                1 if described && ids[0].is_some() => [ids[0], None, None],
                2 if described && messages.is_empty() => [None; 3],
                _ => ids,
            };
            Self::put(&mut message, ["from", "from_user_id", "from_parent_user_id"], shown);
            if described {
                Self::contacts(value, ids);
            }
            if !(self.taste.odd && self.random.one_in(8)) {
                message["timestamp"] = self.stamp(time);
            }
            if self.random.one_in(16) {
                message["group_id"] = json!("G1");
            }
            messages.push(message);
            if !self.random.one_in(4) || shown == [None; 3] {
                break;
            }
        }
        if self.random.one_in(8) {
            let other = self.somebody();
            Self::contacts(value, other);
        }
        value["messages"] = Value::Array(messages);
    }

    pub(super) fn statuses(&mut self, value: &mut Value) {
        let mut statuses = Vec::new();
        loop {
            // Rarely under the id of what was received: it says nothing of that.
            let side = *self
                .random
                .of(&["s", "s", "s", "s", "s", "s", "s", "s", "e", "e", "e", "r"]);
            let (time, id) = (self.time(), self.wamid(side));
            let ids = self.partner(&id);
            let kind = *self.random.of(STATUSES);
            let mut status = json!({"id": id, "status": kind, "timestamp": self.stamp(time)});
            if kind == "failed" {
                let codes: Vec<Value> = (0..self.random.below(3))
                    .map(|_| json!({"code": self.random.of(CODES)}))
                    .collect();
                status["errors"] = json!(codes);
            }
            if self.random.one_in(4) {
                let category = *self.random.of(&["marketing", "utility", "SERVICE", "marketing_lite"]);
                status["pricing"] = json!({"billable": true, "pricing_model": "PMP", "category": category});
            }
            let is_payment = self.random.one_in(5);
            if is_payment {
                status["type"] = json!("payment");
                status["status"] = json!(self.random.of(PAYMENTS));
                status["payment"] = json!({"reference_id": "order-17"});
            }
            // Some messages went to a group, to whom whatever may happen one by one.
            if self.random.one_in(if id.ends_with('1') { 2 } else { 12 }) {
                let key = *self
                    .random
                    .of(&["recipient_participant_id", "participant_recipient_id"]);
                status["recipient_type"] = json!("group");
                status["recipient_id"] = json!("G1");
                let other = *self.random.of(&WA_IDS[..self.numbers.min(3)]);
                status[key] = json!(ids[0].filter(|_| self.random.one_in(3)).unwrap_or(other[0]));
            } else if is_payment && self.random.one_in(2) {
                Self::put(&mut status, ["from", "from_user_id", "from_parent_user_id"], ids);
            } else if kind != "failed" || self.random.one_in(2) {
                Self::put(
                    &mut status,
                    ["recipient_id", "recipient_user_id", "recipient_parent_user_id"],
                    ids,
                );
            }
            statuses.push(status);
            if !self.random.one_in(2) {
                break;
            }
        }
        value["statuses"] = Value::Array(statuses);
    }

    pub(super) fn echo(&mut self, display: &str, value: &mut Value) {
        let (time, id) = (self.time(), self.wamid("e"));
        let ids = self.partner(&id);
        let kind = *self.random.of(&[
            "text", "text", "text", "text", "image", "contacts", "edit", "revoke", "reaction",
        ]);
        let mut echo = json!({"from": display, "id": id, "type": kind});
        if kind == "text" {
            echo["text"] = json!({"body": self.random.of(ECHOES)});
        }
        if kind == "contacts" {
            self.cards(display, &mut echo);
        }
        Self::put(&mut echo, ["to", "to_user_id", "to_parent_user_id"], ids);
        echo["timestamp"] = self.stamp(time);
        if self.random.one_in(2) {
            Self::contacts(value, ids);
        }
        value["message_echoes"] = json!([echo]);
    }

    pub(super) fn history(&mut self, display: &str, value: &mut Value) {
        if self.random.one_in(5) {
            value["history"] = json!([{"errors": [{"code": 2_593_109}]}]);
            return;
        }
        let ids = self.somebody();
        let mut context = json!({});
        Self::put(&mut context, ["wa_id", "user_id", ""], [ids[0], ids[1], None]);
        let messages: Vec<Value> = (0..=self.random.below(3))
            .map(|_| {
                let (time, side) = (self.time(), *self.random.of(&["r", "s", "e", "h"]));
                let id = self.wamid(side);
                let mut message =
                    json!({"id": id, "type": "text", "text": {"body": "x"}, "timestamp": self.stamp(time)});
                if self.random.one_in(2) {
                    message["from"] = json!(display);
                    Self::put(&mut message, ["to", "to_user_id", ""], [ids[0], ids[1], None]);
                } else {
                    Self::put(&mut message, ["from", "from_user_id", ""], [ids[0], ids[1], None]);
                }
                message["history_context"] = json!({"status": "READ"});
                message
            })
            .collect();
        value["history"] = json!([{"metadata": {"phase": 0, "chunk_order": 1, "progress": 50}, "threads": [{"context": context, "messages": messages}]}]);
    }
}
