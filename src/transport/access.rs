//! What a run brings along to be let in.

use std::sync::Arc;

use super::ssh::Prompt;

/// What a run brings along to be let in.
#[derive(Clone)]
pub struct Access {
    /// `--read-only`: as the login, without sudo.
    pub read_only: bool,
    /// Asks for passphrases of keys, and for sudo's password.
    pub prompt: Arc<dyn Prompt>,
}
