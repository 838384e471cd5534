//! Deals: those that a CRM told of, with the touch that led to them, and those that follow from a session.

use super::{
    base::{Base, Fill as _, Touch},
    deal::Course,
    processor::Project,
    record::{Holds, Place, belongs_to},
    ticket::Made,
};
use crate::{
    record_key,
    values::{Object, Value, Values},
};
use hilo_domain::Millis;
use hilo_stream::{Context, ProcessorError};
use std::sync::Arc;

impl Project {
    /// Makes the record of a deal that this CRM told of: it is there already, and gets what led to it.
    pub(super) fn make_deal(&mut self, key: &[u8], now: Millis, context: &mut Context) -> Result<(), ProcessorError> {
        let Some(deal) = self.deals.get(key)?.cloned() else {
            return Ok(());
        };
        let config = Arc::clone(&self.config);
        let Some(target) = config.of(&deal.tenant).filter(|target| *deal.system == *target.sink) else {
            return Ok(());
        };
        let mut course = Course::default();
        for (_, event) in &deal.events {
            if let Some(event) = self.events.get(event)? {
                course.step(event);
            }
        }
        let base = self.base(target, course.person.as_deref(), |reach| reach.contact_in_sessions, now)?;
        let record = record_key(&deal.tenant, Object::Deal, &[&deal.system, &deal.id]);
        let place = Place {
            tenant: &deal.tenant,
            sink: &target.sink,
            object: Object::Deal,
            key: &record,
            person: base.person.as_deref(),
            mapping: base.mapping,
            trail: &deal.trail,
            whose: base.whose.as_deref(),
            test: course.test,
        };
        if deal.events.is_empty() {
            return self.records.tell(place, Holds::Nothing, context);
        }
        let touch = match course.opened_at {
            Some(at) => self.touch_before(&base, target, at)?,
            None => None,
        };
        let mut values = deal_values(&record, "crm", course.opened_at, &base, touch.as_ref());
        values.text("deal.remote_id", Some(&deal.id));
        values.text("deal.status", course.status);
        values.text("deal.stage", course.stage.as_deref());
        values.time("deal.closed_at", course.closed_at);
        if let Some(amount) = &course.amount {
            let currency = course.currency.as_deref().map(str::to_owned);
            values.insert("deal.amount", Value::Money(amount.as_ref().to_owned(), currency));
        }
        let holds = Holds::Fields {
            fields: base.mapping.fields(Object::Deal, &values),
            associations: base.associations(),
            adopt_id: Some(deal.id.as_ref().to_owned()),
            rule: None,
        };
        self.records.tell(place, holds, context)
    }

    /// Makes the deal that follows from a session, where the mapping says that one does. Gives whether there is one.
    pub(super) fn make_opportunity(&mut self, made: &Made, context: &mut Context) -> Result<bool, ProcessorError> {
        let Made {
            session, base, target, ..
        } = made;
        let key = record_key(&session.tenant, Object::Deal, &["session", made.id]);
        let place = Place {
            object: Object::Deal,
            key: &key,
            ..made.place
        };
        let origin = session.state.as_ref().and_then(|state| {
            let policy = &base.mapping.policy().deals;
            let touched = session.touched_at().filter(|_| policy.referral);
            let has =
                |said: &[&str], wanted: &[String]| wanted.iter().any(|one| said.iter().any(|said| same(said, one)));
            let tags: Vec<&str> = session.tags.keys().map(AsRef::as_ref).collect();
            let intents: Vec<&str> = session.intents.keys().map(AsRef::as_ref).collect();
            match touched {
                Some(at) => Some(("referral", at)),
                None if has(&tags, &policy.tags) => Some(("tag", state.opened_at)),
                None if has(&intents, &policy.intents) => Some(("intent", state.opened_at)),
                None => None,
            }
        });
        let Some((origin, opened_at)) = origin else {
            if session.told.deal {
                self.records.tell(place, Holds::Nothing, context)?;
            }
            return Ok(false);
        };
        let touch = self.touch_before(base, target, opened_at)?;
        let mut values = deal_values(&key, origin, Some(opened_at), base, touch.as_ref());
        values.text("deal.status", Some("open"));
        let mut associations = base.associations();
        associations.extend(made.ticket.map(|ticket| belongs_to(Object::Ticket, ticket.to_owned())));
        let holds = Holds::Fields {
            fields: base.mapping.fields(Object::Deal, &values),
            associations,
            adopt_id: None,
            rule: None,
        };
        self.records.tell(place, holds, context)?;
        Ok(true)
    }
}

/// People write tags and intents in capitals or not.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

fn deal_values(key: &str, origin: &str, opened_at: Option<Millis>, base: &Base, touch: Option<&Touch>) -> Values {
    let mut values = base.values.clone();
    values.text("deal.key", Some(key));
    values.text("deal.origin", Some(origin));
    values.time("deal.opened_at", opened_at);
    let campaign = touch.and_then(|touch| touch.campaign.as_deref());
    let name = match campaign {
        Some(campaign) => format!("{} · {campaign}", base.called),
        None => base.called.clone(),
    };
    values.text("deal.name", Some(&name));
    if let Some(touch) = touch {
        for (name, text) in [
            ("deal.source", &touch.source),
            ("deal.medium", &touch.medium),
            ("deal.campaign", &touch.campaign),
            ("deal.content", &touch.content),
            ("deal.ad", &touch.ad),
            ("deal.click", &touch.click),
        ] {
            values.text(name, text.as_deref());
        }
    }
    values
}
