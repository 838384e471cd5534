//! Bodies of requests, closed: the CRM takes a mistyped field without a word and does something else.

use serde::Serialize;
use std::collections::BTreeMap;

/// Names of properties are unique, and sorted, so that requests are comparable.
pub(crate) type Properties = BTreeMap<String, String>;

#[derive(Debug, Serialize)]
pub(crate) struct Inputs<T> {
    pub(crate) inputs: Vec<T>,
}

/// One record of a batch upsert or update.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Write {
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id_property: Option<&'static str>,
    pub(crate) object_write_trace_id: String,
    pub(crate) properties: Properties,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Read {
    pub(crate) properties: Vec<String>,
    pub(crate) properties_with_history: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id_property: Option<&'static str>,
    pub(crate) inputs: Vec<Id>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Id {
    pub(crate) id: String,
}

impl From<&str> for Id {
    fn from(id: &str) -> Self {
        Self { id: id.to_owned() }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Pair {
    pub(crate) from: Id,
    pub(crate) to: Id,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Unpair {
    pub(crate) from: Id,
    pub(crate) to: Vec<Id>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Merge {
    pub(crate) primary_object_id: String,
    pub(crate) object_id_to_merge: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct NewGroup {
    pub(crate) name: String,
    pub(crate) label: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewProperty {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) group_name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) field_type: String,
    pub(crate) has_unique_value: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) options: Vec<NewOption>,
}

/// Options of a property that is there: the whole list.
#[derive(Debug, Serialize)]
pub(crate) struct OptionsOf {
    pub(crate) options: Vec<NewOption>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewOption {
    pub(crate) label: String,
    pub(crate) value: String,
    pub(crate) display_order: usize,
    pub(crate) hidden: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewPipeline {
    pub(crate) label: String,
    pub(crate) display_order: usize,
    pub(crate) stages: Vec<NewStage>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewStage {
    pub(crate) label: String,
    pub(crate) display_order: usize,
    pub(crate) metadata: BTreeMap<&'static str, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upsert_is_what_the_reference_shows() {
        let write = Write {
            id: "gr_1".into(),
            id_property: Some("wa_key"),
            object_write_trace_id: "gr_1.3".into(),
            properties: [("phone".to_owned(), "+56961234567".to_owned())].into(),
        };
        let body = serde_json::to_value(Inputs { inputs: vec![write] }).unwrap();
        let expected = serde_json::json!({"inputs": [{"id": "gr_1", "idProperty": "wa_key", "objectWriteTraceId": "gr_1.3",
            "properties": {"phone": "+56961234567"}}]});
        assert_eq!(body, expected);
    }
}
