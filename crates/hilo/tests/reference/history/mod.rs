//! Small nasty histories from a seed: few people, few ids, few times, so that everything collides with everything.

mod damage;
mod deliveries;
mod lines;
mod messages;
mod random;

pub(crate) use random::Random;

use serde_json::{Value, json};
use std::collections::BTreeSet;

/// 2026-05-04T09:00:00Z.
const START: i64 = 1_777_885_200_000;

/// What a history may hold; the narrow ones go deep, the wide ones mix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taste {
    /// Identifiers are put together at random, not person by person.
    pub(crate) wild: bool,
    /// Several events may have one time.
    pub(crate) ties: bool,
    /// People change their numbers and user ids.
    pub(crate) changes: bool,
    /// Broken and unusual input.
    pub(crate) odd: bool,
    /// One id for messages of all kinds.
    pub(crate) collide: bool,
    /// Many people on few numbers.
    pub(crate) crowd: bool,
    /// Mostly templates and what people answer.
    pub(crate) sends: bool,
    /// One person and mostly one number: sessions with much in them.
    pub(crate) long: bool,
    /// Bodies with something wrong in them; where ids collide, some of these come whole too.
    pub(crate) damaged: bool,
}

struct Person {
    wa_ids: Vec<&'static str>,
    bsuid: Option<&'static str>,
    /// In the second account, where that is another.
    second: Option<&'static str>,
    parent: Option<&'static str>,
}

const WA_IDS: &[&[&str]] = &[
    &["56961234567"],
    &["56977770001"],
    &["22997001122", "2290197001122"],
    &["525512345678", "5215512345678"],
    &["22507112233", "2250707112233"],
    &["551187654321", "5511987654321"],
    &["551140001234"],
    &["541123456789"],
    &["5491123456789"],
    &["573211234567"],
];
const BSUIDS: &[&str] = &[
    "CL.1001", "CL.1002", "MX.2001", "BR.3001", "CL.1003", "CL.1004", "MX.2002", "BR.3002",
];
const PARENTS: &[&str] = &["CL.ENT.1", "CL.ENT.2", "MX.ENT.1", "BR.ENT.1"];
const LIMITS: &[&str] = &["TIER_250", "TIER_2K", "TIER_UNLIMITED", "NOT_SET", "10000"];
const RATINGS: &[&str] = &["GREEN", "YELLOW", "RED", "UNKNOWN", "NA"];
const STEPS: &[i64] = &[1, 1, 60, 60, 300, 600, 3600, 43_200, 86_400, 86_400];
const LONG_STEPS: &[i64] = &[20, 60, 60, 300, 900, 3600, 10_800];
/// Of gamma more is configured than of the other.
const TENANTS: &[&[&str]] = &[&["acme"], &["gamma"], &["acme", "gamma"]];
/// Keys of ids that consist of digits.
const NUMBERED: &[&str] = &[
    "id",
    "from",
    "to",
    "wa_id",
    "new_wa_id",
    "recipient_id",
    "recipient_participant_id",
    "participant_recipient_id",
    "phone_number_id",
    "display_phone_number",
    "input",
    "phone",
    "phone_number",
];
const ACCOUNTS: [&str; 2] = ["31001", "31002"];
/// Business numbers, as they are shown too.
const NUMBERS: [(&str, &str); 2] = [("21001", "56229876543"), ("21002", "525540001234")];
const AGENTS: &[&str] = &["ana", "bruno"];

pub(crate) struct Maker {
    random: Random,
    taste: Taste,
    people: Vec<Person>,
    /// Of [`WA_IDS`], the first so many.
    numbers: usize,
    /// Whose delivery or line is made.
    account: &'static str,
    /// Each account has a number of its own.
    orderly: bool,
    wamids: usize,
    tenants: &'static [&'static str],
    step: i64,
    used: Vec<i64>,
    /// Times of what happens alone of its kind.
    alone: BTreeSet<(&'static str, i64)>,
    lines: Vec<Vec<u8>>,
}

/// The lines of a history.
pub(crate) fn history(seed: u64, taste: Taste) -> Vec<Vec<u8>> {
    let mut random = Random::new(seed);
    let (count, bsuids, numbers) = if taste.crowd {
        (3 + random.below(6), BSUIDS.len(), 1 + random.below(4))
    } else {
        let most = if taste.sends { 2 } else { 4 };
        (1 + random.below(most), PARENTS.len(), WA_IDS.len())
    };
    let count = if taste.long { 1 } else { count };
    let people = (0..count)
        .map(|_| {
            let place = random.below(bsuids);
            let bsuid = (!random.one_in(3)).then_some(BSUIDS[place]);
            Person {
                wa_ids: if random.one_in(5) {
                    Vec::new()
                } else {
                    random.of(&WA_IDS[..numbers]).to_vec()
                },
                second: Some(BSUIDS[BSUIDS.len() - 1 - place]).filter(|_| bsuid.is_some() && random.one_in(2)),
                parent: bsuid
                    .filter(|_| random.one_in(4))
                    .map(|_| PARENTS[place % PARENTS.len()]),
                bsuid,
            }
        })
        .collect();
    let most = *random.of(if taste.crowd { &[8, 40, 120] } else { &[4, 8, 16, 40] });
    let size = if taste.sends {
        4 + random.below(30)
    } else if taste.long {
        8 + random.below(40)
    } else {
        1 + random.below(most)
    };
    let mut maker = Maker {
        wamids: 1 + random.below(12),
        tenants: TENANTS[random.below(if taste.long { 2 } else { 3 })],
        step: *random.of(match () {
            () if taste.long => LONG_STEPS,
            () if taste.sends => &[60, 600, 3600, 3600, 14_400, 43_200],
            () => STEPS,
        }),
        orderly: random.one_in(2),
        random,
        taste,
        people,
        numbers,
        account: ACCOUNTS[0],
        used: Vec::new(),
        alone: BTreeSet::new(),
        lines: Vec::new(),
    };
    while maker.lines.len() < size {
        maker.line();
    }
    if taste.damaged {
        damage::damaged(&maker.lines, taste.collide, &mut maker.random)
    } else {
        maker.lines
    }
}

impl Maker {
    fn time(&mut self) -> i64 {
        loop {
            let small = if self.random.one_in(4) {
                self.random.below(3) as i64
            } else {
                0
            };
            let time = START + (self.random.below(60) as i64 * self.step + small) * 1000;
            if self.taste.ties || !self.used.contains(&time) {
                self.used.push(time);
                return time;
            }
            self.step += 1;
        }
    }

    /// A time at which nothing else of a kind happens: the documents do not say which of two of one time is the first.
    fn time_alone(&mut self, kind: &'static str) -> i64 {
        loop {
            let time = self.time();
            if self.alone.insert((kind, time)) {
                return time;
            }
            self.step += 1;
        }
    }

    fn stamp(&mut self, millis: i64) -> Value {
        if self.random.one_in(3) {
            json!(millis / 1000)
        } else {
            json!((millis / 1000).to_string())
        }
    }

    fn wamid(&mut self, side: &str) -> String {
        let side = if self.taste.collide { "" } else { side };
        format!("wamid.{side}{}", self.random.below(self.wamids))
    }

    fn tenant(&mut self) -> &'static str {
        self.tenants[self.random.below(self.tenants.len())]
    }

    /// Most are of the first.
    fn choose_account(&mut self) {
        self.account = ACCOUNTS[usize::from(self.random.one_in(4))];
    }

    fn number(&mut self) -> (&'static str, &'static str) {
        if self.orderly && !self.taste.long {
            return NUMBERS[usize::from(self.account == ACCOUNTS[1])];
        }
        if self.taste.long && !self.random.one_in(8) {
            return NUMBERS[0];
        }
        *self.random.of(&[NUMBERS[0], NUMBERS[0], NUMBERS[1]])
    }

    /// `wa_id`, BSUID and parent of somebody, any of them left out.
    fn somebody(&mut self) -> [Option<&'static str>; 3] {
        let person = self.random.below(self.people.len());
        self.shown(person)
    }

    /// The partner of a message: always the same, unless in wild histories.
    fn partner(&mut self, id: &str) -> [Option<&'static str>; 3] {
        let person = id.bytes().map(usize::from).sum::<usize>() % self.people.len();
        if self.taste.wild {
            self.somebody()
        } else {
            self.shown(person)
        }
    }

    fn shown(&mut self, person: usize) -> [Option<&'static str>; 3] {
        let (wild, other) = (self.taste.wild, self.random.below(self.people.len()));
        let other = if wild { other } else { person };
        let wa_ids = self.people[person].wa_ids.clone();
        let mut wa_id = (!wa_ids.is_empty()).then(|| *self.random.of(&wa_ids));
        let second = self.people[other].second.filter(|_| self.account == ACCOUNTS[1]);
        let mut bsuid = second.or(self.people[other].bsuid);
        match self.random.below(4) {
            0 => wa_id = if bsuid.is_some() { None } else { wa_id },
            1 => bsuid = if wa_id.is_some() { None } else { bsuid },
            _ => {}
        }
        let parent = self.people[other]
            .parent
            .filter(|_| bsuid.is_some() && self.random.one_in(2));
        if wa_id.is_none() && bsuid.is_none() {
            wa_id = Some("573001112233");
        }
        [wa_id, bsuid, parent]
    }

    fn put(object: &mut Value, keys: [&str; 3], ids: [Option<&str>; 3]) {
        for (key, id) in keys.into_iter().zip(ids) {
            if let Some(id) = id {
                object[key] = json!(id);
            }
        }
    }

    /// The form of `to` and `user`.
    fn addressed(ids: [Option<&str>; 3]) -> Value {
        let mut user = json!({});
        if let Some(wa_id) = ids[0] {
            user["phone"] = json!(format!("+{wa_id}"));
        }
        if let Some(bsuid) = ids[1] {
            user["user_id"] = json!(bsuid);
        }
        user
    }

    fn push(&mut self, line: &Value) {
        let mut line = line.clone();
        if self.random.one_in(6) {
            self.with_numbers(&mut line);
        }
        self.lines.push(line.to_string().into_bytes());
    }

    /// Some programs write ids as numbers.
    fn with_numbers(&mut self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.with_numbers(item)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    // A zero in front is no number's.
                    let digits = value
                        .as_str()
                        .filter(|text| NUMBERED.contains(&key.as_str()) && !text.starts_with('0'));
                    match digits.and_then(|digits| digits.parse::<u64>().ok()) {
                        Some(digits) if !self.random.one_in(3) => *value = digits.into(),
                        _ => self.with_numbers(value),
                    }
                }
            }
            _ => {}
        }
    }
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    object[key] = value;
    object
}
