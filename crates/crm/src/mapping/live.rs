//! The mapping beside the portal: what the portal lacks or forbids, told where the mapping asks for it.

use super::finding::{Findings, codes};
use super::manifest::{Manifest, Pipeline, Property};
use super::portal::{Portal, PortalProperty};
use super::reader::{Reader, instead};

/// What of a manifest a portal does not have. Nothing is asked: the portal is what somebody read of it.
#[must_use]
pub fn validate_live(manifest: &Manifest, portal: &Portal) -> Findings {
    let mut reader = Reader::default();
    for property in &manifest.properties {
        let path = path(property);
        let same = |it: &&PortalProperty| (it.object, &it.name) == (property.object, &property.name);
        match portal.properties.iter().find(same) {
            Some(found) => compare(&mut reader, property, found, &path),
            None => missing(&mut reader, property, portal, &path),
        }
    }
    for pipeline in &manifest.pipelines {
        stages(&mut reader, pipeline, portal);
    }
    for (code, origin) in &manifest.currencies {
        if !portal.currencies.contains(code) {
            let message = format!("the portal does not have {code}");
            let action = format!("enable {code} in the portal's settings, or take it out of portal.currencies");
            reader.error(origin, codes::DISABLED_CURRENCY, "portal.currencies", message, action);
        }
    }
    for (address, origin) in &manifest.owners {
        if !portal.owners.iter().any(|known| known.eq_ignore_ascii_case(address)) {
            let message = "nobody in the portal has the e-mail address";
            let action = "invite the person, or correct the address";
            reader.error(origin, codes::MISSING_OWNER, "catalogues.owners", message, action);
        }
    }
    rules(&mut reader, manifest, portal);
    reader.findings
}

fn path(property: &Property) -> String {
    format!("{}.{}", property.object.as_str(), property.name)
}

fn missing(reader: &mut Reader, property: &Property, portal: &Portal, path: &str) {
    let names: Vec<&str> = portal
        .properties
        .iter()
        .filter(|it| it.object == property.object)
        .map(|it| it.name.as_str())
        .collect();
    let action = if property.create.is_some() {
        "run `hilo crm apply`: it makes the property".to_owned()
    } else {
        format!(
            "{}; a property with a label is made by `hilo crm apply`",
            instead(&property.name, &names)
        )
    };
    reader.error(
        &property.origin,
        codes::MISSING_PROPERTY,
        path,
        "the portal does not have it",
        action,
    );
}

fn compare(reader: &mut Reader, property: &Property, found: &PortalProperty, path: &str) {
    let origin = &property.origin;
    if !same_kind(&property.kind, &found.kind) {
        let message = format!("the mapping says {}, the portal {}", property.kind, found.kind);
        let action = format!("write type = {:?}, or use another property", found.kind);
        reader.error(origin, codes::WRONG_TYPE, path, message, action);
    }
    if property.unique && !found.unique {
        let message = "two records could have one value of it in the portal";
        let action = "delete the property there and run `hilo crm apply`: uniqueness cannot be changed later";
        reader.error(origin, codes::NOT_UNIQUE, path, message, action);
    }
    if found.read_only {
        let message = "only the CRM itself may write it";
        reader.error(origin, codes::READ_ONLY, path, message, "use another property");
    }
    let has = |value: &str| found.options.iter().any(|known| known == value);
    let lacking: Vec<&str> = property
        .options
        .iter()
        .map(|it| it.value.as_str())
        .filter(|it| !has(it))
        .collect();
    // A portal tells no options of a property whose options are its pipelines or currencies.
    if let Some(first) = lacking
        .first()
        .filter(|_| property.create.is_some() || !found.options.is_empty())
    {
        let known: Vec<&str> = found.options.iter().map(String::as_str).collect();
        let message = format!("the portal has no option {}", lacking.join(", "));
        let action = if property.create.is_some() {
            "run `hilo crm apply`: it adds options".to_owned()
        } else {
            format!(
                "add it in the portal, or correct the catalogue: {}",
                instead(first, &known)
            )
        };
        reader.error(origin, codes::MISSING_OPTION, path, message, action);
    }
}

/// A phone number is a text with another editor.
fn same_kind(wanted: &str, found: &str) -> bool {
    let text = |kind: &str| matches!(kind, "string" | "phone_number");
    wanted == found || (text(wanted) && text(found))
}

fn stages(reader: &mut Reader, pipeline: &Pipeline, portal: &Portal) {
    let path = format!("pipelines.{}", pipeline.label);
    let of = portal.pipelines.iter().filter(|it| it.object == pipeline.object);
    let labels: Vec<&str> = of.clone().map(|it| it.label.as_str()).collect();
    let action = |near: String| {
        if pipeline.create {
            "run `hilo crm apply`: it makes pipelines and stages".to_owned()
        } else {
            near
        }
    };
    let Some(found) = of.into_iter().find(|it| it.label == pipeline.label) else {
        let message = "the portal has no such pipeline";
        let action = action(instead(&pipeline.label, &labels));
        reader.error(&pipeline.origin, codes::MISSING_STAGE, &path, message, action);
        return;
    };
    let known: Vec<&str> = found.stages.iter().map(String::as_str).collect();
    for stage in pipeline
        .stages
        .iter()
        .filter(|stage| !known.contains(&stage.label.as_str()))
    {
        let message = format!("the portal's pipeline has no stage {:?}", stage.label);
        let action = action(instead(&stage.label, &known));
        reader.error(&pipeline.origin, codes::MISSING_STAGE, &path, message, action);
    }
}

/// What administrators demand binds writes too: a property that the mapping never fills refuses the record.
fn rules(reader: &mut Reader, manifest: &Manifest, portal: &Portal) {
    for rule in &portal.rules {
        let of = manifest.properties.iter().filter(|it| it.object == rule.object);
        let written = of.clone().find(|it| it.name == rule.property);
        let path = format!("{}.{}", rule.object.as_str(), rule.property);
        if let Some(property) = written {
            let message = format!("the portal's administrators set a rule for it: {}", rule.rule);
            let action = "see that the values keep it, else records are refused";
            reader.warning(&property.origin, codes::ADMIN_RULE, &path, message, action);
        } else if let Some(any) = of.into_iter().next().filter(|_| rule.required) {
            let message = "the portal's administrators demand it and the mapping does not fill it";
            let action = format!(
                "write [{}.fields.{}], or let them lift the rule",
                rule.object.as_str(),
                rule.property
            );
            reader.error(&any.origin, codes::ADMIN_RULE, &path, message, action);
        }
    }
}
