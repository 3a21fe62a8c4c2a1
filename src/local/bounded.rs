//! Files of this machine of which nobody knows how long they are, read up to a bound: one that is far too large, or a
//! device that never ends, must not fill the memory.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Bytes of a file that people write.
pub const TEXT: u64 = 64 << 20;
/// Bytes of a file that labctl writes for itself: a saved plan, observations.
pub const SAVED: u64 = 256 << 20;
/// Bytes of a file that goes to a node as it is.
pub const BLOB: u64 = 2 << 30;

/// All of a file that has at most `limit` bytes.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len().min(limit);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(io::Error::other(format!("it is larger than {} MiB, and can't be what it should be", limit >> 20)));
    }
    Ok(bytes)
}

/// The last `limit` bytes of a file, or all where it has fewer.
pub fn read_end(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(limit)))?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{read, read_end};

    #[test]
    fn a_file_is_read_up_to_its_bound_and_a_larger_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, vec![b'x'; 2 << 20]).unwrap();
        assert_eq!(read(&path, 2 << 20).unwrap().len(), 2 << 20);
        assert_eq!(
            read(&path, (2 << 20) - 1).unwrap_err().to_string(),
            "it is larger than 1 MiB, and can't be what it should be"
        );
        assert_eq!(read_end(&path, 3).unwrap(), b"xxx");
        assert_eq!(read_end(&path, 3 << 20).unwrap().len(), 2 << 20);
    }

    #[test]
    fn a_device_that_never_ends_is_refused() {
        let error = read(Path::new("/dev/zero"), 1 << 20).unwrap_err();
        assert!(error.to_string().contains("larger than 1 MiB"), "{error}");
    }
}
