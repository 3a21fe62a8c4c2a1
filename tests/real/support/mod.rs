//! What the tests on real machines stand on.
#![allow(dead_code, reason = "not every scenario needs every means")]

mod monitor;
pub(crate) mod seed;
pub(crate) mod tied;
pub(crate) mod wait;

pub(crate) mod apart;
pub(crate) mod control_plane;
pub(crate) mod k0s;
pub(crate) mod operator;
pub(crate) mod sshd;
pub(crate) mod vm;
pub(crate) mod wire;
