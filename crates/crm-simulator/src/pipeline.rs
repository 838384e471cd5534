//! Pipelines and their stages.

use hilo_domain::time::to_rfc3339;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A way that tickets or deals go.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) display_order: i64,
    pub(crate) stages: Vec<Stage>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// A step of it.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) display_order: i64,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) created_at: i64,
}

impl Pipeline {
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id, "label": self.label, "displayOrder": self.display_order, "archived": false,
            "createdAt": to_rfc3339(self.created_at), "updatedAt": to_rfc3339(self.updated_at),
            "stages": self.stages.iter().map(Stage::json).collect::<Vec<_>>(),
        })
    }
}

impl Stage {
    pub(crate) fn json(&self) -> Value {
        let at = to_rfc3339(self.created_at);
        json!({
            "id": self.id, "label": self.label, "displayOrder": self.display_order, "archived": false,
            "metadata": self.metadata, "createdAt": at, "updatedAt": at, "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        })
    }
}
