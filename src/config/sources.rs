//! The files that a lab is read from, in memory: a folder, a Git revision and a test all come to the same value.
//!
//! Paths are relative to the folder of the root file and use `/`. Nothing here reads a disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use sha2::{Digest as _, Sha256};

/// A tree of files with `homelab.toml` at its root.
#[derive(Debug, Clone)]
pub struct Sources {
    root: Arc<str>,
    files: BTreeMap<Arc<str>, Result<Arc<[u8]>, String>>,
    pinned: BTreeMap<String, Arc<[u8]>>,
    folder: Option<PathBuf>,
}

impl Sources {
    /// A tree that holds only the root file, called `name`.
    pub fn new(name: impl Into<Arc<str>>, bytes: impl Into<Arc<[u8]>>) -> Self {
        let root = name.into();
        Self {
            files: BTreeMap::from([(Arc::clone(&root), Ok(bytes.into()))]),
            root,
            pinned: BTreeMap::new(),
            folder: None,
        }
    }

    /// A tree of texts; the first is the root.
    pub fn memory<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut files = files.into_iter();
        let (name, text) = files.next().unwrap_or(("homelab.toml", ""));
        let mut sources = Self::new(name, text.as_bytes());
        for (path, text) in files {
            sources.insert(path, Ok(text.as_bytes().into()));
        }
        sources
    }

    /// Adds a file, or the reason why it can't be read.
    pub fn insert(&mut self, path: impl Into<Arc<str>>, bytes: Result<Arc<[u8]>, String>) {
        self.files.insert(path.into(), bytes);
    }

    /// The same, lying in this folder of the local disk: for programs that read files by themselves.
    #[must_use]
    pub fn lying_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The folder of the local disk in which it lies, where it does.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Adds a file from elsewhere, by the SHA-256 of its bytes.
    pub fn insert_pinned(&mut self, sha256: impl Into<String>, bytes: impl Into<Arc<[u8]>>) {
        self.pinned.insert(sha256.into(), bytes.into());
    }

    /// The bytes of a file from elsewhere, where it is there.
    pub fn pinned(&self, sha256: &str) -> Option<&[u8]> {
        self.pinned.get(sha256).map(AsRef::as_ref)
    }

    /// The name of the root file.
    pub fn root(&self) -> &Arc<str> {
        &self.root
    }

    /// What is known of the file at `path`: `None` was never read, `Err` could not be read.
    pub fn get(&self, path: &str) -> Option<&Result<Arc<[u8]>, String>> {
        self.files.get(path)
    }

    /// The bytes of the file at `path`.
    pub fn bytes(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path)?.as_deref().ok()
    }

    /// The text of the file at `path`, where it is UTF-8.
    pub fn text(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.bytes(path)?).ok()
    }

    /// The paths of all files that could be read.
    pub fn paths(&self) -> impl Iterator<Item = &Arc<str>> {
        self.files.iter().filter(|(_, bytes)| bytes.is_ok()).map(|(path, _)| path)
    }

    /// The SHA-256 of every file that could be read, by path.
    pub fn digests(&self) -> BTreeMap<String, String> {
        let read = self.files.iter().filter_map(|(path, bytes)| Some((path, bytes.as_ref().ok()?)));
        read.map(|(path, bytes)| (path.to_string(), sha256(bytes))).collect()
    }

    /// The readable files whose paths match `pattern`, sorted; never the root.
    pub fn matching<'a>(&'a self, pattern: &'a GlobMatcher) -> impl Iterator<Item = &'a Arc<str>> {
        self.paths().filter(move |path| **path != self.root && pattern.is_match(&***path))
    }
}

/// SHA-256 of some bytes, in lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes).into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// Bytes of a pattern; no path is longer (`PATH_MAX` of Linux).
const LONGEST: usize = 4096;
/// How deep `{a,b}` may be nested: globset reads them by recursion.
const DEEPEST: usize = 16;

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is not in the form of one.
    #[error("{}", .0.kind())]
    Form(#[from] globset::Error),
    /// It is too long.
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
    /// Its braces are too many.
    #[error("its braces are nested more than {DEEPEST} deep")]
    TooDeep,
}

/// Reads an `include` pattern: `*` stays within a folder, `**` does not.
pub fn pattern(text: &str) -> Result<GlobMatcher, PatternError> {
    if text.len() > LONGEST {
        return Err(PatternError::TooLong);
    }
    // Those that are closed are counted, too: nobody writes so many.
    if text.matches('{').count() > DEEPEST {
        return Err(PatternError::TooDeep);
    }
    Ok(GlobBuilder::new(text).literal_separator(true).build()?.compile_matcher())
}

/// Whether `path` stays below the folder that it is relative to: no root, no `..`, no drive letter.
pub fn stays_below(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with('/')
        && !path.contains('\\')
        && !path.contains('\0')
        && path.split('/').all(|part| part != ".." && !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{PatternError, Sources, pattern, stays_below};

    #[test]
    fn a_star_stays_within_its_folder() {
        let sources = Sources::memory([("homelab.toml", ""), ("nodes/a.toml", ""), ("nodes/old/b.toml", "")]);
        let found = |text| sources.matching(&pattern(text).unwrap()).map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(found("nodes/*.toml"), ["nodes/a.toml"]);
        assert_eq!(found("**/*.toml"), ["nodes/a.toml", "nodes/old/b.toml"]);
        assert_eq!(found("homelab.toml"), Vec::<String>::new());
    }

    #[test]
    fn braces_without_end_are_no_pattern_and_no_end_of_the_stack() {
        assert_eq!(pattern(&"{a=".repeat(1000)).unwrap_err(), PatternError::TooDeep);
        assert_eq!(pattern(&"{a=".repeat(100_000)).unwrap_err(), PatternError::TooLong);
        assert_eq!(pattern("[").unwrap_err().to_string(), "unclosed character class; missing ']'");
        assert!(pattern("{a,{b,c}}/*.toml").unwrap().is_match("b/x.toml"));
    }

    #[test]
    fn a_path_that_leaves_the_folder_is_told_apart() {
        for path in ["a", "a/b.conf", ".hidden/a", "./a"] {
            assert!(stays_below(path), "{path}");
        }
        for path in ["", "/a", "../a", "a/../../b", "a//b", "C:\\a"] {
            assert!(!stays_below(path), "{path}");
        }
    }
}
