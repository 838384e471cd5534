//! Who is who, told by all items in the order of their times: interface.md, section 7, "Identity".

use super::{
    alone::Alone,
    items::{Item, Kind, participant},
    json::text,
    mentions::{self, Id, Ids, Mentions, dialable, of_kind},
    portfolios::Portfolios,
};
use std::collections::{BTreeMap, BTreeSet};

/// A person at the end.
#[derive(Default)]
pub(crate) struct Person {
    /// Seen otherwise than by a CRM, which only adds to what is known.
    pub(crate) seen: bool,
    pub(crate) current: BTreeSet<Id>,
    pub(crate) former: BTreeSet<Id>,
}

/// The people of one tenant.
pub(crate) struct People {
    persons: Vec<Person>,
    /// Of a person that was merged: into whom.
    merged: Vec<Option<usize>>,
    holder: BTreeMap<Id, usize>,
    /// Dialable forms whose variants are different numbers.
    split: BTreeSet<String>,
    /// With which BSUIDs a number was seen.
    ever_with: BTreeMap<Id, BTreeSet<String>>,
    /// The same since its holder has it.
    seen_with: BTreeMap<Id, BTreeSet<String>>,
    /// Numbers that came to their holders by a change.
    by_change: BTreeSet<Id>,
    portfolios: Portfolios,
    now: i64,
    /// Numbers that a change took from their holders, who still have them at that very time, as former ones.
    released: BTreeMap<Id, (i64, usize)>,
    /// Of each item of the tenant with a partner, by its place in all items.
    partner: BTreeMap<usize, usize>,
}

/// What the items of one time say, in the order in which it counts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Evidence {
    Change(Ids, Ids),
    Together(Ids, bool),
}

/// An item with its place in all items and whom it shows.
type Shown<'a> = (usize, &'a Item, Mentions);

impl People {
    pub(crate) fn of(items: &[Item], tenant: &str) -> People {
        let mut shown: Vec<Shown> = mentions::of_all(items, tenant);
        shown.sort_by_key(|(_, item, _)| item.time);
        let mut people = People {
            portfolios: Portfolios::of(shown.iter().map(|(_, item, mentions)| (*item, mentions))),
            persons: Vec::new(),
            merged: Vec::new(),
            holder: BTreeMap::new(),
            split: BTreeSet::new(),
            ever_with: BTreeMap::new(),
            seen_with: BTreeMap::new(),
            by_change: BTreeSet::new(),
            now: 0,
            released: BTreeMap::new(),
            partner: BTreeMap::new(),
        };
        let of_kind_ = |kind: Kind| {
            shown
                .iter()
                .filter(move |one| one.1.kind == kind && send_id(one.1).is_some())
        };
        let sends: Vec<&Shown> = of_kind_(Kind::Outbound).chain(of_kind_(Kind::Echo)).collect();
        let statuses: Vec<&Shown> = of_kind_(Kind::Status).collect();
        let meant = meant(&sends, &statuses);
        let mut evidence: Vec<(i64, Evidence)> = Vec::new();
        for (_, item, mentions) in &shown {
            if let Some((old, new)) = &mentions.change {
                evidence.push((item.time, Evidence::Change(old.clone(), new.clone())));
            }
            let seen = item.kind != Kind::Crm;
            for ids in &mentions.all {
                let ids = &as_meant(&meant, item.time, ids);
                // Whom a status names by numbers alone is who had them when the message was sent.
                let is_recipient = item.kind == Kind::Status && mentions.partner.as_ref() == Some(ids);
                let of_send = sends.iter().filter(|send| {
                    is_recipient
                        && ids.iter().all(is_number)
                        && send.2.partner.is_some()
                        && send_id(send.1) == send_id(item)
                });
                let mut times: Vec<i64> = of_send.map(|send| send.1.time).collect();
                if times.is_empty() {
                    times.push(item.time);
                }
                evidence.extend(times.iter().map(|time| (*time, Evidence::Together(ids.clone(), seen))));
            }
        }
        // Whom a send went to is who its statuses tell of.
        for (_, send, to) in &sends {
            for (_, status, recipient) in &statuses {
                let (Some(to), Some(by)) = (&to.partner, &recipient.partner) else {
                    continue;
                };
                // Two user ids are two people, or one that the items show already.
                let known = of_kind(to, "bsuid").is_some() && of_kind(by, "bsuid").is_some();
                let to = &as_meant(&meant, send.time, to);
                let number = |ids: &Ids| {
                    let mut numbers = ids.iter().filter(|id| is_number(id));
                    numbers.next().map(|id| dialable(id.1.trim_start_matches('+')))
                };
                let users = of_kind(to, "bsuid").or(of_kind(by, "bsuid"));
                let known = known || users.is_none() && number(to) == number(by);
                if send_id(send) == send_id(status) && !known {
                    evidence.push((send.time, Evidence::Together(to.union(by).cloned().collect(), true)));
                }
            }
        }
        let alone = Alone::of(&evidence);
        let mut evidence: Vec<(i64, Evidence)> = evidence.iter().flat_map(|one| alone.without(one)).collect();
        people.split = split(&evidence, &people.portfolios);
        evidence.sort_by_key(|(time, evidence)| match evidence {
            Evidence::Change(old, new) => (*time, 0, old.clone(), new.clone()),
            Evidence::Together(ids, _) if of_kind(ids, "bsuid").is_some() => (*time, 1, ids.clone(), Ids::new()),
            Evidence::Together(ids, _) => (*time, 2, ids.clone(), Ids::new()),
        });
        evidence.dedup();
        let mut times: Vec<i64> = shown.iter().map(|(_, item, _)| item.time).collect();
        times.dedup();
        for time in times {
            people.now = time;
            let now: Vec<_> = shown.iter().filter(|(_, item, _)| item.time == time).collect();
            let evidence = evidence.iter().filter(|one| one.0 == time).map(|one| &one.1);
            for one in evidence {
                match one {
                    Evidence::Change(old, new) => people.change(old, new),
                    Evidence::Together(ids, seen) => {
                        if let Some(person) = people.together(ids) {
                            people.persons[person].seen |= seen;
                        }
                    }
                }
            }
            for (place, _, mentions) in now {
                let partner = mentions.partner.as_ref().map(|ids| as_meant(&meant, time, ids));
                let partner = partner.map(|ids| alone.owner(&ids));
                if let Some(person) = partner.and_then(|ids| people.who(&ids)) {
                    people.partner.insert(*place, person);
                }
            }
        }
        people
    }

    /// The person with whom an item was exchanged.
    pub(crate) fn partner(&self, place: usize) -> Option<usize> {
        Some(self.find(*self.partner.get(&place)?))
    }

    /// All people with identifiers.
    pub(crate) fn all(&self) -> impl Iterator<Item = Person> {
        (0..self.persons.len())
            .map(|person| self.person(person))
            .filter(|person| person.seen)
    }

    /// A person's identifiers as they are written: phones dialable.
    pub(crate) fn person(&self, person: usize) -> Person {
        let written = |ids: &BTreeSet<Id>| -> BTreeSet<Id> {
            let write = |(kind, value): &Id| match *kind {
                "phone" => ("phone", format!("+{}", dialable(&value[1..]))),
                kind => (kind, value.clone()),
            };
            ids.iter().map(write).collect()
        };
        let person = &self.persons[person];
        let current = written(&person.current);
        let former = written(&person.former).difference(&current).cloned().collect();
        Person {
            seen: person.seen,
            current,
            former,
        }
    }

    fn find(&self, person: usize) -> usize {
        self.merged[person].map_or(person, |into| self.find(into))
    }

    /// What is held: a phone and the `wa_id`s of it are one number.
    fn subject(&self, id: &Id) -> Id {
        let digits = id.1.trim_start_matches('+');
        if !is_number(id) {
            return id.clone();
        }
        let number = dialable(digits);
        (
            "number",
            if self.split.contains(&number) {
                digits.to_owned()
            } else {
                number
            },
        )
    }

    fn holder(&self, id: &Id) -> Option<usize> {
        self.held(&self.subject(id))
    }

    fn held(&self, subject: &Id) -> Option<usize> {
        let released = || self.released.get(subject).filter(|released| released.0 == self.now);
        let holder = self
            .holder
            .get(subject)
            .or_else(|| released().map(|released| &released.1));
        Some(self.find(*holder?))
    }

    /// By the strongest identifier that somebody holds.
    fn who(&self, ids: &Ids) -> Option<usize> {
        ["bsuid", "parent_bsuid", "wa_id", "phone"]
            .iter()
            .flat_map(|kind| ids.iter().filter(move |id| id.0 == *kind))
            .find_map(|id| self.holder(id))
    }

    /// The BSUIDs that somebody has or had.
    fn bsuids(&self, person: usize) -> BTreeSet<&str> {
        let person = &self.persons[person];
        let all = person.current.union(&person.former);
        all.filter(|id| id.0 == "bsuid").map(|id| id.1.as_str()).collect()
    }

    /// Whether both have BSUIDs of one portfolio, and none in common.
    fn opposed(&self, one: usize, other: usize) -> bool {
        let (one, other) = (self.bsuids(one), self.bsuids(other));
        let of_one_portfolio = |one: &&str| other.iter().any(|other| !self.portfolios.differ(one, other));
        one.is_disjoint(&other) && one.iter().any(of_one_portfolio)
    }

    /// Whether a number was seen with no BSUID of the portfolio of this one since its holder has it.
    fn is_new_to(&self, number: &Id, bsuid: Option<&str>) -> bool {
        let with = self.seen_with.get(number).into_iter().flatten();
        let mut with = with.map(|had| bsuid.is_some_and(|bsuid| self.portfolios.differ(had, bsuid)));
        with.all(|differs| differs)
    }

    /// These identifiers are one person's from now on.
    fn together(&mut self, ids: &Ids) -> Option<usize> {
        let numbers: BTreeSet<Id> = ids
            .iter()
            .filter(|id| is_number(id))
            .map(|id| self.subject(id))
            .collect();
        let users: Vec<&Id> = ids.iter().filter(|id| !is_number(id)).collect();
        let mut person = None;
        for id in &users {
            person = self.joined(person, self.holder(id));
        }
        if users.is_empty() {
            for number in &numbers {
                let holder = self.held(number);
                let opposed = person.zip(holder).is_some_and(|(one, other)| self.opposed(one, other));
                person = if opposed { person } else { self.joined(person, holder) };
            }
        } else if person.is_none() {
            person = self.renewed(&numbers, ids);
        }
        if ids.is_empty() {
            return None;
        }
        let person = person.unwrap_or_else(|| self.new_person());
        for id in &users {
            // A user id that a change ended still names the person, as a former one.
            if !self.persons[person].former.contains(*id) {
                self.give(id, person);
            }
        }
        let bsuid = of_kind(ids, "bsuid").map(str::to_owned);
        for number in &numbers {
            let joins = !users.is_empty() && self.is_new_to(number, bsuid.as_deref());
            let ever = self.ever_with.entry(number.clone()).or_default();
            let repeated = bsuid.as_ref().is_some_and(|bsuid| !ever.insert(bsuid.clone()));
            // After a change the old number is another person's, also if an old device shows it with the old user id.
            let moved_on = repeated && self.held(number).is_none_or(|holder| self.bsuids(holder).is_empty());
            let other = self
                .held(number)
                .filter(|holder| joins && !moved_on && *holder != person);
            if let Some(other) = other.filter(|other| !self.opposed(*other, person)) {
                self.merge(other, person);
            }
            // Also of two who just became one, a number that a change took is a former one.
            match self.held(number) {
                Some(holder) if holder == person && !self.holder.contains_key(number) => {
                    let ended = ids.iter().filter(|id| is_number(id) && self.subject(id) == *number);
                    let ended: Vec<Id> = ended.cloned().collect();
                    self.persons[person].former.extend(ended);
                    continue;
                }
                Some(holder) if holder == person => {}
                Some(_) if users.is_empty() => continue,
                _ if moved_on => continue,
                Some(holder) => self.take_from(holder, number),
                None => {}
            }
            if !self.holder.contains_key(number) {
                self.seen_with.remove(number);
                self.by_change.remove(number);
            }
            self.holder.insert(number.clone(), person);
            for id in ids.iter().filter(|id| is_number(id)) {
                if self.subject(id) == *number {
                    self.give(id, person);
                }
            }
            if !users.is_empty() {
                if bsuid.is_none() {
                    self.by_change.remove(number);
                }
                self.seen_with.entry(number.clone()).or_default().extend(bsuid.clone());
            }
        }
        Some(self.find(person))
    }

    fn joined(&mut self, one: Option<usize>, other: Option<usize>) -> Option<usize> {
        match (one, other) {
            (Some(one), Some(other)) if one != other => {
                self.merge(other, one);
                Some(one)
            }
            (one, other) => one.or(other),
        }
    }

    /// A new number brings a new user id in each portfolio: of a number that came by a change, without user id of the
    /// portfolio since, an unknown user id is the owner's new one.
    fn renewed(&mut self, numbers: &BTreeSet<Id>, ids: &Ids) -> Option<usize> {
        let new = of_kind(ids, "bsuid");
        let is_renewed = |number: &&Id| self.by_change.contains(*number) && self.is_new_to(number, new);
        let number = numbers.iter().find(is_renewed)?;
        let person = self.held(number)?;
        let bsuids: Vec<Id> = self.persons[person]
            .current
            .iter()
            .filter(|id| id.0 == "bsuid" && new.is_some_and(|new| !self.portfolios.differ(&id.1, new)))
            .cloned()
            .collect();
        for bsuid in bsuids.iter().filter(|bsuid| !ids.contains(bsuid)) {
            self.end(person, bsuid);
        }
        Some(person)
    }

    fn new_person(&mut self) -> usize {
        self.persons.push(Person::default());
        self.merged.push(None);
        self.persons.len() - 1
    }

    fn merge(&mut self, from: usize, into: usize) {
        let gone = std::mem::take(&mut self.persons[from]);
        self.merged[from] = Some(into);
        self.persons[into].former.extend(gone.former);
        self.persons[into].seen |= gone.seen;
        for id in gone.current {
            self.give(&id, into);
        }
    }

    fn give(&mut self, id: &Id, person: usize) {
        self.holder.insert(self.subject(id), person);
        self.persons[person].current.insert(id.clone());
        let current = self.persons[person].current.clone();
        self.persons[person].former.retain(|id| !current.contains(id));
    }

    /// The identifier becomes former; a number goes in all its forms.
    fn take_from(&mut self, person: usize, subject: &Id) {
        let current = std::mem::take(&mut self.persons[person].current);
        let (gone, kept) = current.into_iter().partition(|other| self.subject(other) == *subject);
        let gone: BTreeSet<Id> = gone;
        self.persons[person].current = kept;
        self.persons[person].former.extend(gone);
        self.holder.remove(subject);
    }

    /// An identifier becomes former, and still names the person.
    fn end(&mut self, person: usize, id: &Id) {
        self.persons[person].current.remove(id);
        self.persons[person].former.insert(id.clone());
    }

    /// Whoever has `old` has `new` from now on, and of the kinds in `new` nothing else.
    fn change(&mut self, old: &Ids, new: &Ids) {
        if old.is_empty() {
            if let Some(person) = self.together(new) {
                self.persons[person].seen = true;
            }
            return;
        }
        let subjects = |people: &Self, ids: &Ids| -> BTreeSet<Id> {
            ids.iter()
                .filter(|id| is_number(id))
                .map(|id| people.subject(id))
                .collect()
        };
        let (old_numbers, new_numbers) = (subjects(self, old), subjects(self, new));
        let users = |ids: &Ids| -> Vec<Id> { ids.iter().filter(|id| !is_number(id)).cloned().collect() };
        let (old_users, new_users) = (users(old), users(new));
        let mut person = None;
        for id in &old_users {
            person = self.joined(person, self.holder(id));
        }
        let by_number = || old_numbers.iter().find_map(|number| self.held(number));
        let Some(person) = person.or_else(by_number).or_else(|| self.together(old)) else {
            return;
        };
        self.persons[person].seen = true;
        for id in old_users {
            self.holder.insert(id.clone(), person);
            if !new.contains(&id) && !self.persons[person].current.contains(&id) {
                self.persons[person].former.insert(id);
            }
        }
        for id in new_users {
            if let Some(other) = self.holder(&id).filter(|other| *other != person) {
                self.merge(other, person);
            }
            let current: Vec<Id> = self.persons[person]
                .current
                .iter()
                .filter(|had| had.0 == id.0 && !self.portfolios.differ(&had.1, &id.1))
                .cloned()
                .collect();
            for had in current.iter().filter(|had| **had != id) {
                self.end(person, had);
            }
            self.give(&id, person);
        }
        if new_numbers.is_subset(&old_numbers) {
            let named = old.iter().filter(|id| is_number(id));
            let named: Vec<&Id> = named.filter(|id| self.holder(id) == Some(person)).collect();
            for id in named {
                self.give(id, person);
            }
        } else {
            for number in subjects(self, &self.persons[person].current.clone()).difference(&new_numbers) {
                self.take_from(person, number);
                self.released.insert(number.clone(), (self.now, person));
            }
            let gone = old
                .iter()
                .filter(|id| is_number(id) && !new_numbers.contains(&self.subject(id)));
            let gone: Vec<Id> = gone.cloned().collect();
            self.persons[person].former.extend(gone);
        }
        for number in &new_numbers {
            if self.held(number) != Some(person) {
                if let Some(other) = self.held(number) {
                    self.take_from(other, number);
                }
                self.holder.insert(number.clone(), person);
                self.seen_with.remove(number);
                self.by_change.insert(number.clone());
            }
            if let Some(bsuid) = of_kind(new, "bsuid") {
                self.seen_with
                    .entry(number.clone())
                    .or_default()
                    .insert(bsuid.to_owned());
                self.ever_with
                    .entry(number.clone())
                    .or_default()
                    .insert(bsuid.to_owned());
            }
        }
        for id in new {
            self.give(id, person);
        }
    }
}

fn is_number(id: &Id) -> bool {
    matches!(id.0, "phone" | "wa_id")
}

/// In which form a send meant the number that it names as one to dial, by its time: that of the `wa_id` of its statuses.
fn meant(sends: &[&Shown], statuses: &[&Shown]) -> BTreeMap<(i64, Id), Id> {
    let mut meant = BTreeMap::new();
    for (_, send, to) in sends {
        for (_, status, by) in statuses {
            let (Some(to), Some(by)) = (&to.partner, &by.partner) else {
                continue;
            };
            let are_users = of_kind(to, "bsuid").is_some() && of_kind(by, "bsuid").is_some();
            if send_id(send) != send_id(status) || are_users {
                continue;
            }
            for (_, form) in by.iter().filter(|id| id.0 == "wa_id" && dialable(&id.1) != id.1) {
                let phone = |digits: &str| ("phone", format!("+{digits}"));
                meant.insert((send.time, phone(&dialable(form))), phone(form));
            }
        }
    }
    meant
}

/// Numbers to dial alone, as a send of that time meant them.
fn as_meant(meant: &BTreeMap<(i64, Id), Id>, time: i64, ids: &Ids) -> Ids {
    if ids.iter().any(|id| id.0 != "phone") {
        return ids.clone();
    }
    let form = |id: &Id| meant.get(&(time, id.clone())).unwrap_or(id).clone();
    ids.iter().map(form).collect()
}

/// Mexican and Brazilian numbers whose variants were seen with different BSUIDs of one portfolio, and none of these with
/// both.
fn split(evidence: &[(i64, Evidence)], portfolios: &Portfolios) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    for (_, evidence) in evidence {
        let ids = match evidence {
            Evidence::Change(_, ids) | Evidence::Together(ids, _) => ids,
        };
        for (_, wa_id) in ids.iter().filter(|id| id.0 == "wa_id") {
            if let Some(bsuid) = of_kind(ids, "bsuid") {
                let variants = seen.entry(dialable(wa_id)).or_default();
                variants.entry(wa_id).or_default().insert(bsuid);
            }
        }
    }
    let different = |variants: &BTreeMap<&str, BTreeSet<&str>>| {
        let mut seen = variants.values();
        let (Some(one), Some(other)) = (seen.next(), seen.next()) else {
            return false;
        };
        let of_one_portfolio = |one: &&str| other.iter().any(|other| !portfolios.differ(one, other));
        one.is_disjoint(other) && one.iter().any(of_one_portfolio)
    };
    seen.into_iter()
        .filter(|(number, variants)| (number.starts_with("52") || number.starts_with("55")) && different(variants))
        .map(|(number, _)| number)
        .collect()
}

/// The message whose send line or status an item is; those of groups say nothing about one partner.
fn send_id(item: &Item) -> Option<&str> {
    match item.kind {
        Kind::Outbound => text(&item.element, "message_id"),
        Kind::Echo if !matches!(text(&item.element, "type"), Some("edit" | "revoke")) => text(&item.element, "id"),
        Kind::Status if participant(&item.element).is_none() => text(&item.element, "id"),
        _ => None,
    }
}
