//! What goes into a file: literal text, slots for secrets, or a blob known by its digest.

use serde::{Deserialize, Serialize};

use super::{Ground, SecretName};

/// The content of a file. It holds no secret value: slots are filled in `transport` alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// Text, with slots for secrets.
    Parts(Vec<Part>),
    /// A file of the source tree that is too large to be shown or is no text; read again when it is sent.
    Blob {
        /// Its path in the source tree.
        source: String,
        /// SHA-256 of the bytes, in lower-case hex.
        sha256: String,
        /// Length in bytes.
        length: u64,
    },
}

/// A piece of a text content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// These characters.
    Text(String),
    /// The value of this secret.
    Secret(SecretName),
    /// What a program prints on another ground, newlines at its end apart: run when the content is sent, and never kept.
    /// It is a secret: a token with which a node joins a cluster.
    Output {
        /// Where it runs.
        ground: Ground,
        /// Program and arguments.
        argv: Vec<String>,
    },
}

impl Content {
    /// A text without secrets.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Parts(vec![Part::Text(text.into())])
    }

    /// The text, where it is one without secrets.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Parts(parts) => match parts.as_slice() {
                [] => Some(""),
                [Part::Text(text)] => Some(text),
                _ => None,
            },
            Self::Blob { .. } => None,
        }
    }

    /// What it takes from other grounds.
    pub fn outputs(&self) -> impl Iterator<Item = (&Ground, &[String])> {
        let parts = match self {
            Self::Parts(parts) => parts.as_slice(),
            Self::Blob { .. } => &[],
        };
        parts.iter().filter_map(|part| match part {
            Part::Output { ground, argv } => Some((ground, argv.as_slice())),
            Part::Text(_) | Part::Secret(_) => None,
        })
    }

    /// The secrets that its slots name.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretName> {
        let parts = match self {
            Self::Parts(parts) => parts.as_slice(),
            Self::Blob { .. } => &[],
        };
        parts.iter().filter_map(|part| match part {
            Part::Secret(name) => Some(name),
            Part::Text(_) | Part::Output { .. } => None,
        })
    }
}
