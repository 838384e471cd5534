//! Each thing that can be wrong with a mapping: its code, its line, its field and the mending.

use crate::{files, only};
use hilo_crm::mapping::{Severity, codes, validate};
use std::collections::BTreeSet;

/// Lines that the helper puts in front.
const HEAD: usize = 2;

/// Code, field, line of the text, part of the action, text.
const CASES: &[(&str, &str, usize, &str, &str)] = &[
    (codes::SYNTAX, "", 2, "TOML", "name = \"a\"\ntime_zone = \n"),
    (
        codes::DUPLICATE_FIELD,
        "",
        3,
        "remove one",
        "[policy]\ntickets = true\n[policy]\ntickets = false\n",
    ),
    (
        codes::UNKNOWN_KEY,
        "polisy",
        1,
        "\"policy\"",
        "[polisy]\ntickets = true\n",
    ),
    (
        codes::UNKNOWN_KEY,
        "policy.timline",
        2,
        "\"timeline\"",
        "[policy]\ntimline = \"digest\"\n",
    ),
    (
        codes::UNKNOWN_KEY,
        "contact.wa_id.form",
        2,
        "\"from\"",
        "[contact.fields.wa_id]\nform = \"contact.wa_id\"\n",
    ),
    (
        codes::WRONG_KIND,
        "policy.tickets",
        2,
        "true or false",
        "[policy]\ntickets = \"yes\"\n",
    ),
    (
        codes::WRONG_KIND,
        "policy.first_response_target",
        2,
        "whole number",
        "[policy]\nfirst_response_target = -1\n",
    ),
    (
        codes::UNKNOWN_WORD,
        "policy.timeline",
        2,
        "\"digest\"",
        "[policy]\ntimeline = \"digests\"\n",
    ),
    (
        codes::UNKNOWN_WORD,
        "time_zone",
        1,
        "IANA",
        "time_zone = \"America/Santiago_de_Chile\"\n",
    ),
    (
        codes::UNKNOWN_WORD,
        "contact.wa_id.write",
        2,
        "\"if_empty\"",
        "[contact.fields.wa_id]\nwrite = \"ifempty\"\n",
    ),
    (
        codes::UNKNOWN_WORD,
        "portal.currencies",
        2,
        "ISO 4217",
        "[portal]\ncurrencies = [\"PESO\"]\n",
    ),
    (
        codes::UNKNOWN_SOURCE,
        "contact.wa_id",
        2,
        "\"contact.wa_id\"",
        "[contact.fields.wa_id]\nfrom = [\"contact.waid\", \"contact.phone\"]\n",
    ),
    (
        codes::FOREIGN_SOURCE,
        "contact.wa_id",
        2,
        "of its contact",
        "[contact.fields.wa_id]\nfrom = [\"deal.name\", \"contact.wa_id\"]\n",
    ),
    (
        codes::UNKNOWN_TRANSFORM,
        "contact.wa_id",
        2,
        "\"upper\"",
        "[contact.fields.wa_id]\ntransform = \"uper\"\n",
    ),
    (
        codes::BAD_ARGUMENT,
        "contact.wa_id",
        2,
        "truncate:N",
        "[contact.fields.wa_id]\ntransform = \"truncate:many\"\n",
    ),
    (
        codes::BAD_ARGUMENT,
        "contact.wa_id",
        2,
        "write trim",
        "[contact.fields.wa_id]\ntransform = \"trim:3\"\n",
    ),
    (
        codes::WRONG_TYPE,
        "contact.wa_id",
        2,
        "it takes list",
        "[contact.fields.wa_id]\ntransform = \"join:,\"\n",
    ),
    (
        codes::WRONG_TYPE,
        "ticket.wa_queue",
        2,
        "local_date",
        "[ticket.fields.wa_queue]\nfrom = \"ticket.opened_at\"\n",
    ),
    (
        codes::WRONG_TYPE,
        "deal.amount",
        3,
        "type = \"number\"",
        "[deal.fields.amount]\ntransform = \"currency\"\ntype = \"string\"\n",
    ),
    (
        codes::WRONG_TYPE,
        "deal.amount",
        2,
        "amount for the number",
        "[deal.fields.amount]\ntransform = []\n",
    ),
    (
        codes::BAD_VALUE,
        "ticket.wa_csat",
        2,
        "value of the type",
        "[ticket.fields.wa_csat]\nvalue = \"good\"\n",
    ),
    (
        codes::MISSING_KEY,
        "ticket.wa_new",
        1,
        "write type",
        "[ticket.fields.wa_new]\nfrom = \"ticket.queue\"\n",
    ),
    (
        codes::MISSING_KEY,
        "ticket.wa_new",
        1,
        "one of the two",
        "[ticket.fields.wa_new]\ntype = \"string\"\n",
    ),
    (
        codes::BAD_NAME,
        "ticket.Wa_New",
        1,
        "small letters",
        "[ticket.fields.Wa_New]\nfrom = \"ticket.queue\"\ntype = \"string\"\n",
    ),
    (
        codes::RESERVED_FIELD,
        "ticket.wa_key",
        1,
        "remove it",
        "[ticket.fields.wa_key]\nfrom = \"ticket.key\"\ntype = \"string\"\n",
    ),
    (
        codes::MISSING_FIELD,
        "deal.dealname",
        2,
        "[deal.fields.dealname]",
        "[deal.fields.dealname]\noff = true\n",
    ),
    (
        codes::UNKNOWN_CATALOGUE,
        "ticket.wa_queue",
        2,
        "\"outcome\"",
        "[ticket.fields.wa_queue]\ntransform = \"map:outcom\"\n",
    ),
    (
        codes::NO_OPTIONS,
        "ticket.wa_queue",
        1,
        "map:CATALOGUE",
        "[ticket.fields.wa_queue]\ntype = \"enumeration\"\n",
    ),
    (
        codes::UNKNOWN_OPTION,
        "task.hs_task_type",
        2,
        "\"TODO\"",
        "[task.fields.hs_task_type]\nvalue = \"TOD\"\n",
    ),
    (
        codes::UNKNOWN_STAGE,
        "ticket.hs_pipeline_stage",
        2,
        "\"Nuevo\"",
        "[catalogues.ticket_stage]\nnew = \"@stage:WhatsApp/Nueva\"\n",
    ),
    (
        codes::UNKNOWN_STAGE,
        "deal.pipeline",
        2,
        "\"WhatsApp\"",
        "[deal.fields.pipeline]\nvalue = \"@pipeline:Whatsap\"\n",
    ),
    (
        codes::BAD_REFERENCE,
        "deal.pipeline",
        2,
        "@pipeline:PIPELINE",
        "[deal.fields.pipeline]\nvalue = \"@pipe:WhatsApp\"\n",
    ),
    (
        codes::DISABLED_CURRENCY,
        "deal.deal_currency_code",
        2,
        "enable it",
        "[deal.fields.deal_currency_code]\nvalue = \"EUR\"\n",
    ),
    (
        codes::NEVER_USED,
        "catalogues.spare",
        1,
        "map:spare",
        "[catalogues.spare]\na = \"b\"\n",
    ),
    (
        codes::NEVER_USED,
        "catalogues.message_status.reed",
        2,
        "\"read\"",
        "[catalogues.message_status]\nreed = { label = \"x\" }\n",
    ),
    (
        codes::OPTION_WITHOUT_LABEL,
        "contact.wa_optin_email",
        7,
        "label =",
        "[contact.fields.wa_optin_email]\ntransform = \"map:yes\"\n[catalogues.yes]\ngranted = { label = \"Sí\" }\ndenied = { label = \"No\" }\nwithdrawn = { label = \"Retirado\" }\nblocked = \"no\"\n",
    ),
    (
        codes::RULE_WITHOUT_EXAMPLE,
        "rules.mora",
        1,
        "[[rules.examples]]",
        "[[rules]]\nname = \"mora\"\nsubject = \"x\"\nwhen.tagged.tags = [\"mora\"]\n",
    ),
    (
        codes::EXAMPLE_FAILS,
        "rules.low_rating.examples",
        3,
        "mend the rule",
        "[[rules]]\nname = \"low_rating\"\n[[rules.examples]]\ngiven.rated = { instrument = \"csat\", score = \"1\" }\nfires = false\n[[rules.examples]]\ngiven.rated = { instrument = \"csat\", score = \"2\" }\nfires = true\n",
    ),
    (
        codes::UNKNOWN_WORD,
        "rules.failed_send.when.failed",
        3,
        "\"template\"",
        "[[rules]]\nname = \"failed_send\"\nwhen.failed.classes = [\"template\", \"templates\"]\n",
    ),
    (
        codes::UNKNOWN_WORD,
        "rules.low_rating.subject",
        3,
        "\"contact\"",
        "[[rules]]\nname = \"low_rating\"\nsubject = \"Call {contacto}\"\n",
    ),
    (
        codes::BAD_VALUE,
        "rules.low_rating.link",
        1,
        "https://",
        "[[rules]]\nname = \"low_rating\"\nlink = \"ftp://a\"\n",
    ),
];

#[test]
fn each_is_told_with_its_place_and_the_mending() {
    for (code, field, line, action, text) in CASES {
        let finding = only(text, &[]);
        assert_eq!((finding.code, finding.field.as_str()), (*code, *field), "{finding}");
        // A needed field that is gone is missed in the object, wherever that begins.
        if *code != codes::MISSING_FIELD {
            assert_eq!(
                (finding.origin.file.as_str(), finding.origin.line),
                ("mapping.toml", HEAD + line),
                "{finding}"
            );
        }
        assert!(finding.action.contains(action), "{finding}");
        let shown = finding.to_string();
        assert!(shown.contains(code) && shown.contains(field), "{shown}");
    }
}

#[test]
fn an_unmapped_status_is_a_hole() {
    let text = "[catalogues.stages]\nnew = \"@stage:WhatsApp/Nuevo\"\nclosed = \"@stage:WhatsApp/Cerrado\"\n\
                [ticket.fields.hs_pipeline_stage]\ntransform = \"map:stages\"\n";
    let (mappings, findings) = validate(&files(text, &[]));
    assert!(mappings.is_none());
    let hole = findings
        .iter()
        .find(|finding| finding.code == codes::CATALOGUE_HOLE)
        .unwrap();
    assert_eq!((hole.field.as_str(), hole.origin.line), ("catalogues.stages", HEAD + 1));
    assert_eq!(hole.message, "ticket.status may be open, waiting, which has no entry");
    // An entry for all others, or one that says "no value", closes it.
    for more in [
        "\"*\" = \"@stage:WhatsApp/En atención\"\n",
        "open = \"\"\nwaiting = \"\"\n",
    ] {
        let text = text.replace("closed =", &format!("{more}closed ="));
        let (mappings, findings) = validate(&files(&text, &[]));
        assert!(mappings.is_some(), "{findings}");
    }
}

#[test]
fn two_fields_of_one_name_are_told_whatever_their_letters() {
    let text = "[ticket.fields.WA_QUEUE]\nfrom = \"ticket.queue\"\ntype = \"string\"\n";
    let (_, findings) = validate(&files(text, &[]));
    let twice = findings
        .iter()
        .find(|finding| finding.code == codes::DUPLICATE_FIELD)
        .unwrap();
    assert!(
        twice.message.contains("WA_QUEUE") && twice.message.contains("wa_queue"),
        "{twice}"
    );
}

#[test]
fn what_is_too_long_is_told() {
    let text = format!("[ticket.fields.wa_queue]\nvalue = \"{}\"\n", "x".repeat(65_537));
    assert_eq!(only(&text, &[]).code, codes::TOO_LONG);
    let text = format!("[ticket.fields.wa_queue]\nlabel = \"{}\"\n", "x".repeat(251));
    assert_eq!(only(&text, &[]).code, codes::TOO_LONG);
}

#[test]
fn files_are_named_after_what_they_are() {
    let finding = only("", &[("chile.toml", "schema_version = 1\n")]);
    assert_eq!(
        (finding.code, finding.origin.file.as_str()),
        (codes::UNKNOWN_FILE, "chile.toml")
    );
    let (mappings, findings) = validate(&[("CL.toml".to_owned(), String::new())]);
    assert!(mappings.is_none());
    assert_eq!(findings.iter().next().unwrap().code, codes::UNKNOWN_FILE);
    let (_, findings) = validate(&[("mapping.toml".to_owned(), "extends = \"default\"\n".to_owned())]);
    // The built-in file says the version of the form already.
    assert!(findings.is_empty(), "{findings}");
}

#[test]
fn a_finding_of_an_overlay_names_the_overlay_once() {
    let finding = only("", &[("CL.toml", "[ticket.fields.wa_queue]\ntransform = \"uper\"\n")]);
    assert_eq!((finding.origin.file.as_str(), finding.origin.line), ("CL.toml", 2));
    // What is wrong with the base is wrong for each country, and told once.
    assert_eq!(
        only("[ticket.fields.wa_queue]\ntransform = \"uper\"\n", &[]).code,
        codes::UNKNOWN_TRANSFORM
    );
}

#[test]
fn a_warning_forbids_nothing() {
    let (mappings, findings) = validate(&files("[catalogues.spare]\na = \"b\"\n", &[]));
    assert!(mappings.is_some() && !findings.has_errors());
    assert!(findings.iter().all(|finding| finding.severity == Severity::Warning));
}

#[test]
fn every_code_is_told_by_some_test() {
    let elsewhere = [
        codes::UNKNOWN_FILE,
        codes::TOO_LONG,
        codes::CATALOGUE_HOLE,
        // By `live.rs`.
        codes::MISSING_PROPERTY,
        codes::READ_ONLY,
        codes::NOT_UNIQUE,
        codes::MISSING_OPTION,
        codes::MISSING_STAGE,
        codes::MISSING_OWNER,
        codes::ADMIN_RULE,
    ];
    let told: BTreeSet<&str> = CASES.iter().map(|case| case.0).chain(elsewhere).collect();
    let all: BTreeSet<&str> = codes::ALL.iter().map(|(code, _)| *code).collect();
    assert_eq!(told, all);
}
