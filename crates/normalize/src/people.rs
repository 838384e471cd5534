//! Who is seen on an item: identifiers of one person, together.

use crate::{json, tenant::Tenant};
use hilo_contracts::item::Sighting;
use hilo_domain::{Identifier, IdentifierKind, phone};
pub(crate) use hilo_whatsapp::Named;
use serde_json::Value;
use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
    collections::{BTreeMap, BTreeSet},
};

/// The business, which is nobody: the number beside an item, and those of the configuration. Each stands in the form in
/// which all of its forms meet; a shown text that is no number as it is.
#[derive(Debug, Default)]
pub(crate) struct Business<'a> {
    shown: Option<String>,
    configured: &'a [String],
}

/// Digits at the end that all forms of a number share; forms differ behind the country.
const COMMON_DIGITS: usize = 6;

impl<'a> Business<'a> {
    /// The business of a tenant with this display number, in whatever form.
    pub(crate) fn new(display: Option<&str>, tenant: &'a Tenant) -> Self {
        Self {
            shown: display.map(|shown| any_form(shown, None).unwrap_or_else(|| shown.to_owned())),
            configured: tenant.own_numbers(),
        }
    }

    /// Whether `wa_id` is the business itself.
    pub(crate) fn is(&self, wa_id: &str) -> bool {
        self.shown
            .iter()
            .chain(self.configured)
            .any(|own| is_form_of(own, wa_id))
    }

    /// Whether `wa_id` is another number of the business than the one beside the item. With that one stand, as seen, user
    /// ids of senders without a phone; with any other only the business's own.
    pub(crate) fn is_other(&self, wa_id: &str) -> bool {
        let is_shown = || self.shown.as_deref().is_some_and(|shown| is_form_of(shown, wa_id));
        self.configured.iter().any(|own| is_form_of(own, wa_id)) && !is_shown()
    }
}

/// Whether `number` is another form of `own`.
fn is_form_of(own: &str, number: &str) -> bool {
    // Nearly nobody ends like the business: the look at the country is for those who do.
    last_digits(own).eq(last_digits(number)) && any_form(number, None).as_deref().unwrap_or(number) == own
}

fn last_digits(number: &str) -> impl Iterator<Item = u8> {
    number.bytes().rev().filter(u8::is_ascii_digit).take(COMMON_DIGITS)
}

/// Digits in which all forms of a number meet, Argentina's too: they are two people's only where people are meant.
pub(crate) fn any_form(number: &str, region: Option<&str>) -> Option<String> {
    let digits = phone::dialable(number, region)?;
    let digits = digits.trim_start_matches('+');
    Some(phone::candidate_digits(digits).unwrap_or_else(|| digits.to_owned()))
}

/// Whether `other` describes the same person as `named`: by user id, else by what `is_one` says of their `wa_id`s.
fn describes(other: &Named, named: &Named, is_one: impl Fn(&str, &str) -> bool) -> bool {
    match (&named.user_id, &other.user_id) {
        (Some(one), Some(two)) => one == two,
        _ => named
            .wa_id
            .as_deref()
            .zip(other.wa_id.as_deref())
            .is_some_and(|(one, two)| is_one(one, two)),
    }
}

/// Whether nothing speaks against one person: a thread has one partner, named by whichever id was at hand.
pub(crate) fn agree(one: &Named, other: &Named) -> bool {
    let users = one
        .user_id
        .as_deref()
        .zip(other.user_id.as_deref())
        .is_none_or(|(one, two)| one == two);
    let numbers = one
        .wa_id
        .as_deref()
        .zip(other.wa_id.as_deref())
        .is_none_or(|(one, two)| one == two || is_one_number(one, two));
    users && numbers
}

/// Adds the identifiers to `sighting`.
pub(crate) fn add(named: &Named, sighting: &mut Sighting) {
    let ids = &mut sighting.identifiers;
    if let Some(wa_id) = named.wa_id.as_deref() {
        ids.push(Identifier::wa_id(wa_id));
        ids.extend(
            phone::digits_of_wa_id(wa_id)
                .map(|digits| Identifier::new(IdentifierKind::Phone, format!("+{}", phone::canonical_digits(&digits)))),
        );
    }
    ids.extend(named.user_id.as_deref().map(Identifier::bsuid));
    ids.extend(
        named
            .parent
            .as_deref()
            .map(|parent| Identifier::new(IdentifierKind::ParentBsuid, parent)),
    );
    ids.extend(
        named
            .username
            .map(|username| Identifier::new(IdentifierKind::Username, username)),
    );
    if sighting.name.is_none() {
        sighting.name = named.name.map(str::to_owned);
    }
    if sighting.identity_hash.is_none() {
        sighting.identity_hash = named.identity_hash.map(str::to_owned);
    }
}

fn number(wa_id: &str) -> Option<String> {
    Identifier::wa_id(wa_id).number()
}

fn is_one_number(one: &str, two: &str) -> bool {
    number(one).is_some_and(|one| number(two).is_some_and(|two| one == two))
}

/// Brings a sighting into its one form; `None` when nothing was seen.
pub(crate) fn seen(mut sighting: Sighting) -> Option<Sighting> {
    sighting.identifiers.sort_unstable();
    sighting.identifiers.dedup();
    (!sighting.identifiers.is_empty()).then_some(sighting)
}

/// So many entries describe one person: each is another form or id of the same one, and nobody has more.
const DESCRIPTIONS: usize = 16;
/// Up to so many entries are looked through, one by one; more have an index.
const LOOKED_THROUGH: usize = 8;

/// The `contacts` of a value: they only describe others.
#[derive(Debug, Default)]
pub(crate) struct Contacts<'a> {
    entries: Vec<(Named<'a>, Cell<bool>)>,
    /// User ids of the business's other numbers.
    own_users: BTreeSet<Cow<'a, str>>,
    index: OnceCell<Index<'a>>,
    numbers: OnceCell<BTreeMap<String, Places>>,
}

/// Entries by what they name.
#[derive(Debug, Default)]
struct Index<'a> {
    by_user: BTreeMap<Cow<'a, str>, Vec<usize>>,
    by_wa_id: BTreeMap<Cow<'a, str>, Places>,
}

/// Entries with one `wa_id` or number, in their order: all, and those without a user id.
#[derive(Debug, Default)]
struct Places {
    all: Vec<usize>,
    bare: Vec<usize>,
}

impl Places {
    fn add(&mut self, place: usize, entry: &Named) {
        self.all.push(place);
        if entry.user_id.is_none() {
            self.bare.push(place);
        }
    }

    /// The first that may describe `named`, who is another person than all with other user ids.
    fn first(&self, named: &Named, used: &[usize]) -> Option<usize> {
        let places = if named.user_id.is_some() { &self.bare } else { &self.all };
        places.iter().copied().find(|place| !used.contains(place))
    }
}

impl<'a> Contacts<'a> {
    /// The entries that name somebody else than the business.
    pub(crate) fn of(value: &'a Value, business: &Business) -> Self {
        let Some(contacts) = json::list(value, "contacts") else {
            return Self::default();
        };
        let named = contacts.iter().map(Named::contact).filter(|entry| !entry.is_nobody());
        let (own, mut theirs): (Vec<Named>, Vec<Named>) =
            named.partition(|entry| entry.wa_id.as_deref().is_some_and(|wa_id| business.is(wa_id)));
        let others = own
            .iter()
            .filter(|entry| entry.wa_id.as_deref().is_some_and(|wa_id| business.is_other(wa_id)));
        let own_users: BTreeSet<Cow<str>> = others.filter_map(|entry| entry.user_id.clone()).collect();
        theirs.retain(|entry| {
            !entry
                .user_id
                .as_ref()
                .is_some_and(|user_id| own_users.contains(user_id))
        });
        Self {
            entries: theirs.into_iter().map(|entry| (entry, Cell::new(false))).collect(),
            own_users,
            ..Self::default()
        }
    }

    /// Whether a user id is that of another number of the business.
    pub(crate) fn is_own_user(&self, user_id: &str) -> bool {
        self.own_users.contains(user_id)
    }

    /// Adds to `sighting` what the entries say of the person it names. Two entries may name one number with two user
    /// ids: the first describes, the other is somebody else.
    pub(crate) fn describe(&self, named: &Named, sighting: &mut Sighting) {
        let mut named = named.clone();
        let mut used: Vec<usize> = Vec::new();
        // What one entry adds, another may go by. A number in the form that is named goes before its other form.
        while used.len() < DESCRIPTIONS {
            let found = if self.entries.len() <= LOOKED_THROUGH {
                self.look_through(&named, &used)
            } else {
                self.look_up(&named, &used)
            };
            let Some((entry, described)) = found.and_then(|place| self.entries.get(place)) else {
                return;
            };
            used.extend(found);
            described.set(true);
            named.user_id = named.user_id.or_else(|| entry.user_id.clone());
            named.wa_id = named.wa_id.or_else(|| entry.wa_id.clone());
            add(entry, sighting);
        }
    }

    /// The first entry that describes `named`, of those not used yet.
    fn look_through(&self, named: &Named, used: &[usize]) -> Option<usize> {
        let first = |is_one: fn(&str, &str) -> bool| {
            let mut left = (0..self.entries.len()).filter(|place| !used.contains(place));
            left.find(|place| describes(&self.entries[*place].0, named, is_one))
        };
        first(|one, two| one == two).or_else(|| first(is_one_number))
    }

    /// As [`Self::look_through`], by the index.
    fn look_up(&self, named: &Named, used: &[usize]) -> Option<usize> {
        let index = self.index.get_or_init(|| {
            let mut index = Index::default();
            for (place, (entry, _)) in self.entries.iter().enumerate() {
                if let Some(user_id) = entry.user_id.clone() {
                    index.by_user.entry(user_id).or_default().push(place);
                }
                if let Some(wa_id) = entry.wa_id.clone() {
                    index.by_wa_id.entry(wa_id).or_default().add(place, entry);
                }
            }
            index
        });
        let of_user = named.user_id.as_deref().and_then(|user_id| index.by_user.get(user_id));
        let by_user = of_user.and_then(|places| places.iter().copied().find(|place| !used.contains(place)));
        let of_wa_id = named.wa_id.as_deref().and_then(|wa_id| index.by_wa_id.get(wa_id));
        let by_wa_id = of_wa_id.and_then(|places| places.first(named, used));
        let by_number = || {
            let numbers = self.numbers.get_or_init(|| {
                let mut numbers: BTreeMap<String, Places> = BTreeMap::new();
                for (place, (entry, _)) in self.entries.iter().enumerate() {
                    if let Some(number) = entry.wa_id.as_deref().and_then(number) {
                        numbers.entry(number).or_default().add(place, entry);
                    }
                }
                numbers
            });
            numbers.get(&number(named.wa_id.as_deref()?)?)?.first(named, used)
        };
        by_user.into_iter().chain(by_wa_id).min().or_else(by_number)
    }

    /// The only entry, for an element that names nobody.
    pub(crate) fn only(&self) -> Option<Named<'a>> {
        match self.entries.as_slice() {
            [(entry, described)] => {
                described.set(true);
                Some(entry.clone())
            }
            _ => None,
        }
    }

    /// Entries that described nothing.
    pub(crate) fn others(&self) -> impl Iterator<Item = Sighting> {
        self.entries
            .iter()
            .filter(|(_, described)| !described.get())
            .filter_map(|(entry, _)| {
                let mut sighting = Sighting {
                    creates: true,
                    ..Sighting::default()
                };
                add(entry, &mut sighting);
                seen(sighting)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const WA_IDS: [&str; 5] = ["5215512345678", "525512345678", "56961234567", "x", "56961234568"];
    const USERS: [&str; 4] = ["CL.1", "CL.2", "CL.3", "MX.1"];

    fn names() -> impl Strategy<Value = (Option<usize>, Option<usize>)> {
        (
            prop::option::weighted(0.7, 0..WA_IDS.len()),
            prop::option::weighted(0.4, 0..USERS.len()),
        )
    }

    proptest! {
        #[test]
        fn the_index_finds_what_a_look_at_all_entries_finds(
            entries in prop::collection::vec(names(), 0..14),
            (wa_id, user_id) in names(),
            used in prop::collection::vec(0..14usize, 0..6),
        ) {
            let contacts: Vec<Value> = entries
                .iter()
                .map(|(wa_id, user_id)| json!({
                    "wa_id": wa_id.map(|place| WA_IDS[place]),
                    "user_id": user_id.map(|place| USERS[place]),
                }))
                .collect();
            let value = json!({ "contacts": contacts });
            let contacts = Contacts::of(&value, &Business::default());
            let named = Named {
                wa_id: wa_id.map(|place| WA_IDS[place].into()),
                user_id: user_id.map(|place| USERS[place].into()),
                ..Named::default()
            };
            prop_assert_eq!(contacts.look_up(&named, &used), contacts.look_through(&named, &used));
        }
    }

    #[test]
    fn the_business_is_itself_in_every_form_of_its_number() {
        for (shown, forms) in [
            ("+229 01 97 00 11 22", ["22997001122", "2290197001122"]),
            ("22997001122", ["22997001122", "+2290197001122"]),
            ("+225 07 07 11 22 33", ["22507112233", "2250707112233"]),
            ("52 1 55 1234 5678", ["525512345678", "5215512345678"]),
            ("541123456789", ["5491123456789", "541123456789"]),
        ] {
            let tenant = Tenant::default();
            let business = Business::new(Some(shown), &tenant);
            assert!(forms.iter().all(|form| business.is(form)), "{shown}");
            assert!(!business.is("22997001123"), "{shown}");
        }
    }

    #[test]
    fn an_entry_that_thousands_share_describes_each_of_them_once() {
        let entries: Vec<Value> = (0..2_000)
            .map(|count| json!({"wa_id": "56961234567", "profile": {"username": format!("u{count}")}}))
            .collect();
        let value = json!({ "contacts": entries });
        let contacts = Contacts::of(&value, &Business::default());
        let mut sighting = Sighting::default();
        let named = Named {
            wa_id: Some("56961234567".into()),
            ..Named::default()
        };
        contacts.describe(&named, &mut sighting);
        assert!(
            sighting.identifiers.len() <= 3 * DESCRIPTIONS,
            "{}",
            sighting.identifiers.len()
        );
        assert_eq!(contacts.others().count(), 2_000 - DESCRIPTIONS);
    }
}
