//! What labctl has to say about a file: an error or a warning with a place, a label and a remedy.

use serde::Serialize;

use super::Place;

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file can't be used.
    Error,
    /// The file can be used; something in it is doubtful.
    Warning,
}

/// One finding about the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How much it weighs.
    pub severity: Severity,
    /// The code, stable across versions: `LAB012`. `docs/reference/rules.md` lists them.
    pub code: &'static str,
    /// One sentence without a period: what is wrong.
    pub summary: String,
    /// The stretch that is wrong, with the words that stand under it. The first is the main one.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

/// A place with the words that stand under it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    /// Where.
    pub place: Place,
    /// What is to be said about that place.
    pub words: String,
}

impl Diagnostic {
    /// An error at one place.
    pub fn error(code: &'static str, summary: impl Into<String>, place: Place, words: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            summary: summary.into(),
            labels: vec![Label { place, words: words.into() }],
            help: None,
        }
    }

    /// A warning at one place.
    pub fn warning(code: &'static str, summary: impl Into<String>, place: Place, words: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, summary, place, words) }
    }

    /// The same with a remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with a second place.
    #[must_use]
    pub fn also(mut self, place: Place, words: impl Into<String>) -> Self {
        self.labels.push(Label { place, words: words.into() });
        self
    }
}
