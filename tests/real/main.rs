//! The tests on real machines: a Debian VM with ZFS and netplan, real OpenSSH servers, and a real Kubernetes control plane.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, missing_docs)]
// A scenario is read from top to bottom, and what it compares is put together from lines.
#![allow(clippy::too_many_lines, clippy::type_complexity, clippy::format_collect, clippy::unnecessary_debug_formatting)]

mod agreement;
mod cuts;
mod harness;
mod host;
mod k0s;
mod kube;
mod network;
mod objects;
mod reach;
#[path = "../suite/scenario/mod.rs"]
mod scenario;
mod ssh;
mod sudo;
mod support;
mod survive;
mod whole;
#[path = "../suite/workspace.rs"]
#[expect(dead_code, reason = "the other test binary needs more of it")]
mod workspace;
mod zfs;
