//! The desired records beside the golden record: one contact a person, one ticket a session, one entry a message that the
//! timeline takes, the deals.

use super::Run;
use hilo_contracts::facts::CrmRecord;
use hilo_crm::{mapping::Timeline, record_key, values::Object};
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// People by whom they are part of by now.
const WHO: &str = "coalesce((SELECT survivor FROM aliases a WHERE a.person_id = m.person_id), m.person_id)";

/// Keys of natural ids that a query finds: tenant, then the parts.
fn keys(db: &Connection, object: Object, sql: &str) -> BTreeMap<String, String> {
    let mut statement = db.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let tenant: String = row.get(0)?;
        let parts: Vec<String> = (1..columns).map(|place| row.get(place)).collect::<Result<_, _>>()?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        Ok((record_key(&tenant, object, &parts), format!("{tenant} {parts:?}")))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn compare(what: &str, wanted: &BTreeMap<String, String>, found: &BTreeSet<&String>, may: &BTreeMap<String, String>) {
    let missing: Vec<&String> = wanted
        .iter()
        .filter(|(key, _)| !found.contains(key))
        .map(|(_, name)| name)
        .collect();
    assert!(
        missing.is_empty(),
        "the golden record has {what} and no record of them: {missing:#?}"
    );
    let extra: Vec<&&String> = found
        .iter()
        .filter(|key| !wanted.contains_key(**key) && !may.contains_key(**key))
        .collect();
    assert!(
        extra.is_empty(),
        "records of {what} that the golden record does not have: {extra:?}"
    );
}

/// Fails where the two differ.
pub(super) fn agrees(db: &Connection, desired: &[CrmRecord], run: &Run) {
    let of = |object: Object| -> BTreeSet<&String> {
        let records = desired.iter().filter(|record| record.object == object.as_str());
        records.map(|record| &record.record_key).collect()
    };
    let none = BTreeMap::new();
    let contacts = keys(db, Object::Contact, "SELECT tenant, person_id FROM contacts");
    compare("contacts", &contacts, &of(Object::Contact), &none);
    let tickets = keys(db, Object::Ticket, "SELECT tenant, session_id FROM sessions");
    compare("tickets", &tickets, &of(Object::Ticket), &none);
    entries(db, &of(Object::Communication), run);
    deals(db, &of(Object::Deal), run);
    who(db, desired);
}

/// The timeline takes: what the view `messages` has, of somebody who is known, but what only statuses tell of, reactions
/// of the business, and what a history tells without its content.
fn entries(db: &Connection, found: &BTreeSet<&String>, run: &Run) {
    let mappings = &run.tenants.crm.others.as_ref().unwrap().mappings;
    if mappings.of(None).policy().timeline == Timeline::Digest {
        // One for each session that is over and has a message in the timeline.
        let all = "SELECT tenant, 'digest', session_id FROM sessions WHERE closed_at IS NOT NULL";
        let some = format!("{all} AND session_id IN (SELECT session_id FROM messages WHERE origin <> 'history')");
        let (wanted, may) = (
            keys(db, Object::Communication, &some),
            keys(db, Object::Communication, all),
        );
        compare("digests", &wanted, found, &may);
        return;
    }
    let taken = format!(
        "SELECT m.tenant, m.message_id FROM messages m WHERE m.origin <> 'orphan'
           AND m.type NOT IN ('reaction', 'edit', 'revoke', 'system', 'request_welcome')
           AND {WHO} IN (SELECT person_id FROM contacts)"
    );
    let told = "m.type NOT IN ('unsupported', 'media_placeholder', 'unknown') AND m.content IS NOT NULL";
    // Whether a history tells anything beyond the type of a thing is seen in its content.
    let wanted = format!("{taken} AND (m.origin <> 'history' OR {told} AND m.type = 'text')");
    let may = format!("{taken} AND {told}");
    let (wanted, may) = (
        keys(db, Object::Communication, &wanted),
        keys(db, Object::Communication, &may),
    );
    compare("messages", &wanted, found, &may);
}

/// Deals of this CRM's own events, and those of sessions by an ad or by a tag that the person's mapping names.
fn deals(db: &Connection, found: &BTreeSet<&String>, run: &Run) {
    let told = "SELECT DISTINCT tenant, system, deal_id FROM deals WHERE system = 'hubspot'";
    let mut wanted = keys(db, Object::Deal, told);
    let of_sessions = "SELECT tenant, 'session', session_id FROM sessions";
    let by_ad = "SELECT session_id FROM message_parts WHERE part = 'received' AND referral IS NOT NULL
        AND session_id IS NOT NULL AND group_id IS NULL";
    wanted.extend(keys(
        db,
        Object::Deal,
        &format!("{of_sessions} WHERE session_id IN ({by_ad})"),
    ));
    let mappings = &run.tenants.crm.others.as_ref().unwrap().mappings;
    let sql =
        "SELECT s.tenant, s.session_id, c.country, lower(trim(t.value)) FROM events e, json_each(e.content, '$.tags') t
        JOIN sessions s ON s.session_id = e.session_id LEFT JOIN contacts c ON c.person_id = s.person_id";
    let mut statement = db.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let text = |place| row.get::<_, Option<String>>(place).unwrap();
        let country = text(2);
        if mappings
            .of(country.as_deref())
            .policy()
            .deals
            .tags
            .contains(&text(3).unwrap())
        {
            let (tenant, session) = (text(0).unwrap(), text(1).unwrap());
            wanted.insert(record_key(&tenant, Object::Deal, &["session", &session]), session);
        }
    }
    // A tracked word makes one too.
    let word = "SELECT session_id FROM message_parts WHERE content LIKE '%PROMO10%'";
    let may = keys(db, Object::Deal, &format!("{of_sessions} WHERE session_id IN ({word})"));
    compare("deals", &wanted, found, &may);
}

/// Current number and country of each contact; whose each ticket is.
fn who(db: &Connection, desired: &[CrmRecord]) {
    let field = |record: &CrmRecord, name: &str| -> Option<String> {
        record.fields.iter().find(|field| field.name == name)?.value.clone()
    };
    let contacts: BTreeMap<&String, &CrmRecord> = desired.iter().map(|record| (&record.record_key, record)).collect();
    let mut statement = db.prepare("SELECT tenant, person_id, country FROM contacts").unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (tenant, person): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
        let contact = contacts[&record_key(&tenant, Object::Contact, &[&person])];
        let country: Option<String> = row.get(2).unwrap();
        assert_eq!(field(contact, "wa_country"), country, "country of {person}");
        assert_eq!(contact.person_id.as_deref(), Some(person.as_str()));
        let sql = "SELECT value FROM identifiers WHERE person_id = ?1 AND kind = 'phone' AND valid_to IS NULL";
        let mut phones = db.prepare(sql).unwrap();
        let phones: BTreeSet<String> = phones
            .query_map([&person], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        match field(contact, "phone") {
            Some(phone) => assert!(phones.contains(&phone), "{phone} is not among {phones:?}"),
            None => assert!(phones.is_empty(), "{phones:?} are nobody's"),
        }
    }
    let mut statement = db
        .prepare("SELECT tenant, session_id, person_id FROM sessions")
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let text = |place| row.get::<_, String>(place).unwrap();
        let ticket = contacts[&record_key(&text(0), Object::Ticket, &[&text(1)])];
        let contact = record_key(&text(0), Object::Contact, &[&text(2)]);
        let belongs: Vec<&String> = ticket.associations.iter().map(|other| &other.record_key).collect();
        assert_eq!(belongs, [&contact], "whose ticket {} is", text(1));
    }
}
