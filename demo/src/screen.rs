//! What the demo says to people. A closed pipe is no error: nobody is listening any more.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
};

/// Standard output, in colour if it is a terminal and `NO_COLOR` is not set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    colour: bool,
    silent: bool,
}

/// What a text is meant to look like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    Good,
    Bad,
    Bold,
    Faint,
}

impl Screen {
    /// The terminal as it is.
    pub(super) fn new() -> Self {
        // https://no-color.org: any value that is not empty.
        #[expect(clippy::disallowed_methods, reason = "the terminal's wish, not configuration")]
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { colour: !plain && io::stdout().is_terminal(), silent: false }
    }

    /// One that says nothing: a test's output is for what went wrong.
    #[cfg(test)]
    pub(super) fn silent() -> Self {
        Self { colour: false, silent: true }
    }

    /// One line on standard output.
    pub(super) fn line(self, text: impl fmt::Display) {
        if self.silent {
            return;
        }
        let mut out = io::stdout().lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).unwrap_or_default();
    }

    /// One line on standard error.
    pub(super) fn note(self, text: impl fmt::Display) {
        if self.silent {
            return;
        }
        writeln!(io::stderr().lock(), "{text}").unwrap_or_default();
    }

    /// The text in colour, if there are colours.
    pub(super) fn paint(self, look: Look, text: &str) -> String {
        let code = match look {
            Look::Good => "32",
            Look::Bad => "1;31",
            Look::Bold => "1",
            Look::Faint => "2",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_escapes_without_colour() {
        assert_eq!(Screen::silent().paint(Look::Bad, "x"), "x");
        assert_eq!(Screen { colour: true, ..Screen::silent() }.paint(Look::Bold, "x"), "\x1b[1mx\x1b[0m");
    }
}
