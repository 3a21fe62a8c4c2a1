//! The only way to a ground. The real lab and the simulated one stand behind [`Transport`]; nothing else does I/O with
//! the lab.

mod access;
mod contents;
mod kube;
mod kubectl;
mod link;
mod local_shell;
mod outcome;
mod plain;
mod real;
mod recorded;
mod reply;
mod script;
pub mod simulated;
pub mod ssh;
mod ssh_shell;

pub use access::Access;
pub use contents::{Contents, Outside, Source};
pub use kube::{Forward, Handed};
pub use outcome::{ReachError, StepOutcome};
pub use plain::plain_script;
pub use real::RealLab;
pub use recorded::RecordedLab;
pub use reply::{read_outcomes, read_reply};

use futures::future::BoxFuture;

use crate::lab::Ground;
use crate::observe::{Ask, Reply};
use crate::plan::Step;

/// What a lab can be asked and told.
pub trait Transport: Send + Sync {
    /// Asks a ground: one connection, one exec. Changes nothing there.
    fn probe<'a>(&'a self, ground: &'a Ground, asks: &'a [Ask]) -> BoxFuture<'a, Result<Reply, ReachError>>;

    /// Runs the steps in order, in one exec, until one is not done. The outcomes are those of the steps that were
    /// begun; none at all is never returned.
    fn act<'a>(&'a self, ground: &'a Ground, leg: &'a [Step]) -> BoxFuture<'a, Vec<StepOutcome>>;

    /// Whether time passes there by itself, so that waiting changes anything.
    fn is_in_real_time(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
