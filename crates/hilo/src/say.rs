//! What a command tells its user.

/// Writes a line to standard output; an [`std::io::Error`] where it cannot be. A reader that went away (`hilo … | head`)
/// ends the command, where `println!` would panic.
macro_rules! say {
    ($($part:tt)*) => {{
        use ::std::io::Write as _;
        ::std::writeln!(::std::io::stdout(), $($part)*)
    }};
}

pub(crate) use say;
