//! What the simulated world is made of, read back from its captures.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use hilo_simulator::{Kind, Profile, Simulator};
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use support::{START, capture, census, changes, elements, eventful, first_places, lines, recount, regulars};

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let (first, tally) = capture(5, eventful(300), 5_000);
    assert_eq!((&first, tally), (&capture(5, eventful(300), 5_000).0, tally));
    let (other, _) = capture(6, eventful(300), 5_000);
    let shared: HashSet<&str> = first.lines().collect();
    assert_eq!(
        other
            .lines()
            .filter(|line| shared.contains(line) && !line.contains("\"entry\":[]"))
            .count(),
        0
    );
}

#[test]
fn a_shorter_capture_is_the_beginning_of_a_longer_one() {
    let (short, _) = capture(5, eventful(300), 1_000);
    let (long, _) = capture(5, eventful(300), 3_000);
    assert!(short.len() < long.len() && long.starts_with(&short));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_tally_is_what_a_reader_counts(seed: u64, rate in 1..3_000_u32, items in 0..4_000_u64, people in 1..400_u32) {
        let (text, tally) = capture(seed, Profile { people, ..eventful(rate) }, items);
        prop_assert_eq!(tally, recount(&lines(&text)));
        prop_assert!(tally.items.unsigned_abs() >= items);
        prop_assert_eq!(tally.emitted + tally.duplicate + tally.unclassified + tally.dead_letter, tally.items);
    }
}

#[test]
fn everything_that_goes_wrong_does_go_wrong() {
    let (text, tally) = capture(1, eventful(400), 60_000);
    assert_eq!(tally, recount(&lines(&text)));
    for (what, count) in [
        ("duplicate", tally.duplicate),
        ("unclassified", tally.unclassified),
        ("dead_letter", tally.dead_letter),
        ("empty_deliveries", tally.empty_deliveries),
        ("orphans", tally.orphans),
    ] {
        assert!(count > 0, "no {what}");
    }
    // Most statuses are of messages that the capture announces.
    assert!(tally.orphans * 50 < tally.messages_sent, "{tally:?}");
    let lines = lines(&text);

    let (announced, reported) = first_places(&lines);
    let early = reported
        .iter()
        .filter(|((id, _), place)| announced.get(id).is_some_and(|line| *place < line))
        .count();
    let swapped = reported
        .iter()
        .filter(|((id, status), place)| {
            *status == "delivered" && reported.get(&(*id, "read")).is_some_and(|read| read < *place)
        })
        .count();
    let skipped = reported
        .keys()
        .filter(|(id, status)| *status == "read" && !reported.contains_key(&(*id, "delivered")))
        .count();
    let recovered = reported
        .keys()
        .filter(|(id, status)| *status == "failed" && reported.contains_key(&(*id, "delivered")))
        .count();
    for (what, count) in [
        ("status before its line", early),
        ("read before delivered", swapped),
        ("read without delivered", skipped),
        ("failed and delivered", recovered),
    ] {
        assert!(count > 3, "{what}: {count}");
    }

    let batches: Vec<usize> = lines
        .iter()
        .map(|line| {
            support::ARRAYS
                .iter()
                .map(|array| elements(std::slice::from_ref(line), array).count())
                .sum()
        })
        .collect();
    assert!(
        batches.iter().any(|size| *size >= 100),
        "the largest batch: {:?}",
        batches.iter().max()
    );
    assert!(batches.iter().filter(|size| (2..=12).contains(*size)).count() > 50);
    let several_changes = lines
        .iter()
        .filter_map(|line| line.get("body"))
        .filter(|body| changes(body).len() > 1);
    let mixed = several_changes
        .filter(|body| body["entry"].as_array().unwrap().len() > 1)
        .count();
    assert!(mixed > 3, "deliveries of several entries: {mixed}");
}

#[test]
fn people_are_of_all_countries_and_their_ids_move() {
    let (text, _) = capture(3, eventful(400), 60_000);
    let lines = lines(&text);
    let countries = census(&lines, "messages", |message| {
        Some(message["from_user_id"].as_str()?[..2].to_owned())
    });
    assert_eq!(
        countries.keys().map(String::as_str).collect::<Vec<_>>(),
        ["AR", "BR", "CL", "CO", "MX", "PE"]
    );
    let forms = census(&lines, "messages", |message| {
        let from = message["from"].as_str()?;
        Some(format!("{} {}", &from[..3], from.len()))
    });
    for form in [
        "521 13", "525 12", "551 12", "551 13", "549 13", "569 11", "573 12", "519 11",
    ] {
        assert!(forms.contains_key(form), "{form}: {forms:?}");
    }
    let hidden = elements(&lines, "messages")
        .filter(|message| message.get("from").is_none() && message.get("from_user_id").is_some());
    assert!(hidden.count() > 50);
    let mut owners: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.get("body").is_some()) {
        for message in elements(std::slice::from_ref(line), "messages") {
            let Some(user_id) = message["from_user_id"].as_str() else {
                continue;
            };
            if let Some(from) = message["from"].as_str() {
                owners
                    .entry((line["tenant"].as_str().unwrap(), from))
                    .or_default()
                    .insert(user_id);
            }
        }
    }
    assert!(owners.values().any(|ids| ids.len() > 1), "no number was recycled");
    let kinds = census(&lines, "messages", |message| {
        Some(message["system"]["type"].as_str()?.to_owned())
    });
    assert!(kinds["user_changed_number"] > 3, "{kinds:?}");
    assert!(elements(&lines, "user_id_update").count() > 3);
    let without_nine = lines.iter().filter_map(|line| line["to"]["phone"].as_str());
    assert!(without_nine.filter(|phone| phone.starts_with("+5411")).count() > 3);
}

#[test]
fn people_who_come_back_show_their_phone_and_take_an_opt_out_back() {
    let (text, _) = capture(3, regulars(100), 60_000);
    let lines = lines(&text);
    let mut shown: BTreeMap<&str, BTreeSet<bool>> = BTreeMap::new();
    for message in elements(&lines, "messages") {
        if let Some(user_id) = message["from_user_id"].as_str() {
            shown.entry(user_id).or_default().insert(message.get("from").is_some());
        }
    }
    assert!(shown.values().any(|forms| forms.len() > 1), "no hidden phone appeared");
    let preferences = census(&lines, "user_preferences", |one| {
        Some(one["value"].as_str()?.to_owned())
    });
    assert!(
        preferences.contains_key("stop") && preferences.contains_key("resume"),
        "{preferences:?}"
    );
}

#[test]
fn all_that_people_and_agents_do_is_there() {
    let (text, _) = capture(3, eventful(400), 80_000);
    let lines = lines(&text);
    let types = census(&lines, "messages", |message| Some(message["type"].as_str()?.to_owned()));
    for kind in [
        "text",
        "image",
        "audio",
        "video",
        "document",
        "sticker",
        "location",
        "contacts",
        "order",
        "unsupported",
        "button",
        "interactive",
        "reaction",
        "edit",
        "revoke",
        "system",
    ] {
        assert!(types.contains_key(kind), "{kind}: {types:?}");
    }
    let codes = census(&lines, "statuses", |status| {
        Some(status["errors"][0]["code"].as_u64()?.to_string())
    });
    for code in ["130472", "131026", "131047", "131049", "131050", "132015"] {
        assert!(codes.contains_key(code), "{code}: {codes:?}");
    }
    let hanging = |there: bool| {
        elements(&lines, "messages").filter(move |one| one["type"] == "button" && one.get("context").is_some() == there)
    };
    assert!(hanging(true).count() > 3 && hanging(false).count() > 3);
    let referrals: Vec<&Value> = elements(&lines, "messages")
        .filter_map(|one| one.get("referral"))
        .collect();
    assert!(referrals.iter().any(|one| one.get("ctwa_clid").is_none()));
    assert!(referrals.iter().any(|one| one.get("ctwa_clid").is_some()));
    assert!(elements(&lines, "message_echoes").count() > 3);

    let events: BTreeSet<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    for event in [
        "assigned",
        "handed_off",
        "resolved",
        "reopened",
        "snoozed",
        "rated",
        "deal_won",
        "deal_lost",
    ] {
        assert!(events.contains(event), "{event}: {events:?}");
    }
    let authors: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line["author"]["kind"].as_str())
        .collect();
    assert_eq!(
        authors.into_iter().collect::<Vec<_>>(),
        ["agent", "automation", "bot", "campaign"]
    );
    let segments: BTreeSet<&str> = lines.iter().filter_map(|line| line["segment"].as_str()).collect();
    assert_eq!(segments.len(), 4);
    let systems: BTreeSet<&str> = lines.iter().filter_map(|line| line["system"].as_str()).collect();
    assert_eq!(systems.into_iter().collect::<Vec<_>>(), ["hubspot", "salesforce"]);
    let fields: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line.get("body"))
        .flat_map(changes)
        .map(|change| change.field)
        .collect();
    let ratings: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| line["number"]["quality_rating"].as_str())
        .collect();
    assert!(ratings.contains("GREEN") && ratings.contains("RED"), "{ratings:?}");
    for field in [
        "account_update",
        "business_capability_update",
        "message_template_quality_update",
        "message_template_status_update",
        "mood_update",
        "phone_number_quality_update",
    ] {
        assert!(fields.contains(field), "{field}: {fields:?}");
    }
}

#[test]
fn bodies_have_the_shapes_of_the_platform() {
    let (text, _) = capture(4, eventful(400), 30_000);
    for line in lines(&text) {
        let Some(body) = line.get("body") else { continue };
        assert_eq!(body["object"], "whatsapp_business_account");
        for change in changes(body) {
            assert!(change.entry["id"].is_string());
            let Some(value) = change.value else { continue };
            if !support::ARRAYS.iter().any(|array| value.get(array).is_some()) {
                assert!(change.entry["time"].is_u64(), "{body}");
                continue;
            }
            let business = &value["metadata"]["display_phone_number"];
            assert!(business.is_string() && value["metadata"]["phone_number_id"].is_string());
            let contacts: Vec<&Value> = value["contacts"].as_array().into_iter().flatten().collect();
            let known: HashSet<&str> = contacts
                .iter()
                .map(|contact| contact["user_id"].as_str().unwrap())
                .collect();
            assert_eq!(known.len(), contacts.len(), "a contact twice in {body}");
            for message in value["messages"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|one| one.get("id").is_some())
            {
                let kind = message["type"].as_str().unwrap();
                assert!(message.get(kind).is_some(), "{kind} without its body: {message}");
                assert!(message["timestamp"].as_str().unwrap().parse::<u64>().is_ok());
                assert_ne!(&message["from"], business);
                if kind != "system" {
                    assert!(known.contains(message["from_user_id"].as_str().unwrap()), "{body}");
                }
            }
            for status in value["statuses"].as_array().into_iter().flatten() {
                let failed = status["status"] == "failed";
                assert_eq!(failed, status.get("errors").is_some(), "{status}");
                assert!(status["timestamp"].is_string() && status["id"].as_str().unwrap().starts_with("wamid."));
                match status["recipient_user_id"].as_str() {
                    Some(user_id) if !failed => assert!(known.contains(user_id), "{body}"),
                    Some(_) => assert!(status.get("recipient_id").is_none(), "{status}"),
                    None => assert!(failed && status["recipient_id"].is_string(), "{status}"),
                }
            }
            for preference in value["user_preferences"].as_array().into_iter().flatten() {
                assert!(preference["timestamp"].is_u64() && preference["user_id"].is_string());
            }
        }
    }
}

#[test]
fn deliveries_come_in_the_order_of_sending_and_their_event_times_do_not() {
    let events: Vec<_> = Simulator::new(8, eventful(200)).take(5_000).collect();
    assert!(events.windows(2).all(|pair| pair[0].send_at <= pair[1].send_at));
    assert!(events.iter().all(|event| event.at <= event.send_at));
    let backwards = events.windows(2).filter(|pair| pair[0].at > pair[1].at).count();
    assert!(backwards > 500, "{backwards} of 5000");
    let escaped = events
        .iter()
        .filter(|event| matches!(&event.kind, Kind::Webhook { body } if body.contains("\\u")));
    let plain = events
        .iter()
        .filter(|event| matches!(&event.kind, Kind::Webhook { body } if !body.is_ascii()));
    assert!(escaped.count() > 100 && plain.count() > 100);
}

#[test]
fn the_rate_is_kept() {
    for rate in [5, 50, 200, 5_000] {
        let seconds = if rate < 100 { 1_200 } else { 90 };
        let (mut items, mut early) = (0, 0);
        for event in Simulator::new(9, Profile::demo(START, rate)) {
            if event.send_at >= START + seconds * 1_000 {
                break;
            }
            items += event.tally.items;
            early += if event.send_at < START + 20_000 {
                event.tally.items
            } else {
                0
            };
        }
        let wanted = i64::from(rate) * seconds;
        assert!(
            (wanted * 85 / 100..wanted * 115 / 100).contains(&items),
            "{rate}/s: {items} items of {wanted}"
        );
        let wanted = i64::from(rate) * 20;
        assert!(
            rate < 50 || early > wanted / 2,
            "{rate}/s: {early} items of {wanted} in the first 20 s"
        );
    }
}

#[test]
fn no_rate_and_no_tenant_make_no_traffic() {
    assert_eq!(Simulator::new(1, Profile::demo(START, 0)).next(), None);
    assert_eq!(
        Simulator::new(
            1,
            Profile {
                tenants: Vec::new(),
                ..Profile::demo(START, 10)
            }
        )
        .next(),
        None
    );
}
