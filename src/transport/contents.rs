//! Contents resolved: the one place where a secret's value meets the text around it.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::outcome::ReachError;
use crate::lab::{Content, Part, SecretName};

/// Where values and blobs come from. Implemented by `local`, and by tests.
pub trait Source: Send + Sync {
    /// A secret's value; why there is none, in words that don't hold it.
    fn secret(&self, name: &SecretName) -> Result<Zeroizing<Vec<u8>>, String>;

    /// The bytes of a file of the source tree.
    fn blob(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// What leads to clusters from the machine that labctl runs on. Implemented by `local`, and by tests.
pub trait Outside: Send + Sync {
    /// A path as a person writes it: `~` is the user's home.
    fn path(&self, text: &str) -> Result<PathBuf, String>;

    /// What a program prints; why there is nothing, in words that don't hold it.
    fn command(&self, argv: &[String]) -> Result<Zeroizing<Vec<u8>>, String>;
}

/// Resolves contents.
pub struct Contents<'a>(pub &'a dyn Source);

impl Contents<'_> {
    /// The bytes that a content stands for.
    pub fn bytes(&self, content: &Content) -> Result<Zeroizing<Vec<u8>>, ReachError> {
        match content {
            Content::Blob { source, .. } => self.0.blob(source).map(Zeroizing::new).map_err(ReachError::Secret),
            Content::Parts(parts) => {
                let mut bytes = Zeroizing::new(Vec::new());
                for part in parts {
                    match part {
                        Part::Text(text) => bytes.extend_from_slice(text.as_bytes()),
                        Part::Secret(name) => {
                            let value = self.0.secret(name).map_err(ReachError::Secret)?;
                            bytes.extend_from_slice(&value);
                        }
                    }
                }
                Ok(bytes)
            }
        }
    }
}
