//! Files that say in their first line what they are, in which format, and the SHA-256 of all that follows.

use crate::config::sha256;

/// Why a file can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// It is something else.
    Other,
    /// A newer labctl wrote it, in this format.
    Newer(u32),
    /// It is not as it was written: where.
    Damaged(String),
}

/// The file of a body. `sign` is how its first line begins, with a space behind it.
pub(super) fn seal(sign: &str, format: u32, body: &str) -> String {
    format!("{sign}format={format} sha256={}\n{body}", sha256(body.as_bytes()))
}

/// The body of such a file, as it was written.
pub(super) fn open<'a>(sign: &str, newest: u32, bytes: &'a [u8]) -> Result<&'a [u8], Broken> {
    let damaged = |what: &str| Broken::Damaged(what.to_owned());
    if !bytes.starts_with(sign.as_bytes()) {
        return Err(Broken::Other);
    }
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(|| damaged("it ends in its first line"))?;
    let head = std::str::from_utf8(&bytes[sign.len()..end]).map_err(|_| damaged("its first line"))?;
    let (format, digest) = head.split_once(' ').ok_or_else(|| damaged("its first line"))?;
    let format = format.strip_prefix("format=").and_then(|number| number.parse::<u32>().ok());
    let format = format.filter(|format| *format > 0).ok_or_else(|| damaged("its first line"))?;
    if format > newest {
        return Err(Broken::Newer(format));
    }
    let digest = digest.strip_prefix("sha256=").ok_or_else(|| damaged("its first line"))?;
    let body = &bytes[end + 1..];
    if sha256(body) != digest {
        return Err(damaged("it is not what its first line says"));
    }
    Ok(body)
}
