//! What came of a step, and why a ground could not be asked.

use serde::{Deserialize, Serialize};

/// What came of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// It is done.
    Done,
    /// What it relies on is not as the plan saw it; it did nothing.
    Stale {
        /// What it relies on: a command or a file.
        guard: String,
        /// What is so now, where it may be shown.
        found: String,
    },
    /// It was done and failed.
    Failed {
        /// Exit status; that of HTTP where an API server refused.
        code: u32,
        /// The last lines that it printed.
        words: Vec<String>,
    },
    /// The connection broke, or the limit ran out, while it may have been at work.
    Lost(String),
}

/// Why a ground could not be asked or told anything at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReachError {
    /// No connection, or none that may be trusted.
    #[error("{0}")]
    Unreachable(String),
    /// It does not exist yet: what leads to it (a kubeconfig) is made by a change of the lab. It is no fault of the way
    /// there.
    #[error("{0}")]
    NotYet(String),
    /// The login may not do what the plan needs or is not let in, or who answers there may not be trusted. Asking once more
    /// is of no use.
    #[error("{0}")]
    Denied(String),
    /// A secret's value could not be had.
    #[error("{0}")]
    Secret(String),
    /// The answer is not what labctl's script prints.
    #[error("{0}")]
    Garbled(String),
}

impl ReachError {
    /// The same, said of what is reached by way of it.
    #[must_use]
    pub(super) fn within(self, prefix: &str) -> Self {
        let say = |words: String| format!("{prefix}: {words}");
        match self {
            Self::Unreachable(words) => Self::Unreachable(say(words)),
            Self::Denied(words) => Self::Denied(say(words)),
            Self::Secret(words) => Self::Secret(say(words)),
            Self::Garbled(words) => Self::Garbled(say(words)),
            Self::NotYet(words) => Self::NotYet(say(words)),
        }
    }
}
