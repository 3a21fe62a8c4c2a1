//! Where the simulation ends: it says so instead of guessing.

/// Something that a real host would do and the simulated one does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the simulated {0}")]
pub(super) struct Gap(String);

impl Gap {
    /// What comes after "the simulated": zfs has no `-X`.
    pub(super) fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}
