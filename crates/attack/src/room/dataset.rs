//! A past of known size, with numbers that are known beforehand.

use super::capture::{ACME, BETA, Tenant};
use hilo_domain::time::to_rfc3339;
use hilo_service::clock;
use serde_json::json;

/// Items of one group: a send, its status, an answer.
const GROUP: usize = 3;
/// Each so many groups are one of the other tenant's.
const OTHER: usize = 20;
/// Of so many sends one is never delivered.
const UNDELIVERED: usize = 4;
/// Senders, so that threads stay short.
const PEOPLE: usize = 20_000;
/// How far back it begins.
const BACK: i64 = 2 * 60 * 60 * 1_000;

/// Captures, and what must come of them.
pub(crate) struct Dataset {
    pub lines: String,
    /// acme's delivered and accepted sends.
    pub delivered: u64,
    pub accepted: u64,
    /// The last message: where it is a fact, all before it is.
    pub last: String,
}

/// So many items; `name` is in each id, so that two of them do not meet.
pub(crate) fn dataset(name: &str, items: usize) -> Dataset {
    let (mut lines, mut delivered, mut accepted) = (String::new(), 0, 0);
    let begin = clock::now() - BACK;
    let groups = items / GROUP;
    let mut last = String::new();
    for group in 0..groups {
        let tenant = if group % OTHER == 0 { BETA } else { ACME };
        let at = begin + group as i64 * (BACK - 60_000) / groups as i64;
        let arrives = group % UNDELIVERED != 0;
        if tenant.name == ACME.name {
            accepted += 1;
            delivered += u64::from(arrives);
        }
        last = format!("wamid.{name}.in.{group}");
        for line in lines_of(&tenant, name, group, at, arrives) {
            lines.push_str(&line);
            lines.push('\n');
        }
    }
    Dataset {
        lines,
        delivered,
        accepted,
        last,
    }
}

fn lines_of(tenant: &Tenant, name: &str, group: usize, at: i64, arrives: bool) -> [String; 3] {
    let phone = format!("569{:08}", 10_000_000 + group % PEOPLE);
    let sent = format!("wamid.{name}.out.{group}");
    let mut outbound = tenant.outbound(&sent, &json!({"phone": format!("+{phone}")}), &to_rfc3339(at));
    outbound["tenant"] = tenant.name.into();
    let status = if arrives { "delivered" } else { "sent" };
    let received = |body| json!({"source": "whatsapp", "tenant": tenant.name, "received_at": to_rfc3339(at + 3_000), "body": body});
    let second = |milliseconds: i64| (milliseconds / 1_000).to_string();
    let status = tenant.delivery(&json!({"statuses": [
        {"id": sent, "status": status, "timestamp": second(at + 1_000), "recipient_id": phone}]}));
    let answer = tenant.delivery(
        &json!({"contacts": [{"profile": {"name": "Camila"}, "wa_id": phone}], "messages": [
        {"from": phone, "id": format!("wamid.{name}.in.{group}"), "timestamp": second(at + 2_000), "type": "text",
            "text": {"body": "gracias"}}]}),
    );
    [outbound, received(status), received(answer)].map(|line| line.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_numbers_are_those_of_its_lines() {
        let found = dataset("x", 240);
        assert_eq!(found.lines.lines().count(), 240);
        let delivered = |line: &&str| line.contains(ACME.phone_number_id) && line.contains("\"delivered\"");
        assert_eq!(found.lines.lines().filter(delivered).count() as u64, found.delivered);
        let accepted = |line: &&str| line.contains(ACME.phone_number_id) && line.contains("\"source\":\"outbound\"");
        assert_eq!(found.lines.lines().filter(accepted).count() as u64, found.accepted);
        assert!(found.lines.contains(&found.last));
    }
}
