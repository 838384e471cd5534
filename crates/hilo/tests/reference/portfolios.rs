//! To which portfolio a user id belongs: interface.md, section 7, "Identity".

use super::{
    items::{Item, Kind},
    json::word,
    mentions::Mentions,
};
use std::collections::{BTreeMap, BTreeSet};

/// Of each BSUID, the portfolios of the accounts that told it; of one without any, nobody knows.
pub(crate) struct Portfolios(BTreeMap<String, BTreeSet<String>>);

impl Portfolios {
    pub(crate) fn of<'a>(shown: impl Iterator<Item = (&'a Item, &'a Mentions)> + Clone) -> Self {
        let mut owners: BTreeMap<String, (i64, String)> = BTreeMap::new();
        let mut of_numbers: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (item, _) in shown.clone() {
            if let Some((account, owner)) = owner(item) {
                let named = (item.time, owner);
                let had = owners.entry(account).or_insert_with(|| named.clone());
                *had = named.max(had.clone());
            }
            if let (Some(entry), Some(number)) = (&item.entry, &item.phone_number_id) {
                of_numbers.entry(number).or_default().insert(entry.clone());
            }
        }
        let mut by_accounts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut by_lines: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (item, mentions) in shown {
            let changed = mentions.change.iter().flat_map(|(old, new)| [old, new]);
            let all = mentions.all.iter().chain(&mentions.partner).chain(changed).flatten();
            for (_, bsuid) in all.filter(|id| id.0 == "bsuid") {
                match (&item.entry, &item.phone_number_id) {
                    (Some(account), _) => {
                        by_accounts.entry(bsuid.clone()).or_default().insert(account.clone());
                    }
                    (None, Some(number)) => {
                        let accounts = of_numbers.get(number.as_str()).into_iter().flatten().cloned();
                        by_lines.entry(bsuid.clone()).or_default().extend(accounts);
                    }
                    (None, None) => {}
                }
            }
        }
        by_lines.extend(by_accounts);
        for accounts in by_lines.values_mut() {
            let owned = |account: &String| owners.get(account).map_or(account, |(_, owner)| owner).clone();
            *accounts = accounts.iter().map(owned).collect();
        }
        Self(by_lines)
    }

    /// Whether two BSUIDs are of different portfolios; where nobody knows, they may be of one.
    pub(crate) fn differ(&self, one: &str, other: &str) -> bool {
        let of = |bsuid| self.0.get(bsuid).filter(|portfolios| !portfolios.is_empty());
        of(one)
            .zip(of(other))
            .is_some_and(|(one, other)| one.is_disjoint(other))
    }
}

/// The account whose owner an item names, and the owner.
fn owner(item: &Item) -> Option<(String, String)> {
    if item.kind == Kind::Platform {
        return Some((word(&item.element["waba_id"])?, word(&item.element["portfolio_id"])?));
    }
    let told = &item.element["waba_info"];
    let owner = word(&told["owner_business_id"]).filter(|_| item.kind == Kind::Whole)?;
    Some((word(&told["waba_id"]).or_else(|| item.entry.clone())?, owner))
}
