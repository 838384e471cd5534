//! A portal is made ready: only what is missing is made, and drift is shown.

use crate::support::{self, Crm, Trap, manifest};
use hilo_crm::{
    mapping::{Choice, Mappings, Origin, Pipeline, Stage},
    values::Object,
};
use hilo_crm_simulator::Options;
use hilo_crm_writer::provision::{Found, Step, apply, plan, portal, verify};

#[tokio::test]
async fn the_default_mapping_is_made_once_and_then_verified() {
    let crm = Crm::start(Options::unlimited(), &Trap::new()).await;
    let client = support::client(crm.portal());
    let manifest = Mappings::default_hubspot().unwrap().manifest();
    assert!(
        verify(&client, &manifest).await.unwrap().has_errors(),
        "an empty portal lacks what is ours"
    );
    let done = apply(&client, &manifest).await.unwrap();
    assert!(done.len() > 20, "{}", done.len());
    let findings = verify(&client, &manifest).await.unwrap();
    let mended_by_us = findings
        .iter()
        .filter(|finding| finding.action.contains("hilo crm apply"))
        .count();
    assert_eq!(mended_by_us, 0, "{findings}");
    assert_eq!(
        apply(&client, &manifest).await.unwrap(),
        [],
        "a second time there is nothing to do"
    );
}

#[tokio::test]
async fn options_and_stages_are_added_and_nothing_is_taken_away() {
    let crm = Crm::start(Options::unlimited(), &Trap::new()).await;
    let client = support::client(crm.portal());
    let mut wanted = manifest();
    let property = wanted.properties.iter_mut().find(|one| one.name == "wa_note").unwrap();
    (property.kind, property.field_type) = ("enumeration".into(), "select".into());
    let choice = |value: &str| Choice {
        value: value.into(),
        label: value.to_uppercase(),
    };
    property.options = vec![choice("a"), choice("b")];
    let stage = |label: &str, closed| Stage {
        label: label.into(),
        closed,
        probability: None,
    };
    wanted.pipelines.push(Pipeline {
        object: Object::Ticket,
        label: "WhatsApp".into(),
        stages: vec![stage("Nuevo", false), stage("Cerrado", true)],
        create: true,
        origin: Origin::default(),
    });
    apply(&client, &wanted).await.unwrap();

    let mut fewer = wanted.clone();
    let of = |manifest: &mut hilo_crm::mapping::Manifest, options: Vec<Choice>, stages: Vec<Stage>| {
        manifest
            .properties
            .iter_mut()
            .find(|one| one.name == "wa_note")
            .unwrap()
            .options = options;
        manifest.pipelines.last_mut().unwrap().stages = stages;
    };
    of(&mut fewer, vec![choice("c")], vec![stage("Esperando", false)]);
    let steps = apply(&client, &fewer).await.unwrap();
    let expected = [
        Step::Options(Object::Contact, "wa_note".into(), vec!["c".into()]),
        Step::Stage(Object::Ticket, "WhatsApp".into(), "Esperando".into()),
    ];
    assert_eq!(steps, expected);
    let now = portal(&client).await.unwrap();
    let note = now
        .properties
        .iter()
        .find(|one| one.object == Object::Contact && one.name == "wa_note")
        .unwrap();
    assert_eq!(note.options, ["a", "b", "c"]);
    let pipeline = now.pipelines.iter().find(|one| one.label == "WhatsApp").unwrap();
    assert_eq!(pipeline.stages.len(), 3);
}

#[tokio::test]
async fn a_property_of_another_type_is_drift_that_no_step_mends() {
    let crm = Crm::start(Options::unlimited(), &Trap::new()).await;
    let client = support::client(crm.portal());
    apply(&client, &manifest()).await.unwrap();
    let mut wanted = manifest();
    let property = wanted.properties.iter_mut().find(|one| one.name == "wa_note").unwrap();
    (property.kind, property.field_type) = ("number".into(), "number".into());
    let plan = plan(&wanted, &Found::read(&client).await.unwrap());
    assert_eq!(plan.steps, []);
    assert!(
        plan.drift.has_errors() && plan.drift.to_string().contains("wa_note"),
        "{}",
        plan.drift
    );
}
