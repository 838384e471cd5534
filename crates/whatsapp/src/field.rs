//! The fields of changes that are known: `{"field": "messages", "value": {…}}`.

use crate::account;

/// How the value of a field holds what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// As elements of lists.
    Lists,
    /// The value is one event of a flow, its errors belong to it.
    Flow,
    /// The value is one fact about the business side.
    Account(account::Field),
}

impl Field {
    /// The field of this name, if it is known.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "messages"
            | "smb_message_echoes"
            | "calls"
            | "history"
            | "smb_app_state_sync"
            | "user_preferences"
            | "user_id_update"
            | "automatic_events"
            | "group_lifecycle_update"
            | "group_participants_update"
            | "group_settings_update"
            | "group_status_update" => Some(Self::Lists),
            "flows" => Some(Self::Flow),
            _ => account::Field::of(name).map(Self::Account),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_known_by_its_name() {
        assert_eq!(Field::of("group_settings_update"), Some(Field::Lists));
        assert_eq!(Field::of("flows"), Some(Field::Flow));
        assert_eq!(Field::of("security"), Some(Field::Account(account::Field::Security)));
        assert_eq!(Field::of("tracking_events"), None);
    }
}
