//! Reads the tree of a lab from a folder: homelab.toml, what it includes, and the files that it names.
//!
//! Nothing outside of that folder is read, by no path and through no link.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use globset::GlobMatcher;

use crate::config::{self, Sources, stays_below};
use crate::services::is_manifest_below;

/// How deep `**` looks.
const DEEPEST: usize = 16;

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
}

/// Reads the lab whose root file is at `path`. What else can't be read becomes a finding at the place that names it.
pub fn load(path: &Path) -> Result<Sources, SourceError> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => SourceError::Missing(path.to_owned()),
        _ => SourceError::Unreadable { path: path.to_owned(), error },
    };
    let bytes = fs::read(path).map_err(unreadable)?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let folder = fs::canonicalize(folder).map_err(unreadable)?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let mut sources = Sources::new(name, bytes).lying_in(&folder);

    for text in config::includes(&sources).iter().filter(|text| stays_below(text)) {
        if let Ok(pattern) = config::pattern(text) {
            let mut found = Vec::new();
            list(&folder, &mut String::new(), &pattern, DEEPEST, &mut found);
            read_all(&folder, found, &mut sources);
        }
    }
    let references = config::references(&sources).into_iter().filter(|path| stays_below(path)).collect();
    read_all(&folder, references, &mut sources);
    for said in config::manifests(&sources) {
        read_all(&folder, manifests(&folder, said.trim_end_matches('/')), &mut sources);
    }
    Ok(sources)
}

/// The files that an entry of a service's `files` means: a file, those of a folder, or those that match a pattern.
fn manifests(folder: &Path, said: &str) -> Vec<String> {
    let mut found = Vec::new();
    if !stays_below(said) {
        return found;
    }
    let path = folder.join(said);
    let (start, pattern) = if path.is_dir() {
        (said, config::pattern("**"))
    } else if path.exists() {
        return vec![said.to_owned()];
    } else {
        ("", config::pattern(said))
    };
    if let Ok(pattern) = pattern {
        list(folder, &mut start.to_owned(), &pattern, DEEPEST, &mut found);
    }
    if !start.is_empty() {
        found.retain(|path| is_manifest_below(&format!("{start}/"), path));
    }
    found
}

fn read_all(folder: &Path, paths: Vec<String>, sources: &mut Sources) {
    for path in paths {
        if sources.get(&path).is_none() {
            let bytes = read_below(folder, &path);
            sources.insert(path, bytes.map(Into::into));
        }
    }
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
    fs::read(real).map_err(|error| reason(&error))
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
