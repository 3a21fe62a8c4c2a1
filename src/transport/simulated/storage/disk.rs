//! The disks below the pools.

use serde::{Deserialize, Serialize};

/// A disk, or a file that serves as one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Disk {
    /// What is on it: a filesystem's type.
    pub(in super::super) holds: Option<String>,
    pub(in super::super) label: Option<String>,
    pub(in super::super) mountpoint: Option<String>,
    /// It is a plain file.
    pub(in super::super) is_file: bool,
    /// The kernel's name of it, where that is known: `vdb`.
    #[serde(default)]
    pub(in super::super) node: Option<String>,
    /// Bytes of a sector, where that is known.
    #[serde(default)]
    pub(in super::super) sector: Option<u64>,
    /// Bytes that it has for a pool, where that is known.
    #[serde(default)]
    pub(in super::super) size: Option<u64>,
}

impl Disk {
    /// Bytes that it has for a pool: one that nobody has measured is a large one.
    pub(super) fn room(&self) -> u64 {
        self.size.unwrap_or(1 << 40)
    }
}
