//! SSH: from a node's `ssh` table to an authenticated connection that runs commands and opens tunnels.
//!
//! In come the lab file's settings and the user's own SSH configuration, out goes a [`Session`] whose host key has been
//! checked. Nothing outside this folder knows which SSH library is used.

mod auth;
mod budget;
mod connect;
mod effective;
mod error;
mod exec;
#[cfg(test)]
mod fake;
mod host_key;
mod keys;
mod known_hosts;
mod line;
mod login;
mod prompt;
mod refusal;
mod resolve;
mod session;
mod settings;
mod trust;
mod tunnel;
mod watch;

pub use error::{Kind, Phase, SshError};
pub(in crate::transport) use exec::OUTPUT_LIMIT;
pub use exec::{Exit, Output};
pub use known_hosts::Place;
pub use prompt::{Nobody, Prompt};
pub use refusal::{Attempt, AuthRefused, ChangedHostKey, Outcome, PinnedHostKey, Recorded, UnknownHostKey};
pub use resolve::{Client, resolve, resolve_with};
pub use session::Session;
pub use settings::{Endpoint, Identity, Origin, Settings};
pub use trust::{Offered, Trust, append_known_host, fetch_host_key};
pub use tunnel::Tunnel;
