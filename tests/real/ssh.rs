//! The SSH layer against real OpenSSH: servers on loopback, the real `ssh -G`, the real agent.

mod commands;
mod host_keys;
mod login;
mod person;
mod reach;

use std::time::Duration;

/// Long enough for any command here.
const LIMIT: Duration = Duration::from_secs(30);
