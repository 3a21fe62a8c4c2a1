//! Files of this machine whose permissions let others read a secret, or decide what labctl does.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What others must not be able to do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Neither read nor write it: it holds a secret.
    Secret,
    /// Write it: it says what is done.
    Ours,
}

/// Why a file's permissions are loose and what mends that; nothing where they are not, or can't be told.
pub fn loose(path: &Path, keep: Keep) -> Option<String> {
    let metadata = std::fs::metadata(path).ok()?;
    let mode = metadata.mode() & 0o7777;
    let may = match keep {
        Keep::Secret if mode & 0o077 != 0 => "read or write what holds a secret",
        // A group of one's own may write on many systems.
        Keep::Ours if mode & 0o002 != 0 => "write it and so decide what is done",
        Keep::Secret | Keep::Ours => return None,
    };
    let shown = path.display();
    let remedy =
        crate::plan::shell_line(["chmod", if keep == Keep::Secret { "go-rwx" } else { "o-w" }, &shown.to_string()]);
    Some(format!("`{shown}` has mode {mode:04o}: others may {may}; `{remedy}`"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::{Keep, loose};

    #[test]
    fn what_others_may_do_with_a_file_is_told_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "").unwrap();
        for (mode, as_secret, as_ours) in [
            (0o600, false, false),
            (0o640, true, false),
            (0o644, true, false),
            (0o664, true, false),
            (0o646, true, true),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(loose(&path, Keep::Secret).is_some(), as_secret, "{mode:o}");
            assert_eq!(loose(&path, Keep::Ours).is_some(), as_ours, "{mode:o}");
        }
        let words = loose(&path, Keep::Secret).unwrap();
        assert!(
            words.contains("has mode 0646: others may read or write what holds a secret; `chmod go-rwx "),
            "{words}"
        );
        assert_eq!(loose(&folder.path().join("nothing"), Keep::Secret), None);
    }
}
