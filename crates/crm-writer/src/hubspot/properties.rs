//! Which properties of a record are sent: what people of the CRM filled in is left alone where the mapping says so.

use super::{
    HubSpot, KEY, REVISION, answers::Answer, answers::Found, bodies::Properties, classify::classify, client::Refusal,
    labels::is_label,
};
use crate::sink::{Act, Item, Outcome, Trouble};
use hilo_contracts::facts::CrmField;
use hilo_crm::values::Object;
use hilo_domain::time::DAY;
use hilo_service::clock;
use std::collections::{BTreeMap, BTreeSet};

/// What the CRM holds before a write, where that matters.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) by_key: BTreeMap<String, Found>,
    pub(super) by_id: BTreeMap<String, Found>,
}

impl HubSpot {
    /// Reads what has to be known before a write: whether it is there, and what somebody filled in.
    pub(super) async fn look(&self, object: Object, chosen: &[(usize, &Item)]) -> Result<Looked, Refusal> {
        let mut looked = Looked::default();
        let mut names: BTreeSet<String> = BTreeSet::new();
        let (mut keys, mut ids) = (Vec::new(), Vec::new());
        for (_, item) in chosen {
            let open: Vec<&CrmField> = item
                .record
                .fields
                .iter()
                .filter(|field| must_look(field, item))
                .collect();
            names.extend(
                open.iter()
                    .filter(|field| field.write == "if_empty")
                    .map(|field| field.name.clone()),
            );
            match &item.act {
                Act::Adopt(id) => ids.push(id.as_str()),
                _ if !open.is_empty() => keys.push(item.record.record_key.as_str()),
                _ => {}
            }
        }
        let names: Vec<String> = names.into_iter().collect();
        looked.by_key = self.read_by_key(object, keys.into_iter(), &names).await?;
        let found = self.read_by_id(object, ids.iter().copied(), &names).await?;
        for id in ids {
            // A record that was merged comes under its new id. With one asked for, it is that one.
            let one = found
                .iter()
                .find(|found| found.id == id)
                .or(found.first().filter(|_| found.len() == 1));
            if let Some(one) = one {
                looked.by_id.insert(id.to_owned(), one.clone());
            }
        }
        Ok(looked)
    }

    /// Whose the records are that hold unique values of others.
    pub(super) async fn name_holders(&self, object: Object, outcomes: &mut [Option<Outcome>]) {
        let open: Vec<String> = outcomes
            .iter()
            .filter_map(|outcome| match outcome {
                Some(Outcome::Conflict { existing, holder: None }) => Some(existing.clone()),
                _ => None,
            })
            .collect();
        if open.is_empty() {
            return;
        }
        let found = self.read_by_id(object, open.iter().map(String::as_str), &[]).await;
        for outcome in outcomes.iter_mut().flatten() {
            let Outcome::Conflict { existing, holder } = outcome else {
                continue;
            };
            match &found {
                Ok(found) => match found.iter().find(|found| found.id == *existing) {
                    Some(found) => *holder = holder.take().or(found.value(KEY).map(str::to_owned)),
                    // It is gone meanwhile, or has another id: the next attempt meets it as it is then.
                    None => *outcome = Trouble::again("locked").into(),
                },
                Err(refusal) => *outcome = refusal.trouble.clone().into(),
            }
        }
    }

    /// Where a property is asked for that goes with new records only, somebody may have removed the record.
    pub(super) async fn find_vanished(&self, object: Object, items: &[Item], outcomes: &mut [Option<Outcome>]) {
        let asked = |outcome: &Option<Outcome>| {
            let Some(Outcome::Failed { trouble, .. }) = outcome else {
                return false;
            };
            trouble.code() == "required_property"
        };
        let open = || {
            items
                .iter()
                .zip(outcomes.iter())
                .filter(|(item, outcome)| item.remote_id.is_some() && asked(outcome))
        };
        let keys: Vec<String> = open().map(|(item, _)| item.record.record_key.clone()).collect();
        let Ok(found) = self.read_by_key(object, keys.iter().map(String::as_str), &[]).await else {
            return;
        };
        for (item, outcome) in items.iter().zip(outcomes) {
            if keys.contains(&item.record.record_key) && !found.contains_key(&item.record.record_key) {
                *outcome = Some(Trouble::again("vanished").into());
            }
        }
    }
}

/// What an error of one input means.
pub(super) fn item_trouble(item: &Answer, sent: &[String]) -> Trouble {
    let now = clock::now();
    let missing = item.missing_scopes().first().cloned();
    classify(0, item, sent.iter()).trouble(None, missing, now, now + DAY)
}

/// Whether the CRM has to be looked at before this property is sent.
fn must_look(field: &CrmField, item: &Item) -> bool {
    match field.write.as_str() {
        _ if field.value.is_none() => false,
        "if_empty" => !item.filled.contains(&field.name),
        "on_create" => item.remote_id.is_none(),
        _ => false,
    }
}

/// Properties to send, and those with the rule `if_empty` that hold something afterwards. The error is the property
/// whose name the portal does not have. `now` is the record as it is, where it was looked at.
pub(super) fn properties(
    item: &Item,
    now: Option<&Found>,
    ids: &BTreeMap<String, String>,
) -> Result<(Properties, Vec<String>), String> {
    let exists = now.is_some() || item.remote_id.is_some();
    let mut sent = Properties::new();
    let mut filled = Vec::new();
    for field in &item.record.fields {
        let write = match field.write.as_str() {
            "on_create" => !exists && field.value.is_some(),
            "if_empty" => {
                let holds =
                    item.filled.contains(&field.name) || now.is_some_and(|now| now.value(&field.name).is_some());
                if holds || field.value.is_some() {
                    filled.push(field.name.clone());
                }
                !holds && field.value.is_some()
            }
            "always" => true,
            // `never_clear`, and whatever a newer mapping says: nothing is lost by that.
            _ => field.value.is_some(),
        };
        if !write {
            continue;
        }
        let value = match field.value.as_deref() {
            Some(name) if is_label(name) => ids.get(name).ok_or_else(|| field.name.clone())?.clone(),
            value => value.unwrap_or_default().to_owned(),
        };
        sent.insert(field.name.clone(), value);
    }
    sent.insert(KEY.to_owned(), item.record.record_key.clone());
    sent.insert(REVISION.to_owned(), item.record.revision.to_string());
    Ok((sent, filled))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_contracts::facts::CrmRecord;

    fn item(remote_id: Option<&str>, filled: &[&str]) -> Item {
        let field = |name: &str, value: Option<&str>, write: &str| CrmField {
            name: name.into(),
            value: value.map(str::to_owned),
            write: write.into(),
        };
        Item {
            record: CrmRecord {
                record_key: "gr_1".into(),
                revision: 7,
                fields: vec![
                    field("city", None, "always"),
                    field("firstname", Some("Ana"), "if_empty"),
                    field("hubspot_owner_id", Some("@owner:ana@example.test"), "on_create"),
                    field("lastname", None, "if_empty"),
                    field("phone", Some("+56961234567"), "always"),
                    field("wa_bsuid", None, "never_clear"),
                ],
                ..CrmRecord::default()
            },
            act: Act::Upsert,
            remote_id: remote_id.map(str::to_owned),
            filled: filled.iter().map(|name| (*name).to_owned()).collect(),
            parents: Vec::new(),
            associated: Vec::new(),
            stale: Vec::new(),
        }
    }

    fn sent(item: &Item, now: Option<&Found>) -> Vec<(String, String)> {
        let ids = [("@owner:ana@example.test".to_owned(), "7001".to_owned())].into();
        properties(item, now, &ids).unwrap().0.into_iter().collect()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = [("wa_key", "gr_1"), ("wa_revision", "7")];
        let mut all: Vec<_> = list
            .iter()
            .chain(&own)
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        all.sort();
        all
    }

    #[test]
    fn each_rule_says_when_a_property_is_sent() {
        let new = [
            ("city", ""),
            ("firstname", "Ana"),
            ("hubspot_owner_id", "7001"),
            ("phone", "+56961234567"),
        ];
        assert_eq!(
            sent(&item(None, &[]), None),
            pairs(&new),
            "a new record gets all that has a value"
        );
        let there = Found {
            id: "512".into(),
            new: false,
            trace: None,
            properties: serde_json::from_str(r#"{"firstname": "Anita", "lastname": ""}"#).unwrap(),
        };
        let ours = [("city", ""), ("phone", "+56961234567")];
        assert_eq!(
            sent(&item(None, &[]), Some(&there)),
            pairs(&ours),
            "what people filled in stays"
        );
        assert_eq!(
            sent(&item(Some("512"), &["firstname"]), None),
            pairs(&ours),
            "and is remembered"
        );
        let empty = Found {
            properties: serde_json::Map::new(),
            ..there
        };
        let filling = [("city", ""), ("firstname", "Ana"), ("phone", "+56961234567")];
        assert_eq!(sent(&item(Some("512"), &[]), Some(&empty)), pairs(&filling));
    }

    #[test]
    fn only_what_is_open_is_looked_at() {
        let open = |item: &Item| {
            let open = item.record.fields.iter().filter(|field| must_look(field, item));
            open.map(|field| field.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(open(&item(None, &[])), ["firstname", "hubspot_owner_id"]);
        assert_eq!(open(&item(Some("512"), &[])), ["firstname"]);
        assert!(open(&item(Some("512"), &["firstname"])).is_empty());
    }

    #[test]
    fn a_name_that_the_portal_does_not_have_names_its_property() {
        assert_eq!(
            properties(&item(None, &[]), None, &BTreeMap::new()).unwrap_err(),
            "hubspot_owner_id"
        );
    }
}
