//! What a session is as a member of the cohorts: metrics.md, chapter 2; interface.md, section 7, "Sessions and metrics".

use super::{
    World,
    cohorts::{Group, Member},
    rows::UNKNOWN,
};
use crate::{
    json::text,
    sessions::{Event, Session, What},
    state,
};

/// A session with what its rows are about.
pub(crate) struct Track<'a> {
    pub(crate) session: &'a Session<'a>,
    pub(crate) country: String,
    pub(crate) queue: String,
    pub(crate) is_test: bool,
}

/// The members that a session gives a metric.
pub(crate) type MembersOf = fn(&Track) -> Vec<Member>;

/// All sessions.
pub(crate) fn tracks<'a>(world: &'a World) -> Vec<Track<'a>> {
    let track = |session: &'a Session<'a>| {
        let person = world.people[session.tenant.as_str()].person(session.person);
        Track {
            country: state::country(&person).unwrap_or_else(unknown),
            queue: queue(session),
            // Rule 17.
            is_test: session.open.is_test(),
            session,
        }
    };
    world.sessions.iter().map(track).collect()
}

/// Those that a test delivery did not open.
pub(crate) fn counted<'a>(tracks: &'a [Track<'a>]) -> impl Iterator<Item = &'a Track<'a>> {
    tracks.iter().filter(|track| !track.is_test)
}

pub(crate) fn unknown() -> String {
    UNKNOWN.to_owned()
}

/// The last one named by an inbox event.
fn queue(session: &Session) -> String {
    let events = session.open.events.iter().chain(&session.open.after);
    let mut inbox = events.filter(|event| event.what == What::Inbox).rev();
    let named = inbox.find_map(|event| text(&event.item.element, "queue"));
    named.map_or_else(unknown, str::to_owned)
}

/// Who sent a message; an echo does not name the agent, and a bot is none.
pub(crate) fn sender(event: &Event) -> String {
    let author = &event.item.element["author"];
    let named = text(author, "id").filter(|_| event.what == What::Human);
    named.map_or_else(unknown, str::to_owned)
}

/// To whom an `assigned` gives the session; one without an agent gives it to a queue.
pub(crate) fn assignee<'a>(event: &'a Event) -> Option<&'a str> {
    text(&event.item.element, "agent").filter(|_| event.is("assigned"))
}

impl Track<'_> {
    /// The events from the first customer message on.
    pub(crate) fn measured(&self) -> &[Event<'_>] {
        self.session.open.measured()
    }

    /// The events that count for chapter 4: a session that the business opened enters it once the customer has written.
    pub(crate) fn entered(&self) -> &[Event<'_>] {
        if self.is_business_initiated() && self.measured().is_empty() {
            &[]
        } else {
            self.events()
        }
    }

    fn is_business_initiated(&self) -> bool {
        matches!(self.events()[0].what, What::Human | What::Bot)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.session.closed_at.is_none()
    }

    /// All events, those before the first customer message too.
    pub(crate) fn events(&self) -> &[Event<'_>] {
        &self.session.open.events
    }

    /// Who spoke first.
    pub(crate) fn opened_by(&self) -> String {
        let business = self.is_business_initiated();
        if business { "business" } else { "customer" }.to_owned()
    }

    /// The last human sender, else the last assigned.
    pub(crate) fn last_agent(&self) -> String {
        let human = self.events().iter().rfind(|event| event.what == What::Human);
        let assigned = || self.events().iter().rev().find_map(assignee).map(str::to_owned);
        human.map(sender).or_else(assigned).unwrap_or_else(unknown)
    }

    /// That of its `resolved`, else of its last `tagged`.
    pub(crate) fn reason(&self) -> Option<&str> {
        let of = |kind: &str| {
            let mut events = self.events().iter().filter(|event| event.is(kind)).rev();
            events.find_map(|event| text(&event.item.element, "reason"))
        };
        of("resolved").or_else(|| of("tagged"))
    }

    pub(crate) fn member(&self, anchor: i64, group: Group, share: Option<i64>, open: bool) -> Member {
        Member {
            tenant: self.session.tenant.clone(),
            anchor,
            group,
            share,
            open,
        }
    }

    /// A member of the whole, of its number's group and of these.
    pub(crate) fn in_groups(
        &self,
        anchor: i64,
        share: Option<i64>,
        open: bool,
        groups: Vec<(&'static str, String)>,
    ) -> Vec<Member> {
        let number = self.session.phone_number_id.as_deref().unwrap_or(UNKNOWN);
        let number = ("phone_number_id", number.to_owned());
        let groups = [None, Some(number)].into_iter().chain(groups.into_iter().map(Some));
        groups.map(|group| self.member(anchor, group, share, open)).collect()
    }

    /// A member of all groups of chapter 4 but those of agents.
    pub(crate) fn timed(&self, anchor: i64, share: Option<i64>, open: bool) -> Vec<Member> {
        let groups = vec![
            ("queue", self.queue.clone()),
            ("country", self.country.clone()),
            ("opened_by", self.opened_by()),
        ];
        self.in_groups(anchor, share, open, groups)
    }
}
