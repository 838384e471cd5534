//! The cohort of sends: metrics.md, chapter 3.

use super::{
    super::{
        items::{Item, Kind, participant},
        json::text,
        messages::{Message, is_reaction},
        state,
    },
    HOUR, Tie, World,
    rows::{Dimensions, Member, UNKNOWN, dimensions},
};

const DAY: i64 = 24 * HOUR;

/// A message that the API accepted, or one that only its statuses tell of.
pub(super) struct Send<'a> {
    pub(super) message: &'a Message<'a>,
    /// When it was accepted; of an orphan the time of its earliest status.
    pub(super) at: i64,
    pub(super) is_orphan: bool,
    pub(super) person: Option<usize>,
    pub(super) number: Option<&'a str>,
    pub(super) is_template: bool,
    pub(super) category: Option<String>,
    template: Option<&'a str>,
    language: Option<&'a str>,
    campaign: Option<&'a str>,
    segment: Option<&'a str>,
    country: Option<String>,
}

pub(super) fn sends<'a>(world: &World<'a>) -> Vec<Send<'a>> {
    world
        .messages
        .iter()
        .filter_map(|message| send(world, message))
        .collect()
}

fn send<'a>(world: &World<'a>, message: &'a Message<'a>) -> Option<Send<'a>> {
    let line = message.held.get(&Kind::Outbound).copied();
    if line.is_some_and(is_reaction) {
        return None;
    }
    let (at, number) = match line {
        Some(line) => (line.time, line.phone_number_id.as_deref()),
        None if message.is_orphan() && !is_of_a_test(world, message) => {
            let told = message.statuses.iter();
            let numbered = told.filter_map(|status| Some((status.time, status.phone_number_id.as_deref()?)));
            let first = message.statuses.iter().map(|status| status.time).min()?;
            (first, numbered.min().map(|(_, number)| number))
        }
        None => return None,
    };
    let person = addressee(world, message);
    let of_line = |key: &str| line.and_then(|line| text(&line.element, key));
    let of_template = |key: &str| line.and_then(|line| text(&line.element["template"], key));
    Some(Send {
        message,
        at,
        is_orphan: line.is_none(),
        person,
        number,
        is_template: of_line("type") == Some("template"),
        category: message
            .priced()
            .or_else(|| named(world, line?))
            .or_else(|| of_template("category").map(str::to_lowercase)),
        template: of_template("name"),
        language: of_template("language"),
        campaign: of_line("campaign"),
        segment: of_line("segment"),
        country: person.and_then(|person| state::country(&world.people[message.tenant].person(person))),
    })
}

/// Whether a category is one of marketing. A hyphen is an underscore: whatsapp.md, 3.3.
pub(super) fn is_marketing(category: &str) -> bool {
    ["marketing", "marketing_lite", "group_marketing"].contains(&category.replace('-', "_").as_str())
}

/// Whether a test delivery holds the message. It is no orphan then: more than statuses is known of it. And it is in no
/// metric: rule 17.
fn is_of_a_test(world: &World, message: &Message) -> bool {
    let told = |item: &&Item| matches!(item.kind, Kind::Received | Kind::Echo | Kind::History);
    let mut tests = world.items.iter().filter(|item| item.is_test()).filter(told);
    tests.any(|item| item.tenant == message.tenant && text(&item.element, "id") == Some(message.id))
}

/// The category of a send's template, as the platform's own events named it last before the send. Of two events of one time
/// the smaller category holds: no document says which.
fn named(world: &World, line: &Item) -> Option<String> {
    let one = |text: &str| text.replace('-', "_");
    let key = |name: Option<&str>, language: Option<&str>| Some((one(name?), language.map(one)));
    let template = &line.element["template"];
    let sent = key(text(template, "name"), text(template, "language"))?;
    let events = world.items.iter().filter_map(|item| {
        let element = &item.element;
        let (name, language, category) = match item.kind {
            Kind::Whole => (
                text(element, "message_template_name"),
                text(element, "message_template_language"),
                text(element, "message_template_category").or_else(|| text(element, "new_category")),
            ),
            // What the platform answered is its word too.
            Kind::Platform => {
                let template = &element["template"];
                (
                    text(template, "name"),
                    text(template, "language"),
                    text(template, "category"),
                )
            }
            _ => return None,
        };
        let is_of_it = item.tenant == line.tenant && key(name, language) == Some(sent.clone());
        (is_of_it && !item.is_test() && item.time < line.time).then_some((item.time, category?.to_lowercase()))
    });
    let last = events.max_by(|one, other| (one.0, &other.1).cmp(&(other.0, &one.1)));
    last.map(|(_, category)| category)
}

/// With whom a message was exchanged: whom the item that describes it names, else any of its statuses; a member of a group
/// is nobody here.
pub(super) fn addressee(world: &World, message: &Message) -> Option<usize> {
    let sent = [Kind::Outbound, Kind::Echo, Kind::Received, Kind::History].into_iter();
    let mut told = sent.filter_map(|kind| message.held.get(&kind).copied());
    let mut statuses = message.statuses.clone();
    statuses.retain(|status| participant(&status.element).is_none());
    statuses.sort_by_key(|status| status.told.clone());
    if world.tie == Tie::Greatest {
        statuses.reverse();
    }
    statuses.sort_by_key(|status| status.time);
    told.find_map(|item| world.person(item))
        .or_else(|| statuses.into_iter().find_map(|status| world.person(status)))
}

impl Send<'_> {
    pub(super) fn is_failed(&self) -> bool {
        self.message.effective() == Some("failed")
    }

    /// When it was delivered, if it was and did not fail.
    pub(super) fn delivered(&self) -> Option<i64> {
        let delivered = self.message.earliest(&["delivered", "read", "played"]);
        delivered.filter(|_| !self.is_failed())
    }

    pub(super) fn is_read(&self) -> bool {
        !self.is_failed() && self.message.earliest(&["read", "played"]).is_some()
    }

    pub(super) fn is_marketing(&self) -> bool {
        self.category.as_deref().is_some_and(is_marketing)
    }

    /// Whether replies to it are counted: templates and campaign sends.
    pub(super) fn has_replies(&self) -> bool {
        self.is_template || self.campaign.is_some()
    }

    /// How long a status may come: the time to live and the platform's retries.
    pub(super) fn horizon(&self) -> i64 {
        let to_live = if self.category.as_deref() == Some("authentication") {
            HOUR / 6
        } else {
            30 * DAY
        };
        to_live + 7 * DAY
    }
}

impl Member for Send<'_> {
    fn tenant(&self) -> &str {
        self.message.tenant
    }

    fn anchor(&self) -> i64 {
        self.at
    }

    fn groupings(&self) -> Vec<Dimensions> {
        let of = |value: Option<&str>| value.unwrap_or(UNKNOWN).to_owned();
        let (template, language) = (of(self.template), of(self.language));
        let (campaign, segment) = (of(self.campaign), of(self.segment));
        let mut groupings = vec![
            Dimensions::new(),
            dimensions(&[("phone_number_id", &of(self.number))]),
            dimensions(&[("category", &of(self.category.as_deref()))]),
            dimensions(&[("country", &of(self.country.as_deref()))]),
        ];
        // What somebody wrote freely is in none of these, also where it names a campaign.
        if self.is_template || self.is_orphan {
            let of_template = [("template", template.as_str()), ("language", language.as_str())];
            let of_campaign = [("campaign", campaign.as_str())];
            let segment = [("segment", segment.as_str())];
            groupings.extend([
                dimensions(&of_template),
                dimensions(&[&of_template[..], &segment].concat()),
                dimensions(&of_campaign),
                dimensions(&[&of_campaign[..], &segment].concat()),
            ]);
        }
        groupings
    }
}
