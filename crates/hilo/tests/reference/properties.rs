//! What must hold of any history, whatever it says.

use super::{
    compare::Found,
    history::Random,
    json::{instant, write_time},
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The same lines in another order, some of them several times.
pub(crate) fn disturbed(lines: &[Vec<u8>], seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random::new(seed);
    let mut lines = lines.to_vec();
    for _ in 0..random.below(lines.len() + 1) {
        let again = random.of(&lines).clone();
        lines.push(again);
    }
    for place in (1..lines.len()).rev() {
        lines.swap(place, random.below(place + 1));
    }
    lines
}

/// The same lines, some of them with a receipt: at their own time, later, or so early that it contradicts them.
pub(crate) fn received(lines: &[Vec<u8>], seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random::new(seed);
    let receive = |line: &Vec<u8>| {
        let mut parsed: Value = serde_json::from_slice(line).ok()?;
        let at = instant(parsed.get("at")?)?;
        let after = *random.of(&[
            0,
            3_600_000,
            -59_000,
            -61_000,
            -299_000,
            -300_000,
            -301_000,
            -86_400_000,
        ]);
        if random.one_in(2) {
            return None;
        }
        parsed["received_at"] = write_time(at + after).into();
        Some(parsed.to_string().into_bytes())
    };
    let mut receive = receive;
    lines
        .iter()
        .map(|line| receive(line).unwrap_or_else(|| line.clone()))
        .collect()
}

/// A line of somebody that says 2056 and was received on a day of the history.
pub(crate) fn from_the_future(lines: &[Vec<u8>], seed: u64) -> Option<Vec<u8>> {
    let mut random = Random::new(seed);
    let times: Vec<i64> = lines
        .iter()
        .filter_map(|line| instant(serde_json::from_slice::<Value>(line).ok()?.get("at")?))
        .collect();
    let received_at = write_time(*times.first()?);
    let line = match random.below(3) {
        0 => serde_json::json!({"source": "outbound", "message_id": "wamid.future", "to": {"phone": "+56961234567"}}),
        1 => {
            serde_json::json!({"source": "inbox", "event": "resolved", "user": {"phone": "+56961234567"}, "phone_number_id": "1"})
        }
        _ => serde_json::json!({"source": "crm", "system": "hubspot", "event": "deal_won", "deal_id": "d9"}),
    };
    let mut line = line;
    for (key, value) in [
        ("tenant", "acme"),
        ("at", "2056-01-01T00:00:00Z"),
        ("received_at", &received_at),
    ] {
        line[key] = value.into();
    }
    Some(line.to_string().into_bytes())
}

/// The outcomes of items add up to the items, the reasons of dead letters to the dead letters.
pub(crate) fn adds_up(found: &Found) -> Result<(), String> {
    let sum = |counts: &Value| -> u64 { counts.as_object().unwrap().values().filter_map(Value::as_u64).sum() };
    let summary = &found.state.summary;
    ensure(summary["items"] == sum(&summary["outcomes"]), || {
        format!("items: {summary}")
    })?;
    let dead_letters = &summary["outcomes"]["dead_letter"];
    ensure(*dead_letters == found.dead_letters, || {
        format!("dead letters: {summary}")
    })
}

fn rows(text: &str) -> impl Iterator<Item = Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap())
}

/// From fact to fact a time of a message only appears or becomes earlier, and its status rises, failures apart. A send to
/// several people is none of these: what failed for one counts no more once it reached another.
pub(crate) fn statuses_rise(found: &Found) -> Result<(), String> {
    let rank = |status: &Value| {
        ["sent", "delivered", "read", "played"]
            .iter()
            .position(|word| status == word)
    };
    let key = |fact: &Value| ["tenant", "message_id"].map(|key| fact[key].to_string());
    let to_several: BTreeSet<[String; 2]> = rows(&found.statuses)
        .filter(|fact| !fact["participant"].is_null())
        .map(|fact| key(&fact))
        .collect();
    let mut last: BTreeMap<[String; 2], Value> = BTreeMap::new();
    for fact in rows(&found.statuses).filter(|fact| !to_several.contains(&key(fact))) {
        let before = last.insert(key(&fact), fact.clone()).unwrap_or_default();
        for time in ["sent_at", "delivered_at", "read_at", "played_at", "failed_at"] {
            if let (Some(had), now) = (before[time].as_str(), fact[time].as_str()) {
                let instant = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
                let earlier = now.is_some_and(|now| instant(now) <= instant(had));
                ensure(earlier, || format!("{time}: {before} {fact}"))?;
            }
        }
        if let (Some(had), Some(now)) = (rank(&before["effective_status"]), rank(&fact["effective_status"])) {
            ensure(had <= now, || format!("status: {before} {fact}"))?;
        }
    }
    Ok(())
}

/// A message is in one session at the most, and known; sessions of a thread do not overlap.
pub(crate) fn sessions_partition(found: &Found) -> Result<(), String> {
    let messages: BTreeSet<(String, String)> = rows(&found.state.messages)
        .map(|row| (row["tenant"].to_string(), row["message_id"].to_string()))
        .collect();
    let mut listed = BTreeSet::new();
    let mut threads: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
    for session in rows(&found.state.sessions) {
        for id in session["messages"].as_array().unwrap() {
            let message = (session["tenant"].to_string(), id.to_string());
            ensure(messages.contains(&message), || format!("{message:?} is no message"))?;
            ensure(listed.insert(message), || format!("{id} is in two sessions: {session}"))?;
        }
        // People who have no identifier any more are told apart by nothing here.
        if session["person"] == Value::Array(Vec::new()) {
            continue;
        }
        let at = |key: &str| super::json::instant(&session[key]);
        let thread = format!(
            "{} {} {}",
            session["tenant"], session["person"], session["phone_number_id"]
        );
        let span = (at("opened_at").unwrap(), at("closed_at").unwrap_or(i64::MAX));
        threads.entry(thread).or_default().push(span);
    }
    for (thread, mut spans) in threads {
        spans.sort_unstable();
        let apart = spans.windows(2).all(|pair| pair[0].1 <= pair[1].0);
        ensure(apart, || format!("{thread}: {spans:?}"))?;
    }
    Ok(())
}

fn ensure(holds: bool, what: impl Fn() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}
