//! The Git checkout that a lab's files lie in, asked with the program `git`. Nothing is changed in it.

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

fn git(folder: &Path, arguments: &[&str]) -> Option<std::process::Output> {
    let mut command = Command::new("git");
    // Without optional locks `git status` writes nothing, not even its index.
    command.env("GIT_OPTIONAL_LOCKS", "0").arg("-C").arg(folder).args(arguments);
    command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::{Contains, contains, revision};

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
}
