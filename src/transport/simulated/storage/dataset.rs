//! A filesystem or volume, and what it takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::property::{Of, Property};
use super::snapshots::Snapshot;

/// A filesystem or volume.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Dataset {
    pub(super) is_volume: bool,
    pub(super) settings: BTreeMap<String, String>,
    /// What came with a received stream.
    pub(super) received: BTreeMap<String, String>,
    /// Bytes of data in it.
    pub(super) holds: u64,
    /// Bytes that it takes without any.
    pub(super) empty: u64,
    pub(super) number: u64,
    /// By name, without the dataset's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) snapshots: BTreeMap<String, Snapshot>,
}

impl Dataset {
    pub(super) fn has(&self, property: &Property) -> bool {
        property.of == Of::Both || (property.of == Of::Volumes) == self.is_volume
    }

    pub(super) fn number_of(&self, property: &str) -> u64 {
        self.settings.get(property).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    pub(super) fn referenced(&self) -> u64 {
        self.holds + self.empty
    }

    /// Bytes that no snapshot holds.
    pub(super) fn own(&self) -> u64 {
        self.referenced() - self.kept_by_snapshots()
    }

    /// Bytes that snapshots hold; here they are the dataset's own, too: nothing is ever written over.
    pub(super) fn kept_by_snapshots(&self) -> u64 {
        if self.snapshots.is_empty() { 0 } else { self.referenced() }
    }

    /// Bytes that it takes: a reservation is kept beside what snapshots hold.
    pub(super) fn used(&self) -> u64 {
        self.kept_by_snapshots() + self.own().max(self.number_of("refreservation"))
    }
}
