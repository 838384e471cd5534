//! What the platform answers when it is asked about a number or a template.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails is a test that fails"
)]

mod support;

use hilo_contracts::item::{Account, Body, Item};
use support::lines;

/// What one platform line says.
fn snapshot(rest: &str) -> (Item, Account) {
    let line = format!(r#"{{"source":"platform","tenant":"acme","at":"2026-05-04T13:00:00.5Z",{rest}}}"#);
    let mut run = lines(&line);
    let item = run.items.pop().unwrap();
    let Body::Account(account) = item.body.clone() else {
        panic!("{item:?}")
    };
    (item, account)
}

#[test]
fn a_number_that_was_asked_for_tells_quality_and_limit_of_one_time() {
    let (item, number) = snapshot(
        r#""waba_id":"310","portfolio_id":900,"number":{"id":"210","quality_rating":"green","messaging_limit_tier":"TIER_1K",
        "whatsapp_business_manager_messaging_limit":"TIER_2K"}"#
            .replace('\n', "")
            .as_str(),
    );
    assert_eq!(
        (item.event_time, item.entry_id.as_str(), item.has_person),
        (1_777_899_600_500, "310", false)
    );
    assert_eq!(
        (
            number.subject_kind.as_str(),
            number.subject_id.as_str(),
            number.kind.as_str()
        ),
        ("phone_number", "210", "number_snapshot")
    );
    assert_eq!(
        (number.quality.as_deref(), number.limit, number.portfolio_id.as_deref()),
        (Some("GREEN"), Some(2_000), Some("900"))
    );
    for (answer, quality, limit) in [
        (r#""quality_rating":"NA""#, Some("NA"), None),
        (
            r#""quality_rating":null,"quality_score":{"score":"RED"}"#,
            Some("RED"),
            None,
        ),
        (r#""messaging_limit_tier":"TIER_1K""#, None, Some(1_000)),
        // Not set today is not what an older field said.
        (
            r#""messaging_limit_tier":"TIER_1K","whatsapp_business_manager_messaging_limit":"TIER_NOT_SET""#,
            None,
            None,
        ),
        (
            r#""whatsapp_business_manager_messaging_limit":"TIER_UNLIMITED""#,
            None,
            Some(-1),
        ),
        (r#""quality_rating":7,"messaging_limit_tier":{}"#, None, None),
    ] {
        let (item, number) = snapshot(&format!(r#""number":{{"id":"210",{answer}}}"#));
        assert_eq!((number.quality.as_deref(), number.limit), (quality, limit), "{answer}");
        assert_eq!((item.entry_id.as_str(), number.portfolio_id), ("", None));
    }
}

#[test]
fn a_template_that_was_asked_for_tells_its_quality_and_words() {
    let (_, told) = snapshot(
        r#""template":{"id":"710001","name":"promo","language":"es-CL","category":"MARKETING","status":"REJECTED",
        "rejected_reason":"TAG_CONTENT_MISMATCH","quality_score":{"score":"YELLOW","date":1777890000}}"#
            .replace('\n', "")
            .as_str(),
    );
    assert_eq!(
        (told.subject_kind.as_str(), told.subject_id.as_str(), told.kind.as_str()),
        ("template", "710001", "template_snapshot")
    );
    assert_eq!(
        (told.quality.as_deref(), told.reason.as_deref()),
        (Some("YELLOW"), Some("TAG_CONTENT_MISMATCH"))
    );
    let template = told.template.unwrap();
    assert_eq!(
        (
            template.name.as_str(),
            template.language.as_deref(),
            template.category.as_deref()
        ),
        ("promo", Some("es_CL"), Some("marketing"))
    );
    let (_, plain) = snapshot(r#""template":{"id":7,"rejected_reason":"NONE"}"#);
    assert_eq!(
        (plain.subject_id.as_str(), plain.quality, plain.reason),
        ("7", None, None)
    );
}
