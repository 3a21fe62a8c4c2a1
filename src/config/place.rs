//! Where in the user's files a value stands.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A stretch of one source file. Lines and columns count from 1, columns in characters; the span is in bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The file, as it is called in the source tree: `homelab.toml`, `nodes/n5.toml`.
    pub file: Arc<str>,
    /// First line of the stretch.
    pub line: u32,
    /// First column of the stretch.
    pub column: u32,
    /// First byte of the stretch.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

impl Place {
    /// The place of `span` in the file called `file`, whose whole text is `text`.
    pub fn new(file: &Arc<str>, text: &str, span: Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            file: Arc::clone(file),
            line: count(before.matches('\n').count() + 1),
            column: count(before[line_start..].chars().count() + 1),
            start: span.start,
            end: span.end,
        }
    }

    /// The bytes of the stretch.
    pub fn span(&self) -> Range<usize> {
        self.start..self.end
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A value with the place it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Located<T> {
    /// A value and its place.
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}

impl<T> std::ops::Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
