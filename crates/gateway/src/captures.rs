//! Capture lines over HTTP: what the address and the token say is written into them, the rest stays as it came.

use crate::{
    measures::Endpoint,
    refusal::{Problem, Refusal},
};
use hilo_contracts::{capture, facts::Raw};
use hilo_domain::{Millis, time};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What an address and a token say about lines.
pub(crate) struct Claims<'a> {
    pub(crate) endpoint: Endpoint,
    pub(crate) tenant: &'a str,
    /// The last part of `/v1/crm/{system}`.
    pub(crate) system: Option<&'a str>,
    /// Stands for an `at` that a line does not have.
    pub(crate) received_at: Millis,
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
        loop {
            let line = raws.len() + 1;
            let at_line = |problem| Refusal::Line { line, problem };
            match values.next() {
                None if raws.is_empty() => return Err(Refusal::Empty),
                None => return Ok(raws),
                Some(Err(_)) => return Err(at_line(Problem::NoJson)),
                Some(Ok(value)) => raws.push(self.record(value.get()).map_err(at_line)?),
            }
        }
    }

    fn record(&self, object: &str) -> Result<Raw, Problem> {
        let rest = object.strip_prefix('{').ok_or(Problem::NoObject)?.trim_ascii_start();
        // It is an object of valid JSON: only a key that stands twice is left to complain about.
        let line: Line = serde_json::from_str(object).map_err(|_| Problem::Ambiguous)?;
        let mut whole = String::with_capacity(object.len() + 128);
        let mut claim = |key: &str, found: Option<&RawValue>, claimed: &str, other: Problem| match found {
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
        claim("source", line.source, self.source(), Problem::OtherSource)?;
        claim("tenant", line.tenant, self.tenant, Problem::OtherTenant)?;
        if let Some(system) = self.system {
            claim("system", line.system, system, Problem::OtherSystem)?;
        }
        match line.at {
            Some(at) => {
                text(at).and_then(|at| time::parse_rfc3339(&at)).ok_or(Problem::At)?;
            }
            None => claim("at", None, &time::to_rfc3339(self.received_at), Problem::At)?,
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
        match capture::from_line(whole.as_bytes(), None, 0) {
            Some(raw) if raw.source == self.source() => Ok(capture::received(raw, self.received_at)),
            _ => Err(Problem::NoObject),
        }
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

    const CLAIMS: Claims = Claims {
        endpoint: Endpoint::Crm,
        tenant: "acme",
        system: Some("hubspot"),
        received_at: 1_777_899_600_007,
    };

    fn bodies(body: &str) -> Vec<Value> {
        let raws = CLAIMS.records(body.as_bytes()).unwrap();
        raws.iter()
            .map(|raw| serde_json::from_slice(&raw.body).unwrap())
            .collect()
    }

    fn problem(body: &str) -> (usize, Problem) {
        match CLAIMS.records(body.as_bytes()) {
            Err(Refusal::Line { line, problem }) => (line, problem),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn what_address_and_token_say_is_added_and_the_rest_stays() {
        let added = json!({"source": "crm", "tenant": "acme", "system": "hubspot", "at": "2026-05-04T13:00:00.007Z"});
        assert_eq!(bodies("{}"), [added]);
        let raw = CLAIMS
            .records(b"{ \"at\":\"2026-05-04T10:00:00Z\",\n \"amount\": 1.50, \"x\":\"\\u00e9\\ud83d\" }")
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&raw[0].body),
            r#"{"source":"crm","tenant":"acme","system":"hubspot","at":"2026-05-04T10:00:00Z",  "amount": 1.50, "x":"\u00e9\ud83d" }"#
        );
        assert_eq!((raw[0].tenant.as_str(), raw[0].source.as_str()), ("acme", "crm"));
        assert_eq!(raw[0].received_at, CLAIMS.received_at, "the receipt is ours");
        let claimed = CLAIMS
            .records(br#"{"at":"2026-05-04T10:00:00Z","received_at":"2056-05-04T10:00:00Z"}"#)
            .unwrap();
        assert_eq!(claimed[0].received_at, CLAIMS.received_at, "whatever the line says");
        let complete = r#"{"source":"crm","ten\u0061nt":"acme","system":"hubspot","at":"2026-05-04T10:00:00Z","event":"deal_won"}"#;
        assert_eq!(
            CLAIMS.records(complete.as_bytes()).unwrap()[0].body,
            complete.as_bytes()
        );
    }

    #[test]
    fn one_object_over_many_lines_or_many_objects() {
        assert_eq!(bodies("{\n  \"event\":\n  \"deal_won\"\n}\n").len(), 1);
        let many = bodies("{\"n\":1}\n\n{\"n\":2}\r\n  {\"n\":3}");
        assert_eq!(
            many.iter()
                .map(|value| value["n"].as_i64().unwrap())
                .collect::<Vec<_>>(),
            [1, 2, 3]
        );
    }

    #[test]
    fn a_bad_line_is_named_and_nothing_is_taken() {
        for (body, line, expected) in [
            ("hello", 1, Problem::NoJson),
            ("{\"a\":1}\n{\"a\":", 2, Problem::NoJson),
            ("{}\n[{}]", 2, Problem::NoObject),
            ("\"text\"", 1, Problem::NoObject),
            ("null", 1, Problem::NoObject),
            (r#"{"tenant":"other"}"#, 1, Problem::OtherTenant),
            (r#"{"tenant":null}"#, 1, Problem::OtherTenant),
            (r#"{"tenant":"acme","tenant":"other"}"#, 1, Problem::Ambiguous),
            (r#"{"tenant":"acme","ten\u0061nt":"other"}"#, 1, Problem::Ambiguous),
            (r#"{"source":"inbox"}"#, 1, Problem::OtherSource),
            (r#"{"system":"salesforce"}"#, 1, Problem::OtherSystem),
            (r#"{"at":"soon"}"#, 1, Problem::At),
            (r#"{"at":5}"#, 1, Problem::At),
        ] {
            assert_eq!(problem(body), (line, expected), "{body}");
        }
        for empty in ["", " \n"] {
            assert_eq!(CLAIMS.records(empty.as_bytes()), Err(Refusal::Empty));
        }
        assert!(CLAIMS.records(b"{\"a\":\"\xff\"}").is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_taken_is_the_tenants_own(body in r#"[{}\[\]",:\\ a\n]{0,24}|\{("(tenant|source|system|at|x)":("acme"|"crm"|null|1),?){0,3}\}"#) {
            if let Ok(raws) = CLAIMS.records(body.as_bytes()) {
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
