//! Reads the files of a lab from a tree: homelab.toml, what it includes, and the files that it names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::bounded;
use super::git;
use super::tree::{Found, Tree, link_on};
use crate::config::{self, Sources, stays_below};
use crate::services::is_manifest_below;

/// Why the root file can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is none.
    #[error("there is no `{0}`")]
    Missing(PathBuf),
    /// It is there.
    #[error("`{path}` can't be read: {error}")]
    Unreadable {
        /// The root file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// It may not be read, whatever is there.
    #[error("`{path}` is not read: {why}")]
    Refused {
        /// The root file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It can't be had from Git.
    #[error(transparent)]
    Git(#[from] git::GitError),
}

/// Reads the lab whose root file is at `path`. What else can't be read becomes a finding at the place that names it.
pub fn load(path: &Path) -> Result<Sources, SourceError> {
    from_folder(path, true)
}

/// The same for files that nobody has vouched for: no link is followed, and the root file lies below the current folder.
pub fn load_untrusted(path: &Path) -> Result<Sources, SourceError> {
    check_untrusted(path)?;
    from_folder(path, false)
}

/// Refuses a path of a root file that leads away from the current folder, by itself or through a link.
pub fn check_untrusted(path: &Path) -> Result<(), SourceError> {
    let text = path.to_string_lossy();
    let said = text.strip_prefix("./").unwrap_or(&text);
    let why = if !stays_below(said) {
        "with `--untrusted` the file lies below the current folder: no `..`, no absolute path".to_owned()
    } else if let Some(link) = link_on(Path::new("."), said) {
        format!("`{link}` is a link, and `--untrusted` follows none")
    } else if path.exists() && !path.is_file() {
        // A pipe would block, a device never end.
        "it is no plain file".to_owned()
    } else {
        return Ok(());
    };
    Err(SourceError::Refused { path: path.to_owned(), why })
}

fn from_folder(path: &Path, links: bool) -> Result<Sources, SourceError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => SourceError::Missing(path.to_owned()),
        _ => SourceError::Unreadable { path: path.to_owned(), error },
    };
    let bytes = bounded::read(path, bounded::TEXT).map_err(unreadable)?;
    let folder = fs::canonicalize(folder_of(path)).map_err(unreadable)?;
    let sources = Sources::new(name_of(path), bytes).lying_in(&folder);
    Ok(gather(&Tree::Folder { folder, links }, sources))
}

/// Reads the same lab as it is in a Git revision of the repository that its folder lies in; nothing where the revision
/// has no such file.
pub fn load_revision(path: &Path, revision: &str) -> Result<Option<Sources>, SourceError> {
    let files = git::files(folder_of(path), revision)?;
    let name = name_of(path);
    if !files.has(&name) {
        return Ok(None);
    }
    let bytes = files.read(&name).map_err(|why| SourceError::Unreadable {
        path: PathBuf::from(format!("{revision}:{name}")),
        error: io::Error::other(why),
    })?;
    Ok(Some(gather(&Tree::Revision(files), Sources::new(name, bytes))))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Adds to the root file what it includes and names.
fn gather(tree: &Tree, mut sources: Sources) -> Sources {
    for text in config::includes(&sources).iter().filter(|text| stays_below(text)) {
        if let Ok(pattern) = config::pattern(text) {
            read_all(tree, tree.matching("", &pattern), &mut sources);
        }
    }
    let references = config::references(&sources).into_iter().filter(|path| stays_below(path)).collect();
    read_all(tree, references, &mut sources);
    for said in config::manifests(&sources) {
        read_all(tree, manifests(tree, said.trim_end_matches('/')), &mut sources);
    }
    sources
}

/// The files that an entry of a service's `files` means: a file, those of a folder, or those that match a pattern.
fn manifests(tree: &Tree, said: &str) -> Vec<String> {
    if !stays_below(said) {
        return Vec::new();
    }
    let (start, pattern) = match tree.find(said) {
        Found::Folder => (said, config::pattern("**")),
        Found::File => return vec![said.to_owned()],
        Found::Nothing => ("", config::pattern(said)),
    };
    let mut found = pattern.map(|pattern| tree.matching(start, &pattern)).unwrap_or_default();
    if !start.is_empty() {
        found.retain(|path| is_manifest_below(&format!("{start}/"), path));
    }
    found
}

fn read_all(tree: &Tree, paths: Vec<String>, sources: &mut Sources) {
    for path in paths {
        if sources.get(&path).is_none() {
            let bytes = tree.read(&path);
            sources.insert(path, bytes.map(Into::into));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{SourceError, load};

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn what_the_file_includes_and_names_is_read_and_nothing_else() {
        let folder = folder(&[
            ("homelab.toml", "include = ['nodes/*.toml']"),
            ("nodes/a.toml", "[nodes.a.files.'/etc/a']\nsource = 'files/a'"),
            ("nodes/b.txt", ""),
            ("files/a", "content"),
            ("files/b", "not named"),
        ]);
        let sources = load(&folder.path().join("homelab.toml")).unwrap();
        let paths: Vec<_> = sources.paths().map(|path| &**path).collect();
        assert_eq!(paths, ["files/a", "homelab.toml", "nodes/a.toml"]);
        assert_eq!(sources.text("files/a"), Some("content"));
    }

    #[test]
    fn nothing_outside_of_the_folder_is_read() {
        let outside = folder(&[("secret", "outside")]);
        let path = outside.path().join("secret");
        let folder = folder(&[(
            "homelab.toml",
            &format!(
                "[nodes.a.files]\na.source = 'link'\nb.source = '{}'\nc.source = '../{}/secret'",
                path.display(),
                outside.path().file_name().unwrap().display()
            ),
        )]);
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        let sources = load(&folder.path().join("homelab.toml")).unwrap();
        assert_eq!(sources.paths().count(), 1);
        assert!(sources.get("link").unwrap().as_ref().unwrap_err().contains("leads out"));
    }

    #[test]
    fn a_file_that_is_missing_is_a_reason_and_a_root_that_is_missing_an_error() {
        let folder = folder(&[("homelab.toml", "[nodes.a.units.'a.service']\nsource = 'gone'")]);
        let sources = load(&folder.path().join("homelab.toml")).unwrap();
        assert_eq!(sources.get("gone").unwrap().as_ref().unwrap_err(), "there is no such file");
        assert!(matches!(load(&folder.path().join("other.toml")), Err(SourceError::Missing(_))));
    }
}
