//! Changes of user ids: the machine-readable pair.
//!
//! ```json
//! {"wa_id": "16505551234", "detail": "User id changed", "user_id": {"previous": "US.1", "current": "US.2"},
//!  "parent_user_id": {"previous": "US.ENT.1", "current": "US.ENT.2"}, "timestamp": "1749416383"}
//! ```

use crate::Named;
use hilo_contracts::details::{Details, UserIdChange};
use hilo_domain::read::{id, id_at, owned, said};
use serde_json::Value;

/// The list of changes.
pub const LIST: &str = "user_id_update";
/// Kind of a change of a user id.
pub const KIND: &str = "user_id_changed";

/// Who somebody was and who they are. The number is theirs from then on.
#[must_use]
pub fn read(element: &Value) -> (Named<'_>, Named<'_>) {
    let pair = |version| {
        let one = |object| element.get(object).and_then(|pair| id_at(pair, version));
        Named {
            user_id: one("user_id"),
            parent: one("parent_user_id"),
            ..Named::default()
        }
    };
    let now = Named {
        wa_id: id_at(element, "wa_id"),
        ..pair("current")
    };
    (pair("previous"), now)
}

/// What a change says, field by field.
pub(crate) fn details(element: &Value) -> Details {
    let of = |key: &str, version: &str| element.get(key).and_then(|pair| id(pair, version));
    Details {
        text: owned(element, "detail"),
        user_id_change: said(UserIdChange {
            previous: of("user_id", "previous"),
            current: of("user_id", "current"),
            previous_parent: of("parent_user_id", "previous"),
            current_parent: of("parent_user_id", "current"),
        }),
        ..Details::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_has_both_ids() {
        let element = json!({"wa_id": "16505551234", "detail": "User id changed",
            "user_id": {"previous": "US.1", "current": "US.2"},
            "parent_user_id": {"previous": "US.ENT.1", "current": "US.ENT.2"}});
        let (before, now) = read(&element);
        assert_eq!(
            (before.wa_id, before.user_id.as_deref(), before.parent.as_deref()),
            (None, Some("US.1"), Some("US.ENT.1"))
        );
        assert_eq!(
            (now.wa_id.as_deref(), now.user_id.as_deref(), now.parent.as_deref()),
            (Some("16505551234"), Some("US.2"), Some("US.ENT.2"))
        );
        let details = details(&element);
        assert_eq!(details.text.as_deref(), Some("User id changed"));
        let told = details.user_id_change.unwrap();
        assert_eq!(
            (told.previous.as_deref(), told.current.as_deref()),
            (Some("US.1"), Some("US.2"))
        );
        assert_eq!(
            (told.previous_parent.as_deref(), told.current_parent.as_deref()),
            (Some("US.ENT.1"), Some("US.ENT.2"))
        );
    }
}
