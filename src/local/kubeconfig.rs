//! The user's own kubeconfig: copied aside, then replaced as a whole.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::private;
use crate::kubernetes::merged_kubeconfig;

/// The file that `kubectl` changes: the first of `KUBECONFIG`, or that in the home.
pub fn own() -> Result<PathBuf, String> {
    let named = std::env::var_os("KUBECONFIG").filter(|paths| !paths.is_empty());
    if let Some(first) = named.and_then(|paths| std::env::split_paths(&paths).find(|path| !path.as_os_str().is_empty()))
    {
        return Ok(first);
    }
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.ok_or("the environment variable `HOME` is not set; name the file: `--into FILE`")?;
    Ok(PathBuf::from(home).join(".kube/config"))
}

/// Puts a kubeconfig into the file at `path`. Where the copy of what was there lies, if anything was.
pub fn merge(path: &Path, new: &Value, now: &str) -> Result<Option<PathBuf>, String> {
    let shown = path.display();
    let says = |error: io::Error| format!("`{shown}`: {error}");
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(says(error)),
    };
    let there = match text.as_deref().filter(|text| !text.trim().is_empty()) {
        // The text holds credentials: the fault's place alone is told.
        Some(text) => serde_saphyr::from_str(text).map_err(|error| match error.location() {
            Some(place) => format!("`{shown}` is no YAML (line {})", place.line()),
            None => format!("`{shown}` is no YAML"),
        })?,
        None => Value::Null,
    };
    let merged = merged_kubeconfig(&there, new).map_err(|why| format!("`{shown}`: {why}; rename one of the two"))?;
    if merged == there {
        return Ok(None);
    }
    let yaml = serde_saphyr::to_string(&merged).map_err(|error| format!("`{shown}`: {error}"))?;
    std::fs::create_dir_all(private::folder(path)).map_err(says)?;
    let copy = text.is_some().then(|| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        path.with_file_name(format!("{name}.before-labctl-{now}"))
    });
    if let (Some(copy), Some(text)) = (&copy, &text) {
        private::replace(copy, text).map_err(says)?;
    }
    // What is a link, such as one into a folder of dotfiles, stays one.
    let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    private::replace(&place, &yaml).map_err(says)?;
    Ok(copy)
}
