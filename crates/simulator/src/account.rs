//! What happens to numbers, templates and accounts; and deliveries that nobody plans for.

use crate::{
    delivery::{Counts, Element, Field, Line},
    event::Path,
    identity::whole_second,
    text::{Seconds, put},
    vocabulary::TEMPLATES,
    world::{Action, Simulator, Tenant},
};
use hilo_domain::{Millis, time};

/// One such event in so many items.
const ITEMS: i64 = 500;

impl Simulator {
    /// Never twice in one second: these items have no id, so two of the same kind in one second would be one.
    pub(crate) fn administer(&mut self) {
        let rate = f64::from(self.profile.rate.max(1));
        let pause = (ITEMS as f64 * 1_000.0 / rate) as Millis;
        let wait = self.dice.between(pause / 2, pause + pause / 2).max(time::SECOND);
        self.plan(self.now + wait, Action::Administer);
        let tenant = self.dice.index(self.tenants.len());
        match self.dice.index(8) {
            0 | 1 => self.template_quality(tenant),
            2 => self.template_status(tenant),
            3 => self.limit(tenant),
            4 => self.number_event(tenant),
            5 | 6 => self.poll(tenant),
            _ => self.account_update(tenant),
        }
        let oddities = ITEMS as f64 * self.profile.oddities;
        if self.dice.chance(oddities) {
            self.oddity();
        }
    }

    fn whole(&mut self, tenant: usize, field: &'static str, json: String) {
        self.emit(Element {
            tenant: tenant as u8,
            number: 0,
            at: whole_second(self.now),
            field: Field::Whole(field),
            json,
            contact: None,
            counts: Counts::Item,
        });
    }

    fn template_quality(&mut self, tenant: usize) {
        let template = &TEMPLATES[self.dice.index(TEMPLATES.len())];
        let (before, after) = self.dice.pick(&[
            ("UNKNOWN", "GREEN"),
            ("GREEN", "YELLOW"),
            ("YELLOW", "GREEN"),
            ("YELLOW", "RED"),
            ("RED", "YELLOW"),
        ]);
        let mut json = String::new();
        put!(
            &mut json; "{\"previous_quality_score\":\"", before, "\",\"new_quality_score\":\"", after,
            "\",\"message_template_id\":", template.id, ",\"message_template_name\":\"", template.name,
            "\",\"message_template_language\":\"es\"}"
        );
        self.whole(tenant, "message_template_quality_update", json);
    }

    /// Pauses one, or ends the pause.
    fn template_status(&mut self, tenant: usize) {
        let (index, event, title) = if let Some(paused) = self.tenants[tenant].paused_template.take() {
            (paused, "APPROVED", "UNPAUSE")
        } else {
            let index = self.dice.index(3);
            self.tenants[tenant].paused_template = Some(index);
            (index, "PAUSED", "FIRST_PAUSE")
        };
        let template = &TEMPLATES[index];
        let mut json = String::new();
        put!(
            &mut json; "{\"event\":\"", event, "\",\"message_template_id\":", template.id, ",\"message_template_name\":\"",
            template.name, "\",\"message_template_language\":\"es\",\"reason\":\"NONE\",\"other_info\":{\"title\":\"", title,
            "\",\"description\":\"Your template's quality changed\"}}"
        );
        self.whole(tenant, "message_template_status_update", json);
    }

    fn limit(&mut self, tenant: usize) {
        // The documents say text, their own example is a number.
        let json = self.dice.pick(&[
            r#"{"max_daily_conversations_per_business":"TIER_2K","max_phone_numbers_per_business":20}"#,
            r#"{"max_daily_conversations_per_business":"TIER_10K","max_phone_numbers_per_business":20}"#,
            r#"{"max_daily_conversations_per_business":2000,"max_phone_numbers_per_business":20}"#,
        ]);
        self.whole(tenant, "business_capability_update", json.to_owned());
    }

    fn number_event(&mut self, tenant: usize) {
        let number = self.dice.index(self.tenants[tenant].numbers.len());
        let display = self.tenants[tenant].numbers[number].display.as_str();
        let mut json = String::new();
        put!(&mut json; "{\"display_phone_number\":\"", display, "\",");
        if self.dice.chance(0.6) {
            json.push_str(r#""event":"THROUGHPUT_UPGRADE","max_daily_conversations_per_business":"TIER_10K"}"#);
            self.whole(tenant, "phone_number_quality_update", json);
        } else {
            json.push_str(r#""decision":"APPROVED","requested_verified_name":"Tienda Ñandú","rejection_reason":null}"#);
            self.whole(tenant, "phone_number_name_update", json);
        }
    }

    /// A number's quality has no webhook: somebody asks for it.
    fn poll(&mut self, tenant: usize) {
        let number = self.dice.index(self.tenants[tenant].numbers.len());
        let rating = self
            .dice
            .pick(&["GREEN", "GREEN", "GREEN", "YELLOW", "YELLOW", "RED", "UNKNOWN"]);
        let mut json = self.line_head("platform", tenant as u8);
        let Tenant { waba, numbers, .. } = &self.tenants[tenant];
        let (id, display) = (numbers[number].id.as_str(), numbers[number].display.as_str());
        put!(
            &mut json; ",\"waba_id\":\"", waba.as_str(), "\",\"number\":{\"id\":\"", id, "\",\"display_phone_number\":\"+", display,
            "\",\"verified_name\":\"Tienda Ñandú\",\"quality_rating\":\"", rating, "\",\"status\":\"CONNECTED\",\"name_status\":",
            "\"APPROVED\",\"throughput\":{\"level\":\"STANDARD\"},\"whatsapp_business_manager_messaging_limit\":\"TIER_10K\"}}"
        );
        self.write(Line {
            tenant: tenant as u8,
            at: self.now,
            path: Path::Platform,
            json,
            sent: None,
        });
    }

    fn account_update(&mut self, tenant: usize) {
        let mut json = String::new();
        match self.dice.index(3) {
            0 => put!(
                &mut json; "{\"event\":\"ACCOUNT_RESTRICTION\",\"restriction_info\":[{\"restriction_type\":",
                "\"RESTRICTED_BIZ_INITIATED_MESSAGING\",\"expiration\":", Seconds(self.now + time::HOUR), "}]}"
            ),
            1 => put!(
                &mut json; "{\"event\":\"VOLUME_BASED_PRICING_TIER_UPDATE\",\"volume_tier_info\":{\"tier_update_time\":",
                Seconds(self.now), ",\"pricing_category\":\"UTILITY\",\"tier\":\"100001:750000\",\"effective_month\":",
                "\"2026-11\",\"region\":\"Chile\"}}"
            ),
            _ => json.push_str(r#"{"event":"ACCOUNT_VIOLATION","violation_info":{"violation_type":"SPAM"}}"#),
        }
        self.whole(tenant, "account_update", json);
    }

    fn oddity(&mut self) {
        let tenant = self.dice.index(self.tenants.len());
        let id = self.unique();
        let (field, counts, json) = match self.dice.index(4) {
            0 => {
                let mut json = String::new();
                put!(&mut json; "{\"mood\":\"soleado ☀\",\"level\":", id % 7, "}");
                (Field::Whole("mood_update"), Counts::Unclassified, json)
            }
            1 => (Field::Valueless("messages"), Counts::Unclassified, String::new()),
            2 => {
                let mut json = String::new();
                put!(&mut json; "{\"timestamp\":\"", Seconds(self.now), "\",\"type\":\"text\",\"text\":{\"body\":\"¿?\"}}");
                (Field::Message, Counts::DeadLetter, json)
            }
            _ => return self.empty_delivery(tenant),
        };
        self.emit(Element {
            tenant: tenant as u8,
            number: 0,
            at: whole_second(self.now),
            field,
            json,
            contact: None,
            counts,
        });
    }
}
