//! Files that SOPS has encrypted: the program `sops` decrypts them, with the keys that it finds by itself.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

use super::values::without_newline;
use crate::services::yaml;

/// The file decrypted. It may ask on the terminal; what it says on stderr is the user's to see.
pub(super) fn decrypt(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    let output = Command::new("sops").arg("-d").arg(path).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "the program `sops` is not installed (https://getsops.io)".to_owned(),
        _ => format!("`sops` could not be run: {error}"),
    })?;
    let stdout = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(format!("`sops -d {}` failed ({})", path.display(), output.status));
    }
    Ok(stdout)
}

/// The value at a pointer of a decrypted file's document; the whole file where there is none.
pub(super) fn value(text: &[u8], document: usize, pointer: Option<&str>) -> Result<Zeroizing<Vec<u8>>, String> {
    let Some(pointer) = pointer else { return Ok(without_newline(Zeroizing::new(text.to_vec()))) };
    // What YAML's reader says of the text may quote it: none of that is passed on.
    let unreadable = || "what `sops` has decrypted is no YAML or JSON".to_owned();
    let text = std::str::from_utf8(text).map_err(|_| unreadable())?;
    let documents = yaml::documents(text);
    let document = documents.get(document).ok_or_else(|| "the decrypted file has fewer documents".to_owned())?;
    let mut tree = yaml::read(document.text).map_err(|_| unreadable())?;
    let value = match tree.pointer(pointer) {
        Some(Value::String(text)) => Ok(Zeroizing::new(text.clone().into_bytes())),
        Some(number @ (Value::Number(_) | Value::Bool(_))) => Ok(Zeroizing::new(number.to_string().into_bytes())),
        Some(_) => Err(format!("`{pointer}` of the decrypted file is no plain value")),
        None => Err(format!("the decrypted file has no `{pointer}`")),
    };
    wipe(&mut tree);
    value
}

/// Wipes the texts of a tree that is not needed any more.
fn wipe(tree: &mut Value) {
    match tree {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(entries) => entries.values_mut().for_each(wipe),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn a_value_is_found_by_its_document_and_pointer() {
        let text = b"a: 1\n---\nstringData:\n  a/b: text\n  port: 5432\n  list: [x]\n";
        let of = |document, pointer| {
            value(text, document, Some(pointer)).map(|value| String::from_utf8(value.to_vec()).unwrap())
        };
        assert_eq!(of(1, "/stringData/a~1b"), Ok("text".to_owned()));
        assert_eq!(of(1, "/stringData/port"), Ok("5432".to_owned()));
        assert!(of(1, "/stringData/list").is_err() && of(0, "/stringData").is_err() && of(2, "/a").is_err());
        assert_eq!(*value(b"whole\n", 0, None).unwrap(), b"whole");
    }

    #[test]
    fn what_can_not_be_read_is_not_quoted() {
        let error = value(b"a: 'canary\n", 0, Some("/a")).unwrap_err();
        assert!(!error.contains("canary"), "{error}");
    }
}
