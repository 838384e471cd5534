//! Replies: metrics.md, chapter 3.

use super::{
    super::{items::Item, json::text, messages::type_of},
    HOUR, Name, Numbers, World, optouts,
    rows::{groups, rate},
    sends::Send,
    toggled,
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
    is_opt_out: bool,
}

/// What is said in a group is none.
pub(super) fn said<'a>(world: &World<'a>) -> Vec<Said<'a>> {
    let received = world
        .messages
        .iter()
        .filter_map(|message| Some((message.id, message.received()?)))
        .filter(|(_, item)| text(&item.element, "group_id").is_none());
    received
        .map(|(id, item)| Said {
            item,
            id,
            person: world.person(item),
            is_opt_out: optouts::is_word(item),
        })
        .collect()
}

pub(super) fn rows(sends: &[Send], said: &[Said], now: i64) -> Vec<(Name, Numbers)> {
    let has_strong = |send: &Send| said.iter().any(|said| is_strong(said, send, sends));
    let has_weak = |send: &Send| weak(send, sends, said).is_some();
    let cohort = sends.iter().filter(|send| send.has_replies());
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

/// Whether it came after the send was delivered, no later than `limit`.
fn is_after(said: &Said, send: &Send, limit: i64) -> bool {
    let delivered = send.delivered();
    delivered.is_some_and(|delivered| {
        said.item.time > delivered
            && (said.item.time < delivered + limit || !toggled("mut_limit") && said.item.time == delivered + limit)
    })
}

fn is_strong(said: &Said, send: &Send, sends: &[Send]) -> bool {
    if said.is_opt_out || !send.has_replies() || !is_after(said, send, STRONG) {
        return false;
    }
    if let Some(named) = text(&said.item.element["context"], "id") {
        return named == send.message.id
            && said.item.tenant == send.message.tenant
            && (toggled("strong_person") || said.person == send.person)
            && (!toggled("strong_number") || is_on_thread(said, send));
    }
    type_of(said.item) == "button" && is_on_thread(said, send) && is_latest(said, send, sends)
}

/// Whether the send is the latest template delivered on its thread before the message.
fn is_latest(said: &Said, send: &Send, sends: &[Send]) -> bool {
    let before = |send: &&Send| {
        let delivered = send.delivered();
        (send.is_template || toggled("latest_cohort") && send.has_replies())
            && is_on_thread(said, send)
            && delivered.is_some_and(|time| time < said.item.time)
    };
    let latest = sends.iter().filter(before).max_by_key(|send| {
        (
            if toggled("latest_at") {
                Some(0)
            } else {
                send.delivered()
            },
            send.at,
            send.message.id,
        )
    });
    latest.is_some_and(|latest| latest.message.id == send.message.id)
}

/// The weak reply to a send: the first message after its delivery, unless that is something else.
fn weak<'a>(send: &Send, sends: &[Send], said: &'a [Said<'a>]) -> Option<&'a Said<'a>> {
    let delivered = send.delivered()?;
    let later = said
        .iter()
        .filter(|said| is_on_thread(said, send) && said.item.time > delivered);
    let first = later.min_by_key(|said| (said.item.time, said.id))?;
    let is_strong_elsewhere = sends
        .iter()
        .any(|other| !std::ptr::eq(other, send) && is_strong(first, other, sends));
    let is_overtaken = sends.iter().any(|other| {
        (other.is_template || toggled("over_cohort") && other.has_replies())
            && is_on_thread(first, other)
            && other.at > (if toggled("weak_accept") { send.at } else { delivered })
            && (other.at < first.item.time || toggled("weak_le") && other.at == first.item.time)
    });
    let is_strong_elsewhere = is_strong_elsewhere
        || toggled("named_other")
            && text(&first.item.element["context"], "id").is_some_and(|named| named != send.message.id);
    let is_overtaken = is_overtaken && !toggled("mut_overtaken");
    let is_strong_elsewhere = is_strong_elsewhere && !toggled("mut_elsewhere");
    let fits = is_after(first, send, WEAK) && !first.is_opt_out && !is_strong_elsewhere && !is_overtaken;
    fits.then_some(first)
}
