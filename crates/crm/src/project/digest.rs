//! Digests: one entry of the timeline for a session that is over.

use super::{
    base::Fill as _,
    index::Item,
    processor::Project,
    record::{Holds, Place, belongs_to},
    texts,
    ticket::Made,
    timeline::Shown,
};
use crate::{mapping::Timeline, record_key, values::Object};
use hilo_stream::{Context, ProcessorError};
use std::fmt::Write as _;

/// Longest digest, in bytes: a CRM takes about twice as much.
const LONGEST: usize = 30_000;

impl Project {
    /// Makes the digest of a session. It is told once the session is over: while it goes on, each message would tell all of
    /// it again. Gives whether there is one.
    pub(super) fn make_digest(&mut self, made: &Made, context: &mut Context) -> Result<bool, ProcessorError> {
        let Made { session, base, .. } = made;
        let key = record_key(&session.tenant, Object::Communication, &["digest", made.id]);
        let place = Place {
            object: Object::Communication,
            key: &key,
            ..made.place
        };
        let policy = base.mapping.policy();
        let is_over = session.state.as_ref().is_some_and(|state| state.closed_at.is_some());
        let is_wanted = policy.timeline == Timeline::Digest && is_over && base.contact.is_some();
        let lines = if is_wanted {
            self.lines(made, context)?
        } else {
            Vec::new()
        };
        let Some(last) = lines.last() else {
            if session.told.digest {
                self.records.tell(place, Holds::Nothing, context)?;
            }
            return Ok(false);
        };
        let zone = base.mapping.zone();
        let mut body = String::new();
        let mut left_out = lines.len();
        // The end of a talk says what came of it: what does not fit is left out at its beginning.
        for shown in lines.iter().rev() {
            let author = texts::author(&shown.author, policy.language);
            let mut line = format!("{} {author}", texts::time(shown.at, zone));
            if let Some(agent) = &shown.agent {
                let _ = write!(line, " ({agent})");
            }
            let _ = write!(line, ": {}", shown.body);
            if body.len() + line.len() + 1 > LONGEST {
                break;
            }
            body = if body.is_empty() {
                line
            } else {
                format!("{line}\n{body}")
            };
            left_out -= 1;
        }
        let mut head = format!(
            "{}, {}",
            texts::kind("digest_head", policy.language),
            base.mapping.day(lines.first().map_or(last.at, |first| first.at))
        );
        if left_out > 0 {
            let _ = write!(head, " ({left_out} {})", texts::kind("digest_cut", policy.language));
        }
        let mut values = made.values.clone();
        values.text("communication.key", Some(&key));
        values.time("communication.at", Some(last.at));
        values.text("communication.type", Some("digest"));
        values.text("communication.body", Some(&format!("{head}\n{body}")));
        values.text("communication.conversation_id", last.conversation.as_deref());
        let mut associations = base.associations();
        associations.extend(made.ticket.map(|ticket| belongs_to(Object::Ticket, ticket.to_owned())));
        let holds = Holds::Fields {
            fields: base.mapping.fields(Object::Communication, &values),
            associations,
            adopt_id: None,
            rule: None,
        };
        self.records.tell(place, holds, context)?;
        Ok(true)
    }

    /// The messages of a session in their order: what was received before what was sent, as sessions list them.
    fn lines(&mut self, made: &Made, context: &mut Context) -> Result<Vec<Shown>, ProcessorError> {
        let items = self.index.of(made.id)?;
        context.spend(items.len() as u64)?;
        let language = made.base.mapping.policy().language;
        let mut lines: Vec<(Shown, String)> = Vec::new();
        for key in items.iter().filter_map(Item::message) {
            let Some(shown) = self.shown(key, language)? else {
                continue;
            };
            if shown.session.as_deref() == Some(made.id) {
                let id = self.messages.get(&key)?.map(|message| message.id.as_ref().to_owned());
                lines.push((shown, id.unwrap_or_default()));
            }
        }
        lines.sort_by(|(one, one_id), (other, other_id)| {
            (one.at, !one.inbound, one_id).cmp(&(other.at, !other.inbound, other_id))
        });
        Ok(lines.into_iter().map(|(shown, _)| shown).collect())
    }
}
