//! Addresses of the dated API.

use hilo_crm::values::Object;

/// A version of the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApiVersion {
    /// Rules of the portal bind what is written by it.
    #[default]
    V2026_09,
    /// The version before.
    V2026_03,
}

impl ApiVersion {
    /// All that are tested, the default first.
    pub const ALL: [Self; 2] = [Self::V2026_09, Self::V2026_03];

    /// The version of a configuration's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == word)
    }

    /// Its date.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2026_09 => "2026-09",
            Self::V2026_03 => "2026-03",
        }
    }

    pub(crate) fn objects(self, object: Object, rest: &str) -> String {
        format!("/crm/objects/{}/{}/{rest}", self.as_str(), name(object))
    }

    pub(crate) fn associations(self, from: Object, to: Object, rest: &str) -> String {
        format!(
            "/crm/associations/{}/{}/{}/batch/{rest}",
            self.as_str(),
            name(from),
            name(to)
        )
    }

    pub(crate) fn properties(self, object: Object, rest: &str) -> String {
        format!("/crm/properties/{}/{}{rest}", self.as_str(), name(object))
    }

    pub(crate) fn pipelines(self, object: Object, rest: &str) -> String {
        format!("/crm/pipelines/{}/{}{rest}", self.as_str(), name(object))
    }

    pub(crate) fn owners(self, after: Option<&str>) -> String {
        let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
        format!("/crm/owners/{}?limit=500{after}", self.as_str())
    }

    pub(crate) fn validations(self, object: Object) -> String {
        let number = match object {
            Object::Contact => "0-1",
            Object::Ticket => "0-5",
            Object::Deal => "0-3",
            Object::Communication => "0-18",
            Object::Task => "0-27",
        };
        format!("/crm/property-validations/{}/{number}", self.as_str())
    }

    pub(crate) fn account(self) -> String {
        format!("/account-info/{}/details", self.as_str())
    }
}

/// Name of an object in addresses. Deals are published under their number only.
pub(crate) fn name(object: Object) -> &'static str {
    match object {
        Object::Contact => "contacts",
        Object::Ticket => "tickets",
        Object::Deal => "0-3",
        Object::Communication => "communications",
        Object::Task => "tasks",
    }
}

/// Scope that writing an object takes.
pub(crate) fn scope(object: Object) -> &'static str {
    match object {
        // The scope of contacts covers what stands on their timeline.
        Object::Contact | Object::Communication | Object::Task => "crm.objects.contacts.write",
        Object::Ticket => "tickets",
        Object::Deal => "crm.objects.deals.write",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_dated_and_deals_go_by_their_number() {
        let version = ApiVersion::default();
        assert_eq!(
            version.objects(Object::Deal, "batch/upsert"),
            "/crm/objects/2026-09/0-3/batch/upsert"
        );
        assert_eq!(
            ApiVersion::V2026_03.associations(Object::Ticket, Object::Contact, "associate/default"),
            "/crm/associations/2026-03/tickets/contacts/batch/associate/default"
        );
        assert_eq!(ApiVersion::parse("2026-03"), Some(ApiVersion::V2026_03));
        assert_eq!(ApiVersion::parse("v3"), None);
    }
}
