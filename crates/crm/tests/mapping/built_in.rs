//! The built-in mapping as a whole: nothing is wrong with it, and what it needs of a portal.

use crate::parsed;
use hilo_crm::mapping::{Cause, Findings, Manifest, Mappings, validate};
use hilo_crm::values::Object;

#[test]
fn nothing_is_wrong_with_it() {
    let (mappings, findings) = validate(&crate::files("", &[]));
    assert_eq!(findings, Findings::default(), "{findings}");
    let mappings = mappings.unwrap();
    let countries: Vec<&str> = mappings.countries().collect();
    assert_eq!(countries, ["AR", "BR", "CL", "CO", "MX", "PE"]);
    assert_eq!(Mappings::default_hubspot().unwrap().of(Some("UY")).name(), "default");
}

#[test]
fn a_tenant_is_at_home_somewhere() {
    let mappings = Mappings::default_for("BR", &["CL", "UY"]).unwrap();
    let names: Vec<&str> = mappings.all().map(hilo_crm::mapping::Mapping::name).collect();
    assert_eq!(names, ["default+BR", "default+CL"]);
    assert_eq!(mappings.of(None).name(), "default+BR");
    assert_eq!(mappings.of(Some("UY")).name(), "default+BR");
    assert_eq!(mappings.of(Some("CL")).name(), "default+CL");
    // A country without an overlay of its own has the base.
    let mappings = Mappings::default_for("UY", &[]).unwrap();
    assert_eq!(mappings.of(Some("BR")).name(), "default");
    assert_eq!(mappings.all().count(), 1);
}

fn labels(manifest: &Manifest, object: Object) -> Vec<&str> {
    let of = manifest.pipelines.iter().filter(|pipeline| pipeline.object == object);
    of.map(|pipeline| pipeline.label.as_str()).collect()
}

#[test]
fn a_portal_gets_what_its_countries_need() {
    let chile = Mappings::default_for("CL", &[]).unwrap().manifest();
    assert_eq!(labels(&chile, Object::Ticket), ["WhatsApp"]);
    let codes: Vec<&str> = chile.currencies.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["CLF", "CLP", "USD"]);
    let all = Mappings::default_hubspot().unwrap().manifest();
    assert_eq!(labels(&all, Object::Deal), ["WhatsApp", "WhatsApp Brasil"]);
    let codes: Vec<&str> = all.currencies.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes, ["ARS", "BRL", "CLF", "CLP", "COP", "MXN", "PEN", "USD"]);
    assert_ne!(chile.hash, all.hash);
}

#[test]
fn properties_are_described_for_those_who_make_them() {
    let manifest = Mappings::default_hubspot().unwrap().manifest();
    let property = |object, name: &str| {
        let found = manifest
            .properties
            .iter()
            .find(|it| it.object == object && it.name == name);
        found.unwrap_or_else(|| panic!("{name} is missing")).clone()
    };
    for object in Object::ALL {
        let key = property(object, "wa_key");
        assert!(key.unique && key.create.is_some());
        assert_eq!((key.kind.as_str(), key.field_type.as_str()), ("string", "text"));
        assert!(!property(object, "wa_revision").unique);
        assert!(
            manifest
                .groups
                .iter()
                .any(|group| group.object == object && group.name == "whatsapp")
        );
    }
    let consent = property(Object::Contact, "wa_optin_marketing");
    assert_eq!(
        (consent.kind.as_str(), consent.field_type.as_str()),
        ("enumeration", "select")
    );
    let options: Vec<(&str, &str)> = consent
        .options
        .iter()
        .map(|it| (it.value.as_str(), it.label.as_str()))
        .collect();
    assert_eq!(
        options,
        [
            ("granted", "Otorgado"),
            ("denied", "Negado"),
            ("withdrawn", "Retirado"),
            ("blocked", "Bloqueado")
        ]
    );
    assert_eq!(property(Object::Ticket, "wa_sla_met").field_type, "booleancheckbox");
    // Stages are no options: the writer looks them up.
    assert!(property(Object::Ticket, "hs_pipeline_stage").options.is_empty());
    assert!(property(Object::Contact, "phone").create.is_none());
    let ticket = manifest
        .pipelines
        .iter()
        .find(|it| it.object == Object::Ticket)
        .unwrap();
    let closed: Vec<bool> = ticket.stages.iter().map(|stage| stage.closed).collect();
    assert_eq!(closed, [false, false, false, true]);
}

#[test]
fn the_labels_of_options_are_those_of_the_home_country() {
    let label = |mappings: &Mappings| {
        let manifest = mappings.manifest();
        let found = manifest
            .properties
            .into_iter()
            .find(|it| it.name == "wa_optin_marketing");
        found.unwrap().options[0].label.clone()
    };
    assert_eq!(label(&Mappings::default_for("BR", &["CL"]).unwrap()), "Concedido");
    assert_eq!(label(&Mappings::default_for("CL", &["BR"]).unwrap()), "Otorgado");
}

#[test]
fn its_rules_fire_on_their_causes_only() {
    let mappings = Mappings::default_hubspot().unwrap();
    let fired = |country, cause: &Cause| -> Vec<String> {
        let rules = mappings.of(country).policy().rules.iter();
        rules
            .filter(|rule| rule.when.fires(cause))
            .map(|rule| rule.name.clone())
            .collect()
    };
    assert_eq!(fired(None, &Cause::Failed { class: "template" }), ["failed_send"]);
    assert_eq!(fired(None, &Cause::Failed { class: "marketing_cap" }), [""; 0]);
    let template = |template| Cause::Unanswered {
        template,
        seconds: 86_400,
    };
    assert_eq!(fired(None, &template("cobranza_1")), ["billing_unanswered"]);
    assert_eq!(fired(Some("BR"), &template("boleto_vencido")), ["billing_unanswered"]);
    assert_eq!(fired(Some("CL"), &template("boleto_vencido")), [""; 0]);
    assert_eq!(fired(Some("AR"), &Cause::Tag("cambiar turno")), ["reschedule"]);
    let score = |score| Cause::Rated {
        instrument: "csat",
        score,
    };
    assert_eq!(fired(None, &score("1")), ["low_rating"]);
    assert_eq!(fired(None, &score("3")), [""; 0]);
}

#[test]
fn a_hash_is_of_the_content() {
    let hash = |text: &str| parsed(text, &[]).of(None).hash().to_owned();
    let plain = hash("");
    assert_eq!(plain.len(), 16);
    assert_eq!(hash("\n# a remark\n\nname   =   'other'\n"), plain);
    let spaced = "[contact.fields.wa_id]\nfrom = [ \"contact.wa_id\" ]   # the same\nwrite = \"always\"\n";
    assert_eq!(hash(spaced), plain);
    assert_ne!(hash("[policy]\ntimeline = \"digest\"\n"), plain);
    assert_ne!(hash("[contact.fields.wa_id]\nwrite = \"if_empty\"\n"), plain);
    assert_ne!(hash("[catalogues.ticket_category]\nrobo = \"PRODUCT_ISSUE\"\n"), plain);
}
