//! ZFS pools, datasets and volumes.
//!
//! Declared by `[pools.*]`; read by a few asks that all ZFS resources of a node share ([`site`], [`read`]); compared as
//! `zfs get -Hp` prints them ([`property`]); marked by user properties on the things themselves ([`marks`]). They are
//! data: what leaves the file stays, nothing is destroyed, shrunk, exported, upgraded or forced.

mod dataset;
mod devices;
mod marks;
pub(super) mod mounts;
mod pool;
mod property;
mod read;
mod site;
mod snapshot;
mod survey;
#[cfg(test)]
mod tests;
pub mod trash;
mod volume;
mod wanted;

pub(super) use dataset::Datasets;
pub(super) use pool::Pools;
pub(super) use snapshot::{Snapshots, no_snapshot};
pub(super) use volume::Volumes;
