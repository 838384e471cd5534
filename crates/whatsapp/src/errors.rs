//! Errors: of an element, of a participant or setting in it, and of the account as an item itself.
//!
//! ```json
//! {"code": 131051, "title": "Message type unknown", "message": "Message type unknown",
//!  "error_data": {"details": "Message type is currently not supported."}}
//! ```

use hilo_contracts::{details::Details, facts::ErrorRef};
use hilo_domain::read::{list, owned, said, text, whole};
use serde_json::Value;

/// The list of errors of the account, beside the items of a value.
pub const LIST: &str = "errors";
/// Kind of an error of the account.
pub const KIND: &str = "platform_error";

/// `errors` of an element, at whichever of the three levels it stands; without those that say nothing that is known.
pub(crate) fn errors(element: &Value) -> Vec<ErrorRef> {
    let errors = list(element, LIST).into_iter().flatten();
    errors.filter_map(|element| said(error(element))).collect()
}

/// One error. Older payloads have `details` beside its code.
pub(crate) fn error(error: &Value) -> ErrorRef {
    let details = error.get("error_data").and_then(|data| text(data, "details"));
    ErrorRef {
        code: whole(error, "code"),
        title: owned(error, "title"),
        details: details
            .or_else(|| text(error, "details"))
            .or_else(|| text(error, "message"))
            .map(str::to_owned),
    }
}

/// An error of the account, which is an item itself.
pub(crate) fn details(element: &Value) -> Details {
    Details {
        text: owned(element, "message"),
        errors: vec![error(element)],
        ..Details::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_details_of_an_error_are_the_nearest_that_it_has() {
        for (told, want) in [
            (
                json!({"code": 1, "error_data": {"details": "a"}, "details": "b", "message": "c"}),
                Some("a"),
            ),
            (
                json!({"code": 1, "error_data": {}, "details": "b", "message": "c"}),
                Some("b"),
            ),
            (json!({"code": 1, "message": "c"}), Some("c")),
            (json!({"code": 1}), None),
        ] {
            let element = json!({ "errors": [told] });
            assert_eq!(errors(&element)[0].details.as_deref(), want);
        }
        assert!(errors(&json!({"errors": [{}, {"href": "x"}]})).is_empty());
    }

    #[test]
    fn an_error_of_the_account_is_an_item() {
        let told = details(&json!({"code": 131_000, "title": "Something went wrong", "message": "Try again"}));
        assert_eq!(told.text.as_deref(), Some("Try again"));
        assert_eq!(
            (told.errors[0].code, told.errors[0].title.as_deref()),
            (Some(131_000), Some("Something went wrong"))
        );
    }
}
