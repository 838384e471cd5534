//! Replies: metrics.md, chapter 3.

use super::{
    super::{configured, items::Item, json::text, messages::type_of},
    HOUR, Name, Numbers, World, answers,
    rows::{groups, rate},
    sends::Send,
};
use std::collections::BTreeSet;

const DAY: i64 = 24 * HOUR;
/// How long a message that names another, or a pressed button, is a reply.
const STRONG: i64 = 7 * DAY;
/// How long any other message is.
const WEAK: i64 = DAY;

/// A customer message.
pub(super) struct Said<'a> {
    pub(super) item: &'a Item,
    id: &'a str,
    pub(super) person: Option<usize>,
    pub(super) is_opt_out: bool,
}

/// What is said in a group is none.
pub(super) fn said<'a>(world: &World<'a>, sends: &[Send<'a>]) -> Vec<Said<'a>> {
    let written = answers::written(world, sends);
    let received = world
        .messages
        .iter()
        .filter_map(|message| Some((message.id, message.customer()?)))
        .filter(|(_, item)| text(&item.element, "group_id").is_none());
    received
        .map(|(id, item)| {
            let person = world.person(item);
            let is_opt_out = configured::is_opt_out(item) || answers::is_answer_to_marketing(item, person, &written);
            Said {
                item,
                id,
                person,
                is_opt_out,
            }
        })
        .collect()
}

pub(super) fn rows(sends: &[Send], said: &[Said], now: i64) -> Vec<(Name, Numbers)> {
    let has_strong = |send: &Send| said.iter().any(|said| is_strong(said, send, sends));
    let has_weak = |send: &Send| has_weak(send, sends, said);
    // Both sides of the rate count persons, so only a send to a known person is a member. The contract does not say whether
    // a row is final while a send to nobody known is open: here no row waits for it.
    let cohort = sends.iter().filter(|send| send.has_replies() && send.person.is_some());
    let mut rows = Vec::new();
    for group in groups(cohort) {
        let persons = |test: &dyn Fn(&Send) -> bool| -> usize {
            let delivered = group.members.iter().filter(|send| send.delivered().is_some());
            let such = delivered.filter(|send| test(send));
            such.filter_map(|send| send.person).collect::<BTreeSet<_>>().len()
        };
        let all = persons(&|_| true);
        let is_final = group.is_final(now, |_| false, |send| send.horizon() + 7 * DAY);
        let mut push = |metric, replied| {
            rows.extend(rate(replied, all, is_final).map(|numbers| (group.name(metric), numbers)));
        };
        push("reply_rate_strong", persons(&has_strong));
        push("reply_rate", persons(&|send| has_strong(send) || has_weak(send)));
    }
    rows
}

/// Whether it is on the thread of the send: the same person and number.
fn is_on_thread(said: &Said, send: &Send) -> bool {
    let item = said.item;
    item.tenant == send.message.tenant
        && said.person.is_some()
        && said.person == send.person
        && item.phone_number_id.as_deref() == send.number
}

fn is_strong(said: &Said, send: &Send, sends: &[Send]) -> bool {
    let delivered = send.delivered();
    let in_time = delivered.is_some_and(|delivered| said.item.time <= delivered + STRONG);
    if said.is_opt_out || !send.has_replies() || !in_time {
        return false;
    }
    // Who names a message has it, whenever its receipt came.
    if let Some(named) = text(&said.item.says()["context"], "id") {
        return named == send.message.id && said.item.tenant == send.message.tenant && said.person == send.person;
    }
    type_of(said.item) == "button" && is_on_thread(said, send) && is_latest(said, send, sends)
}

/// Whether the send is the latest template delivered on its thread before the message.
fn is_latest(said: &Said, send: &Send, sends: &[Send]) -> bool {
    let before = |send: &&Send| {
        let delivered = send.delivered();
        send.is_template && is_on_thread(said, send) && delivered.is_some_and(|time| time < said.item.time)
    };
    let before = sends.iter().filter(before);
    let latest = before.max_by_key(|send| (send.delivered(), send.at, send.message.id));
    latest.is_some_and(|latest| latest.message.id == send.message.id)
}

/// Whether there is a weak reply to a send: the first message after its delivery, unless that is something else.
fn has_weak(send: &Send, sends: &[Send], said: &[Said]) -> bool {
    let Some(delivered) = send.delivered() else {
        return false;
    };
    let later = said
        .iter()
        .filter(|said| is_on_thread(said, send) && said.item.time > delivered);
    let Some(first) = later.min_by_key(|said| (said.item.time, said.id)) else {
        return false;
    };
    let is_strong_elsewhere = || {
        let mut others = sends.iter().filter(|other| other.message.id != send.message.id);
        others.any(|other| is_strong(first, other, sends))
    };
    let is_overtaken = || {
        let mut later = sends.iter().filter(|other| other.is_template && other.at > send.at);
        later.any(|other| is_on_thread(first, other) && other.at > delivered && other.at < first.item.time)
    };
    first.item.time <= delivered + WEAK && !first.is_opt_out && !is_strong_elsewhere() && !is_overtaken()
}
