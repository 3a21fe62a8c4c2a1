//! A simulated lab between two calls: one file in a folder, replaced as a whole.

use std::io;
use std::path::{Path, PathBuf};

/// The file's name.
const NAME: &str = "lab.json";

/// Why it can't be read or written.
#[derive(Debug, thiserror::Error)]
#[error("`{path}`: {error}")]
pub struct KeptError {
    path: PathBuf,
    error: io::Error,
}

/// What is kept in the folder; nothing where nothing is.
pub fn read(folder: &Path) -> Result<Option<String>, KeptError> {
    let path = folder.join(NAME);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(KeptError { path, error }),
    }
}

/// Keeps a text in the folder.
pub fn write(folder: &Path, text: &str) -> Result<(), KeptError> {
    let path = folder.join(NAME);
    let beside = folder.join(format!("{NAME}.new"));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&beside, text))
        .and_then(|()| std::fs::rename(&beside, &path));
    written.map_err(|error| KeptError { path, error })
}
