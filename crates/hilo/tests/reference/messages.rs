//! One message per id, with the fold of its statuses: interface.md, section 7, "Messages"; metrics.md, chapter 3.

use super::{
    configured,
    items::{Item, Kind, code_of, is_payment, participant},
    json::text,
    mentions::{form, shows_partner},
};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const NOT_RECEIVED: &[&str] = &["reaction", "edit", "revoke", "system", "request_welcome"];
const NOT_SENT: &[&str] = &["edit", "revoke"];

/// A message as all its items together tell it.
pub(crate) struct Message<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) id: &'a str,
    /// Of each kind the occurrence that holds.
    pub(crate) held: BTreeMap<Kind, &'a Item>,
    pub(crate) statuses: Vec<&'a Item>,
}

/// The type of a message; a missing one is unknown.
pub(crate) fn type_of(item: &Item) -> &str {
    text(item.says(), "type").unwrap_or("unknown")
}

/// Whether an element says only that something came.
pub(crate) fn is_stand_in(item: &Item) -> bool {
    let kind = text(&item.element, "type").unwrap_or("unknown");
    ["unsupported", "media_placeholder", "unknown"].contains(&kind)
}

/// Whether the platform gave a permission to call by itself: nobody wrote it.
fn is_automatic(item: &Item) -> bool {
    let reply = &item.says()["interactive"]["call_permission_reply"];
    type_of(item) == "interactive" && reply["response_source"] == "automatic"
}

/// Whether the business only reacted to a message: metrics.md, chapter 2, "Outbound message".
pub(crate) fn is_reaction(item: &Item) -> bool {
    type_of(item) == "reaction"
}

/// Whether an echo is a message of its own.
pub(crate) fn is_sent(echo: &Item) -> bool {
    !NOT_SENT.contains(&type_of(echo))
}

pub(crate) fn fold<'a>(items: impl IntoIterator<Item = &'a Item>) -> Vec<Message<'a>> {
    let mut messages: BTreeMap<(&str, &str), Message> = BTreeMap::new();
    for item in items {
        let id = match item.kind {
            Kind::Outbound => text(&item.element, "message_id"),
            Kind::Received | Kind::Echo | Kind::History | Kind::Status => text(&item.element, "id"),
            _ => None,
        };
        let Some(id) = id else { continue };
        let message = messages.entry((&item.tenant, id)).or_insert_with(|| Message {
            tenant: &item.tenant,
            id,
            held: BTreeMap::new(),
            statuses: Vec::new(),
        });
        if item.kind == Kind::Status {
            message.statuses.push(item);
            continue;
        }
        // Of equal ones, the one that says more of whose it is.
        let lacks = |item: &Item| (!shows_partner(item), item.phone_number_id.is_none());
        // A line is no element: it says what it says.
        let stands_in = |item: &Item| item.kind != Kind::Outbound && is_stand_in(item);
        let rank = |item: &Item| (stands_in(item), item.time, item.told.clone(), lacks(item));
        let held = message.held.entry(item.kind).or_insert(item);
        if rank(item) < rank(held) {
            *held = item;
        }
    }
    messages.into_values().collect()
}

impl<'a> Message<'a> {
    pub(crate) fn received(&self) -> Option<&'a Item> {
        let item = *self.held.get(&Kind::Received)?;
        (!NOT_RECEIVED.contains(&type_of(item))).then_some(item)
    }

    /// What the customer wrote.
    pub(crate) fn customer(&self) -> Option<&'a Item> {
        self.received().filter(|item| !is_automatic(item))
    }

    /// The send line or echo.
    pub(crate) fn sent(&self) -> Option<&'a Item> {
        let echo = || {
            let echo = *self.held.get(&Kind::Echo)?;
            is_sent(echo).then_some(echo)
        };
        self.held.get(&Kind::Outbound).copied().or_else(echo)
    }

    pub(crate) fn history(&self) -> Option<&'a Item> {
        let history = *self.held.get(&Kind::History)?;
        let other = self.held.keys().any(|kind| *kind != Kind::History);
        (!other).then_some(history)
    }

    pub(crate) fn is_orphan(&self) -> bool {
        self.held.is_empty()
    }

    /// The item with the details: send line, received, echo, history.
    fn described(&self) -> Option<&'a Item> {
        self.held
            .get(&Kind::Outbound)
            .copied()
            .or_else(|| self.received())
            .or_else(|| self.sent())
            .or_else(|| self.history())
    }

    /// Its line of `state/messages.ndjson`, if it has one.
    pub(crate) fn row(&self) -> Option<Row> {
        let described = self.described();
        if described.is_none() && !self.is_orphan() {
            return None;
        }
        let outbound = match described {
            Some(item) if item.kind == Kind::Received => false,
            Some(item) if item.kind == Kind::History => from_business(item),
            _ => true,
        };
        // Also a payment makes a message known.
        let earliest = self.statuses.iter().map(|status| status.time).min();
        let send = self.held.get(&Kind::Outbound).map(|item| &item.element);
        let of_send = |key: &str| send.and_then(|line| text(line, key)).map(str::to_owned);
        let of_template = |key: &str| send.and_then(|line| text(&line["template"], key)).map(str::to_owned);
        Some(Row {
            direction: if outbound { "outbound" } else { "inbound" },
            kind: described.map_or("unknown", type_of).to_owned(),
            event_time: described.map(|item| item.time).or(earliest).unwrap(),
            accepted_at: self.sent().map(|item| item.time),
            effective_status: self.effective().filter(|_| outbound),
            // A received message has no status times whatever stands under its id.
            times: [
                &["sent"][..],
                &["delivered", "read", "played"],
                &["read", "played"],
                &["played"],
                &["failed"],
            ]
            .map(|states| self.earliest(states).filter(|_| outbound)),
            error_codes: self.error_codes(),
            template: of_template("name"),
            language: of_template("language"),
            campaign: of_send("campaign"),
            segment: of_send("segment"),
        })
    }

    /// The statuses that say where the message is; what becomes of a payment does not.
    pub(crate) fn way(&self) -> impl Iterator<Item = &Item> {
        let statuses = self.statuses.iter().copied();
        statuses.filter(|item| !is_payment(&item.element))
    }

    pub(crate) fn times(&self, statuses: &[&str]) -> impl Iterator<Item = i64> {
        times_of(self.way().filter(|item| self.counts(item)), statuses)
    }

    /// Who of a group has a status.
    fn participants(&self) -> BTreeSet<&str> {
        self.way().filter_map(|item| participant(&item.element)).collect()
    }

    /// Whether it failed for a participant; without one, by the statuses that name none.
    fn has_failed(&self, who: Option<&str>) -> bool {
        let latest = |states: &[&str]| {
            let own = self.way().filter(|item| participant(&item.element) == who);
            times_of(own, states).max()
        };
        let failed = latest(&["failed"]);
        failed.is_some() && failed >= latest(&["delivered", "read", "played"])
    }

    /// Failed for everybody to whom it was sent.
    fn is_failed(&self) -> bool {
        let participants = self.participants();
        if participants.is_empty() {
            return self.has_failed(None);
        }
        participants.iter().all(|who| self.has_failed(Some(who)))
    }

    /// Whether the time of a status is one of the message's: those of who failed are not, unless everybody did.
    fn counts(&self, status: &Item) -> bool {
        self.is_failed() || !self.has_failed(participant(&status.element))
    }

    /// The `pricing.category` of its first status that has one, in lower case. A hyphen is an underscore: whatsapp.md, 3.3. Of
    /// two statuses of one time the smaller category holds: no document says which.
    pub(crate) fn priced(&self) -> Option<String> {
        let priced = self.statuses.iter().filter_map(|status| {
            let category = text(&status.element["pricing"], "category")?;
            Some((status.time, category.to_lowercase().replace('-', "_")))
        });
        priced.min().map(|(_, category)| category)
    }

    pub(crate) fn earliest(&self, statuses: &[&str]) -> Option<i64> {
        self.times(statuses).min()
    }

    pub(crate) fn effective(&self) -> Option<&'static str> {
        if self.is_failed() {
            return Some("failed");
        }
        ["played", "read", "delivered", "sent"]
            .into_iter()
            .find(|status| self.earliest(&[status]).is_some())
    }

    fn error_codes(&self) -> Vec<i64> {
        let errors = self.way().filter_map(|item| item.element["errors"].as_array());
        let codes: BTreeSet<i64> = errors.flatten().filter_map(code_of).collect();
        codes.into_iter().collect()
    }
}

fn times_of<'a>(items: impl Iterator<Item = &'a Item>, states: &[&str]) -> impl Iterator<Item = i64> {
    items
        .filter(|item| states.contains(&item.element["status"].as_str().unwrap_or("")))
        .map(|item| item.time)
}

/// What `state/messages.ndjson` says of a message, without tenant and id.
pub(crate) struct Row {
    pub(crate) direction: &'static str,
    pub(crate) kind: String,
    pub(crate) event_time: i64,
    pub(crate) accepted_at: Option<i64>,
    pub(crate) effective_status: Option<&'static str>,
    /// Sent, delivered, read, played, failed.
    pub(crate) times: [Option<i64>; 5],
    pub(crate) error_codes: Vec<i64>,
    pub(crate) template: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) campaign: Option<String>,
    pub(crate) segment: Option<String>,
}

/// Whether a history message is the business's own.
pub(crate) fn from_business(item: &Item) -> bool {
    if let Some(list) = item.listed {
        return list == Kind::Echo;
    }
    let business = text(&item.value["metadata"], "display_phone_number").map(form);
    let names = |keys: [&str; 3]| keys.iter().any(|key| text(&item.element, key).is_some());
    let is_business = |key: &str| {
        text(&item.element, key)
            .map(form)
            .is_some_and(|id| configured::is_own_number(&item.tenant, &id) || business == Some(id))
    };
    if names(["from", "from_user_id", "from_parent_user_id"]) {
        is_business("from")
    } else {
        names(["to", "to_user_id", "to_parent_user_id"]) && !is_business("to")
    }
}
