//! Who people are: newcomers, and those whose number or user id changes.

use crate::{
    Country,
    delivery::{Counts, Element, Field},
    people::{GivenUp, Person, Who},
    text::{Seconds, Wamid, put},
    world::Simulator,
};
use hilo_domain::{Millis, time};

/// Carriers wait before they give a number to somebody else; a demo has less patience.
const QUARANTINE: Millis = 20 * time::SECOND;

impl Simulator {
    /// Somebody of the tenant, known or new.
    pub(crate) fn anybody(&mut self, tenant: u8, newcomers: f64) -> Who {
        let known = self.tenants[usize::from(tenant)].people.len();
        let room = known < self.profile.people.max(1) as usize;
        if known == 0 || (room && self.dice.chance(newcomers)) {
            return self.newcomer(tenant);
        }
        Who {
            tenant,
            index: self.dice.index(known) as u32,
        }
    }

    fn newcomer(&mut self, tenant: u8) -> Who {
        let (digits, country) = match self.recycled(tenant) {
            Some(given_up) => (given_up.digits, given_up.country),
            None => self.fresh_number(tenant),
        };
        let user_id = self.unique_user_id();
        let username = self.dice.chance(self.profile.usernames);
        let person = Person::new(user_id, digits, country, username, &mut self.dice);
        let people = &mut self.tenants[usize::from(tenant)].people;
        people.push(person);
        Who {
            tenant,
            index: people.len() as u32 - 1,
        }
    }

    fn recycled(&mut self, tenant: u8) -> Option<GivenUp> {
        let now = self.now;
        let given_up = &mut self.tenants[usize::from(tenant)].given_up;
        if given_up.front()?.at + QUARANTINE > now || !self.dice.chance(self.profile.recycled_numbers) {
            return None;
        }
        given_up.pop_front()
    }

    fn fresh_number(&mut self, tenant: u8) -> (u64, Country) {
        let chosen = self
            .dice
            .weighted(self.profile.countries.iter().map(|(_, weight)| *weight));
        let country = self
            .profile
            .countries
            .get(chosen)
            .map_or(Country::Chile, |(country, _)| *country);
        let given_out = &mut self.tenants[usize::from(tenant)].given_out[country as usize];
        *given_out += 1;
        (country.number(*given_out), country)
    }

    fn unique_user_id(&mut self) -> u64 {
        crate::random::scramble(self.unique())
    }

    /// Between two conversations something may have changed. Nobody with a message under way: its statuses would
    /// name the old number after the change.
    pub(crate) fn maybe_change(&mut self, who: Who, number: u8) {
        if self.person(who).in_flight > 0 {
            return;
        }
        // A phone that was left out appears once it is in the contact book.
        if self.person(who).hidden && self.dice.chance(0.1) {
            self.person_mut(who).hidden = false;
        }
        if self.dice.chance(self.profile.number_changes) {
            self.change_number(who, number);
        }
    }

    fn change_number(&mut self, who: Who, number: u8) {
        let old = *self.person(who);
        let nth = &mut self.tenants[usize::from(who.tenant)].given_out[old.country as usize];
        *nth += 1;
        let digits = old.country.number(*nth);
        let user_id = self.unique_user_id();
        let now = self.now;
        let person = self.person_mut(who);
        person.digits = digits;
        person.user_id = user_id;
        let new = *person;
        if !old.hidden {
            let given_up = GivenUp {
                at: now,
                digits: old.digits,
                country: old.country,
            };
            let given_up_numbers = &mut self.tenants[usize::from(who.tenant)].given_up;
            if given_up_numbers.len() < 1_000 {
                given_up_numbers.push_back(given_up);
            }
            self.system_message(who, number, &old, &new);
        }
        // The machine-readable pair is a webhook of its own, and not all subscribe to it. It is all there is for
        // somebody whose phone is left out.
        if old.hidden || self.dice.chance(0.7) {
            self.user_id_update(who, number, &old, &new);
        }
    }

    fn system_message(&mut self, who: Who, number: u8, old: &Person, new: &Person) {
        let wamid = Wamid {
            digits: old.wa_id(),
            id: self.unique(),
            inbound: true,
        };
        let mut json = String::with_capacity(320);
        put!(
            &mut json; "{\"from\":\"", old.wa_id(), "\",\"id\":\"", wamid, "\",\"timestamp\":\"", Seconds(self.now),
            "\",\"type\":\"system\",\"system\":{\"body\":\"User changed from ", old.wa_id(), " to ", new.wa_id(),
            "\",\"wa_id\":\"", new.wa_id(), "\",\"user_id\":\"", new.bsuid(), "\",\"type\":\"user_changed_number\"}}"
        );
        self.emit(Element {
            tenant: who.tenant,
            number,
            at: whole_second(self.now),
            field: Field::Message,
            json,
            contact: None,
            counts: Counts::Item,
        });
    }

    fn user_id_update(&mut self, who: Who, number: u8, old: &Person, new: &Person) {
        let mut json = String::with_capacity(240);
        json.push('{');
        if !new.hidden {
            put!(&mut json; "\"wa_id\":\"", new.wa_id(), "\",");
        }
        put!(
            &mut json; "\"detail\":\"User has a new user id\",\"user_id\":{\"previous\":\"", old.bsuid(),
            "\",\"current\":\"", new.bsuid(), "\"},\"timestamp\":\"", Seconds(self.now), "\"}"
        );
        self.emit(Element {
            tenant: who.tenant,
            number,
            at: whole_second(self.now),
            field: Field::UserId,
            json,
            contact: Some((new.user_id, new.contact())),
            counts: Counts::Item,
        });
    }

    /// The person wants no marketing, or wants it again.
    pub(crate) fn prefer(&mut self, who: Who, number: u8, stop: bool) {
        let person = *self.person(who);
        self.person_mut(who).opted_out = stop;
        let mut json = String::with_capacity(200);
        json.push('{');
        if !person.hidden {
            put!(&mut json; "\"wa_id\":\"", person.wa_id(), "\",");
        }
        let value = if stop { "stop" } else { "resume" };
        put!(
            &mut json; "\"user_id\":\"", person.bsuid(), "\",\"detail\":\"User requested to ", value,
            " marketing messages\",\"category\":\"marketing_messages\",\"value\":\"", value, "\",\"timestamp\":",
            Seconds(self.now), "}"
        );
        self.emit(Element {
            tenant: who.tenant,
            number,
            at: whole_second(self.now),
            field: Field::Preference,
            json,
            contact: Some((person.user_id, person.contact())),
            counts: Counts::Item,
        });
    }
}

/// The platform's times have a resolution of a second.
pub(crate) fn whole_second(at: Millis) -> Millis {
    at - at.rem_euclid(time::SECOND)
}
