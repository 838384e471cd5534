//! `hilo consent`: what people said about being written to, what follows from it, and whether the record is whole.

use crate::{audit, cli::Consent, commands::identity::golden, failure::Failure, place, say::say};
use anyhow::anyhow;
use hilo_consent::{verify, wills};
use hilo_contracts::facts::Consent as Entry;
use hilo_dashboard::mask;
use hilo_domain::{
    Millis,
    consent::{consent, subjects_of_consent},
    time::to_rfc3339,
};
use hilo_golden::Golden;
use serde_json::{Value, json};

pub(crate) fn run(arguments: &Consent) -> Result<(), Failure> {
    let (_, dir) = place::open(&arguments.place)?;
    let golden = golden(&dir)?;
    let Some(id) = &arguments.id else {
        return verify_all(&golden, arguments.json);
    };
    let people = golden.people_named(&golden.tenants()?, id)?;
    if people.is_empty() {
        return Err(Failure::failed(anyhow!(
            "nobody is known by this id; check it for a missing character, or write it as kind:value"
        )));
    }
    audit::revealed(&arguments.reveal, &dir, "consent", id)?;
    let as_of = arguments.as_of.unwrap_or(Millis::MAX);
    let mut broken = 0;
    for person in people {
        let entries = golden.consents(&person)?;
        let whole = verify(&entries);
        broken += usize::from(whole.is_err());
        let value = ledger(&person, &entries, as_of);
        let mut value = if arguments.reveal.shown {
            value
        } else {
            mask::record(mask::Of::Ledger, &value)
        };
        // Says a place and an id of the chain, nothing personal.
        value["chain"]["error"] = json!(whole.as_ref().err().map(ToString::to_string));
        value["chain"]["is_whole"] = json!(whole.is_ok());
        if arguments.json {
            say!("{value}")?;
        } else {
            print(&value)?;
        }
    }
    must_be_whole(broken)
}

fn must_be_whole(broken: usize) -> Result<(), Failure> {
    if broken == 0 {
        return Ok(());
    }
    Err(Failure::failed(anyhow!(
        "{broken} chains are not what was written: delete golden.db, it is built again from the log, and compare"
    )))
}

fn verify_all(golden: &Golden, as_json: bool) -> Result<(), Failure> {
    let (mut people, mut entries, mut broken) = (0, 0, 0);
    for person in golden.people_with_consents()? {
        let ledger = golden.consents(&person)?;
        people += 1;
        entries += ledger.len();
        if let Err(what) = verify(&ledger) {
            broken += 1;
            eprintln!("hilo: {person}: {what}");
        }
    }
    if as_json {
        say!("{}", json!({"people": people, "entries": entries, "broken": broken}))?;
    } else {
        say!("{people} chains, {entries} entries, {broken} broken")?;
    }
    must_be_whole(broken)
}

/// The ledger of a person as of a time.
fn ledger(person: &str, entries: &[Entry], as_of: Millis) -> Value {
    let wills = wills(entries);
    let known: Vec<_> = wills.iter().copied().filter(|will| will.at <= as_of).collect();
    let current: Vec<Value> = subjects_of_consent(&known)
        .into_iter()
        .map(|(channel, purpose)| {
            let follows = consent(&known, channel, purpose, as_of);
            json!({"channel": channel, "purpose": purpose, "effective": follows.as_str()})
        })
        .collect();
    let said: Vec<Value> = entries
        .iter()
        .filter(|entry| entry.event_time <= as_of)
        .map(entry_json)
        .collect();
    json!({
        "person_id": person, "as_of": (as_of < Millis::MAX).then(|| to_rfc3339(as_of)), "consent": current,
        "chain": {"count": entries.len(), "hash": entries.last().map(|entry| entry.hash.clone())},
        "entries": said,
    })
}

fn entry_json(entry: &Entry) -> Value {
    json!({
        "sequence": entry.sequence, "event_time": to_rfc3339(entry.event_time), "channel": entry.channel,
        "purpose": entry.purpose, "state": entry.state, "effective": entry.effective, "method": entry.method,
        "system": entry.system, "word": entry.word, "language": entry.language, "legal_basis": entry.legal_basis,
        "jurisdiction": entry.jurisdiction, "text_version": entry.text_version, "actor": entry.actor,
        "reference": entry.reference, "valid_to": entry.valid_to.map(to_rfc3339),
        "delivery_id": entry.source.delivery_id, "entry_id": entry.entry_id, "evidence": entry.evidence,
        "subjects": entry.subjects, "previous_hash": entry.previous_hash, "hash": entry.hash,
        "revision": entry.revision,
    })
}

fn print(ledger: &Value) -> std::io::Result<()> {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or("-").to_owned();
    say!("{}", text(ledger, "person_id"))?;
    for follows in ledger["consent"].as_array().into_iter().flatten() {
        say!(
            "  {:<10} {:<16} {}",
            text(follows, "channel"),
            text(follows, "purpose"),
            text(follows, "effective")
        )?;
    }
    for entry in ledger["entries"].as_array().into_iter().flatten() {
        say!(
            "  {:>3} {} {:<10} {:<10} {:<10} by {} {} → {} {}",
            entry["sequence"],
            text(entry, "event_time"),
            text(entry, "channel"),
            text(entry, "purpose"),
            text(entry, "state"),
            text(entry, "method"),
            text(entry, "word"),
            text(entry, "effective"),
            &text(entry, "hash").get(..16).unwrap_or_default(),
        )?;
    }
    let chain = &ledger["chain"];
    let is = match chain["error"].as_str() {
        None => "whole".to_owned(),
        Some(what) => format!("BROKEN: {what}"),
    };
    say!("  chain of {} is {is}", chain["count"])?;
    Ok(())
}
