//! `hilo identity`: who is who, and decisions about it.

use crate::{
    audit, captures,
    cli::{Decide, Decided, Identity, IdentityCommand, Reveal},
    failure::Failure,
    node::Node,
    place,
    say::say,
    topology,
};
use anyhow::{Context as _, anyhow};
use hilo_contracts::{
    capture,
    codec::{self, Codec as _},
    item::Ruling,
    topics,
};
use hilo_dashboard::mask::{self, Of};
use hilo_domain::time::to_rfc3339;
use hilo_golden::{
    Golden,
    people::{Decision, Identifier, Person, Proposal},
};
use hilo_service::clock;
use hilo_stream::embedded::{DataDir, Log, RawLog};
use serde_json::{Value, json};
use std::path::Path;

/// Records read at once.
const CHUNK: usize = 10_000;

pub(crate) fn run(arguments: &Identity) -> Result<(), Failure> {
    match &arguments.command {
        IdentityCommand::Show {
            id,
            place,
            reveal,
            json,
        } => {
            let (_, dir) = place::open(place)?;
            show(&dir, id, reveal, *json)
        }
        IdentityCommand::Review {
            tenant,
            place,
            reveal,
            json,
        } => {
            let (_, dir) = place::open(place)?;
            review(&dir, tenant.as_deref(), reveal, *json)
        }
        IdentityCommand::Merge(two) => decide_two(Ruling::Merge, two),
        IdentityCommand::Reject(two) => decide_two(Ruling::Reject, two),
        IdentityCommand::Split {
            person,
            identifier,
            decided,
        } => decide(decided, |golden, _| split(golden, person, identifier)),
        IdentityCommand::Unmerge { person, other, decided } => {
            decide(decided, |golden, log| unmerge(golden, log, person, other.as_deref()))
        }
    }
}

/// The golden record of a data directory, to read.
pub(crate) fn golden(dir: &Path) -> Result<Golden, Failure> {
    place::must_exist(dir)?;
    let path = dir.join(hilo_views::GOLDEN_DB);
    if !path.exists() {
        return Err(Failure::failed(anyhow!(
            "there is no golden record in {}; `hilo up` makes it of what was ingested",
            dir.display()
        )));
    }
    Ok(Golden::open_read_only(&path)?)
}

/// The person that `id` names; several people are a choice for whoever asks.
fn find(golden: &Golden, id: &str) -> Result<Person, Failure> {
    let mut named = golden.people_named(&golden.tenants()?, id)?;
    if named.len() > 1 {
        return Err(Failure::usage(anyhow!(
            "several people have or had this identifier; name one of them: {}",
            named.join(", ")
        )));
    }
    let found = match named.pop() {
        Some(person) => golden.person(&person)?,
        None => None,
    };
    found.ok_or_else(|| {
        Failure::failed(anyhow!(
            "nobody is known by this id; check it for a missing character, or write it as kind:value"
        ))
    })
}

fn show(dir: &Path, id: &str, reveal: &Reveal, as_json: bool) -> Result<(), Failure> {
    let golden = golden(dir)?;
    let named = golden.people_named(&golden.tenants()?, id)?;
    if named.is_empty() {
        find(&golden, id)?;
    }
    audit::revealed(reveal, dir, "identity", id)?;
    for person in named {
        let Some(person) = golden.person(&person)? else {
            continue;
        };
        let value = masked(Of::Person, person_json(&person), reveal);
        if as_json {
            say!("{value}")?;
        } else {
            print_person(&value)?;
        }
    }
    Ok(())
}

fn masked(of: Of, value: Value, reveal: &Reveal) -> Value {
    if reveal.shown { value } else { mask::record(of, &value) }
}

fn ids(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn person_json(person: &Person) -> Value {
    let identifiers: Vec<Value> = person
        .identifiers
        .iter()
        .map(|id| {
            json!({
                "kind": id.kind, "value": id.value,
                "valid_from": id.valid_from.map(to_rfc3339), "valid_to": id.valid_to.map(to_rfc3339),
            })
        })
        .collect();
    let decisions: Vec<Value> = person
        .decisions
        .iter()
        .map(|decision| {
            json!({
                "ruling": decision.ruling, "decided_at": to_rfc3339(decision.decided_at), "actor": decision.actor,
                "reason": decision.reason, "user": ids(&decision.user), "other": ids(&decision.other),
            })
        })
        .collect();
    let absorbed: Vec<Value> = person.absorbed.iter().map(|id| json!({"person_id": id})).collect();
    json!({
        "tenant": person.tenant, "person_id": person.person_id, "country": person.country, "name": person.name,
        "identifiers": identifiers, "absorbed": absorbed,
        "proposals": person.proposals.iter().map(proposal_json).collect::<Vec<Value>>(), "decisions": decisions,
    })
}

fn proposal_json(proposal: &Proposal) -> Value {
    json!({
        "tenant": proposal.tenant, "person_id": proposal.person_id, "other_person_id": proposal.other_person_id,
        "rule": proposal.rule, "rule_version": proposal.rule_version,
        "confidence_percent": proposal.confidence_percent, "blocker": proposal.blocker,
        "proposed_at": to_rfc3339(proposal.proposed_at), "evidence": ids(&proposal.evidence),
    })
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("-")
}

fn named(list: &Value) -> String {
    let each = |id: &Value| format!("{}:{}", text(id, "kind"), text(id, "value"));
    let list: Vec<String> = list.as_array().into_iter().flatten().map(each).collect();
    list.join(", ")
}

fn print_person(person: &Value) -> std::io::Result<()> {
    say!(
        "{}  tenant {}  country {}  name {}",
        text(person, "person_id"),
        text(person, "tenant"),
        text(person, "country"),
        text(person, "name")
    )?;
    for id in person["identifiers"].as_array().into_iter().flatten() {
        let until = if id["valid_to"].is_null() {
            "now".to_owned()
        } else {
            text(id, "valid_to").to_owned()
        };
        say!(
            "  {:<14} {:<24} {} to {until}",
            text(id, "kind"),
            text(id, "value"),
            text(id, "valid_from")
        )?;
    }
    for part in person["absorbed"].as_array().into_iter().flatten() {
        say!("  part of it     {}", text(part, "person_id"))?;
    }
    for proposal in person["proposals"].as_array().into_iter().flatten() {
        say!("  may be         {}", proposal_line(proposal))?;
    }
    for decision in person["decisions"].as_array().into_iter().flatten() {
        say!(
            "  {:<14} {} | {} by {} at {}: {}",
            text(decision, "ruling"),
            named(&decision["user"]),
            named(&decision["other"]),
            text(decision, "actor"),
            text(decision, "decided_at"),
            text(decision, "reason"),
        )?;
    }
    Ok(())
}

fn proposal_line(proposal: &Value) -> String {
    let against = match proposal["blocker"].as_str() {
        Some(blocker) => format!(", against it {blocker}"),
        None => String::new(),
    };
    format!(
        "{} by {}@{} {} %{against}, since {}: {}",
        proposal["other_person_id"].as_str().unwrap_or("a record of the CRM"),
        text(proposal, "rule"),
        proposal["rule_version"],
        proposal["confidence_percent"],
        text(proposal, "proposed_at"),
        named(&proposal["evidence"]),
    )
}

fn review(dir: &Path, tenant: Option<&str>, reveal: &Reveal, as_json: bool) -> Result<(), Failure> {
    let golden = golden(dir)?;
    audit::revealed(reveal, dir, "review", tenant.unwrap_or("*"))?;
    let mut none = true;
    let wanted = |proposal: &Proposal| tenant.is_none_or(|tenant| tenant == proposal.tenant);
    for proposal in golden.proposals()?.into_iter().filter(wanted) {
        none = false;
        let value = masked(Of::Proposal, proposal_json(&proposal), reveal);
        if as_json {
            say!("{value}")?;
        } else {
            say!("{}  may be {}", text(&value, "person_id"), proposal_line(&value))?;
        }
    }
    if none && !as_json {
        say!("nothing waits for a decision")?;
    }
    Ok(())
}

/// What an identity line says, without who and why.
struct Line {
    tenant: String,
    ruling: Ruling,
    user: Value,
    other: Value,
    /// Whom to show afterwards.
    person_id: String,
}

fn decide_two(ruling: Ruling, two: &Decide) -> Result<(), Failure> {
    decide(&two.decided, |golden, _| {
        let one = find(golden, &two.one)?;
        let record = two
            .other
            .split_once(':')
            .filter(|(kind, _)| matches!(*kind, "hubspot_id" | "salesforce_id"));
        let other = match record {
            Some((kind, value)) if golden.people_named(&golden.tenants()?, &two.other)?.is_empty() => {
                json!({kind: value})
            }
            _ => {
                let other = find(golden, &two.other)?;
                if other.tenant != one.tenant {
                    return Err(Failure::usage(anyhow!(
                        "they are people of two tenants ({}, {}), which share nothing",
                        one.tenant,
                        other.tenant
                    )));
                }
                if other.person_id == one.person_id {
                    return Err(Failure::usage(anyhow!("both are {} already", one.person_id)));
                }
                side(&surest(&other, |_| true)?)
            }
        };
        Ok(Line {
            tenant: one.tenant.clone(),
            ruling,
            user: side(&surest(&one, |_| true)?),
            other,
            person_id: one.person_id,
        })
    })
}

/// The identifier that names a person best: a user id now theirs, else one that was, else a number.
fn surest(person: &Person, wanted: impl Fn(&Identifier) -> bool) -> Result<Identifier, Failure> {
    let place = |id: &Identifier| {
        let kind = match id.kind.as_str() {
            "bsuid" => 0,
            "parent_bsuid" => 1,
            "wa_id" => 2,
            "phone" => 3,
            _ => 4,
        };
        (
            id.valid_to.is_some() && kind > 1,
            kind,
            id.valid_to.is_some(),
            id.value.clone(),
        )
    };
    let best = person
        .identifiers
        .iter()
        .filter(|id| wanted(id))
        .min_by_key(|id| place(id));
    best.cloned()
        .ok_or_else(|| Failure::failed(anyhow!("{} has no other identifier", person.person_id)))
}

/// A side of an identity line.
fn side(id: &Identifier) -> Value {
    let key = match id.kind.as_str() {
        "bsuid" => "user_id",
        "parent_bsuid" => "parent_user_id",
        kind => kind,
    };
    json!({key: id.value})
}

fn split(golden: &Golden, person: &str, identifier: &str) -> Result<Line, Failure> {
    let person = find(golden, person)?;
    let value = identifier.split_once(':').map_or(identifier, |(_, value)| value);
    let number = hilo_domain::Identifier::phone(value, None).map(|phone| phone.value);
    let goes = |id: &Identifier| id.value == value || number.as_deref() == Some(id.value.as_str());
    // A number goes in all its forms; its wa_id says more than the phone.
    let going = surest(&person, goes).map_err(|_| {
        Failure::failed(anyhow!(
            "{} has no such identifier; `hilo identity show` lists them",
            person.person_id
        ))
    })?;
    let domain = |id: &Identifier| match id.kind.as_str() {
        "wa_id" => hilo_domain::Identifier::wa_id(&id.value).number(),
        "phone" => hilo_domain::Identifier::phone(&id.value, None).and_then(|phone| phone.number()),
        _ => None,
    };
    let gone = domain(&going);
    let stays = surest(&person, |id| {
        id.value != going.value && (gone.is_none() || domain(id) != gone)
    })
    .or_else(|_| surest(&person, |id| id.kind == going.kind && id.value != going.value))?;
    Ok(Line {
        tenant: person.tenant.clone(),
        ruling: Ruling::Split,
        user: side(&stays),
        other: side(&going),
        person_id: person.person_id,
    })
}

/// What somebody had who is part of another person by now.
fn had(log: &mut Log, person_id: &str) -> Result<Vec<String>, Failure> {
    let codec = codec::identity();
    let mut had = Vec::new();
    let mut from = 0;
    loop {
        let records = log.read(topics::IDENTITY, from, CHUNK)?;
        let Some((last, _)) = records.last() else {
            return Ok(had);
        };
        from = last + 1;
        for (_, record) in records.iter().filter(|(_, record)| record.key == person_id.as_bytes()) {
            let fact = codec.decode(&record.value).map_err(anyhow::Error::from)?;
            had = fact.identifiers.into_iter().map(|id| id.value).collect();
        }
    }
}

fn unmerge(golden: &Golden, log: &mut Log, person: &str, other: Option<&str>) -> Result<Line, Failure> {
    let person = find(golden, person)?;
    let named: Option<Vec<String>> = match other {
        None => None,
        Some(part) if person.absorbed.iter().any(|id| id == part) => Some(had(log, part)?),
        Some(other) => match golden.people_named(&golden.tenants()?, other)?.pop() {
            Some(id) if id != person.person_id => golden
                .person(&id)?
                .map(|other| other.identifiers.into_iter().map(|id| id.value).collect()),
            _ => Some(vec![other.split_once(':').map_or(other, |(_, value)| value).to_owned()]),
        },
    };
    let about = |decision: &&Decision| {
        let Some(named) = &named else { return true };
        let sides = [ids(&decision.user), ids(&decision.other)];
        let values = sides.iter().flat_map(|side| side.as_array().into_iter().flatten());
        let mut values = values.filter_map(|id| id["value"].as_str());
        values.any(|value| named.iter().any(|id| id == value))
    };
    let found: Vec<&Decision> = person.decisions.iter().filter(about).collect();
    let [decision] = found[..] else {
        let what = if found.is_empty() {
            "nothing"
        } else {
            "more than one thing"
        };
        return Err(Failure::usage(anyhow!(
            "{what} was decided about {} and that; `hilo identity show` lists the decisions, \
             `hilo identity split` parts what no decision joined",
            person.person_id
        )));
    };
    let side = |list: &str| -> Value {
        let mut sides = serde_json::Map::new();
        for id in ids(list).as_array().into_iter().flatten() {
            let key = match text(id, "kind") {
                "bsuid" => "user_id",
                "parent_bsuid" => "parent_user_id",
                kind => kind,
            };
            sides.insert(key.to_owned(), id["value"].clone());
        }
        Value::Object(sides)
    };
    Ok(Line {
        tenant: person.tenant.clone(),
        ruling: Ruling::Unmerge,
        user: side(&decision.user),
        other: side(&decision.other),
        person_id: person.person_id,
    })
}

/// Makes a line of the raw log of a decision, lets it take effect, and shows whom it is about.
fn decide(decided: &Decided, line: impl FnOnce(&Golden, &mut Log) -> Result<Line, Failure>) -> Result<(), Failure> {
    for (name, text) in [("actor", &decided.actor), ("reason", &decided.reason)] {
        if text.trim().is_empty() {
            return Err(Failure::usage(anyhow!("a decision has its {name}: --{name} TEXT")));
        }
    }
    let (config, dir) = place::open(&decided.place)?;
    place::must_exist(&dir)?;
    let tenants = place::tenants(&config)?;
    // What is in the log takes effect first: a decision is about people as they are.
    Node::start(&dir, &tenants)?.finish()?;
    let mut log = Log::open(&dir, &topology::topology(&tenants)?);
    let line = line(&golden(&dir)?, &mut log)?;
    let text = json!({
        "source": capture::IDENTITY, "tenant": line.tenant, "at": to_rfc3339(clock::now()),
        "event": line.ruling.as_str(), "user": line.user, "other": line.other,
        "actor": decided.actor, "reason": decided.reason,
    })
    .to_string();
    let raw = capture::from_line(text.as_bytes(), None, 0).context("an identity line is no capture line")?;
    let record = captures::record(&codec::raw(), &raw)?;
    {
        let directory = DataDir::open(&dir)?;
        RawLog::open(&directory, topics::RAW)?.append(vec![record]).wait()?;
    }
    Node::start(&dir, &tenants)?.finish()?;
    let golden = golden(&dir)?;
    for person in golden.people_named(&golden.tenants()?, &line.person_id)? {
        let Some(person) = golden.person(&person)? else {
            continue;
        };
        let value = mask::record(Of::Person, &person_json(&person));
        if decided.json {
            say!(
                "{}",
                json!({"delivery_id": raw.delivery_id, "decided": line.ruling.as_str(), "person": value})
            )?;
        } else {
            say!("{}: recorded as delivery {}", line.ruling.as_str(), raw.delivery_id)?;
            print_person(&value)?;
        }
    }
    Ok(())
}
