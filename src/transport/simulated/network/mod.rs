//! The network of a simulated node: what the kernel has, what netplan makes of its files, and what answers around it.

pub(super) mod kernel;
pub(super) mod netplan;
pub(super) mod surroundings;

pub(super) use kernel::{Address, Kernel, Link, Nature, Route};
pub(super) use surroundings::Surroundings;
