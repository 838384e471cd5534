//! People as the platform and a CRM tell of them: numbers of several countries, user ids for most, some who change.

use super::super::replay::START;
use crate::captures;
use anyhow::{Context as _, Result};
use hilo_contracts::{capture, codec};
use hilo_simulator::Country;
use hilo_stream::Record;

/// People of the same world as the demo's, by weight of their countries.
const COUNTRIES: [(Country, u64); 6] = [
    (Country::Chile, 30),
    (Country::Mexico, 22),
    (Country::Colombia, 16),
    (Country::Brazil, 14),
    (Country::Argentina, 10),
    (Country::Peru, 8),
];
/// As many as there can be: the other half of each range of numbers is for those who change theirs.
pub(crate) const MOST: u64 = 4_000_000;
const TENANT: &str = "people";
const DAY: i64 = 86_400_000;
const NAMES: [&str; 8] = [
    "Camila Rojas",
    "João Pereira",
    "Valentina Muñoz",
    "Luis Alberto Hernández García",
    "Sofía",
    "Mateo Quispe",
    "Ana 🌸",
    "Benjamín Soto",
];

/// All that is told of one person, in order. Nobody else is named.
pub(super) fn deliveries(number: u64) -> Result<Vec<Record>> {
    let person = Person::new(number);
    let mut told = vec![person.writes(0)];
    for _ in 0..person.share(1, 3) {
        told.push(person.writes(told.len() as i64));
    }
    if person.share(2, 100) < 50 {
        told.push(person.enters_the_crm());
    }
    if person.share(3, 100) < 2 {
        let changed = person.changed();
        told.push(person.announces(&changed));
        told.push(changed.writes(5));
    }
    let codec = codec::raw();
    told.iter()
        .map(|line| {
            let raw = capture::from_line(line.as_bytes(), None, 0).context("a generated line is none")?;
            captures::record(&codec, &raw)
        })
        .collect()
}

struct Person {
    number: u64,
    country: Country,
    digits: u64,
    /// Most have one; another one after a change of the number.
    user_id: Option<u64>,
}

impl Person {
    fn new(number: u64) -> Self {
        let mut left = mixed(number, 0) % 100;
        let country = COUNTRIES
            .iter()
            .find(|(_, weight)| {
                let here = left < *weight;
                left = left.saturating_sub(*weight);
                here
            })
            .map_or(Country::Chile, |(country, _)| *country);
        Self {
            number,
            country,
            digits: country.number(number),
            user_id: (mixed(number, 4) % 100 < 95).then(|| mixed(number, 5)),
        }
    }

    fn changed(&self) -> Self {
        Self {
            digits: self.country.number(self.number + MOST),
            user_id: self.user_id.map(|_| mixed(self.number, 6)),
            ..*self
        }
    }

    /// A number below `parts`, another one for each `salt`.
    fn share(&self, salt: u64, parts: u64) -> u64 {
        mixed(self.number, salt) % parts
    }

    /// Members of a JSON object that name the person, in the platform's words.
    fn named(&self, phone: &str, user_id: &str) -> String {
        let digits = self.digits;
        match self.user_id {
            Some(id) => format!(r#""{phone}":"{digits}","{user_id}":"{}.{id}""#, self.country.code()),
            None => format!(r#""{phone}":"{digits}""#),
        }
    }

    fn writes(&self, day: i64) -> String {
        let content = format!(
            r#"{},"type":"text","text":{{"body":"Hola, ¿cuánto cuesta?"}}"#,
            self.named("from", "from_user_id")
        );
        let contact = format!(
            r#""contacts":[{{"profile":{{"name":"{}"}},{}}}],"#,
            NAMES[self.share(7, NAMES.len() as u64) as usize],
            self.named("wa_id", "user_id")
        );
        self.webhook(&contact, &content, day)
    }

    fn announces(&self, new: &Self) -> String {
        let content = format!(
            r#"{},"type":"system","system":{{"body":"User changed from {} to {}","type":"user_changed_number",{}}}"#,
            self.named("from", "from_user_id"),
            self.digits,
            new.digits,
            new.named("wa_id", "user_id")
        );
        self.webhook("", &content, 4)
    }

    fn webhook(&self, contact: &str, content: &str, day: i64) -> String {
        let at = START + day * DAY;
        format!(
            concat!(
                r#"{{"source":"whatsapp","tenant":"{tenant}","received_at":"{received}","body":{{"object":"whatsapp_business_account","#,
                r#""entry":[{{"id":"102290129340398","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":"#,
                r#"{{"display_phone_number":"15550783881","phone_number_id":"106540352242922"}},{contact}"messages":[{{"#,
                r#""id":"wamid.people{number}.{day}","timestamp":"{seconds}",{content}}}]}},"field":"messages"}}]}}]}}}}"#
            ),
            tenant = TENANT,
            received = hilo_domain::time::to_rfc3339(at),
            contact = contact,
            number = self.number,
            day = day,
            seconds = at / 1_000,
            content = content
        )
    }

    fn enters_the_crm(&self) -> String {
        format!(
            r#"{{"source":"crm","tenant":"{TENANT}","at":"{}","system":"hubspot","event":"contact_created","contact_id":"{}","user":{{"phone":"+{}"}}}}"#,
            hilo_domain::time::to_rfc3339(START + 3 * DAY),
            100_000_000 + self.number,
            self.digits
        )
    }
}

/// Looks drawn; the same for the same number and salt, and of two numbers never the same.
fn mixed(number: u64, salt: u64) -> u64 {
    let mut value = number
        .wrapping_mul(8)
        .wrapping_add(salt)
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
