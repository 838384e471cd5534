//! The lines of a capture, of every source.

use super::{super::json::write_time, AGENTS, LIMITS, Maker, RATINGS, with};
use serde_json::{Value, json};

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
const QUEUES: &[&str] = &["ventas", "soporte"];
const REASONS: &[&str] = &["saldo", "agenda"];

impl Maker {
    pub(super) fn line(&mut self) {
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
        let (tenant, at) = (self.tenant(), self.time_alone("observation"));
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

    pub(super) fn outbound(&mut self) {
        let (tenant, at, id) = (self.tenant(), self.time(), self.wamid("s"));
        let to = self.partner(&id);
        let (number, _) = self.number();
        let kinds = if self.taste.sends {
            ["template", "template", "template", "text", "reaction"]
        } else {
            ["text", "text", "template", "interactive", "reaction"]
        };
        let kind = *self.random.of(&kinds);
        let mut line = json!({"source": "outbound", "tenant": tenant, "at": write_time(at), "phone_number_id": number,
            "message_id": id, "to": Self::addressed(to), "type": kind});
        if kind == "template" {
            let language = *self.random.of(&["es", "es", "es_MX"]);
            line["template"] =
                json!({"name": self.random.of(&["a", "b"]), "language": language, "category": "marketing"});
            if self.random.one_in(6) {
                line["template"].as_object_mut().unwrap().remove("category");
            } else if self.random.one_in(3) {
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

    pub(super) fn inbox(&mut self) {
        let (tenant, user, at) = (self.tenant(), self.somebody(), self.time_alone("inbox"));
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
}
