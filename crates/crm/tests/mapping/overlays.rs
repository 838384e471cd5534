//! Overlays: a country's differences over the base, the tenant's over what is built in.

use crate::{only, parsed};
use hilo_crm::mapping::{Timeline, codes};
use hilo_crm::values::{Object, Value, Values};

fn field(mapping: &hilo_crm::mapping::Mapping, object: Object, name: &str, values: &Values) -> Option<String> {
    let fields = mapping.fields(object, values);
    let found = fields.into_iter().find(|field| field.name == name);
    found.unwrap_or_else(|| panic!("{name} is missing")).value
}

fn word(source: &'static str, text: &str) -> Values {
    Values::from([(source, Value::Text(text.to_owned()))])
}

#[test]
fn an_overlay_changes_a_field_an_entry_and_a_policy_and_leaves_the_rest() {
    let overlay = "[policy]\ntimeline = \"digest\"\n[catalogues.ticket_category]\nrobo = \"PRODUCT_ISSUE\"\n\
                   [contact.fields.wa_id]\ntransform = \"upper\"\n";
    let mappings = parsed("name = \"acme\"\n", &[("CL.toml", overlay)]);
    let (chile, base) = (mappings.of(Some("CL")), mappings.of(None));
    assert_eq!((chile.name(), base.name()), ("acme+CL", "acme"));
    assert_eq!(chile.policy().timeline, Timeline::Digest);
    assert_eq!(base.policy().timeline, Timeline::Messages);
    assert_eq!(
        chile.policy().first_response_target,
        base.policy().first_response_target
    );
    let reason = |mapping, text: &str| {
        field(
            mapping,
            Object::Ticket,
            "hs_ticket_category",
            &word("ticket.reason", text),
        )
    };
    assert_eq!(reason(chile, "robo").as_deref(), Some("PRODUCT_ISSUE"));
    assert_eq!(reason(chile, "cobranza").as_deref(), Some("BILLING_ISSUE"));
    // The built-in overlay of the country still holds.
    assert_eq!(reason(chile, "boleta").as_deref(), Some("BILLING_ISSUE"));
    assert_eq!(reason(base, "robo"), None);
    let id = word("contact.wa_id", "ab");
    assert_eq!(field(chile, Object::Contact, "wa_id", &id).as_deref(), Some("AB"));
    assert_eq!(field(base, Object::Contact, "wa_id", &id).as_deref(), Some("ab"));
}

#[test]
fn what_the_tenant_says_wins_over_what_is_built_in() {
    let mappings = parsed("[policy]\nfirst_response_target = 60\n", &[]);
    // The built-in overlay of Colombia says 600.
    assert_eq!(mappings.of(Some("CO")).policy().first_response_target, Some(60));
}

#[test]
fn a_field_becomes_a_constant_or_goes() {
    let text = "[ticket.fields.wa_queue]\nvalue = \"ventas\"\n[ticket.fields.wa_bot]\noff = true\n";
    let mappings = parsed(text, &[]);
    let fields = mappings.of(None).fields(Object::Ticket, &Values::new());
    let queue = fields.iter().find(|field| field.name == "wa_queue").unwrap();
    assert_eq!(queue.value.as_deref(), Some("ventas"));
    assert!(fields.iter().all(|field| field.name != "wa_bot"));
}

#[test]
fn a_rule_changes_its_words_or_its_cause_or_goes() {
    let text = "[[rules]]\nname = \"low_rating\"\noff = true\n[[rules]]\nname = \"failed_send\"\nversion = 2\n\
                when.tagged.tags = [\"falla\"]\n[[rules.examples]]\ngiven.tagged.tag = \"falla\"\nfires = true\n";
    let mappings = parsed(text, &[]);
    let rules = &mappings.of(None).policy().rules;
    let names: Vec<(&str, u32)> = rules.iter().map(|rule| (rule.name.as_str(), rule.version)).collect();
    assert_eq!(
        names,
        [("failed_send", 2), ("billing_unanswered", 1), ("reschedule", 1)]
    );
    assert!(rules[0].when.fires(&hilo_crm::mapping::Cause::Tag("falla")));
    assert_eq!(rules[0].subject, "Mensaje no entregado a {contact}");
}

#[test]
fn a_property_has_one_type_in_all_countries() {
    let overlay = "[ticket.fields.wa_queue]\ntype = \"number\"\ntransform = \"number\"\n";
    let finding = only("", &[("MX.toml", overlay)]);
    assert_eq!(
        (finding.code, finding.field.as_str()),
        (codes::WRONG_TYPE, "ticket.wa_queue")
    );
}

#[test]
fn a_text_of_a_person_is_never_looked_up() {
    let mappings = parsed("", &[]);
    let values = word("contact.name", "@owner:boss@acme.example");
    let name = field(mappings.of(None), Object::Contact, "wa_profile_name", &values);
    assert_eq!(name.as_deref(), Some(" @owner:boss@acme.example"));
}

#[test]
fn owners_are_found_by_the_agents_own_ids() {
    let mappings = parsed("[catalogues.owners]\nana = \"Ana@acme.example\"\n", &[]);
    let owner = |agent| {
        field(
            mappings.of(None),
            Object::Ticket,
            "hubspot_owner_id",
            &word("ticket.agent", agent),
        )
    };
    assert_eq!(owner("ana").as_deref(), Some("@owner:ana@acme.example"));
    assert_eq!(owner("eva@acme.example").as_deref(), Some("@owner:eva@acme.example"));
    assert_eq!(owner("luis"), None);
    let owners = mappings.manifest().owners;
    assert_eq!(owners.len(), 1);
}

#[test]
fn several_options_are_written_with_semicolons_and_unknown_ones_are_left_out() {
    let text = "[ticket.fields.wa_topics]\nfrom = \"ticket.tags\"\ntransform = \"map:topics\"\ntype = \"enumeration\"\n\
                label = \"Temas\"\n[catalogues.topics]\nvip = { label = \"VIP\" }\nmora = { value = \"late\", label = \"Mora\" }\n";
    let mappings = parsed(text, &[]);
    let tags = |tags: &[&str]| {
        Values::from([(
            "ticket.tags",
            Value::List(tags.iter().map(|it| (*it).to_owned()).collect()),
        )])
    };
    let topics = |values: &Values| field(mappings.of(None), Object::Ticket, "wa_topics", values);
    assert_eq!(topics(&tags(&["mora", "otro", "vip"])).as_deref(), Some("late;vip"));
    assert_eq!(topics(&tags(&["otro"])), None);
    let manifest = mappings.manifest();
    let property = manifest.properties.iter().find(|it| it.name == "wa_topics").unwrap();
    assert_eq!(property.field_type, "checkbox");
}

#[test]
fn the_first_source_that_has_a_value_gives_it() {
    let text = "[ticket.fields.wa_queue]\nfrom = [\"ticket.queue\", \"ticket.reason\"]\notherwise = \"todos\"\n";
    let mappings = parsed(text, &[]);
    let queue = |values: &Values| field(mappings.of(None), Object::Ticket, "wa_queue", values);
    let mut values = word("ticket.reason", "pago");
    assert_eq!(queue(&values).as_deref(), Some("pago"));
    values.insert("ticket.queue", Value::Text("caja".to_owned()));
    assert_eq!(queue(&values).as_deref(), Some("caja"));
    assert_eq!(queue(&Values::new()).as_deref(), Some("todos"));
}
