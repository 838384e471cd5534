//! What is known about a set of people who ever shared an identifier: the evidence, not yet the verdict.

use crate::{
    fold::Quiet,
    links::Name,
    portfolio::{Portfolios, Told, add_told},
    stated::Stated,
};
use hilo_contracts::item::{Decision, IdentityChange, Ruling, Sighting};
use hilo_domain::{Identifier, IdentifierKind, Millis, hash::IdHasher, phone};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeSet};

/// On which of its times the verdict hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HangsOn {
    /// The first: nothing takes back that a user id was seen.
    ItsFirst,
    /// Also those at which a user id showed up again with a number that came back to somebody.
    ItsReturn,
    /// Each at which a number was seen alone: it can change hands.
    EachTime,
}

/// Identifiers that were seen together, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Together {
    /// Sorted, distinct, without usernames. Names the evidence: two are never equal in a cluster.
    pub ids: Vec<Identifier>,
    /// Earliest event time.
    pub first: Millis,
    /// All event times, sorted, where numbers were seen: a number can change hands, so it matters who had it when, and
    /// whether its owner showed up with it again. Empty where there is no number.
    pub times: Vec<Millis>,
    /// The same, sorted, of statuses whose send is not known, one for each: once it is, they are evidence since the send instead.
    pub waiting: Vec<Millis>,
    /// Times, sorted, of sends that these received, where their `wa_id` is not in the form in which a send names its number:
    /// should the forms be two people's numbers, the send meant this one.
    pub sends: Vec<Millis>,
    /// Whether somebody exists by it; a CRM event only refers to people.
    pub creates: bool,
    /// Latest profile name, with its time.
    pub name: Option<(Millis, String)>,
    /// Usernames seen with it, sorted by text: shown, never matched on.
    pub usernames: Vec<Username>,
}

/// A username and when it was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Username {
    pub text: Box<str>,
    pub first: Millis,
    pub last: Millis,
}

impl Together {
    /// Numbers were seen at a time; whether that is news.
    fn see_at(&mut self, at: Millis, sees: Sees) -> bool {
        if !self.ids.iter().any(|id| id.kind.is_number()) {
            return false;
        }
        match sees {
            // Nothing takes back that a user id was seen.
            Sees::UntilItsSend if !is_strong(&self.ids) => {
                let place = self.waiting.partition_point(|had| *had < at);
                let is_known = self.waiting.get(place) == Some(&at) || self.times.binary_search(&at).is_ok();
                self.waiting.insert(place, at);
                !is_known
            }
            _ => insert_sorted(&mut self.times, at),
        }
    }

    /// A send at a time was received; whether that is news of how its number was meant.
    fn receives(&mut self, at: Millis, sees: Sees) -> bool {
        sees == Sees::OfASend && self.other_forms().next().is_some() && insert_sorted(&mut self.sends, at)
    }

    /// Its `wa_id`s that are not the digits to dial, with those.
    pub(crate) fn other_forms(&self) -> impl Iterator<Item = (String, &str)> {
        let wa_ids = self.ids.iter().filter(|id| id.kind == IdentifierKind::WaId);
        wa_ids.filter_map(|id| {
            let number = id.number().filter(|number| *number != id.value)?;
            Some((number, id.value.as_str()))
        })
    }

    /// By whether numbers among the evidence may have changed hands.
    pub(crate) fn hangs_on(&self, contested: bool) -> HangsOn {
        hangs_on(&self.ids, contested)
    }

    /// Statuses at these times found their send.
    fn withdraw(&mut self, statuses: &[Millis]) {
        for status in statuses {
            if let Ok(place) = self.waiting.binary_search(status) {
                self.waiting.remove(place);
            }
        }
        let first = [self.times.first(), self.waiting.first()].into_iter().flatten().min();
        self.first = first.copied().unwrap_or(self.first);
    }

    /// Usernames among what was seen at a time.
    fn see_usernames(&mut self, seen: &[Identifier], at: Millis) -> Renamed {
        let mut renamed = Renamed::Known;
        for id in seen.iter().filter(|id| id.kind == IdentifierKind::Username) {
            renamed = renamed.max(self.add_username(&id.value, at, at));
        }
        renamed
    }

    pub(crate) fn add_username(&mut self, text: &str, first: Millis, last: Millis) -> Renamed {
        match self.usernames.binary_search_by(|had| (*had.text).cmp(text)) {
            Ok(place) => {
                let had = &mut self.usernames[place];
                let renamed = match () {
                    () if first < had.first => Renamed::New,
                    () if last > had.last => Renamed::Later,
                    () => Renamed::Known,
                };
                had.first = had.first.min(first);
                had.last = had.last.max(last);
                renamed
            }
            Err(place) => {
                let text = text.into();
                self.usernames.insert(place, Username { text, first, last });
                Renamed::New
            }
        }
    }

    /// When numbers were seen, in any order.
    pub(crate) fn when(&self) -> impl Iterator<Item = Millis> {
        self.times.iter().chain(&self.waiting).copied()
    }
}

fn hangs_on(ids: &[Identifier], contested: bool) -> HangsOn {
    let has_user = || ids.iter().any(|id| id.kind == IdentifierKind::Bsuid);
    match is_strong(ids) {
        false if contested => HangsOn::EachTime,
        true if contested && has_user() => HangsOn::ItsReturn,
        _ => HangsOn::ItsFirst,
    }
}

/// What a sighting said of a person's usernames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Renamed {
    Known,
    /// Known, and seen later than ever: that says something where there is another one.
    Later,
    New,
}

/// How long numbers that are seen alone are evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sees {
    ForGood,
    /// A status: once its send is known, it is evidence since then.
    UntilItsSend,
    /// Of whom a send's statuses tell, at the time of the send.
    OfASend,
}

/// A number or user-id change, and when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Change {
    pub at: Millis,
    pub old: Vec<Identifier>,
    pub new: Vec<Identifier>,
    pub kind: String,
}

/// A decision, and when. Sorted by time; at one instant the more restrictive is the later.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Decided {
    pub at: Millis,
    pub ruling: Ruling,
    pub user: Vec<Identifier>,
    pub other: Vec<Identifier>,
    pub actor: String,
    pub reason: String,
}

impl Decided {
    /// The pairs of identifiers that it is about: two decisions are about the same people where they share one.
    fn pairs(&self) -> impl Iterator<Item = (Key<'_>, Key<'_>)> {
        let others = || self.other.iter().map(key);
        let pairs = self.user.iter().map(key);
        pairs.flat_map(move |one| others().map(move |other| (one.clone(), other)))
    }
}

/// An identifier, numbers in the one form in which all of theirs meet.
pub(crate) type Key<'a> = (IdentifierKind, Cow<'a, str>);

/// See [`Key`]: two identifiers are the same where their keys are equal.
pub(crate) fn key(id: &Identifier) -> Key<'_> {
    match id.number() {
        Some(number) => (IdentifierKind::Phone, Cow::Owned(number)),
        None => (id.kind, Cow::Borrowed(&id.value)),
    }
}

/// Whether an identifier of `one` is one of `other`, numbers in any form.
pub(crate) fn names(one: &[Identifier], other: &[Identifier]) -> bool {
    one.iter().any(|id| other.iter().any(|named| is_same(id, named)))
}

/// Whether two identifiers are one, numbers in any form.
pub(crate) fn is_same(one: &Identifier, other: &Identifier) -> bool {
    let are_numbers = || one.kind.is_number() && other.kind.is_number();
    one == other || are_numbers() && one.number().is_some_and(|number| other.number() == Some(number))
}

/// A record of a CRM that names people: it may be theirs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub record: Identifier,
    pub ids: Vec<Identifier>,
    /// Earliest event time.
    pub first: Millis,
}

/// Identifiers by which people are matched, sorted and distinct.
pub(crate) fn matching(identifiers: &[Identifier]) -> Vec<Identifier> {
    let mut ids: Vec<Identifier> = identifiers
        .iter()
        .filter(|id| id.kind != IdentifierKind::Username)
        .cloned()
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Whether a user id is among `ids`: such evidence never changes hands.
pub(crate) fn is_strong(ids: &[Identifier]) -> bool {
    ids.iter().any(|id| id.kind.is_user_id())
}

/// The name of a piece of evidence on internal topics.
pub(crate) fn atom(ids: &[Identifier]) -> u64 {
    let mut hasher = IdHasher::new("atom");
    for id in ids {
        hasher.update(id.kind.as_str().as_bytes()).update(id.value.as_bytes());
    }
    let bytes = hasher.bytes();
    u64::from_le_bytes([
        bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7],
    ])
}

/// What an identifier is looked up by: variants of one number have one, candidates for one (AR 54/549) too, so that
/// whoever may be one person is judged together.
pub(crate) fn sought(id: &Identifier) -> Option<(IdentifierKind, Cow<'_, str>)> {
    if id.kind == IdentifierKind::Username {
        return None;
    }
    let number = id
        .number()
        .map(|digits| phone::candidate_digits(&digits).unwrap_or(digits));
    Some(match number {
        Some(digits) => (IdentifierKind::Phone, Cow::Owned(digits)),
        None => (id.kind, Cow::Borrowed(&id.value)),
    })
}

/// The token under which what is sought stands. A hash: it becomes a key of the broker, and those are in no record's
/// encryption.
pub(crate) fn token_of(tenant: &str, (kind, value): &(IdentifierKind, Cow<'_, str>)) -> [u8; 16] {
    let mut hasher = IdHasher::new("token");
    hasher
        .update(tenant.as_bytes())
        .update(kind.as_str().as_bytes())
        .update(value.as_bytes());
    hasher.bytes()
}

/// The token of an identifier.
pub(crate) fn token(tenant: &str, id: &Identifier) -> Option<[u8; 16]> {
    sought(id).map(|sought| token_of(tenant, &sought))
}

/// What adding a sighting did to the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Added {
    /// Nothing that could change a verdict.
    Known,
    /// The verdict has to be found anew.
    New,
}

/// The evidence of one cluster: people connected by any identifier they ever shared, variants and changes included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    pub together: Vec<Together>,
    pub changes: Vec<Change>,
    /// Sorted, distinct: also those that were taken back.
    pub decisions: Vec<Decided>,
    /// Sorted by record and identifiers.
    pub claims: Vec<Claim>,
    /// Sorted by value and holder.
    pub stated: Vec<Stated>,
    /// Who stated so many documents that they are not kept, sorted.
    pub crowds: Vec<Identifier>,
    /// Names on this evidence that are none, sorted: what they stand on is judged without them.
    pub placeholders: Vec<Name>,
    /// Where the user ids came from, sorted by those.
    pub told: Vec<Told>,
    /// To which portfolios the user ids belong by that, as far as is known: the only part that follows from other evidence.
    pub portfolios: Portfolios,
}

impl Evidence {
    /// Adds a sighting of `ids` (see [`matching`]) that was told at a time. What is `quiet` is so by the verdict over the
    /// evidence before.
    pub(crate) fn see(
        &mut self,
        ids: Vec<Identifier>,
        told: Millis,
        sighting: &Sighting,
        sees: Sees,
        quiet: &Quiet,
    ) -> Added {
        let at = sighting.since.unwrap_or(told);
        let name = sighting.name.as_ref().map(|name| (told, name.clone()));
        if let Some(index) = self.together.iter().position(|had| had.ids == ids) {
            let contested = self.is_contested();
            let matters = hangs_on(&self.without_placeholders(&ids), contested) != HangsOn::ItsFirst;
            let had = &mut self.together[index];
            let mut added = Added::Known;
            if at < had.first {
                had.first = at;
                added = Added::New;
            }
            if sighting.creates && !had.creates {
                had.creates = true;
                added = Added::New;
            }
            if had.see_at(at, sees) && matters && !quiet.holds(index, at) {
                added = Added::New;
            }
            if had.receives(at, sees) && contested && !quiet.one_form {
                added = Added::New;
            }
            if !sighting.instead_of.is_empty() {
                let first = had.first;
                had.withdraw(&sighting.instead_of);
                let is_quiet = || sighting.instead_of.iter().all(|status| quiet.holds(index, *status));
                if contested && !is_quiet() || had.first != first {
                    added = Added::New;
                }
            }
            let renamed = had.see_usernames(&sighting.identifiers, told);
            let has_several = || {
                let mut all = self.together.iter().flat_map(|together| &together.usernames);
                all.next().is_some_and(|one| all.any(|other| other.text != one.text))
            };
            if renamed == Renamed::New || renamed == Renamed::Later && has_several() {
                added = Added::New;
            }
            let had = &mut self.together[index];
            if name > had.name {
                let before = std::mem::replace(&mut had.name, name);
                let now = &self.together[index].name;
                // The same name again says something only where the person had another name meanwhile.
                let is_said = |name: &Option<(_, String)>| name.as_ref().map(|(_, text)| text.clone());
                let overtakes = |other: &Together| other.name > before && other.name < *now;
                if is_said(&before) != is_said(now) || self.together.iter().any(overtakes) {
                    added = Added::New;
                }
            }
            return added;
        }
        let mut together = Together {
            ids,
            first: at,
            times: Vec::new(),
            waiting: Vec::new(),
            sends: Vec::new(),
            creates: sighting.creates,
            name,
            usernames: Vec::new(),
        };
        together.see_usernames(&sighting.identifiers, told);
        together.see_at(at, sees);
        together.receives(at, sees);
        self.together.push(together);
        Added::New
    }

    /// What of some identifiers is evidence.
    fn without_placeholders<'a>(&self, ids: &'a [Identifier]) -> Cow<'a, [Identifier]> {
        if self.placeholders.is_empty() {
            return Cow::Borrowed(ids);
        }
        let is_evidence = |id: &&Identifier| crate::links::name(id).is_some_and(|name| !self.is_placeholder(&name));
        ids.iter().filter(is_evidence).cloned().collect()
    }

    /// Adds a change event.
    pub(crate) fn change(&mut self, change: &IdentityChange, at: Millis) -> Added {
        let change = Change {
            at,
            old: matching(&change.old),
            new: matching(&change.new),
            kind: change.kind.clone(),
        };
        match self.changes.binary_search(&change) {
            Ok(_) => Added::Known,
            Err(place) => {
                self.changes.insert(place, change);
                Added::New
            }
        }
    }

    /// Adds a decision.
    pub(crate) fn decide(&mut self, decision: &Decision, at: Millis) -> Added {
        let decided = Decided {
            at,
            ruling: decision.ruling,
            user: matching(&decision.user),
            other: matching(&decision.other),
            actor: decision.actor.clone(),
            reason: decision.reason.clone(),
        };
        match self.decisions.binary_search(&decided) {
            Ok(_) => Added::Known,
            Err(place) => {
                self.decisions.insert(place, decided);
                Added::New
            }
        }
    }

    /// The decisions that hold: the last one about each two people, unless it takes back.
    pub(crate) fn standing(&self) -> Vec<&Decided> {
        let mut later: BTreeSet<(Key, Key)> = BTreeSet::new();
        let mut standing: Vec<&Decided> = Vec::new();
        for decided in self.decisions.iter().rev() {
            let is_last = !decided.pairs().any(|pair| later.contains(&pair));
            if is_last && decided.ruling != Ruling::Unmerge {
                standing.push(decided);
            }
            for (one, other) in decided.pairs() {
                later.insert((other.clone(), one.clone()));
                later.insert((one, other));
            }
        }
        standing.reverse();
        standing
    }

    /// Adds what a record of a CRM says of whom it describes.
    pub(crate) fn claim(&mut self, record: &Identifier, ids: Vec<Identifier>, at: Millis) -> Added {
        let key = (record, &ids);
        match self
            .claims
            .binary_search_by(|claim| (&claim.record, &claim.ids).cmp(&key))
        {
            Ok(place) if self.claims[place].first <= at => Added::Known,
            Ok(place) => {
                self.claims[place].first = at;
                Added::New
            }
            Err(place) => {
                let record = record.clone();
                self.claims.insert(place, Claim { record, ids, first: at });
                Added::New
            }
        }
    }

    /// Every identifier that the evidence names.
    pub(crate) fn identifiers(&self) -> impl Iterator<Item = &Identifier> {
        let changed = self
            .changes
            .iter()
            .flat_map(|change| change.old.iter().chain(&change.new));
        let decided = self
            .decisions
            .iter()
            .flat_map(|decided| decided.user.iter().chain(&decided.other));
        let claimed = self
            .claims
            .iter()
            .flat_map(|claim| claim.ids.iter().chain([&claim.record]));
        let stated = self
            .stated
            .iter()
            .flat_map(|stated| stated.holder.iter().chain([&stated.value]));
        let together = self.together.iter().flat_map(|together| &together.ids);
        together.chain(changed).chain(decided).chain(claimed).chain(stated)
    }

    /// Whether a number may have changed hands: then each single sighting of a number matters, also by who has it again.
    pub(crate) fn is_contested(&self) -> bool {
        if !self.changes.is_empty() || !self.decisions.is_empty() {
            return true;
        }
        let mut bsuids = self
            .together
            .iter()
            .flat_map(|had| &had.ids)
            .filter(|id| id.kind == IdentifierKind::Bsuid)
            .map(|id| id.value.as_str());
        bsuids.next().is_some_and(|first| bsuids.any(|other| other != first))
    }

    /// Takes over the evidence of another cluster.
    pub(crate) fn absorb(&mut self, other: Self) {
        for theirs in other.together {
            match self.together.iter_mut().find(|had| had.ids == theirs.ids) {
                Some(had) => {
                    had.first = had.first.min(theirs.first);
                    had.creates |= theirs.creates;
                    had.name = had.name.take().max(theirs.name);
                    for at in theirs.times {
                        insert_sorted(&mut had.times, at);
                    }
                    had.waiting.extend(theirs.waiting);
                    had.waiting.sort_unstable();
                    for at in theirs.sends {
                        insert_sorted(&mut had.sends, at);
                    }
                    for Username { text, first, last } in theirs.usernames {
                        had.add_username(&text, first, last);
                    }
                }
                None => self.together.push(theirs),
            }
        }
        self.changes.extend(other.changes);
        self.changes.sort_unstable();
        self.changes.dedup();
        self.decisions.extend(other.decisions);
        self.decisions.sort_unstable();
        self.decisions.dedup();
        for Claim { record, ids, first } in other.claims {
            self.claim(&record, ids, first);
        }
        for Stated { value, holder, times } in other.stated {
            for at in times {
                self.state(&value, &holder, at);
            }
        }
        self.crowds.extend(other.crowds);
        self.crowds.sort_unstable();
        self.crowds.dedup();
        self.add_placeholders(other.placeholders);
        for told in other.told {
            add_told(&mut self.told, told);
        }
    }
}

/// Inserts into a sorted list without repetition; whether it was new.
pub(crate) fn insert_sorted(times: &mut Vec<Millis>, at: Millis) -> bool {
    match times.last() {
        Some(last) if *last < at => {
            times.push(at);
            true
        }
        _ => match times.binary_search(&at) {
            Ok(_) => false,
            Err(place) => {
                times.insert(place, at);
                true
            }
        },
    }
}
