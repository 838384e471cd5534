//! Capture lines over HTTP: what the address and the token say is written into them, the rest stays as it came.

use crate::{
    measures::Endpoint,
    refusal::{OTHER_TENANT, Refusal},
};
use hilo_contracts::{capture, facts::Raw};
use hilo_domain::{Millis, time};
use hilo_normalize::{LineProblem, Tenant, check};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

const fn problem(
    code: &'static str,
    field: &'static str,
    error: &'static str,
    allowed: &'static [&'static str],
) -> LineProblem {
    LineProblem {
        code,
        error,
        field,
        allowed,
    }
}

const NOT_JSON: LineProblem = problem("not_json", "", "is no JSON", &[]);
const NOT_OBJECT: LineProblem = problem("not_object", "", "is no JSON object", &[]);
const AMBIGUOUS: LineProblem = problem("ambiguous_key", "", "has source, tenant, system or at twice", &[]);
const OTHER_SOURCE: LineProblem = problem("other_source", "source", "names another source than the address", &[]);
const OTHER_SYSTEM: LineProblem = problem("other_system", "system", "names another system than the address", &[]);
const BAD_TIME: LineProblem = problem(
    "bad_time",
    "at",
    "has an at that is no instant",
    &["2026-05-04T13:00:00Z"],
);

/// What an address and a token say about lines.
pub(crate) struct Claims<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) tenant: &'a str,
    /// The last part of `/v1/crm/{system}`.
    pub(crate) system: Option<&'a str>,
    /// Stands for an `at` that a line does not have.
    pub(crate) received_at: Millis,
    /// What the configuration says of the tenant.
    pub(crate) settings: &'a Tenant,
    /// Lines of one request.
    pub(crate) most_lines: usize,
}

/// Keys that the gateway looks at.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    source: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    tenant: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    system: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    at: Option<&'a RawValue>,
}

/// A null is a value too: the key is there and must not be added again.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl Claims<'_> {
    fn source(&self) -> &'static str {
        match self.endpoint {
            Endpoint::Outbound => capture::OUTBOUND,
            Endpoint::Inbox => capture::INBOX,
            Endpoint::Platform => capture::PLATFORM,
            Endpoint::Identity => capture::IDENTITY,
            Endpoint::Crm => capture::CRM,
            Endpoint::Challenge | Endpoint::WhatsApp => capture::WHATSAPP,
        }
    }

    /// The records of a body: one JSON object over any number of text lines, or several behind one another. All or none.
    pub(crate) fn records(&self, body: &[u8]) -> Result<Vec<Raw>, Refusal> {
        let mut raws = Vec::new();
        let mut values = serde_json::Deserializer::from_slice(body).into_iter::<&RawValue>();
        let mut refused = None;
        let mut line = 0;
        loop {
            line += 1;
            let at_line = |problem| Refusal::Line { line, problem };
            match values.next() {
                None => break,
                // Said first: a body that is too long is too long whatever its lines say.
                Some(_) if line > self.most_lines => return Err(Refusal::TooManyLines(self.most_lines)),
                Some(Err(_)) => {
                    refused = refused.or(Some(at_line(NOT_JSON)));
                    break;
                }
                Some(Ok(_)) if refused.is_some() => {}
                Some(Ok(value)) => match self.record(value.get()) {
                    Ok(raw) => raws.push(raw),
                    Err(problem) => refused = Some(at_line(problem)),
                },
            }
        }
        match refused {
            Some(refused) => Err(refused),
            None if raws.is_empty() => Err(Refusal::Empty),
            None => Ok(raws),
        }
    }

    fn record(&self, object: &str) -> Result<Raw, LineProblem> {
        let rest = object.strip_prefix('{').ok_or(NOT_OBJECT)?.trim_ascii_start();
        // It is an object of valid JSON: only a key that stands twice is left to complain about.
        let line: Line = serde_json::from_str(object).map_err(|_| AMBIGUOUS)?;
        let mut whole = String::with_capacity(object.len() + 128);
        let mut claim = |key: &str, found: Option<&RawValue>, claimed: &str, other: LineProblem| match found {
            Some(found) if text(found).as_deref() == Some(claimed) => Ok(()),
            Some(_) => Err(other),
            None => {
                whole.push(if whole.is_empty() { '{' } else { ',' });
                // A string as JSON; `key` needs no escapes.
                let claimed = serde_json::Value::from(claimed).to_string();
                whole.extend(["\"", key, "\":", &claimed]);
                Ok(())
            }
        };
        claim("source", line.source, self.source(), OTHER_SOURCE)?;
        claim("tenant", line.tenant, self.tenant, OTHER_TENANT)?;
        if let Some(system) = self.system {
            claim("system", line.system, system, OTHER_SYSTEM)?;
        }
        match line.at {
            Some(at) => {
                text(at).and_then(|at| time::parse_rfc3339(&at)).ok_or(BAD_TIME)?;
            }
            None => claim("at", None, &time::to_rfc3339(self.received_at), BAD_TIME)?,
        }
        whole.push(match (whole.is_empty(), rest) {
            (true, _) => '{',
            (false, "}") => ' ',
            (false, _) => ',',
        });
        // Line breaks in JSON are white space, and a capture line has none.
        whole.extend(
            rest.chars()
                .map(|char| if matches!(char, '\n' | '\r') { ' ' } else { char }),
        );
        let raw = capture::from_line(whole.as_bytes(), None, 0).filter(|raw| raw.source == self.source());
        let raw = capture::received(raw.ok_or(NOT_OBJECT)?, self.received_at);
        check(&raw, self.settings)?;
        Ok(raw)
    }
}

fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use std::sync::LazyLock;

    static CHILEAN: LazyLock<Tenant> = LazyLock::new(|| Tenant::of(Some("CL".to_owned())));

    fn claims() -> Claims<'static> {
        Claims {
            endpoint: Endpoint::Crm,
            tenant: "acme",
            system: Some("hubspot"),
            received_at: 1_777_899_600_007,
            settings: &CHILEAN,
            most_lines: 3,
        }
    }

    fn bodies(body: &str) -> Vec<Value> {
        let raws = claims().records(body.as_bytes()).unwrap();
        raws.iter()
            .map(|raw| serde_json::from_slice(&raw.body).unwrap())
            .collect()
    }

    fn problem(body: &str) -> (usize, &'static str) {
        match claims().records(body.as_bytes()) {
            Err(Refusal::Line { line, problem }) => (line, problem.code),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn what_address_and_token_say_is_added_and_the_rest_stays() {
        let added = json!({"source": "crm", "tenant": "acme", "system": "hubspot", "at": "2026-05-04T13:00:00.007Z",
            "event": "deal_won"});
        assert_eq!(bodies(r#"{"event":"deal_won"}"#), [added]);
        let raw = claims()
            .records(
                b"{ \"at\":\"2026-05-04T10:00:00Z\",\n \"event\": \"e\", \"amount\": 1.50, \"x\":\"\\u00e9\\ud83d\" }",
            )
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&raw[0].body),
            r#"{"source":"crm","tenant":"acme","system":"hubspot","at":"2026-05-04T10:00:00Z",  "event": "e", "amount": 1.50, "x":"\u00e9\ud83d" }"#
        );
        assert_eq!((raw[0].tenant.as_str(), raw[0].source.as_str()), ("acme", "crm"));
        assert_eq!(raw[0].received_at, claims().received_at, "the receipt is ours");
        let claimed = claims()
            .records(br#"{"at":"2026-05-04T10:00:00Z","event":"e","received_at":"2056-05-04T10:00:00Z"}"#)
            .unwrap();
        assert_eq!(claimed[0].received_at, claims().received_at, "whatever the line says");
        let complete = r#"{"source":"crm","ten\u0061nt":"acme","system":"hubspot","at":"2026-05-04T10:00:00Z","event":"deal_won"}"#;
        assert_eq!(
            claims().records(complete.as_bytes()).unwrap()[0].body,
            complete.as_bytes()
        );
    }

    #[test]
    fn one_object_over_many_lines_or_many_objects() {
        assert_eq!(bodies("{\n  \"event\":\n  \"deal_won\"\n}\n").len(), 1);
        let many = bodies("{\"event\":\"1\"}\n\n{\"event\":\"2\"}\r\n  {\"event\":\"3\"}");
        let events: Vec<&str> = many.iter().filter_map(|value| value["event"].as_str()).collect();
        assert_eq!(events, ["1", "2", "3"]);
    }

    #[test]
    fn a_bad_line_is_named_and_nothing_is_taken() {
        let good = r#"{"event":"deal_won"}"#;
        for (body, line, expected) in [
            ("hello".to_owned(), 1, "not_json"),
            (format!("{good}\n{{\"a\":"), 2, "not_json"),
            (format!("{good}\n[{good}]"), 2, "not_object"),
            ("\"text\"".to_owned(), 1, "not_object"),
            ("null".to_owned(), 1, "not_object"),
            (r#"{"tenant":"other"}"#.to_owned(), 1, "other_tenant"),
            (r#"{"tenant":null}"#.to_owned(), 1, "other_tenant"),
            (r#"{"tenant":"acme","tenant":"other"}"#.to_owned(), 1, "ambiguous_key"),
            (
                r#"{"tenant":"acme","ten\u0061nt":"other"}"#.to_owned(),
                1,
                "ambiguous_key",
            ),
            (r#"{"source":"inbox"}"#.to_owned(), 1, "other_source"),
            (r#"{"system":"salesforce"}"#.to_owned(), 1, "other_system"),
            (r#"{"at":"soon"}"#.to_owned(), 1, "bad_time"),
            (r#"{"at":5}"#.to_owned(), 1, "bad_time"),
            // The receipt is 13:00:00.007.
            (
                r#"{"event":"e","at":"2026-05-04T13:05:00.008Z"}"#.to_owned(),
                1,
                "from_the_future",
            ),
            (
                r#"{"event":"e","at":"2028-01-01T00:00:00Z"}"#.to_owned(),
                1,
                "from_the_future",
            ),
            // What the parser of `normalize` finds.
            (format!("{good}{good}{{}}"), 3, "no_event"),
            (r#"{"event":"e","user":{"phone":"x"}}"#.to_owned(), 1, "bad_phone"),
        ] {
            assert_eq!(problem(&body), (line, expected), "{body}");
        }
        for empty in ["", " \n"] {
            assert_eq!(claims().records(empty.as_bytes()), Err(Refusal::Empty));
        }
        assert!(claims().records(b"{\"event\":\"\xff\"}").is_err());
        assert!(
            claims()
                .records(br#"{"event":"e","at":"2026-05-04T13:05:00.007Z"}"#)
                .is_ok()
        );
        assert!(
            claims()
                .records(br#"{"event":"e","user":{"phone":"9 6123 4567"}}"#)
                .is_ok(),
            "a local form"
        );
    }

    #[test]
    fn lines_of_one_request_are_bounded() {
        let line = r#"{"event":"deal_won"}"#;
        assert_eq!(bodies(&line.repeat(3)).len(), 3);
        assert_eq!(
            claims().records(line.repeat(4).as_bytes()),
            Err(Refusal::TooManyLines(3))
        );
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_the_tenants_own(body in r#"[{}\[\]",:\\ a\n]{0,24}|\{("(tenant|source|system|at|event)":("acme"|"crm"|null|1),?){0,4}\}"#) {
            if let Ok(raws) = claims().records(body.as_bytes()) {
                prop_assert!(!raws.is_empty());
                for raw in raws {
                    prop_assert_eq!((raw.tenant.as_str(), raw.source.as_str()), ("acme", "crm"));
                    let value: Value = serde_json::from_slice(&raw.body).unwrap();
                    prop_assert_eq!(&value["tenant"], "acme");
                    prop_assert!(!raw.body.contains(&b'\n'));
                }
            }
        }
    }
}
