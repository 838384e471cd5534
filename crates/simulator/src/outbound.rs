//! What the business sends, and what becomes of it.

use crate::{
    Country, Path,
    delivery::{Counts, Element, Field, Line, Track},
    identity::whole_second,
    people::{Bsuid, Who},
    text::{Seconds, Wamid, put},
    vocabulary::{FREE_FORM_FAILURES, Failure, OPTED_OUT, SEGMENTS, TEMPLATE_FAILURES, TEMPLATES},
    world::{Action, Simulator},
};
use hilo_domain::{Millis, time};

/// Who sends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Author {
    Bot,
    Agent(&'static str),
    Automation,
    Campaign,
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    Text,
    /// The bot expects an answer to its text.
    Question,
    /// Buttons or a list.
    Interactive,
    /// One of the templates, within a campaign and segment or on its own.
    Template {
        index: u8,
        campaign: Option<(u64, u8)>,
    },
}

/// A send, with its recipient as they were then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) wamid: Wamid,
    pub(crate) who: Who,
    pub(crate) number: u8,
    user_id: u64,
    /// Digits of the `wa_id`; `None` where the platform leaves it out.
    recipient: Option<u64>,
    country: Country,
    pub(crate) template: Option<u8>,
    pub(crate) of_campaign: bool,
    /// The last status that it gets.
    last: Mark,
}

/// A status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Sent,
    Delivered,
    /// Reported twice, with another time.
    DeliveredAgain,
    Read,
    Failed(&'static Failure),
}

impl Mark {
    fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered | Self::DeliveredAgain => "delivered",
            Self::Read => "read",
            Self::Failed(_) => "failed",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Sent => 1,
            Self::Delivered | Self::DeliveredAgain => 2,
            Self::Read => 4,
            Self::Failed(_) => 8,
        }
    }
}

/// When each status happens, after the send.
type Fate = Vec<(Millis, Mark)>;

impl Simulator {
    /// The API accepts a send; its line and its statuses follow. `foreign`: another tool sends, so there is no line.
    pub(crate) fn send(&mut self, who: Who, number: u8, author: Author, content: Content, foreign: bool) -> Wamid {
        let person = *self.person(who);
        let digits = if person.hidden { person.user_id } else { person.wa_id() };
        let wamid = Wamid {
            digits,
            id: self.unique(),
            inbound: false,
        };
        let (template, campaign) = match content {
            Content::Template { index, campaign } => (Some(index), campaign),
            _ => (None, None),
        };
        let mut fate = self.fate(template, person.opted_out);
        fate.sort_by_key(|(delay, _)| *delay);
        if let Some((_, last)) = fate.last().copied() {
            let sent = Sent {
                wamid,
                who,
                number,
                user_id: person.user_id,
                recipient: (!person.hidden).then(|| person.wa_id()),
                country: person.country,
                template,
                of_campaign: campaign.is_some(),
                last,
            };
            self.person_mut(who).in_flight += 1;
            for (delay, mark) in &fate {
                self.plan(self.now + delay, Action::Report(sent, *mark));
            }
        }
        self.committed += fate.len() as u64;
        let left = fate.len() as u8 + u8::from(!foreign);
        if left > 0 {
            self.tracks.insert(
                wamid.id,
                Track {
                    announced: false,
                    seen: 0,
                    left,
                },
            );
        }
        if !foreign {
            let json = self.outbound_line(who, number, author, content, wamid);
            let line = Line {
                tenant: who.tenant,
                at: self.now,
                path: Path::Outbound,
                json,
                sent: Some(wamid.id),
            };
            self.write(line);
        }
        wamid
    }

    fn outbound_line(&mut self, who: Who, number: u8, author: Author, content: Content, wamid: Wamid) -> String {
        let mut json = self.line_head("outbound", who.tenant);
        let business = self.tenants[usize::from(who.tenant)].numbers[usize::from(number)]
            .id
            .as_str();
        put!(&mut json; ",\"phone_number_id\":\"", business, "\",\"message_id\":\"", wamid, "\",\"to\":");
        self.address(&mut json, who, matches!(author, Author::Campaign | Author::Automation));
        match content {
            Content::Text => json.push_str(",\"type\":\"text\""),
            Content::Question => json.push_str(",\"type\":\"text\",\"expects_reply\":true"),
            Content::Interactive => json.push_str(",\"type\":\"interactive\""),
            Content::Template { index, campaign } => {
                let template = &TEMPLATES[usize::from(index)];
                let language = self.person(who).country.language();
                put!(
                    &mut json; ",\"type\":\"template\",\"template\":{\"name\":\"", template.name, "\",\"language\":\"",
                    language, "\",\"category\":\"", template.category, "\"}"
                );
                if let Some((campaign, segment)) = campaign {
                    let segment = SEGMENTS[usize::from(segment)];
                    put!(&mut json; ",\"campaign\":\"", template.name, "-", campaign, "\",\"segment\":\"", segment, "\"");
                }
            }
        }
        let (kind, id) = match author {
            Author::Bot => ("bot", "bot-1"),
            Author::Agent(name) => ("agent", name),
            Author::Automation => ("automation", "avisos"),
            Author::Campaign => ("campaign", "marketing"),
        };
        put!(&mut json; ",\"author\":{\"kind\":\"", kind, "\",\"id\":\"", id, "\"}}");
        json
    }

    /// How our systems name somebody. Address books know phones, in dialable form, and seldom user ids; some leave
    /// the 9 of Argentina out.
    pub(crate) fn address(&mut self, json: &mut String, who: Who, by_address_book: bool) {
        let person = *self.person(who);
        if person.hidden {
            put!(json; "{\"user_id\":\"", person.bsuid(), "\"}");
            return;
        }
        let without_nine = by_address_book && person.country == Country::Argentina && self.dice.chance(0.1);
        let digits = if without_nine {
            540_000_000_000 + person.digits % 10_000_000_000
        } else {
            person.digits
        };
        put!(json; "{\"phone\":\"+", digits, "\"");
        if !by_address_book || self.dice.chance(0.3) {
            put!(json; ",\"user_id\":\"", person.bsuid(), "\"");
        }
        json.push('}');
    }

    fn fate(&mut self, template: Option<u8>, opted_out: bool) -> Fate {
        let marketing = template.is_some_and(|index| TEMPLATES[usize::from(index)].category == "marketing");
        let mut fate = Vec::with_capacity(4);
        let accepted = self.dice.between(200, 2_500);
        let (risk, failures): (f64, &'static [Failure]) = if template.is_some() {
            (self.profile.failures, &TEMPLATE_FAILURES)
        } else {
            (0.008, &FREE_FORM_FAILURES)
        };
        let failure = if marketing && opted_out {
            Some(&OPTED_OUT)
        } else if self.dice.chance(risk) {
            failures.get(self.dice.weighted(failures.iter().map(|failure| failure.weight)))
        } else {
            None
        };
        if let Some(failure) = failure {
            if self.dice.chance(0.2) {
                fate.push((accepted, Mark::Sent));
            }
            let failed = accepted + self.dice.between(0, 4_000);
            fate.push((failed, Mark::Failed(failure)));
            // Another device of the same person gets it after all.
            if self.dice.chance(0.04) {
                fate.push((failed + self.dice.between(2_000, 9_000), Mark::Delivered));
            }
            return fate;
        }
        // To some clients nothing is ever reported, and `sent` is lost at times.
        if self.dice.chance(0.985) {
            fate.push((accepted, Mark::Sent));
        }
        // The phone is off.
        if self.dice.chance(0.04) {
            return fate;
        }
        let delivered = accepted + self.dice.skewed(300, 12_000);
        let reads = self.dice.chance(if marketing { 0.45 } else { 0.75 });
        // The chat is open: a read stands for both.
        let skipped = reads && self.dice.chance(0.06);
        if !skipped {
            fate.push((delivered, Mark::Delivered));
            if self.dice.chance(0.006) {
                fate.push((delivered + self.dice.between(1_000, 3_000), Mark::DeliveredAgain));
            }
        }
        if reads {
            let patience = (45_000.0 * self.profile.pace.max(0.1)) as Millis;
            fate.push((
                delivered + time::SECOND + self.dice.skewed(500, patience.max(501)),
                Mark::Read,
            ));
        }
        fate
    }

    /// The platform reports on a send.
    pub(crate) fn report(&mut self, sent: &Sent, mark: Mark) {
        if mark == sent.last {
            let person = self.person_mut(sent.who);
            person.in_flight = person.in_flight.saturating_sub(1);
        }
        let bsuid = Bsuid {
            country: sent.country,
            number: sent.user_id,
        };
        let failed_by_phone = matches!(mark, Mark::Failed(_)) && sent.recipient.is_some();
        let mut json = String::with_capacity(480);
        put!(
            &mut json; "{\"id\":\"", sent.wamid, "\",\"status\":\"", mark.name(), "\",\"timestamp\":\"",
            Seconds(self.now), "\""
        );
        if let Some(recipient) = sent.recipient {
            put!(&mut json; ",\"recipient_id\":\"", recipient, "\"");
        }
        if !failed_by_phone {
            put!(&mut json; ",\"recipient_user_id\":\"", bsuid, "\"");
        }
        let category = sent
            .template
            .map_or("service", |index| TEMPLATES[usize::from(index)].category);
        match mark {
            Mark::Sent | Mark::Delivered => {
                put!(&mut json; ",\"pricing\":{\"billable\":true,\"pricing_model\":\"PMP\",\"type\":\"regular\",",
                    "\"category\":\"", category, "\"}");
            }
            Mark::Failed(failure) => put!(
                &mut json; ",\"errors\":[{\"code\":", failure.code, ",\"title\":\"", failure.title, "\",\"message\":\"",
                failure.title, "\",\"error_data\":{\"details\":\"", failure.details, "\"},\"href\":\"",
                "https://developers.example/docs/whatsapp/cloud-api/support/error-codes/\"}]"
            ),
            Mark::DeliveredAgain | Mark::Read => {}
        }
        json.push('}');
        let contact = (!failed_by_phone && !matches!(mark, Mark::Failed(_))).then(|| {
            let mut contact = String::with_capacity(80);
            contact.push('{');
            if let Some(recipient) = sent.recipient {
                put!(&mut contact; "\"wa_id\":\"", recipient, "\",");
            }
            put!(&mut contact; "\"user_id\":\"", bsuid, "\"}");
            (sent.user_id, contact)
        });
        self.emit_committed(Element {
            tenant: sent.who.tenant,
            number: sent.number,
            at: whole_second(self.now),
            field: Field::Status,
            json,
            contact,
            counts: Counts::Status {
                id: sent.wamid.id,
                bit: mark.bit(),
            },
        });
        if mark == Mark::Read && sent.of_campaign {
            self.maybe_answer(sent);
        }
    }
}
