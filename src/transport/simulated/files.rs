//! The files of a simulated node: a tree by path, with modes, owners and what tells one state of a file from the next.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// All that lies on a node's disks and in its `/run`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Tree {
    entries: BTreeMap<String, Entry>,
    /// Counts every change: with it no two states of a file are the same.
    changes: u64,
    /// Seconds since 1970 by the node's clock: when what is written now is written.
    #[serde(default)]
    pub(super) now: i64,
}

/// Something at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) what: What,
    pub(super) mode: u32,
    pub(super) owner: String,
    pub(super) group: String,
    inode: u64,
    changed: u64,
    /// When it was written, in seconds since 1970 by the node's clock.
    #[serde(default)]
    pub(super) modified: i64,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum What {
    Folder,
    File(#[serde(with = "bytes")] Vec<u8>),
    Link(String),
    Device,
}

impl Entry {
    /// As [`crate::observe::Stat::state`] has it.
    pub(super) fn state(&self) -> String {
        format!("{} {}", self.inode, self.changed)
    }

    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match &self.what {
            What::File(bytes) => Some(bytes),
            What::Folder | What::Link(_) | What::Device => None,
        }
    }
}

/// A path without `.`, `..` and double slashes; relative ones begin in the operator's folder.
pub(super) fn absolute(path: &str) -> String {
    let full = if path.starts_with('/') { path.to_owned() } else { format!("/home/operator/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in full.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The folder above a path.
pub(super) fn above(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

impl Tree {
    /// What is at a path; links are followed.
    pub(super) fn get(&self, path: &str) -> Option<&Entry> {
        let mut path = absolute(path);
        for _ in 0..8 {
            match self.entries.get(&path) {
                Some(Entry { what: What::Link(to), .. }) => {
                    path = if to.starts_with('/') { absolute(to) } else { absolute(&format!("{}/{to}", above(&path))) };
                }
                other => return other,
            }
        }
        None
    }

    /// What is at a path itself.
    pub(super) fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.get(&absolute(path))
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        path == "/" || self.get(path).is_some()
    }

    pub(super) fn is_folder(&self, path: &str) -> bool {
        path == "/" || self.get(path).is_some_and(|entry| entry.what == What::Folder)
    }

    /// The bytes of a regular file.
    pub(super) fn read(&self, path: &str) -> Option<&[u8]> {
        self.get(path)?.bytes()
    }

    /// The text of a regular file.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        self.read(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Puts something at a path; folders above it are made.
    pub(super) fn put(&mut self, path: &str, what: What, mode: u32, owner: &str, group: &str) {
        let path = absolute(path);
        self.make_folders(above(&path), 0o755);
        self.changes += 1;
        let inode = self.changes;
        let (owner, group, modified) = (owner.to_owned(), group.to_owned(), self.now);
        let entry = Entry { what, mode, owner, group, inode, changed: inode, modified };
        self.entries.insert(path, entry);
    }

    /// A file of root's.
    pub(super) fn write(&mut self, path: &str, text: impl Into<Vec<u8>>, mode: u32) {
        self.put(path, What::File(text.into()), mode, "root", "root");
    }

    /// New bytes in a file that keeps its mode and owners; a new one where there was none.
    pub(super) fn overwrite(&mut self, path: &str, bytes: Vec<u8>) {
        self.changes += 1;
        let (changed, now) = (self.changes, self.now);
        match self.entries.get_mut(&absolute(path)) {
            Some(entry) => {
                entry.what = What::File(bytes);
                entry.changed = changed;
                entry.modified = now;
            }
            None => self.write(path, bytes, 0o644),
        }
    }

    /// Changes mode or owners.
    pub(super) fn change(&mut self, path: &str, change: impl FnOnce(&mut Entry)) -> bool {
        self.changes += 1;
        let changed = self.changes;
        self.entries.get_mut(&absolute(path)).is_some_and(|entry| {
            change(entry);
            entry.changed = changed;
            true
        })
    }

    /// Says that a file was written now; false where there is none.
    pub(super) fn touch(&mut self, path: &str) -> bool {
        let now = self.now;
        self.change(path, |entry| entry.modified = now)
    }

    /// Gives what is at a path a second name; false where there is nothing, or something has that name.
    pub(super) fn link(&mut self, from: &str, to: &str) -> bool {
        let (from, to) = (absolute(from), absolute(to));
        match self.entries.get(&from).cloned() {
            Some(entry) if !self.entries.contains_key(&to) => {
                self.entries.insert(to, entry);
                true
            }
            _ => false,
        }
    }

    pub(super) fn make_folders(&mut self, path: &str, mode: u32) {
        let path = absolute(path);
        let ends = path.match_indices('/').map(|(end, _)| end).skip(1).chain([path.len()]);
        for end in ends.collect::<Vec<_>>() {
            if end > 1 && !self.entries.contains_key(&path[..end]) {
                self.changes += 1;
                let (what, changed) = (What::Folder, self.changes);
                let (owner, group) = ("root".to_owned(), "root".to_owned());
                let entry = Entry { what, mode, owner, group, inode: changed, changed, modified: self.now };
                self.entries.insert(path[..end].to_owned(), entry);
            }
        }
    }

    /// Removes what is at a path and all below it; whether there was anything.
    pub(super) fn remove(&mut self, path: &str) -> bool {
        let path = absolute(path);
        let below = format!("{path}/");
        let gone: Vec<String> =
            self.entries.keys().filter(|key| **key == path || key.starts_with(&below)).cloned().collect();
        for key in &gone {
            self.entries.remove(key);
        }
        !gone.is_empty()
    }

    /// Moves a file or a folder with all that is in it.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> bool {
        let (from, to) = (absolute(from), absolute(to));
        if !self.entries.contains_key(&from) {
            return false;
        }
        self.remove(&to);
        self.changes += 1;
        let below = format!("{from}/");
        let moved: Vec<String> =
            self.entries.keys().filter(|key| **key == from || key.starts_with(&below)).cloned().collect();
        for key in moved {
            if let Some(mut entry) = self.entries.remove(&key) {
                entry.changed = self.changes;
                self.entries.insert(format!("{to}{}", &key[from.len()..]), entry);
            }
        }
        true
    }

    /// The names in a folder, in order.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let folder = absolute(folder);
        let below = if folder == "/" { folder } else { format!("{folder}/") };
        let names = self.entries.keys().filter_map(|key| key.strip_prefix(&below));
        names.filter(|name| !name.is_empty() && !name.contains('/')).map(str::to_owned).collect()
    }

    /// Everything, by path.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries.iter().map(|(path, entry)| (path.as_str(), entry))
    }

    /// Everything below a folder, by path.
    pub(super) fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, &'a Entry)> {
        let below = format!("{}/", absolute(folder).trim_end_matches('/'));
        self.all().filter(move |(path, _)| path.starts_with(&below))
    }
}

/// Bytes in JSON: text where they are text.
mod bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer};

    const MARK: &str = "base64:";

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.starts_with(MARK) => serializer.serialize_str(text),
            _ => serializer.serialize_str(&format!("{MARK}{}", STANDARD.encode(bytes))),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix(MARK) {
            Some(encoded) => STANDARD.decode(encoded).map_err(serde::de::Error::custom),
            None => Ok(text.into_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Tree, What, absolute};

    #[test]
    fn a_path_is_the_same_however_it_is_written() {
        assert_eq!(absolute("/a//b/./c/../d"), "/a/b/d");
        assert_eq!(absolute("demo/x"), "/home/operator/demo/x");
    }

    #[test]
    fn every_change_gives_a_file_another_state() {
        let mut tree = Tree::default();
        tree.write("/etc/x", "a", 0o644);
        let before = tree.get("/etc/x").unwrap().state();
        tree.overwrite("/etc/x", b"a".to_vec());
        assert_ne!(tree.get("/etc/x").unwrap().state(), before);
        assert!(tree.is_folder("/etc"));
    }

    #[test]
    fn a_folder_moves_with_what_is_in_it_and_links_are_followed() {
        let mut tree = Tree::default();
        tree.write("/a/b/c", "text", 0o600);
        assert!(tree.rename("/a/b", "/a/d"));
        tree.put("/l", What::Link("a/d/c".to_owned()), 0o777, "root", "root");
        assert_eq!(tree.text("/l").as_deref(), Some("text"));
        assert_eq!(tree.names("/a"), ["d"]);
    }

    #[test]
    fn bytes_survive_being_kept() {
        let mut tree = Tree::default();
        tree.write("/x", vec![0, 255], 0o600);
        tree.write("/y", "base64:no", 0o600);
        let kept: Tree = serde_json::from_str(&serde_json::to_string(&tree).unwrap()).unwrap();
        assert_eq!((kept.read("/x"), kept.read("/y")), (Some(&[0, 255][..]), Some(&b"base64:no"[..])));
    }
}
