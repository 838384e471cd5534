mod support;
use hilo_stream::Executor;
use std::time::Instant;
#[test]
fn measure() {
    let mut lines = String::new();
    for n in 0..60_000u64 {
        let who = n % 20_000;
        lines.push_str(&format!(r#"{{"source":"whatsapp","tenant":"acme","received_at":"2026-05-04T13:00:01Z","body":{{"object":"whatsapp_business_account","entry":[{{"id":"310000000000001","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"56229876543","phone_number_id":"210000000000001"}},"contacts":[{{"profile":{{"name":"Camila"}},"wa_id":"569612{who:05}","user_id":"CL.{who}"}}],"messages":[{{"from":"569612{who:05}","from_user_id":"CL.{who}","id":"wamid.HBgLNTY5NjEyMzQ1NjcVAgASGBQzQUFERjg0NDEzNDdFODU3M{n:08}","timestamp":"{}","type":"text","text":{{"body":"Hola, ¿tienen hora mañana por la tarde?"}}}}]}}}}]}}]}}}}
"#, 1777899600 + n));
        if n % 3 == 0 {
            lines.push_str(&format!(r#"{{"source":"outbound","tenant":"acme","at":"2026-05-05T15:00:00Z","phone_number_id":"210000000000001","message_id":"wamid.HBgLNTY5NjEyMzQ1NjcVAgASGBQzQUFERjg0NDEzNDdFODU3X{n:08}","to":{{"phone":"+569612{who:05}"}},"type":"template","template":{{"name":"promo_otono","language":"es","category":"marketing"}},"author":{{"kind":"campaign","id":"otono"}},"campaign":"otono","segment":"vip"}}
{{"source":"whatsapp","tenant":"acme","received_at":"2026-05-04T13:00:01Z","body":{{"object":"whatsapp_business_account","entry":[{{"id":"310000000000001","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"56229876543","phone_number_id":"210000000000001"}},"statuses":[{{"id":"wamid.HBgLNTY5NjEyMzQ1NjcVAgASGBQzQUFERjg0NDEzNDdFODU3X{n:08}","status":"sent","timestamp":"1777993202","recipient_id":"569612{who:05}","recipient_user_id":"CL.{who}"}},{{"id":"wamid.HBgLNTY5NjEyMzQ1NjcVAgASGBQzQUFERjg0NDEzNDdFODU3X{n:08}","status":"delivered","timestamp":"1777993205","recipient_id":"569612{who:05}","recipient_user_id":"CL.{who}"}},{{"id":"wamid.HBgLNTY5NjEyMzQ1NjcVAgASGBQzQUFERjg0NDEzNDdFODU3X{n:08}","status":"read","timestamp":"1777993255","recipient_id":"569612{who:05}","recipient_user_id":"CL.{who}"}}]}}}}]}}]}}}}
"#));
        }
    }
    let records = support::records(&lines);
    let topology = support::topology();
    let mut one = Executor::new(&topology, &["normalize"], hilo_normalize::dead_letter).unwrap();
    let mut two = Executor::new(&topology, &["deduplicate"], hilo_normalize::dead_letter).unwrap();
    let start = Instant::now();
    let n = records.len();
    let mut items = Vec::new();
    for record in records { one.feed(record).unwrap(); for mut item in one.take_outputs() { item.value.shrink_to_fit(); items.push(item) } }
    let first = start.elapsed();
    let m = items.len();
    let rss = || std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096 / 1_000_000;
    let start = Instant::now();
    let before = rss();
    for item in items { two.feed(item).unwrap(); let _ = two.take_outputs(); }
    let second = start.elapsed();
    println!("{n} records {m} items normalize {:?} per item {:?} per record; dedup {:?} per item; rss {before} -> {} MB", first / m as u32, first / n as u32, second / m as u32, rss());
}
