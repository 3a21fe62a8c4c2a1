//! ZFS pools, datasets and volumes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Meta, Size};
use crate::config::Located;

/// `[pools.NAME]`. Its name is the pool's.
#[derive(Debug, Clone)]
pub struct Pool {
    /// The pool's name.
    pub name: String,
    /// The node that it lies on.
    pub node: Located<String>,
    /// The devices that it may be created on; empty: it is adopted by name and never created.
    pub devices: Vec<Located<String>>,
    /// How those devices are put together.
    pub layout: Layout,
    /// Pool properties (`autotrim`) and properties of its root dataset (`compression`), told apart by their names.
    pub properties: BTreeMap<String, Located<String>>,
    /// `[pools.NAME.datasets]` by path below the pool: `models/llm`.
    pub datasets: BTreeMap<String, Dataset>,
    /// `[pools.NAME.volumes]` by path below the pool.
    pub volumes: BTreeMap<String, Volume>,
    /// What the table says of the resource.
    pub meta: Meta,
}

/// How a pool's devices are put together, in zpool's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Side by side: no redundancy.
    Stripe,
    /// Copies of each other.
    Mirror,
    /// One parity device.
    Raidz1,
    /// Two parity devices.
    Raidz2,
    /// Three parity devices.
    Raidz3,
}

/// A filesystem of a pool.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// ZFS properties as the file gives them; sizes as people write them (`100GiB`).
    pub properties: BTreeMap<String, Located<String>>,
    /// What the table says of the resource.
    pub meta: Meta,
}

/// A block device of a pool. It grows, never shrinks, is never destroyed.
#[derive(Debug, Clone)]
pub struct Volume {
    /// Its size.
    pub size: Located<Size>,
    /// ZFS properties.
    pub properties: BTreeMap<String, Located<String>>,
    /// What the table says of the resource.
    pub meta: Meta,
}
