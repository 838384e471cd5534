//! Who wants no more: `opt_out_rate` of metrics.md, chapter 3.

use super::{
    super::{
        items::{Item, Kind, code_of},
        json::text,
    },
    HOUR, Name, Numbers, World,
    replies::Said,
    rows::{Dimensions, Member, dimensions, groups, rate},
    sends::{self, Send},
};
use std::collections::{BTreeMap, BTreeSet};

const DAY: i64 = 24 * HOUR;

/// The time at which a person of a tenant opted out, for the first time since the last consent.
struct OptOut<'a> {
    tenant: &'a str,
    person: usize,
    time: i64,
}

impl Member for OptOut<'_> {
    fn tenant(&self) -> &str {
        self.tenant
    }

    fn anchor(&self) -> i64 {
        self.time
    }

    fn groupings(&self) -> Vec<Dimensions> {
        vec![dimensions(&[("attribution", "none")])]
    }
}

pub(super) fn rows(world: &World, sends: &[Send], said: &[Said]) -> Vec<(Name, Numbers)> {
    let opt_outs = opt_outs(world, said);
    let cause = |opt_out: &OptOut| cause(opt_out, sends);
    let mut rows = Vec::new();
    // As with replies, only a send to a known person is a member.
    let cohort = sends.iter().filter(|send| send.is_marketing() && send.person.is_some());
    for group in groups(cohort) {
        let delivered = group.members.iter().filter(|send| send.delivered().is_some());
        let persons: BTreeSet<usize> = delivered.filter_map(|send| send.person).collect();
        let is_of_group = |cause: &Send| group.members.iter().any(|send| std::ptr::eq(*send, cause));
        let out = opt_outs
            .iter()
            .filter(|opt_out| cause(opt_out).is_some_and(is_of_group));
        let out: BTreeSet<usize> = out.map(|opt_out| opt_out.person).collect();
        let is_final = group.is_final(world.now, |_| false, |send| send.horizon() + 7 * DAY);
        let numbers = rate(out.len(), persons.len(), is_final);
        rows.extend(numbers.map(|numbers| (group.name("opt_out_rate"), numbers)));
    }
    for group in groups(opt_outs.iter().filter(|opt_out| cause(opt_out).is_none())) {
        let persons: BTreeSet<usize> = group.members.iter().map(|opt_out| opt_out.person).collect();
        let numbers = Numbers {
            numerator: Some(persons.len() as f64),
            count: persons.len() as i64,
            is_final: group.is_final(world.now, |_| false, |_| 44 * DAY),
            ..Numbers::default()
        };
        rows.push((group.name("opt_out_rate"), numbers));
    }
    rows
}

/// The latest marketing send that was delivered to the person in the day before.
fn cause<'a>(opt_out: &OptOut, sends: &'a [Send<'a>]) -> Option<&'a Send<'a>> {
    let before = sends.iter().filter(|send| {
        let delivered = send.delivered();
        send.is_marketing()
            && send.message.tenant == opt_out.tenant
            && send.person == Some(opt_out.person)
            && delivered.is_some_and(|time| time < opt_out.time && time >= opt_out.time - DAY)
    });
    before.max_by_key(|send| (send.delivered(), send.at, send.message.id))
}

/// What a person said of being written to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Out,
    In,
}

/// The earliest signal counts, once per person until a consent.
fn opt_outs<'a>(world: &World<'a>, said: &[Said<'a>]) -> Vec<OptOut<'a>> {
    let mut signs: BTreeMap<(&str, usize), Vec<(i64, Sign)>> = BTreeMap::new();
    let mut add = |item: &'a Item, person: Option<usize>, sign| {
        if let Some(person) = person {
            signs.entry((&item.tenant, person)).or_default().push((item.time, sign));
        }
    };
    for said in said.iter().filter(|said| said.is_opt_out) {
        add(said.item, said.person, Sign::Out);
    }
    for message in world.messages {
        let refused = message.way().filter(|status| is_refused(status));
        if let Some(first) = refused.min_by_key(|status| status.time) {
            add(first, sends::addressee(world, message), Sign::Out);
        }
    }
    for item in world.items.iter().filter(|item| !item.is_test()) {
        if let Some(sign) = sign(item) {
            add(item, world.person(item), sign);
        }
    }
    let mut opt_outs = Vec::new();
    for ((tenant, person), mut signs) in signs {
        signs.sort_unstable();
        let mut is_out = false;
        for (time, sign) in signs {
            if sign == Sign::Out && !is_out {
                opt_outs.push(OptOut { tenant, person, time });
            }
            is_out = sign == Sign::Out;
        }
    }
    opt_outs
}

/// Whether a status says that whom the message went to wants no more.
fn is_refused(status: &Item) -> bool {
    let mut errors = status.element["errors"].as_array().into_iter().flatten();
    errors.any(|error| code_of(error) == Some(131_050))
}

/// A preference, or a consent told by a CRM.
fn sign(item: &Item) -> Option<Sign> {
    let element = &item.element;
    match item.kind {
        Kind::Element("user_preferences") if item.is_history => None,
        Kind::Element("user_preferences") => match text(element, "value")? {
            "stop" => Some(Sign::Out),
            "resume" | "signup" => Some(Sign::In),
            _ => None,
        },
        Kind::Crm => (element["event"] == "opt_in").then_some(Sign::In),
        _ => None,
    }
}
