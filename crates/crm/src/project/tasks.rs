//! Tasks: what the rules of a mapping ask people to do.
//!
//! A rule holds or does not hold for a cause, by the facts as they are known: a late fact takes a task back. One cause gives
//! one task of a rule: its key is made of both.

use super::{
    Key,
    base::{Base, Fill as _},
    due::Subject,
    message::Message,
    processor::Project,
    record::{Holds, Place, belongs_to},
    ticket::Made,
};
use crate::{
    mapping::{Cause, Rule, When, fill},
    record_key,
    values::{Object, Values},
};
use hilo_domain::Millis;
use hilo_stream::{Context, ProcessorError};

/// A rule that holds.
struct Firing<'a> {
    rule: &'a Rule,
    /// When its cause was.
    at: Millis,
    done: bool,
    /// What its texts may name.
    words: Vec<(&'static str, String)>,
}

/// A message whose records are being made.
pub(super) struct Told<'a> {
    pub key: Key,
    pub message: &'a Message,
    pub base: &'a Base<'a>,
    pub place: Place<'a>,
    /// Key of its ticket, where there is one.
    pub ticket: Option<&'a str>,
    /// Values of that.
    pub values: &'a Values,
    /// The session that it is in.
    pub session: Option<&'a str>,
}

/// Where a task hangs.
struct Hook<'a> {
    /// Id of what caused it.
    cause: &'a str,
    place: Place<'a>,
    base: &'a Base<'a>,
    ticket: Option<&'a str>,
    values: &'a Values,
    /// Rules whose task was told.
    told: &'a [Box<str>],
}

impl Project {
    /// Makes the tasks that a message causes. Gives the rules that hold.
    pub(super) fn make_message_tasks(
        &mut self,
        told: &Told,
        now: Millis,
        context: &mut Context,
    ) -> Result<Vec<Box<str>>, ProcessorError> {
        let Told { key, message, base, .. } = *told;
        let rules = &base.mapping.policy().rules;
        let counted = message.counted();
        if rules.is_empty() && message.tasks.is_empty() {
            return Ok(Vec::new());
        }
        let main = message.main();
        let template = main
            .and_then(|main| main.template.as_ref())
            .or_else(|| message.sent.as_ref().and_then(|sent| sent.template.as_ref()))
            .map_or("", |template| &template.name);
        let mut firings = Vec::new();
        let mut wake: Option<Millis> = None;
        let sent = message.sent.as_ref().filter(|_| base.contact.is_some());
        let outbound = counted.as_ref().filter(|counted| !counted.inbound).zip(sent);
        for rule in rules {
            let Some((counted, sent)) = outbound else { break };
            match &rule.when {
                When::Failed { .. } => {
                    let Some((class, at)) = sent.error.as_deref().zip(sent.failed_at) else {
                        continue;
                    };
                    if rule.when.fires(&Cause::Failed { class }) {
                        firings.push(Firing {
                            rule,
                            at,
                            done: false,
                            words: vec![("class", class.to_owned()), ("template", template.to_owned())],
                        });
                    }
                }
                When::Unanswered { after_seconds, .. } => {
                    let Some(read_at) = sent.read_at.filter(|_| sent.error.is_none()) else {
                        continue;
                    };
                    if !rule.when.concerns(template) {
                        continue;
                    }
                    let person = match counted.person.as_deref() {
                        Some(person) => self.people.get(person.as_bytes())?,
                        None => None,
                    };
                    // What is not waited for any more fires nothing.
                    let Some(watch) = person.and_then(|person| person.watched(counted.at, key)) else {
                        continue;
                    };
                    let answered = watch.answered;
                    let seconds = (answered.unwrap_or(now).saturating_sub(read_at)).div_euclid(1_000);
                    let at = read_at + after_seconds * 1_000;
                    if rule.when.fires(&Cause::Unanswered { template, seconds }) {
                        firings.push(Firing {
                            rule,
                            at,
                            done: answered.is_some(),
                            words: vec![("template", template.to_owned())],
                        });
                    } else if answered.is_none() {
                        wake = Some(wake.map_or(at, |had| had.min(at)));
                    }
                }
                When::Tagged { .. } | When::Rated { .. } => {}
            }
        }
        self.due.wake(Subject::Message, &key, wake.filter(|at| *at > now))?;
        let mut values = told.values.clone();
        if let Some(session) = told.session.filter(|_| !firings.is_empty())
            && let Some(known) = self.sessions.get_mut(session.as_bytes())?
        {
            known.alarm(key);
            if let Some(state) = known.state.as_ref().filter(|_| told.ticket.is_some()) {
                values.text("ticket.agent", state.agent.as_deref());
                values.text("ticket.queue", state.queue.as_deref());
            }
        }
        let hook = Hook {
            cause: &message.id,
            place: told.place,
            base,
            ticket: told.ticket,
            values: &values,
            told: &message.tasks,
        };
        self.make_tasks(&hook, firings, context)
    }

    /// Makes the tasks that a session causes. Gives the rules that hold.
    pub(super) fn make_session_tasks(
        &mut self,
        made: &Made,
        context: &mut Context,
    ) -> Result<Vec<Box<str>>, ProcessorError> {
        let session = made.session;
        let rules = &made.base.mapping.policy().rules;
        let mut firings = Vec::new();
        let state = session.state.as_ref().filter(|_| made.base.contact.is_some());
        for rule in rules {
            let Some(state) = state else { break };
            match &rule.when {
                When::Tagged { .. } => {
                    let tags = session.tags.iter().map(|(tag, at)| ("tag", tag, at));
                    let intents = session.intents.iter().map(|(intent, at)| ("intent", intent, at));
                    let first = tags
                        .chain(intents)
                        .filter(|(word, said, _)| {
                            let cause = if *word == "tag" {
                                Cause::Tag(said)
                            } else {
                                Cause::Intent(said)
                            };
                            rule.when.fires(&cause)
                        })
                        .filter_map(|(word, said, times)| Some((*times.first()?, word, said)))
                        .min();
                    if let Some((at, word, said)) = first {
                        firings.push(Firing {
                            rule,
                            at,
                            done: false,
                            words: vec![(word, said.as_ref().to_owned())],
                        });
                    }
                }
                When::Rated { .. } => {
                    let bad = state.ratings.iter().find(|rating| {
                        let (instrument, score) = (rating.instrument.as_ref(), rating.score.as_ref());
                        rule.when.fires(&Cause::Rated { instrument, score })
                    });
                    if let Some(rating) = bad {
                        firings.push(Firing {
                            rule,
                            at: rating.at,
                            done: false,
                            words: vec![
                                ("instrument", rating.instrument.as_ref().to_owned()),
                                ("score", rating.score.as_ref().to_owned()),
                            ],
                        });
                    }
                }
                When::Failed { .. } | When::Unanswered { .. } => {}
            }
        }
        let hook = Hook {
            cause: made.id,
            place: made.place,
            base: made.base,
            ticket: made.ticket,
            values: made.values,
            told: &session.tasks,
        };
        self.make_tasks(&hook, firings, context)
    }

    fn make_tasks(
        &mut self,
        hook: &Hook,
        firings: Vec<Firing>,
        context: &mut Context,
    ) -> Result<Vec<Box<str>>, ProcessorError> {
        let Hook { place, base, .. } = hook;
        let key_of = |rule: &str| record_key(place.tenant, Object::Task, &[rule, hook.cause]);
        let mut told: Vec<Box<str>> = Vec::with_capacity(firings.len());
        for firing in firings {
            let key = key_of(&firing.rule.name);
            let values = task_values(&key, hook, &firing);
            let mut associations = base.associations();
            associations.extend(hook.ticket.map(|ticket| belongs_to(Object::Ticket, ticket.to_owned())));
            let holds = Holds::Fields {
                fields: base.mapping.fields(Object::Task, &values),
                associations,
                adopt_id: None,
                rule: Some(format!("{}@{}", firing.rule.name, firing.rule.version)),
            };
            let place = Place {
                object: Object::Task,
                key: &key,
                ..*place
            };
            self.records.tell(place, holds, context)?;
            told.push(firing.rule.name.as_str().into());
        }
        for rule in hook.told.iter().filter(|rule| !told.contains(rule)) {
            let key = key_of(rule);
            let place = Place {
                object: Object::Task,
                key: &key,
                ..*place
            };
            self.records.tell(place, Holds::Nothing, context)?;
        }
        Ok(told)
    }
}

fn task_values(key: &str, hook: &Hook, firing: &Firing) -> Values {
    let rule = firing.rule;
    let mut values = hook.base.values.clone();
    for (name, value) in hook.values.iter().filter(|(name, _)| name.starts_with("ticket.")) {
        values.insert(name, value.clone());
    }
    let mut words: Vec<(&str, &str)> = vec![("contact", hook.base.called.as_str())];
    words.extend(firing.words.iter().map(|(name, word)| (*name, word.as_str())));
    words.extend(rule.link.as_deref().map(|link| ("link", link)));
    values.text("task.key", Some(key));
    values.text("task.rule", Some(&rule.name));
    values.text("task.subject", Some(&fill(&rule.subject, &words)));
    values.text("task.body", Some(&fill(&rule.body, &words)));
    values.text("task.link", rule.link.as_deref());
    values.text("task.status", Some(if firing.done { "done" } else { "open" }));
    values.text("task.priority", Some(&rule.priority));
    values.time("task.due_at", Some(firing.at + rule.due_seconds * 1_000));
    values.time("task.caused_at", Some(firing.at));
    for (name, from) in [("task.agent", "ticket.agent"), ("task.queue", "ticket.queue")] {
        if let Some(value) = values.get(from).cloned() {
            values.insert(name, value);
        }
    }
    values
}
