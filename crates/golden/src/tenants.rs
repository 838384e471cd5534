//! Tenants that an answer may hold: a parameter of each query.

use crate::{Golden, GoldenError, error::failed};
use rusqlite::{Connection, Transaction};
use rustc_hash::FxHashMap;

/// Names of tenants, sorted. What belongs to no tenant of a list is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenants {
    names: Vec<String>,
    json: String,
}

impl Tenants {
    /// These tenants, each once.
    pub fn of(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut names: Vec<String> = names.into_iter().map(Into::into).collect();
        names.sort();
        names.dedup();
        let json = serde_json::Value::from(names.as_slice()).to_string();
        Self { names, json }
    }

    /// The names, sorted.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The names as a JSON list: a statement reads it with `json_each`.
    pub(crate) fn json(&self) -> &str {
        &self.json
    }
}

impl Golden {
    /// All tenants of whom anything is known.
    pub fn tenants(&self) -> Result<Tenants, GoldenError> {
        let numbers = Numbers::read(&self.connection).map_err(failed("read"))?;
        Ok(Tenants::of(numbers.known.into_keys()))
    }

    /// Numbers of tenants in the index of places.
    pub(crate) fn numbers(&self, tenants: &Tenants) -> Result<Vec<u32>, rusqlite::Error> {
        let mut numbers = self
            .connection
            .prepare_cached("SELECT number FROM tenants WHERE name IN (SELECT value FROM json_each(?1))")?;
        numbers.query_map([tenants.json()], |row| row.get(0))?.collect()
    }
}

/// The number of each tenant, by name: it is stored instead of the name in each entry of the index.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    known: FxHashMap<String, u32>,
    new: Vec<(String, u32)>,
}

impl Numbers {
    pub(crate) fn read(connection: &Connection) -> Result<Self, rusqlite::Error> {
        let mut statement = connection.prepare_cached("SELECT name, number FROM tenants")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self {
            known: rows.collect::<Result<_, _>>()?,
            new: Vec::new(),
        })
    }

    /// The number of a tenant, a new one for a new tenant.
    pub(crate) fn of(&mut self, tenant: &str) -> u32 {
        if let Some(number) = self.known.get(tenant) {
            return *number;
        }
        // Numbers have no gaps: a tenant that is known stays known.
        let number = self.known.len() as u32;
        self.known.insert(tenant.to_owned(), number);
        self.new.push((tenant.to_owned(), number));
        number
    }

    /// Stores the new ones.
    pub(crate) fn write(&self, transaction: &Transaction) -> Result<(), rusqlite::Error> {
        let mut put = transaction.prepare_cached("INSERT INTO tenants VALUES (?1, ?2)")?;
        for (name, number) in &self.new {
            put.execute((name, number))?;
        }
        Ok(())
    }
}
