//! Categories of templates by the platform's events, and the sends that depend on them.

use hilo_contracts::stored::TemplateRef;
use hilo_domain::{Millis, hash::IdHasher};
use hilo_stream::{StateStore, Store, StoreError};
use serde::{Deserialize, Serialize};

/// A template of a tenant.
pub(crate) type TemplateKey = [u8; 16];

/// The key of a template. `-` and `_` are one: the platform writes a language in both ways.
pub(crate) fn key(tenant: &str, name: &str, language: Option<&str>) -> TemplateKey {
    let one = |text: &str| text.replace('-', "_");
    let mut hasher = IdHasher::new("template");
    hasher
        .update(tenant.as_bytes())
        .update(one(name).as_bytes())
        .update(&[language.is_some().into()])
        .update(one(language.unwrap_or_default()).as_bytes());
    hasher.bytes()
}

/// The key of the template of a send.
pub(crate) fn key_of(tenant: &str, template: &TemplateRef) -> TemplateKey {
    key(tenant, &template.name, template.language.as_deref())
}

/// The categories of one template, each since when it was named, in order. An event that repeats a category stays: a late one
/// may come between.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Named(Vec<(Millis, Box<str>)>);

impl Named {
    /// Adds what an event said. Of two events of one time the smaller category holds. Whether that changes anything.
    pub(crate) fn add(&mut self, at: Millis, category: &str) -> bool {
        match self.0.binary_search_by_key(&at, |(had, _)| *had) {
            Ok(place) if category < &*self.0[place].1 => self.0[place].1 = category.into(),
            Ok(_) => return false,
            Err(place) => self.0.insert(place, (at, category.into())),
        }
        true
    }

    /// The category that was named last before a time.
    pub(crate) fn before(&self, at: Millis) -> Option<&str> {
        let place = self.0.partition_point(|(had, _)| *had < at);
        Some(&self.0[place.checked_sub(1)?].1)
    }
}

/// Key and id of a message.
type Dependent = (Vec<u8>, Box<str>);

/// The templates that the platform named, and by template the sends without a pricing.
pub(crate) struct Templates {
    pub(crate) named: Store<Named>,
    /// Message id by (template, message).
    unpriced: Store<Box<str>>,
}

impl Templates {
    pub(crate) fn new() -> Self {
        Self {
            named: Store::new("templates"),
            unpriced: Store::new("unpriced"),
        }
    }

    /// The category that the platform gave a template before a time.
    pub(crate) fn category(&mut self, template: &TemplateKey, at: Millis) -> Result<Option<&str>, StoreError> {
        Ok(self.named.get(template)?.and_then(|named| named.before(at)))
    }

    /// A send depends on the category of the template `now`, and no longer on that of `had`.
    pub(crate) fn depends(
        &mut self,
        message: &[u8],
        message_id: &str,
        had: Option<&TemplateKey>,
        now: Option<&TemplateKey>,
    ) {
        if had == now {
            return;
        }
        if let Some(template) = had {
            self.unpriced.remove(&[&template[..], message].concat());
        }
        if let Some(template) = now {
            self.unpriced.put(&[&template[..], message].concat(), message_id.into());
        }
    }

    /// The sends that depend on a template.
    pub(crate) fn dependents(&mut self, template: &TemplateKey) -> Result<Vec<Dependent>, StoreError> {
        let mut all = Vec::new();
        self.unpriced.scan_of(template, |key, message_id| {
            all.push((key[template.len()..].to_vec(), message_id.clone()));
        })?;
        Ok(all)
    }

    pub(crate) fn stores(&mut self) -> [&mut dyn StateStore; 2] {
        [&mut self.named, &mut self.unpriced]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_before_a_time_names_the_category() {
        let mut named = Named::default();
        assert!(named.add(20, "marketing"));
        assert!(named.add(10, "utility"));
        assert!(!named.add(20, "utility"), "the smaller of one time holds already");
        assert!(named.add(20, "authentication"));
        let at = |at| named.before(at);
        assert_eq!(
            [at(10), at(11), at(20), at(21)],
            [None, Some("utility"), Some("utility"), Some("authentication")],
            "an event at the very time is not before it"
        );
    }

    #[test]
    fn hyphen_and_underscore_are_one_and_nothing_else_is() {
        let plan = key("acme", "aviso_plan", Some("es_CL"));
        assert_eq!(plan, key("acme", "aviso-plan", Some("es-CL")));
        for other in [
            key("beta", "aviso_plan", Some("es_CL")),
            key("acme", "aviso_plan", Some("es")),
            key("acme", "aviso_plan", None),
            key("acme", "aviso", Some("es_CL")),
        ] {
            assert_ne!(plan, other);
        }
    }
}
