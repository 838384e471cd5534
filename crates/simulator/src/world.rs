//! The world: what happens next, in event time, and what of it leaves next.

use crate::{
    Event, Profile,
    campaign::Campaign,
    conversation::Conversation,
    delivery::{Batch, Element, Line, Track},
    outbound::{Mark, Sent},
    people::{Country, GivenUp, Person, Who},
    random::{Dice, scramble},
    text::{Put as _, Quoted},
};
use hilo_domain::{Millis, time};
use rustc_hash::FxHashMap;
use std::{
    cmp::Ordering,
    collections::{BinaryHeap, VecDeque},
    sync::Arc,
};

/// An endless, seeded stream of deliveries in the order in which they are sent.
pub struct Simulator {
    pub(crate) profile: Profile,
    pub(crate) dice: Dice,
    /// Event time of what happens.
    pub(crate) now: Millis,
    pub(crate) tenants: Vec<Tenant>,
    /// Items that were made or are bound to follow; what keeps to the rate looks at it.
    pub(crate) committed: u64,
    pub(crate) sequence: u64,
    pub(crate) tracks: FxHashMap<u64, Track>,
    pub(crate) ready: VecDeque<Event>,
    salt: u64,
    plans: BinaryHeap<Due<Action>>,
    outgoing: BinaryHeap<Due<Waiting>>,
}

/// A business.
pub(crate) struct Tenant {
    pub(crate) name: Arc<str>,
    /// The name as JSON.
    pub(crate) quoted: String,
    pub(crate) waba: String,
    pub(crate) numbers: Vec<Number>,
    pub(crate) crm: &'static str,
    pub(crate) people: Vec<Person>,
    pub(crate) given_up: VecDeque<GivenUp>,
    pub(crate) campaign: Campaign,
    pub(crate) batch: Option<Batch>,
    /// Numbers given out, by country.
    pub(crate) given_out: [u64; Country::COUNT],
    pub(crate) paused_template: Option<usize>,
}

/// A business number.
pub(crate) struct Number {
    pub(crate) id: String,
    pub(crate) display: String,
}

/// What happens.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    /// Somebody writes.
    StartConversation,
    /// A conversation goes on.
    Converse(Conversation),
    /// Campaigns fill what is left of the rate.
    FillWithCampaign,
    /// A send gets a status.
    Report(Sent, Mark),
    /// Something about a number, a template or an account; or something odd.
    Administer,
}

/// What waits to leave.
pub(crate) enum Waiting {
    Element(Box<Element>),
    Line(Box<Line>),
    Event(Box<Event>),
    BatchIsDue { tenant: u8, id: u64 },
}

/// Something with a time; the sequence keeps equal times in the order in which they were made.
struct Due<T> {
    at: Millis,
    sequence: u64,
    what: T,
}

impl<T> PartialEq for Due<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Due<T> {}

impl<T> PartialOrd for Due<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Due<T> {
    /// The heap's greatest is the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl Simulator {
    /// The world of `seed`: the same seed and profile give the same bytes.
    #[must_use]
    pub fn new(seed: u64, profile: Profile) -> Self {
        // People name their tenant in one byte.
        let count = profile.tenants.len().min(256);
        let tenants = (0..count).map(|index| Tenant::new(index, count, &profile)).collect();
        let mut simulator = Self {
            dice: Dice::new(seed),
            now: profile.start,
            tenants,
            committed: 0,
            sequence: 0,
            tracks: FxHashMap::default(),
            ready: VecDeque::new(),
            salt: scramble(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)),
            plans: BinaryHeap::new(),
            outgoing: BinaryHeap::new(),
            profile,
        };
        if simulator.profile.rate > 0 && count > 0 {
            let start = simulator.profile.start;
            simulator.plan(start, Action::StartConversation);
            simulator.plan(start, Action::FillWithCampaign);
            simulator.plan(start + time::SECOND, Action::Administer);
        }
        simulator
    }

    pub(crate) fn plan(&mut self, at: Millis, what: Action) {
        self.sequence += 1;
        self.plans.push(Due {
            at,
            sequence: self.sequence,
            what,
        });
    }

    pub(crate) fn queue(&mut self, at: Millis, what: Waiting) {
        self.sequence += 1;
        self.outgoing.push(Due {
            at,
            sequence: self.sequence,
            what,
        });
    }

    /// An id that nothing else in this world has.
    pub(crate) fn unique(&mut self) -> u64 {
        self.sequence += 1;
        self.salt.wrapping_add(self.sequence)
    }

    /// An update of the platform, on its way from now on.
    pub(crate) fn emit(&mut self, element: Element) {
        self.committed += 1;
        self.emit_committed(element);
    }

    /// The same for what was counted when it was bound to follow.
    pub(crate) fn emit_committed(&mut self, element: Element) {
        let send_at = self.now + self.latency();
        self.queue(send_at, Waiting::Element(Box::new(element)));
    }

    /// A line of our own systems; they are near, mostly.
    pub(crate) fn write(&mut self, line: Line) {
        self.committed += 1;
        let delay = if self.dice.chance(0.02) {
            self.dice.between(1_000, 6_000)
        } else {
            self.dice.skewed(10, 250)
        };
        self.queue(self.now + delay, Waiting::Line(Box::new(line)));
    }

    /// How long the platform takes.
    pub(crate) fn latency(&mut self) -> Millis {
        if self.dice.chance(self.profile.late) {
            self.dice.between(4_000, 60_000)
        } else {
            self.dice.skewed(120, 1_800)
        }
    }

    /// Items that the rate allows by now and that are not there.
    pub(crate) fn missing(&self) -> u64 {
        self.allowed().saturating_sub(self.committed)
    }

    /// Those who write already are enough, also without campaigns.
    pub(crate) fn exceeds_the_rate(&self) -> bool {
        self.committed > self.allowed() + u64::from(self.profile.rate) + 100
    }

    fn allowed(&self) -> u64 {
        (self.now - self.profile.start).unsigned_abs() * u64::from(self.profile.rate) / 1_000
    }

    pub(crate) fn person(&self, who: Who) -> &Person {
        &self.tenants[usize::from(who.tenant)].people[who.index as usize]
    }

    pub(crate) fn person_mut(&mut self, who: Who) -> &mut Person {
        &mut self.tenants[usize::from(who.tenant)].people[who.index as usize]
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::StartConversation => self.start_conversation(),
            Action::Converse(conversation) => self.converse(conversation),
            Action::FillWithCampaign => self.fill_with_campaign(),
            Action::Report(sent, mark) => self.report(&sent, mark),
            Action::Administer => self.administer(),
        }
    }

    fn release(&mut self, at: Millis, what: Waiting) {
        match what {
            Waiting::Element(element) => self.dispatch(at, *element),
            Waiting::Line(line) => self.post(at, *line),
            Waiting::Event(event) => self.ready.push_back(*event),
            Waiting::BatchIsDue { tenant, id } => {
                let tenant = usize::from(tenant);
                if self.tenants[tenant].batch.as_ref().is_some_and(|batch| batch.id == id) {
                    self.close_batch(at, tenant);
                }
            }
        }
    }
}

impl Iterator for Simulator {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            // Whatever is still to happen leaves after it happened.
            let next_action = self.plans.peek()?.at;
            if self.outgoing.peek().is_some_and(|waiting| waiting.at <= next_action) {
                let due = self.outgoing.pop()?;
                self.release(due.at, due.what);
            } else {
                let due = self.plans.pop()?;
                self.now = due.at;
                self.act(due.what);
            }
        }
    }
}

impl Tenant {
    fn new(index: usize, count: usize, profile: &Profile) -> Self {
        let name = &profile.tenants[index];
        let mut quoted = String::new();
        Quoted(name).put(&mut quoted);
        let base = index as u64 * 1_000;
        Self {
            name: Arc::from(name.as_str()),
            quoted,
            waba: format!("31000000{:07}", base + 1),
            numbers: (0..u64::from(profile.numbers.max(1)))
                .map(|number| Number {
                    id: format!("21000000{:07}", base + number + 1),
                    display: (56_229_870_000 + base + number).to_string(),
                })
                .collect(),
            crm: if index * 2 < count { "hubspot" } else { "salesforce" },
            people: Vec::new(),
            given_up: VecDeque::new(),
            campaign: Campaign::default(),
            batch: None,
            given_out: [0; Country::COUNT],
            paused_template: None,
        }
    }
}
