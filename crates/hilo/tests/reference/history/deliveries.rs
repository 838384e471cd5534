//! What the platform delivers: changes of every field.

use super::{super::json::write_time, ACCOUNTS, BSUIDS, LIMITS, Maker, RATINGS, WA_IDS, with};
use serde_json::{Value, json};

impl Maker {
    pub(super) fn delivery(&mut self) {
        let tenant = self.tenant();
        self.choose_account();
        let mut changes = vec![self.change()];
        while self.random.one_in(4) {
            changes.push(self.change());
        }
        let id = if self.random.one_in(20) { "0" } else { self.account };
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
            () if self.taste.sends && !self.random.one_in(6) => *self.random.of(&[0, 0, 0, 7, 7, 7, 11, 16, 20]),
            () if self.taste.long => *self.random.of(&[0, 0, 7, 11]),
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
        let (field, value) = match self.random.below(10) {
            7.. => self.template_category(),
            0 | 1 => (
                "business_capability_update",
                json!({"max_daily_conversations_per_business": limit, "max_phone_numbers_per_business": 20}),
            ),
            2 => (
                "phone_number_quality_update",
                json!({"display_phone_number": display, "event": "ONBOARDING", "max_daily_conversations_per_business": limit}),
            ),
            3..=5 => {
                // An account stands for its portfolio as long as nobody names that.
                let accounts = json!({"waba_id": self.random.of(&ACCOUNTS),
                    "owner_business_id": self.random.of(&["41001", "41001", "41002", ACCOUNTS[0]])});
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
        let time = self.time_alone("observation");
        let mut value = with(value, "timestamp", self.stamp(time));
        if self.random.one_in(5)
            && let Some(limit) = value.get_mut("max_daily_conversations_per_business")
        {
            limit.take();
        }
        json!({"field": field, "value": value})
    }

    /// The platform names the category of a template: it has moved, will move, or is approved as it is.
    fn template_category(&mut self) -> (&'static str, Value) {
        let category = *self.random.of(&["MARKETING", "UTILITY", "AUTHENTICATION"]);
        let mut value = json!({"message_template_id": self.random.of(&[7001, 7002]),
            "message_template_name": self.random.of(&["a", "b"]), "message_template_language": self.random.of(&["es", "es", "es-MX"])});
        match self.random.below(3) {
            0 => {
                value["previous_category"] = json!("UTILITY");
                value["new_category"] = json!(category);
            }
            1 => {
                value["new_category"] = json!(category);
                value["correct_category"] = json!("MARKETING");
            }
            _ => {
                value["event"] = json!("APPROVED");
                value["message_template_category"] = json!(category);
                return ("message_template_status_update", value);
            }
        }
        ("template_category_update", value)
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
