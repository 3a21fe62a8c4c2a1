//! The person at the terminal, asked for what only a person knows.

use std::collections::HashMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::transport::ssh::Prompt;

/// Asks on the process's terminal, without an echo; in a pipe or CI there is nobody to ask. One question at a time, and
/// the same question once, however many nodes need the answer.
pub struct AtTerminal {
    is_attended: bool,
    answers: Mutex<HashMap<String, Zeroizing<String>>>,
}

impl AtTerminal {
    /// Asks if a person is there: standard input and standard error are a terminal, and `$CI` is not set.
    pub fn detect() -> Self {
        let is_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        Self::new(!is_ci && std::io::stdin().is_terminal() && std::io::stderr().is_terminal())
    }

    fn new(is_attended: bool) -> Self {
        Self { is_attended, answers: Mutex::default() }
    }

    /// Asks, unless the answer is known; `is_wrong` says that the known one is of no use.
    fn ask(&self, question: &str, is_wrong: bool) -> Option<Zeroizing<String>> {
        if !self.is_attended {
            return None;
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if is_wrong {
            answers.remove(question);
        }
        if let Some(answer) = answers.get(question) {
            return Some(answer.clone());
        }
        let again = if is_wrong { "That was not it. " } else { "" };
        let answer = Zeroizing::new(rpassword::prompt_password(format!("{again}{question}")).ok()?);
        answers.insert(question.to_owned(), answer.clone());
        Some(answer)
    }
}

impl Prompt for AtTerminal {
    fn passphrase(&self, key: &Path, attempt: usize) -> Option<Zeroizing<String>> {
        self.ask(&format!("Passphrase for {}: ", key.display()), attempt > 1)
    }

    fn password(&self, question: &str) -> Option<Zeroizing<String>> {
        self.ask(question, false)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::AtTerminal;
    use crate::transport::ssh::Prompt;

    #[test]
    fn where_nobody_is_there_nobody_is_asked() {
        let terminal = AtTerminal::new(false);
        assert!(terminal.passphrase(Path::new("key"), 1).is_none());
        assert!(terminal.password("Password of jax on n5: ").is_none());
    }
}
