//! Files that are labctl's own on this machine: private from their first byte, and whole or not there.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Writes a file as a whole: beside its place with mode 0600, flushed to the disk, then renamed.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    replace_with(path, text, 0o600)
}

/// The same for a file that a program of another user reads: with mode 0644.
pub fn replace_readable(path: &Path, text: &str) -> io::Result<()> {
    replace_with(path, text, 0o644)
}

fn replace_with(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let beside = path.with_file_name(format!(".{}.{}.new", name.to_string_lossy(), std::process::id()));
    let written = write(&beside, text, mode).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // What could not become the file is of no use; that it can't be removed changes nothing.
        let _ = std::fs::remove_file(&beside);
    }
    written?;
    flush(folder(path))
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    // A leftover of a process of the same number that was killed.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A folder for what labctl keeps beside the files of a lab; no revision takes it in, and nobody else may look into it.
pub fn kept_folder(beside: &Path, name: &str) -> io::Result<PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    let kept = beside.join(".labctl");
    if !kept.exists() {
        std::fs::create_dir_all(&kept)?;
        std::fs::write(kept.join(".gitignore"), "*\n")?;
    }
    let folder = kept.join(name);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    Ok(folder)
}

/// The folder that a file lies in.
pub(super) fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Brings the names in a folder to the disk.
pub(super) fn flush(folder: PathBuf) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
