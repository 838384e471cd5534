//! Whom an item shows: interface.md, section 7, "Identity", first sentences.

use super::{
    configured,
    items::{Item, Kind, is_payment, of_participant},
    json::text,
    messages::from_business,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// Kind and value; of a phone beside a `wa_id` the digits of that.
pub(crate) type Id = (&'static str, String);

/// The identifiers of one person on one item.
pub(crate) type Ids = BTreeSet<Id>;

/// Whom an item shows.
#[derive(Default)]
pub(crate) struct Mentions {
    /// The partner of the conversation: the sender, the recipient, the user of an inbox line.
    pub(crate) partner: Option<Ids>,
    /// All people of the item, the partner among them, each with all that the item says of them.
    pub(crate) all: Vec<Ids>,
    /// A person's identifiers before and after a change.
    pub(crate) change: Option<(Ids, Ids)>,
}

/// Dialable digits: Mexico without the 1 after 52, Brazilian mobiles with the 9.
pub(crate) fn dialable(digits: &str) -> String {
    let bytes = digits.as_bytes();
    if digits.starts_with("521") && digits.len() == 13 {
        return format!("52{}", &digits[3..]);
    }
    if digits.starts_with("55") && digits.len() == 12 && bytes[4] >= b'6' {
        return format!("{}9{}", &digits[..4], &digits[4..]);
    }
    digits.to_owned()
}

/// The form in which all forms of a number meet; what is too short for one stands as it is.
pub(crate) fn form(number: &str) -> String {
    let digits = digits(number);
    if digits.len() < 5 {
        number.to_owned()
    } else {
        dialable(&digits)
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fn is_number(text: &str) -> bool {
    let digits = digits_of(text);
    digits.bytes().all(|byte| byte.is_ascii_digit()) && (1..=15).contains(&digits.len())
}

/// Of a `wa_id`, which some write with a plus sign.
fn digits_of(wa_id: &str) -> &str {
    wa_id.strip_prefix('+').unwrap_or(wa_id)
}

fn wa_id(ids: &mut Ids, value: Option<&str>) {
    let Some(value) = value else { return };
    ids.insert(("wa_id", value.to_owned()));
    if is_number(value) {
        ids.insert(("phone", format!("+{}", digits_of(value))));
    }
}

fn phone(ids: &mut Ids, value: Option<&str>) {
    if let Some(digits) = value.map(digits).filter(|digits| digits.len() >= 5) {
        ids.insert(("phone", format!("+{}", dialable(&digits))));
    }
}

fn user_id(ids: &mut Ids, kind: &'static str, value: Option<&str>) {
    if let Some(value) = value {
        ids.insert((kind, value.to_owned()));
    }
}

/// `wa_id`, BSUID and parent at three keys of an object.
fn at(value: &Value, keys: [&str; 3]) -> Ids {
    let mut ids = Ids::new();
    wa_id(&mut ids, text(value, keys[0]));
    user_id(&mut ids, "bsuid", text(value, keys[1]));
    user_id(&mut ids, "parent_bsuid", text(value, keys[2]));
    ids
}

fn contact(value: &Value) -> Ids {
    at(value, ["wa_id", "user_id", "parent_user_id"])
}

pub(crate) fn of_kind<'a>(ids: &'a Ids, kind: &str) -> Option<&'a str> {
    ids.iter().find(|id| id.0 == kind).map(|id| id.1.as_str())
}

/// Whether they are another number of the business, or the user id that a contact has beside one.
fn is_own(ids: &Ids, item: &Item) -> bool {
    let has_own = |ids: &Ids| {
        let mut numbers = ids.iter().filter(|id| id.0 == "phone" || id.0 == "wa_id");
        numbers.any(|id| configured::is_own_number(&item.tenant, &id.1))
    };
    let user = of_kind(ids, "bsuid");
    let is_users = |contact: &Ids| user.is_some() && of_kind(contact, "bsuid") == user;
    has_own(ids) || all_contacts(item).any(|contact| has_own(&contact) && is_users(&contact))
}

/// Whether they are the business of an item: its display number, in any form, or another of its numbers.
fn is_business(ids: &Ids, item: &Item) -> bool {
    if is_own(ids, item) {
        return true;
    }
    let business = text(&item.value["metadata"], "display_phone_number").map(form);
    let mut numbers = ids.iter().filter(|id| id.0 == "phone" || id.0 == "wa_id");
    numbers.any(|id| business == Some(form(&id.1)))
}

/// Whether an item shows whose it is.
pub(crate) fn shows_partner(item: &Item) -> bool {
    let partner = mentions(item).partner;
    partner.is_some_and(|ids| !is_business(&ids, item))
}

/// Leaves out the business: its other numbers with all beside them, and the number of the item itself, which a sender
/// without a phone may have as its own.
fn without_business(ids: &mut Ids, item: &Item) {
    if is_own(ids, item) {
        ids.clear();
    } else if is_business(ids, item) {
        ids.retain(|id| id.0 != "phone" && id.0 != "wa_id");
    }
}

/// The first of two parties, unless that is the business.
fn other_than_business(item: &Item, [first, second]: [Ids; 2]) -> Ids {
    if is_business(&first, item) { second } else { first }
}

fn sender(element: &Value) -> Ids {
    at(element, ["from", "from_user_id", "from_parent_user_id"])
}

fn addressee(element: &Value) -> Ids {
    at(element, ["to", "to_user_id", "to_parent_user_id"])
}

/// Whom all items of a tenant show, in their order.
pub(crate) fn of_all<'a>(items: &'a [Item], tenant: &str) -> Vec<(usize, &'a Item, Mentions)> {
    let of_tenant = items.iter().enumerate().filter(|(_, item)| item.tenant == tenant);
    let mut shown: Vec<_> = of_tenant.map(|(place, item)| (place, item, mentions(item))).collect();
    // A contact that describes no item of its value was seen with the first of them.
    for first in 0..shown.len() {
        let item = shown[first].1;
        let siblings: Vec<_> = shown
            .iter()
            .filter(|other| item.change > 0 && other.1.change == item.change)
            .collect();
        if siblings
            .iter()
            .min_by_key(|other| other.0)
            .is_some_and(|other| other.0 == shown[first].0)
        {
            let mut left = contacts(item);
            left.retain(|contact| {
                !siblings.iter().any(|other| {
                    other
                        .2
                        .all
                        .iter()
                        .chain(other.2.change.iter().map(|change| &change.1))
                        .any(|ids| ids.is_superset(contact))
                })
            });
            shown[first].2.all.extend(left);
        }
    }
    for (_, item, mentions) in &mut shown {
        let people = mentions.partner.iter_mut().chain(&mut mentions.all);
        people.for_each(|ids| without_business(ids, item));
        mentions.all.retain(|ids| !ids.is_empty());
        mentions.partner = mentions.partner.take().filter(|ids| !ids.is_empty());
    }
    shown
}

fn all_contacts(item: &Item) -> impl Iterator<Item = Ids> {
    let contacts = item.value["contacts"].as_array().into_iter().flatten().map(contact);
    contacts.filter(|ids| !ids.is_empty())
}

fn contacts(item: &Item) -> Vec<Ids> {
    all_contacts(item).filter(|ids| !is_own(ids, item)).collect()
}

fn mentions(item: &Item) -> Mentions {
    let element = &item.element;
    let mut mentions = Mentions::default();
    let contacts = contacts(item);
    let or_only = |ids: Ids| match &contacts[..] {
        [only] if ids.is_empty() => only.clone(),
        _ => ids,
    };
    let mut others: Vec<Ids> = Vec::new();
    let partner = match item.kind {
        Kind::Received if element["type"] == "system" => {
            mentions.change = changed_number(item);
            let sender = sender(element);
            match mentions.change {
                Some(_) => Ids::new(),
                // Who was told to be somebody, if not from whom to whom.
                None if sender.is_empty() || is_business(&sender, item) => or_only(now(element)),
                None => sender,
            }
        }
        Kind::Received => or_only(sender(element)),
        Kind::Echo => or_only(other_than_business(item, [addressee(element), sender(element)])),
        Kind::History => {
            let mut of_thread = contact(&item.thread["context"]);
            let mut ids = if from_business(item) {
                addressee(element)
            } else {
                sender(element)
            };
            if ids.is_empty() && of_thread.is_empty() {
                wa_id(&mut ids, text(&item.thread, "id").filter(|id| is_number(id)));
            }
            // A thread has one partner; where the two disagree, the message says who.
            if agree(&ids, &of_thread) {
                ids.append(&mut of_thread);
            }
            others.push(of_thread);
            ids
        }
        Kind::Status | Kind::Call if !member_of_group(element).is_empty() => member_of_group(element),
        // The group is nobody.
        Kind::Status if element["recipient_type"] == "group" => Ids::new(),
        Kind::Status => {
            let mut recipient = at(element, ["recipient_id", "recipient_user_id", ""]);
            let parent = PARENTS.iter().find_map(|key| text(element, key));
            user_id(&mut recipient, "parent_bsuid", parent);
            // Of a payment, who pays may be named as its sender.
            if recipient.is_empty() && is_payment(element) {
                sender(element)
            } else {
                recipient
            }
        }
        Kind::Call => {
            let mut ids = match text(element, "direction") {
                Some("BUSINESS_INITIATED") => addressee(element),
                Some("USER_INITIATED") => sender(element),
                _ => other_than_business(item, [sender(element), addressee(element)]),
            };
            ids.extend(at(element, ["", "user_id", "parent_user_id"]));
            ids.extend(at(
                element,
                ["recipient_id", "recipient_user_id", "recipient_parent_user_id"],
            ));
            ids
        }
        Kind::Element("user_preferences") => or_only(contact(element)),
        Kind::Element("state_sync") => {
            let contact = &element["contact"];
            let mut ids = at(contact, ["", "user_id", "parent_user_id"]);
            phone(&mut ids, text(contact, "phone_number"));
            ids
        }
        Kind::Element("user_id_update") => {
            mentions.change = Some(changed_user_id(element)).filter(|change| is_of_people(change, item));
            Ids::new()
        }
        Kind::Element("groups") => {
            for list in ["added_participants", "removed_participants"] {
                others.extend(element[list].as_array().into_iter().flatten().map(member));
            }
            Ids::new()
        }
        Kind::Outbound | Kind::Inbox | Kind::Crm => {
            let user = &element[if item.kind == Kind::Outbound { "to" } else { "user" }];
            let mut ids = Ids::new();
            phone(&mut ids, text(user, "phone"));
            user_id(&mut ids, "bsuid", text(user, "user_id"));
            ids
        }
        _ => Ids::new(),
    };
    others.retain(|ids| !ids.is_empty());
    let mut partner = partner;
    // A contact describes whom it names by user id, else by `wa_id`; in another form only whom no other names exactly.
    let targets = std::iter::once(&mut partner)
        .chain(others.iter_mut())
        .chain(mentions.change.as_mut().map(|change| &mut change.1));
    for ids in targets {
        let mut left = contacts.clone();
        loop {
            let by = |form: fn(&str) -> String| left.iter().position(|contact| describes(contact, ids, form));
            let Some(place) = by(str::to_owned).or_else(|| by(dialable)) else {
                break;
            };
            ids.extend(left.remove(place));
        }
    }
    if item.kind == Kind::Received && !partner.is_empty() && of_kind(&partner, "phone").is_none() {
        let answer = answered(element);
        if !is_business(&answer, item) {
            partner.extend(answer);
        }
    }
    if !partner.is_empty() {
        mentions.partner = Some(partner.clone());
        mentions.all.push(partner);
    }
    mentions.all.extend(others);
    mentions
}

/// The number with which a message answers the business's question for it, on its only card. Any other card is a third
/// person's and says nothing of the sender, as does an answer of one whose number is known.
fn answered(message: &Value) -> Ids {
    let only = |value: &Value, key: &str| match value[key].as_array().map(Vec::as_slice) {
        Some([only]) => only.clone(),
        _ => Value::Null,
    };
    let card = only(message, "contacts");
    let number = only(&card, "phones");
    let mut ids = Ids::new();
    if text(&card, "origin").or_else(|| text(message, "origin")) != Some("contact_request") {
        return ids;
    }
    match text(&number, "wa_id") {
        None => phone(&mut ids, text(&number, "phone")),
        known => wa_id(&mut ids, known),
    }
    ids
}

/// Spellings of a recipient's parent user id: whatsapp.md, 2.3.
const PARENTS: [&str; 3] = ["recipient_parent_user_id", "parent_recipient_user_id", "parent_user_id"];

/// The participant of a group that a status tells of.
fn member_of_group(status: &Value) -> Ids {
    let mut ids = Ids::new();
    wa_id(&mut ids, of_participant(status, "id"));
    user_id(&mut ids, "bsuid", of_participant(status, "user_id"));
    user_id(&mut ids, "parent_bsuid", of_participant(status, "parent_user_id"));
    ids
}

/// A participant of a group, who may be named by what the business gave: a number or a user id, whichever it had. It says
/// less than what the platform says itself.
fn member(participant: &Value) -> Ids {
    let mut ids = contact(participant);
    let text_itself = participant.as_str().filter(|text| !text.is_empty());
    let input = text_itself.or_else(|| text(participant, "input"));
    let kind = input.map_or("wa_id", kind_of_input);
    match (kind, of_kind(&ids, kind)) {
        (_, Some(_)) => {}
        // As somebody wrote it, it is a number and no account.
        ("wa_id", None) if input.is_some_and(|input| input.starts_with('+')) => phone(&mut ids, input),
        ("wa_id", None) => wa_id(&mut ids, input),
        (kind, None) => user_id(&mut ids, kind, input),
    }
    ids
}

/// A user id is two capital letters, a dot and letters and digits, after `ENT.` those of a parent: whatsapp.md, 2.3.
fn kind_of_input(input: &str) -> &'static str {
    let Some((country, rest)) = input.split_once('.') else {
        return "wa_id";
    };
    let (kind, rest) = rest
        .strip_prefix("ENT.")
        .map_or(("bsuid", rest), |rest| ("parent_bsuid", rest));
    let is_country = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_id = (1..=128).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_country && is_id { kind } else { "wa_id" }
}

/// Whether nothing speaks against one person.
fn agree(one: &Ids, other: &Ids) -> bool {
    let same = |kind, form: fn(&str) -> String| match (of_kind(one, kind), of_kind(other, kind)) {
        (Some(one), Some(other)) => form(one) == form(other),
        _ => true,
    };
    same("bsuid", str::to_owned) && same("wa_id", form)
}

fn describes(contact: &Ids, ids: &Ids, form: fn(&str) -> String) -> bool {
    match (of_kind(contact, "bsuid"), of_kind(ids, "bsuid")) {
        (Some(one), Some(other)) => one == other,
        _ => match (of_kind(contact, "wa_id"), of_kind(ids, "wa_id")) {
            (Some(one), Some(other)) => form(one) == form(other),
            _ => false,
        },
    }
}

/// A system message that names an old and a new number. The old one is the sender's; an older version of the platform
/// names the `customer`.
fn changed_number(item: &Item) -> Option<(Ids, Ids)> {
    let element = &item.element;
    let system = &element["system"];
    let known = ["user_changed_number", "user_changed_user_id", "customer_changed_number"];
    known.contains(&text(system, "type")?).then_some(())?;
    let business = text(&item.value["metadata"], "display_phone_number").map(form);
    let sender = text(element, "from").filter(|from| business != Some(form(from)));
    let mut old = at(element, ["", "from_user_id", "from_parent_user_id"]);
    wa_id(&mut old, sender);
    if is_own(&old, item) {
        old.clear();
    }
    if of_kind(&old, "wa_id").is_none() {
        wa_id(&mut old, text(system, "customer"));
    }
    let change = (old, now(element));
    (!change.1.is_empty() && is_of_people(&change, item)).then_some(change)
}

/// Whether neither side is another number of the business.
fn is_of_people((old, new): &(Ids, Ids), item: &Item) -> bool {
    !is_own(old, item) && !is_own(new, item)
}

/// Who somebody is from a system message on.
fn now(element: &Value) -> Ids {
    let mut ids = contact(&element["system"]);
    wa_id(&mut ids, text(&element["system"], "new_wa_id"));
    ids
}

fn changed_user_id(element: &Value) -> (Ids, Ids) {
    let pair = |key: &str| {
        let mut ids = Ids::new();
        user_id(&mut ids, "bsuid", text(&element["user_id"], key));
        user_id(&mut ids, "parent_bsuid", text(&element["parent_user_id"], key));
        ids
    };
    let (old, mut new) = (pair("previous"), pair("current"));
    wa_id(&mut new, text(element, "wa_id"));
    (old, new)
}
