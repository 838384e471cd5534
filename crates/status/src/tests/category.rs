//! Which category decides: the platform's word over the sender's, whatever comes first.

use super::{Run, message, resolved, status};
use hilo_contracts::{
    item::{Body, Item, MessageRecord, Origin, TemplateNamed},
    stored::PricingRef,
};
use hilo_stream::{Verdict, driver::permuted};
use proptest::prelude::*;

/// A status with a pricing.
fn priced(at: i64, category: Option<&str>) -> Item {
    let mut item = status("delivered", at, None, None);
    item.content = format!("{at} {category:?}");
    if let Body::Status(status) = &mut item.body {
        status.pricing = Some(PricingRef {
            category: category.map(Into::into),
            ..PricingRef::default()
        });
    }
    item
}

fn named(at: i64, category: &str, language: &str) -> MessageRecord {
    MessageRecord::TemplateNamed(TemplateNamed {
        tenant: "acme".into(),
        name: "promo".into(),
        language: Some(language.into()),
        at,
        category: category.into(),
    })
}

fn of(item: Item) -> MessageRecord {
    resolved(Some("p1"), 1, item)
}

/// The category of the last fact.
fn category(records: &[MessageRecord]) -> Option<String> {
    let mut run = Run::default();
    for record in records {
        run.feed(record);
    }
    run.facts().pop().unwrap().category
}

/// The line of the send says `marketing`, at 5.
fn send() -> MessageRecord {
    of(message(Origin::Outbound, 5, "template"))
}

#[test]
fn the_first_pricing_decides_then_the_platforms_events_then_the_line() {
    let got = |records: &[MessageRecord]| category(records).unwrap_or_default();
    assert_eq!(got(&[send()]), "marketing");
    assert_eq!(got(&[send(), named(4, "UTILITY", "es")]), "utility", "in lower case");
    assert_eq!(got(&[named(4, "utility", "es"), send()]), "utility");
    assert_eq!(got(&[send(), named(5, "utility", "es")]), "marketing", "not before it");
    assert_eq!(
        got(&[send(), named(4, "utility", "pt")]),
        "marketing",
        "another language"
    );
    let priced = [
        send(),
        named(4, "utility", "es"),
        of(priced(9, Some("Authentication"))),
        of(priced(8, None)),
        of(priced(12, Some("service"))),
    ];
    assert_eq!(got(&priced), "authentication");
}

#[test]
fn an_orphan_and_a_free_form_send_have_that_of_their_pricing() {
    assert_eq!(category(&[of(priced(9, Some("service")))]).as_deref(), Some("service"));
    assert_eq!(category(&[of(message(Origin::Echo, 5, "text"))]), None);
    let echo = [of(message(Origin::Echo, 5, "text")), of(priced(9, Some("service")))];
    assert_eq!(category(&echo).as_deref(), Some("service"));
}

#[test]
fn an_event_publishes_only_what_it_changes() {
    let mut run = Run::default();
    run.feed(&send());
    run.restart();
    assert_eq!(run.feed(&named(1, "marketing", "es")), Verdict::Done);
    assert_eq!(run.facts().len(), 1, "the line said so");
    run.feed(&named(3, "utility", "es"));
    run.feed(&named(2, "authentication", "es"));
    run.feed(&named(7, "authentication", "es"));
    assert_eq!(run.feed(&named(7, "authentication", "es")), Verdict::Drop("known"));
    let facts = run.facts();
    let [_, changed] = facts.as_slice() else {
        panic!("{facts:?}")
    };
    assert_eq!(
        (changed.kind.as_str(), changed.category.as_deref(), changed.revision),
        ("category_changed", Some("utility"), 2)
    );
    assert_eq!((changed.event_time, changed.accepted_at), (3, Some(5)));
    assert_eq!(
        (changed.tenant.as_str(), changed.message_id.as_str()),
        ("acme", super::ID)
    );
    run.feed(&of(priced(9, Some("service"))));
    run.restart();
    run.feed(&named(4, "marketing", "es"));
    assert_eq!(run.facts().len(), 3, "a pricing is the last word");
}

proptest! {
    #[test]
    fn any_order_ends_in_the_same_category(
        events in prop::collection::vec((0..8i64, prop::sample::select(vec!["utility", "marketing", "authentication"])), 0..5),
        pricings in prop::collection::vec((6..9i64, prop::option::of(prop::sample::select(vec!["service", "utility"]))), 0..3),
        restart in 0..10usize,
        seed in any::<u64>(),
    ) {
        let mut records = vec![send()];
        records.extend(events.iter().map(|(at, category)| named(*at, category, "es")));
        records.extend(pricings.iter().map(|(at, category)| of(priced(*at, *category))));
        let mut run = Run::default();
        for (place, record) in permuted(&records, seed).iter().enumerate() {
            if place == restart {
                run.restart();
            }
            run.feed(record);
        }
        let first = pricings.iter().filter_map(|(at, category)| Some((*at, (*category)?))).min();
        let last = events.iter().filter(|(at, _)| *at < 5).max_by_key(|(at, category)| (*at, std::cmp::Reverse(*category)));
        let want = first.or(last.copied()).map_or("marketing", |(_, category)| category);
        prop_assert_eq!(run.facts().pop().unwrap().category, Some(want.to_owned()));
    }
}
