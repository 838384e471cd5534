//! Contents at rest. The smaller of two contents holds, so the one that holds is kept to be compared with; as most of
//! a message is keys that every message has, they rest as one byte each.

/// What stands in nearly every content, longest first where one begins another. Bytes below a space stand for them:
/// canonical JSON escapes these in texts and has them nowhere else.
const COMMON: [&str; 29] = [
    "{\"from\":\"",
    "\",\"from_user_id\":\"",
    "\",\"id\":\"",
    "\",\"text\":{\"body\":\"",
    "\"},\"timestamp\":\"1",
    "\",\"timestamp\":\"1",
    "\",\"type\":\"text\"}",
    "\",\"type\":\"image\"}",
    "\",\"type\":\"interactive\"}",
    "\",\"type\":\"button\"}",
    "\",\"type\":\"",
    "{\"at\":\"20",
    "{\"context\":{\"from\":\"",
    "\"},\"from\":\"",
    "\",\"author\":{\"id\":\"",
    "\",\"kind\":\"campaign\"}",
    "\",\"kind\":\"automation\"}",
    "\",\"kind\":\"agent\"}",
    "\",\"kind\":\"bot\"}",
    ",\"campaign\":\"",
    "\",\"message_id\":\"",
    ",\"message_id\":\"",
    "\",\"phone_number_id\":\"",
    "\",\"segment\":\"",
    "\",\"source\":\"outbound\",",
    "\"template\":{\"category\":\"",
    "\",\"language\":\"",
    "\",\"name\":\"",
    "\"tenant\":\"",
];

/// The tokens with this fourth byte, a bit each: their first bytes are alike, and most bytes begin none.
const BY_FOURTH: [u32; 256] = {
    let mut tokens = [0; 256];
    let mut token = 0;
    while token < COMMON.len() {
        tokens[COMMON[token].as_bytes()[3] as usize] |= 1 << token;
        token += 1;
    }
    tokens
};

/// Stands for the message's own id.
const ID: u8 = COMMON.len() as u8;

/// The content of a message with this id, at rest.
pub(super) fn pack(content: &str, id: &str) -> Box<[u8]> {
    let bytes = content.as_bytes();
    let mut out = Vec::with_capacity(bytes.len() / 2);
    let mut at = 0;
    let first_of_id = id.as_bytes().first();
    while at < bytes.len() {
        let rest = &bytes[at..];
        if let Some(token) = token(rest) {
            out.push(token as u8);
            at += COMMON[token].len();
        } else if first_of_id == rest.first() && rest.starts_with(id.as_bytes()) {
            out.push(ID);
            at += id.len();
        } else {
            out.push(rest[0]);
            at += 1;
        }
    }
    out.into()
}

/// The token that stands there.
fn token(rest: &[u8]) -> Option<usize> {
    if !matches!(rest[0], b'"' | b'{' | b',') {
        return None;
    }
    let tokens = rest.get(3).map_or(0, |fourth| BY_FOURTH[usize::from(*fourth)]);
    (tokens.trailing_zeros() as usize..COMMON.len())
        .find(|token| tokens >> token & 1 == 1 && rest.starts_with(COMMON[*token].as_bytes()))
}

/// The content that [`pack`] put to rest.
pub(super) fn unpack(packed: &[u8], id: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(packed.len() * 2);
    for byte in packed {
        match COMMON.get(usize::from(*byte)) {
            Some(common) => out.extend_from_slice(common.as_bytes()),
            None if *byte == ID => out.extend_from_slice(id.as_bytes()),
            None => out.push(*byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use hilo_domain::json::canonical;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn usual_contents_rest_in_half_their_size() {
        let id = "wamid.HBgLNTY5NjEyMzQ1NjcVAgASGBQzQUFERjg0NDEzNDdFODU3MUMxMAA=";
        let received = json!({"from": "56961234567", "from_user_id": "CL.1001", "id": id, "timestamp": "1777899600",
            "type": "text", "text": {"body": "Hola"}});
        let sent = json!({"source": "outbound", "tenant": "acme", "at": "2026-05-05T15:00:00Z",
            "phone_number_id": "210000000000001", "message_id": id, "to": {"user_id": "CL.1002"}, "type": "template",
            "template": {"name": "promo", "language": "es", "category": "marketing"},
            "author": {"kind": "campaign", "id": "otono"}, "campaign": "otono", "segment": "vip"});
        for content in [canonical(&received), canonical(&sent)] {
            let packed = pack(&content, id);
            assert!(
                packed.len() * 2 < content.len(),
                "{} of {}",
                packed.len(),
                content.len()
            );
            assert_eq!(unpack(&packed, id), content.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn whatever_was_packed_comes_back(text in "\\PC*", id in "[a-z=.]{0,6}", cut in 0..200usize) {
            let content = canonical(&json!({"id": id, "text": {"body": text}, "\u{1}\n": "\u{0}", "type": "text"}));
            let content: String = content.chars().take(cut).collect();
            prop_assert_eq!(unpack(&pack(&content, &id), &id), content.into_bytes());
        }
    }
}
