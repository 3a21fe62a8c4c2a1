//! The streams: results go to stdout, everything else to stderr; a reader that went away is no failure.

use std::io::{self, IsTerminal as _, Write as _};

use crate::report::{Paint, redaction};

/// The process's streams, and what they are connected to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    /// Colour of what goes to stdout.
    pub(super) paint: Paint,
    /// Colour of what goes to stderr.
    pub(super) paint_messages: Paint,
    /// Whether a person can be asked.
    pub(super) is_interactive: bool,
    /// Whether progress can be drawn.
    pub(super) can_draw: bool,
    /// Columns to fill with text: those of the terminal, 80 where there is none, never more than can be read well.
    pub(super) width: usize,
}

impl Terminal {
    /// The streams; colour is off where `--no-color` or `NO_COLOR` says so.
    pub(super) fn new(no_color: bool) -> Self {
        let no_color = no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let columns = terminal_size::terminal_size().map_or(80, |(columns, _)| usize::from(columns.0));
        Self {
            paint: Paint { color: !no_color && !is_dumb && io::stdout().is_terminal() },
            paint_messages: Paint { color: !no_color && !is_dumb && io::stderr().is_terminal() },
            is_interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
            can_draw: io::stderr().is_terminal() && !is_dumb,
            width: columns.clamp(40, 100),
        }
    }

    /// A result.
    #[expect(clippy::unused_self, reason = "only who was handed the terminal may write to it")]
    pub(super) fn print(self, text: &str) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(redaction::redacted(text).as_bytes()).and_then(|()| stdout.flush());
    }

    /// A message.
    #[expect(clippy::unused_self, reason = "only who was handed the terminal may write to it")]
    pub(super) fn say(self, text: &str) {
        let mut stderr = io::stderr().lock();
        let _ = stderr.write_all(redaction::redacted(text).as_bytes()).and_then(|()| stderr.flush());
    }

    /// An error, with the mark that says so.
    pub(super) fn fail(self, words: &str) {
        self.say(&format!("{} {words}\n", self.paint_messages.red("Error:")));
    }

    /// Something that should be known and stops nothing.
    pub(super) fn warn(self, words: &str) {
        self.say(&format!("{} {words}\n", self.paint_messages.yellow("Warning:")));
    }

    /// Asks, and gives back the line that was typed; `None` at the end of the input.
    pub(super) fn ask(self, question: &str) -> Option<String> {
        self.say(question);
        let mut line = String::new();
        match io::stdin().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line.trim().to_owned()),
        }
    }
}
