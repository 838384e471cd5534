//! A cluster that falls into parts: what no longer hangs together is judged apart from then on.

use crate::{
    alone::{Alone, Belongs, Fate, parts},
    cluster::{Cluster, Kind},
    evidence::{Evidence, Together},
    fold::Timeline,
    links::{Name, name, names_on},
    portfolio::Told,
    rules::Rule,
};
use hilo_domain::{Identifier, IdentifierKind};
use std::collections::{BTreeMap, BTreeSet};

impl Cluster {
    /// The parts of a cluster that was just judged with these names alone: people who hang together still, and each of
    /// those names that stand alone here. With each part, its names.
    pub(crate) fn split(self, alone: &Alone) -> Vec<(Vec<Name>, Self)> {
        let Self {
            version,
            evidence,
            people,
            owners,
            gone,
            ..
        } = self;
        let components = evidence.components(|name| alone.fate(&evidence, name) == Fate::Evidence, true);
        let mut split = Split {
            home: components.of,
            parts: Vec::new(),
            persons: Vec::new(),
        };
        split.parts.resize_with(components.pieces.len(), Self::default);
        for (name, rule) in &alone.here {
            split.home.insert(name.clone(), split.parts.len());
            let kind = match rule {
                Rule::Shared => Kind::Placeholder(name.clone()),
                _ => Kind::Knot {
                    name: name.clone(),
                    met: evidence.met(name),
                    forms: forms(&evidence, name),
                },
            };
            split.parts.push(Self::of(kind));
        }
        for known in people {
            let home = split.home_of(known.spans.iter().map(|(id, _, _)| id));
            split.persons.push(home.map(|home| {
                split.parts[home].people.push(known);
                (home, split.parts[home].people.len() - 1)
            }));
        }
        for gone in gone {
            if let Some(home) = split.home_of(gone.ids.iter()) {
                split.parts[home].gone.push(gone);
            }
        }
        split.deal(&evidence, &owners, alone);
        let mut names: Vec<Vec<Name>> = vec![Vec::new(); split.parts.len()];
        for (name, home) in split.home {
            names[home].push(name);
        }
        for part in &mut split.parts {
            part.version = version;
            if let Kind::Placeholder(name) = &part.kind {
                part.evidence.together = forms(&evidence, name);
                // The same verdict: it says whose each form is.
                let verdict = part.judged(&part.alone());
                part.publish(verdict, |_| String::new(), |_| None);
            }
            let named: BTreeSet<Name> = part.evidence.identifiers().filter_map(name).collect();
            let placeholders = evidence.placeholders.iter().filter(|name| named.contains(*name));
            if !matches!(part.kind, Kind::Placeholder(_)) {
                part.evidence.placeholders = placeholders.cloned().collect();
                let is_named = |told: &&Told| named.contains(&(IdentifierKind::Bsuid, told.bsuid.clone()));
                part.evidence.told = evidence.told.iter().filter(is_named).cloned().collect();
            }
        }
        names.into_iter().zip(split.parts).collect()
    }
}

/// What was seen of a name alone.
fn forms(evidence: &Evidence, name: &Name) -> Vec<Together> {
    let forms = parts(evidence, name).into_iter();
    forms
        .map(|(ids, (at, creates))| Together::once(ids, at, creates))
        .collect()
}

/// A cluster on its way into parts.
struct Split {
    /// Which part a name goes to.
    home: BTreeMap<Name, usize>,
    parts: Vec<Cluster>,
    /// Of each person: the part, and the place there.
    persons: Vec<Option<(usize, usize)>>,
}

impl Split {
    fn home_of<'a>(&self, mut ids: impl Iterator<Item = &'a Identifier>) -> Option<usize> {
        ids.find_map(|id| self.home.get(&name(id)?).copied())
    }

    fn timeline(&self, timeline: &Timeline, home: usize) -> Timeline {
        let person = |person: usize| self.persons.get(person).copied().flatten();
        let here = |index: usize| person(index).filter(|(part, _)| *part == home).map(|(_, place)| place);
        timeline
            .iter()
            .map(|(from, index)| (*from, index.and_then(here)))
            .collect()
    }

    /// Gives each piece of evidence to its part, and those of a knot to each name on them.
    fn deal(&mut self, evidence: &Evidence, owners: &[Timeline], alone: &Alone) {
        let fate = |name: &Name| alone.fate(evidence, name);
        let homes = |home: &BTreeMap<Name, usize>, names: &[Name]| -> Vec<usize> {
            let of_people = names.iter().find(|name| fate(name) == Fate::Evidence);
            if let Some(name) = of_people {
                return home.get(name).copied().into_iter().collect();
            }
            let of_knot = names.iter().filter(|name| fate(name) == Fate::Alone(Rule::Knot));
            of_knot.filter_map(|name| home.get(name).copied()).collect()
        };
        for (index, together) in evidence.together.iter().enumerate() {
            let names = names_on([&together.ids, &[]]);
            let belongs = alone.belongs(evidence, &names);
            for home in homes(&self.home, &names) {
                let is_owner = match &belongs {
                    Belongs::Found => true,
                    Belongs::Alone(name) => self.home.get(name) == Some(&home),
                    Belongs::Elsewhere => false,
                };
                let timeline = owners.get(index).filter(|_| is_owner);
                let timeline = timeline.map_or_else(Vec::new, |timeline| self.timeline(timeline, home));
                self.parts[home].evidence.together.push(together.clone());
                self.parts[home].owners.push(timeline);
            }
        }
        for change in &evidence.changes {
            for home in homes(&self.home, &names_on([&change.old, &change.new])) {
                self.parts[home].evidence.changes.push(change.clone());
            }
        }
        for decided in &evidence.decisions {
            for home in homes(&self.home, &names_on([&decided.user, &decided.other])) {
                self.parts[home].evidence.decisions.push(decided.clone());
            }
        }
        let of_people = |home: &BTreeMap<Name, usize>, ids: &[Identifier]| -> Option<usize> {
            let mut names = ids.iter().filter_map(name);
            let name = names.find(|name| fate(name) == Fate::Evidence)?;
            home.get(&name).copied()
        };
        for claim in &evidence.claims {
            if let Some(home) = of_people(&self.home, &claim.ids) {
                self.parts[home].evidence.claims.push(claim.clone());
            }
        }
        for stated in &evidence.stated {
            if let Some(home) = of_people(&self.home, &stated.holder) {
                self.parts[home].evidence.stated.push(stated.clone());
            }
        }
        for crowd in &evidence.crowds {
            if let Some(home) = of_people(&self.home, std::slice::from_ref(crowd)) {
                self.parts[home].evidence.crowds.push(crowd.clone());
            }
        }
    }
}
