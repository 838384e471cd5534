//! Evidence of which too much hangs together: each name on it has it, and stands alone.

use super::{Graph, Occasion, Place};
use crate::{
    alone::see_once,
    cluster::{Cluster, Kind},
    links::{Name, names_on},
    rules::{MET, PIECES},
    said::Said,
};
use hilo_stream::ProcessorError;
use std::collections::{BTreeSet, VecDeque};

impl Graph {
    /// Adds to a knot: each name on what is said gets it, and stands alone.
    pub(super) fn add_to_knot(
        &mut self,
        said: &Said,
        joined: Vec<Name>,
        mut knotted: Vec<Name>,
        placeholders: &[Name],
        occasion: &mut Occasion,
    ) -> Result<(), ProcessorError> {
        let tenant = occasion.item.tenant.as_str();
        let forced: BTreeSet<Name> = joined.iter().cloned().collect();
        for name in joined {
            if let Some(Place::Joined(id)) = self.place(tenant, &name)? {
                self.part(id, Vec::new(), &forced, None, occasion)?;
            }
            // New, or only suggested so far.
            if self.place(tenant, &name)?.is_none() {
                let id = self.next()?;
                let kind = Kind::Knot {
                    name: name.clone(),
                    met: BTreeSet::new(),
                    forms: Vec::new(),
                };
                self.clusters.put(&id.to_le_bytes(), Cluster::of(kind));
                self.tokens.put(&Self::token(tenant, &name), Place::Knot(id));
            }
            knotted.push(name);
        }
        let on = names_on(said.joining());
        let said = said.clone().without_suggestions();
        let (mut crowded, mut judged) = (Vec::new(), Vec::new());
        for name in knotted {
            let Some(Place::Knot(id)) = self.place(tenant, &name)? else {
                continue;
            };
            let Some(cluster) = self.clusters.get_mut(&id.to_le_bytes())? else {
                continue;
            };
            cluster.evidence.add_placeholders(placeholders.iter().cloned());
            let (at, sightings) = (occasion.item.event_time, cluster.evidence.together.len());
            said.add(cluster, at);
            said.tell(cluster, occasion.item);
            let mut is_news = cluster.evidence.together.len() > sightings;
            if let Kind::Knot { met, forms, .. } = &mut cluster.kind {
                for seen in said.of_name(&name, at) {
                    is_news |= see_once(forms, seen);
                }
                met.extend(on.iter().filter(|other| **other != name).cloned());
                if met.len() > MET {
                    crowded.push(name);
                }
            }
            if is_news {
                judged.push(id);
            }
        }
        for id in judged {
            self.judge(id, occasion)?;
        }
        if crowded.is_empty() {
            Ok(())
        } else {
            self.untie(crowded, occasion)
        }
    }

    /// Names of a knot turned out to be placeholders: whoever hangs together without them is judged together again.
    fn untie(&mut self, crowded: Vec<Name>, occasion: &mut Occasion) -> Result<(), ProcessorError> {
        let tenant = occasion.item.tenant.as_str();
        let mut whole: BTreeSet<Name> = crowded.iter().cloned().collect();
        let mut forced = BTreeSet::new();
        for name in &crowded {
            let Some(Place::Knot(id)) = self.place(tenant, name)? else {
                continue;
            };
            let met = match self.clusters.get(&id.to_le_bytes())?.map(|cluster| &cluster.kind) {
                Some(Kind::Knot { met, .. }) => met.clone(),
                _ => continue,
            };
            for other in met {
                if whole.contains(&other) || !matches!(self.place(tenant, &other)?, Some(Place::Knot(_))) {
                    continue;
                }
                if let Some(found) = self.reach(&other, &crowded, occasion)? {
                    whole.extend(found);
                } else {
                    forced.insert(other.clone());
                    whole.insert(other);
                }
            }
        }
        let mut gathered = Cluster::default();
        for name in &whole {
            if let Some(Place::Knot(id)) = self.place(tenant, name)?
                && let Some(cluster) = self.clusters.get(&id.to_le_bytes())?.cloned()
            {
                occasion.context.spend(cluster.evidence.steps())?;
                self.clusters.remove(&id.to_le_bytes());
                gathered.gather(cluster);
            }
        }
        let id = self.next()?;
        self.clusters.put(&id.to_le_bytes(), gathered);
        self.part(id, crowded, &forced, Some(whole), occasion)
    }

    /// What hangs together with a name of a knot, without some names; `None` where that is a knot still.
    fn reach(
        &mut self,
        name: &Name,
        without: &[Name],
        occasion: &mut Occasion,
    ) -> Result<Option<BTreeSet<Name>>, ProcessorError> {
        let tenant = occasion.item.tenant.as_str();
        let mut seen = BTreeSet::from([name.clone()]);
        let mut next = VecDeque::from([name.clone()]);
        let mut pieces = 0;
        while let Some(name) = next.pop_front() {
            let Some(Place::Knot(id)) = self.place(tenant, &name)? else {
                continue;
            };
            let Some(cluster) = self.clusters.get(&id.to_le_bytes())? else {
                continue;
            };
            occasion.context.spend(cluster.evidence.pieces() as u64)?;
            for sides in cluster.evidence.joining() {
                let mut on = names_on(sides);
                on.retain(|name| !cluster.evidence.is_placeholder(name) && !without.contains(name));
                // Each name on it has the piece: it counts at one of them.
                pieces += usize::from(on.first() == Some(&name));
                for other in on {
                    if seen.insert(other.clone()) {
                        next.push_back(other);
                    }
                }
            }
            if pieces > PIECES {
                return Ok(None);
            }
        }
        Ok(Some(seen))
    }
}
