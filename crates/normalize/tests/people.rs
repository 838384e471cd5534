//! Who is seen on an item, and who is not.

mod support;

use support::{identifiers, line, lines};

const BUSINESS: &str = r#""metadata":{"display_phone_number":"+56 2 2987 6543","phone_number_id":"210"}"#;

fn value(rest: &str) -> String {
    format!("{{{BUSINESS},{rest}}}")
}

#[test]
fn the_person_of_an_item_and_those_beside() {
    // Field, rest of the value, the sightings of its only item, whether the first is whose it is.
    for (field, rest, want, has_person) in [
        (
            "messages",
            r#""messages":[{"id":"a","from":"5215512345678"}]"#,
            vec!["phone:+525512345678 wa_id:5215512345678"],
            true,
        ),
        (
            "messages",
            r#""messages":[{"id":"a","from":"551187654321"}]"#,
            vec!["phone:+5511987654321 wa_id:551187654321"],
            true,
        ),
        (
            "messages",
            r#""messages":[{"id":"a","from":"<PHONE>"}]"#,
            vec!["wa_id:<PHONE>"],
            true,
        ),
        (
            "messages",
            r#""contacts":[{"wa_id":"5695","user_id":"CL.1","parent_user_id":"CL.ENT.1","profile":{"name":"Ana","username":"ana"}}],
            "messages":[{"id":"a","from":"56961234567","from_user_id":"CL.1"}]"#,
            vec![
                "bsuid:CL.1 parent_bsuid:CL.ENT.1 phone:+5695 phone:+56961234567 username:ana wa_id:5695 wa_id:56961234567",
            ],
            true,
        ),
        (
            "messages",
            r#""contacts":[{"wa_id":"56961234567","user_id":"CL.1"}],"messages":[{"id":"a","from":"56961234567"}]"#,
            vec!["bsuid:CL.1 phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "messages",
            r#""contacts":[{"wa_id":"56961234567","user_id":"CL.2"}],"messages":[{"id":"a","from":"56961234567","from_user_id":"CL.1"}]"#,
            vec![
                "bsuid:CL.1 phone:+56961234567 wa_id:56961234567",
                "bsuid:CL.2 phone:+56961234567 wa_id:56961234567",
            ],
            true,
        ),
        (
            "messages",
            r#""contacts":[{"user_id":"CL.1"}],"messages":[{"id":"a"}]"#,
            vec!["bsuid:CL.1"],
            true,
        ),
        (
            "messages",
            r#""contacts":[{"user_id":"CL.1"},{"user_id":"CL.2"}],"messages":[{"id":"a"}]"#,
            vec!["bsuid:CL.1", "bsuid:CL.2"],
            false,
        ),
        (
            "messages",
            r#""contacts":[{"profile":{"name":"x"}},7],"messages":[{"id":"a"}]"#,
            vec![],
            false,
        ),
        (
            "messages",
            r#""contacts":[{"wa_id":"56229876543"}],"messages":[{"id":"a","from":"56229876543"}]"#,
            vec![],
            false,
        ),
        (
            "messages",
            r#""messages":[{"id":"a","from":"56961234567","type":"contacts","contacts":[{"phones":[{"wa_id":"5511"}]}]}]"#,
            vec!["phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "messages",
            r#""statuses":[{"id":"a","status":"sent","recipient_id":"56961234567","recipient_user_id":"CL.1","parent_recipient_user_id":"CL.ENT.1"}]"#,
            vec!["bsuid:CL.1 parent_bsuid:CL.ENT.1 phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "messages",
            r#""statuses":[{"id":"a","status":"failed"}],"contacts":[{"user_id":"CL.1"}]"#,
            vec!["bsuid:CL.1"],
            false,
        ),
        (
            "messages",
            r#""statuses":[{"id":"a","status":"sent","recipient_id":"g","recipient_type":"group"}]"#,
            vec![],
            false,
        ),
        (
            "messages",
            r#""statuses":[{"id":"a","status":"sent","recipient_id":"g","recipient_type":"group","participant_recipient_id":"56961234567"}]"#,
            vec!["phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "smb_message_echoes",
            r#""message_echoes":[{"id":"a","from":"56229876543","to":"56961234567","to_user_id":"CL.1"}]"#,
            vec!["bsuid:CL.1 phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "smb_message_echoes",
            r#""message_echoes":[{"id":"a","from":"56961234567","to":"56229876543"}]"#,
            vec!["phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "smb_message_echoes",
            r#""contacts":[{"user_id":"CL.1"}],"message_echoes":[{"id":"a","from":"56229876543"}]"#,
            vec!["bsuid:CL.1"],
            true,
        ),
        (
            "calls",
            r#""calls":[{"id":"c","from":"56961234567","to":"56229876543","direction":"USER_INITIATED"}]"#,
            vec!["phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "calls",
            r#""calls":[{"id":"c","from":"56229876543","to":"56961234567","direction":"BUSINESS_INITIATED"}]"#,
            vec!["phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "calls",
            r#""calls":[{"id":"c","from":"56229876543","to":"56961234567"}]"#,
            vec!["phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "user_preferences",
            r#""user_preferences":[{"user_id":"CL.1","value":"stop"}],"contacts":[{"user_id":"CL.2"}]"#,
            vec!["bsuid:CL.1", "bsuid:CL.2"],
            true,
        ),
        (
            "smb_app_state_sync",
            r#""state_sync":[{"contact":{"full_name":"Ana","phone_number":"9 6123 4567","user_id":"CL.1"}}]"#,
            vec!["bsuid:CL.1 phone:+56961234567"],
            true,
        ),
        (
            "group_participants_update",
            r#""groups":[{"group_id":"g","added_participants":[{"wa_id":"56961234567"},"56961234568",{"user_id":"CL.1"}],"failed_participants":[{"input":"56961234569"}]}]"#,
            vec![
                "phone:+56961234567 wa_id:56961234567",
                "phone:+56961234568 wa_id:56961234568",
                "bsuid:CL.1",
            ],
            false,
        ),
        (
            "history",
            r#""history":[{"threads":[{"id":"x","context":{"user_id":"CL.1"},"messages":[{"id":"a","from":"56961234567"}]}]}]"#,
            vec!["bsuid:CL.1 phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "history",
            r#""history":[{"threads":[{"context":{"wa_id":"56961234567"},"messages":[{"id":"a","from":"56229876543"}]}]}]"#,
            vec!["phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "history",
            r#""history":[{"threads":[{"id":"56961234567","messages":[{"id":"a","from":"56229876543"}]}]}]"#,
            vec!["phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "history",
            r#""history":[{"threads":[{"context":{"user_id":"CL.2"},"messages":[{"id":"a","from_user_id":"CL.1"}]}]}]"#,
            vec!["bsuid:CL.1", "bsuid:CL.2"],
            true,
        ),
        (
            "messages",
            r#""contacts":[{"wa_id":"56961234567","user_id":"CL.1"}],"messages":[{"id":"a","from":"56229876543","from_user_id":"CL.1"}]"#,
            vec!["bsuid:CL.1 phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "messages",
            r#""messages":[{"id":"a","from_user_id":"CL.1","type":"contacts","contacts":[{"origin":"contact_request","phones":[{"phone":"+56 9 6123 4567","wa_id":"56961234567"}]}]}]"#,
            vec!["bsuid:CL.1 phone:+56961234567 wa_id:56961234567"],
            true,
        ),
        (
            "messages",
            r#""messages":[{"id":"a","from_user_id":"CL.1","type":"contacts","origin":"contact_request","contacts":[{"phones":[{"phone":"+56 9 6123 4567"}]}]}]"#,
            vec!["bsuid:CL.1 phone:+56961234567"],
            true,
        ),
        (
            "messages",
            r#""messages":[{"id":"a","from_user_id":"CL.1","type":"contacts","contacts":[{"origin":"other","phones":[{"wa_id":"56961234567"}]}]}]"#,
            vec!["bsuid:CL.1"],
            true,
        ),
        (
            "messages",
            r#""messages":[{"id":"a","from":"56961234568","type":"contacts","contacts":[{"origin":"contact_request","phones":[{"wa_id":"56961234567"}]}]}]"#,
            vec!["phone:+56961234568 wa_id:56961234568"],
            true,
        ),
        (
            "messages",
            r#""messages":[{"id":"a","from_user_id":"CL.1","type":"contacts","contacts":[{"origin":"contact_request","phones":[{"wa_id":"56961234567"}]},{"origin":"contact_request","phones":[{"wa_id":"56961234568"}]}]}]"#,
            vec!["bsuid:CL.1"],
            true,
        ),
        (
            "messages",
            r#""errors":[{"code":1}],"contacts":[{"user_id":"CL.1"}]"#,
            vec!["bsuid:CL.1"],
            false,
        ),
    ] {
        let run = lines(&line(field, &value(rest)).replace('\n', ""));
        let item = run.item();
        let seen: Vec<String> = (0..item.sightings.len())
            .map(|at| identifiers(item, at).join(" "))
            .collect();
        assert_eq!(
            (seen, item.has_person),
            (want.iter().map(ToString::to_string).collect(), has_person),
            "{field} {rest}"
        );
        assert!(item.sightings.iter().all(|sighting| sighting.creates), "{rest}");
    }
}

#[test]
fn contacts_describe_their_own_item_and_no_other() {
    let two = value(
        r#""contacts":[{"wa_id":"56961234568","user_id":"CL.2"},{"wa_id":"56961234567","user_id":"CL.1"},{"user_id":"CL.3"}],
        "messages":[{"from":"56961234567"},{"id":"a","from":"56961234567"},{"id":"b","from":"56961234568"}]"#,
    );
    let run = lines(&line("messages", &two).replace('\n', ""));
    let [first, second] = run.items.as_slice() else {
        panic!()
    };
    assert_eq!(
        identifiers(first, 0),
        ["bsuid:CL.1", "phone:+56961234567", "wa_id:56961234567"]
    );
    assert_eq!(
        identifiers(first, 1),
        ["bsuid:CL.3"],
        "who describes nothing is seen on the first that is no dead letter"
    );
    assert_eq!(
        identifiers(second, 0),
        ["bsuid:CL.2", "phone:+56961234568", "wa_id:56961234568"]
    );
    assert_eq!((first.sightings.len(), second.sightings.len()), (2, 1));
}

#[test]
fn lines_name_people_by_phone_and_user_id() {
    for (line, want, creates) in [
        (
            r#"{"source":"outbound","tenant":"acme","message_id":"m","to":{"phone":"+52 1 55 1234 5678"}}"#,
            "phone:+525512345678",
            true,
        ),
        (
            r#"{"source":"outbound","tenant":"acme","message_id":"m","to":{"phone":"961234567"}}"#,
            "phone:+56961234567",
            true,
        ),
        (
            r#"{"source":"inbox","tenant":"acme","event":"x","user":{"phone":"+56961234567","user_id":"CL.1"}}"#,
            "bsuid:CL.1 phone:+56961234567",
            true,
        ),
        (
            r#"{"source":"crm","tenant":"acme","event":"x","user":{"user_id":"CL.1"}}"#,
            "bsuid:CL.1",
            false,
        ),
    ] {
        let run = lines(line);
        let item = run.item();
        assert_eq!(identifiers(item, 0).join(" "), want);
        assert_eq!((item.has_person, item.sightings[0].creates), (true, creates), "{line}");
    }
    assert!(
        lines(r#"{"source":"outbound","message_id":"m","to":{"phone":"<PHONE>"}}"#)
            .item()
            .sightings
            .is_empty()
    );
}

#[test]
fn changes_of_number_and_user_id() {
    let system = |from: &str, system: &str| {
        line(
            "messages",
            &value(&format!(
                r#""messages":[{{"id":"a",{from}"type":"system","system":{{{system}}}}}]"#
            )),
        )
    };
    let update = |rest: &str| line("user_id_update", &value(&format!(r#""user_id_update":[{{{rest}}}]"#)));
    for (line, kind, old, new) in [
        (
            system(
                r#""from":"573211234567","#,
                r#""type":"user_changed_number","wa_id":"573219876543","user_id":"CO.2""#,
            ),
            "number_changed",
            "phone:+573211234567 wa_id:573211234567",
            "bsuid:CO.2 phone:+573219876543 wa_id:573219876543",
        ),
        (
            system(
                r#""from":"573211234567","#,
                r#""type":"customer_changed_number","customer":"573211234567","new_wa_id":"573219876543""#,
            ),
            "number_changed",
            "phone:+573211234567 wa_id:573211234567",
            "phone:+573219876543 wa_id:573219876543",
        ),
        (
            system(
                r#""from":"5215512345678","#,
                r#""type":"user_changed_number","wa_id":"525512345678""#,
            ),
            "number_changed",
            "wa_id:5215512345678",
            "phone:+525512345678 wa_id:525512345678",
        ),
        (
            update(
                r#""wa_id":"573211234567","user_id":{"previous":"CO.1","current":"CO.2"},"parent_user_id":{"previous":"CO.ENT.1","current":"CO.ENT.1"}"#,
            ),
            "user_id_changed",
            "bsuid:CO.1",
            "bsuid:CO.2 parent_bsuid:CO.ENT.1 phone:+573211234567 wa_id:573211234567",
        ),
    ] {
        let run = lines(&line);
        let item = run.item();
        let change = item.change.as_ref().unwrap_or_else(|| panic!("{line}"));
        let text = |ids: &[hilo_domain::Identifier]| {
            ids.iter()
                .map(|id| format!("{}:{}", id.kind.as_str(), id.value))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            (change.kind.as_str(), text(&change.old), text(&change.new)),
            (kind, old.to_owned(), new.to_owned())
        );
        assert_eq!(
            (identifiers(item, 0).join(" "), item.has_person),
            (old.to_owned(), true)
        );
    }
    for (line, want) in [
        (
            system(r#""from":"573211234567","#, r#""type":"customer_identity_changed""#),
            "phone:+573211234567 wa_id:573211234567",
        ),
        (
            system(r#""from":"573211234567","#, r#""type":"user_changed_number""#),
            "phone:+573211234567 wa_id:573211234567",
        ),
        (
            system("", r#""type":"user_changed_user_id","user_id":"CO.2""#),
            "bsuid:CO.2",
        ),
        (update(r#""user_id":{"current":"CO.2"}"#), "bsuid:CO.2"),
    ] {
        let run = lines(&line);
        assert_eq!(
            (run.item().change.clone(), identifiers(run.item(), 0).join(" ")),
            (None, want.to_owned()),
            "{line}"
        );
    }
}
