//! People: numbers of real ranges, user ids, and what is known of whom.

use crate::{
    random::{Dice, scramble},
    text::{Put, put},
    vocabulary::{FIRST_NAMES, LAST_NAMES, ORNAMENTS},
};
use hilo_domain::Millis;

/// Where people live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Country {
    /// CL.
    Chile,
    /// MX: some `wa_id`s still have the 1 after 52.
    Mexico,
    /// CO.
    Colombia,
    /// AR: mobiles are 549, and some address books leave the 9 out.
    Argentina,
    /// BR: some `wa_id`s lack the ninth digit.
    Brazil,
    /// PE.
    Peru,
}

impl Country {
    pub(crate) const COUNT: usize = 6;

    /// ISO 3166.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Chile => "CL",
            Self::Mexico => "MX",
            Self::Colombia => "CO",
            Self::Argentina => "AR",
            Self::Brazil => "BR",
            Self::Peru => "PE",
        }
    }

    pub(crate) fn currency(self) -> &'static str {
        match self {
            Self::Chile => "CLP",
            Self::Mexico => "MXN",
            Self::Colombia => "COP",
            Self::Argentina => "ARS",
            Self::Brazil => "BRL",
            Self::Peru => "PEN",
        }
    }

    pub(crate) fn language(self) -> &'static str {
        match self {
            Self::Chile => "es_CL",
            Self::Mexico => "es_MX",
            Self::Argentina => "es_AR",
            Self::Brazil => "pt_BR",
            Self::Colombia | Self::Peru => "es",
        }
    }

    /// First of a range of mobile numbers that is allocated, in dialable digits, and its length.
    fn range(self) -> (u64, u64) {
        match self {
            Self::Chile => (56_960_000_000, 9_000_000),
            Self::Mexico => (525_510_000_000, 10_000_000),
            Self::Colombia => (573_100_000_000, 10_000_000),
            Self::Argentina => (5_491_120_000_000, 10_000_000),
            Self::Brazil => (5_511_980_000_000, 10_000_000),
            Self::Peru => (51_910_000_000, 10_000_000),
        }
    }

    /// The `nth` number of the country: all different until the range is used up, and in no visible order.
    #[must_use]
    pub fn number(self, nth: u64) -> u64 {
        const COPRIME_TO_ALL_LENGTHS: u64 = 7_368_787;
        let (first, length) = self.range();
        first + nth.wrapping_mul(COPRIME_TO_ALL_LENGTHS) % length
    }
}

/// A person of one tenant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    /// Number of the user id; another one after a change of the phone.
    pub(crate) user_id: u64,
    /// Dialable digits.
    pub(crate) digits: u64,
    pub(crate) country: Country,
    name: u64,
    /// Their `wa_id` is not the dialable number (MX, BR).
    legacy_form: bool,
    pub(crate) has_username: bool,
    /// The platform leaves the phone out.
    pub(crate) hidden: bool,
    /// In a conversation.
    pub(crate) busy: bool,
    pub(crate) opted_out: bool,
    /// Messages to them whose statuses are not all there.
    pub(crate) in_flight: u32,
}

impl Person {
    pub(crate) fn new(user_id: u64, digits: u64, country: Country, has_username: bool, dice: &mut Dice) -> Self {
        Self {
            user_id,
            digits,
            country,
            name: scramble(user_id) >> 8,
            legacy_form: match country {
                Country::Mexico => dice.chance(0.6),
                Country::Brazil => dice.chance(0.5),
                _ => false,
            },
            has_username,
            hidden: has_username,
            busy: false,
            opted_out: false,
            in_flight: 0,
        }
    }

    /// Digits of the `wa_id`, in whichever form the platform has it.
    pub(crate) fn wa_id(&self) -> u64 {
        match self.country {
            Country::Mexico if self.legacy_form => 521 * 10_000_000_000 + self.digits % 10_000_000_000,
            Country::Brazil if self.legacy_form => {
                let area = self.digits / 1_000_000_000;
                area * 100_000_000 + self.digits % 100_000_000
            }
            _ => self.digits,
        }
    }

    pub(crate) fn bsuid(&self) -> Bsuid {
        Bsuid {
            country: self.country,
            number: self.user_id,
        }
    }

    /// Their entry in `contacts`.
    pub(crate) fn contact(&self) -> String {
        let mut out = String::with_capacity(160);
        put!(&mut out; "{\"profile\":{\"name\":\"", FIRST_NAMES[(self.name % FIRST_NAMES.len() as u64) as usize]);
        let last = (self.name >> 8) % (LAST_NAMES.len() as u64 * 2);
        if let Some(last) = LAST_NAMES.get(last as usize) {
            put!(&mut out; " ", *last);
        }
        let ornament = (self.name >> 24) % (ORNAMENTS.len() as u64 * 5);
        if let Some(ornament) = ORNAMENTS.get(ornament as usize) {
            put!(&mut out; " ", *ornament);
        }
        out.push('"');
        if self.has_username {
            put!(&mut out; ",\"username\":\"usuario.", self.name % 1_000_000, "\"");
        }
        out.push('}');
        if !self.hidden {
            put!(&mut out; ",\"wa_id\":\"", self.wa_id(), "\"");
        }
        put!(&mut out; ",\"user_id\":\"", self.bsuid(), "\"}");
        out
    }
}

/// A user id of the business portfolio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bsuid {
    pub(crate) country: Country,
    pub(crate) number: u64,
}

impl Put for Bsuid {
    fn put(&self, out: &mut String) {
        put!(out; self.country.code(), ".", self.number);
    }
}

/// Which person of which tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) tenant: u8,
    pub(crate) index: u32,
}

/// A number that somebody gave up, and when: carriers give it to somebody else after a while.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GivenUp {
    pub(crate) at: Millis,
    pub(crate) digits: u64,
    pub(crate) country: Country,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const ALL: [Country; Country::COUNT] = [
        Country::Chile,
        Country::Mexico,
        Country::Colombia,
        Country::Argentina,
        Country::Brazil,
        Country::Peru,
    ];

    #[test]
    fn numbers_are_valid_distinct_and_of_their_country() {
        for country in ALL {
            let numbers: HashSet<u64> = (0..5_000).map(|nth| country.number(nth)).collect();
            assert_eq!(numbers.len(), 5_000, "{country:?}");
            for number in numbers {
                let parsed = phonenumber::parse(None, format!("+{number}")).unwrap();
                assert!(phonenumber::is_valid(&parsed), "+{number}");
                assert_eq!(
                    parsed.country().id().map(|id| id.as_ref().to_owned()).as_deref(),
                    Some(country.code())
                );
            }
        }
    }

    #[test]
    fn legacy_forms_are_one_number_with_the_dialable_one() {
        let mut dice = Dice::new(1);
        for country in [Country::Mexico, Country::Brazil] {
            let mut differ = 0;
            for nth in 0..200 {
                let person = Person::new(nth, country.number(nth), country, false, &mut dice);
                let wa_id = person.wa_id().to_string();
                assert_eq!(hilo_domain::phone::canonical_digits(&wa_id), person.digits.to_string());
                differ += usize::from(wa_id != person.digits.to_string());
            }
            assert!((20..180).contains(&differ), "{country:?}: {differ}");
        }
    }
}
