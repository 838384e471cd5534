//! JSON by hand: the bodies are built a million times, and each part of them is ours.

use crate::random::scramble;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hilo_domain::{Millis, time};

/// Writes itself where JSON is being built.
pub(crate) trait Put {
    fn put(&self, out: &mut String);
}

/// Appends the parts to a string.
macro_rules! put {
    ($out:expr; $($part:expr),+ $(,)?) => {{ $( $crate::text::Put::put(&$part, $out); )+ }};
}
pub(crate) use put;

impl Put for &str {
    fn put(&self, out: &mut String) {
        out.push_str(self);
    }
}

impl Put for String {
    fn put(&self, out: &mut String) {
        out.push_str(self);
    }
}

impl Put for u64 {
    fn put(&self, out: &mut String) {
        let mut digits = [0_u8; 20];
        let mut start = digits.len();
        let mut left = *self;
        loop {
            start -= 1;
            digits[start] = b'0' + (left % 10) as u8;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        if let Ok(text) = std::str::from_utf8(&digits[start..]) {
            out.push_str(text);
        }
    }
}

/// Whole seconds since the epoch, as the platform writes times.
pub(crate) struct Seconds(pub(crate) Millis);

impl Put for Seconds {
    fn put(&self, out: &mut String) {
        self.0.div_euclid(time::SECOND).unsigned_abs().put(out);
    }
}

/// RFC 3339, as our own systems write times.
pub(crate) struct Rfc3339(pub(crate) Millis);

impl Put for Rfc3339 {
    fn put(&self, out: &mut String) {
        out.push_str(&time::to_rfc3339(self.0));
    }
}

/// A JSON string, quoted and escaped.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl Put for Quoted<'_> {
    fn put(&self, out: &mut String) {
        hilo_domain::json::write_string(self.0, out);
    }
}

/// A message id as the platform makes them: base64 over the person's digits and a unique part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wamid {
    /// Digits of the person; of their user id where the phone is hidden.
    pub(crate) digits: u64,
    /// Unique in a run.
    pub(crate) id: u64,
    pub(crate) inbound: bool,
}

impl Put for Wamid {
    fn put(&self, out: &mut String) {
        const HEXADECIMAL: &[u8; 16] = b"0123456789ABCDEF";
        let mut bytes = [0_u8; 48];
        let mut length = 3;
        bytes[..3].copy_from_slice(&[0x1c, 0x18, 0]);
        let mut divisor = 10_u64.pow(self.digits.checked_ilog10().unwrap_or(0));
        while divisor > 0 {
            bytes[length] = b'0' + (self.digits / divisor % 10) as u8;
            length += 1;
            divisor /= 10;
        }
        bytes[2] = (length - 3) as u8;
        let kind = if self.inbound { 0x12 } else { 0x11 };
        for byte in [0x15, 0x02, 0x00, kind, 0x18, 0x12] {
            bytes[length] = byte;
            length += 1;
        }
        // Eighteen digits of which sixteen make it unique, as in the platform's.
        let unique = scramble(self.id);
        for nibble in [3, 10]
            .into_iter()
            .chain((0..16).map(|nibble| unique >> (nibble * 4) & 15))
        {
            bytes[length] = HEXADECIMAL[nibble as usize];
            length += 1;
        }
        out.push_str("wamid.");
        STANDARD.encode_string(&bytes[..=length.min(47)], out);
    }
}

/// Appends `text` as Meta's bytes are: non-ASCII as `\u` with lower-case digits (surrogate pairs), `/` as `\/`.
/// `text` is JSON, so both stand in strings only.
pub(crate) fn escape_like_meta(text: &str, out: &mut String) {
    const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";
    let mut plain = 0;
    for (index, character) in text.char_indices() {
        if character.is_ascii() && character != '/' {
            continue;
        }
        out.push_str(&text[plain..index]);
        plain = index + character.len_utf8();
        if character == '/' {
            out.push_str("\\/");
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            out.push_str("\\u");
            for shift in [12, 8, 4, 0] {
                out.push(char::from(HEXADECIMAL[usize::from(*unit >> shift & 15)]));
            }
        }
    }
    out.push_str(&text[plain..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_in_the_platforms_test_vector() {
        let mut out = String::new();
        escape_like_meta("{\"t\":\"café 😀 a/b\"}", &mut out);
        assert_eq!(out, r#"{"t":"caf\u00e9 \ud83d\ude00 a\/b"}"#);
    }

    #[test]
    fn a_message_id_embeds_the_digits() {
        let mut out = String::new();
        Wamid {
            digits: 56_961_234_567,
            id: 7,
            inbound: false,
        }
        .put(&mut out);
        assert!(out.starts_with("wamid.HBgLNTY5NjEyMzQ1NjcVAgARGBI"), "{out}");
        let bytes = STANDARD.decode(&out["wamid.".len()..]).unwrap();
        assert_eq!((bytes.len(), bytes.last()), (3 + 11 + 6 + 18 + 1, Some(&0)));
    }

    #[test]
    fn writes_numbers() {
        let mut out = String::new();
        put!(&mut out; 0_u64, ",", u64::MAX, ",", Seconds(1_777_899_600_999));
        assert_eq!(out, "0,18446744073709551615,1777899600");
    }
}
