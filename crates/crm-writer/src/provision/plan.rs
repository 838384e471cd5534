//! The difference between what a mapping needs and what a portal has, as steps.

use super::found::{Choice, Found, Pipeline, Property};
use hilo_crm::{
    mapping::{Findings, Manifest, validate_live},
    values::Object,
};
use std::{collections::BTreeMap, fmt};

/// Something to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A group of properties.
    Group(Object, String),
    /// A property.
    Property(Object, String),
    /// Options of a property of ours that lacks them.
    Options(Object, String, Vec<String>),
    /// A pipeline with all its stages.
    Pipeline(Object, String),
    /// A stage of a pipeline that is there.
    Stage(Object, String, String),
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Group(object, name) => write!(out, "create group {}.{name}", object.as_str()),
            Self::Property(object, name) => write!(out, "create property {}.{name}", object.as_str()),
            Self::Options(object, name, values) => {
                write!(out, "add options to {}.{name}: {}", object.as_str(), values.join(", "))
            }
            Self::Pipeline(object, label) => write!(out, "create pipeline of {}s {label:?}", object.as_str()),
            Self::Stage(object, pipeline, label) => {
                write!(
                    out,
                    "create stage {label:?} in pipeline of {}s {pipeline:?}",
                    object.as_str()
                )
            }
        }
    }
}

/// What `apply` would do, and what it cannot mend.
#[derive(Clone, Debug)]
pub struct Plan {
    /// In the order in which they are done.
    pub steps: Vec<Step>,
    /// What a person has to mend in the portal or the mapping: it would be there after all steps.
    pub drift: Findings,
}

/// Compares a mapping's needs with a portal.
#[must_use]
pub fn plan(manifest: &Manifest, found: &Found) -> Plan {
    let mut steps = Vec::new();
    let mut after = found.clone();
    for group in &manifest.groups {
        let there = found
            .groups
            .iter()
            .any(|(object, name)| (object, name) == (&group.object, &group.name));
        if !there {
            steps.push(Step::Group(group.object, group.name.clone()));
        }
    }
    for property in manifest.properties.iter().filter(|property| property.create.is_some()) {
        let key = (property.object, property.name.clone());
        let wanted = || {
            property.options.iter().map(|choice| Choice {
                value: choice.value.clone(),
                label: choice.label.clone(),
                hidden: false,
            })
        };
        let Some(there) = after.properties.get_mut(&key) else {
            steps.push(Step::Property(key.0, key.1.clone()));
            let made = Property {
                kind: property.kind.clone(),
                field_type: property.field_type.clone(),
                options: wanted().collect(),
                unique: property.unique,
                read_only: false,
            };
            after.properties.insert(key, made);
            continue;
        };
        let lacks = |choice: &Choice| !there.options.iter().any(|known| known.value == choice.value);
        let lacking: Vec<Choice> = wanted().filter(lacks).collect();
        // Options of another type would not make it the right one.
        if !lacking.is_empty() && there.kind == property.kind {
            steps.push(Step::Options(
                key.0,
                key.1,
                lacking.iter().map(|choice| choice.value.clone()).collect(),
            ));
            there.options.extend(lacking);
        }
    }
    let mut pipelines: BTreeMap<(Object, String), usize> = BTreeMap::new();
    for (index, pipeline) in found.pipelines.iter().enumerate() {
        pipelines.insert((pipeline.object, pipeline.label.clone()), index);
    }
    for pipeline in manifest.pipelines.iter().filter(|pipeline| pipeline.create) {
        let labels = pipeline.stages.iter().map(|stage| stage.label.clone());
        let index = pipelines.get(&(pipeline.object, pipeline.label.clone()));
        let Some(there) = index.and_then(|index| after.pipelines.get_mut(*index)) else {
            steps.push(Step::Pipeline(pipeline.object, pipeline.label.clone()));
            after.pipelines.push(Pipeline {
                object: pipeline.object,
                id: String::new(),
                label: pipeline.label.clone(),
                stages: labels.collect(),
            });
            continue;
        };
        for label in labels.filter(|label| !there.stages.contains(label)).collect::<Vec<_>>() {
            steps.push(Step::Stage(pipeline.object, pipeline.label.clone(), label.clone()));
            there.stages.push(label);
        }
    }
    Plan {
        steps,
        drift: validate_live(manifest, &after.portal()),
    }
}
