//! What became of sends: the first three rates of metrics.md, chapter 3.

use super::{
    Name, Numbers, errors,
    rows::{Group, groups, rate},
    sends::Send,
};
use std::collections::BTreeMap;

pub(super) fn rows(sends: &[Send], now: i64) -> Vec<(Name, Numbers)> {
    groups(sends).iter().flat_map(|group| of_group(group, now)).collect()
}

fn of_group(group: &Group<Send>, now: i64) -> Vec<(Name, Numbers)> {
    let sends = || group.members.iter();
    let all = group.members.len();
    let delivered = sends().filter(|send| send.delivered().is_some()).count();
    let read = sends().filter(|send| send.is_read()).count();
    let failed = sends().filter(|send| send.is_failed()).count();
    let is_done = |send: &Send| send.is_failed() || send.is_read();
    let is_final = group.is_final(now, is_done, Send::horizon);
    let mut rows = Vec::new();
    let mut push = |name: Name, numerator, denominator| {
        rows.extend(rate(numerator, denominator, is_final).map(|numbers| (name, numbers)));
    };
    push(group.name("delivery_rate"), delivered, all);
    push(group.name("read_rate"), read, delivered);
    push(group.name("failure_rate"), failed, all);
    for (class, failed) in classes(group) {
        let mut name = group.name("failure_rate");
        name.dimensions.insert("error_class", class.to_owned());
        push(name, failed, all);
    }
    rows
}

fn classes(group: &Group<Send>) -> BTreeMap<&'static str, usize> {
    let mut classes = BTreeMap::new();
    for send in group.members.iter().filter(|send| send.is_failed()) {
        *classes.entry(errors::class_of(send.message)).or_default() += 1;
    }
    classes
}
