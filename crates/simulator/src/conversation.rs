//! Conversations: a person writes, a bot answers, people take over, somebody resolves.

use crate::{
    Path,
    campaign::OptOut,
    delivery::Line,
    inbound::{Hanging, Inbound},
    outbound::{Author, Content, Sent},
    people::Who,
    random::scramble,
    text::{Quoted, Rfc3339, Wamid, put},
    vocabulary::{
        AGENTS, CAMPAIGN_REPLIES, COURTESIES, EMOJI, GREETINGS, HAND_OFF_REASONS, HUMAN_PLEASE, QUESTIONS, QUEUES,
        TEMPLATES, TOPICS,
    },
    world::{Action, Simulator},
};
use hilo_domain::{Millis, time};

/// What a conversation is about to do, and with whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conversation {
    who: Who,
    number: u8,
    next: Step,
    /// Turns with an agent that are left.
    turns: u8,
    agent: u8,
    queue: u8,
    topic: u8,
    /// It came from an advertisement; a deal may come of it.
    referral: bool,
    /// The message of the business that the next answer hangs on.
    on: Option<Wamid>,
    /// The customer's last message.
    last: Option<Wamid>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The first message.
    Open,
    /// The answer to a campaign.
    Reply,
    /// One more before anybody answered.
    Insist,
    BotAnswers,
    CustomerChooses,
    BotCloses,
    Goal,
    AskForHuman,
    HandOff,
    Assign,
    Answer,
    FollowUp,
    Snooze,
    Wake,
    Transfer,
    Resolve,
    Thank,
    AskForRating,
    Rate,
    Deal,
}

/// Items that a conversation has on average, statuses included; only the first guess of how many to start.
const ITEMS: u64 = 22;

impl Simulator {
    pub(crate) fn start_conversation(&mut self) {
        let share = f64::from(self.profile.rate) * self.profile.conversations.clamp(0.01, 1.0);
        let pause = (ITEMS as f64 * 1_000.0 / share) as Millis;
        let wait = self.dice.between(pause / 2, pause + pause / 2).max(1);
        self.plan(self.now + wait, Action::StartConversation);
        if self.exceeds_the_rate() {
            return;
        }
        let tenant = self.dice.index(self.tenants.len()) as u8;
        let who = self.anybody(tenant, 0.5);
        if self.person(who).busy {
            return;
        }
        let number = self.dice.index(self.tenants[usize::from(tenant)].numbers.len()) as u8;
        self.maybe_change(who, number);
        let mut conversation = self.conversation(who, number, Step::Open);
        conversation.referral = self.dice.chance(0.12);
        let beginning = self.now + self.dice.between(time::SECOND, 2 * time::SECOND);
        self.plan(beginning, Action::Converse(conversation));
    }

    fn conversation(&mut self, who: Who, number: u8, next: Step) -> Conversation {
        self.person_mut(who).busy = true;
        Conversation {
            who,
            number,
            next,
            turns: self.dice.skewed(1, 5) as u8,
            agent: self.dice.index(AGENTS.len()) as u8,
            queue: self.dice.index(QUEUES.len()) as u8,
            topic: self.dice.index(TOPICS.len()) as u8,
            referral: false,
            on: None,
            last: None,
        }
    }

    /// Somebody read a campaign message: they may answer, or want no more of it.
    pub(crate) fn maybe_answer(&mut self, sent: &Sent) {
        let marketing = sent
            .template
            .is_some_and(|index| TEMPLATES[usize::from(index)].category == "marketing");
        let person = *self.person(sent.who);
        if person.busy {
            return;
        }
        if marketing && !person.opted_out && self.dice.chance(self.profile.opt_outs) {
            let way = self.dice.pick(&[OptOut::Preference, OptOut::Preference, OptOut::Word]);
            self.opt_out(sent, way);
        } else if self.dice.chance(self.profile.replies) {
            let mut conversation = self.conversation(sent.who, sent.number, Step::Reply);
            conversation.on = Some(sent.wamid);
            let wait = self.wait(2, 30);
            self.plan(self.now + wait, Action::Converse(conversation));
        } else if person.opted_out && self.dice.chance(0.05) {
            self.prefer(sent.who, sent.number, false);
        }
    }

    /// How long somebody takes, in seconds at a pace of 1; never less than what keeps the order of whole seconds.
    fn wait(&mut self, shortest: i64, longest: i64) -> Millis {
        let drawn = self.dice.skewed(shortest * time::SECOND, longest * time::SECOND);
        ((drawn as f64 * self.profile.pace) as Millis).max(time::SECOND)
    }

    pub(crate) fn converse(&mut self, mut conversation: Conversation) {
        match self.step(&mut conversation) {
            Some(wait) => self.plan(self.now + wait, Action::Converse(conversation)),
            None => self.person_mut(conversation.who).busy = false,
        }
    }

    /// Does what is next and says when it goes on; `None`: it is over.
    fn step(&mut self, c: &mut Conversation) -> Option<Millis> {
        match c.next {
            Step::Open => self.open(c),
            Step::Reply => self.reply(c),
            Step::Insist => {
                let text = self.dice.pick(&QUESTIONS);
                c.last = Some(self.receive(c.who, c.number, Inbound::Text(text), Hanging::default()));
                self.first_line(c)
            }
            Step::BotAnswers => self.bot_answers(c),
            Step::CustomerChooses => self.customer_chooses(c),
            Step::BotCloses => {
                self.send(c.who, c.number, Author::Bot, Content::Text, false);
                // Half say so, half only stop writing.
                c.next = Step::Goal;
                let ends = self.dice.chance(0.45);
                if ends { None } else { Some(self.wait(3, 15)) }
            }
            Step::Goal => {
                self.inbox(c, "resolved", ",\"outcome\":\"goal_reached\"");
                c.next = Step::Thank;
                self.dice.chance(0.3).then(|| self.wait(4, 40))
            }
            Step::AskForHuman => {
                let text = self.dice.pick(&HUMAN_PLEASE);
                c.last = Some(self.receive(c.who, c.number, Inbound::Text(text), Hanging::default()));
                c.next = Step::HandOff;
                Some(self.wait(1, 4))
            }
            Step::HandOff => self.hand_off(c),
            Step::Assign => self.assign(c),
            Step::Answer => Some(self.answer(c)),
            Step::FollowUp => Some(self.follow_up(c)),
            Step::Snooze => {
                let tag = ",\"reason\":\"espera_cliente\"";
                self.inbox(c, "snoozed", tag);
                c.next = Step::Wake;
                Some(self.wait(20, 90))
            }
            Step::Wake => {
                self.inbox(c, "reopened", "");
                c.next = Step::Resolve;
                Some(self.wait(3, 30))
            }
            Step::Transfer => {
                c.agent = (c.agent + 1) % AGENTS.len() as u8;
                c.queue = (c.queue + 1) % QUEUES.len() as u8;
                self.assigned(c);
                c.next = Step::Answer;
                Some(self.wait(4, 60))
            }
            Step::Resolve => self.resolve(c),
            Step::Thank => {
                let text = self.dice.pick(&COURTESIES);
                self.receive(c.who, c.number, Inbound::Text(text), Hanging::default());
                c.next = Step::AskForRating;
                self.dice.chance(0.5).then(|| self.wait(2, 10))
            }
            Step::AskForRating => {
                self.send(c.who, c.number, Author::Automation, Content::Interactive, false);
                c.next = Step::Rate;
                self.dice.chance(0.6).then(|| self.wait(5, 60))
            }
            Step::Rate => self.rate(c),
            Step::Deal => self.deal(c),
        }
    }

    fn open(&mut self, c: &mut Conversation) -> Option<Millis> {
        let what = if self.dice.chance(0.88) {
            let text = self.dice.pick(&GREETINGS);
            Inbound::Text(text)
        } else {
            Inbound::Something
        };
        c.last = Some(self.receive(
            c.who,
            c.number,
            what,
            Hanging {
                on: None,
                referral: c.referral,
            },
        ));
        if self.dice.chance(0.25) {
            c.next = Step::Insist;
            return Some(self.wait(2, 12));
        }
        self.first_line(c)
    }

    fn reply(&mut self, c: &mut Conversation) -> Option<Millis> {
        let quoted = Hanging {
            on: c.on,
            referral: false,
        };
        // Some clients leave the context out, also of a button.
        let hanging = if self.dice.chance(0.65) {
            quoted
        } else {
            Hanging::default()
        };
        let what = if self.dice.chance(0.4) {
            Inbound::Button("Me interesa")
        } else {
            let text = self.dice.pick(&CAMPAIGN_REPLIES);
            Inbound::Text(text)
        };
        c.last = Some(self.receive(c.who, c.number, what, hanging));
        c.on = None;
        self.first_line(c)
    }

    /// Who takes the conversation: a bot, people, nobody.
    fn first_line(&mut self, c: &mut Conversation) -> Option<Millis> {
        if self.dice.chance(self.profile.unanswered) {
            return None;
        }
        c.next = if self.dice.chance(self.profile.bot_first) {
            Step::BotAnswers
        } else {
            Step::Assign
        };
        Some(match c.next {
            Step::BotAnswers => self.wait(1, 3),
            _ => self.wait(3, 40),
        })
    }

    fn bot_answers(&mut self, c: &mut Conversation) -> Option<Millis> {
        let content = self
            .dice
            .pick(&[Content::Interactive, Content::Interactive, Content::Question]);
        c.on = Some(self.send(c.who, c.number, Author::Bot, content, false));
        // Some leave at the bot's question.
        if self.dice.chance(0.1) {
            return None;
        }
        c.next = Step::CustomerChooses;
        Some(self.wait(3, 35))
    }

    fn customer_chooses(&mut self, c: &mut Conversation) -> Option<Millis> {
        if !self.dice.chance(self.profile.contained) {
            c.next = Step::AskForHuman;
            return self.step(c);
        }
        c.last = Some(self.receive(
            c.who,
            c.number,
            Inbound::Choice,
            Hanging {
                on: c.on.take(),
                referral: false,
            },
        ));
        c.next = Step::BotCloses;
        Some(self.wait(1, 3))
    }

    fn hand_off(&mut self, c: &mut Conversation) -> Option<Millis> {
        let reason = HAND_OFF_REASONS[self.dice.weighted(HAND_OFF_REASONS.iter().map(|(_, weight)| *weight))].0;
        let mut more = String::new();
        put!(
            &mut more; ",\"queue\":\"", QUEUES[usize::from(c.queue)], "\",\"reason\":\"", reason,
            "\",\"context\":{\"intent\":\"", TOPICS[usize::from(c.topic)], "\"}"
        );
        self.inbox(c, "handed_off", &more);
        if self.dice.chance(self.profile.unanswered) {
            return None;
        }
        c.next = Step::Assign;
        Some(self.wait(2, 25))
    }

    fn assign(&mut self, c: &mut Conversation) -> Option<Millis> {
        self.assigned(c);
        if self.dice.chance(self.profile.unanswered) {
            return None;
        }
        c.next = Step::Answer;
        Some(self.wait(4, 90))
    }

    fn assigned(&mut self, c: &Conversation) {
        let mut more = String::new();
        let (agent, queue) = (AGENTS[usize::from(c.agent)], QUEUES[usize::from(c.queue)]);
        put!(&mut more; ",\"agent\":\"", agent, "\",\"queue\":\"", queue, "\"");
        self.inbox(c, "assigned", &more);
    }

    fn answer(&mut self, c: &mut Conversation) -> Millis {
        if self.dice.chance(self.profile.echoes) {
            self.echo(c.who, c.number, "Recibido, te respondo desde el teléfono 📱");
            c.on = None;
        } else {
            let agent = Author::Agent(AGENTS[usize::from(c.agent)]);
            c.on = Some(self.send(c.who, c.number, agent, Content::Text, false));
        }
        c.turns = c.turns.saturating_sub(1);
        c.next = if c.turns > 0 {
            Step::FollowUp
        } else if self.dice.chance(0.05) {
            Step::Snooze
        } else {
            Step::Resolve
        };
        self.wait(4, 60)
    }

    fn follow_up(&mut self, c: &mut Conversation) -> Millis {
        match (c.on, c.last) {
            (Some(on), _) if self.dice.chance(0.08) => {
                let emoji = self.dice.pick(&EMOJI);
                self.receive(c.who, c.number, Inbound::Reaction(on, emoji), Hanging::default());
                c.next = Step::Resolve;
                return self.wait(5, 40);
            }
            (_, Some(last)) if self.dice.chance(0.02) => {
                let what = if self.dice.chance(0.5) {
                    Inbound::Edit(last)
                } else {
                    Inbound::Revoke(last)
                };
                self.receive(c.who, c.number, what, Hanging::default());
            }
            _ => {
                let what = if self.dice.chance(0.8) {
                    let text = self.dice.pick(&QUESTIONS);
                    Inbound::Text(text)
                } else {
                    Inbound::Something
                };
                let on = if self.dice.chance(0.1) { c.on } else { None };
                c.last = Some(self.receive(c.who, c.number, what, Hanging { on, referral: false }));
            }
        }
        c.next = if self.dice.chance(0.05) {
            Step::Transfer
        } else {
            Step::Answer
        };
        self.wait(4, 80)
    }

    fn resolve(&mut self, c: &mut Conversation) -> Option<Millis> {
        let mut more = String::new();
        let (agent, topic) = (AGENTS[usize::from(c.agent)], TOPICS[usize::from(c.topic)]);
        put!(&mut more; ",\"agent\":\"", agent, "\",\"reason\":\"", topic, "\",\"outcome\":\"solved\"");
        if self.dice.chance(0.4) {
            put!(&mut more; ",\"context\":{\"wrap_up_seconds\":", self.dice.between(5, 90).unsigned_abs(), "}");
        }
        self.inbox(c, "resolved", &more);
        c.next = if c.referral && self.dice.chance(0.4) {
            Step::Deal
        } else if self.dice.chance(0.45) {
            Step::Thank
        } else {
            Step::AskForRating
        };
        self.dice.chance(0.8).then(|| self.wait(3, 60))
    }

    fn rate(&mut self, c: &mut Conversation) -> Option<Millis> {
        let effort = self.dice.chance(0.25);
        let (score, scale) = if effort {
            (7 - self.dice.skewed(0, 6), 7)
        } else {
            (5 - self.dice.skewed(0, 4), 5_u64)
        };
        let instrument = if effort { "ces" } else { "csat" };
        let mut more = String::new();
        put!(
            &mut more; ",\"score\":", score.unsigned_abs(), ",\"scale\":", scale, ",\"context\":{\"instrument\":\"",
            instrument, "\"}"
        );
        self.inbox(c, "rated", &more);
        None
    }

    fn deal(&mut self, c: &mut Conversation) -> Option<Millis> {
        let won = self.dice.chance(0.6);
        let crm = self.tenants[usize::from(c.who.tenant)].crm;
        let person = *self.person(c.who);
        let deal = scramble(self.unique()) >> 24;
        let amount = self.dice.between(9, 900).unsigned_abs() * 1_000;
        for (event, stage) in [
            ("deal_stage_changed", "propuesta"),
            if won {
                ("deal_won", "ganado")
            } else {
                ("deal_lost", "perdido")
            },
        ] {
            let mut json = self.line_head("crm", c.who.tenant);
            put!(
                &mut json; ",\"system\":\"", crm, "\",\"event\":\"", event, "\",\"deal_id\":\"", deal, "\",\"stage\":\"", stage,
                "\",\"opened_at\":\"", Rfc3339(self.now), "\",\"amount\":\"", amount, "\",\"currency\":\"",
                person.country.currency(), "\",\"user\":"
            );
            self.address(&mut json, c.who, false);
            json.push('}');
            let (tenant, at) = (c.who.tenant, self.now);
            self.write(Line {
                tenant,
                at,
                path: Path::Crm(crm),
                json,
                sent: None,
            });
        }
        None
    }

    /// An event of the agents' inbox; `more` are further fields, each after a comma.
    fn inbox(&mut self, c: &Conversation, event: &'static str, more: &str) {
        let mut json = self.line_head("inbox", c.who.tenant);
        let business = self.tenants[usize::from(c.who.tenant)].numbers[usize::from(c.number)]
            .id
            .as_str();
        put!(&mut json; ",\"phone_number_id\":\"", business, "\",\"user\":");
        self.address(&mut json, c.who, false);
        put!(&mut json; ",\"event\":", Quoted(event), more, "}");
        let (tenant, at) = (c.who.tenant, self.now);
        self.write(Line {
            tenant,
            at,
            path: Path::Inbox,
            json,
            sent: None,
        });
    }
}
