//! The simulated `sh`: labctl's own scripts run on a simulated node as they are, with its programs.
//!
//! It knows the part of POSIX sh that they use. Anything else is a gap that is said, never skipped.

mod builtin;
mod expand;
mod parse;
mod pattern;
mod run;
mod syntax;

use super::gap::Gap;
use super::machine::Machine;
use super::programs::Stdin;
use crate::observe::Output;

pub(super) use pattern::matches;

/// Runs a script with its `$0` and arguments.
pub(super) fn run(
    machine: &mut Machine,
    text: &str,
    zero: &str,
    arguments: &[String],
    stdin: &mut Stdin,
) -> Result<Output, Gap> {
    let list = parse::parse(text)?;
    run::Shell::new(machine, zero, arguments).run(&list, stdin)
}

#[cfg(test)]
mod tests;
