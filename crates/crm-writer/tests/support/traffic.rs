//! Made-up traffic: many conversations with revisions, merges, partings and deletions, in a disorder that keeps the
//! revisions of one record in their order.

use super::records::{aliased, deleted, of, record};
use hilo_contracts::facts::CrmRecord;
use hilo_crm::values::Object;

/// A small generator of numbers: the same seed, the same traffic.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// About so many records. Without `partings` nobody who was merged comes apart again.
pub(crate) fn traffic(seed: u64, records: usize, partings: bool) -> Vec<CrmRecord> {
    let mut dice = Dice::new(seed);
    let mut streams: Vec<Vec<CrmRecord>> = Vec::new();
    let mut made = 0;
    let mut person = 0;
    while made < records {
        let before = streams.len();
        let name = format!("person {person}");
        streams.extend(conversation(&mut dice, &name));
        if person % 5 == 4 {
            merge(&mut dice, &mut streams, person, partings);
        }
        made += streams[before..].iter().map(Vec::len).sum::<usize>();
        person += 1;
    }
    interleave(&mut dice, streams)
}

/// One stream of revisions for each record.
fn conversation(dice: &mut Dice, name: &str) -> Vec<Vec<CrmRecord>> {
    let person = [(Object::Contact, name)];
    let both = [(Object::Contact, name), (Object::Ticket, name)];
    let note = |dice: &mut Dice, revision: i64| match dice.below(6) {
        0 => None,
        _ => Some(format!("{name} at {revision}")),
    };
    let mut streams = Vec::new();
    let revisions = 2 + dice.below(3) as i64;
    let contact = (1..=revisions).map(|at| record(Object::Contact, name, at, note(dice, at).as_deref()));
    streams.push(contact.collect());
    let revisions = 1 + dice.below(3) as i64;
    let ticket = (1..=revisions).map(|at| of(record(Object::Ticket, name, at, note(dice, at).as_deref()), &person));
    streams.push(ticket.collect());
    if dice.below(3) == 0 {
        streams.push(vec![of(record(Object::Deal, name, 1, Some("won")), &both)]);
    }
    if dice.below(4) == 0 {
        streams.push(vec![of(record(Object::Task, name, 1, Some("call")), &both)]);
    }
    for message in 0..2 + dice.below(6) {
        let natural = format!("{name}, message {message}");
        let entry = |revision, note: &str| of(record(Object::Communication, &natural, revision, Some(note)), &both);
        let mut stream = vec![entry(1, "sent")];
        if dice.below(2) == 0 {
            stream.push(entry(2, "read"));
        }
        if dice.below(12) == 0 {
            stream.push(deleted(Object::Communication, &natural, 3));
        }
        streams.push(stream);
    }
    streams
}

/// The person becomes part of the one before, and some come apart again.
fn merge(dice: &mut Dice, streams: &mut [Vec<CrmRecord>], person: usize, partings: bool) {
    let (loser, winner) = (format!("person {person}"), format!("person {}", person - 1));
    let parts = partings && dice.below(2) == 0;
    for stream in streams {
        let Some(last) = stream.last().cloned() else {
            continue;
        };
        let natural = last.person_id.clone().unwrap_or_default();
        let at = last.revision;
        if last.object == "contact" && natural == loser {
            stream.push(aliased(Object::Contact, &loser, at + 1, &winner));
            if parts {
                stream.push(record(Object::Contact, &loser, at + 2, Some("apart again")));
            }
        } else if last.object == "ticket" && natural == loser {
            let ticket = |revision, note, whose: &str| {
                of(
                    record(Object::Ticket, &loser, revision, Some(note)),
                    &[(Object::Contact, whose)],
                )
            };
            stream.push(ticket(at + 1, "merged", &winner));
            if parts {
                stream.push(ticket(at + 2, "apart", &loser));
            }
        } else if last.kind == "desired" && last.object != "contact" && natural.starts_with(&loser) {
            let rank = Object::ALL
                .into_iter()
                .find(|object| object.as_str() == last.object)
                .unwrap();
            let both = |whose: &str| [(Object::Contact, whose.to_owned()), (Object::Ticket, loser.clone())];
            let again = |revision, note, whose: &str| {
                let both = both(whose);
                let both: Vec<(Object, &str)> = both.iter().map(|(object, name)| (*object, name.as_str())).collect();
                of(record(rank, &natural, revision, Some(note)), &both)
            };
            stream.push(again(at + 1, "merged", &winner));
            if parts {
                stream.push(again(at + 2, "apart", &loser));
            }
        }
    }
}

/// Takes from streams near one another, so that others come between, and repeats some of what was before.
fn interleave(dice: &mut Dice, streams: Vec<Vec<CrmRecord>>) -> Vec<CrmRecord> {
    let mut open: std::collections::VecDeque<std::collections::VecDeque<CrmRecord>> =
        streams.into_iter().map(Into::into).collect();
    let mut log: Vec<CrmRecord> = Vec::new();
    while !open.is_empty() {
        let at = dice.below(open.len().min(40) as u64) as usize;
        if let Some(record) = open[at].pop_front() {
            log.push(record);
        } else {
            open.remove(at);
        }
        if dice.below(25) == 0 && !log.is_empty() {
            let again = log[dice.below(log.len() as u64) as usize].clone();
            log.push(again);
        }
    }
    log
}
