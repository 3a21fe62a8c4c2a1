//! A node's time: it passes when something takes time, never by itself.

use serde::{Deserialize, Serialize};

/// Seconds since 1970 at which every simulated lab begins: 2026-01-01.
pub(super) const BEGINNING: i64 = 1_767_225_600;
/// How long a reboot takes.
const BOOT: u64 = 30_000;

/// A node's clock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Clock {
    /// Milliseconds since the simulation began.
    now: u64,
    /// When the node was started, in the same milliseconds.
    started: u64,
    /// What the wall clock is off by, in seconds.
    pub(super) off: i64,
    boots: u64,
    seed: u64,
}

impl Clock {
    pub(super) fn new(seed: u64) -> Self {
        Self { now: 86_400_000, started: 0, off: 0, boots: 1, seed }
    }

    pub(super) fn advance(&mut self, milliseconds: u64) {
        self.now += milliseconds;
    }

    /// Milliseconds since the simulation began.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// Seconds since the start of the node.
    pub(super) fn uptime(&self) -> u64 {
        self.now.saturating_sub(self.started) / 1000
    }

    /// Seconds since 1970 as the node sees them.
    pub(super) fn wall(&self) -> i64 {
        BEGINNING + i64::try_from(self.now / 1000).unwrap_or_default() + self.off
    }

    /// The node starts anew, and is there again when that is over.
    pub(super) fn boot(&mut self) {
        self.started = self.now;
        self.now += BOOT;
        self.boots += 1;
    }

    /// What tells one boot from the next, in the form of a UUID.
    pub(super) fn boot_id(&self) -> String {
        let (a, b) = (mix(self.seed ^ self.boots), mix(self.seed.wrapping_add(self.boots)));
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 48 & 0xfff,
            b & 0xffff_ffff_ffff
        )
    }
}

/// A number that looks like chance and is always the same for the same seed (`SplitMix64`).
pub(super) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
