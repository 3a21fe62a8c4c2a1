//! The Git checkout that a lab's files lie in, asked with the program `git`. Nothing is changed in it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::plan::Revision;

/// Whether one revision contains another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contains {
    /// It does.
    Yes,
    /// It does not, or the checkout has never heard of the other one.
    No,
    /// There is no checkout, or no `git`.
    NotKnown,
}

/// The revision of the checkout in this folder; nothing where there is none.
pub fn revision(folder: &Path) -> Option<Revision> {
    let commit = git(folder, &["rev-parse", "--verify", "HEAD"]).filter(|output| output.status.success())?;
    let commit = String::from_utf8(commit.stdout).ok()?.trim().to_owned();
    let status = git(folder, &["status", "--porcelain", "--untracked-files=normal", "--", "."])?;
    Some(Revision { commit, is_dirty: !status.stdout.is_empty() })
}

/// Whether what is checked out in this folder contains `commit`.
pub fn contains(folder: &Path, commit: &str) -> Contains {
    // A commit is hexadecimal; nothing else is handed to a program that knows options.
    if commit.is_empty() || !commit.chars().all(|c| c.is_ascii_hexdigit()) || revision(folder).is_none() {
        return Contains::NotKnown;
    }
    match git(folder, &["merge-base", "--is-ancestor", commit, "HEAD"]) {
        None => Contains::NotKnown,
        Some(output) if output.status.success() => Contains::Yes,
        Some(_) => Contains::No,
    }
}

/// Why files can't be had from Git.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// There is no program.
    #[error("`git` can't be run, and a revision is read through it: install it, or compare two files")]
    NoProgram,
    /// The folder is in no repository.
    #[error("`{0}` lies in no Git repository; name two files to compare")]
    NoRepository(String),
    /// There is no such revision.
    #[error(
        "Git knows no revision `{0}` here; in a shallow clone fetch it first (`git fetch --depth=1 origin REVISION`)"
    )]
    NoRevision(String),
    /// It failed.
    #[error("git: {0}")]
    Failed(String),
}

/// The files of one folder in one revision.
#[derive(Debug)]
pub struct Files {
    repository: std::path::PathBuf,
    /// The commit, in full.
    pub commit: String,
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    mode: String,
    object: String,
}

/// How many links lead to a file at most.
const LINKS: usize = 8;

/// The files of this folder as they are in `revision`.
pub fn files(folder: &Path, revision: &str) -> Result<Files, GitError> {
    let prefix = ask(folder, &["rev-parse", "--show-prefix"])?;
    let Some(prefix) = prefix else { return Err(GitError::NoRepository(folder.display().to_string())) };
    let prefix = prefix.trim_end_matches('\n').to_owned();
    let commit = format!("{revision}^{{commit}}");
    let commit = ask(folder, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?;
    let commit = commit.ok_or_else(|| GitError::NoRevision(revision.to_owned()))?.trim().to_owned();
    let listing = ask(folder, &["ls-tree", "-r", "-z", "--full-tree", &commit])?;
    let listing = listing.ok_or_else(|| GitError::Failed(format!("the files of {commit} can't be listed")))?;
    let entries = listing.split('\0').filter_map(|line| {
        // git-ls-tree(1): mode, type and object, then a tab and the path.
        let (head, path) = line.split_once('\t')?;
        let mut head = head.split(' ');
        let (mode, object) = (head.next()?.to_owned(), head.nth(1)?.to_owned());
        Some((path.strip_prefix(&prefix)?.to_owned(), Entry { mode, object }))
    });
    Ok(Files { repository: folder.to_owned(), entries: entries.collect(), commit })
}

impl Files {
    /// Whether there is something at `path` that is no folder.
    pub fn has(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// The paths below a folder (empty for the whole), in order.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        let is_below =
            move |path: &&str| folder.is_empty() || path.strip_prefix(folder).is_some_and(|it| it.starts_with('/'));
        self.entries.keys().map(String::as_str).filter(is_below)
    }

    /// The bytes of the file at `path`, or why they can't be had. Links are followed within the folder.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            let entry = self.entries.get(&path).ok_or_else(|| "there is no such file".to_owned())?;
            let bytes = match entry.mode.as_str() {
                "160000" => return Err("it is a submodule".to_owned()),
                _ => git(&self.repository, &["cat-file", "blob", &entry.object]),
            };
            let bytes = bytes.filter(|output| output.status.success()).map(|output| output.stdout);
            let bytes = bytes.ok_or_else(|| format!("Git does not have its content ({})", entry.object))?;
            if entry.mode != "120000" {
                return Ok(bytes);
            }
            let target = String::from_utf8_lossy(&bytes).into_owned();
            path = beside(&path, &target)
                .ok_or_else(|| "it is a link that leads out of the folder of the lab".to_owned())?;
        }
        Err("too many links lead to it".to_owned())
    }
}

/// The path that a link means; none where it leads out of the folder.
fn beside(link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What `git` prints; nothing where it says no.
fn ask(folder: &Path, arguments: &[&str]) -> Result<Option<String>, GitError> {
    let output = git(folder, arguments).ok_or(GitError::NoProgram)?;
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
}

fn git(folder: &Path, arguments: &[&str]) -> Option<std::process::Output> {
    let mut command = Command::new("git");
    // Without optional locks `git status` writes nothing, not even its index. Nothing is fetched for want of an object,
    // nobody is asked for a password, and what a repository names as its hooks is not run.
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1").env("GIT_TERMINAL_PROMPT", "0");
    command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never"]);
    // A folder among the files that looks like a repository is none, whatever its configuration says.
    command.args(["-c", "safe.bareRepository=explicit"]);
    // Where a hook calls labctl, Git tells it of its own repository, not of the one that the folder lies in.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    command.arg("-C").arg(folder).args(arguments);
    command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::{Contains, GitError, beside, contains, files, revision};

    fn git(folder: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").arg("-C").arg(folder).args(identity).args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    #[test]
    fn a_checkout_knows_its_revision_and_what_it_contains() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert_eq!(revision(path), None);
        assert_eq!(contains(path, "abc"), Contains::NotKnown);
        git(path, &["init", "-q"]);
        std::fs::write(path.join("homelab.toml"), "1").unwrap();
        git(path, &["add", "."]);
        git(path, &["commit", "-q", "-m", "one"]);
        let one = revision(path).unwrap();
        std::fs::write(path.join("homelab.toml"), "2").unwrap();
        assert!(!one.is_dirty && revision(path).unwrap().is_dirty);
        git(path, &["commit", "-q", "-a", "-m", "two"]);
        let two = revision(path).unwrap();
        assert_eq!(contains(path, &one.commit), Contains::Yes);
        git(path, &["checkout", "-q", &one.commit]);
        assert_eq!(contains(path, &two.commit), Contains::No);
        assert_eq!(contains(path, &"0".repeat(40)), Contains::No, "a commit that was never fetched");
        assert_eq!(contains(path, "--help"), Contains::NotKnown);
    }
    #[test]
    fn a_revision_is_read_as_it_was_with_links_that_stay_within() {
        let folder = tempfile::tempdir().unwrap();
        let lab = folder.path().join("lab");
        std::fs::create_dir_all(lab.join("nodes")).unwrap();
        assert!(matches!(files(&lab, "HEAD"), Err(GitError::NoRepository(_))));
        git(folder.path(), &["init", "-q"]);
        std::fs::write(lab.join("homelab.toml"), "old").unwrap();
        std::fs::write(lab.join("nodes/ü.toml"), "node").unwrap();
        std::os::unix::fs::symlink("nodes/ü.toml", lab.join("within")).unwrap();
        std::os::unix::fs::symlink("../outside", lab.join("out")).unwrap();
        git(folder.path(), &["add", "."]);
        git(folder.path(), &["commit", "-q", "-m", "one"]);
        std::fs::write(lab.join("homelab.toml"), "new").unwrap();
        let files_then = files(&lab, "HEAD").unwrap();
        assert_eq!(files_then.read("homelab.toml").unwrap(), b"old");
        assert_eq!(files_then.read("within").unwrap(), b"node");
        assert!(files_then.read("out").unwrap_err().contains("leads out"));
        assert_eq!(files_then.below("nodes").collect::<Vec<_>>(), ["nodes/ü.toml"]);
        assert_eq!(files(&lab, "--help").unwrap_err(), GitError::NoRevision("--help".to_owned()));
    }

    #[test]
    fn a_link_is_resolved_beside_itself() {
        assert_eq!(beside("a/b", "../c/./d").as_deref(), Some("c/d"));
        assert_eq!(beside("a/b", "../../c"), None);
        assert_eq!(beside("a", "/etc/passwd"), None);
    }
}
