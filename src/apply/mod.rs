//! The engine, a state machine: which step next. It does nothing itself; `cli` drives it over a transport.

mod engine;
mod job;
pub mod journal;

pub use engine::{Command, Engine, Limits};
pub use job::{Failure, Reason, State};

#[cfg(test)]
mod tests;
