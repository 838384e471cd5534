//! What the configuration says of a tenant.

use crate::people::any_form;
use hilo_domain::{OptOut, OptOutWords, text};
use std::collections::BTreeSet;

/// A tenant, as its items are read. Each method that adds says whether there was something to add.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tenant {
    region: Option<String>,
    own_numbers: Vec<String>,
    accounts: Option<BTreeSet<String>>,
    auto_replies: BTreeSet<String>,
    opt_outs: OptOutWords,
}

impl Tenant {
    /// A tenant whose local phone forms are completed by `region` (ISO 3166).
    #[must_use]
    pub fn of(region: Option<String>) -> Self {
        Self {
            region,
            ..Self::default()
        }
    }

    /// A number of the business itself, in any form: never a person.
    pub fn add_own_number(&mut self, number: &str) -> bool {
        let form = any_form(number, self.region());
        let is_number = form.is_some();
        self.own_numbers.extend(form);
        is_number
    }

    /// An account or portfolio of the tenant. Where one is named, the entries of all others are another's.
    pub fn add_account(&mut self, id: &str) -> bool {
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        if is_id {
            self.accounts.get_or_insert_default().insert(id.to_owned());
        }
        is_id
    }

    /// A text that the phone app answers by itself.
    pub fn add_auto_reply(&mut self, reply: &str) -> bool {
        let form = text::caseless(reply);
        let says_something = !form.is_empty();
        if says_something {
            self.auto_replies.insert(form);
        }
        says_something
    }

    /// A word that is an opt-out wherever it is said.
    pub fn add_opt_out(&mut self, word: &str) -> bool {
        self.opt_outs.add(word)
    }

    pub(crate) fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// The business's numbers, in the form in which all forms of one meet.
    pub(crate) fn own_numbers(&self) -> &[String] {
        &self.own_numbers
    }

    /// Whether an entry is another's. The dashboard's test deliveries name no account.
    pub(crate) fn is_foreign(&self, entry_id: &str) -> bool {
        let accounts = self.accounts.as_ref();
        entry_id != TEST_ENTRY && accounts.is_some_and(|accounts| !accounts.contains(entry_id))
    }

    pub(crate) fn is_auto_reply(&self, said: &str) -> bool {
        !self.auto_replies.is_empty() && self.auto_replies.contains(&text::caseless(said))
    }

    pub(crate) fn opt_out(&self, said: &str) -> Option<OptOut> {
        self.opt_outs.find(said)
    }
}

/// `entry.id` of the platform's test button.
pub(crate) const TEST_ENTRY: &str = "0";
