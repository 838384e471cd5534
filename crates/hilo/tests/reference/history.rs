//! Small nasty histories from a seed: few people, few ids, few times, so that everything collides with everything.

use super::json::write_time;
use serde_json::{Value, json};

/// 2026-05-04T09:00:00Z.
const START: i64 = 1_777_885_200_000;

/// A seeded generator of numbers (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }
}

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
}

struct Person {
    wa_ids: Vec<&'static str>,
    bsuid: Option<&'static str>,
    parent: Option<&'static str>,
}

const WA_IDS: &[&[&str]] = &[
    &["56961234567"],
    &["56977770001"],
    &["525512345678", "5215512345678"],
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
const TEXTS: &[&str] = &[
    "Hola",
    "gracias",
    "¡Ok! 🙏",
    "",
    " LISTO. ",
    "gracias pero no",
    "👍",
    "Thank you!",
    "BAJA",
    "Salir",
    " stop. ",
    "quiero parar",
];
const TYPES: &[&str] = &[
    "text",
    "text",
    "text",
    "text",
    "contacts",
    "contacts",
    "image",
    "reaction",
    "edit",
    "revoke",
    "request_welcome",
    "unsupported",
    "button",
];
const ANSWERS: &[&str] = &["text", "text", "text", "button", "button", "image", "reaction"];
const STATUSES: &[&str] = &["sent", "delivered", "delivered", "read", "played", "failed", "failed"];
/// Of payments; the last ones would mean something of a message.
const PAYMENTS: &[&str] = &["pending", "captured", "failed", "delivered", "read"];
const CODES: &[i64] = &[131_026, 131_049, 131_047, 131_050, 131_050, 133_004, 133_010, 190, 7];
const LIMITS: &[&str] = &["TIER_250", "TIER_2K", "TIER_UNLIMITED", "NOT_SET", "10000"];
const RATINGS: &[&str] = &["GREEN", "YELLOW", "RED", "UNKNOWN", "NA"];
const EVENTS: &[&str] = &[
    "assigned",
    "unassigned",
    "handed_off",
    "handed_off",
    "resolved",
    "resolved",
    "reopened",
    "rated",
    "rated",
    "snoozed",
    "tagged",
];
const STEPS: &[i64] = &[1, 1, 60, 60, 300, 600, 3600, 43_200, 86_400, 86_400];
const LONG_STEPS: &[i64] = &[20, 60, 60, 300, 900, 3600, 10_800];
const AGENTS: &[&str] = &["ana", "bruno"];
const QUEUES: &[&str] = &["ventas", "soporte"];
const REASONS: &[&str] = &["saldo", "agenda"];

pub(crate) struct Maker {
    random: Random,
    taste: Taste,
    people: Vec<Person>,
    /// Of [`WA_IDS`], the first so many.
    numbers: usize,
    wamids: usize,
    tenants: usize,
    step: i64,
    used: Vec<i64>,
    /// Times of what is seen of numbers and templates: which of two of one time is the last, nothing says.
    seen: Vec<i64>,
    /// Of inbox events.
    used_by_inbox: Vec<i64>,
    lines: Vec<Vec<u8>>,
}

/// The lines of a history.
pub(crate) fn history(seed: u64, taste: Taste) -> Vec<Vec<u8>> {
    let mut random = Random::new(seed);
    let (count, bsuids, numbers) = if taste.crowd {
        (3 + random.below(6), BSUIDS.len(), 1 + random.below(3))
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
        tenants: if taste.long { 1 } else { 1 + random.below(2) },
        step: *random.of(match () {
            () if taste.long => LONG_STEPS,
            () if taste.sends => &[60, 600, 3600, 3600, 14_400, 43_200],
            () => STEPS,
        }),
        random,
        taste,
        people,
        numbers,
        used: Vec::new(),
        seen: Vec::new(),
        used_by_inbox: Vec::new(),
        lines: Vec::new(),
    };
    while maker.lines.len() < size {
        maker.line();
    }
    maker.lines
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

    /// A time at which nothing else is seen of a number or a template.
    fn moment(&mut self) -> i64 {
        loop {
            let time = self.time();
            if !self.seen.contains(&time) {
                self.seen.push(time);
                return time;
            }
            self.step += 1;
        }
    }

    /// Inbox events of one time have no order in the documents, which name no id of theirs.
    fn inbox_time(&mut self) -> i64 {
        loop {
            let time = self.time();
            if !self.used_by_inbox.contains(&time) {
                self.used_by_inbox.push(time);
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
        ["acme", "beta"][self.random.below(self.tenants)]
    }

    fn number(&mut self) -> (&'static str, &'static str) {
        if self.taste.long && !self.random.one_in(8) {
            return ("21001", "56229876543");
        }
        *self.random.of(&[
            ("21001", "56229876543"),
            ("21001", "56229876543"),
            ("21002", "525540001234"),
        ])
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
        let mut bsuid = self.people[other].bsuid;
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
        self.lines.push(line.to_string().into_bytes());
    }

    fn line(&mut self) {
        if !self.lines.is_empty() && self.random.one_in(12) {
            let again = self.lines[self.random.below(self.lines.len())].clone();
            self.lines.push(again);
            return;
        }
        if self.taste.sends && !self.random.one_in(6) {
            return match self.random.below(8) {
                0..3 => self.outbound(),
                _ => self.delivery(),
            };
        }
        if self.taste.long {
            return self.long_line();
        }
        match self.random.below(if self.taste.odd { 25 } else { 23 }) {
            0..12 => self.delivery(),
            12..16 => self.outbound(),
            16..20 => self.inbox(),
            20 => {
                // Some times are only reached by waiting.
                let days = *self.random.of(&[0, 0, 0, 0, 1, 8, 37, 44]);
                let line = json!({"source": "clock", "at": write_time(self.time() + days * 86_400_000)});
                self.push(&line);
            }
            21 => {
                let (tenant, user, at) = (self.tenant(), self.somebody(), self.time());
                let event = *self.random.of(&["deal_won", "deal_lost", "opt_in", "opt_out"]);
                let line = json!({"source": "crm", "tenant": tenant, "at": write_time(at), "system": "hubspot", "event": event,
                    "deal_id": "d1"});
                let line = if self.taste.changes {
                    line
                } else {
                    with(line, "user", Self::addressed(user))
                };
                self.push(&line);
            }
            22 => self.snapshot(),
            _ => {
                let broken = *self.random.of(&[
                    "{\"source\":\"whatsapp\",",
                    "5",
                    "[]",
                    "{\"source\":\"fax\"}",
                    "{\"object\":\"page\",\"entry\":[]}",
                    "{\"source\":\"whatsapp\",\"tenant\":\"acme\",\"body\":\"{broken\"}",
                    "{\"source\":\"whatsapp\",\"tenant\":\"acme\",\"body\":[]}",
                    "{\"source\":\"whatsapp\",\"tenant\":\"acme\",\"body\":{\"object\":\"page\",\"entry\":[]}}",
                    "{\"source\":\"whatsapp\",\"tenant\":\"acme\",\"body\":{\"object\":\"whatsapp_business_account\"}}",
                    "{\"source\":\"whatsapp\",\"tenant\":\"acme\",\"body\":{\"object\":\"whatsapp_business_account\",\"entry\":[]}}",
                    "{\"source\":\"whatsapp\",\"tenant\":\"acme\",\"body\":{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\"}]}}",
                    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[]}]}",
                    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"1\",\"changes\":[7,{\"field\":\"messages\"}]}]}",
                    "# a comment",
                    "  ",
                ]);
                self.lines.push(broken.as_bytes().to_vec());
            }
        }
    }

    /// What the platform answered when it was asked about a number or a template.
    fn snapshot(&mut self) {
        let (tenant, at) = (self.tenant(), self.moment());
        let mut line = json!({"source": "platform", "tenant": tenant, "at": write_time(at)});
        if self.random.one_in(2) {
            line["waba_id"] = json!(self.random.of(&["31001", "31002"]));
        }
        if self.random.one_in(3) {
            line["portfolio_id"] = json!(self.random.of(&["41001", "41002"]));
        }
        if self.random.one_in(4) {
            // Without its `quality_score`: that a polled rating of a template counts is ours, not the definitions'.
            line["template"] = json!({"id": "7001", "status": "APPROVED"});
        } else {
            line["number"] = json!({"id": self.number().0});
            if !self.random.one_in(4) {
                line["number"]["quality_rating"] = json!(self.random.of(RATINGS));
            }
            if self.random.one_in(2) {
                line["number"]["whatsapp_business_manager_messaging_limit"] = json!(self.random.of(LIMITS));
            }
        }
        self.push(&line);
    }

    fn long_line(&mut self) {
        match self.random.below(14) {
            0..4 => self.delivery(),
            4..8 => self.outbound(),
            8..13 => self.inbox(),
            _ => {
                let line = json!({"source": "clock", "at": write_time(self.time())});
                self.push(&line);
            }
        }
    }

    fn outbound(&mut self) {
        let (tenant, at, id) = (self.tenant(), self.time(), self.wamid("s"));
        let to = self.partner(&id);
        let (number, _) = self.number();
        let kinds = if self.taste.sends {
            ["template", "template", "template", "text"]
        } else {
            ["text", "text", "template", "interactive"]
        };
        let kind = *self.random.of(&kinds);
        let mut line = json!({"source": "outbound", "tenant": tenant, "at": write_time(at), "phone_number_id": number,
            "message_id": id, "to": Self::addressed(to), "type": kind});
        if kind == "template" {
            line["template"] = json!({"name": self.random.of(&["a", "b"]), "language": "es", "category": "marketing"});
            if self.random.one_in(3) {
                let category = *self
                    .random
                    .of(&["utility", "authentication", "marketing_lite", "group_marketing"]);
                line["template"]["category"] = json!(category);
            }
        }
        if (kind == "template" || self.random.one_in(8)) && self.random.one_in(2) {
            line["campaign"] = json!("c1");
            line["segment"] = json!(self.random.of(&["vip", "new"]));
        }
        let author = *self
            .random
            .of(&["agent", "agent", "bot", "bot", "automation", "campaign", ""]);
        if !author.is_empty() {
            line["author"] = json!({"kind": author, "id": self.random.of(AGENTS)});
            if self.random.one_in(8) {
                line["author"].as_object_mut().unwrap().remove("id");
            }
        }
        if self.random.one_in(4) {
            line["expects_reply"] = json!(true);
        }
        self.push(&line);
    }

    fn inbox(&mut self) {
        let (tenant, user, at) = (self.tenant(), self.somebody(), self.inbox_time());
        let (number, _) = self.number();
        let event = *self.random.of(EVENTS);
        let mut line = json!({"source": "inbox", "tenant": tenant, "at": write_time(at), "phone_number_id": number,
            "user": Self::addressed(user), "event": event});
        match event {
            "rated" => {
                if !self.random.one_in(8) {
                    line["score"] = json!(1 + self.random.below(7));
                }
                if self.random.one_in(8) {
                    line["score"] = json!(4.5);
                }
                line["scale"] = json!(self.random.of(&[2, 3, 5, 5, 7, 10]));
                if self.random.one_in(4) {
                    line["context"] = json!({"instrument": self.random.of(&["ces", "ces", "csat", "nps"])});
                }
            }
            "handed_off" => {
                line["reason"] = json!(self.random.of(&["requested", "failure", "low_confidence", "other"]));
            }
            "assigned" => {
                if !self.random.one_in(6) {
                    line["agent"] = json!(self.random.of(AGENTS));
                }
            }
            "resolved" => self.resolved(&mut line),
            "tagged" => {
                if !self.random.one_in(4) {
                    line["reason"] = json!(self.random.of(REASONS));
                }
            }
            _ => {
                if self.random.one_in(3) {
                    line["outcome"] = json!(self.random.of(&["goal_reached", "solved"]));
                }
            }
        }
        if self.random.one_in(4) {
            line["queue"] = json!(self.random.of(QUEUES));
        }
        self.push(&line);
    }

    fn resolved(&mut self, line: &mut Value) {
        if self.random.one_in(3) {
            line["outcome"] = json!(self.random.of(&["goal_reached", "solved"]));
        }
        if self.random.one_in(2) {
            line["reason"] = json!(self.random.of(REASONS));
        }
        if self.random.one_in(2) {
            line["agent"] = json!(self.random.of(AGENTS));
        }
        if self.random.one_in(3) {
            line["context"] = json!({"wrap_up_seconds": self.random.of(&[30.0, 3600.0, 0.5])});
        }
    }

    fn delivery(&mut self) {
        let tenant = self.tenant();
        let mut changes = vec![self.change()];
        while self.random.one_in(4) {
            changes.push(self.change());
        }
        let id = if self.random.one_in(20) { "0" } else { "31001" };
        let id = if self.random.one_in(8) { "31002" } else { id };
        let mut entry = json!({"id": id, "changes": changes});
        if self.random.one_in(6) {
            let time = self.time();
            entry["time"] = self.stamp(time);
        }
        // The platform's test has a message of its own: one that others know too is out of all numbers.
        if id == "0" {
            entry = serde_json::from_str(&entry.to_string().replace("wamid.", "wamid.t")).unwrap();
        }
        let body = json!({"object": "whatsapp_business_account", "entry": [entry]});
        let line = if self.random.one_in(20) {
            body
        } else {
            let body = if self.random.one_in(10) {
                json!(body.to_string())
            } else {
                body
            };
            let mut line = json!({"source": "whatsapp", "tenant": tenant, "body": body});
            if !self.random.one_in(10) {
                line["received_at"] = json!(write_time(self.time()));
            }
            line
        };
        self.push(&line);
    }

    fn change(&mut self) -> Value {
        let (id, display) = self.number();
        let mut value = json!({"messaging_product": "whatsapp", "metadata": {"display_phone_number": display, "phone_number_id": id}});
        let kinds = if self.taste.odd { 25 } else { 22 };
        let kind = match () {
            () if self.taste.sends && !self.random.one_in(6) => *self.random.of(&[0, 0, 0, 7, 7, 7, 16]),
            () if self.taste.long => *self.random.of(&[0, 0, 0, 11]),
            () => self.random.below(kinds),
        };
        if self.taste.crowd && self.taste.changes && self.random.one_in(3) {
            return self.person_change(value);
        }
        let field = match kind {
            0..7 => {
                self.received(display, &mut value);
                if self.random.one_in(6) {
                    self.statuses(&mut value);
                }
                "messages"
            }
            7..11 => {
                self.statuses(&mut value);
                "messages"
            }
            11..13 => {
                self.echo(display, &mut value);
                "smb_message_echoes"
            }
            13 => {
                self.history(display, &mut value);
                "history"
            }
            14 | 15 if self.taste.changes => return self.person_change(value),
            14..=16 => {
                let (ids, time) = (self.somebody(), self.time());
                let mut preference = json!({"category": "marketing_messages", "value": self.random.of(&["stop", "stop", "resume", "signup"])});
                Self::put(&mut preference, ["wa_id", "user_id", "parent_user_id"], ids);
                preference["timestamp"] = self.stamp(time);
                value["user_preferences"] = json!([preference]);
                "user_preferences"
            }
            17 => {
                let (ids, time) = (self.somebody(), self.time());
                let mut contact = json!({"full_name": "N"});
                Self::put(&mut contact, ["phone_number", "user_id", "parent_user_id"], ids);
                value["state_sync"] = json!([{"type": "contact", "contact": contact, "action": "add", "metadata": {"timestamp": self.stamp(time)}}]);
                "smb_app_state_sync"
            }
            18 => {
                let (ids, time) = (self.somebody(), self.time());
                let direction = *self.random.of(&["USER_INITIATED", "BUSINESS_INITIATED"]);
                let (from, to) = if direction == "USER_INITIATED" {
                    (ids[0], Some(display))
                } else {
                    (Some(display), ids[0])
                };
                let mut call = json!({"id": format!("wacid.{}", self.random.below(2)), "event": self.random.of(&["connect", "terminate"]), "direction": direction});
                Self::put(&mut call, ["from", "to", ""], [from, to, None]);
                call["timestamp"] = self.stamp(time);
                if ids[1].is_some() {
                    Self::contacts(&mut value, ids);
                }
                value["calls"] = json!([call]);
                "calls"
            }
            19 => {
                self.group(&mut value);
                "group_participants_update"
            }
            20 | 21 => return self.account(display),
            _ => return self.odd_change(display, value),
        };
        json!({"field": field, "value": value})
    }

    /// What happens to numbers, accounts and templates.
    fn account(&mut self, display: &str) -> Value {
        let limit = if self.random.one_in(3) {
            json!(self.random.of(&[250, 2000, -1]))
        } else {
            json!(self.random.of(LIMITS))
        };
        let (field, value) = match self.random.below(5) {
            0 | 1 => (
                "business_capability_update",
                json!({"max_daily_conversations_per_business": limit, "max_phone_numbers_per_business": 20}),
            ),
            2 => (
                "phone_number_quality_update",
                json!({"display_phone_number": display, "event": "ONBOARDING", "max_daily_conversations_per_business": limit}),
            ),
            3 => {
                let accounts = json!({"waba_id": self.random.of(&["31001", "31002"]),
                    "owner_business_id": self.random.of(&["41001", "41002"])});
                (
                    "account_update",
                    json!({"event": "PARTNER_ADDED", "waba_info": accounts}),
                )
            }
            // The platform's own example has the wrong field.
            _ => (
                *self.random.of(&[
                    "message_template_quality_update",
                    "message_template_quality_update",
                    "message_template_status_update",
                ]),
                json!({"previous_quality_score": "GREEN", "new_quality_score": self.random.of(RATINGS),
                    "message_template_id": self.random.of(&[7001, 7002]), "message_template_name": "a", "message_template_language": "es"}),
            ),
        };
        let time = self.moment();
        let mut value = with(value, "timestamp", self.stamp(time));
        if self.random.one_in(5) {
            value["max_daily_conversations_per_business"].take();
        }
        json!({"field": field, "value": value})
    }

    /// Participants come and go, named in every way there is.
    fn group(&mut self, value: &mut Value) {
        let (time, list) = (
            self.time(),
            *self.random.of(&["added_participants", "removed_participants"]),
        );
        let participants: Vec<Value> = (0..=self.random.below(3))
            .map(|_| {
                let (ids, other) = (self.somebody(), self.somebody());
                if self.random.one_in(3) {
                    Self::contacts(value, ids);
                }
                let input = *self
                    .random
                    .of(&[ids[0], ids[1], ids[1], ids[2], other[0], other[1], Some("cl.1")]);
                let mut participant = json!({});
                let Some(input) = input else {
                    Self::put(&mut participant, ["wa_id", "user_id", "parent_user_id"], ids);
                    return participant;
                };
                // As somebody wrote it.
                let is_number = input.bytes().all(|byte| byte.is_ascii_digit());
                let input = if is_number && self.random.one_in(3) {
                    format!("+{} {}", &input[..2], &input[2..])
                } else {
                    input.to_owned()
                };
                match self.random.below(6) {
                    0 => return json!(input),
                    1 => Self::put(&mut participant, ["wa_id", "", ""], [ids[0], None, None]),
                    2 => Self::put(
                        &mut participant,
                        ["", "user_id", "parent_user_id"],
                        [None, ids[1], ids[2]],
                    ),
                    _ => {}
                }
                with(participant, "input", json!(input))
            })
            .collect();
        let mut group = json!({"group_id": "G1", "type": "group_participants_add", "timestamp": self.stamp(time)});
        group[list] = json!(participants);
        if self.random.one_in(4) {
            // Who could not be added is nobody.
            group["failed_participants"] = json!([{"input": "573009998877", "errors": [{"code": 131_026}]}]);
        }
        value["groups"] = json!([group]);
    }

    /// Cards: mostly the one that answers the business's question for the number, and much that is nearly that.
    fn cards(&mut self, display: &str, message: &mut Value) {
        let count = if self.random.one_in(6) { 2 } else { 1 };
        let cards: Vec<Value> = (0..count).map(|_| self.card(display)).collect();
        message["contacts"] = json!(cards);
        // Where early documents have the origin.
        if self.random.one_in(3) {
            message["origin"] = json!(self.random.of(&["contact_request", "contact_request", "other"]));
        }
    }

    fn card(&mut self, display: &str) -> Value {
        let count = *self.random.of(&[1, 1, 1, 1, 1, 1, 0, 2]);
        let phones: Vec<Value> = (0..count)
            .map(|_| {
                let (theirs, any) = (self.somebody()[0], *self.random.of(&WA_IDS[..self.numbers]));
                let wa_id = theirs.filter(|_| !self.random.one_in(4)).unwrap_or(any[0]);
                let wa_id = if self.random.one_in(12) { display } else { wa_id };
                let mut phone = json!({"type": "CELL"});
                let form = self.random.below(3);
                if form > 0 {
                    phone["wa_id"] = json!(wa_id);
                }
                if form < 2 {
                    phone["phone"] = json!(format!("+{} {}", &wa_id[..2], &wa_id[2..]));
                }
                phone
            })
            .collect();
        let mut card = json!({"name": {"formatted_name": "N"}, "phones": phones});
        let origin = *self.random.of(&["contact_request", "contact_request", "other", ""]);
        if !origin.is_empty() {
            card["origin"] = json!(origin);
        }
        card
    }

    fn contacts(value: &mut Value, ids: [Option<&str>; 3]) {
        let mut contact = json!({"profile": {"name": "N"}});
        Self::put(&mut contact, ["wa_id", "user_id", "parent_user_id"], ids);
        if value["contacts"].is_null() {
            value["contacts"] = json!([]);
        }
        value["contacts"].as_array_mut().unwrap().push(contact);
    }

    fn received(&mut self, display: &str, value: &mut Value) {
        let mut messages = Vec::new();
        loop {
            let (time, id) = (self.time(), self.wamid("r"));
            let mut ids = self.partner(&id);
            let kind = *self.random.of(if self.taste.sends { ANSWERS } else { TYPES });
            let mut message = json!({"id": id, "type": kind});
            if kind == "contacts" {
                self.cards(display, &mut message);
                // Whose number is asked for is mostly known by the user id alone.
                ids[0] = ids[0].filter(|_| ids[1].is_none() || self.random.one_in(3));
            }
            if self.random.one_in(20) {
                message.as_object_mut().unwrap().remove("type");
            }
            if kind == "text" {
                message["text"] = json!({"body": self.random.of(TEXTS)});
            }
            if kind == "button" {
                let (pressed, payload) = (self.random.of(&["Sí", "Baja"]), self.random.of(&["yes", "no", "STOP"]));
                message["button"] = json!({"text": pressed, "payload": payload});
            }
            if self.random.one_in(if self.taste.sends { 3 } else { 6 }) {
                message["context"] = json!({"from": display, "id": self.wamid("s")});
            }
            let described = self.random.one_in(2);
            let shown = match self.random.below(4) {
                0 if described && ids[1].is_some() => [None, ids[1], ids[2]],
                1 if described && ids[0].is_some() => [ids[0], None, None],
                2 if described && messages.is_empty() => [None; 3],
                _ => ids,
            };
            Self::put(&mut message, ["from", "from_user_id", "from_parent_user_id"], shown);
            if described {
                Self::contacts(value, ids);
            }
            if !(self.taste.odd && self.random.one_in(8)) {
                message["timestamp"] = self.stamp(time);
            }
            if self.random.one_in(16) {
                message["group_id"] = json!("G1");
            }
            messages.push(message);
            if !self.random.one_in(4) || shown == [None; 3] {
                break;
            }
        }
        if self.random.one_in(8) {
            let other = self.somebody();
            Self::contacts(value, other);
        }
        value["messages"] = Value::Array(messages);
    }

    fn statuses(&mut self, value: &mut Value) {
        let mut statuses = Vec::new();
        loop {
            let side = if self.random.one_in(4) { "e" } else { "s" };
            let (time, id) = (self.time(), self.wamid(side));
            let ids = self.partner(&id);
            let kind = *self.random.of(STATUSES);
            let mut status = json!({"id": id, "status": kind, "timestamp": self.stamp(time)});
            if kind == "failed" {
                let codes: Vec<Value> = (0..self.random.below(3))
                    .map(|_| json!({"code": self.random.of(CODES)}))
                    .collect();
                status["errors"] = json!(codes);
            }
            let is_payment = self.random.one_in(5);
            if is_payment {
                status["type"] = json!("payment");
                status["status"] = json!(self.random.of(PAYMENTS));
                status["payment"] = json!({"reference_id": "order-17"});
            }
            if self.random.one_in(10) {
                let key = *self
                    .random
                    .of(&["recipient_participant_id", "participant_recipient_id"]);
                status["recipient_type"] = json!("group");
                status["recipient_id"] = json!("G1");
                status[key] = json!(ids[0].unwrap_or("56961234567"));
            } else if is_payment && self.random.one_in(2) {
                Self::put(&mut status, ["from", "from_user_id", "from_parent_user_id"], ids);
            } else if kind != "failed" || self.random.one_in(2) {
                Self::put(
                    &mut status,
                    ["recipient_id", "recipient_user_id", "recipient_parent_user_id"],
                    ids,
                );
            }
            statuses.push(status);
            if !self.random.one_in(2) {
                break;
            }
        }
        value["statuses"] = Value::Array(statuses);
    }

    fn echo(&mut self, display: &str, value: &mut Value) {
        let (time, id) = (self.time(), self.wamid("e"));
        let ids = self.partner(&id);
        let kind = *self
            .random
            .of(&["text", "text", "text", "image", "contacts", "edit", "revoke"]);
        let mut echo = json!({"from": display, "id": id, "type": kind});
        if kind == "contacts" {
            self.cards(display, &mut echo);
        }
        Self::put(&mut echo, ["to", "to_user_id", "to_parent_user_id"], ids);
        echo["timestamp"] = self.stamp(time);
        if self.random.one_in(2) {
            Self::contacts(value, ids);
        }
        value["message_echoes"] = json!([echo]);
    }

    fn history(&mut self, display: &str, value: &mut Value) {
        if self.random.one_in(5) {
            value["history"] = json!([{"errors": [{"code": 2_593_109}]}]);
            return;
        }
        let ids = self.somebody();
        let mut context = json!({});
        Self::put(&mut context, ["wa_id", "user_id", ""], [ids[0], ids[1], None]);
        let messages: Vec<Value> = (0..=self.random.below(3))
            .map(|_| {
                let (time, side) = (self.time(), *self.random.of(&["r", "s", "e", "h"]));
                let id = self.wamid(side);
                let mut message =
                    json!({"id": id, "type": "text", "text": {"body": "x"}, "timestamp": self.stamp(time)});
                if self.random.one_in(2) {
                    message["from"] = json!(display);
                    Self::put(&mut message, ["to", "to_user_id", ""], [ids[0], ids[1], None]);
                } else {
                    Self::put(&mut message, ["from", "from_user_id", ""], [ids[0], ids[1], None]);
                }
                message["history_context"] = json!({"status": "READ"});
                message
            })
            .collect();
        value["history"] = json!([{"metadata": {"phase": 0, "chunk_order": 1, "progress": 50}, "threads": [{"context": context, "messages": messages}]}]);
    }

    fn person_change(&mut self, mut value: Value) -> Value {
        let (old, new, time) = (self.somebody(), self.somebody(), self.time());
        let stamp = self.stamp(time);
        if self.random.one_in(2) {
            let previous = old[1].unwrap_or("CL.1001");
            let others: Vec<&str> = BSUIDS.iter().copied().filter(|bsuid| *bsuid != previous).collect();
            let mut update = json!({"detail": "d", "user_id": {"previous": previous, "current": self.random.of(&others)}, "timestamp": stamp});
            if let Some(wa_id) = new[0].filter(|_| self.random.one_in(2)) {
                update["wa_id"] = json!(wa_id);
            }
            value["user_id_update"] = json!([update]);
            return json!({"field": "user_id_update", "value": value});
        }
        let kind = *self
            .random
            .of(&["user_changed_number", "user_changed_number", "user_changed_user_id"]);
        let mut system = json!({"body": "changed", "type": kind, "wa_id": self.random.of(&WA_IDS[..self.numbers])[0]});
        if kind == "user_changed_user_id" || self.random.one_in(3) {
            system["user_id"] = json!(self.random.of(BSUIDS));
        }
        let mut message = json!({"id": self.wamid("r"), "type": "system", "system": system, "timestamp": stamp});
        message["from"] = json!(old[0].unwrap_or("56961234567"));
        value["messages"] = json!([message]);
        json!({"field": "messages", "value": value})
    }

    fn odd_change(&mut self, display: &str, mut value: Value) -> Value {
        match self.random.below(9) {
            0 => json!({"field": "messages"}),
            1 => json!({"field": "mood_update", "value": {"mood": "sunny", "messages": [{"id": "wamid.1"}]}}),
            2 => json!({"value": {"messages": []}}),
            3 => json!({"field": "messages", "value": {"messages": []}}),
            4 => json!({"field": "messages", "value": {"messages": {}, "metadata": {}}}),
            5 => {
                json!({"field": "messages", "value": {"messages": [7, {"type": "text"}], "statuses": [{"id": "wamid.1"}, {"status": "read"}]}})
            }
            6 => {
                json!({"field": "account_update", "value": {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "ADULT"}}})
            }
            7 => {
                json!({"field": "flows", "value": {"event": "CLIENT_ERROR_RATE", "flow_id": "1", "error_rate": 0.5, "errors": [{"code": 1}]}})
            }
            _ => {
                value["errors"] = json!([{"code": 131_000, "title": "t"}]);
                self.received(display, &mut value);
                json!({"field": "messages", "value": value})
            }
        }
    }
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    object[key] = value;
    object
}
