//! Questions to the person at the terminal.

use std::path::Path;

use zeroize::Zeroizing;

/// Asks a person for what only a person knows.
pub trait Prompt: Send + Sync {
    /// The passphrase of a private key; `attempt` counts from 1, and more than 1 says that the last answer was wrong.
    /// `None` where there is nobody to ask.
    fn passphrase(&self, key: &Path, attempt: usize) -> Option<Zeroizing<String>>;

    /// A password, after showing `question`. `None` where there is nobody to ask.
    fn password(&self, question: &str) -> Option<Zeroizing<String>>;
}

/// There is nobody to ask.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nobody;

impl Prompt for Nobody {
    fn passphrase(&self, _key: &Path, _attempt: usize) -> Option<Zeroizing<String>> {
        None
    }

    fn password(&self, _question: &str) -> Option<Zeroizing<String>> {
        None
    }
}
