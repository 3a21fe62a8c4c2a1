//! The tests of the whole program, without a lab.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, missing_docs)]

mod absent;
mod action;
mod agreement;
mod apt_update;
mod bad;
mod branches;
mod canary;
mod comments;
mod demo;
mod destroy;
mod diff;
mod examples;
mod fuzz;
mod generated;
mod kinds;
mod kubeconfig;
mod local;
mod locks;
mod moved;
mod network_script;
mod offline;
mod parsing;
mod quoting;
mod readme;
mod saved;
#[expect(dead_code, reason = "the other test binary needs more of it")]
mod scenario;
mod simulated;
mod sops;
mod survive;
mod untrusted;
mod waves;
mod workspace;
