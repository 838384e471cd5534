//! One function per table, each with its rule of which fact wins.

use crate::batch::Part;
use hilo_contracts::facts::{Conversation, Identity, NamedRef, Session, Source, Status};
use rusqlite::{CachedStatement, Transaction, params};
use std::collections::BTreeMap;

pub(crate) type Result = std::result::Result<(), rusqlite::Error>;

/// The higher revision of a person wins; who became part of somebody else is gone and stays reachable as an alias, until
/// they come apart again.
pub(crate) fn write_people(transaction: &Transaction, people: &[Identity]) -> Result {
    let mut contact = transaction.prepare_cached(
        "INSERT INTO contacts VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET country = excluded.country, name = excluded.name, updated_at = excluded.updated_at,
           revision = excluded.revision
         WHERE excluded.revision >= revision",
    )?;
    let mut forget = transaction.prepare_cached("DELETE FROM identifiers WHERE person_id = ?1")?;
    let mut identifier = transaction.prepare_cached("INSERT INTO identifiers VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    let mut close = transaction.prepare_cached("DELETE FROM contacts WHERE person_id = ?1")?;
    let mut alias = transaction.prepare_cached("INSERT OR REPLACE INTO aliases VALUES (?1, ?2, ?3)")?;
    let mut no_alias = transaction.prepare_cached("DELETE FROM aliases WHERE person_id = ?1")?;
    let mut notes = Notes::new(transaction)?;
    for person in people {
        let id = &person.person_id;
        if person.kind == "closed" {
            close.execute([id])?;
            forget.execute([id])?;
            notes.forget(id)?;
            if let Some(survivor) = &person.other_person_id {
                alias.execute([id, &person.tenant, survivor])?;
            }
            continue;
        }
        let Identity {
            tenant,
            country,
            name,
            event_time,
            revision,
            ..
        } = person;
        if contact.execute(params![id, tenant, country, name, event_time, revision])? == 0 {
            continue;
        }
        // Also at revision 1: a proposal tells the state again.
        forget.execute([id])?;
        let is_noted = !person.proposals.is_empty() || !person.decisions.is_empty();
        if is_noted || *revision > 1 {
            notes.forget(id)?;
            no_alias.execute([id])?;
        }
        notes.write(person)?;
        for (ordinal, span) in person.identifiers.iter().enumerate() {
            identifier.execute(params![
                id,
                ordinal,
                span.kind,
                span.value,
                span.valid_from,
                span.valid_to
            ])?;
        }
    }
    Ok(())
}

/// What is suggested and decided about people: rare, so it costs nothing where there is none.
struct Notes<'a> {
    no_proposals: CachedStatement<'a>,
    no_decisions: CachedStatement<'a>,
    proposal: CachedStatement<'a>,
    decision: CachedStatement<'a>,
}

impl<'a> Notes<'a> {
    fn new(transaction: &'a Transaction) -> std::result::Result<Self, rusqlite::Error> {
        Ok(Self {
            no_proposals: transaction.prepare_cached("DELETE FROM proposals WHERE person_id = ?1")?,
            no_decisions: transaction.prepare_cached("DELETE FROM decisions WHERE person_id = ?1")?,
            proposal: transaction
                .prepare_cached("INSERT INTO proposals VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?,
            decision: transaction.prepare_cached("INSERT INTO decisions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?,
        })
    }

    fn forget(&mut self, person_id: &str) -> Result {
        self.no_proposals.execute([person_id])?;
        self.no_decisions.execute([person_id])?;
        Ok(())
    }

    fn write(&mut self, person: &Identity) -> Result {
        let id = &person.person_id;
        for (ordinal, proposal) in person.proposals.iter().enumerate() {
            self.proposal.execute(params![
                id,
                ordinal,
                proposal.other_person_id,
                proposal.rule,
                proposal.rule_version,
                proposal.confidence_percent,
                proposal.blocker,
                proposal.proposed_at,
                named(&proposal.evidence),
            ])?;
        }
        for (ordinal, decision) in person.decisions.iter().enumerate() {
            self.decision.execute(params![
                id,
                ordinal,
                decision.ruling,
                decision.decided_at,
                decision.actor,
                decision.reason,
                named(&decision.user),
                named(&decision.other),
            ])?;
        }
        Ok(())
    }
}

/// Identifiers as a JSON list.
fn named(ids: &[NamedRef]) -> String {
    let list: Vec<serde_json::Value> = ids
        .iter()
        .map(|id| serde_json::json!({"kind": id.kind, "value": id.value}))
        .collect();
    serde_json::Value::from(list).to_string()
}

/// Facts about a session stand in one partition and are complete: the last one holds, a retraction removes.
pub(crate) fn write_sessions(transaction: &Transaction, sessions: &BTreeMap<String, Conversation>) -> Result {
    let mut put = transaction.prepare_cached(
        "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
           ?19, ?20, ?21)
         ON CONFLICT DO UPDATE SET opened_at = excluded.opened_at, opened_by = excluded.opened_by,
           closed_at = excluded.closed_at, close_reason = excluded.close_reason,
           first_customer_at = excluded.first_customer_at, frt_human_started_at = excluded.frt_human_started_at,
           frt_human_stopped_at = excluded.frt_human_stopped_at, frt_human_agent = excluded.frt_human_agent,
           frt_any_started_at = excluded.frt_any_started_at, frt_any_stopped_at = excluded.frt_any_stopped_at,
           outcome = excluded.outcome, queue = excluded.queue, reason = excluded.reason, reopens = excluded.reopens,
           test = excluded.test, revision = excluded.revision",
    )?;
    let mut remove = transaction.prepare_cached("DELETE FROM sessions WHERE session_id = ?1")?;
    for (id, fact) in sessions {
        let Some(session) = fact.session.as_ref().filter(|_| fact.kind != "session_retracted") else {
            remove.execute([id])?;
            continue;
        };
        let Session {
            opened_at,
            opened_by,
            closed_at,
            close_reason,
            first_customer_at,
            ..
        } = session;
        let Session {
            outcome,
            queue,
            reason,
            reopens,
            ..
        } = session;
        let human = session.frt_human.as_ref();
        let any = session.frt_any.as_ref();
        put.execute(params![
            id,
            fact.tenant,
            fact.person_id.as_deref().unwrap_or_default(),
            fact.conversation_id,
            fact.phone_number_id,
            opened_at,
            opened_by,
            closed_at,
            close_reason,
            first_customer_at,
            human.map(|clock| clock.started_at),
            human.and_then(|clock| clock.stopped_at),
            human.and_then(|clock| clock.agent.as_ref()),
            any.map(|clock| clock.started_at),
            any.and_then(|clock| clock.stopped_at),
            outcome,
            queue,
            reason,
            reopens,
            fact.test,
            fact.revision,
        ])?;
    }
    Ok(())
}

/// Of two facts about a part the higher revision wins: a duplicate that holds instead of another has higher ones than all
/// that was told of that one, whoever had it. A revision has no content, so the content stays while the occurrence does.
pub(crate) fn write_parts(transaction: &Transaction, parts: &[(Part, Conversation)]) -> Result {
    let mut put = transaction.prepare_cached(
        "INSERT INTO message_parts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
           ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)
         ON CONFLICT DO UPDATE SET event_time = excluded.event_time, revision = excluded.revision,
           type = excluded.type, direction = excluded.direction, person_id = excluded.person_id,
           conversation_id = excluded.conversation_id, session_id = excluded.session_id,
           phone_number_id = excluded.phone_number_id, group_id = excluded.group_id,
           author_kind = excluded.author_kind, author_id = excluded.author_id, template = excluded.template,
           language = excluded.language, category = excluded.category, campaign = excluded.campaign,
           segment = excluded.segment, reply_to = excluded.reply_to, referral = excluded.referral,
           opt_out = excluded.opt_out, window_expires_at = excluded.window_expires_at,
           content = CASE WHEN excluded.content IS NULL AND excluded.source = source THEN content ELSE excluded.content END,
           text = CASE WHEN excluded.content IS NULL AND excluded.source = source THEN text ELSE excluded.text END,
           test = excluded.test, source = excluded.source
         WHERE excluded.revision > revision",
    )?;
    let mut late_content = transaction.prepare_cached(
        "UPDATE message_parts SET content = ?4, text = ?7
         WHERE tenant = ?1 AND message_id = ?2 AND part = ?3 AND event_time = ?5 AND content IS NULL
           AND source = ?6",
    )?;
    for (part, fact) in parts {
        let Some(message_id) = &fact.message_id else { continue };
        let Source {
            delivery_id,
            entry,
            change,
            item,
        } = &fact.source;
        let source = format!("{delivery_id} {entry} {change} {item}");
        let author = fact.author.as_ref();
        let template = fact.template.as_ref();
        let text = fact.details.as_ref().and_then(|details| details.text.as_ref());
        let changed = put.execute(params![
            fact.tenant,
            message_id,
            part.as_str(),
            fact.event_time,
            fact.revision,
            fact.message_type.as_deref().unwrap_or("unknown"),
            fact.direction.as_deref().unwrap_or("inbound"),
            fact.person_id,
            fact.conversation_id,
            fact.session_id,
            fact.phone_number_id,
            fact.group_id,
            author.map(|author| &author.kind),
            author.and_then(|author| author.id.as_ref()),
            template.map(|template| &template.name),
            template.and_then(|template| template.language.as_ref()),
            template.and_then(|template| template.category.as_ref()),
            fact.campaign,
            fact.segment,
            fact.reply_to,
            fact.referral,
            fact.opt_out,
            fact.window_expires_at,
            fact.content,
            fact.test,
            source,
            text,
        ])?;
        // A correction of another partition may be applied before the first fact, which alone has the content.
        if changed == 0 && fact.content.is_some() {
            let key = params![
                fact.tenant,
                message_id,
                part.as_str(),
                fact.content,
                fact.event_time,
                source,
                text
            ];
            late_content.execute(key)?;
        }
    }
    Ok(())
}

/// The rule of the message parts.
pub(crate) fn write_events(transaction: &Transaction, events: &[Conversation]) -> Result {
    let mut put = transaction.prepare_cached(
        "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET kind = excluded.kind, event_time = excluded.event_time,
           revision = excluded.revision, person_id = excluded.person_id, conversation_id = excluded.conversation_id,
           session_id = excluded.session_id, content = coalesce(excluded.content, content)
         WHERE excluded.revision > revision",
    )?;
    let mut late_content = transaction.prepare_cached(
        "UPDATE events SET content = ?3 WHERE tenant = ?1 AND event_id = ?2 AND event_time = ?4 AND content IS NULL",
    )?;
    for fact in events {
        let Conversation {
            tenant,
            event_id,
            kind,
            event_time,
            revision,
            person_id,
            ..
        } = fact;
        let Conversation {
            conversation_id,
            session_id,
            content,
            ..
        } = fact;
        let row = params![
            tenant,
            event_id,
            kind,
            event_time,
            revision,
            person_id,
            conversation_id,
            session_id,
            content
        ];
        if put.execute(row)? == 0 && content.is_some() {
            late_content.execute(params![tenant, event_id, content, event_time])?;
        }
    }
    Ok(())
}

/// The higher revision of a message wins.
pub(crate) fn write_statuses(transaction: &Transaction, statuses: &[Status]) -> Result {
    let mut put = transaction.prepare_cached(
        "INSERT INTO message_status VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
           ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28)
         ON CONFLICT DO UPDATE SET revision = excluded.revision, effective_status = excluded.effective_status,
           accepted_at = excluded.accepted_at, sent_at = excluded.sent_at, delivered_at = excluded.delivered_at,
           read_at = excluded.read_at, played_at = excluded.played_at, failed_at = excluded.failed_at,
           first_status_at = excluded.first_status_at, error_codes = excluded.error_codes,
           error_class = excluded.error_class, pricing_type = excluded.pricing_type,
           pricing_category = excluded.pricing_category, type = excluded.type, author_kind = excluded.author_kind,
           author_id = excluded.author_id, template = excluded.template, language = excluded.language,
           category = excluded.category, campaign = excluded.campaign, segment = excluded.segment,
           person_id = excluded.person_id, phone_number_id = excluded.phone_number_id, orphan = excluded.orphan,
           accepted = excluded.accepted, test = excluded.test
         WHERE excluded.revision > revision",
    )?;
    for fact in statuses {
        let codes: Vec<String> = fact.error_codes.iter().map(ToString::to_string).collect();
        let pricing = fact.pricing.as_ref();
        let author = fact.author.as_ref();
        let template = fact.template.as_ref();
        put.execute(params![
            fact.tenant,
            fact.message_id,
            fact.revision,
            fact.effective_status,
            fact.accepted_at,
            fact.sent_at,
            fact.delivered_at,
            fact.read_at,
            fact.played_at,
            fact.failed_at,
            fact.first_status_at,
            codes.join(","),
            fact.error_class,
            pricing.and_then(|pricing| pricing.kind.as_ref()),
            pricing.and_then(|pricing| pricing.category.as_ref()),
            fact.message_type,
            author.map(|author| &author.kind),
            author.and_then(|author| author.id.as_ref()),
            template.map(|template| &template.name),
            template.and_then(|template| template.language.as_ref()),
            fact.category,
            fact.campaign,
            fact.segment,
            fact.person_id,
            fact.phone_number_id,
            fact.orphan,
            fact.accepted,
            fact.test,
        ])?;
    }
    Ok(())
}
