//! Who somebody is, for whoever decides about people.

use crate::{Golden, GoldenError, Tenants, error::failed};
use hilo_domain::Millis;
use rusqlite::{Connection, OptionalExtension as _, Row};

/// An identifier of a person. Personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// `bsuid`, `phone`, `wa_id`, …
    pub kind: String,
    /// The identifier.
    pub value: String,
    /// First sighting with this person.
    pub valid_from: Option<Millis>,
    /// First instant at which it is no longer theirs.
    pub valid_to: Option<Millis>,
}

/// A suggestion that two people are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Tenant.
    pub tenant: String,
    /// One of the two.
    pub person_id: String,
    /// The other one; `None` where it is a record of a CRM.
    pub other_person_id: Option<String>,
    /// Rule that suggests it, and the version of the rules.
    pub rule: String,
    /// Version of the rules.
    pub rule_version: i64,
    /// How sure it is, in hundredths.
    pub confidence_percent: i64,
    /// What speaks against it.
    pub blocker: Option<String>,
    /// Event time of what speaks for it.
    pub proposed_at: Millis,
    /// What speaks for it: a JSON list of kind and value. Personal data.
    pub evidence: String,
}

/// A decision about a person that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// `merge`, `split`, `reject`.
    pub ruling: String,
    /// When.
    pub decided_at: Millis,
    /// Who decided.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// One side: a JSON list of kind and value. Personal data.
    pub user: String,
    /// The other side.
    pub other: String,
}

/// All that is known of who a person is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Tenant.
    pub tenant: String,
    /// Opaque id.
    pub person_id: String,
    /// ISO 3166 country.
    pub country: Option<String>,
    /// Profile name. Personal data.
    pub name: Option<String>,
    /// What they are and were known by.
    pub identifiers: Vec<Identifier>,
    /// Ids of people who are part of this one.
    pub absorbed: Vec<String>,
    /// Open suggestions.
    pub proposals: Vec<Proposal>,
    /// Decisions that hold.
    pub decisions: Vec<Decision>,
}

impl Golden {
    /// Ids of the people whom `id` names: a person id (also of somebody who is part of another by now), an identifier
    /// in any form, or `kind:value`. Who has it now comes first.
    pub fn people_named(&self, tenants: &Tenants, id: &str) -> Result<Vec<String>, GoldenError> {
        people_named(&self.connection, tenants.json(), id).map_err(failed("read"))
    }

    /// A person by their id.
    pub fn person(&self, person_id: &str) -> Result<Option<Person>, GoldenError> {
        person(&self.connection, person_id).map_err(failed("read"))
    }

    /// The open suggestions, each once, the surest first.
    pub fn proposals(&self) -> Result<Vec<Proposal>, GoldenError> {
        let read = || -> Result<Vec<Proposal>, rusqlite::Error> {
            let mut statement = self.connection.prepare_cached(&format!(
                "{PROPOSALS} WHERE p.other_person_id IS NULL OR p.person_id < p.other_person_id
                 ORDER BY p.confidence_percent DESC, p.proposed_at, p.person_id, p.ordinal"
            ))?;
            let rows = statement.query_map([], proposal)?;
            rows.collect()
        };
        read().map_err(failed("read"))
    }

    /// Everybody whose id leads to this person: themselves, and who is part of them.
    pub fn ids_of(&self, tenants: &Tenants, person_id: &str) -> Result<Vec<String>, GoldenError> {
        absorbed(&self.connection, tenants.json(), person_id)
            .map(|mut ids| {
                ids.insert(0, person_id.to_owned());
                ids
            })
            .map_err(failed("read"))
    }
}

const PROPOSALS: &str = "SELECT c.tenant, p.person_id, p.other_person_id, p.rule, p.rule_version, p.confidence_percent,
  p.blocker, p.proposed_at, p.evidence FROM proposals p JOIN contacts c USING (person_id)";

fn proposal(row: &Row) -> Result<Proposal, rusqlite::Error> {
    Ok(Proposal {
        tenant: row.get(0)?,
        person_id: row.get(1)?,
        other_person_id: row.get(2)?,
        rule: row.get(3)?,
        rule_version: row.get(4)?,
        confidence_percent: row.get(5)?,
        blocker: row.get(6)?,
        proposed_at: row.get(7)?,
        evidence: row.get(8)?,
    })
}

fn people_named(connection: &Connection, tenants: &str, id: &str) -> Result<Vec<String>, rusqlite::Error> {
    let mut alias = connection.prepare_cached(
        "SELECT survivor FROM aliases WHERE person_id = ?1 AND tenant IN (SELECT value FROM json_each(?2))",
    )?;
    let mut known = id.to_owned();
    while let Some(survivor) = alias
        .query_row([known.as_str(), tenants], |row| row.get(0))
        .optional()?
    {
        known = survivor;
    }
    let mut contact = connection.prepare_cached(
        "SELECT 1 FROM contacts WHERE person_id = ?1 AND tenant IN (SELECT value FROM json_each(?2))",
    )?;
    if contact.exists([known.as_str(), tenants])? {
        return Ok(vec![known]);
    }
    let (kind, value) = match id.split_once(':') {
        Some((kind, value)) => (Some(kind), value),
        None => (None, id),
    };
    let mut forms = vec![value.to_owned()];
    if let Some(phone) = hilo_domain::Identifier::phone(value, None) {
        forms.push(phone.value.trim_start_matches('+').to_owned());
        forms.push(phone.value);
    }
    let mut holders = connection.prepare_cached(
        "SELECT person_id FROM identifiers JOIN contacts c USING (person_id)
         WHERE value = ?1 AND (?2 IS NULL OR kind = ?2) AND c.tenant IN (SELECT value FROM json_each(?3))
         ORDER BY valid_to IS NOT NULL, valid_to DESC, person_id",
    )?;
    let mut people: Vec<String> = Vec::new();
    for form in forms {
        for person in holders.query_map((form, kind, tenants), |row| row.get(0))? {
            let person = person?;
            if !people.contains(&person) {
                people.push(person);
            }
        }
    }
    Ok(people)
}

fn absorbed(connection: &Connection, tenants: &str, person_id: &str) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare_cached(
        "WITH RECURSIVE part(id) AS (
           SELECT person_id FROM aliases WHERE survivor = ?1 AND tenant IN (SELECT value FROM json_each(?2))
           UNION SELECT a.person_id FROM aliases a JOIN part ON a.survivor = part.id
         ) SELECT id FROM part ORDER BY id",
    )?;
    let rows = statement.query_map([person_id, tenants], |row| row.get(0))?;
    rows.collect()
}

fn person(connection: &Connection, person_id: &str) -> Result<Option<Person>, rusqlite::Error> {
    let mut contact = connection.prepare_cached("SELECT tenant, country, name FROM contacts WHERE person_id = ?1")?;
    let found = contact
        .query_row([person_id], |row| {
            Ok(Person {
                tenant: row.get(0)?,
                person_id: person_id.to_owned(),
                country: row.get(1)?,
                name: row.get(2)?,
                identifiers: Vec::new(),
                absorbed: Vec::new(),
                proposals: Vec::new(),
                decisions: Vec::new(),
            })
        })
        .optional()?;
    let Some(mut found) = found else { return Ok(None) };
    let mut identifiers = connection.prepare_cached(
        "SELECT kind, value, valid_from, valid_to FROM identifiers WHERE person_id = ?1 ORDER BY ordinal",
    )?;
    let rows = identifiers.query_map([person_id], |row| {
        Ok(Identifier {
            kind: row.get(0)?,
            value: row.get(1)?,
            valid_from: row.get(2)?,
            valid_to: row.get(3)?,
        })
    })?;
    found.identifiers = rows.collect::<Result<_, _>>()?;
    found.absorbed = absorbed(connection, Tenants::of([found.tenant.as_str()]).json(), person_id)?;
    let mut proposals = connection.prepare_cached(&format!("{PROPOSALS} WHERE p.person_id = ?1 ORDER BY p.ordinal"))?;
    found.proposals = proposals.query_map([person_id], proposal)?.collect::<Result<_, _>>()?;
    let mut decisions = connection.prepare_cached(
        "SELECT ruling, decided_at, actor, reason, user, other FROM decisions WHERE person_id = ?1 ORDER BY ordinal",
    )?;
    let rows = decisions.query_map([person_id], |row| {
        Ok(Decision {
            ruling: row.get(0)?,
            decided_at: row.get(1)?,
            actor: row.get(2)?,
            reason: row.get(3)?,
            user: row.get(4)?,
            other: row.get(5)?,
        })
    })?;
    found.decisions = rows.collect::<Result<_, _>>()?;
    Ok(Some(found))
}
