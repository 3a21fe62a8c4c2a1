//! The simulated lab: nodes in memory behind the same boundary as the real ones.
//!
//! It takes asks and steps as data, the same that are rendered to `sh` for a real node, and implements the programs
//! that they name. Where it can't know what a real host would do, it says so; it never guesses. The same seed gives the
//! same run. Time passes when something takes time; nobody waits for it.

#![allow(
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_ref_mut,
    reason = "all programs have one signature, whether they can fail, change the machine, or read"
)]
#![allow(clippy::match_same_arms, reason = "cases stand in the order of what they are about")]
#![allow(clippy::needless_for_each, reason = "what is done to each stands behind what each is")]
#![allow(clippy::format_collect, reason = "what programs print is put together line by line, and is never large")]
#![allow(clippy::case_sensitive_file_extension_comparisons, reason = "Linux tells `.conf` from `.CONF`")]

mod api;
mod asks;
mod clock;
mod clusters;
mod described;
mod fault;
mod files;
mod found;
mod gap;
mod k0s;
mod lab;
mod machine;
mod mischief;
mod network;
mod packages;
mod proc;
mod programs;
mod reach;
mod shell;
mod steps;
mod storage;
mod tuning;
mod units;
mod world;

pub use described::{Description, DescriptionError};
pub use fault::{Fault, FaultError, Moment, Trouble, parse_faults};
pub use lab::{Pace, SimulatedLab};
pub use mischief::{Mischief, MischiefError};
pub use world::{World, WorldError};

use zeroize::Zeroizing;

use super::contents::Source;
use crate::lab::SecretName;

/// Secrets of a simulated lab: each has a value that is made up, so that no real one is ever needed or kept.
pub struct MadeUp<S>(pub S);

impl<S: Source> Source for MadeUp<S> {
    fn secret(&self, name: &SecretName) -> Result<Zeroizing<Vec<u8>>, String> {
        Ok(Zeroizing::new(format!("made-up-value-of-{name}").into_bytes()))
    }

    fn blob(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.blob(path)
    }
}
