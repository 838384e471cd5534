//! Pipelines and their stages as a mapping declares them, and values that refer to them.

use super::finding::{Origin, codes};
use super::manifest::{Pipeline, Stage};
use super::node::Node;
use super::reader::{Reader, instead, under};
use super::reference::Reference;
use crate::values::Object;
use hilo_domain::identifier::Identifier;

/// Reads `[[pipelines]]`.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Vec<Pipeline> {
    let mut pipelines: Vec<Pipeline> = Vec::new();
    for node in node.list() {
        let path = "pipelines";
        let keys = ["object", "label", "stages", "existing", "off"];
        if !reader.closed(node, path, &keys) || reader.flag(node, path, "off") == Some(true) {
            continue;
        }
        let object = reader.one_of(node, path, "object", &["ticket", "deal"]);
        let Some((object, label)) = object.zip(reader.need(node, path, "label")) else {
            reader.need(node, path, "object");
            continue;
        };
        let path = under(path, label);
        if label.contains('/') {
            let message = "a label with a / cannot be referred to";
            reader.error(&node.origin, codes::BAD_NAME, &path, message, "choose another label");
        }
        pipelines.push(Pipeline {
            object: if object == "deal" { Object::Deal } else { Object::Ticket },
            label: label.to_owned(),
            stages: stages(reader, node, &path),
            create: !reader.flag(node, &path, "existing").unwrap_or(false),
            origin: node.origin.clone(),
        });
    }
    pipelines
}

fn stages(reader: &mut Reader, node: &Node, path: &str) -> Vec<Stage> {
    let mut stages = Vec::new();
    if node.get("stages").is_none_or(|stages| stages.list().is_empty()) {
        let message = "a pipeline has at least one stage";
        reader.error(
            &node.origin,
            codes::MISSING_KEY,
            path,
            message,
            "write stages = [{ label = … }]",
        );
    }
    for node in node.get("stages").map(Node::list).unwrap_or_default() {
        let path = under(path, "stages");
        if !reader.closed(node, &path, &["label", "closed", "probability"]) {
            continue;
        }
        let Some(label) = reader.need(node, &path, "label") else {
            continue;
        };
        let probability = reader.text(node, &path, "probability");
        let likely = probability.is_none_or(|text| text.parse::<f64>().is_ok_and(|it| (0.0..=1.0).contains(&it)));
        if !likely {
            let message = "a probability is a decimal text from 0 to 1";
            reader.error(
                &node.origin,
                codes::BAD_VALUE,
                &path,
                message,
                "write probability = \"0.5\"",
            );
        }
        stages.push(Stage {
            label: label.to_owned(),
            closed: reader.flag(node, &path, "closed").unwrap_or(false),
            probability: probability.map(str::to_owned),
        });
    }
    stages
}

/// Tells a value that refers to what the mapping does not declare.
pub(super) fn check(
    reader: &mut Reader,
    pipelines: &[Pipeline],
    object: Object,
    value: &str,
    origin: &Origin,
    path: &str,
) {
    let of: Vec<&Pipeline> = pipelines.iter().filter(|pipeline| pipeline.object == object).collect();
    let labels: Vec<&str> = of.iter().map(|pipeline| pipeline.label.as_str()).collect();
    let find = |label: &str| of.iter().find(|pipeline| pipeline.label == label);
    match Reference::of(value) {
        Some(Reference::Stage { pipeline, stage }) => match find(pipeline) {
            Some(found) if found.stages.iter().any(|known| known.label == stage) => {}
            Some(found) => {
                let stages: Vec<&str> = found.stages.iter().map(|stage| stage.label.as_str()).collect();
                let message = format!("the pipeline {pipeline:?} has no stage {stage:?}");
                reader.error(origin, codes::UNKNOWN_STAGE, path, message, instead(stage, &stages));
            }
            None => unknown(reader, pipeline, origin, path, &labels),
        },
        Some(Reference::Pipeline(label)) if find(label).is_none() => unknown(reader, label, origin, path, &labels),
        Some(Reference::Owner(address)) if Identifier::email(address).is_none() => {
            let message = "an owner is named by e-mail address";
            reader.error(origin, codes::BAD_REFERENCE, path, message, "write @owner:E-MAIL");
        }
        None if value.starts_with('@') => {
            let message = format!("{value:?} is nothing that the writer can look up");
            let action = "write @stage:PIPELINE/STAGE, @pipeline:PIPELINE or @owner:E-MAIL";
            reader.error(origin, codes::BAD_REFERENCE, path, message, action);
        }
        _ => {}
    }
}

fn unknown(reader: &mut Reader, label: &str, origin: &Origin, path: &str, labels: &[&str]) {
    let message = format!("no [[pipelines]] of this object has the label {label:?}");
    reader.error(origin, codes::UNKNOWN_STAGE, path, message, instead(label, labels));
}
