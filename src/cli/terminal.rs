//! The streams: results go to stdout, everything else to stderr; a reader that went away is no failure.

use std::io::{self, IsTerminal as _, Write as _};

use crate::report::Paint;

/// The process's streams.
#[derive(Debug, Clone, Copy)]
pub struct Terminal {
    no_color: bool,
}

impl Terminal {
    /// The streams; colour is off where `--no-color` or `NO_COLOR` says so.
    pub fn new(no_color: bool) -> Self {
        Self { no_color: no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) }
    }

    /// Whether stdout takes colour.
    pub fn paint(self) -> Paint {
        Paint { color: !self.no_color && io::stdout().is_terminal() }
    }

    /// Whether stderr takes colour.
    pub fn paint_messages(self) -> Paint {
        Paint { color: !self.no_color && io::stderr().is_terminal() }
    }

    /// Whether a person can be asked.
    pub fn is_interactive(self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether progress can be drawn.
    pub fn can_draw(self) -> bool {
        io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// A result.
    pub fn print(self, text: &str) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    }

    /// A message.
    pub fn say(self, text: &str) {
        let mut stderr = io::stderr().lock();
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }

    /// An error, with the mark that says so.
    pub fn fail(self, words: &str) {
        self.say(&format!("{} {words}\n", self.paint_messages().red("Error:")));
    }

    /// Asks, and gives back the line that was typed; `None` at the end of the input.
    pub fn ask(self, question: &str) -> Option<String> {
        self.say(question);
        let mut line = String::new();
        match io::stdin().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim().to_owned()),
        }
    }
}
