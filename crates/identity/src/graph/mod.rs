//! Where evidence goes: to the cluster of the people whom it shows, and, where it shows what is no evidence, beside it.

mod knots;

use crate::{
    alone::{Alone, Fate, is_known, see_once},
    cluster::{Cluster, Kind, Known},
    evidence::{Added, Evidence, atom, sought, token_of},
    links::{Name, name, names_on, surest},
    portfolio::{Channel, Owners},
    rules::{PIECES, Rule},
    said::{Said, only},
    stated::Stated,
    tell::Teller,
};
use hilo_contracts::item::{Body, Item};
use hilo_domain::{Identifier, Millis, hash};
use hilo_stream::{Context, ProcessorError, StateStore, Store};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeSet};

/// Where an identifier is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// With whomever it hangs together.
    Joined(u64),
    /// Alone, with its evidence.
    Knot(u64),
    /// Alone.
    Placeholder(u64),
}

impl Place {
    fn cluster(self) -> u64 {
        match self {
            Self::Joined(id) | Self::Knot(id) | Self::Placeholder(id) => id,
        }
    }
}

/// Whom an item belongs to.
pub(crate) struct Whose {
    /// Version of the cluster.
    pub version: u64,
    /// Part of the graph that it hangs on.
    pub atom: u64,
    pub person_id: Option<String>,
    pub country: Option<String>,
}

/// All clusters, and where each identifier is.
pub(crate) struct Graph {
    tokens: Store<Place>,
    clusters: Store<Cluster>,
    next_cluster: Store<u64>,
    owners: Owners,
}

impl Default for Graph {
    fn default() -> Self {
        Self {
            tokens: Store::new("tokens"),
            clusters: Store::new("clusters"),
            next_cluster: Store::new("next_cluster"),
            owners: Owners::default(),
        }
    }
}

/// An item, and how what follows from it is published.
pub(crate) struct Occasion<'a> {
    pub item: &'a Item,
    pub teller: &'a mut Teller,
    pub context: &'a mut Context,
}

impl Graph {
    pub(crate) fn stores(&mut self) -> Vec<&mut dyn StateStore> {
        let mut stores: Vec<&mut dyn StateStore> = vec![&mut self.tokens, &mut self.clusters, &mut self.next_cluster];
        stores.extend(self.owners.stores());
        stores
    }

    /// Adds to the evidence about whoever is named, and judges anew where that may change a verdict.
    pub(crate) fn learn(&mut self, said: &Said, occasion: &mut Occasion) -> Result<(), ProcessorError> {
        let tenant = &occasion.item.tenant;
        let mut sought: Vec<_> = said.identifiers().filter_map(sought).collect();
        // A number stands as phone and, beside it, as `wa_id`.
        sought.dedup();
        let mut places = Vec::with_capacity(sought.len());
        for sought in &sought {
            let token = token_of(tenant, sought);
            places.push((token, self.tokens.get(&token)?.copied()));
        }
        if places.is_empty() {
            return Ok(());
        }
        let is_joined = |(_, place): &([u8; 16], Option<Place>)| matches!(place, None | Some(Place::Joined(_)));
        if !places.iter().all(is_joined) {
            return self.learn_beside(said, occasion);
        }
        let id = self.united(tenant, &places)?;
        self.add(id, said, occasion)
    }

    fn add(&mut self, id: u64, said: &Said, occasion: &mut Occasion) -> Result<(), ProcessorError> {
        let tenant = occasion.item.tenant.as_str();
        let cluster = self.clusters.get_or_insert_with(&id.to_le_bytes(), Cluster::default)?;
        let mut added = said.add(cluster, occasion.item.event_time);
        if said.tell(cluster, occasion.item) && self.owners.refresh(tenant, cluster)? {
            added = Added::New;
        }
        if added == Added::Known {
            return Ok(());
        }
        let evidence = &cluster.evidence;
        let crowded = evidence.crowded(|| names_on(said.joining()));
        if crowded.is_empty() && evidence.size() <= PIECES {
            return self.judge(id, occasion);
        }
        self.part(id, crowded, &BTreeSet::new(), None, occasion)
    }

    fn token(tenant: &str, (kind, value): &Name) -> [u8; 16] {
        token_of(tenant, &(*kind, Cow::Borrowed(value.as_str())))
    }

    fn place(&mut self, tenant: &str, name: &Name) -> Result<Option<Place>, ProcessorError> {
        Ok(self.tokens.get(&Self::token(tenant, name))?.copied())
    }

    /// Adds what names something that is no evidence.
    fn learn_beside(&mut self, said: &Said, occasion: &mut Occasion) -> Result<(), ProcessorError> {
        let tenant = occasion.item.tenant.as_str();
        if let Said::Claimed { record, named, stated } = said {
            let mut is_evidence = |id: &Identifier| -> Result<bool, ProcessorError> {
                let Some(name) = name(id) else { return Ok(false) };
                let place = self.place(tenant, &name)?;
                Ok(matches!(place, None | Some(Place::Joined(_))))
            };
            let mut left = Vec::new();
            for id in named {
                if is_evidence(id)? {
                    left.push(id.clone());
                }
            }
            if !is_evidence(record)? || left.is_empty() && stated.is_empty() {
                return Ok(());
            }
            let stated = stated.clone();
            let named = left;
            return self.learn(&Said::Claimed { record, named, stated }, occasion);
        }
        let (mut joined, mut knotted, mut placeholders) = (Vec::new(), Vec::new(), Vec::new());
        for name in names_on(said.joining()) {
            match self.place(tenant, &name)? {
                Some(Place::Placeholder(id)) => placeholders.push((name, id)),
                Some(Place::Knot(_)) => knotted.push(name),
                Some(Place::Joined(_)) | None => joined.push(name),
            }
        }
        for (name, id) in &placeholders {
            self.see_alone(*id, said.of_name(name, occasion.item.event_time), occasion)?;
        }
        let placeholders: Vec<Name> = placeholders.into_iter().map(|(name, _)| name).collect();
        if !knotted.is_empty() {
            return self.add_to_knot(said, joined, knotted, &placeholders, occasion);
        }
        if joined.is_empty() {
            return Ok(());
        }
        let mut places = Vec::new();
        for name in joined.into_iter().chain(said.suggesting().filter_map(name)) {
            let token = Self::token(tenant, &name);
            places.push((token, self.tokens.get(&token)?.copied()));
        }
        let id = self.united(tenant, &places)?;
        let cluster = self.clusters.get_or_insert_with(&id.to_le_bytes(), Cluster::default)?;
        cluster.evidence.add_placeholders(placeholders);
        self.add(id, said, occasion)
    }

    /// A placeholder was seen again: all that it says is in which form, and since when.
    fn see_alone(
        &mut self,
        id: u64,
        seen: Vec<(Vec<Identifier>, Millis, bool)>,
        occasion: &mut Occasion,
    ) -> Result<(), ProcessorError> {
        let Some(cluster) = self.clusters.get(&id.to_le_bytes())? else {
            return Ok(());
        };
        // Mostly it is known, and then nothing is stored.
        if seen.iter().all(|seen| is_known(&cluster.evidence.together, seen)) {
            return Ok(());
        }
        if let Some(cluster) = self.clusters.get_mut(&id.to_le_bytes())? {
            for seen in seen {
                see_once(&mut cluster.evidence.together, seen);
            }
        }
        self.judge(id, occasion)
    }

    /// The cluster of what is at `places`, all of it evidence: theirs, a new one, or the union of several.
    fn united(&mut self, tenant: &str, places: &[([u8; 16], Option<Place>)]) -> Result<u64, ProcessorError> {
        let found = || places.iter().filter_map(|(_, place)| Some((*place)?.cluster()));
        let target = match found().min() {
            Some(target) => target,
            None => self.next()?,
        };
        let mut united = vec![target];
        for other in found() {
            if !united.contains(&other) {
                united.push(other);
                self.unite(tenant, target, other)?;
            }
        }
        for (token, place) in places {
            if place.is_none() {
                self.tokens.put(token, Place::Joined(target));
            }
        }
        Ok(target)
    }

    fn next(&mut self) -> Result<u64, ProcessorError> {
        let next = self.next_cluster.get_or_insert_with(b"", || 0)?;
        *next += 1;
        Ok(*next)
    }

    fn unite(&mut self, tenant: &str, target: u64, other: u64) -> Result<(), ProcessorError> {
        let Some(gone) = self.clusters.get(&other.to_le_bytes())?.cloned() else {
            return Ok(());
        };
        self.clusters.remove(&other.to_le_bytes());
        for sought in gone.evidence.identifiers().filter_map(sought) {
            let token = token_of(tenant, &sought);
            if self.tokens.get(&token)? == Some(&Place::Joined(other)) {
                self.tokens.put(&token, Place::Joined(target));
            }
        }
        self.clusters
            .get_or_insert_with(&target.to_le_bytes(), Cluster::default)?
            .absorb(gone);
        Ok(())
    }

    /// Forgets statements that are blocked, which are all in the cluster of `key`; `crowd` made too many.
    pub(crate) fn forget(
        &mut self,
        key: &[u8],
        is_blocked: impl Fn(&Stated) -> bool,
        crowd: Option<&Identifier>,
        occasion: &mut Occasion,
    ) -> Result<(), ProcessorError> {
        let Some(Place::Joined(id)) = self.tokens.get(key)?.copied() else {
            return Ok(());
        };
        let Some(cluster) = self.clusters.get_mut(&id.to_le_bytes())? else {
            return Ok(());
        };
        let before = names_of(&cluster.evidence);
        cluster.evidence.forget(is_blocked);
        if let Some(Err(place)) = crowd.map(|crowd| cluster.evidence.crowds.binary_search(crowd)) {
            cluster.evidence.crowds.splice(place..place, crowd.cloned());
        }
        let named = names_of(&cluster.evidence);
        self.let_go(id, before.difference(&named), &occasion.item.tenant)?;
        self.judge(id, occasion)
    }

    /// What nothing names any more is nobody's: a later union of the cluster could not take it along.
    fn let_go<'a>(
        &mut self,
        id: u64,
        names: impl Iterator<Item = &'a Name>,
        tenant: &str,
    ) -> Result<(), ProcessorError> {
        for name in names {
            let token = Self::token(tenant, name);
            if self.tokens.get(&token)? == Some(&Place::Joined(id)) {
                self.tokens.remove(&token);
            }
        }
        Ok(())
    }

    /// Finds the people of a cluster anew and tells what changed.
    fn judge(&mut self, id: u64, occasion: &mut Occasion) -> Result<(), ProcessorError> {
        let Some(cluster) = self.clusters.get_mut(&id.to_le_bytes())? else {
            return Ok(());
        };
        let tenant = occasion.item.tenant.as_str();
        self.owners.refresh(tenant, cluster)?;
        let alone = cluster.alone();
        judge_cluster(id, cluster, &alone, occasion)
    }

    /// Notes what an item says of accounts, and judges anew whose verdict that may change.
    pub(crate) fn note(&mut self, occasion: &mut Occasion) -> Result<(), ProcessorError> {
        let item = occasion.item;
        let tenant = item.tenant.as_str();
        if let (false, Some(number)) = (item.entry_id.is_empty(), &item.phone_number_id)
            && self.owners.number_in(tenant, number, &item.entry_id)?
        {
            self.review(Channel::Number(number), occasion)?;
        }
        if let Body::Account(told) = &item.body
            && let (Some(account), Some(portfolio)) = (told.account(&item.entry_id), &told.portfolio_id)
            && self.owners.own(tenant, account, portfolio, item.event_time)?
        {
            self.review(Channel::Account(account), occasion)?;
        }
        Ok(())
    }

    /// Judges people anew whose user ids have other portfolios by what is known now of an account or a number.
    fn review(&mut self, on: Channel, occasion: &mut Occasion) -> Result<(), ProcessorError> {
        let tenant = occasion.item.tenant.as_str();
        let mut clusters = BTreeSet::new();
        for token in self.owners.dependants(tenant, on)? {
            occasion.context.spend(1)?;
            if let Some(Place::Joined(id)) = self.tokens.get(&token)? {
                clusters.insert(*id);
            }
        }
        for id in clusters {
            if let Some(cluster) = self.clusters.get_mut(&id.to_le_bytes())?
                && self.owners.refresh(tenant, cluster)?
            {
                let alone = cluster.alone();
                judge_cluster(id, cluster, &alone, occasion)?;
            }
        }
        Ok(())
    }

    /// Takes a cluster apart whose evidence has too much of something: what is `crowded` is no evidence any more, and what
    /// hangs together with something `forced`, or with too much, is a knot. `whole` are the names of the cluster where
    /// others on its evidence are judged elsewhere.
    fn part(
        &mut self,
        id: u64,
        crowded: Vec<Name>,
        forced: &BTreeSet<Name>,
        whole: Option<BTreeSet<Name>>,
        occasion: &mut Occasion,
    ) -> Result<(), ProcessorError> {
        let Some(mut cluster) = self.clusters.get(&id.to_le_bytes())?.cloned() else {
            return Ok(());
        };
        let before = names_of(&cluster.evidence);
        if cluster.evidence.size() > PIECES || !forced.is_empty() {
            cluster.evidence.forget_suggestions();
        }
        cluster.evidence.add_placeholders(crowded.iter().cloned());
        let mut alone = Alone {
            here: crowded.into_iter().map(|name| (name, Rule::Shared)).collect(),
            whole,
        };
        self.call_back(&mut cluster, &mut alone, &occasion.item.tenant)?;
        let tenant = occasion.item.tenant.as_str();
        self.owners.refresh(tenant, &mut cluster)?;
        let evidence = &cluster.evidence;
        let components = evidence.components(|name| alone.fate(evidence, name) == Fate::Evidence, false);
        let knotted = components.knotted(forced).into_iter();
        alone.here.extend(knotted.map(|name| (name, Rule::Knot)));
        judge_cluster(id, &mut cluster, &alone, occasion)?;
        self.clusters.remove(&id.to_le_bytes());
        for (names, mut part) in cluster.split(&alone) {
            let id = self.next()?;
            // Whether two user ids are of one portfolio depends on nobody else: what was judged holds for the part.
            self.owners.refresh(tenant, &mut part)?;
            let place = match part.kind {
                Kind::Joined => Place::Joined(id),
                Kind::Knot { .. } => Place::Knot(id),
                Kind::Placeholder(_) => Place::Placeholder(id),
            };
            for name in &names {
                self.tokens.put(&Self::token(tenant, name), place);
            }
            self.clusters.put(&id.to_le_bytes(), part);
        }
        self.let_go(id, before.iter(), tenant)
    }

    /// An item that shows placeholders only belongs to the surest of them, who may have been judged elsewhere before the
    /// last of the others became one: they come back, to be given their items.
    fn call_back(&mut self, cluster: &mut Cluster, alone: &mut Alone, tenant: &str) -> Result<(), ProcessorError> {
        let mut back = BTreeSet::new();
        for together in &cluster.evidence.together {
            let names = names_on([&together.ids, &[]]);
            if names.iter().all(|name| cluster.evidence.is_placeholder(name)) {
                back.extend(surest(names.iter()).cloned());
            }
        }
        for name in back {
            if let Some(Place::Placeholder(id)) = self.place(tenant, &name)?
                && let Some(placeholder) = self.clusters.get(&id.to_le_bytes())?.cloned()
            {
                self.clusters.remove(&id.to_le_bytes());
                cluster.gather(placeholder);
                cluster.evidence.add_placeholders([name.clone()]);
                if let Some(whole) = &mut alone.whole {
                    whole.insert(name.clone());
                }
                alone.here.insert(name, Rule::Shared);
            }
        }
        Ok(())
    }

    /// Whose an item with these identifiers is at a time.
    pub(crate) fn whose(
        &mut self,
        tenant: &str,
        ids: &[Identifier],
        at: Millis,
    ) -> Result<Option<Whose>, ProcessorError> {
        let Some(first) = ids.iter().find_map(sought) else {
            return Ok(None);
        };
        match self.tokens.get(&token_of(tenant, &first))?.copied() {
            None => Ok(None),
            Some(Place::Joined(id)) => self.whose_in(id, ids, at),
            Some(_) => {
                let mut places = Vec::new();
                for name in names_on([ids, &[]]) {
                    if let Some(place) = self.place(tenant, &name)? {
                        places.push((name, place));
                    }
                }
                let of = |is: fn(&Place) -> bool| {
                    let names = places.iter().filter(|(_, place)| is(place)).map(|(name, _)| name);
                    let surest = surest(names)?;
                    places.iter().find(|(name, _)| name == surest)
                };
                let people = of(|place| matches!(place, Place::Joined(_)));
                let knot = || of(|place| matches!(place, Place::Knot(_)));
                if let Some((_, place)) = people.or_else(knot) {
                    return self.whose_in(place.cluster(), ids, at);
                }
                let Some((name, place)) = of(|_| true) else {
                    return Ok(None);
                };
                self.whose_in(place.cluster(), &only(ids, name), at)
            }
        }
    }

    fn whose_in(&mut self, id: u64, ids: &[Identifier], at: Millis) -> Result<Option<Whose>, ProcessorError> {
        let Some(cluster) = self.clusters.get(&id.to_le_bytes())? else {
            return Ok(None);
        };
        let seen = cluster
            .evidence
            .together
            .iter()
            .position(|together| together.ids == ids);
        let person: Option<&Known> = seen.and_then(|seen| cluster.owner(seen, at));
        Ok(Some(Whose {
            version: cluster.version,
            atom: atom(ids),
            person_id: person.map(|person| person.person_id.clone()),
            country: person.and_then(|person| person.country.clone()),
        }))
    }
}

fn names_of(evidence: &Evidence) -> BTreeSet<Name> {
    evidence.identifiers().filter_map(name).collect()
}

fn judge_cluster(id: u64, cluster: &mut Cluster, alone: &Alone, occasion: &mut Occasion) -> Result<(), ProcessorError> {
    let Occasion { item, teller, context } = occasion;
    context.spend(cluster.evidence.steps())?;
    let verdict = cluster.judged(alone);
    let version = cluster.version;
    let new_id = |index: usize| {
        // One item may show people of several clusters, each judged on its own.
        let numbers = [id, version, index as u64].map(u64::to_le_bytes).concat();
        let parts: [&[u8]; 3] = [item.tenant.as_bytes(), item.key.as_bytes(), &numbers];
        format!("p_{}", &hash::id("person", &parts)[..24])
    };
    let revision = cluster.publish(verdict, new_id, |e164| teller.country(e164));
    if revision.changed.is_empty() && revision.gone.is_empty() && revision.moves.is_empty() {
        return Ok(());
    }
    teller.publish(item, &mut cluster.people, revision, context)
}
