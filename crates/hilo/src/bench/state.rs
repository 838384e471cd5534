//! What a replay's state weighs, as stores keep it: encoded, with keys.

use anyhow::Result;
use hilo_stream::Executor;
use serde::Serialize;
use std::fmt;

/// A store with something in it.
#[derive(Debug, Serialize)]
struct Store {
    processor: &'static str,
    name: &'static str,
    entries: u64,
    bytes: u64,
}

/// All stores, and what they hold of each person and message.
#[derive(Debug, Serialize)]
pub(super) struct State {
    people: u64,
    messages: u64,
    /// Of who somebody is: identifiers, evidence, what was told.
    bytes_a_person: u64,
    /// Of a message: its keys against repetition, its place in a thread, its statuses, its share of the numbers.
    bytes_a_message: u64,
    stores: Vec<Store>,
}

impl State {
    /// Encodes all state of `stages`, one entry at a time.
    pub(super) fn of(stages: &mut [Executor]) -> Result<Self> {
        let mut stores = Vec::new();
        for (name, store) in stages.iter_mut().flat_map(Executor::stores_mut) {
            let (mut entries, mut bytes) = (0, 0);
            store.drain_dirty(&mut |(key, value)| {
                entries += u64::from(value.is_some());
                bytes += value.map_or(0, |value| (key.len() + value.len()) as u64);
            })?;
            let (processor, name) = (name.processor, name.store);
            stores.push(Store {
                processor,
                name,
                entries,
                bytes,
            });
        }
        let entries = |processor, store| {
            let named = stores
                .iter()
                .find(|one| (one.processor, one.name) == (processor, store));
            named.map_or(0, |one| one.entries)
        };
        let (people, messages) = (entries("conversation", "people"), entries("status", "messages"));
        let (of_people, rest): (Vec<&Store>, Vec<&Store>) = stores.iter().partition(|one| one.processor == "identity");
        let each = |stores: &[&Store], count: u64| stores.iter().map(|one| one.bytes).sum::<u64>() / count.max(1);
        Ok(Self {
            people,
            messages,
            bytes_a_person: each(&of_people, people),
            bytes_a_message: each(&rest, messages),
            stores,
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        writeln!(
            out,
            "state: {} bytes a person ({}), {} bytes a message ({})",
            self.bytes_a_person, self.people, self.bytes_a_message, self.messages
        )?;
        for store in self.stores.iter().filter(|store| store.entries > 0) {
            let name = format!("{}/{}", store.processor, store.name);
            writeln!(
                out,
                "  {name:<28} {:>9} entries {:>12} bytes, {} each",
                store.entries,
                store.bytes,
                store.bytes / store.entries
            )?;
        }
        Ok(())
    }
}
