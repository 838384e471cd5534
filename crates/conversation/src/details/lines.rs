//! Lines of the inbox and of a CRM, and what a bot hands over.

use hilo_contracts::{
    details::{Deal, Details, HandOff, InboxEvent, Slot},
    item::{Crm, Inbox},
};
use hilo_domain::{
    json::canonical,
    read::{decimal, list, owned, said, text},
};
use serde_json::Value;

pub(super) fn inbox(line: &Value, told: &Inbox) -> Details {
    let context = line.get("context").filter(|context| !context.is_null());
    let tags = list(line, "tags").into_iter().flatten();
    Details {
        inbox: said(InboxEvent {
            agent: told.agent.clone(),
            queue: told.queue.clone(),
            reason: told.reason.clone(),
            tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
            outcome: told.outcome.clone(),
            score: told.score.clone(),
            scale: told.scale.clone(),
            instrument: told.instrument.clone(),
            wrap_up_seconds: context.and_then(|context| decimal(context, "wrap_up_seconds")),
        }),
        hand_off: context.filter(|_| told.event == "handed_off").map(hand_off),
        ..Details::default()
    }
}

/// The context package. Bots spell it in their own ways: the known ones are typed, and the whole of it is kept.
fn hand_off(context: &Value) -> HandOff {
    let first = |keys: &[&str]| keys.iter().find_map(|key| owned(context, key));
    // An intent is a name, or an object with a name and a confidence.
    let intent = context.get("intent").unwrap_or(&Value::Null);
    HandOff {
        intent: first(&["intent"]).or_else(|| owned(intent, "name")),
        confidence: decimal(context, "confidence")
            .or_else(|| decimal(context, "score"))
            .or_else(|| decimal(intent, "confidence")),
        summary: first(&["summary"]),
        language: first(&["language", "locale"]),
        sentiment: first(&["sentiment"]),
        slots: context
            .get("slots")
            .or_else(|| context.get("entities"))
            .map(slots)
            .unwrap_or_default(),
        context: Some(canonical(context)),
    }
}

/// Slots as an object of names, or as a list of objects with `name` and `value`.
fn slots(told: &Value) -> Vec<Slot> {
    let plain = |value: &Value| value.as_str().map_or_else(|| canonical(value), str::to_owned);
    let mut slots: Vec<Slot> = match told {
        Value::Object(slots) => slots
            .iter()
            .map(|(name, value)| Slot {
                name: name.clone(),
                value: plain(value),
            })
            .collect(),
        Value::Array(slots) => slots
            .iter()
            .filter_map(|slot| {
                Some(Slot {
                    name: text(slot, "name")?.to_owned(),
                    value: plain(slot.get("value")?),
                })
            })
            .collect(),
        _ => Vec::new(),
    };
    slots.sort_by(|one, other| (&one.name, &one.value).cmp(&(&other.name, &other.value)));
    slots
}

pub(super) fn crm(told: &Crm) -> Details {
    Details {
        deal: said(Deal {
            system: said(told.system.clone()),
            deal_id: told.deal_id.clone(),
            stage: told.stage.clone(),
            opened_at: told.opened_at,
            amount: told.amount.clone(),
            currency: told.currency.clone(),
        }),
        ..Details::default()
    }
}
