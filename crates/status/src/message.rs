//! What is kept of a message: its descriptions by origin, and the fold of its statuses.

mod fates;

pub(crate) use fates::Fates;

use crate::templates::TemplateKey;
use hilo_contracts::{
    facts::{AuthorRef, Status as Fact},
    item::{Follow, Forget, Message as Told, Origin, Resolved, Status},
    stored::{Convert as _, ErrorRef, PricingRef, TemplateRef},
};
use hilo_domain::{ErrorPolicy, Millis, StatusFold, hash::IdHasher};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Name under which the fold takes the status of a payment: none of a message's.
const PAYMENT: &str = "payment";

/// Type of a message that only statuses tell of.
const UNKNOWN: &str = "unknown";

/// Whose something is, by the version of the identity graph that decided.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Whose {
    pub version: u64,
    pub person_id: Option<Box<str>>,
    pub country: Option<Box<str>>,
}

impl Whose {
    fn of(resolved: &Resolved) -> Self {
        Self {
            version: resolved.version,
            person_id: resolved.person_id.as_deref().map(Box::from),
            country: resolved.country.as_deref().map(Box::from),
        }
    }

    /// Takes over a later verdict; a verdict that knows nobody says nothing.
    fn update(&mut self, later: &Self) {
        if later.person_id.is_some() && (later.version > self.version || self.person_id.is_none()) {
            self.clone_from(later);
        }
    }
}

/// One description of the message: a line, an element of `messages`, an echo or a history element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Description {
    origin: Origin,
    at: Millis,
    /// How many of its origin held before it.
    generation: u32,
    /// Hash of the content: tells a repetition from a better duplicate of the same time.
    content: u64,
    kind: Box<str>,
    author_kind: Box<str>,
    author_id: Option<Box<str>>,
    phone_number_id: Option<Box<str>>,
    /// An outbound line or echo, and not an edit or a revocation.
    sent: bool,
    /// Part of the identity graph that it belongs to.
    atom: u64,
    whose: Whose,
    /// Boxed: only templates and campaigns have it.
    purpose: Option<Box<Purpose>>,
}

impl Description {
    /// Whether it is an outbound message: a reaction of the business is none.
    fn is_outbound(&self) -> bool {
        self.sent && &*self.kind != "reaction"
    }

    /// Whether the message is a member of the cohorts of the message outcomes by it.
    fn is_of_cohort(&self) -> bool {
        self.is_outbound() && matches!(self.origin, Origin::Outbound | Origin::Requested)
    }
}

/// What a send is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Purpose {
    template: Option<TemplateRef>,
    campaign: Option<String>,
    segment: Option<String>,
}

/// What the statuses say together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Statuses {
    /// Of those that name no participant: of all, where the message is not to a group.
    fold: StatusFold,
    /// Of each participant of a group, in the order of their names.
    participants: Vec<Participant>,
    /// Hashes of (status, participant, code), sorted: what has been told.
    told: Vec<u32>,
    /// Latest, with the greatest content on a tie.
    pricing: Option<(Millis, PricingRef)>,
    /// Of the earliest status whose pricing has one, the smallest on a tie.
    category: Option<(Millis, Box<str>)>,
    /// Of the earliest failure, with the smallest code on a tie, one without code last.
    errors: Option<(Millis, Vec<ErrorRef>)>,
    /// Earliest, with the smallest number on a tie.
    phone_number_id: Option<(Millis, Box<str>)>,
    /// Callback data of the earliest status that has it, the smallest on a tie.
    callback: Option<(Millis, Box<str>)>,
    recipient: Option<Recipient>,
}

/// What the statuses of one participant of a group say together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Participant {
    name: Box<str>,
    fold: StatusFold,
}

impl Statuses {
    /// The fold that a status belongs to.
    fn fold_of(&mut self, participant: Option<&str>) -> &mut StatusFold {
        let Some(name) = participant else {
            return &mut self.fold;
        };
        let place = self.participants.partition_point(|had| *had.name < *name);
        if self.participants.get(place).is_none_or(|had| *had.name != *name) {
            let fold = StatusFold::default();
            self.participants.insert(
                place,
                Participant {
                    name: name.into(),
                    fold,
                },
            );
        }
        &mut self.participants[place].fold
    }

    fn folds(&self) -> impl Iterator<Item = &StatusFold> {
        std::iter::once(&self.fold).chain(self.participants.iter().map(|participant| &participant.fold))
    }

    /// The fold of the message.
    fn whole(&self) -> Cow<'_, StatusFold> {
        if self.participants.is_empty() {
            return Cow::Borrowed(&self.fold);
        }
        let participants = self.participants.iter().map(|participant| &participant.fold);
        Cow::Owned(self.fold.of_group(participants))
    }
}

/// Whom a status names: of several the earliest. On a tie any will do that does not depend on the order of arrival.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Recipient {
    at: Millis,
    content: u64,
    atom: u64,
    whose: Whose,
}

impl Recipient {
    fn of(resolved: &Resolved) -> Option<Self> {
        resolved.person_id.is_some().then(|| Self {
            at: resolved.item.event_time,
            content: resolved.item.fingerprint(),
            atom: resolved.atom,
            whose: Whose::of(resolved),
        })
    }
}

/// Keeps the earliest recipient, and of one the later verdict.
fn keep_recipient(slot: &mut Option<Recipient>, new: Recipient) {
    match slot {
        Some(had) if (had.at, had.content) == (new.at, new.content) => had.whose.update(&new.whose),
        Some(had) if (had.at, had.content) < (new.at, new.content) => {}
        _ => *slot = Some(new),
    }
}

/// Keeps the value of the latest time. Of equal times any order will do, so long as it is one of the content alone.
fn keep_latest<T: std::fmt::Debug>(slot: &mut Option<(Millis, T)>, at: Millis, new: T) {
    let later = match slot {
        Some((had_at, had)) if *had_at == at => format!("{had:?}") < format!("{new:?}"),
        Some((had_at, _)) => *had_at < at,
        None => true,
    };
    if later {
        *slot = Some((at, new));
    }
}

/// Keeps the text of the earliest time, the smallest on a tie.
fn keep_earliest(slot: &mut Option<(Millis, Box<str>)>, at: Millis, new: Option<&str>) {
    let Some(new) = new else { return };
    if slot.as_ref().is_none_or(|(had_at, had)| (at, new) < (*had_at, &**had)) {
        *slot = Some((at, new.into()));
    }
}

/// Keeps the errors of the failure that gives the class, as `StatusFold` chooses it.
fn keep_first_failure(slot: &mut Option<(Millis, Vec<ErrorRef>)>, at: Millis, new: Vec<ErrorRef>) {
    let rank = |at: Millis, errors: &[ErrorRef]| {
        let code = errors.iter().filter_map(|error| error.code).min();
        (at, code.is_none(), code, format!("{errors:?}"))
    };
    if slot
        .as_ref()
        .is_none_or(|(had_at, had)| rank(at, &new) < rank(*had_at, had))
    {
        *slot = Some((at, new));
    }
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// Revision that was published last.
    pub revision: i64,
    pub test: bool,
    /// One per origin, in the order in which details are taken from them.
    descriptions: Vec<Description>,
    /// Boxed: most messages are received ones, and have none.
    statuses: Option<Box<Statuses>>,
    /// What an orphan is called, while its time runs: its state is kept under a hash.
    pub awaited: Option<Box<Awaited>>,
    /// Template whose category by the platform's events decides, as long as the send has no pricing.
    pub depends_on: Option<Box<TemplateKey>>,
    /// Person whose consent ledger has it that this send was refused because of an opt-out.
    pub refused_by: Option<Box<str>>,
}

/// Whose an orphan is, and its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Awaited {
    pub tenant: String,
    pub message_id: String,
}

/// What a description did to a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Described {
    pub changed: bool,
    /// The description that a better one replaced, and who was last known to hold it: the graph may have moved it on.
    pub lost_by: Option<(Box<str>, Forget)>,
}

impl Message {
    /// Adds a description. Of two of one origin the later generation holds: `deduplicate` knows which, and contents are not
    /// kept to be compared.
    pub(crate) fn describe(&mut self, resolved: &Resolved, told: &Told) -> Described {
        let item = &resolved.item;
        let content = item.fingerprint();
        let place = self.descriptions.partition_point(|had| had.origin < told.origin);
        let held = self.descriptions.get_mut(place).filter(|had| had.origin == told.origin);
        let mut lost_by = None;
        match held {
            None => {
                // Nearly every message has one description; growth by doubling would hold room for four.
                self.descriptions.reserve_exact(1);
                self.descriptions.insert(place, description(resolved, told, content));
            }
            Some(had) if had.generation > item.generation => return Described::default(),
            Some(had) if had.at == item.event_time && had.content == content => {
                had.generation = item.generation;
                let before = had.whose.clone();
                had.whose.update(&Whose::of(resolved));
                let changed = before.person_id != had.whose.person_id || before.country != had.whose.country;
                return Described { changed, lost_by: None };
            }
            Some(had) => {
                let new = description(resolved, told, content);
                let forget = Forget {
                    key: item.key.clone(),
                    at: had.at,
                    fingerprint: had.content,
                    atom: had.atom,
                    version: had.whose.version,
                };
                lost_by = had.whose.person_id.take().map(|person| (person, forget));
                *had = new;
            }
        }
        self.test |= item.test;
        Described { changed: true, lost_by }
    }

    /// Adds a status. Whether there is something to tell.
    pub(crate) fn add(&mut self, resolved: &Resolved, status: &Status) -> bool {
        let item = &resolved.item;
        let at = item.event_time;
        let statuses = self.statuses.get_or_insert_default();
        let before = statuses.clone();
        let codes: Vec<i64> = status.errors.iter().filter_map(|error| error.code).collect();
        match &status.payment {
            None => statuses
                .fold_of(status.participant.as_deref())
                .add(&status.status, at, &codes),
            // The message is known by it, and not where it is.
            Some(_) => statuses.fold.add(PAYMENT, at, &[]),
        }
        if let Some(pricing) = &status.pricing {
            keep_latest(&mut statuses.pricing, at, pricing.clone());
            let category = pricing.category.as_deref().map(str::to_lowercase);
            keep_earliest(&mut statuses.category, at, category.as_deref());
        }
        if status.status == "failed" && status.payment.is_none() {
            keep_first_failure(&mut statuses.errors, at, status.errors.clone());
        }
        keep_earliest(&mut statuses.phone_number_id, at, item.phone_number_id.as_deref());
        keep_earliest(&mut statuses.callback, at, status.callback_data.as_deref());
        // A participant is not the one to whom the message was sent: that is the group.
        if status.participant.is_none()
            && statuses.recipient.as_ref().is_none_or(|had| at <= had.at)
            && let Some(recipient) = Recipient::of(resolved)
        {
            keep_recipient(&mut statuses.recipient, recipient);
        }
        let told = told_hash(status, codes.first().copied());
        if let Err(place) = statuses.told.binary_search(&told) {
            statuses.told.insert(place, told);
        }
        let test = self.test | item.test;
        let changed = *statuses != before || test != self.test;
        self.test = test;
        changed
    }

    /// The identity graph gave a description, by its time and content, to somebody else. Whether that is news.
    pub(crate) fn reassign(&mut self, at: Millis, content: u64, later: &Whose) -> bool {
        let before = self.whose().cloned();
        let held = |had: &&mut Description| had.at == at && had.content == content;
        for description in self.descriptions.iter_mut().filter(held) {
            description.whose.update(later);
        }
        let recipient = self.statuses.as_mut().and_then(|statuses| statuses.recipient.as_mut());
        if let Some(recipient) = recipient.filter(|had| had.at == at && had.content == content) {
            recipient.whose.update(later);
        }
        let person = |whose: Option<&Whose>| whose.map(|whose| (whose.person_id.clone(), whose.country.clone()));
        person(before.as_ref()) != person(self.whose())
    }

    /// Whether there is anything to say about it on `hilo.status`: it was sent, has statuses, or was told of before a better
    /// duplicate turned out to be no send.
    pub(crate) fn is_published(&self) -> bool {
        self.revision > 0 || self.statuses.is_some() || self.descriptions.iter().any(|had| had.sent)
    }

    /// Whether only statuses tell of it.
    pub(crate) fn is_orphan(&self) -> bool {
        self.descriptions.is_empty()
    }

    /// The time of its earliest status.
    pub(crate) fn first_status_at(&self) -> Option<Millis> {
        self.statuses.as_ref()?.folds().filter_map(|fold| fold.earliest).min()
    }

    /// What became of it for one participant of a group.
    pub(crate) fn participant_status(&self, name: &str) -> Option<&'static str> {
        let participants = &self.statuses.as_ref()?.participants;
        let place = participants.binary_search_by(|had| (*had.name).cmp(name)).ok()?;
        participants[place].fold.effective()
    }

    /// How many participants of a group it has statuses of: what a fact costs.
    pub(crate) fn participants(&self) -> usize {
        self.statuses.as_ref().map_or(0, |statuses| statuses.participants.len())
    }

    fn whose(&self) -> Option<&Whose> {
        let recipient = self.statuses.as_ref().and_then(|statuses| statuses.recipient.as_ref());
        let recipient = recipient.map(|recipient| &recipient.whose);
        let mut all = self.descriptions.iter().map(|had| &had.whose).chain(recipient);
        all.find(|whose| whose.person_id.is_some())
    }

    /// Whether the platform refused it because the person opted out.
    pub(crate) fn is_refused(&self) -> bool {
        let statuses = self.statuses.as_ref();
        statuses.is_some_and(|statuses| statuses.folds().any(|fold| fold.opted_out.is_some()))
    }

    /// Whether a line, an element of a list or a history says whose it is, and not only statuses.
    pub(crate) fn names_somebody(&self) -> bool {
        self.descriptions.iter().any(|had| had.whose.person_id.is_some())
    }

    /// Whom the status names that alone says who this message was sent to, for the graph to follow, with the person who is
    /// it by now: of an orphan, of a line to nobody, and of a refused send, which is in that person's ledger.
    pub(crate) fn followed(&self, tenant: &str, message_id: &str) -> Option<(Box<str>, Follow)> {
        let statuses = self.statuses.as_ref()?;
        if self.names_somebody() && !self.is_refused() {
            return None;
        }
        let recipient = statuses.recipient.as_ref()?;
        let follow = Follow {
            tenant: tenant.to_owned(),
            message_id: message_id.to_owned(),
            at: recipient.at,
            fingerprint: recipient.content,
            atom: recipient.atom,
            version: recipient.whose.version,
        };
        Some((recipient.whose.person_id.clone()?, follow))
    }

    /// The template whose category decides as long as no pricing does, and when the send was accepted.
    pub(crate) fn unpriced(&self) -> Option<(&TemplateRef, Millis)> {
        if self
            .statuses
            .as_ref()
            .is_some_and(|statuses| statuses.category.is_some())
        {
            return None;
        }
        let sent = self.descriptions.first().filter(|had| had.sent)?;
        Some((sent.purpose.as_ref()?.template.as_ref()?, sent.at))
    }

    /// The category that decides: the platform's word over the sender's. `named` is what the platform's events said of the
    /// template.
    pub(crate) fn category(&self, named: Option<&str>) -> Option<String> {
        let priced = self.statuses.as_ref().and_then(|statuses| statuses.category.as_ref());
        let told = || {
            let purpose = self.descriptions.first()?.purpose.as_ref()?;
            purpose.template.as_ref()?.category.as_deref()
        };
        let category = priced.map(|(_, category)| &**category).or(named).or_else(told);
        category.map(str::to_lowercase)
    }

    /// The state as a fact; what tells of the occasion (kind, times, source, status) is left empty, and the category, which
    /// does not depend on the message alone.
    pub(crate) fn fact(&self) -> Fact {
        let none = Statuses::default();
        let statuses = self.statuses.as_deref().unwrap_or(&none);
        let fold = statuses.whole();
        let details = self.descriptions.first();
        let purpose = details.and_then(|had| had.purpose.as_deref());
        let reported_number = statuses.phone_number_id.as_ref().map(|(_, number)| number.to_string());
        let whose = self.whose();
        let sent = details.filter(|had| had.sent);
        let policy = fold.error().map(ErrorPolicy::of);
        // A failure that a delivery cleared asks nothing of a sender.
        let standing = policy.filter(|_| fold.is_failed());
        Fact {
            revision: self.revision,
            effective_status: fold.effective().map(str::to_owned),
            accepted_at: sent.map(|had| had.at),
            sent_at: fold.sent,
            delivered_at: fold.delivered_at(),
            read_at: fold.read_at(),
            played_at: fold.played,
            failed_at: fold.failed,
            opted_out_at: fold.opted_out,
            first_status_at: fold.earliest,
            errors: statuses
                .errors
                .as_ref()
                .map(|(_, errors)| errors.clone().convert())
                .unwrap_or_default(),
            error_codes: fold.error_codes.clone(),
            error_class: policy.map(|policy| policy.class.as_str().to_owned()),
            error_actions: standing
                .iter()
                .flat_map(|policy| policy.actions)
                .map(|action| action.as_str().to_owned())
                .collect(),
            retry_after_seconds: standing.and_then(|policy| policy.retry_after_seconds),
            callback_data: statuses.callback.as_ref().map(|(_, callback)| callback.to_string()),
            pricing: statuses.pricing.as_ref().map(|(_, pricing)| pricing.clone().convert()),
            message_type: details.map_or(UNKNOWN, |had| &had.kind).to_owned(),
            author: details.map(|had| AuthorRef {
                kind: had.author_kind.to_string(),
                id: text(had.author_id.as_deref()),
            }),
            template: purpose.and_then(|purpose| purpose.template.clone().convert()),
            campaign: purpose.and_then(|purpose| purpose.campaign.clone()),
            segment: purpose.and_then(|purpose| purpose.segment.clone()),
            person_id: whose.and_then(|whose| text(whose.person_id.as_deref())),
            country: whose.and_then(|whose| text(whose.country.as_deref())),
            phone_number_id: details
                .and_then(|had| text(had.phone_number_id.as_deref()))
                .or(reported_number),
            orphan: self.is_orphan(),
            accepted: details.is_some_and(Description::is_of_cohort),
            test: self.test,
            ..Fact::default()
        }
    }
}

fn description(resolved: &Resolved, told: &Told, content: u64) -> Description {
    let purpose = Purpose {
        template: told.template.as_ref().map(|template| TemplateRef {
            name: template.name.clone(),
            language: template.language.clone(),
            category: template.category.clone(),
        }),
        campaign: told.campaign.clone(),
        segment: told.segment.clone(),
    };
    let has_purpose = purpose.template.is_some() || purpose.campaign.is_some() || purpose.segment.is_some();
    Description {
        origin: told.origin,
        at: resolved.item.event_time,
        generation: resolved.item.generation,
        content,
        kind: told.kind.as_str().into(),
        author_kind: told.author.kind.as_str().into(),
        author_id: told.author.id.as_deref().map(Box::from),
        phone_number_id: resolved.item.phone_number_id.as_deref().map(Box::from),
        sent: told.is_sent_message(),
        atom: resolved.atom,
        whose: Whose::of(resolved),
        purpose: has_purpose.then(|| Box::new(purpose)),
    }
}

fn text(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn told_hash(status: &Status, code: Option<i64>) -> u32 {
    let mut hasher = IdHasher::new("told");
    hasher
        .update(&[status.payment.is_some().into()])
        .update(status.status.as_bytes())
        .update(status.participant.as_deref().unwrap_or_default().as_bytes())
        .update(&code.unwrap_or(-1).to_le_bytes());
    let [first, second, third, fourth, ..] = hasher.bytes();
    u32::from_le_bytes([first, second, third, fourth])
}
