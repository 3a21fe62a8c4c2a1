//! The tests of the whole program, without a lab.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, missing_docs)]

mod agreement;
mod bad;
mod demo;
mod examples;
mod generated;
mod kinds;
mod local;
mod network_script;
mod parsing;
mod readme;
mod scenario;
mod simulated;
mod workspace;
