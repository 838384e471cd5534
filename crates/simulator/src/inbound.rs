//! What people send.

use crate::{
    delivery::{Counts, Element, Field},
    identity::whole_second,
    people::{Person, Who},
    random::scramble,
    text::{Quoted, Seconds, Wamid, put},
    vocabulary::QUESTIONS,
    world::Simulator,
};

/// A message of a customer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Inbound {
    Text(&'static str),
    /// Whatever else people send: media, places, cards, carts.
    Something,
    /// The quick reply of a template.
    Button(&'static str),
    /// A choice that the bot offered.
    Choice,
    Reaction(Wamid, &'static str),
    /// Rewrites the message.
    Edit(Wamid),
    /// Takes the message back.
    Revoke(Wamid),
}

impl Inbound {
    /// Whether it is a customer message rather than something about another one.
    fn counts(self) -> Counts {
        match self {
            Self::Text(_) | Self::Something | Self::Button(_) | Self::Choice => Counts::Received,
            Self::Reaction(..) | Self::Edit(_) | Self::Revoke(_) => Counts::Item,
        }
    }
}

/// What a message hangs on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hanging {
    /// The message of the business that it answers.
    pub(crate) on: Option<Wamid>,
    /// It came from an advertisement.
    pub(crate) referral: bool,
}

impl Simulator {
    /// A customer's message arrives at the business number.
    pub(crate) fn receive(&mut self, who: Who, number: u8, what: Inbound, hanging: Hanging) -> Wamid {
        let person = *self.person(who);
        let digits = if person.hidden { person.user_id } else { person.wa_id() };
        let wamid = Wamid {
            digits,
            id: self.unique(),
            inbound: true,
        };
        let mut json = String::with_capacity(400);
        json.push('{');
        if let Some(on) = hanging.on {
            let business = self.tenants[usize::from(who.tenant)].numbers[usize::from(number)]
                .display
                .as_str();
            put!(&mut json; "\"context\":{\"from\":\"", business, "\",\"id\":\"", on, "\"},");
        }
        if hanging.referral {
            self.referral(&mut json);
        }
        if !person.hidden {
            put!(&mut json; "\"from\":\"", person.wa_id(), "\",");
        }
        put!(
            &mut json; "\"from_user_id\":\"", person.bsuid(), "\",\"id\":\"", wamid, "\",\"timestamp\":\"",
            Seconds(self.now), "\","
        );
        self.content(&mut json, what, &person, wamid.id);
        json.push('}');
        self.emit(Element {
            tenant: who.tenant,
            number,
            at: whole_second(self.now),
            field: Field::Message,
            json,
            contact: Some((person.user_id, person.contact())),
            counts: what.counts(),
        });
        wamid
    }

    /// An answer typed on the phone; nobody knows by whom.
    pub(crate) fn echo(&mut self, who: Who, number: u8, text: &'static str) {
        let person = *self.person(who);
        let digits = if person.hidden { person.user_id } else { person.wa_id() };
        let wamid = Wamid {
            digits,
            id: self.unique(),
            inbound: false,
        };
        let business = self.tenants[usize::from(who.tenant)].numbers[usize::from(number)]
            .display
            .as_str();
        let mut json = String::with_capacity(320);
        put!(&mut json; "{\"from\":\"", business, "\",");
        if !person.hidden {
            put!(&mut json; "\"to\":\"", person.wa_id(), "\",");
        }
        put!(
            &mut json; "\"to_user_id\":\"", person.bsuid(), "\",\"id\":\"", wamid, "\",\"timestamp\":\"",
            Seconds(self.now), "\",\"type\":\"text\",\"text\":{\"body\":", Quoted(text), "}}"
        );
        self.emit(Element {
            tenant: who.tenant,
            number,
            at: whole_second(self.now),
            field: Field::Echo,
            json,
            contact: Some((person.user_id, person.contact())),
            counts: Counts::Echo,
        });
    }

    fn referral(&mut self, json: &mut String) {
        let ad = 120_210_000_000_000 + self.dice.between(1, 12).unsigned_abs();
        put!(
            json; "\"referral\":{\"source_url\":\"https://fb.me/", ad, "\",\"source_id\":\"", ad,
            "\",\"source_type\":\"ad\",\"headline\":\"¡Escríbenos!\",\"body\":\"Plan anual con 20 % de descuento\",",
            "\"media_type\":\"image\",\"image_url\":\"https://scontent.example/v/", ad, ".jpg\""
        );
        // Advertisements in Status have no click id.
        if self.dice.chance(0.8) {
            put!(json; ",\"ctwa_clid\":\"ARA", scramble(ad ^ self.sequence), "\"");
        }
        json.push_str("},");
    }

    fn content(&mut self, json: &mut String, what: Inbound, person: &Person, id: u64) {
        match what {
            Inbound::Text(text) => text_body(json, text),
            Inbound::Button(text) => put!(
                json; "\"type\":\"button\",\"button\":{\"payload\":", Quoted(text), ",\"text\":", Quoted(text), "}"
            ),
            Inbound::Choice => self.choice(json),
            Inbound::Reaction(on, emoji) => put!(
                json; "\"type\":\"reaction\",\"reaction\":{\"message_id\":\"", on, "\",\"emoji\":", Quoted(emoji), "}"
            ),
            Inbound::Edit(original) => {
                put!(json; "\"type\":\"edit\",\"edit\":{\"original_message_id\":\"", original, "\",\"message\":{");
                let text = self.dice.pick(&QUESTIONS);
                text_body(json, text);
                json.push_str("}}");
            }
            Inbound::Revoke(original) => put!(
                json; "\"type\":\"revoke\",\"revoke\":{\"original_message_id\":\"", original, "\"}"
            ),
            Inbound::Something => self.something(json, person, id),
        }
    }

    fn choice(&mut self, json: &mut String) {
        json.push_str(match self.dice.index(4) {
            0 => {
                r#""type":"interactive","interactive":{"type":"list_reply","list_reply":{"id":"plan_anual","title":"Plan anual","description":"12 meses, 2 gratis"}}"#
            }
            1 => {
                r#""type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"name":"flow","body":"Sent","response_json":"{\"flow_token\":\"t-1\",\"fecha\":\"2026-12-01\"}"}}"#
            }
            _ => r#""type":"interactive","interactive":{"type":"button_reply","button_reply":{"id":"si","title":"Sí, por favor"}}"#,
        });
    }

    fn something(&mut self, json: &mut String, person: &Person, id: u64) {
        const KINDS: [(&str, u32); 10] = [
            ("image", 30),
            ("audio", 34),
            ("document", 10),
            ("sticker", 8),
            ("location", 6),
            ("video", 4),
            ("contacts", 2),
            ("order", 3),
            ("unsupported", 2),
            ("voice", 1),
        ];
        let kind = KINDS[self.dice.weighted(KINDS.iter().map(|(_, weight)| *weight))].0;
        let media = scramble(id);
        put!(json; "\"type\":\"", kind, "\",");
        match kind {
            "location" => put!(
                json; "\"location\":{\"latitude\":-33.4", media % 1_000, ",\"longitude\":-70.6", media % 997,
                ",\"name\":\"Casa\",\"address\":\"Av. Providencia 1234\"}"
            ),
            "contacts" => put!(
                json; "\"contacts\":[{\"name\":{\"formatted_name\":\"Taller Ñuñoa\",\"first_name\":\"Taller\"},",
                "\"phones\":[{\"phone\":\"+", person.country.number(media % 1_000_000), "\",\"type\":\"WORK\"}]}]"
            ),
            "order" => put!(
                json; "\"order\":{\"catalog_id\":\"8800", media % 10, "\",\"text\":\"Para el sábado\",\"product_items\":[{",
                "\"product_retailer_id\":\"sku-", media % 500, "\",\"quantity\":", media % 4 + 1, ",\"item_price\":",
                media % 90 * 1_000 + 990, ",\"currency\":\"", person.country.currency(), "\"}]}"
            ),
            "unsupported" => json.push_str(
                r#""errors":[{"code":131051,"title":"Message type unknown","message":"Message type unknown","error_data":{"details":"Message type is currently not supported."}}],"unsupported":{"type":"poll"}"#,
            ),
            _ => {
                let mime = match kind {
                    "image" => "image/jpeg",
                    "document" => "application/pdf",
                    "sticker" => "image/webp",
                    "video" => "video/mp4",
                    _ => "audio/ogg; codecs=opus",
                };
                put!(
                    json; "\"", kind, "\":{\"id\":\"", media >> 14, "\",\"mime_type\":\"", mime, "\",\"sha256\":\"", media,
                    "/c2hhMjU2=\""
                );
                match kind {
                    "audio" => json.push_str(",\"voice\":true"),
                    "document" => json.push_str(",\"filename\":\"comprobante.pdf\""),
                    "sticker" => json.push_str(",\"animated\":false"),
                    "image" if media.is_multiple_of(3) => json.push_str(",\"caption\":\"¿Tienen este modelo?\""),
                    _ => {}
                }
                json.push('}');
            }
        }
    }
}

fn text_body(json: &mut String, text: &str) {
    put!(json; "\"type\":\"text\",\"text\":{\"body\":", Quoted(text), "}");
}
