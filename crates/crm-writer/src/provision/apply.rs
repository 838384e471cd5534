//! One step of a plan as a request. A 409 says that somebody made it meanwhile.

use super::{ProvisionError, Step, found::Found};
use crate::hubspot::{Client, NewGroup, NewOption, NewPipeline, NewProperty, NewStage, OptionsOf, Refusal};
use hilo_crm::{
    mapping::{Choice, Manifest, Pipeline, Stage},
    values::Object,
};

impl Step {
    pub(super) async fn make(&self, client: &Client, manifest: &Manifest, found: &Found) -> Result<(), ProvisionError> {
        let what = self.to_string();
        match self.request(client, manifest, found).await {
            Ok(()) => Ok(()),
            Err(refusal) if refusal.status == 409 => Ok(()),
            Err(refusal) => Err(ProvisionError::new(&what, &refusal)),
        }
    }

    async fn request(&self, client: &Client, manifest: &Manifest, found: &Found) -> Result<(), Refusal> {
        let version = client.version();
        match self {
            Self::Group(object, name) => {
                let group = manifest
                    .groups
                    .iter()
                    .find(|group| (group.object, &group.name) == (*object, name));
                let body = NewGroup {
                    name: name.clone(),
                    label: group.map_or_else(|| name.clone(), |group| group.label.clone()),
                };
                client.post(&version.properties(*object, "/groups"), &body, &[]).await?;
            }
            Self::Property(object, name) => {
                if let Some(body) = property(manifest, *object, name) {
                    client.post(&version.properties(*object, ""), &body, &[]).await?;
                }
            }
            Self::Options(object, name, _) => {
                if let Some(body) = options(manifest, found, *object, name) {
                    client
                        .patch(&version.properties(*object, &format!("/{name}")), &body)
                        .await?;
                }
            }
            Self::Pipeline(object, label) => {
                if let Some(pipeline) = pipeline(manifest, *object, label) {
                    let body = NewPipeline {
                        label: label.clone(),
                        display_order: found.pipelines.iter().filter(|one| one.object == *object).count(),
                        stages: pipeline
                            .stages
                            .iter()
                            .enumerate()
                            .map(|(at, one)| stage(*object, one, at))
                            .collect(),
                    };
                    client.post(&version.pipelines(*object, ""), &body, &[]).await?;
                }
            }
            Self::Stage(object, label, name) => {
                let there = found
                    .pipelines
                    .iter()
                    .find(|one| (one.object, &one.label) == (*object, label));
                let wanted = pipeline(manifest, *object, label)
                    .and_then(|one| one.stages.iter().enumerate().find(|(_, stage)| stage.label == *name));
                if let (Some(there), Some((at, wanted))) = (there, wanted) {
                    let path = version.pipelines(*object, &format!("/{}/stages", there.id));
                    client.post(&path, &stage(*object, wanted, at), &[]).await?;
                }
            }
        }
        Ok(())
    }
}

fn pipeline<'a>(manifest: &'a Manifest, object: Object, label: &str) -> Option<&'a Pipeline> {
    manifest
        .pipelines
        .iter()
        .find(|one| one.object == object && one.label == label)
}

fn property(manifest: &Manifest, object: Object, name: &str) -> Option<NewProperty> {
    let property = manifest
        .properties
        .iter()
        .find(|one| one.object == object && one.name == name)?;
    let create = property.create.as_ref()?;
    Some(NewProperty {
        name: name.to_owned(),
        label: create.label.clone(),
        description: create.description.clone(),
        group_name: create.group.clone(),
        kind: property.kind.clone(),
        field_type: property.field_type.clone(),
        has_unique_value: property.unique,
        options: property
            .options
            .iter()
            .enumerate()
            .map(|(at, choice)| option(choice, at))
            .collect(),
    })
}

/// All options that are there, then those that are missing: a shorter list would remove some.
fn options(manifest: &Manifest, found: &Found, object: Object, name: &str) -> Option<OptionsOf> {
    let there = found.properties.get(&(object, name.to_owned()))?;
    let wanted = manifest
        .properties
        .iter()
        .find(|one| one.object == object && one.name == name)?;
    let missing = wanted
        .options
        .iter()
        .filter(|one| !there.options.iter().any(|known| known.value == one.value));
    let kept = there.options.iter().map(|known| NewOption {
        label: known.label.clone(),
        value: known.value.clone(),
        display_order: 0,
        hidden: known.hidden,
    });
    let mut options: Vec<NewOption> = kept.chain(missing.map(|choice| option(choice, 0))).collect();
    for (at, option) in options.iter_mut().enumerate() {
        option.display_order = at;
    }
    Some(OptionsOf { options })
}

fn option(choice: &Choice, at: usize) -> NewOption {
    NewOption {
        label: choice.label.clone(),
        value: choice.value.clone(),
        display_order: at,
        hidden: false,
    }
}

fn stage(object: Object, stage: &Stage, at: usize) -> NewStage {
    let metadata = match object {
        Object::Deal => {
            let usual = if stage.closed { "0.0" } else { "0.5" };
            (
                "probability",
                stage.probability.clone().unwrap_or_else(|| usual.to_owned()),
            )
        }
        _ => ("ticketState", if stage.closed { "CLOSED" } else { "OPEN" }.to_owned()),
    };
    NewStage {
        label: stage.label.clone(),
        display_order: at,
        metadata: [metadata].into(),
    }
}
