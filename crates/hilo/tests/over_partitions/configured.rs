//! What is configured of the tenants of generated captures: of one of them all that changes how its items are read.

use hilo::topology::Tenants;
use hilo_normalize::Tenant;

/// The tenant of which something is configured.
pub(crate) const TENANT: &str = "gamma";
/// Numbers that people have in captures of other tenants.
pub(crate) const OWN_NUMBERS: [&str; 2] = ["+52 1 55 1234 5678", "5491123456789"];
pub(crate) const ACCOUNTS: [&str; 2] = ["31001", "41001"];
pub(crate) const AUTO_REPLIES: [&str; 2] = ["¡Hola! Te responderemos mañana", "Fuera de horario."];
pub(crate) const WORDS: [&str; 2] = ["no molestar", "Sí"];

pub(crate) fn tenants() -> Tenants {
    let mut tenant = Tenant::default();
    assert!(OWN_NUMBERS.iter().all(|number| tenant.add_own_number(number)));
    assert!(ACCOUNTS.iter().all(|account| tenant.add_account(account)));
    assert!(AUTO_REPLIES.iter().all(|reply| tenant.add_auto_reply(reply)));
    assert!(WORDS.iter().all(|word| tenant.add_opt_out(word)));
    Tenants {
        settings: [(TENANT.to_owned(), tenant)].into(),
        ..Tenants::default()
    }
}
