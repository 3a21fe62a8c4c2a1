//! Colour, or none. Everything can be read without it.

use anstyle::{AnsiColor, Style};

/// Paints text where colour is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    /// Whether control codes are written at all.
    pub color: bool,
}

impl Paint {
    /// Text in a style.
    pub fn paint(self, style: Style, text: impl std::fmt::Display) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    /// Strong text.
    pub fn bold(self, text: impl std::fmt::Display) -> String {
        self.paint(Style::new().bold(), text)
    }

    /// Text of less weight.
    pub fn dim(self, text: impl std::fmt::Display) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    /// What is made.
    pub fn green(self, text: impl std::fmt::Display) -> String {
        self.paint(AnsiColor::Green.on_default(), text)
    }

    /// What is changed.
    pub fn yellow(self, text: impl std::fmt::Display) -> String {
        self.paint(AnsiColor::Yellow.on_default(), text)
    }

    /// What goes, or is wrong.
    pub fn red(self, text: impl std::fmt::Display) -> String {
        self.paint(AnsiColor::Red.on_default(), text)
    }

    /// What is taken note of.
    pub fn cyan(self, text: impl std::fmt::Display) -> String {
        self.paint(AnsiColor::Cyan.on_default(), text)
    }
}
