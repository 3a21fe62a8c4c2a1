//! Exit codes, and which of several holds.

use std::process::ExitCode;

/// How a run ended. The order is that of precedence: the first that holds is the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 130: interrupted.
    Interrupted,
    /// 3: the file is invalid.
    Invalid,
    /// 6: the lock is held.
    Locked,
    /// 8: refused, to protect data.
    Protected,
    /// 5: the plan is stale.
    Stale,
    /// 4: a node or cluster could not be reached.
    Unreachable,
    /// 7: applied in part.
    Partial,
    /// 1: any other error.
    Error,
    /// 2: changes are pending (`--detailed-exitcode`).
    Pending,
    /// 0: done, or no changes.
    Done,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Error => 1,
            Self::Pending => 2,
            Self::Invalid => 3,
            Self::Unreachable => 4,
            Self::Stale => 5,
            Self::Locked => 6,
            Self::Partial => 7,
            Self::Protected => 8,
            Self::Interrupted => 130,
        }
    }

    /// The one of two that the process ends with.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command can't go on: what is said, and how the process ends.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is wrong, with the remedy where one is known.
    pub words: String,
}

impl Failure {
    /// A failure.
    pub fn new(exit: Exit, words: impl Into<String>) -> Self {
        Self { exit, words: words.into() }
    }

    /// Any other error.
    pub fn error(words: impl Into<String>) -> Self {
        Self::new(Exit::Error, words)
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn where_several_hold_the_first_of_the_documented_order_wins() {
        let order = [130, 3, 6, 8, 5, 4, 7, 1, 2, 0];
        let mut all = [
            Exit::Done,
            Exit::Error,
            Exit::Pending,
            Exit::Invalid,
            Exit::Unreachable,
            Exit::Stale,
            Exit::Locked,
            Exit::Partial,
            Exit::Protected,
            Exit::Interrupted,
        ];
        all.sort();
        assert_eq!(all.map(Exit::code), order);
        assert_eq!(Exit::Pending.and(Exit::Unreachable), Exit::Unreachable);
    }
}
