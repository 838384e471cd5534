//! What the page shows of CRMs: how each is, what waits, what became of records, and the facts behind these numbers.

use anyhow::Result;
use hilo_dashboard::{
    mask::Masked,
    model::{CrmBudget, CrmCard, CrmObject, CrmRejection, CrmStanding, ReasonCount},
};
use hilo_golden::{CrmState, Golden, Rejection, Tenants};
use serde_json::Value;

/// Prefix of the trace ids that name a CRM's number: `crm:hubspot:contact`, `crm:hubspot:rejected`.
pub(crate) const CRM: &str = "crm:";

/// Objects in the order of the page; an unknown one comes after them.
const OBJECTS: [&str; 5] = ["contact", "ticket", "deal", "communication", "task"];

/// A card for each tenant and CRM.
pub(crate) fn cards(golden: &Golden, tenants: &Tenants) -> Result<Vec<CrmCard>> {
    Ok(golden.crm_states(tenants)?.into_iter().map(card).collect())
}

fn card(state: CrmState) -> CrmCard {
    let trace = |what: &str| format!("{CRM}{}:{what}", state.sink);
    let mut objects: Vec<CrmObject> = state
        .records
        .iter()
        .map(|(object, desired)| CrmObject {
            object: object.clone(),
            desired: amount(*desired),
            written: Some(became(&state, object, &["written", "skipped"])),
            rejected: Some(became(&state, object, &["rejected"])),
            trace: trace(object),
        })
        .collect();
    objects.sort_by_key(|object| {
        OBJECTS
            .iter()
            .position(|known| *known == object.object)
            .unwrap_or(OBJECTS.len())
    });
    let outcomes = state.outcomes.iter().map(|(kind, count)| ReasonCount {
        reason: kind.clone(),
        count: amount(*count),
        trace: trace(kind),
    });
    CrmCard {
        standing: match state.state.as_deref() {
            Some("open") => CrmStanding::Open,
            Some("paused") => CrmStanding::Paused,
            Some("stopped") => CrmStanding::Stopped,
            _ => CrmStanding::Unknown,
        },
        until: state.until,
        code: state.code.as_deref().map(Masked::crm_code),
        action: state.action.as_deref().and_then(Masked::crm_action),
        waiting: amount(state.waiting),
        waiting_since: state.waiting_since,
        last_at: state.last_at,
        last_minute: amount(state.last_minute),
        budget: state.budget.and_then(budget),
        outcomes: outcomes.collect(),
        objects,
        rejected: state.rejected.iter().map(rejection).collect(),
        tenant: state.tenant,
        sink: state.sink,
    }
}

/// Records of an object of which one of these outcomes holds.
fn became(state: &CrmState, object: &str, kinds: &[&str]) -> u64 {
    let of = |kind: &&str| state.by_object.get(&(object.to_owned(), (*kind).to_owned()));
    amount(kinds.iter().filter_map(of).sum())
}

fn rejection(rejection: &Rejection) -> CrmRejection {
    CrmRejection {
        code: Masked::crm_code(&rejection.code),
        field: rejection.field.as_deref().map(Masked::property),
        action: rejection.action.as_deref().and_then(Masked::crm_action),
        count: amount(rejection.count),
        example: rejection.example.clone(),
    }
}

/// Calls used, of the limit and what is left of it.
fn budget((limit, left): (i64, i64)) -> Option<CrmBudget> {
    (limit > 0).then(|| CrmBudget {
        used: amount(limit.saturating_sub(left)),
        limit: amount(limit),
    })
}

fn amount(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

/// Whether a fact of a CRM's topic is behind `what`, the number's name without its prefix: a CRM, and an object or a kind.
pub(crate) fn is_behind(fact: &Value, what: &str) -> bool {
    let (sink, what) = what.split_once(':').unwrap_or((what, ""));
    let wanted = if is_object(what) {
        &fact["object"]
    } else {
        &fact["kind"]
    };
    fact["sink"] == sink && *wanted == what
}

/// Whether the number `what` counts desired records, and not outcomes.
pub(crate) fn is_of_records(what: &str) -> bool {
    what.split_once(':').is_some_and(|(_, object)| is_object(object))
}

fn is_object(what: &str) -> bool {
    OBJECTS.contains(&what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_contracts::{
        codec::{self, Codec as _},
        facts::{CrmField, CrmRecord, CrmWrite},
        topics,
    };
    use hilo_golden::Placed;
    use hilo_stream::Record;
    use serde_json::json;

    const AT: i64 = 1_777_899_600_000;

    fn placed(topic: &'static str, offset: i64, value: Vec<u8>) -> Placed {
        Placed {
            partition: 0,
            offset,
            record: Record {
                topic,
                key: offset.to_be_bytes().to_vec(),
                value,
                timestamp: AT,
            },
        }
    }

    fn key(number: i64) -> String {
        format!("gr_a{number:023}")
    }

    fn desired(number: i64, object: &str, at: i64) -> Placed {
        let record = CrmRecord {
            event_id: format!("desired-{number}"),
            tenant: "acme".into(),
            event_time: at,
            kind: "desired".into(),
            revision: 1,
            sink: "hubspot".into(),
            object: object.into(),
            record_key: key(number),
            fields: vec![CrmField {
                name: "firstname".into(),
                value: Some("Camila".into()),
                write: "always".into(),
            }],
            mapping: "default".into(),
            ..CrmRecord::default()
        };
        placed(topics::CRM_RECORD, number, codec::crm_record().encode(&record).unwrap())
    }

    fn became(number: i64, object: &str, kind: &str, code: Option<&str>) -> Placed {
        let outcome = CrmWrite {
            event_id: format!("became-{number}"),
            tenant: "acme".into(),
            event_time: AT + number,
            kind: kind.into(),
            revision: 1,
            sink: "hubspot".into(),
            object: Some(object.into()),
            record_key: Some(key(number)),
            code: code.map(str::to_owned),
            field: code.map(|_| "motivo_consulta".into()),
            action: code.map(|_| "Ask Camila Soto at once.".into()),
            ..CrmWrite::default()
        };
        placed(topics::CRM_WRITE, number, codec::crm_write().encode(&outcome).unwrap())
    }

    fn told(state: &str, budget: Option<(i64, i64)>) -> Placed {
        let sink = CrmWrite {
            tenant: "acme".into(),
            event_time: AT,
            kind: "sink".into(),
            sink: "hubspot".into(),
            state: Some(state.into()),
            retry_at: (state == "paused").then_some(AT + 60_000),
            code: (state != "open").then(|| "daily".into()),
            budget_limit: budget.map(|(limit, _)| limit),
            budget_remaining: budget.map(|(_, left)| left),
            ..CrmWrite::default()
        };
        placed(topics::CRM_WRITE, 1_000, codec::crm_write().encode(&sink).unwrap())
    }

    fn of(facts: &[Placed]) -> Vec<CrmCard> {
        let mut golden = Golden::open_in_memory().unwrap();
        golden.follow(facts).unwrap();
        cards(&golden, &Tenants::of(["acme"])).unwrap()
    }

    #[test]
    fn without_records_and_writers_there_is_no_card() {
        assert_eq!(of(&[]), []);
    }

    #[test]
    fn a_card_counts_what_should_be_and_what_became_of_it() {
        let cards = of(&[
            desired(1, "task", AT - 5_000),
            desired(2, "contact", AT - 4_000),
            desired(3, "contact", AT - 3_000),
            desired(4, "ticket", AT - 2_000),
            became(2, "contact", "written", None),
            became(3, "contact", "rejected", Some("invalid_option")),
            told("paused", Some((500, 120))),
        ]);
        let [card] = cards.as_slice() else { panic!("{cards:?}") };
        let objects: Vec<(&str, u64, &str)> = card
            .objects
            .iter()
            .map(|object| (object.object.as_str(), object.desired, object.trace.as_str()))
            .collect();
        let expected = [
            ("contact", 2, "crm:hubspot:contact"),
            ("ticket", 1, "crm:hubspot:ticket"),
            ("task", 1, "crm:hubspot:task"),
        ];
        assert_eq!(objects, expected);
        let outcomes: Vec<(&str, u64)> = card
            .outcomes
            .iter()
            .map(|one| (one.reason.as_str(), one.count))
            .collect();
        assert_eq!(outcomes, [("rejected", 1), ("written", 1)]);
        assert_eq!((card.waiting, card.waiting_since), (2, Some(AT - 5_000)));
        assert_eq!((card.last_at, card.last_minute), (Some(AT + 3), 2));
        assert_eq!(card.budget, Some(CrmBudget { used: 380, limit: 500 }));
        assert_eq!((card.standing, card.until), (CrmStanding::Paused, Some(AT + 60_000)));
        assert_eq!(card.code.as_ref().unwrap().as_str(), "daily");
        let [rejected] = card.rejected.as_slice() else {
            panic!("{card:?}")
        };
        assert_eq!((rejected.code.as_str(), rejected.count), ("invalid_option", 1));
        assert_eq!(rejected.field.as_ref().unwrap().as_str(), "motivo_consulta");
        assert_eq!(rejected.example, key(3));
        // What to do is a sentence of the writer or nobody's.
        assert_eq!(rejected.action, None);
    }

    #[test]
    fn a_crm_without_a_limit_has_no_budget() {
        for told_budget in [None, Some((0, 0))] {
            let cards = of(&[told("open", told_budget)]);
            assert_eq!((cards[0].standing, cards[0].budget), (CrmStanding::Open, None));
        }
        let cards = of(&[told("a_word_of_tomorrow", Some((10, 20)))]);
        assert_eq!(cards[0].standing, CrmStanding::Unknown);
        assert_eq!(cards[0].budget, Some(CrmBudget { used: 0, limit: 10 }));
    }

    #[test]
    fn a_number_leads_to_the_facts_of_its_crm_and_kind() {
        let record = json!({"sink": "hubspot", "object": "contact", "kind": "desired"});
        assert!(is_of_records("hubspot:contact") && !is_of_records("hubspot:rejected") && !is_of_records("contact"));
        assert!(is_behind(&record, "hubspot:contact") && !is_behind(&record, "other:contact"));
        assert!(!is_behind(&record, "hubspot:ticket") && !is_behind(&record, "hubspot"));
        let outcome = json!({"sink": "hubspot", "object": "contact", "kind": "rejected"});
        assert!(is_behind(&outcome, "hubspot:rejected") && !is_behind(&outcome, "hubspot:written"));
    }
}
