//! What people state of themselves: e-mails and documents, in the answer to a flow or in a CRM's record. Others may
//! state them too, so they only suggest who may be one person.

use crate::json;
use hilo_domain::{Identifier, IdentifierKind};
use serde_json::Value;

/// Words of a key that asks for an identity document, in the languages of flows. What names companies too (CNPJ, NIT,
/// RUC) is none of them.
const DOCUMENTS: [&str; 21] = [
    "cedula",
    "ci",
    "cpf",
    "cuil",
    "cuit",
    "curp",
    "cédula",
    "dni",
    "document",
    "documento",
    "dpi",
    "dui",
    "identificacion",
    "identificación",
    "nuip",
    "pasaporte",
    "passaporte",
    "passport",
    "rfc",
    "rg",
    "rut",
];
/// Whoever states more of a kind at once speaks of others too.
const MOST: usize = 3;

/// What the answer to a flow states: e-mails under any key, for the platform's builder names fields by their place
/// (`screen_0_TextInput_1`); documents where the key says so, for any number may look like one.
pub(crate) fn in_flow(message: &Value) -> Vec<Identifier> {
    let answer = message
        .get("interactive")
        .and_then(|interactive| interactive.get("nfm_reply"))
        .and_then(|reply| json::text(reply, "response_json"))
        .and_then(|written| serde_json::from_str(written).ok());
    let Some(Value::Object(fields)) = answer else {
        return Vec::new();
    };
    let found = fields.iter().filter_map(|(key, value)| match value {
        Value::String(text) if asks_for_document(key) => Identifier::email(text).or_else(|| Identifier::document(text)),
        Value::String(text) => Identifier::email(text),
        Value::Number(number) if asks_for_document(key) => Identifier::document(&number.to_string()),
        _ => None,
    });
    in_one_form(found.collect())
}

/// What a CRM's record states of its person: `email`, `document`.
pub(crate) fn in_record(user: &Value) -> Vec<Identifier> {
    let email = json::text(user, "email").and_then(Identifier::email);
    let document = json::id(user, "document").and_then(|document| Identifier::document(&document));
    in_one_form(email.into_iter().chain(document).collect())
}

fn in_one_form(mut stated: Vec<Identifier>) -> Vec<Identifier> {
    stated.sort_unstable();
    stated.dedup();
    for kind in [IdentifierKind::Email, IdentifierKind::Document] {
        if stated.iter().filter(|it| it.kind == kind).count() > MOST {
            stated.retain(|it| it.kind != kind);
        }
    }
    stated
}

/// Whether a word of a key, in any of the ways to write several as one, asks for an identity document.
fn asks_for_document(key: &str) -> bool {
    let mut words = String::with_capacity(key.len() + 4);
    let mut before = ' ';
    for letter in key.chars() {
        if before.is_lowercase() && letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
        before = letter;
    }
    words
        .split(|letter: char| !letter.is_alphabetic())
        .any(|word| DOCUMENTS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn flow(answer: &Value) -> Vec<(&'static str, String)> {
        let reply = json!({"response_json": answer.to_string()});
        let stated = in_flow(&json!({"interactive": {"type": "nfm_reply", "nfm_reply": reply}}));
        stated.into_iter().map(|it| (it.kind.as_str(), it.value)).collect()
    }

    #[test]
    fn a_flow_states_emails_under_any_key_and_documents_under_those_that_ask() {
        let email = ("email", "ana@example.com".to_owned());
        let document = |number: &str| ("document", number.to_owned());
        for (answer, stated) in [
            (
                json!({"flow_token": "t", "screen_0_TextInput_1": "Ana@example.com"}),
                vec![email.clone()],
            ),
            (
                json!({"email": "ana@example.com", "confirm": "ANA@example.com "}),
                vec![email.clone()],
            ),
            (json!({"rut": "12.345.678-5"}), vec![document("123456785")]),
            (json!({"screen_1_RUT_0": "12.345.678-5"}), vec![document("123456785")]),
            (json!({"numeroDocumento": 30_123_456}), vec![document("30123456")]),
            (
                json!({"Cédula de ciudadanía": "1.020.304.050"}),
                vec![document("1020304050")],
            ),
            (
                json!({"cpf": "123.456.789-09", "rg": "12.345.678-9"}),
                vec![document("123456789"), document("12345678909")],
            ),
            // Any other number may be anything.
            (
                json!({"order": "123456785", "phone": "+56961234567", "ruta": "12345678"}),
                vec![],
            ),
            (
                json!({"tipo_documento": "DNI", "fecha_documento": "2026-12-01"}),
                vec![],
            ),
            // A list speaks of others.
            (
                json!({"a": "a@x.cl", "b": "b@x.cl", "c": "c@x.cl", "d": "d@x.cl", "dni": "30123456"}),
                vec![document("30123456")],
            ),
            (json!(["ana@example.com"]), vec![]),
            (
                json!({"friends": ["ana@example.com"], "it": {"email": "ana@example.com"}}),
                vec![],
            ),
        ] {
            assert_eq!(flow(&answer), stated, "{answer}");
        }
        assert!(in_flow(&json!({"interactive": {"nfm_reply": {"response_json": "{"}}})).is_empty());
        assert!(in_flow(&json!({"interactive": {"nfm_reply": {}}, "text": "ana@example.com"})).is_empty());
    }

    #[test]
    fn a_record_states_its_email_and_its_document() {
        let stated = in_record(&json!({"email": "Ana@Example.com", "document": 12_345_678}));
        let values: Vec<&str> = stated.iter().map(|it| it.value.as_str()).collect();
        assert_eq!(values, ["12345678", "ana@example.com"]);
        assert!(in_record(&json!({"email": "none", "document": "none"})).is_empty());
    }
}
