//! To which portfolio a user id belongs. The platform makes one user id for each person and portfolio, so two user ids of
//! one portfolio are two people, and those of different portfolios may be one person's.
//!
//! Which accounts name a user id is evidence about a person, and is stored with them. Who owns an account is stored once for
//! all people. It may become known after they were judged: people whose verdict depends on an account are noted there, to be
//! judged anew.

use crate::{
    cluster::{Cluster, Kind},
    evidence::token_of,
};
use hilo_contracts::item::Item;
use hilo_domain::{Identifier, IdentifierKind, Millis};
use hilo_stream::{ProcessorError, StateStore, Store};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where the user ids of an item come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel<'a> {
    Account(&'a str),
    /// A line names the business number, and the account is that of the number.
    Number(&'a str),
}

impl<'a> Channel<'a> {
    pub(crate) fn of(item: &'a Item) -> Option<Self> {
        if item.entry_id.is_empty() {
            item.phone_number_id.as_deref().map(Self::Number)
        } else {
            Some(Self::Account(&item.entry_id))
        }
    }

    fn key(self, tenant: &str) -> Vec<u8> {
        let (kind, id) = match self {
            Self::Account(id) => ("account", id),
            Self::Number(id) => ("number", id),
        };
        [tenant, "\0", kind, "\0", id].concat().into_bytes()
    }
}

/// Where a user id came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub bsuid: String,
    /// Sorted.
    accounts: Vec<String>,
    /// Business numbers of lines, sorted; empty once it came from an account.
    numbers: Vec<String>,
}

impl Told {
    fn by(bsuid: &str, channel: Channel) -> Self {
        let (accounts, numbers) = match channel {
            Channel::Account(account) => (vec![account.to_owned()], Vec::new()),
            Channel::Number(number) => (Vec::new(), vec![number.to_owned()]),
        };
        Self {
            bsuid: bsuid.to_owned(),
            accounts,
            numbers,
        }
    }

    /// Adds where else it came from; whether that is news.
    fn take_over(&mut self, other: Self) -> bool {
        let mut is_news = false;
        let mut add = |all: &mut Vec<String>, more: Vec<String>| {
            for one in more {
                if let Err(place) = all.binary_search(&one) {
                    all.insert(place, one);
                    is_news = true;
                }
            }
        };
        add(&mut self.accounts, other.accounts);
        if self.accounts.is_empty() {
            add(&mut self.numbers, other.numbers);
        } else {
            self.numbers.clear();
        }
        is_news
    }

    /// Whether it came from the same accounts, or the same numbers, as another.
    fn has_channels_of(&self, other: &Self) -> bool {
        self.accounts == other.accounts && self.numbers == other.numbers
    }
}

/// Adds to a list that is sorted by user id; whether that is news.
pub(crate) fn add_told(told: &mut Vec<Told>, more: Told) -> bool {
    match told.binary_search_by(|had| had.bsuid.cmp(&more.bsuid)) {
        Ok(place) => told[place].take_over(more),
        Err(place) => {
            told.insert(place, more);
            true
        }
    }
}

/// Adds where the user ids among some identifiers came from; whether that is news.
pub(crate) fn tell<'a>(told: &mut Vec<Told>, ids: impl Iterator<Item = &'a Identifier>, channel: Channel) -> bool {
    let mut is_news = false;
    for id in ids.filter(|id| id.kind == IdentifierKind::Bsuid) {
        let had = told.binary_search_by(|had| had.bsuid.cmp(&id.value));
        // Mostly it is known.
        let is_known = had.is_ok_and(|place| match channel {
            Channel::Account(account) => told[place].accounts.iter().any(|had| had == account),
            Channel::Number(number) => {
                !told[place].accounts.is_empty() || told[place].numbers.iter().any(|had| had == number)
            }
        });
        is_news |= !is_known && add_told(told, Told::by(&id.value, channel));
    }
    is_news
}

/// The portfolios of user ids, where they may differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Portfolios(BTreeMap<String, Vec<String>>);

impl Portfolios {
    /// Whether two user ids are known to be of different portfolios: one person may have both.
    pub(crate) fn differ(&self, one: &str, other: &str) -> bool {
        let of = |bsuid: &str| self.0.get(bsuid).filter(|portfolios| !portfolios.is_empty());
        let (Some(one), Some(other)) = (of(one), of(other)) else {
            return false;
        };
        !one.iter().any(|portfolio| other.contains(portfolio))
    }

    /// Whether a user id of `one` and one of `other` may be of one portfolio.
    pub(crate) fn meet<'a>(&self, mut one: impl Iterator<Item = &'a String>, other: &BTreeSet<String>) -> bool {
        one.any(|one| other.iter().any(|other| !self.differ(one, other)))
    }

    /// Whether those who have these user ids are two people: some may be of one portfolio, and none is the same.
    pub(crate) fn are_two(&self, one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
        one.is_disjoint(other) && self.meet(one.iter(), other)
    }

    /// Whether a number was `seen` with no user id that may be of a portfolio of those that it is seen with `now`.
    pub(crate) fn is_new(&self, seen: &BTreeSet<String>, now: &BTreeSet<String>) -> bool {
        seen.is_empty() || !now.is_empty() && !self.meet(seen.iter(), now)
    }

    #[cfg(test)]
    pub(crate) fn of<'a>(portfolios: impl IntoIterator<Item = (&'a str, &'a [&'a str])>) -> Self {
        let own = |(bsuid, of): (&str, &[&str])| {
            let of = of.iter().map(|portfolio| (*portfolio).to_owned());
            (bsuid.to_owned(), of.collect())
        };
        Self(portfolios.into_iter().map(own).collect())
    }
}

/// What is known of an account, of a number, or of a portfolio.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Noted {
    /// The portfolio that owns an account, as it was named last.
    Owner(Millis, String),
    /// The accounts of a number, or those that a portfolio owns; sorted.
    Accounts(Vec<String>),
}

/// Whose verdict depends on an account or a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Dependant {
    /// How many were noted.
    Count(u32),
    /// The token of a user id of theirs.
    Of([u8; 16]),
}

/// Who owns the accounts of all tenants.
pub(crate) struct Owners {
    known: Store<Noted>,
    dependants: Store<Dependant>,
}

impl Default for Owners {
    fn default() -> Self {
        Self {
            known: Store::new("accounts"),
            dependants: Store::new("account_dependants"),
        }
    }
}

fn portfolio_key(tenant: &str, portfolio: &str) -> Vec<u8> {
    [tenant, "\0portfolio\0", portfolio].concat().into_bytes()
}

impl Owners {
    pub(crate) fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        vec![&mut self.known, &mut self.dependants]
    }

    /// An event named the owner of an account; whether that may change whose user ids are of one portfolio.
    pub(crate) fn own(
        &mut self,
        tenant: &str,
        account: &str,
        portfolio: &str,
        at: Millis,
    ) -> Result<bool, ProcessorError> {
        let key = Channel::Account(account).key(tenant);
        let before = match self.known.get(&key)? {
            Some(Noted::Owner(time, owner)) => Some((*time, owner.clone())),
            _ => None,
        };
        if before.as_ref().is_some_and(|had| (had.0, &*had.1) >= (at, portfolio)) {
            return Ok(false);
        }
        self.known.put(&key, Noted::Owner(at, portfolio.to_owned()));
        let before = before.map_or_else(|| account.to_owned(), |(_, owner)| owner);
        if before == portfolio {
            return Ok(false);
        }
        let (left, joined) = (portfolio_key(tenant, &before), portfolio_key(tenant, portfolio));
        let is_shared = self.others_of(tenant, &before, account)? || self.others_of(tenant, portfolio, account)?;
        if let Some(Noted::Accounts(accounts)) = self.known.get_mut(&left)? {
            accounts.retain(|had| had != account);
        }
        self.add_account(&joined, account)?;
        Ok(is_shared)
    }

    /// Whether another account has a portfolio: as its owner, or as itself, for want of one.
    fn others_of(&mut self, tenant: &str, portfolio: &str, than: &str) -> Result<bool, ProcessorError> {
        if portfolio != than && self.count(&Channel::Account(portfolio).key(tenant))? > 0 {
            return Ok(true);
        }
        Ok(match self.known.get(&portfolio_key(tenant, portfolio))? {
            Some(Noted::Accounts(accounts)) => accounts.iter().any(|account| account != than),
            _ => false,
        })
    }

    /// A number was seen in an account; whether that is news.
    pub(crate) fn number_in(&mut self, tenant: &str, number: &str, account: &str) -> Result<bool, ProcessorError> {
        let key = Channel::Number(number).key(tenant);
        let has = |accounts: &Vec<String>| accounts.iter().any(|had| had == account);
        if matches!(self.known.get(&key)?, Some(Noted::Accounts(accounts)) if has(accounts)) {
            return Ok(false);
        }
        self.add_account(&key, account)?;
        Ok(true)
    }

    fn add_account(&mut self, key: &[u8], account: &str) -> Result<(), ProcessorError> {
        let known = self.known.get_or_insert_with(key, || Noted::Accounts(Vec::new()))?;
        if let Noted::Accounts(accounts) = known
            && let Err(place) = accounts.binary_search_by(|had| had.as_str().cmp(account))
        {
            accounts.insert(place, account.to_owned());
        }
        Ok(())
    }

    fn portfolio(&mut self, tenant: &str, account: &str) -> Result<String, ProcessorError> {
        Ok(match self.known.get(&Channel::Account(account).key(tenant))? {
            Some(Noted::Owner(_, owner)) => owner.clone(),
            _ => account.to_owned(),
        })
    }

    /// Finds the portfolios of a cluster's user ids anew, and notes on what they depend; whether they are others than
    /// before.
    pub(crate) fn refresh(&mut self, tenant: &str, cluster: &mut Cluster) -> Result<bool, ProcessorError> {
        let mut portfolios = Portfolios::default();
        let told = &cluster.evidence.told;
        let may_differ = told.iter().any(|one| !one.has_channels_of(&told[0]));
        // In a knot nobody is joined.
        if may_differ && matches!(cluster.kind, Kind::Joined) {
            for Told {
                bsuid,
                accounts,
                numbers,
            } in told
            {
                let mut accounts = accounts.clone();
                let mut depends: Vec<Channel> = numbers.iter().map(|number| Channel::Number(number)).collect();
                for number in numbers {
                    if let Some(Noted::Accounts(own)) = self.known.get(&Channel::Number(number).key(tenant))? {
                        accounts.extend(own.iter().cloned());
                    }
                }
                depends.extend(accounts.iter().map(|account| Channel::Account(account)));
                for channel in depends {
                    let key = channel.key(tenant);
                    if cluster.depends_on.insert(key.clone()) {
                        self.depend(&key, token_of(tenant, &(IdentifierKind::Bsuid, bsuid.into())))?;
                    }
                }
                let mut own = Vec::with_capacity(accounts.len());
                for account in &accounts {
                    own.push(self.portfolio(tenant, account)?);
                }
                own.sort_unstable();
                own.dedup();
                portfolios.0.insert(bsuid.clone(), own);
            }
        }
        let is_news = cluster.evidence.portfolios != portfolios;
        cluster.evidence.portfolios = portfolios;
        Ok(is_news)
    }

    fn count(&mut self, key: &[u8]) -> Result<u32, ProcessorError> {
        Ok(match self.dependants.get(key)? {
            Some(Dependant::Count(count)) => *count,
            _ => 0,
        })
    }

    fn depend(&mut self, key: &[u8], token: [u8; 16]) -> Result<(), ProcessorError> {
        let count = self.count(key)?;
        self.dependants.put(&place_key(key, count), Dependant::Of(token));
        self.dependants.put(key, Dependant::Count(count + 1));
        Ok(())
    }

    /// Tokens of user ids of those who depend on an account or a number.
    pub(crate) fn dependants(&mut self, tenant: &str, on: Channel) -> Result<Vec<[u8; 16]>, ProcessorError> {
        let key = on.key(tenant);
        let mut tokens = Vec::new();
        for place in 0..self.count(&key)? {
            if let Some(Dependant::Of(token)) = self.dependants.get(&place_key(&key, place))? {
                tokens.push(*token);
            }
        }
        Ok(tokens)
    }
}

fn place_key(key: &[u8], place: u32) -> Vec<u8> {
    [key, b"\0", &place.to_be_bytes()].concat()
}
