//! The engine and the kinds against the simulated lab: whatever is edited, whatever breaks.

mod apt;
mod bench;
mod faults;
mod generated;
mod hands;
mod k0s;
mod locks;
mod properties;
mod snapshots;

pub(crate) use bench::{Bench, Silent, wait};
