//! Who is seen on an item: identifiers of one person, together.

use crate::json;
use hilo_contracts::item::Sighting;
use hilo_domain::{Identifier, IdentifierKind, phone};
use serde_json::Value;
use std::cell::Cell;

/// The business, which is nobody: its own number, in the form in which all of its forms meet; as it is shown where that is
/// no number.
#[derive(Debug, Default)]
pub(crate) struct Business(Option<String>);

/// Digits at the end that all forms of a number share; forms differ behind the country.
const COMMON_DIGITS: usize = 6;

impl Business {
    /// The business with this display number, in whatever form.
    pub(crate) fn new(display: Option<&str>) -> Self {
        Self(display.map(|shown| any_form(shown).unwrap_or_else(|| shown.to_owned())))
    }

    /// Whether `wa_id` is the business itself.
    pub(crate) fn is(&self, wa_id: &str) -> bool {
        let Some(own) = &self.0 else { return false };
        // Nearly nobody ends like the business: the look at the country is for those who do.
        last_digits(own).eq(last_digits(wa_id)) && any_form(wa_id).as_deref().unwrap_or(wa_id) == own
    }
}

fn last_digits(number: &str) -> impl Iterator<Item = u8> {
    number.bytes().rev().filter(u8::is_ascii_digit).take(COMMON_DIGITS)
}

/// Digits in which all forms of a number meet, Argentina's too: they are two people's only where people are meant.
fn any_form(number: &str) -> Option<String> {
    let digits = phone::dialable(number, None)?;
    let digits = digits.trim_start_matches('+');
    Some(phone::candidate_digits(digits).unwrap_or_else(|| digits.to_owned()))
}

/// What an element says of one person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    pub wa_id: Option<&'a str>,
    pub user_id: Option<&'a str>,
    pub parent: Option<&'a str>,
    pub username: Option<&'a str>,
    pub name: Option<&'a str>,
    pub identity_hash: Option<&'a str>,
}

impl<'a> Named<'a> {
    /// The person that `element` names under these keys.
    pub(crate) fn under(element: &'a Value, wa_id: &str, user_id: &str, parents: &[&str]) -> Self {
        Self {
            wa_id: json::text(element, wa_id),
            user_id: json::text(element, user_id),
            parent: parents.iter().find_map(|key| json::text(element, key)),
            ..Self::default()
        }
    }

    /// An entry of `contacts`, or what looks like one.
    pub(crate) fn contact(entry: &'a Value) -> Self {
        let profile = entry.get("profile").unwrap_or(&Value::Null);
        Self {
            username: json::text(profile, "username").or_else(|| json::text(entry, "username")),
            name: json::text(profile, "name"),
            identity_hash: json::text(entry, "identity_key_hash"),
            ..Self::under(entry, "wa_id", "user_id", &["parent_user_id"])
        }
    }

    /// Whether nobody can be found by it.
    pub(crate) fn is_nobody(&self) -> bool {
        self.wa_id.is_none() && self.user_id.is_none() && self.parent.is_none()
    }

    /// Whether `other` describes the same person: by user id, else by what `is_one` says of their `wa_id`s.
    fn is_described_by(&self, other: &Named, is_one: impl Fn(&str, &str) -> bool) -> bool {
        match (self.user_id, other.user_id) {
            (Some(one), Some(two)) => one == two,
            _ => self.wa_id.zip(other.wa_id).is_some_and(|(one, two)| is_one(one, two)),
        }
    }

    /// Whether nothing speaks against one person: a thread has one partner, named by whichever id was at hand.
    pub(crate) fn agrees_with(&self, other: &Named) -> bool {
        let users = self.user_id.zip(other.user_id).is_none_or(|(one, two)| one == two);
        let numbers = self
            .wa_id
            .zip(other.wa_id)
            .is_none_or(|(one, two)| one == two || is_one_number(one, two));
        users && numbers
    }

    /// Adds the identifiers to `sighting`.
    pub(crate) fn add_to(&self, sighting: &mut Sighting) {
        let ids = &mut sighting.identifiers;
        if let Some(wa_id) = self.wa_id {
            ids.push(Identifier::wa_id(wa_id));
            ids.extend(phone::digits_of_wa_id(wa_id).map(|digits| {
                Identifier::new(IdentifierKind::Phone, format!("+{}", phone::canonical_digits(&digits)))
            }));
        }
        ids.extend(self.user_id.map(Identifier::bsuid));
        ids.extend(
            self.parent
                .map(|parent| Identifier::new(IdentifierKind::ParentBsuid, parent)),
        );
        ids.extend(
            self.username
                .map(|username| Identifier::new(IdentifierKind::Username, username)),
        );
        if sighting.name.is_none() {
            sighting.name = self.name.map(str::to_owned);
        }
        if sighting.identity_hash.is_none() {
            sighting.identity_hash = self.identity_hash.map(str::to_owned);
        }
    }
}

fn is_one_number(one: &str, two: &str) -> bool {
    let number = |wa_id| Identifier::wa_id(wa_id).number();
    number(one).is_some_and(|one| number(two).is_some_and(|two| one == two))
}

/// Brings a sighting into its one form; `None` when nothing was seen.
pub(crate) fn seen(mut sighting: Sighting) -> Option<Sighting> {
    sighting.identifiers.sort_unstable();
    sighting.identifiers.dedup();
    (!sighting.identifiers.is_empty()).then_some(sighting)
}

/// The `contacts` of a value: they only describe others.
#[derive(Debug, Default)]
pub(crate) struct Contacts<'a> {
    entries: Vec<(Named<'a>, Cell<bool>)>,
}

impl<'a> Contacts<'a> {
    /// The entries that name somebody else than the business.
    pub(crate) fn of(value: &'a Value, business: &Business) -> Self {
        let Some(contacts) = json::list(value, "contacts") else {
            return Self::default();
        };
        let entries = contacts
            .iter()
            .map(Named::contact)
            .filter(|entry| !entry.is_nobody() && !entry.wa_id.is_some_and(|wa_id| business.is(wa_id)))
            .map(|entry| (entry, Cell::new(false)))
            .collect();
        Self { entries }
    }

    /// Adds to `sighting` what the entries say of the person it names. Two entries may name one number with two user
    /// ids: the first describes, the other is somebody else.
    pub(crate) fn describe(&self, named: &Named, sighting: &mut Sighting) {
        let mut named = *named;
        let mut left: Vec<_> = self.entries.iter().collect();
        // What one entry adds, another may go by. A number in the form that is named goes before its other form.
        loop {
            let exact = left.iter().position(|(entry, _)| named.is_described_by(entry, str::eq));
            let other_form = || {
                left.iter()
                    .position(|(entry, _)| named.is_described_by(entry, is_one_number))
            };
            let Some(place) = exact.or_else(other_form) else {
                return;
            };
            let (entry, described) = left.remove(place);
            described.set(true);
            named.user_id = named.user_id.or(entry.user_id);
            named.wa_id = named.wa_id.or(entry.wa_id);
            entry.add_to(sighting);
        }
    }

    /// The only entry, for an element that names nobody.
    pub(crate) fn only(&self) -> Option<Named<'a>> {
        match self.entries.as_slice() {
            [(entry, described)] => {
                described.set(true);
                Some(*entry)
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
                entry.add_to(&mut sighting);
                seen(sighting)
            })
    }
}
