//! Waiting for what another process does, by asking.

use std::time::Duration;
use std::time::Instant;

/// Asks until the answer is yes; after `limit`, fails with what there is to say then.
pub(crate) fn wait_until(limit: Duration, mut holds: impl FnMut() -> bool, otherwise: impl FnOnce() -> String) {
    let deadline = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {limit:?}: {}", otherwise());
        std::thread::sleep(Duration::from_millis(50));
    }
}
