//! Captures: the simulator's deliveries as ndjson.

use crate::{
    Event, Kind, Profile, Simulator, Tally,
    text::{Quoted, Rfc3339, put},
};
use std::io::{self, Write};

/// Writes the deliveries of a world until they hold `items` items, and says what was written. The last delivery is
/// written whole, so there may be some more.
pub fn write(out: &mut impl Write, seed: u64, profile: Profile, items: u64) -> io::Result<Tally> {
    let mut tally = Tally::default();
    let mut buffer = String::new();
    for event in Simulator::new(seed, profile) {
        if tally.items.unsigned_abs() >= items {
            break;
        }
        buffer.clear();
        append_line(&mut buffer, &event);
        out.write_all(buffer.as_bytes())?;
        tally.add(&event.tally);
    }
    out.flush()?;
    Ok(tally)
}

/// Appends the capture line of a delivery, with its end. A webhook's body stands in it byte for byte.
pub fn append_line(out: &mut String, event: &Event) {
    match &event.kind {
        Kind::Line { json, .. } => put!(out; json.as_str(), "\n"),
        Kind::Webhook { body } => put!(
            out; "{\"source\":\"whatsapp\",\"tenant\":", Quoted(&event.tenant), ",\"received_at\":\"",
            Rfc3339(event.send_at), "\",\"body\":", body.as_str(), "}\n"
        ),
    }
}
