//! What every record takes from its person: whose it is, which mapping holds, what they are called.

use super::{
    Key,
    config::Target,
    person::{Known, Person},
    processor::Project,
    reach::Reach,
    record::belongs_to,
    texts,
};
use crate::{
    mapping::Mapping,
    record_key,
    values::{Object, Value, Values},
};
use hilo_contracts::facts::CrmAssociation;
use hilo_domain::Millis;
use hilo_stream::ProcessorError;

/// The person behind a record.
pub(super) struct Base<'a> {
    /// Key of their contact; none while nobody knows them.
    pub contact: Option<String>,
    pub mapping: &'a Mapping,
    /// Values that say who they are.
    pub values: Values,
    /// What subjects call them.
    pub called: String,
    /// The fact that says who they are.
    pub whose: Option<String>,
    /// The person to whom the records belong: whom the one that facts name is part of by now; none while nobody knows them.
    pub person: Option<String>,
}

/// A touch with its campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Touch {
    pub at: Millis,
    /// Ad, post or token.
    pub ad: Option<String>,
    pub click: Option<String>,
    pub source: Option<String>,
    pub medium: Option<String>,
    pub campaign: Option<String>,
    pub content: Option<String>,
}

/// Values of an object, as they are found.
pub(super) trait Fill {
    fn text(&mut self, name: &'static str, text: Option<&str>);
    fn time(&mut self, name: &'static str, at: Option<Millis>);
    fn number(&mut self, name: &'static str, number: impl ToString);
    fn list(&mut self, name: &'static str, texts: impl Iterator<Item = String>);
}

impl Fill for Values {
    fn text(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.insert(name, Value::Text(text.to_owned()));
        }
    }

    fn time(&mut self, name: &'static str, at: Option<Millis>) {
        if let Some(at) = at {
            self.insert(name, Value::Time(at));
        }
    }

    fn number(&mut self, name: &'static str, number: impl ToString) {
        self.insert(name, Value::Number(number.to_string()));
    }

    fn list(&mut self, name: &'static str, texts: impl Iterator<Item = String>) {
        let texts: Vec<String> = texts.collect();
        if !texts.is_empty() {
            self.insert(name, Value::List(texts));
        }
    }
}

/// Values that say who somebody is: those of a contact that other records may hold too.
pub(super) fn who_values(key: &str, who: &Known, values: &mut Values) {
    values.text("contact.key", Some(key));
    if let Some(name) = who.name.as_deref() {
        let name = name.trim();
        values.text("contact.name", Some(name));
        let (first, rest) = name.split_once(char::is_whitespace).unwrap_or((name, ""));
        values.text("contact.first_name", Some(first));
        values.text("contact.last_name", Some(rest.trim()));
    }
    let all = |kind| who.current(kind).map(str::to_owned);
    values.text("contact.phone", who.current("phone").next());
    values.list("contact.phones", all("phone"));
    values.text("contact.wa_id", who.current("wa_id").next());
    values.text("contact.user_id", who.current("bsuid").next());
    values.list("contact.user_ids", all("bsuid"));
    values.text("contact.parent_user_id", who.current("parent_bsuid").next());
    values.text("contact.username", who.current("username").next());
    values.list("contact.former_phones", who.former("phone").map(str::to_owned));
    values.text("contact.country", who.country.as_deref());
}

impl Person {
    /// Who they are, where that is known.
    pub(super) fn known(&self) -> Option<&Known> {
        self.who.as_ref().map(|who| &who.is)
    }
}

impl Project {
    /// What a record takes from its person: who they are, and all of their contact where the mapping asks for that.
    pub(super) fn base<'a>(
        &mut self,
        target: &'a Target,
        person: Option<&str>,
        all_of: impl FnOnce(Reach) -> bool,
        now: Millis,
    ) -> Result<Base<'a>, ProcessorError> {
        let root = match person {
            Some(person) => self.root(person)?,
            None => None,
        };
        let known = match &root {
            Some(root) => self.people.get(root.as_bytes())?,
            None => None,
        };
        let who = known.and_then(|person| person.who.as_ref());
        let mut values = Values::new();
        let contact = root.as_ref().zip(known).map(|(root, known)| {
            let key = record_key(&known.tenant, Object::Contact, &[root]);
            if let Some(who) = who {
                who_values(&key, &who.is, &mut values);
            }
            key
        });
        let base = Base {
            contact,
            mapping: target.mappings.of(who.and_then(|who| who.is.country.as_deref())),
            values,
            called: texts::called(who.map(|who| &who.is)),
            whose: who.map(|who| who.fact.as_ref().to_owned()),
            person: root,
        };
        let tenant = known.map(|known| known.tenant.as_ref());
        if tenant.is_some_and(|tenant| all_of(self.reaches.get(tenant)))
            && let Some(person) = &base.person
        {
            let values = self.contact_values(person, target, now)?;
            return Ok(Base { values, ..base });
        }
        Ok(base)
    }

    /// The last touch of a person at a time or before.
    pub(super) fn touch_before(
        &mut self,
        base: &Base,
        target: &Target,
        at: Millis,
    ) -> Result<Option<Touch>, ProcessorError> {
        let Some(person) = &base.person else {
            return Ok(None);
        };
        let person = self.people.get(person.as_bytes())?;
        match person.and_then(|person| person.touch_before(at)) {
            Some(message) => self.touch_of(message, target),
            None => Ok(None),
        }
    }

    /// What the message of a touch says, and what the tenant says of that. Nothing else is known.
    pub(super) fn touch_of(&mut self, message: Key, target: &Target) -> Result<Option<Touch>, ProcessorError> {
        let Some(message) = self.messages.get(&message)? else {
            return Ok(None);
        };
        let Some((main, said)) = message.main().and_then(|main| Some((main, main.said.as_deref()?))) else {
            return Ok(None);
        };
        let ad = said.ad.as_ref().and_then(|ad| ad.id.as_deref());
        let token = said.token.as_deref();
        let campaign = [ad, token]
            .into_iter()
            .flatten()
            .find_map(|word| target.campaigns.get(word));
        let campaign = campaign.cloned().unwrap_or_default();
        Ok(Some(Touch {
            at: main.at,
            ad: ad.or(token).map(str::to_owned),
            click: said.ad.as_ref().and_then(|ad| ad.click.as_deref()).map(str::to_owned),
            source: campaign.source,
            medium: campaign.medium,
            campaign: campaign.campaign,
            content: campaign.content,
        }))
    }
}

impl Base<'_> {
    /// The contact to which a record belongs.
    pub(super) fn associations(&self) -> Vec<CrmAssociation> {
        let contact = self.contact.clone();
        contact
            .map(|key| belongs_to(Object::Contact, key))
            .into_iter()
            .collect()
    }
}
