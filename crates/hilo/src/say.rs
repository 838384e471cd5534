//! What a command tells its user.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    io::{self, Write},
};

/// Writes a line to standard output; an [`std::io::Error`] where it cannot be. A reader that went away (`hilo … | head`)
/// ends the command, where `println!` would panic. Control characters in it are escaped.
macro_rules! say {
    () => { $crate::say::line(::std::format_args!("")) };
    ($($part:tt)*) => { $crate::say::line(::std::format_args!($($part)*)) };
}

pub(crate) use say;

/// One line of a command's output.
pub(crate) fn line(text: fmt::Arguments) -> io::Result<()> {
    let text = text.to_string();
    writeln!(io::stdout(), "{}", plain(&text))
}

/// A text that a terminal only shows. What steers it, ends a line or turns the direction of writing is escaped as JSON does
/// it, so that a JSON text stays the same value.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if steers(character) {
            // Writing to a String cannot fail; none of them is beyond the first plane.
            let _ = write!(out, "\\u{:04x}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out.into()
}

/// Control characters (C0, DEL, C1), ends of lines and paragraphs, and marks that turn the direction of writing.
fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Escapes what is written line by line into `0`, for output that is data and may be shown by a terminal.
pub(crate) struct Plain<W: Write>(pub(crate) W);

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // What is written at once is whole characters: our writers hand over texts.
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split('\n');
        if let Some(first) = lines.next() {
            self.0.write_all(plain(first).as_bytes())?;
        }
        for next in lines {
            self.0.write_all(b"\n")?;
            self.0.write_all(plain(next).as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        assert_eq!(plain("año 3 · 👍"), "año 3 · 👍");
        assert_eq!(
            plain("\u{1b}]0;pwned\u{7}\u{1b}[31mFAKE\n\u{9b}2J\u{202e}txt\u{7f}"),
            "\\u001b]0;pwned\\u0007\\u001b[31mFAKE\\u000a\\u009b2J\\u202etxt\\u007f"
        );
        let mut out = Vec::new();
        Plain(&mut out).write_all("a\u{1b}\nb\u{85}\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "a\\u001b\nb\\u0085\n");
    }

    proptest! {
        #[test]
        fn no_text_steers_and_json_stays_the_same_value(text in any::<String>()) {
            prop_assert!(!plain(&text).chars().any(steers));
            let json = serde_json::to_string(&text).unwrap();
            let read: String = serde_json::from_str(&plain(&json)).unwrap();
            prop_assert_eq!(read, text);
        }
    }
}
