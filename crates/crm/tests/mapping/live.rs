//! A mapping beside what a portal says of itself.

use crate::parsed;
use hilo_crm::mapping::{
    Findings, Manifest, Mappings, Portal, PortalPipeline, PortalProperty, PortalRule, Severity, codes, validate_live,
};
use hilo_crm::values::Object;

/// A portal that has all that a manifest asks for.
fn portal(manifest: &Manifest) -> Portal {
    Portal {
        properties: manifest
            .properties
            .iter()
            .map(|property| PortalProperty {
                object: property.object,
                name: property.name.clone(),
                kind: property.kind.clone(),
                field_type: property.field_type.clone(),
                options: property.options.iter().map(|option| option.value.clone()).collect(),
                unique: property.unique,
                read_only: false,
            })
            .collect(),
        pipelines: manifest
            .pipelines
            .iter()
            .map(|pipeline| PortalPipeline {
                object: pipeline.object,
                label: pipeline.label.clone(),
                stages: pipeline.stages.iter().map(|stage| stage.label.clone()).collect(),
            })
            .collect(),
        currencies: manifest.currencies.iter().map(|(code, _)| code.clone()).collect(),
        owners: vec!["ANA@acme.example".to_owned()],
        rules: Vec::new(),
    }
}

fn mappings() -> Mappings {
    parsed(
        "countries = [\"CL\"]\n[catalogues.owners]\nana = \"ana@acme.example\"\n",
        &[],
    )
}

/// What is found in a portal that somebody has changed.
fn found(change: impl FnOnce(&mut Portal)) -> Findings {
    let manifest = mappings().manifest();
    let mut portal = portal(&manifest);
    change(&mut portal);
    validate_live(&manifest, &portal)
}

/// The only thing that is found, as code, severity, field, file.
fn only(change: impl FnOnce(&mut Portal)) -> (&'static str, Severity, String, String) {
    let findings = found(change);
    assert_eq!(findings.len(), 1, "{findings}");
    let finding = findings.iter().next().unwrap().clone();
    assert!(
        finding.origin.line > 1 || finding.origin.file == "mapping.toml",
        "{finding}"
    );
    assert!(!finding.action.is_empty());
    (finding.code, finding.severity, finding.field, finding.origin.file)
}

fn property<'a>(portal: &'a mut Portal, object: Object, name: &str) -> &'a mut PortalProperty {
    let found = portal
        .properties
        .iter_mut()
        .find(|it| it.object == object && it.name == name);
    found.unwrap_or_else(|| panic!("{name} is missing"))
}

#[test]
fn a_portal_that_has_all_of_it_is_right() {
    assert_eq!(found(|_| {}), Findings::default());
}

#[test]
fn each_thing_that_a_portal_lacks_is_told_where_the_mapping_asks_for_it() {
    const BASE: &str = "hubspot/default.toml";
    let error = |code, field: &str, file: &str| (code, Severity::Error, field.to_owned(), file.to_owned());
    assert_eq!(
        only(|portal| portal
            .properties
            .retain(|it| it.name != "wa_queue" || it.object != Object::Ticket)),
        error(codes::MISSING_PROPERTY, "ticket.wa_queue", BASE)
    );
    assert_eq!(
        only(|portal| property(portal, Object::Deal, "amount").kind = "string".to_owned()),
        error(codes::WRONG_TYPE, "deal.amount", BASE)
    );
    assert_eq!(
        only(|portal| property(portal, Object::Contact, "wa_optin_email")
            .options
            .retain(|it| it != "denied")),
        error(codes::MISSING_OPTION, "contact.wa_optin_email", BASE)
    );
    assert_eq!(
        only(|portal| property(portal, Object::Ticket, "hs_ticket_category")
            .options
            .retain(|it| it != "BILLING_ISSUE")),
        error(codes::MISSING_OPTION, "ticket.hs_ticket_category", BASE)
    );
    assert_eq!(
        only(|portal| property(portal, Object::Task, "wa_key").unique = false),
        error(codes::NOT_UNIQUE, "task.wa_key", BASE)
    );
    assert_eq!(
        only(|portal| property(portal, Object::Contact, "country").read_only = true),
        error(codes::READ_ONLY, "contact.country", BASE)
    );
    assert_eq!(
        only(|portal| portal.pipelines.retain(|it| it.object != Object::Deal)),
        error(codes::MISSING_STAGE, "pipelines.WhatsApp", BASE)
    );
    assert_eq!(
        only(|portal| portal.pipelines[0].stages.retain(|it| it != "Nuevo")),
        error(codes::MISSING_STAGE, "pipelines.WhatsApp", BASE)
    );
    assert_eq!(
        only(|portal| portal.currencies.retain(|it| it != "CLP")),
        error(codes::DISABLED_CURRENCY, "portal.currencies", "hubspot/CL.toml")
    );
    assert_eq!(
        only(|portal| portal.owners.clear()),
        error(codes::MISSING_OWNER, "catalogues.owners", "mapping.toml")
    );
}

#[test]
fn a_phone_number_is_a_text() {
    let findings = found(|portal| property(portal, Object::Contact, "phone").kind = "phone_number".to_owned());
    assert_eq!(findings, Findings::default());
}

#[test]
fn options_that_a_portal_keeps_elsewhere_are_not_asked_for() {
    let findings = found(|portal| property(portal, Object::Task, "hs_task_type").options.clear());
    assert_eq!(findings, Findings::default());
}

#[test]
fn what_administrators_demand_is_told() {
    let rule = |property: &str, required| PortalRule {
        object: Object::Deal,
        property: property.to_owned(),
        rule: "REQUIRED".to_owned(),
        required,
    };
    let (code, severity, ..) = only(|portal| portal.rules.push(rule("closedate", true)));
    assert_eq!((code, severity), (codes::ADMIN_RULE, Severity::Warning));
    let (code, severity, field, _) = only(|portal| portal.rules.push(rule("closed_won_reason", true)));
    assert_eq!((code, severity), (codes::ADMIN_RULE, Severity::Error));
    assert_eq!(field, "deal.closed_won_reason");
    assert_eq!(
        found(|portal| portal.rules.push(rule("closed_won_reason", false))),
        Findings::default()
    );
}
