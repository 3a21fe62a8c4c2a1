//! Secrets by name. Values live in `local` and `transport` only.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a `[secrets.*]` table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretName(pub String);

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a secret's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// This environment variable of labctl's own process.
    Env(String),
    /// This file on the machine that labctl runs on; one newline at its end is not part of the value.
    File(String),
    /// The standard output of this argv; one newline at its end is not part of the value.
    Command(Vec<String>),
    /// What a person at the terminal answers to this question.
    Prompt(String),
    /// A value in a file beside homelab.toml that SOPS has encrypted.
    Sops {
        /// The file's path in the source tree.
        file: String,
        /// Which of its documents, from 0.
        document: usize,
        /// The value's JSON pointer there; without one the decrypted file is the value.
        pointer: Option<String>,
    },
}
