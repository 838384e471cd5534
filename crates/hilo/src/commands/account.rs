//! `hilo account`: what is, or was, true of numbers, templates, accounts and portfolios.

use crate::{cli::Account, failure::Failure, place, say::say};
use anyhow::anyhow;
use hilo_domain::{json::canonical, time::to_rfc3339};
use hilo_golden::{AccountQuestion, AccountState, Golden};
use serde_json::{Map, Value, json};

pub(crate) fn run(arguments: &Account) -> Result<(), Failure> {
    let (_, dir) = place::open(&arguments.place)?;
    place::must_exist(&dir)?;
    let path = dir.join(hilo_views::GOLDEN_DB);
    if !path.exists() {
        return Err(Failure::usage(anyhow!(
            "{} has no golden record yet: run hilo up on it, or name the output of a replay",
            dir.display()
        )));
    }
    let golden = Golden::open_read_only(&path).map_err(anyhow::Error::from)?;
    let question = AccountQuestion {
        subject: arguments.subject.clone(),
        as_of: arguments.as_of,
        history: arguments.history,
    };
    let states = golden
        .tenants()
        .and_then(|tenants| golden.account(&tenants, &question))
        .map_err(anyhow::Error::from)?;
    for state in &states {
        if arguments.json {
            say!("{}", canonical(&as_json(state)))?;
            continue;
        }
        say!("{}", as_text(state, arguments.as_of))?;
        for attribute in &state.attributes {
            if attribute.value.chars().count() <= SHORT {
                say!("{:<12}{} = {}", "", attribute.name, attribute.value)?;
            }
        }
    }
    if states.is_empty() && !arguments.json {
        let of = arguments.subject.as_deref().unwrap_or("the business side");
        say!("nothing is known of {of} as of then")?;
    }
    Ok(())
}

fn as_json(state: &AccountState) -> Value {
    let attributes: Map<String, Value> = state
        .attributes
        .iter()
        .map(|attribute| (attribute.name.clone(), attribute.value.clone().into()))
        .collect();
    let restrictions: Vec<Value> = state
        .restrictions
        .iter()
        .map(|restriction| {
            json!({"kind": restriction.kind, "expires_at": restriction.expires_at.map(to_rfc3339),
                "expiration": restriction.expiration, "remediation": restriction.remediation})
        })
        .collect();
    json!({"tenant": state.tenant, "subject": {"kind": state.subject_kind, "id": state.subject_id},
        "waba_id": state.waba_id, "portfolio_id": state.portfolio_id, "kind": state.kind, "event": state.event,
        "quality": state.quality, "limit": state.limit,
        "template": state.template.as_ref().map(|name| json!({"name": name, "language": state.language,
            "category": state.category})),
        "reason": state.reason, "previous": state.previous, "announced": state.announced,
        "effective_at": state.effective_at.map(to_rfc3339), "restrictions": restrictions, "attributes": attributes,
        "event_time": to_rfc3339(state.at)})
}

/// Longer parts are for `--json`.
const SHORT: usize = 60;

fn as_text(state: &AccountState, as_of: Option<i64>) -> String {
    let mut says: Vec<String> = Vec::new();
    says.extend(state.event.clone());
    says.extend(state.quality.clone());
    says.extend(state.limit.map(limit));
    says.extend(state.template.as_ref().map(|name| {
        let details = [&state.language, &state.category].into_iter().flatten();
        let details: Vec<&str> = details.map(String::as_str).collect();
        format!("{name} {}", details.join(" ")).trim_end().to_owned()
    }));
    says.extend(state.previous.as_ref().map(|previous| format!("before {previous}")));
    says.extend(
        state
            .announced
            .as_ref()
            .map(|announced| format!("announced {announced}")),
    );
    says.extend(state.effective_at.map(|at| format!("effective {}", to_rfc3339(at))));
    says.extend(state.reason.as_ref().map(|reason| format!("because {reason}")));
    says.extend(state.restrictions.iter().map(|restriction| {
        let ended = restriction.expires_at.zip(as_of).is_some_and(|(end, now)| end <= now);
        let end = restriction
            .expires_at
            .map(to_rfc3339)
            .or_else(|| restriction.expiration.clone());
        let until = end.map_or_else(String::new, |end| format!(" until {end}"));
        format!("{}{until}{}", restriction.kind, if ended { " (over)" } else { "" })
    }));
    let portfolio = state
        .portfolio_id
        .as_ref()
        .filter(|_| state.limit.is_some())
        .map(|portfolio| format!(" of portfolio {portfolio}"));
    format!(
        "{:<10} {} {}{} {} since {}: {}",
        state.tenant,
        state.subject_kind,
        state.subject_id,
        portfolio.unwrap_or_default(),
        state.kind,
        to_rfc3339(state.at),
        says.join(", ")
    )
}

fn limit(limit: i64) -> String {
    match limit {
        -1 => "unlimited people in 24 h".to_owned(),
        limit => format!("{limit} people in 24 h"),
    }
}
