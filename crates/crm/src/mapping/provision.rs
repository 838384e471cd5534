//! From mappings to what a portal must have for them.

use super::field::Field;
use super::finding::Origin;
use super::manifest::{Choice, Created, Group, Manifest, Pipeline, Property};
use super::native::RESERVED;
use super::reference::Reference;
use super::transform::OWNERS;
use super::{Mapping, Mappings};
use crate::values::Object;
use hilo_domain::hash;

impl Mapping {
    /// What a portal must have for it.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        let mut manifest = Manifest {
            mapping: self.name.clone(),
            hash: self.hash.clone(),
            pipelines: self.pipelines.clone(),
            currencies: self.currency_origins.clone(),
            ..Manifest::default()
        };
        for (object, fields) in &self.fields {
            if fields.is_empty() {
                continue;
            }
            manifest.properties.extend(reserved(*object, &self.group.0, fields));
            manifest
                .properties
                .extend(fields.iter().map(|field| property(*object, field)));
            let mut groups: Vec<&str> = fields
                .iter()
                .filter_map(|it| it.create.as_ref())
                .map(|it| it.group.as_str())
                .collect();
            groups.push(&self.group.0);
            groups.sort_unstable();
            groups.dedup();
            manifest.groups.extend(groups.into_iter().map(|name| Group {
                object: *object,
                name: name.to_owned(),
                label: if name == self.group.0 {
                    self.group.1.clone()
                } else {
                    name.to_owned()
                },
            }));
        }
        if let Some(owners) = self.catalogues.get(OWNERS) {
            let owner = |entry: &super::catalogue::Entry| (entry.value.clone(), entry.origin.clone());
            manifest.owners = owners.entries().map(|(_, entry)| owner(entry)).collect();
        }
        manifest.sort();
        manifest
    }
}

impl Mappings {
    /// What a portal must have for the base and all overlays. Where they name one thing differently, the label is that
    /// of the home country, else of the base.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        let mut all = self.all();
        let Some(first) = all.next() else {
            return Manifest::default();
        };
        let mut manifest = first.manifest();
        let mut hashes = vec![first.hash.clone()];
        for mapping in all {
            manifest.join(mapping.manifest());
            hashes.push(mapping.hash.clone());
        }
        self.name().clone_into(&mut manifest.mapping);
        let parts: Vec<&[u8]> = hashes.iter().map(String::as_bytes).collect();
        hash::id("crm_mappings", &parts)[..16].clone_into(&mut manifest.hash);
        manifest
    }
}

impl Manifest {
    fn sort(&mut self) {
        self.groups
            .sort_by(|a, b| (a.object, &a.name).cmp(&(b.object, &b.name)));
        self.properties
            .sort_by(|a, b| (a.object, &a.name).cmp(&(b.object, &b.name)));
        self.pipelines
            .sort_by(|a, b| (a.object, &a.label).cmp(&(b.object, &b.label)));
        self.currencies.sort();
        self.currencies.dedup_by(|a, b| a.0 == b.0);
        self.owners.sort();
        self.owners.dedup_by(|a, b| a.0 == b.0);
    }

    fn join(&mut self, other: Self) {
        for group in other.groups {
            if !self
                .groups
                .iter()
                .any(|it| (it.object, &it.name) == (group.object, &group.name))
            {
                self.groups.push(group);
            }
        }
        for property in other.properties {
            let same = |it: &&mut Property| (it.object, &it.name) == (property.object, &property.name);
            match self.properties.iter_mut().find(same) {
                None => self.properties.push(property),
                Some(known) => {
                    for option in property.options {
                        if !known.options.iter().any(|it| it.value == option.value) {
                            known.options.push(option);
                        }
                    }
                }
            }
        }
        for pipeline in other.pipelines {
            let same = |it: &&mut Pipeline| (it.object, &it.label) == (pipeline.object, &pipeline.label);
            match self.pipelines.iter_mut().find(same) {
                None => self.pipelines.push(pipeline),
                Some(known) => {
                    for stage in pipeline.stages {
                        if !known.stages.iter().any(|it| it.label == stage.label) {
                            known.stages.push(stage);
                        }
                    }
                }
            }
        }
        self.currencies.extend(other.currencies);
        self.owners.extend(other.owners);
        self.sort();
    }
}

fn property(object: Object, field: &Field) -> Property {
    let is_own = |option: &&Choice| Reference::of(&option.value).is_none();
    let mut options: Vec<Choice> = field.options.iter().filter(is_own).cloned().collect();
    // A constant of an enumeration is an option, too.
    if field.kind == super::field::Type::Enumeration {
        for value in [&field.value, &field.otherwise].into_iter().flatten() {
            if Reference::of(value).is_none() && !options.iter().any(|option| option.value == *value) {
                options.push(Choice {
                    value: value.clone(),
                    label: value.clone(),
                });
            }
        }
    }
    Property {
        object,
        name: field.name.clone(),
        create: field.create.clone(),
        kind: field.kind.as_str().to_owned(),
        field_type: field.editor.clone(),
        options,
        unique: field.unique,
        origin: field.origin.clone(),
    }
}

/// Properties that the writer itself keeps.
fn reserved(object: Object, group: &str, fields: &[Field]) -> Vec<Property> {
    let origin = fields
        .first()
        .map_or_else(Origin::default, |field| field.origin.clone());
    let about = [
        ("WhatsApp key", "Hilo's own stable key of the record."),
        ("WhatsApp revision", "Revision of the record that was written last."),
        ("WhatsApp merged into", "Key of the record that this one is part of."),
    ];
    let property = |(name, (label, description)): (&str, (&str, &str))| Property {
        object,
        name: name.to_owned(),
        create: Some(Created {
            label: label.to_owned(),
            group: group.to_owned(),
            description: description.to_owned(),
        }),
        kind: "string".to_owned(),
        field_type: "text".to_owned(),
        options: Vec::new(),
        unique: name == "wa_key",
        origin: origin.clone(),
    };
    RESERVED.into_iter().zip(about).map(property).collect()
}
