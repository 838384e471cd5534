//! To which portfolio a user id belongs: interface.md, section 7, "Identity".

use super::{
    items::{Item, Kind},
    json::text,
    mentions::Mentions,
};
use std::collections::{BTreeMap, BTreeSet};

/// Of each BSUID, the portfolios of the accounts that told it; of one without any, nobody knows.
pub(crate) struct Portfolios(BTreeMap<String, BTreeSet<String>>);

impl Portfolios {
    pub(crate) fn of<'a>(shown: impl Iterator<Item = (&'a Item, &'a Mentions)> + Clone) -> Self {
        let mut owners: BTreeMap<&str, (i64, &str)> = BTreeMap::new();
        let mut of_numbers: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (item, _) in shown.clone() {
            if let Some((account, owner)) = owner(item) {
                let had = owners.entry(account).or_insert((item.time, owner));
                *had = (*had).max((item.time, owner));
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
            let owned = |account: String| match owners.get(account.as_str()) {
                Some((_, owner)) => (*owner).to_owned(),
                None => account,
            };
            *accounts = std::mem::take(accounts).into_iter().map(owned).collect();
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
pub(crate) fn owner(item: &Item) -> Option<(&str, &str)> {
    let owner = match item.kind {
        Kind::Platform => text(&item.element, "portfolio_id"),
        Kind::Whole => text(&item.element["waba_info"], "owner_business_id"),
        _ => None,
    };
    Some((account(item)?, owner?))
}

/// The account that an item about the business side is about. Of some events `entry.id` is a portfolio, and the account
/// stands inside: whatsapp.md, section 1.
pub(crate) fn account(item: &Item) -> Option<&str> {
    match item.kind {
        Kind::Platform => text(&item.element, "waba_id"),
        _ => text(&item.element["waba_info"], "waba_id").or(item.entry.as_deref()),
    }
}
