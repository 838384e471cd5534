//! Facts about the business side: numbers, templates, accounts, portfolios.

use crate::{
    key::Key,
    update::{Draft, Update},
};
use hilo_contracts::item::Body;
use hilo_whatsapp::{account, timestamp};

/// The value of a field about the business side; `None` where it has nothing that its field needs.
pub(super) fn fact(update: &Update, field: account::Field) -> Option<Draft> {
    let fact = field.read(&account::Change {
        field: update.field,
        value: update.value,
        entry_id: update.entry_id,
        phone_number_id: update.phone_number_id.as_deref(),
    })?;
    Some(Draft::new(timestamp(update.value), Key::Content, Body::Account(fact)))
}
