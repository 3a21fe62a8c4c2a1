//! Where the files of a lab lie: in a folder of the local disk, or in a revision of its Git repository. Nothing outside of
//! that folder is read, by no path and through no link.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use globset::GlobMatcher;

use super::bounded;
use super::git;

/// How deep `**` looks.
const DEEPEST: usize = 16;

/// A folder with the files of a lab.
#[derive(Debug)]
pub enum Tree {
    /// On the local disk.
    Folder {
        /// Its real path.
        folder: PathBuf,
        /// Whether links that stay within it are followed. Files that nobody has vouched for are read without.
        links: bool,
    },
    /// In a Git revision.
    Revision(git::Files),
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Folder,
    File,
    Nothing,
}

impl Tree {
    /// The bytes of the file at `path`, or why they can't be had.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::Folder { folder, links } => match link_on(folder, path) {
                Some(link) if !links => Err(format!("`{link}` is a link, and `--untrusted` follows none")),
                _ => read_below(folder, path),
            },
            Self::Revision(files) => files.read(path),
        }
    }

    /// What is at `path`.
    pub(super) fn find(&self, path: &str) -> Found {
        match self {
            // What is behind the link is not looked at; reading it says why.
            Self::Folder { folder, links: false } if link_on(folder, path).is_some() => Found::File,
            Self::Folder { folder, .. } => match folder.join(path) {
                path if path.is_dir() => Found::Folder,
                path if path.exists() => Found::File,
                _ => Found::Nothing,
            },
            Self::Revision(files) if files.has(path) => Found::File,
            Self::Revision(files) if files.below(path).next().is_some() => Found::Folder,
            Self::Revision(_) => Found::Nothing,
        }
    }

    /// The files below the folder `start` (empty for the whole) that match, in order. Hidden folders are passed over.
    pub(super) fn matching(&self, start: &str, pattern: &GlobMatcher) -> Vec<String> {
        let mut found = Vec::new();
        match self {
            Self::Folder { folder, .. } => list(folder, &mut start.to_owned(), pattern, DEEPEST, &mut found),
            Self::Revision(files) => {
                let is_hidden = |path: &str| path.rsplit('/').skip(1).any(|folder| folder.starts_with('.'));
                let below = files.below(start).filter(|path| {
                    let rest = path.get(start.len()..).unwrap_or_default();
                    !is_hidden(rest) && rest.matches('/').count() <= DEEPEST && pattern.is_match(path)
                });
                found.extend(below.map(str::to_owned));
            }
        }
        found
    }
}

/// The first link on the way from `folder` to `path`.
pub(super) fn link_on(folder: &Path, path: &str) -> Option<String> {
    let mut way = PathBuf::new();
    path.split('/').find_map(|part| {
        way.push(part);
        let is_link = fs::symlink_metadata(folder.join(&way)).is_ok_and(|found| found.is_symlink());
        is_link.then(|| way.display().to_string())
    })
}

fn read_below(folder: &Path, path: &str) -> Result<Vec<u8>, String> {
    let real = fs::canonicalize(folder.join(path)).map_err(|error| reason(&error))?;
    if !real.starts_with(folder) {
        return Err("it is a link that leads out of the folder of the lab".to_owned());
    }
    // A pipe or a device would block or never end.
    if !real.is_file() {
        return Err("it is no plain file".to_owned());
    }
    bounded::read(&real, bounded::BLOB).map_err(|error| reason(&error))
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "you have no permission to".to_owned(),
        _ => error.to_string(),
    }
}

/// The files below `folder` that match; links to folders are not followed, and hidden folders are passed over.
fn list(folder: &Path, prefix: &mut String, pattern: &GlobMatcher, deepest: usize, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder.join(&*prefix)) else { return };
    for entry in entries.flatten() {
        let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        if kind.is_dir() {
            if deepest > 0 && !name.starts_with('.') {
                list(folder, &mut path.clone(), pattern, deepest - 1, found);
            }
        } else if pattern.is_match(&path) {
            found.push(path);
        }
    }
    found.sort();
}
