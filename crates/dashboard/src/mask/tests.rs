use super::*;
use crate::trace::{Link, Trace};
use crate::trace_page::{self, Sight};
use apache_avro::{Schema, types::Value as Avro, writer::datum::GenericDatumWriter};
use hilo_contracts::{json as topic_json, schemas};
use hilo_service::{Reader, Role, Scope};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

/// Personal texts of every shape that a field may have: a sentence, a word, an address, a phone, a key-like name.
const MARKERS: [&str; 6] = [
    "VIH positivo de Camila",
    "camilasecreta",
    "camila.secreta@acme.cl",
    "+56961234567",
    "Camila-Secreta_Soto",
    "CAMILA SECRETA 7",
];

/// What of a marker may come out: a name of one bare word is like a tenant's, which the configuration gave.
fn is_like_a_tenant(marker: &str) -> bool {
    marker
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[test]
fn a_person_is_a_country_and_an_end() {
    let label = |country, id| Masked::person(country, id).0;
    assert_eq!(label(Some("CL"), Some("+56961234567")), "CL ··· 4567");
    assert_eq!(label(None, Some("CL.1001")), "CL ··· 01");
    assert_eq!(label(Some("Camila"), Some("12")), "?? ··· 2");
    assert_eq!(label(Some("MX"), None), "MX ···");
}

#[test]
fn ids_are_shown_by_what_they_are() {
    assert_eq!(identifier("wamid.HBgLNTY5NjEyMzQ1NjcVAgAS3F2A").0, "wamid ··· 3F2A");
    assert_eq!(identifier("+56 9 6123 4567").0, "?? ··· 4567");
    assert_eq!(identifier("p_0190b7c2aa0f4e7d12345678").0, "p_0190b7c2aa0f4e7d12345678");
    assert_eq!(identifier("number:delivery_rate").0, "number:delivery_rate");
    assert_eq!(identifier("reason:not_json").0, "reason:not_json");
    assert_eq!(
        identifier("number:delivery_rate:promo").0,
        "number:delivery_rate:••• 5 characters"
    );
    assert_eq!(identifier("VIH positivo").0, "••• 12 characters");
    assert!(is_opaque("p_0190b7c2aa0f4e7d12345678") && !is_opaque("5696123456756961234568") && !is_opaque("camila"));
    assert!(is_linkable("0190b7c2aa0f4e7d") && is_linkable("delivery_rate@1"));
    assert!(!is_linkable("wamid.A1") && !is_linkable("56961234567") && !is_linkable("CL.1001") && !is_linkable(""));
}

#[test]
fn a_fact_keeps_its_words_and_loses_its_person() {
    let fact = json!({
        "kind": "message_received", "person_id": "p_0190b7c2aa0f4e7d12345678", "event_time": "2026-05-04T13:00:00Z",
        "message_id": "wamid.A00112345", "phone_number_id": "210000000000001", "country": "CL", "revision": 3,
        "details": {"text": "Hola", "inbox": {"queue": "soporte Camila", "agent": "ana@acme.cl", "reason": "tiene cáncer"},
            "cards": [{"name": "Camila", "addresses": [{"state": "calle Falsa 123", "kind": "HOME"}],
                "phones": [{"phone": "+56961234567", "kind": "pedro@rojas.cl"}]}]},
        "template": {"name": "cita_manana", "language": "es_MX", "category": "utility"}, "56961234567": {"kind": "text"}
    });
    assert_eq!(
        record(Of::Topic("hilo.conversation"), &fact),
        json!({
            "kind": "message_received", "person_id": "p_0190b7c2aa0f4e7d12345678", "event_time": "2026-05-04T13:00:00Z",
            "message_id": "wamid ··· 2345", "phone_number_id": "210000000000001", "country": "CL", "revision": 3,
            "details": {"text": "••• 4 characters", "inbox": {"queue": "••• 14 characters", "agent": "••• 11 characters",
                    "reason": "••• 12 characters"},
                "cards": [{"name": "••• 6 characters", "addresses": [{"state": "••• 15 characters", "kind": "HOME"}],
                    "phones": [{"phone": "?? ··· 4567", "kind": "••• 14 characters"}]}]},
            "template": {"name": "••• 11 characters", "language": "es_MX", "category": "utility"},
            "••• key 0": {"••• key 0": "••• 4 characters"}
        })
    );
}

#[test]
fn a_record_of_a_crm_keeps_its_names_and_loses_its_values() {
    let key = "gr_0190b7c2aa0f4e7d12345678";
    let desired = json!({
        "kind": "desired", "sink": "hubspot", "object": "contact", "record_key": key, "alias_of": key, "adopt_id": "51201",
        "fields": [{"name": "firstname", "value": "Camila", "write": "if_empty"},
            {"name": "wa_phones", "value": "+56961234567", "write": "always"},
            {"name": "motivo", "value": null, "write": "on_create"}],
        "associations": [{"object": "ticket", "record_key": key}], "rule": "low_rating@1", "mapping": "default+CL",
        "facts": ["0190b7c2aa0f4e7d12345678"]
    });
    assert_eq!(
        record(Of::Topic("hilo.crm_record"), &desired),
        json!({
            "kind": "desired", "sink": "hubspot", "object": "contact", "record_key": key, "alias_of": key,
            "adopt_id": "••• 5 characters",
            "fields": [{"name": "firstname", "value": "••• 6 characters", "write": "if_empty"},
                {"name": "wa_phones", "value": "••• 12 characters", "write": "always"},
                {"name": "••• 6 characters", "value": null, "write": "on_create"}],
            "associations": [{"object": "ticket", "record_key": key}], "rule": "low_rating@1", "mapping": "default+CL",
            "facts": ["0190b7c2aa0f4e7d12345678"]
        })
    );
    let action = "Change the transform of the field in the mapping to the property's type; then retry the code.";
    let refused = json!({"kind": "rejected", "object": "deal", "record_key": key, "remote_id": "51234567890", "attempts": 3,
        "code": "invalid_value", "field": "hs_priority", "action": action, "state": "stopped"});
    let mut shown = refused.clone();
    shown["remote_id"] = "?? ··· 7890".into();
    assert_eq!(record(Of::Topic("hilo.crm_write"), &refused), shown);
    assert_eq!(record(Of::Row("crm_links"), &refused)["field"], "hs_priority");
    let told = json!({"code": "Camila", "field": "Camila", "action": "Ask Camila.", "state": "Camila"});
    assert!(
        !record(Of::Topic("hilo.crm_write"), &told)
            .to_string()
            .contains("Camila")
    );
}

#[test]
fn titles_of_a_crm_are_of_known_words() {
    let title = |stage, topic: &str, title: &str| {
        super::title(&Step {
            stage,
            at: 0,
            title: title.into(),
            topic: Some(topic.into()),
            content: Value::Null,
            links: Vec::new(),
        })
    };
    assert_eq!(
        title(Stage::Fact, "hilo.crm_record", "contact desired"),
        "contact desired"
    );
    assert_eq!(
        title(Stage::CrmWrite, "hilo.crm_write", "rejected invalid_option"),
        "rejected invalid_option"
    );
    assert_eq!(
        title(Stage::CrmWrite, "hilo.crm_write", "rejected Camila"),
        "••• 15 characters"
    );
    assert_eq!(
        title(Stage::Fact, "hilo.conversation", "contact desired"),
        "••• 15 characters"
    );
    assert_eq!(identifier("crm:hubspot:rejected").0, "crm:hubspot:rejected");
    assert_eq!(identifier("crm:hubspot:camila").0, "crm:hubspot:••• 6 characters");
    assert!(is_opaque("gr_0190b7c2aa0f4e7d12345678") && !is_opaque("gr_56961234567"));
}

#[test]
fn a_body_keeps_its_structure() {
    let body = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{
        "messages":[{"from":"56961234567","type":"text","timestamp":"1777899600","text":{"body":"Hola"},"Camila":1}]}}]}]}"#;
    let raw = json!({"source": "whatsapp", "tenant": "acme", "received_at": "2026-05-04T13:00:00Z", "body": body});
    assert_eq!(
        record(Of::Topic("hilo.raw"), &raw)["body"],
        json!({"object": "whatsapp_business_account", "entry": [{"id": "••• 1 characters", "changes": [{"field": "messages",
            "value": {"messages": [{"from": "?? ··· 4567", "type": "text", "timestamp": "1777899600",
                "text": {"body": "••• 4 characters"}, "••• key 0": "••• number"}]}}]}]})
    );
}

/// The documentation of a contract is read: its words are shown.
#[test]
fn documented_words_are_shown() {
    let shown = |topic, path: &str, word: &str| {
        let rules = Rules::of(Of::Topic(topic));
        rules.at(path).unwrap().text(word) == word
    };
    for (topic, path, word) in [
        ("hilo.identity", "kind", "merge_withdrawn"),
        ("hilo.identity", "identifiers[].kind", "parent_bsuid"),
        ("hilo.conversation", "kind", "session_retracted"),
        ("hilo.conversation", "kind", "assigned"),
        ("hilo.conversation", "kind", "call_connect"),
        ("hilo.conversation", "details.call.event", "RINGING"),
        ("hilo.conversation", "session.close_reason", "inactivity"),
        ("hilo.status", "kind", "orphaned"),
        ("hilo.status", "pricing.model", "PMP"),
        ("hilo.account", "kind", "template_category_warning"),
        ("hilo.account", "quality", "NA"),
        ("hilo.consent", "state", "withdrawn"),
        ("hilo.raw", "source", "invalid"),
        ("hilo.unclassified", "reason", "no_field"),
        ("hilo.metric", "definition", "frt_human_business_seconds@1"),
    ] {
        assert!(shown(topic, path, word), "{topic} {path} {word}");
    }
    for (topic, path) in [("hilo.identity", "kind"), ("hilo.conversation", "details.reply.kind")] {
        for prose in ["an", "open", "set", "of", "the", "not", "joined", "Camila", ""] {
            assert!(prose.is_empty() || !shown(topic, path, prose), "{topic} {path} {prose}");
        }
    }
}

#[test]
fn every_rule_of_a_contract_is_of_a_field_that_there_is() {
    for version in schemas::all().unwrap() {
        let rules = Rules::of(Of::Topic(version.subject));
        assert!(rules.paths().count() > 3, "{}", version.subject);
        assert!(rules.at("tenant") == Some(&shown::Shown::Tenant), "{}", version.subject);
    }
    for of in [Of::Item, Of::Person, Of::Proposal, Of::Ledger, Of::Row("contacts")] {
        assert!(Rules::of(of).paths().count() >= 4, "{of:?}");
    }
}

/// A datum with `marker` in every text, two elements in every list and every option there.
fn marked<'a>(schema: &'a Schema, marker: &str, named: &mut BTreeMap<String, &'a Schema>) -> Avro {
    match schema {
        Schema::Null => Avro::Null,
        Schema::Boolean => Avro::Boolean(true),
        Schema::Int => Avro::Int(7),
        Schema::Long => Avro::Long(7),
        Schema::Double => Avro::Double(0.5),
        Schema::TimestampMillis => Avro::TimestampMillis(1_777_899_600_000),
        Schema::String => Avro::String(marker.to_owned()),
        Schema::Bytes => Avro::Bytes(marker.as_bytes().to_vec()),
        Schema::Array(items) => Avro::Array(vec![
            marked(&items.items, marker, named),
            marked(&items.items, marker, named),
        ]),
        Schema::Union(union) => Avro::Union(1, Box::new(marked(&union.variants()[1], marker, named))),
        Schema::Record(record) => {
            named.insert(record.name.fullname(None), schema);
            let fields = record
                .fields
                .iter()
                .map(|field| (field.name.clone(), marked(&field.schema, marker, named)));
            Avro::Record(fields.collect())
        }
        Schema::Ref { name } => {
            let schema = named[&name.fullname(None)];
            marked(schema, marker, named)
        }
        other => panic!("no value for {other:?}"),
    }
}

fn trace(steps: Vec<Step>) -> Trace {
    Trace {
        id: "p_0190b7c2aa0f4e7d12345678".into(),
        kind: "person".into(),
        total: steps.len() as u64,
        steps,
    }
}

/// Everything that the page and the API say of a step.
fn outputs(step: Step) -> [String; 2] {
    let reader = Reader {
        name: "ana".into(),
        role: Role::Operator,
        scope: Scope::All,
    };
    let story = trace(vec![step]);
    [
        trace_page::render(&reader, &story, Sight::Masked).into_string(),
        trace_page::to_json(&story, Sight::Masked).to_string(),
    ]
}

fn says(output: &str, marker: &str) -> bool {
    let digits: String = marker.chars().filter(char::is_ascii_digit).collect();
    output.contains(marker) || (digits.len() > 6 && output.contains(&digits))
}

#[test]
fn no_text_of_any_fact_comes_out() {
    let facts = schemas::all().unwrap();
    for version in facts
        .iter()
        .filter(|one| schemas::latest(one.subject).unwrap().number == one.number)
    {
        for marker in MARKERS {
            let datum = marked(&version.schema, marker, &mut BTreeMap::new());
            let datum = GenericDatumWriter::builder(&version.schema)
                .build()
                .unwrap()
                .write_value_to_vec(datum)
                .unwrap();
            let text = topic_json::to_string(version.subject, &datum).unwrap();
            assert!(text.contains(marker));
            let mut content: Value = serde_json::from_str(&text).unwrap();
            if is_like_a_tenant(marker) {
                content["tenant"] = "acme".into();
            }
            for stage in [
                Stage::Raw,
                Stage::Item,
                Stage::Fact,
                Stage::Golden,
                Stage::CrmWrite,
                Stage::Metric,
            ] {
                let step = Step {
                    stage,
                    at: 1_777_899_600_000,
                    title: marker.to_owned(),
                    topic: Some(version.subject.to_owned()),
                    content: content.clone(),
                    links: vec![Link {
                        label: "person".into(),
                        id: marker.to_owned(),
                    }],
                };
                for output in outputs(step) {
                    assert!(
                        !says(&output, marker),
                        "{} {marker} as {stage:?}: {output}",
                        version.subject
                    );
                }
            }
        }
    }
}

#[test]
fn no_text_of_any_row_or_command_comes_out() {
    let mut places: Vec<Of> = vec![Of::Item, Of::Person, Of::Proposal, Of::Ledger, Of::Row("no_such_table")];
    places.extend(tables::names().map(Of::Row));
    for of in places {
        for marker in MARKERS {
            for path in Rules::of(of)
                .paths()
                .filter(|path| !(path.ends_with("tenant") && is_like_a_tenant(marker)))
            {
                let mut value = Value::from(marker);
                for part in path.rsplit('.') {
                    let (name, lists) = part
                        .split_once('[')
                        .map_or((part, 0), |(name, rest)| (name, rest.len().div_ceil(2)));
                    for _ in 0..lists {
                        value = json!([value]);
                    }
                    value = json!({name: value, marker: marker});
                }
                let output = record(of, &value).to_string();
                assert!(!says(&output, marker), "{of:?} {path}: {output}");
            }
        }
    }
}

/// JSON of any shape whose texts and whose foreign keys are markers; other keys are those that the platform has.
fn foreign(marker: &'static str) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::from(marker)),
        Just(json!(56_961_234_567_i64)),
        Just(Value::Null)
    ];
    let key = prop_oneof![
        prop::sample::select(foreign::names()).prop_map(str::to_owned),
        Just("body".to_owned()),
        Just("value".to_owned()),
        Just("messages".to_owned()),
        Just(marker.to_owned()),
    ];
    leaf.prop_recursive(6, 64, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_of_any_body_comes_out(
        (marker, body) in prop::sample::select(MARKERS.to_vec())
            .prop_flat_map(|marker| (Just(marker), foreign(marker))),
        as_text in any::<bool>(),
    ) {
        // One bare word may stand where a tenant does.
        let marker_in = |text: &str| !is_like_a_tenant(marker) && says(text, marker);
        let given = if as_text { Value::from(body.to_string()) } else { body.clone() };
        for content in [
            record(Of::Topic("hilo.raw"), &json!({"body": given})),
            record(Of::Topic("hilo.dead_letter"), &json!({"original": given})),
            record(Of::Topic("hilo.unclassified"), &json!({"original": given})),
            record(Of::Item, &json!({"content": body})),
        ] {
            let shown = content.to_string();
            prop_assert!(!marker_in(&shown) && !shown.contains("56961234567"), "{}", shown);
        }
    }

    /// Whatever a phone is written like and wherever it stands in a contract, it does not come out.
    #[test]
    fn no_phone_comes_out(phone in "[1-9][0-9]{9,12}", around in "[a-z ]{0,8}") {
        for version in schemas::all().unwrap() {
            for path in Rules::of(Of::Topic(version.subject)).paths() {
                for text in [phone.clone(), format!("+{phone}"), format!("{around}{phone}{around}")] {
                    let rules = Rules::of(Of::Topic(version.subject));
                    if rules.at(path) == Some(&shown::Shown::Time) {
                        continue;
                    }
                    let shown = rules.at(path).unwrap().text(&text);
                    prop_assert!(!shown.contains(&phone), "{} {}: {}", version.subject, path, shown);
                }
            }
        }
    }
}

/// The documented payloads: no text of theirs that is long enough to be somebody's comes out, but for words.
#[test]
fn documented_payloads_come_out_without_their_people() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/payloads");
    for file in ["pywa.ndjson", "bindambc.ndjson"] {
        let Ok(text) = std::fs::read_to_string(format!("{folder}/{file}")) else {
            eprintln!("skipped: {folder}/{file} is not here");
            continue;
        };
        for line in text.lines().filter(|line| line.starts_with('{')) {
            let body: Value = serde_json::from_str(line).unwrap();
            let shown = record(Of::Topic("hilo.raw"), &json!({"body": line})).to_string();
            let mut texts = Vec::new();
            gather(&body, "", &mut texts);
            for (key, text) in texts {
                let is_personal = [
                    "body",
                    "name",
                    "caption",
                    "wa_id",
                    "from",
                    "recipient_id",
                    "formatted_name",
                    "url",
                ];
                if is_personal.contains(&key.as_str()) && text.len() > 6 {
                    assert!(
                        !shown.contains(&format!("\"{key}\":{}", Value::from(text.as_str()))),
                        "{key} {text} in {shown}"
                    );
                }
            }
        }
    }
}

fn gather(value: &Value, key: &str, out: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => out.push((key.to_owned(), text.clone())),
        Value::Array(items) => items.iter().for_each(|item| gather(item, key, out)),
        Value::Object(fields) => fields.iter().for_each(|(key, inner)| gather(inner, key, out)),
        _ => {}
    }
}
