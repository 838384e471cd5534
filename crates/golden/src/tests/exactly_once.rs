//! However the log is cut into batches, read again, and interrupted, the database is the same; and its views say what
//! the state files say.

use super::{
    dump,
    facts::{Log, accepted, event, observation, person, received, sent, session},
    state,
};
use crate::Golden;
use hilo_contracts::facts::{Conversation, Identity, Session, Status};
use proptest::prelude::*;
use std::collections::BTreeMap;

const PEOPLE: [&str; 3] = ["a", "b", "c"];
const TYPES: [&str; 4] = ["text", "edit", "reaction", "image"];

/// A step of a history: what is told about, by whom, and a variation.
type Step = (u8, u8, u8, u8);

/// A log as the processors would write it: revisions of a key rise, its event time stays.
fn log(steps: &[Step]) -> Log {
    let mut log = Log::default();
    let mut revisions: BTreeMap<String, i64> = BTreeMap::new();
    let mut closed: Vec<&str> = Vec::new();
    for (what, number, who, variation) in steps {
        let who = PEOPLE[usize::from(*who) % 3];
        let number = number % 4;
        let mut next = |key: String| {
            let revision = revisions.entry(key).or_default();
            *revision += 1;
            *revision
        };
        let time = i64::from(number) * 10;
        match what % 7 {
            0 if closed.contains(&who) => {}
            0 => {
                let revision = next(format!("person {who}"));
                let values = [("phone", "+1", variation % 2 == 0), ("bsuid", who, false)];
                let fact = person(who, revision, "CL", &values[usize::from(variation % 3 == 0)..]);
                let close = variation % 5 == 4;
                closed.extend(close.then_some(who));
                let kind = if close { "closed" } else { "linked" }.to_owned();
                log.identity(&Identity {
                    kind,
                    other_person_id: close.then(|| "z".to_owned()),
                    ..fact
                });
            }
            1 | 2 => {
                let kind = TYPES[usize::from(number) % 4];
                let id = format!("m{number}");
                let session = (variation % 3 > 0).then(|| format!("s{}", variation % 3));
                let fact = match what % 7 {
                    1 => received(&id, who, time, session.as_deref()),
                    _ => sent(&id, who, time + 1, session.as_deref(), Some("ana")),
                };
                // An outbound line and an echo of one id are two parts, each with its revisions.
                let mut fact = fact;
                fact.source.entry = if what % 14 == 9 { -1 } else { 0 };
                let revision = next(format!("{} {id}", what % 14));
                let content = fact.content.clone().filter(|_| revision == 1);
                log.conversation(&Conversation {
                    message_type: Some(kind.into()),
                    revision,
                    content,
                    ..fact
                });
            }
            3 => {
                let id = format!("s{}", number % 3);
                let revision = next(format!("session {id}"));
                let closed_at = (variation % 2 == 0).then_some(99);
                let of = Session {
                    opened_at: time,
                    opened_by: "customer".into(),
                    closed_at,
                    ..Session::default()
                };
                let fact = session(&id, PEOPLE[usize::from(number) % 3], revision, of);
                let kind = if variation % 4 == 3 {
                    "session_retracted"
                } else {
                    "session_changed"
                };
                log.conversation(&Conversation {
                    kind: kind.into(),
                    ..fact
                });
            }
            4 => {
                let id = format!("m{number}");
                let revision = next(format!("status {id}"));
                let line = variation % 2 == 0;
                log.status(&Status {
                    accepted: line,
                    orphan: variation % 4 == 1,
                    accepted_at: line.then_some(time),
                    first_status_at: Some(time + 3),
                    effective_status: Some("sent".into()),
                    error_codes: vec![i64::from(*variation)],
                    ..accepted(&id, revision, time)
                });
            }
            5 => {
                let id = format!("e{number}");
                let revision = next(id.clone());
                let content = (revision == 1).then_some(r#"{"deal_id":"d","system":"hubspot"}"#);
                let kind = ["assigned", "deal_won", "opt_out", "opt_in"][usize::from(number)];
                log.conversation(&Conversation {
                    revision,
                    ..event(&id, who, kind, time, content)
                });
            }
            _ => {
                let revision = next(format!("subject {number}"));
                log.account(&observation(
                    &number.to_string(),
                    "quality",
                    revision,
                    i64::from(*variation),
                    "RED",
                ));
            }
        }
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn batches_repetitions_and_restarts_do_not_matter(
        steps in prop::collection::vec(any::<Step>(), 0..60),
        cuts in prop::collection::vec((1..12usize, 0..6usize, any::<bool>()), 1..30),
    ) {
        let log = log(&steps);
        let mut want = Golden::open_in_memory().unwrap();
        for record in &log.records {
            want.apply(std::slice::from_ref(record)).unwrap();
        }

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("golden.db");
        let mut golden = Golden::open(&path).unwrap();
        let mut done = 0;
        let mut cuts = cuts.iter().cycle();
        let mut new = 0;
        while done < log.records.len() {
            let (size, again, restart) = cuts.next().unwrap();
            if *restart {
                drop(golden);
                golden = Golden::open(&path).unwrap();
            }
            let end = log.records.len().min(done + size);
            new += golden.apply(&log.records[done.saturating_sub(*again)..end]).unwrap();
            done = end;
        }
        prop_assert_eq!(new, log.records.len());
        prop_assert_eq!(golden.apply(&log.records).unwrap(), 0);
        prop_assert_eq!(dump(&golden), dump(&want));
        prop_assert_eq!(state(&golden), state(&want));
        let reader = Golden::open_read_only(&path).unwrap();
        prop_assert_eq!(reader.counts().unwrap(), want.counts().unwrap());
    }

    /// The state writer and the view are two computations of one definition.
    #[test]
    fn the_view_says_what_the_state_says(steps in prop::collection::vec(any::<Step>(), 0..40)) {
        let mut golden = Golden::open_in_memory().unwrap();
        golden.apply(&log(&steps).records).unwrap();
        let [_, _, messages] = state(&golden);
        let line = "SELECT json_object('tenant', tenant, 'message_id', message_id, 'direction', direction, 'type', type,
             'event_time', event_time, 'accepted_at', accepted_at, 'effective_status', effective_status,
             'error_codes', json('[' || error_codes || ']'), 'template', template, 'campaign', campaign)
           FROM messages ORDER BY tenant, message_id";
        let mut statement = golden.connection.prepare(line).unwrap();
        let view: Vec<serde_json::Value> = statement
            .query_map([], |row| row.get::<_, String>(0))
            .unwrap()
            .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
            .collect();
        let file: Vec<serde_json::Value> = messages
            .lines()
            .map(|line| {
                let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
                for key in ["event_time", "accepted_at"] {
                    if let Some(at) = value[key].as_str().and_then(hilo_domain::time::parse_rfc3339) {
                        value[key] = at.into();
                    }
                }
                for key in ["sent_at", "delivered_at", "read_at", "played_at", "failed_at", "language", "segment"] {
                    value.as_object_mut().unwrap().remove(key);
                }
                value
            })
            .collect();
        prop_assert_eq!(view, file);
    }
}

#[test]
fn a_broken_record_leaves_everything_as_it_was() {
    let mut golden = Golden::open_in_memory().unwrap();
    let mut log = Log::default();
    log.identity(&person("a", 1, "CL", &[("phone", "+1", false)]));
    log.identity(&person("b", 1, "CL", &[("phone", "+2", false)]));
    log.records[1].record.value.truncate(3);
    let error = golden.apply(&log.records).unwrap_err().to_string();
    assert!(error.starts_with("record 1 of hilo.identity: "), "{error}");
    assert_eq!(
        (
            golden.counts().unwrap().persons,
            golden.next_offset("hilo.identity", 0).unwrap()
        ),
        (0, 0)
    );
}

#[test]
fn a_file_of_another_release_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("golden.db");
    drop(Golden::open(&path).unwrap());
    rusqlite::Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = Golden::open(&path).err().unwrap().to_string();
    assert!(
        error.contains("layout 99") && error.contains("delete the file"),
        "{error}"
    );
}
