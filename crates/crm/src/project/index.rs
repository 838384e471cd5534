//! What hangs on a person or a session, so that a change of it reaches what it concerns.

use super::Key;
use hilo_stream::{StateStore, Store, StoreError};
use serde::{Deserialize, Serialize};

/// Items in one entry: adding one costs an entry of this size, however many there are.
const PAGE: usize = 64;

/// Something that hangs on a person or a session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Item {
    /// A session of a person.
    Session(Box<str>),
    /// A deal of a person.
    Deal(Key),
    /// A message in a session, or of a person in none.
    Message(Key),
    /// Another event of a person.
    Event(Key),
}

impl Item {
    /// The message that it is.
    pub(super) fn message(&self) -> Option<Key> {
        match self {
            Self::Message(key) => Some(*key),
            _ => None,
        }
    }
}

/// The newest items of an owner, and how many full pages there are before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Newest {
    pages: u32,
    items: Vec<Item>,
}

/// Items by owner. An item that left is not taken out: who reads asks each item whose it is.
pub(super) struct Index {
    newest: Store<Newest>,
    pages: Store<Vec<Item>>,
}

impl Index {
    pub(super) fn new() -> Self {
        Self {
            newest: Store::new("index"),
            pages: Store::new("index_pages"),
        }
    }

    /// An item has come to an owner.
    pub(super) fn add(&mut self, owner: &str, item: Item) -> Result<(), StoreError> {
        let newest = self.newest.get_or_insert_with(owner.as_bytes(), Newest::default)?;
        if newest.items.last() == Some(&item) {
            return Ok(());
        }
        newest.items.push(item);
        if newest.items.len() == PAGE {
            let page = std::mem::take(&mut newest.items);
            self.pages.put(&page_of(owner, newest.pages), page);
            newest.pages += 1;
        }
        Ok(())
    }

    /// All that ever came to an owner, each once, in an order that does not depend on when it came.
    pub(super) fn of(&mut self, owner: &str) -> Result<Vec<Item>, StoreError> {
        let Some(newest) = self.newest.get(owner.as_bytes())? else {
            return Ok(Vec::new());
        };
        let pages = newest.pages;
        let mut items = newest.items.clone();
        for page in 0..pages {
            items.extend(self.pages.get(&page_of(owner, page))?.into_iter().flatten().cloned());
        }
        items.sort_unstable();
        items.dedup();
        Ok(items)
    }

    /// For the engine.
    pub(super) fn stores(&mut self) -> [&mut dyn StateStore; 2] {
        [&mut self.newest, &mut self.pages]
    }
}

fn page_of(owner: &str, page: u32) -> Vec<u8> {
    [owner.as_bytes(), &[0], &page.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_items_are_found_again_each_once() {
        let mut index = Index::new();
        for round in 0..2 {
            for number in 0..200u8 {
                index.add("ana", Item::Message([number; 16])).unwrap();
                if round == 0 {
                    index.add("bea", Item::Deal([number; 16])).unwrap();
                }
            }
        }
        let of = |index: &mut Index, owner| index.of(owner).unwrap();
        let expected: Vec<Item> = (0..200u8).map(|number| Item::Message([number; 16])).collect();
        assert_eq!(of(&mut index, "ana"), expected);
        assert_eq!(of(&mut index, "bea").len(), 200);
        assert_eq!(of(&mut index, "nobody"), []);
    }
}
