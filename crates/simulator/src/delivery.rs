//! Deliveries: what the platform puts together into one body, sends twice, or cuts differently.

use crate::{
    Event, Kind, Path, Tally,
    text::{Rfc3339, Seconds, escape_like_meta, put},
    world::{Simulator, Waiting},
};
use hilo_domain::{Millis, time};
use std::sync::Arc;

/// One update on its way into a body.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) tenant: u8,
    /// Which of the tenant's numbers.
    pub(crate) number: u8,
    pub(crate) at: Millis,
    pub(crate) field: Field,
    /// The element of its array, or the whole value.
    pub(crate) json: String,
    /// Its entry in `contacts`, and whose it is: a value lists each contact once.
    pub(crate) contact: Option<(u64, String)>,
    pub(crate) counts: Counts,
}

/// Where an update stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// `messages` in the field of that name.
    Message,
    /// `statuses` in the field `messages`.
    Status,
    /// `message_echoes`.
    Echo,
    /// `user_preferences`.
    Preference,
    /// `user_id_update`.
    UserId,
    /// A field whose value is the update, in an entry with a time of its own.
    Whole(&'static str),
    /// A field without value.
    Valueless(&'static str),
}

impl Field {
    fn name(self) -> &'static str {
        match self {
            Self::Message | Self::Status => "messages",
            Self::Echo => "smb_message_echoes",
            Self::Preference => "user_preferences",
            Self::UserId => "user_id_update",
            Self::Whole(name) | Self::Valueless(name) => name,
        }
    }

    fn array(self) -> &'static str {
        match self {
            Self::Message => "messages",
            Self::Status => "statuses",
            Self::Echo => "message_echoes",
            Self::Preference => "user_preferences",
            Self::UserId => "user_id_update",
            Self::Whole(_) | Self::Valueless(_) => "",
        }
    }

    fn stands_alone(self) -> bool {
        matches!(self, Self::Whole(_) | Self::Valueless(_))
    }
}

/// What an update is to the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counts {
    /// A customer message.
    Received,
    /// An item that is no message, or none that counts as one.
    Item,
    /// A message typed on the phone.
    Echo,
    /// A status of the send with this id.
    Status { id: u64, bit: u8 },
    /// An item that nobody can classify.
    Unclassified,
    /// An item that nobody can use.
    DeadLetter,
}

/// What was sent about a message so far; forgotten with its last update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Track {
    /// Its line was sent.
    pub(crate) announced: bool,
    /// Statuses that were sent, one bit each.
    pub(crate) seen: u8,
    /// Updates still to come.
    pub(crate) left: u8,
}

/// Updates that go together.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) id: u64,
    full: usize,
    elements: Vec<Element>,
}

const FIRST_RETRY: Millis = time::SECOND;
const LAST_RETRY: Millis = 90 * time::SECOND;

impl Simulator {
    /// An update leaves, alone or with others.
    pub(crate) fn dispatch(&mut self, send_at: Millis, element: Element) {
        let tenant = usize::from(element.tenant);
        if let Some(batch) = &mut self.tenants[tenant].batch {
            batch.elements.push(element);
            if batch.elements.len() >= batch.full {
                self.close_batch(send_at, tenant);
            }
            return;
        }
        let (full, patience) = if self.dice.chance(self.profile.large_batches) {
            (self.dice.between(100, 600), 8 * time::SECOND)
        } else if self.dice.chance(self.profile.batches) {
            (self.dice.between(2, 12), 700)
        } else {
            self.deliver(send_at, &[element]);
            return;
        };
        self.sequence += 1;
        let id = self.sequence;
        self.tenants[tenant].batch = Some(Batch {
            id,
            full: full as usize,
            elements: vec![element],
        });
        self.queue(
            send_at + patience,
            Waiting::BatchIsDue {
                tenant: tenant as u8,
                id,
            },
        );
    }

    /// The batch leaves, full or not.
    pub(crate) fn close_batch(&mut self, send_at: Millis, tenant: usize) {
        if let Some(batch) = self.tenants[tenant].batch.take() {
            self.deliver(send_at, &batch.elements);
        }
    }

    fn deliver(&mut self, send_at: Millis, elements: &[Element]) {
        let mut tally = Tally::default();
        for element in elements {
            self.count(element, &mut tally);
        }
        let event = self.webhook(send_at, elements, tally);
        if self.dice.chance(self.profile.repeats) {
            if elements.len() > 1 && self.dice.chance(0.5) {
                let cut = self.dice.between(1, elements.len() as i64 - 1) as usize;
                for part in [&elements[..cut], &elements[cut..]] {
                    self.retry(send_at, part);
                }
            } else {
                self.retry(send_at, elements);
            }
        }
        self.ready.push_back(event);
    }

    fn retry(&mut self, send_at: Millis, elements: &[Element]) {
        let again_at = send_at + self.dice.skewed(FIRST_RETRY, LAST_RETRY);
        let mut tally = Tally::default();
        for element in elements {
            tally.items += 1;
            match element.counts {
                Counts::Unclassified => tally.unclassified += 1,
                Counts::DeadLetter => tally.dead_letter += 1,
                _ => tally.duplicate += 1,
            }
        }
        self.committed += elements.len() as u64;
        let event = self.webhook(again_at, elements, tally);
        self.queue(again_at, Waiting::Event(Box::new(event)));
    }

    fn count(&mut self, element: &Element, tally: &mut Tally) {
        tally.items += 1;
        match element.counts {
            Counts::Received => tally.messages_received += 1,
            Counts::Echo => tally.messages_sent += 1,
            Counts::Item => {}
            Counts::Unclassified => {
                tally.unclassified += 1;
                return;
            }
            Counts::DeadLetter => {
                tally.dead_letter += 1;
                return;
            }
            Counts::Status { id, bit } => {
                let (fresh, orphan) = self.track(id, |track| {
                    let before = track.seen;
                    track.seen |= bit;
                    (before & bit == 0, before == 0 && !track.announced)
                });
                tally.orphans += i64::from(orphan);
                if !fresh {
                    tally.duplicate += 1;
                    return;
                }
                tally.statuses += 1;
            }
        }
        tally.emitted += 1;
    }

    fn track(&mut self, id: u64, update: impl FnOnce(&mut Track) -> (bool, bool)) -> (bool, bool) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return (false, false);
        };
        let outcome = update(track);
        track.left -= 1;
        if track.left == 0 {
            self.tracks.remove(&id);
        }
        outcome
    }

    /// A line of our own systems leaves; `sent` is the message that it announces.
    pub(crate) fn post(&mut self, send_at: Millis, line: Line) {
        let mut tally = Tally {
            lines: 1,
            items: 1,
            emitted: 1,
            ..Tally::default()
        };
        if let Some(id) = line.sent {
            let (_, was_orphan) = self.track(id, |track| {
                track.announced = true;
                (true, track.seen != 0)
            });
            tally.messages_sent = 1;
            tally.orphans = -i64::from(was_orphan);
        }
        let tenant = Arc::clone(&self.tenants[usize::from(line.tenant)].name);
        let kind = Kind::Line {
            path: line.path,
            json: line.json,
        };
        let event = Event {
            at: line.at,
            send_at,
            tenant,
            kind,
            tally,
        };
        if self.dice.chance(self.profile.repeats) {
            let again_at = send_at + self.dice.skewed(FIRST_RETRY, LAST_RETRY);
            self.committed += 1;
            let again = Event {
                send_at: again_at,
                tally: event.tally.repeated(),
                ..event.clone()
            };
            self.queue(again_at, Waiting::Event(Box::new(again)));
        }
        self.ready.push_back(event);
    }

    fn webhook(&mut self, send_at: Millis, elements: &[Element], mut tally: Tally) -> Event {
        tally.lines = 1;
        tally.deliveries = 1;
        let split = elements.len() > 1 && self.dice.chance(0.2);
        let escaped = self.dice.chance(self.profile.escaped);
        let first = elements.first().map_or(0, |element| usize::from(element.tenant));
        let body = self.body(elements, first, split, escaped);
        Event {
            at: elements.iter().map(|element| element.at).min().unwrap_or(send_at),
            send_at,
            tenant: Arc::clone(&self.tenants[first].name),
            kind: Kind::Webhook { body },
            tally,
        }
    }

    /// A delivery without any item.
    pub(crate) fn empty_delivery(&mut self, tenant: usize) {
        let tally = Tally {
            lines: 1,
            deliveries: 1,
            empty_deliveries: 1,
            ..Tally::default()
        };
        let send_at = self.now + self.latency();
        let event = Event {
            at: self.now,
            send_at,
            tenant: Arc::clone(&self.tenants[tenant].name),
            kind: Kind::Webhook {
                body: r#"{"object":"whatsapp_business_account","entry":[]}"#.to_owned(),
            },
            tally,
        };
        self.queue(send_at, Waiting::Event(Box::new(event)));
    }

    fn body(&self, elements: &[Element], tenant: usize, split: bool, escaped: bool) -> String {
        let size: usize = elements
            .iter()
            .map(|element| element.json.len() + element.contact.as_ref().map_or(0, |(_, json)| json.len() + 1) + 1)
            .sum();
        let mut out = String::with_capacity(size + 420);
        let waba = &self.tenants[tenant].waba;
        out.push_str(r#"{"object":"whatsapp_business_account","entry":["#);
        let mut open = false;
        let mut places: Vec<(u8, &'static str)> = Vec::new();
        for element in elements.iter().filter(|element| !element.field.stands_alone()) {
            let place = (element.number, element.field.name());
            if places.contains(&place) {
                continue;
            }
            places.push(place);
            if open && split {
                out.push_str("]},");
                open = false;
            }
            if open {
                out.push(',');
            } else {
                put!(&mut out; "{\"id\":\"", waba.as_str(), "\",\"changes\":[");
                open = true;
            }
            self.change(&mut out, elements, tenant, place);
        }
        if open {
            out.push_str("]}");
        }
        for element in elements.iter().filter(|element| element.field.stands_alone()) {
            if out.ends_with('}') {
                out.push(',');
            }
            put!(&mut out; "{\"id\":\"", waba.as_str(), "\",\"time\":", Seconds(element.at), ",\"changes\":[{");
            if !matches!(element.field, Field::Valueless(_)) {
                put!(&mut out; "\"value\":", element.json.as_str(), ",");
            }
            put!(&mut out; "\"field\":\"", element.field.name(), "\"}]}");
        }
        out.push_str("]}");
        if !escaped {
            return out;
        }
        let mut bytes = String::with_capacity(out.len() + 64);
        escape_like_meta(&out, &mut bytes);
        bytes
    }

    fn change(&self, out: &mut String, elements: &[Element], tenant: usize, place: (u8, &'static str)) {
        let number = &self.tenants[tenant].numbers[usize::from(place.0)];
        put!(
            out; "{\"value\":{\"messaging_product\":\"whatsapp\",\"metadata\":{\"display_phone_number\":\"",
            number.display, "\",\"phone_number_id\":\"", number.id, "\"}"
        );
        let members = || elements.iter().filter(|one| (one.number, one.field.name()) == place);
        let mut listed: Vec<u64> = Vec::new();
        // Those of messages first: they carry the name.
        let of_messages = members().filter(|one| one.field != Field::Status);
        let of_statuses = members().filter(|one| one.field == Field::Status);
        for (user_id, contact) in of_messages.chain(of_statuses).filter_map(|one| one.contact.as_ref()) {
            if listed.contains(user_id) {
                continue;
            }
            out.push_str(if listed.is_empty() { ",\"contacts\":[" } else { "," });
            listed.push(*user_id);
            out.push_str(contact);
        }
        if !listed.is_empty() {
            out.push(']');
        }
        for array in [
            "messages",
            "statuses",
            "message_echoes",
            "user_preferences",
            "user_id_update",
        ] {
            let mut first = true;
            for one in members().filter(|one| !one.field.stands_alone() && one.field.array() == array) {
                if first {
                    put!(out; ",\"", array, "\":[");
                    first = false;
                } else {
                    out.push(',');
                }
                out.push_str(&one.json);
            }
            if !first {
                out.push(']');
            }
        }
        put!(out; "},\"field\":\"", place.1, "\"}");
    }
}

/// A capture line on its way.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) tenant: u8,
    pub(crate) at: Millis,
    pub(crate) path: Path,
    pub(crate) json: String,
    /// The message that it announces.
    pub(crate) sent: Option<u64>,
}

impl Simulator {
    /// The beginning that all lines share, up to and without the comma.
    pub(crate) fn line_head(&self, source: &'static str, tenant: u8) -> String {
        let mut out = String::with_capacity(384);
        put!(
            &mut out; "{\"source\":\"", source, "\",\"tenant\":", self.tenants[usize::from(tenant)].quoted, ",\"at\":\"",
            Rfc3339(self.now), "\""
        );
        out
    }
}
