//! Counts on their way: processors add them up between two clock records, and the processor `count` makes totals of them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much was added to one counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// What is counted.
    pub counter: String,
    /// Which of them.
    pub label: String,
    /// How many.
    pub amount: u64,
}

/// A record of `hilo.tally`: what was added for a tenant since the sender's last tally.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Whose it is.
    pub tenant: String,
    /// Each counter once.
    pub amounts: Vec<Amount>,
}

/// What a processor has counted and not sent yet. It is state, so a crash loses nothing of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    tenants: BTreeMap<String, Vec<Amount>>,
}

impl Pending {
    /// Adds `amount`; the counters of a tenant are few.
    pub fn add(&mut self, tenant: &str, counter: &str, label: &str, amount: u64) {
        if !self.tenants.contains_key(tenant) {
            self.tenants.insert(tenant.to_owned(), Vec::new());
        }
        let Some(amounts) = self.tenants.get_mut(tenant) else {
            return;
        };
        match amounts
            .iter_mut()
            .find(|known| known.counter == counter && known.label == label)
        {
            Some(known) => known.amount += amount,
            None => amounts.push(Amount {
                counter: counter.to_owned(),
                label: label.to_owned(),
                amount,
            }),
        }
    }

    /// Takes all that waits, a tally a tenant.
    pub fn take(&mut self) -> impl Iterator<Item = Tally> + use<> {
        std::mem::take(&mut self.tenants)
            .into_iter()
            .map(|(tenant, amounts)| Tally { tenant, amounts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_taken_once_by_tenant() {
        let mut pending = Pending::default();
        pending.add("b", "items", "emitted", 2);
        pending.add("a", "items", "emitted", 1);
        pending.add("b", "items", "duplicate", 1);
        pending.add("b", "items", "emitted", 3);
        let amount = |label: &str, amount| Amount {
            counter: "items".to_owned(),
            label: label.to_owned(),
            amount,
        };
        let taken: Vec<Tally> = pending.take().collect();
        assert_eq!(
            taken,
            [
                Tally {
                    tenant: "a".to_owned(),
                    amounts: vec![amount("emitted", 1)]
                },
                Tally {
                    tenant: "b".to_owned(),
                    amounts: vec![amount("emitted", 5), amount("duplicate", 1)]
                },
            ]
        );
        assert_eq!(pending.take().count(), 0);
    }
}
