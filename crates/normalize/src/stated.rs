//! What people state of themselves: e-mails and documents, in the answer to a flow or in a CRM's record. Others may
//! state them too, so they only suggest who may be one person.

use crate::json;
use hilo_domain::{Identifier, IdentifierKind};
use serde_json::Value;

/// Words of a key that asks for an identity document, in the languages of flows. The platform's builder drops accented
/// letters of a field's name ("Cédula" is `screen_0_Cdula_1`), so both spellings stand.
const DOCUMENTS: [&str; 27] = [
    "cdula",
    "cedula",
    "ci",
    "cpf",
    "cui",
    "cuil",
    "cuit",
    "curp",
    "dni",
    "doc",
    "document",
    "documento",
    "dpi",
    "dui",
    "identidad",
    "identidade",
    "identificacin",
    "identificacion",
    "identification",
    "ine",
    "nuip",
    "pasaporte",
    "passaporte",
    "passport",
    "rfc",
    "rg",
    "run",
];
/// The tax number of people and of companies alike: see [`is_of_company`].
const TAX_NUMBER: &str = "rut";
/// Beginnings of words of a key that asks for something of the document that is not its number.
const NOT_THE_NUMBER: [&str; 9] = [
    "data", "date", "emis", "exped", "fecha", "nacim", "tipo", "valid", "venc",
];
/// Beginnings of words of a key that asks about somebody else than who answers.
const OTHERS: [&str; 18] = [
    "acompa", "amig", "asesor", "avalista", "boss", "compan", "conyug", "cnyug", "emergenc", "empresa", "esposa",
    "friend", "indica", "jefe", "negocio", "refer", "tutor", "vendedor",
];
/// Whoever states more documents at once speaks of others too. (A person has some of different kinds.)
const MOST_DOCUMENTS: usize = 3;

/// What the answer to a flow states: an e-mail under any key, for the platform's builder names fields by their place
/// (`screen_0_TextInput_1`); documents where the key says so, for any number may look like one.
pub(crate) fn in_flow(message: &Value) -> Vec<Identifier> {
    let answer = hilo_whatsapp::message::flow_answer(message).unwrap_or_default();
    let fields = answer.as_object().into_iter().flatten();
    let found = fields.filter_map(|(key, value)| {
        let words = words(key);
        let begins = |beginnings: &[&str]| {
            let mut words = words.iter();
            words.any(|word| beginnings.iter().any(|beginning| word.starts_with(beginning)))
        };
        if begins(&OTHERS) {
            return None;
        }
        let email = value.as_str().and_then(Identifier::email);
        let document = || {
            let asked = words
                .iter()
                .find(|word| **word == TAX_NUMBER || DOCUMENTS.contains(&&***word))?;
            let document = Identifier::document(&json::id(&answer, key)?)?;
            (!begins(&NOT_THE_NUMBER) && !is_of_company(asked, &document.value)).then_some(document)
        };
        email.or_else(document)
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
    // Of two e-mails one is somebody else's.
    for (kind, most) in [(IdentifierKind::Email, 1), (IdentifierKind::Document, MOST_DOCUMENTS)] {
        if stated.iter().filter(|it| it.kind == kind).count() > most {
            stated.retain(|it| it.kind != kind);
        }
    }
    stated
}

/// Whether a number under a word that people and companies share is a company's: Argentina's begin with 30, 33 or 34,
/// Mexico's are a letter shorter than a person's, Chile's go from 50 million on, Uruguay's have twelve digits.
fn is_of_company(word: &str, number: &str) -> bool {
    match word {
        "cuit" | "cuil" => ["30", "33", "34"].iter().any(|beginning| number.starts_with(beginning)),
        "rfc" => number.len() == 12,
        "rut" => number.len() == 12 || number.len() == 9 && number >= "5",
        _ => false,
    }
}

/// Words of a key, in any of the ways to write several as one (`rut_titular`, `numeroDocumento`, `DNICliente`), in small
/// letters and without accented ones.
fn words(key: &str) -> Vec<String> {
    let letters: Vec<char> = key.chars().collect();
    let mut words = String::with_capacity(key.len() + 4);
    for (place, letter) in letters.iter().enumerate() {
        let is_small = |place: usize| letters.get(place).is_some_and(|letter| letter.is_lowercase());
        let begins = letter.is_uppercase() && place > 0 && (is_small(place - 1) || is_small(place + 1));
        if begins || !letter.is_alphabetic() {
            words.push(' ');
        }
        if letter.is_ascii_alphabetic() {
            words.push(letter.to_ascii_lowercase());
        }
    }
    words.split_whitespace().map(str::to_owned).collect()
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
            (json!({"RUTCliente": "12.345.678-5"}), vec![document("123456785")]),
            (json!({"numeroDocumento": 30_123_456}), vec![document("30123456")]),
            (
                json!({"Cédula de ciudadanía": "1.020.304.050"}),
                vec![document("1020304050")],
            ),
            // As the platform's builder names them.
            (
                json!({"screen_0_Cdula_2": "1.020.304.050"}),
                vec![document("1020304050")],
            ),
            (
                json!({"screen_0_Nmero_de_identificacin_2": "1020304050"}),
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
            (json!({"dni": 30_123_456.5}), vec![]),
            (
                json!({"tipo_documento": "12345678", "fecha_documento": "1426118400000"}),
                vec![],
            ),
            (
                json!({"screen_1_Fecha_de_expedicin_del_documento_3": "12032015"}),
                vec![],
            ),
            // Companies.
            (json!({"cuit": "30-12345678-3"}), vec![]),
            (json!({"rfc": "ABC010203XY1"}), vec![]),
            (json!({"rut": "76.123.456-7"}), vec![]),
            (json!({"rut": "212345670018"}), vec![]),
            (json!({"rut_empresa": "12.345.678-5"}), vec![]),
            // Somebody else's, and one of two is.
            (
                json!({"screen_0_Correo_1": "ana@example.com", "screen_0_Correo_de_tu_amigo_2": "eva@example.com"}),
                vec![email.clone()],
            ),
            (json!({"email_asesor": "ventas@example.com"}), vec![]),
            (
                json!({"a": "a@x.cl", "b": "b@x.cl", "dni": "30123456"}),
                vec![document("30123456")],
            ),
            (
                json!({"dni_1": "30123451", "dni_2": "30123452", "dni_3": "30123453", "dni_4": "30123454"}),
                vec![],
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
