//! What the graph found, as facts about people and as items that change hands.

use crate::{
    cluster::{Changed, Known, Revision, What, remembered_country},
    rules::{self, Blocker, MET, PIECES, Rule},
};
use hilo_contracts::{
    codec::{self, AvroCodec, Codec as _},
    facts::{IdentifierSpan, Identity as Fact, Source},
    item::{Body, Item, PersonRecord, Ruling},
    stored::Convert as _,
    topics,
};
use hilo_domain::{IdentifierKind, hash};
use hilo_stream::{Context, ProcessorError, wire};
use std::collections::BTreeMap;

/// Publishes what changed.
pub(crate) struct Teller {
    codec: AvroCodec<Fact>,
    countries: BTreeMap<String, Option<String>>,
}

impl Default for Teller {
    fn default() -> Self {
        Self {
            codec: codec::identity(),
            countries: BTreeMap::new(),
        }
    }
}

impl Teller {
    /// Country of a number.
    pub(crate) fn country(&mut self, e164: &str) -> Option<String> {
        remembered_country(&mut self.countries, e164)
    }

    pub(crate) fn publish(
        &mut self,
        item: &Item,
        people: &mut [Known],
        revision: Revision,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        let decision = match &item.body {
            Body::Decision(decision) => Some(decision.ruling),
            Body::Crm(crm) if !crm.merged.is_empty() => Some(Ruling::Merge),
            _ => None,
        };
        for Changed {
            person,
            what,
            rule,
            proposed,
            decided,
        } in revision.changed
        {
            let noted_decision = decision.filter(|_| decided);
            let id_of = |other: usize| people[other].person_id.clone();
            let (kind, rule, other) = match (what, &item.change) {
                (What::Alone(was_part_of), _) => ("placeholder", rule, was_part_of.map(id_of)),
                (What::Observed, _) => ("observed", rule, None),
                (What::Unmerged(other), _) => {
                    let rule = if decision.is_some() { Rule::Operator } else { rule };
                    ("unmerged", rule, Some(id_of(other)))
                }
                (What::Noted, _) if noted_decision.is_some() => (noted(noted_decision), Rule::Operator, None),
                (What::Noted, _) => ("merge_withdrawn", rule, None),
                (_, Some(change)) => (change.kind.as_str(), rule, None),
                (What::Linked, None) => ("linked", rule, None),
                (What::Lost, None) => ("number_changed", Rule::RecycledNumber, None),
            };
            let person = &mut people[person];
            if what != What::Noted || noted_decision.is_some() || proposed.is_empty() {
                self.tell(item, person, kind, (rule, rule.confidence_percent()), other, context)?;
            }
            for place in proposed {
                let proposal = &person.proposals[place];
                if proposal.blocker.as_deref() == Some(Blocker::Cap.name()) {
                    context.count("merges_blocked", Blocker::Cap.name());
                }
                let rule = Rule::of(&proposal.rule);
                let other = proposal.other_person_id.clone();
                let confidence = proposal.confidence_percent;
                self.tell(item, person, "merge_proposed", (rule, confidence), other, context)?;
            }
        }
        for (gone, survivor) in revision.gone {
            // Who became part of somebody who does not exist is no more: nothing can be told of that one.
            let survivor = survivor.filter(|survivor| people[*survivor].exists);
            let rule = match (decision, survivor) {
                (Some(_), _) => Rule::Operator,
                (None, Some(survivor)) => people[survivor].joined_by(&gone),
                (None, None) => Rule::Together,
            };
            let rule = (rule, rule.confidence_percent());
            if let Some(survivor) = survivor {
                let other = Some(gone.person_id.clone());
                self.tell(item, &mut people[survivor], "merged", rule, other, context)?;
            }
            let mut closed = Known {
                proposals: Vec::new(),
                decisions: Vec::new(),
                ..gone
            };
            let other = survivor.map(|survivor| people[survivor].person_id.clone());
            self.tell(item, &mut closed, "closed", rule, other, context)?;
        }
        for (person, moved) in revision.moves {
            let record = wire::encode(&PersonRecord::Move(moved))?;
            context.send(topics::PERSON_ITEM, person, item.event_time, record);
        }
        Ok(())
    }

    /// Publishes a fact about a person: each has a revision of its own, one higher than the last.
    fn tell(
        &self,
        item: &Item,
        person: &mut Known,
        kind: &str,
        (rule, confidence_percent): (Rule, i32),
        other: Option<String>,
        context: &mut Context,
    ) -> Result<(), ProcessorError> {
        person.revision += 1;
        let revision = person.revision.to_le_bytes();
        let parts: [&[u8]; 6] = [
            item.tenant.as_bytes(),
            person.person_id.as_bytes(),
            kind.as_bytes(),
            &revision,
            other.as_deref().unwrap_or_default().as_bytes(),
            rule.name().as_bytes(),
        ];
        let known_by = person
            .spans
            .iter()
            .filter(|(id, _, _)| id.kind != IdentifierKind::Username);
        let mut kinds: Vec<&str> = known_by.map(|(id, _, _)| id.kind.as_str()).collect();
        kinds.dedup();
        let evidence = match person.rules.first() {
            Some(Rule::Shared) => format!("{}>{MET}", kinds.join("+")),
            Some(Rule::Knot) => format!("{}>{PIECES}", kinds.join("+")),
            _ => kinds.join("+"),
        };
        let fact = Fact {
            event_id: hash::id("identity", &parts),
            tenant: item.tenant.clone(),
            event_time: item.event_time,
            ingest_time: item.received_at,
            source: Source::new(&item.delivery_id, item.position),
            kind: kind.to_owned(),
            person_id: person.person_id.clone(),
            revision: person.revision,
            identifiers: person
                .spans
                .iter()
                .map(|(id, from, to)| IdentifierSpan {
                    kind: id.kind.as_str().to_owned(),
                    value: id.value.clone(),
                    valid_from: Some(*from),
                    valid_to: *to,
                })
                .collect(),
            country: person.country.clone(),
            name: person.name.clone(),
            rule: rule.name().to_owned(),
            confidence: f64::from(confidence_percent) / 100.0,
            evidence: Some(evidence),
            other_person_id: other,
            rule_version: rules::VERSION,
            proposals: person.proposals.clone().convert(),
            decisions: person.decisions.clone().convert(),
        };
        let value = self
            .codec
            .encode(&fact)
            .map_err(|error| ProcessorError::Contract(error.to_string()))?;
        context.send(topics::IDENTITY, person.person_id.as_bytes(), item.event_time, value);
        Ok(())
    }
}

/// Kind of the fact that only tells a decision.
fn noted(decision: Option<Ruling>) -> &'static str {
    match decision {
        Some(Ruling::Merge) => "merged",
        Some(Ruling::Reject) => "merge_rejected",
        Some(Ruling::Unmerge | Ruling::Split) | None => "unmerged",
    }
}
