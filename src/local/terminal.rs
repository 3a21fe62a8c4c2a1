//! The person at the terminal, asked for what only a person knows.

use std::io::IsTerminal as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::transport::ssh::Prompt;

/// Asks on the process's terminal, without an echo; in a pipe or CI there is nobody to ask.
#[derive(Debug, Clone, Copy, Default)]
pub struct AtTerminal;

impl Prompt for AtTerminal {
    fn passphrase(&self, key: &Path, attempt: usize) -> Option<Zeroizing<String>> {
        let again = if attempt > 1 { "That was not it. " } else { "" };
        self.password(&format!("{again}Passphrase for {}: ", key.display()))
    }

    fn password(&self, question: &str) -> Option<Zeroizing<String>> {
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            return None;
        }
        rpassword::prompt_password(question).ok().map(Zeroizing::new)
    }
}
