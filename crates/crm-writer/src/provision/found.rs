//! A portal as it is: groups, properties with their options, pipelines with their ids.

use super::ProvisionError;
use crate::hubspot::{ApiVersion, Client, list, text};
use hilo_crm::{
    mapping::{Portal, PortalPipeline, PortalProperty, PortalRule},
    values::Object,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// What was read of a portal.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Names of groups, by object.
    pub(super) groups: Vec<(Object, String)>,
    pub(super) properties: BTreeMap<(Object, String), Property>,
    pub(super) pipelines: Vec<Pipeline>,
    currencies: Vec<String>,
    owners: Vec<String>,
    rules: Vec<PortalRule>,
}

#[derive(Clone, Debug)]
pub(super) struct Property {
    pub(super) kind: String,
    pub(super) field_type: String,
    /// In their order.
    pub(super) options: Vec<Choice>,
    pub(super) unique: bool,
    pub(super) read_only: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) hidden: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) object: Object,
    pub(super) id: String,
    pub(super) label: String,
    pub(super) stages: Vec<String>,
}

impl Found {
    /// Reads a portal.
    pub async fn read(client: &Client) -> Result<Self, ProvisionError> {
        let mut found = Self::default();
        for object in Object::ALL {
            let name = object.as_str();
            let groups = get(
                client,
                &client.version().properties(object, "/groups"),
                "reading property groups",
            )
            .await?;
            found
                .groups
                .extend(groups.iter().filter_map(|group| Some((object, word(group, "name")?))));
            let what = format!("reading properties of {name}s");
            for one in get(client, &client.version().properties(object, ""), &what).await? {
                if let Some(name) = word(&one, "name") {
                    found.properties.insert((object, name), property(&one));
                }
            }
            if matches!(object, Object::Ticket | Object::Deal) {
                let what = format!("reading pipelines of {name}s");
                let pipelines = get(client, &client.version().pipelines(object, ""), &what).await?;
                found
                    .pipelines
                    .extend(pipelines.iter().filter_map(|one| pipeline(object, one)));
            }
            found.read_rules(client, object).await?;
        }
        found.read_currencies(client).await?;
        found.read_owners(client).await?;
        Ok(found)
    }

    /// As `validate --live` compares it.
    #[must_use]
    pub fn portal(&self) -> Portal {
        let property = |((object, name), property): (&(Object, String), &Property)| PortalProperty {
            object: *object,
            name: name.clone(),
            kind: property.kind.clone(),
            field_type: property.field_type.clone(),
            options: property.options.iter().map(|option| option.value.clone()).collect(),
            unique: property.unique,
            read_only: property.read_only,
        };
        let pipeline = |pipeline: &Pipeline| PortalPipeline {
            object: pipeline.object,
            label: pipeline.label.clone(),
            stages: pipeline.stages.clone(),
        };
        Portal {
            properties: self.properties.iter().map(property).collect(),
            pipelines: self.pipelines.iter().map(pipeline).collect(),
            currencies: self.currencies.clone(),
            owners: self.owners.clone(),
            rules: self.rules.clone(),
        }
    }

    async fn read_rules(&mut self, client: &Client, object: Object) -> Result<(), ProvisionError> {
        // Rules bind what is written by this version on.
        if client.version() != ApiVersion::V2026_09 {
            return Ok(());
        }
        let what = format!("reading rules of {}s", object.as_str());
        for one in get(client, &client.version().validations(object), &what).await? {
            let Some(property) = word(&one, "propertyName") else {
                continue;
            };
            self.rules.extend(
                list(&one, "propertyValidationRules")
                    .iter()
                    .filter_map(|rule| word(rule, "ruleType"))
                    .map(|rule| PortalRule {
                        object,
                        property: property.clone(),
                        required: rule.contains("REQUIRED"),
                        rule,
                    }),
            );
        }
        Ok(())
    }

    async fn read_currencies(&mut self, client: &Client) -> Result<(), ProvisionError> {
        let answer = client.get(&client.version().account()).await;
        let answer = answer.map_err(|refusal| ProvisionError::new("reading the account", &refusal))?;
        self.currencies.extend(text(&answer.company_currency));
        let others = answer.additional_currencies.as_array().cloned().unwrap_or_default();
        self.currencies.extend(others.iter().filter_map(text));
        Ok(())
    }

    async fn read_owners(&mut self, client: &Client) -> Result<(), ProvisionError> {
        let owners = client.owners().await;
        let owners = owners.map_err(|refusal| ProvisionError::new("reading owners", &refusal))?;
        self.owners
            .extend(owners.iter().filter_map(|owner| word(owner, "email")));
        Ok(())
    }
}

async fn get(client: &Client, path: &str, what: &str) -> Result<Vec<Value>, ProvisionError> {
    match client.get(path).await {
        Ok(answer) => Ok(answer.results),
        Err(refusal) => Err(ProvisionError::new(what, &refusal)),
    }
}

fn word(value: &Value, name: &str) -> Option<String> {
    value.get(name).and_then(text)
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn property(one: &Value) -> Property {
    let option = |option: &Value| {
        Some(Choice {
            value: word(option, "value")?,
            label: word(option, "label")?,
            hidden: flag(option, "hidden"),
        })
    };
    let read_only = one
        .get("modificationMetadata")
        .is_some_and(|metadata| flag(metadata, "readOnlyValue"));
    Property {
        kind: word(one, "type").unwrap_or_default(),
        field_type: word(one, "fieldType").unwrap_or_default(),
        options: list(one, "options").iter().filter_map(option).collect(),
        unique: flag(one, "hasUniqueValue"),
        read_only: read_only || flag(one, "calculated"),
    }
}

fn pipeline(object: Object, one: &Value) -> Option<Pipeline> {
    Some(Pipeline {
        object,
        id: word(one, "id")?,
        label: word(one, "label")?,
        stages: list(one, "stages")
            .iter()
            .filter_map(|stage| word(stage, "label"))
            .collect(),
    })
}
