//! What a simulated world is like.

use crate::Country;
use hilo_domain::Millis;

/// Parameters of a world. Probabilities are from 0 to 1.
#[derive(Clone, Debug)]
pub struct Profile {
    /// First instant; one second of the world is one second of whoever plays it in real time.
    pub start: Millis,
    /// Items a second, on average; 0 makes no traffic at all.
    pub rate: u32,
    /// Names of the tenants, each a business with a WABA of its own; none makes no traffic at all. The second half
    /// of the names uses Salesforce as CRM, the first HubSpot.
    pub tenants: Vec<String>,
    /// Business numbers of each tenant, at least one.
    pub numbers: u8,
    /// People of each tenant at most; then the known ones come back. Bounds the memory.
    pub people: u32,
    /// Stretches how long people and agents take; 1 makes conversations of one to four minutes.
    pub pace: f64,
    /// Share of the rate that conversations take; campaigns fill the rest.
    pub conversations: f64,
    /// Where people live, by weight.
    pub countries: Vec<(Country, u32)>,
    /// A person has a username, and the platform leaves the phone out.
    pub usernames: f64,
    /// A person who comes back has changed the number since.
    pub number_changes: f64,
    /// A new person has a number that somebody else gave up.
    pub recycled_numbers: f64,
    /// A bot answers first.
    pub bot_first: f64,
    /// The bot needs nobody else.
    pub contained: f64,
    /// Nobody ever answers.
    pub unanswered: f64,
    /// The answer is typed on the phone and comes as an echo.
    pub echoes: f64,
    /// A template send fails.
    pub failures: f64,
    /// A template send is none of ours: no line tells of it, only statuses.
    pub foreign_sends: f64,
    /// Somebody answers a campaign message that they read.
    pub replies: f64,
    /// Somebody opts out on reading a campaign message.
    pub opt_outs: f64,
    /// A delivery waits for others and takes up to a dozen updates along.
    pub batches: f64,
    /// A delivery takes hundreds of updates along.
    pub large_batches: f64,
    /// A delivery comes once more, perhaps cut differently.
    pub repeats: f64,
    /// A delivery is late by up to a minute.
    pub late: f64,
    /// Bytes are written as Meta does: `\u` escapes and `\/`.
    pub escaped: f64,
    /// A delivery is none that one plans for: an unknown field, no value, no entry, an element without its id.
    pub oddities: f64,
}

impl Profile {
    /// The world that `hilo demo` shows: short conversations with every kind of trouble, seen within a minute.
    #[must_use]
    pub fn demo(start: Millis, rate: u32) -> Self {
        Self {
            start,
            rate,
            tenants: vec!["demo".to_owned()],
            numbers: 3,
            people: 50_000,
            pace: 0.35,
            conversations: 0.55,
            countries: vec![
                (Country::Chile, 30),
                (Country::Mexico, 22),
                (Country::Colombia, 16),
                (Country::Brazil, 14),
                (Country::Argentina, 10),
                (Country::Peru, 8),
            ],
            usernames: 0.08,
            number_changes: 0.01,
            recycled_numbers: 0.01,
            bot_first: 0.75,
            contained: 0.4,
            unanswered: 0.06,
            echoes: 0.08,
            failures: 0.07,
            foreign_sends: 0.004,
            replies: 0.1,
            opt_outs: 0.012,
            batches: 0.06,
            large_batches: 0.0004,
            repeats: 0.015,
            late: 0.03,
            escaped: 0.5,
            oddities: 0.001,
        }
    }
}
