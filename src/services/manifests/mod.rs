//! `kind = "manifests"`: any objects, as YAML or JSON beside homelab.toml or pinned elsewhere.

mod object;
mod secret;
mod slots;
mod sops;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use super::{Expansion, Pin, Scene, Service, ServiceKind};
use crate::config::read::Read;
use crate::config::table::{service_table, table};
use crate::config::tables::SecretReference;
use crate::config::{Code, Located, Named, Place, pattern, stays_below};

use slots::Slots;
pub(super) use text::Text;

/// The row of this kind.
pub(super) const KIND: ServiceKind = ServiceKind {
    name: "manifests",
    about: "Any objects: files, folders and patterns below the folder of homelab.toml, and files from elsewhere that are pinned by their digest.",
    provides: &["namespace:", "storage-class:", "kind:"],
    read: |value, faults| ManifestsTable::read(value, faults).map(|table| Arc::new(table) as Arc<dyn Service>),
    schema: |generator| generator.subschema_for::<ManifestsTable>(),
};

service_table! {
    /// Any objects, as YAML or JSON.
    pub struct ManifestsTable of "manifests" {
        /// Files, folders (all `.yaml`, `.yml` and `.json` in and below them) and patterns (`apps/*/*.yaml`), relative to homelab.toml.
        #[schemars(default)]
        pub files: Vec<Located<String>>,
        /// Files from elsewhere, each pinned by its digest.
        #[schemars(default)]
        pub urls: Vec<UrlTable>,
        /// The namespace of objects that say none and whose kind has one; `default` where absent.
        pub namespace: Option<Located<String>>,
        /// Secrets for the places `{{ NAME }}` in the texts.
        #[schemars(default)]
        pub slots: Named<SecretReference>,
        /// What must be there before its objects (but namespaces), in words: `load-balancer`, `storage-class:fast`.
        #[schemars(default)]
        pub needs: Vec<Located<String>>,
        /// What is there when all of its objects are, in words, beside what they say themselves (namespaces, storage classes, kinds).
        #[schemars(default)]
        pub provides: Vec<Located<String>>,
    }
}

table! {
    /// A file from elsewhere. It is fetched once, checked, and kept in the cache of your home.
    pub struct UrlTable {
        /// Where it is fetched from: `https://…` or `http://…`.
        pub url: Located<String>,
        /// SHA-256 of the file, as `sha256sum` prints it.
        pub sha256: Located<String>,
    }
}

impl UrlTable {
    /// The pin, with the digest in lower case.
    pub(super) fn pin(&self) -> Pin {
        Pin { url: self.url.clone(), sha256: self.sha256.value.to_lowercase(), stand_in: None }
    }
}

impl Service for ManifestsTable {
    fn files(&self) -> Vec<&Located<String>> {
        self.files.iter().collect()
    }

    fn pins(&self) -> Vec<Pin> {
        self.urls.iter().map(UrlTable::pin).collect()
    }

    fn expand(&self, scene: &Scene<'_>, expansion: &mut Expansion) {
        if self.files.is_empty() && self.urls.is_empty() {
            let help = "add `files = [\"PATH\"]`, or `urls = [{ url = \"…\", sha256 = \"…\" }]`";
            expansion.fault(
                Code::MissingKey,
                format!("the service `{}` has no manifests", scene.name),
                &self.place,
                "neither `files` nor `urls`",
                help,
            );
        }
        let mut slots = Slots::of(&self.slots, scene, expansion);
        let namespace = self.namespace.as_ref().map(|namespace| namespace.value.as_str());
        let files: Vec<&Located<String>> = self.files.iter().collect();
        each_file(&files, namespace, scene, expansion, |text, expansion| text.read(&mut slots, expansion));
        for table in &self.urls {
            if let Some(content) = pinned(&table.pin(), &table.sha256.place, scene, expansion) {
                let file = &table.url.value;
                let text = Text { file, content, origin: Some(&table.url.place), namespace, lab: scene.lab };
                text.read(&mut slots, expansion);
            }
        }
        slots.refuse_unused(expansion);
        expansion.needs.extend(self.needs.iter().cloned());
        expansion.provides.extend(self.provides.iter().map(|word| word.value.clone()));
    }
}

/// Adds the objects of files that have no slots.
pub(super) fn read_files(
    files: &[&Located<String>],
    namespace: Option<&str>,
    scene: &Scene<'_>,
    expansion: &mut Expansion,
) {
    each_file(files, namespace, scene, expansion, |text, expansion| text.read_plain(expansion));
}

/// Reads each file once, however many entries name it.
fn each_file(
    files: &[&Located<String>],
    namespace: Option<&str>,
    scene: &Scene<'_>,
    expansion: &mut Expansion,
    mut read: impl FnMut(Text<'_>, &mut Expansion),
) {
    let mut seen: Vec<&str> = Vec::new();
    for said in files {
        for path in found(said, scene, expansion) {
            if seen.contains(&path) {
                continue;
            }
            seen.push(path);
            let Some(content) = scene.sources.text(path) else {
                let help = "manifests are YAML or JSON in UTF-8; name the files that are";
                let summary = format!("`{path}` is no text");
                expansion.fault(Code::Manifest, summary, &said.place, "this file is not UTF-8", help);
                continue;
            };
            read(Text { file: path, content, origin: None, namespace, lab: scene.lab }, expansion);
        }
    }
}

/// The files that an entry of `files` names.
fn found<'a>(said: &Located<String>, scene: &Scene<'a>, expansion: &mut Expansion) -> Vec<&'a str> {
    let root = scene.sources.root();
    if !stays_below(said.trim_end_matches('/')) {
        let summary = format!("`{}` leads out of the folder of {root}", said.value);
        let help = "put the files beside or below homelab.toml, and write a relative path without `..`";
        expansion.fault(Code::Source, summary, &said.place, "outside", help);
        return Vec::new();
    }
    let help = format!("paths and patterns are relative to the folder of {root}");
    if let Some(Err(reason)) = scene.sources.get(said) {
        let summary = format!("`{}` can't be read: {reason}", said.value);
        expansion.fault(Code::Source, summary, &said.place, "this file", help);
        return Vec::new();
    }
    let pattern = match pattern(said) {
        Ok(pattern) => pattern,
        Err(error) => {
            let summary = format!("`{}` is no pattern: {error}", said.value);
            expansion.fault(Code::Source, summary, &said.place, "this pattern", "write a path with `*`: `apps/*.yaml`");
            return Vec::new();
        }
    };
    let folder = format!("{}/", said.trim_end_matches('/'));
    let paths = scene.sources.paths().map(|path| &**path);
    let found: Vec<&str> = paths
        .filter(|path| *path != &**root)
        .filter(|path| *path == said.value || pattern.is_match(path) || is_manifest_below(&folder, path))
        .collect();
    if found.is_empty() {
        let summary = format!("there is no file `{}`", said.value);
        expansion.fault(Code::Source, summary, &said.place, "nothing there", help);
    }
    found
}

/// Whether a path is that of a manifest below the folder, whose name ends in a slash.
pub(crate) fn is_manifest_below(folder: &str, path: &str) -> bool {
    let Some(rest) = path.strip_prefix(folder) else { return false };
    // Hidden files and folders are editors' and Git's.
    let is_hidden = rest.split('/').any(|part| part.starts_with('.'));
    let end = rest.rsplit_once('.').map_or("", |(_, end)| end);
    !is_hidden && ["yaml", "yml", "json"].contains(&end)
}

/// The text of a pinned file; where it is not there yet, that is said.
pub(super) fn pinned<'a>(pin: &Pin, digest: &Place, scene: &Scene<'a>, expansion: &mut Expansion) -> Option<&'a str> {
    let is_hex = pin.sha256.len() == 64 && pin.sha256.chars().all(|c| c.is_ascii_hexdigit());
    if !is_hex {
        let summary = format!("`{}` is no SHA-256", pin.sha256);
        let help = "write the 64 hexadecimal digits that `sha256sum FILE` prints";
        expansion.fault(Code::Value, summary, digest, "this digest", help);
        return None;
    }
    let scheme = pin.url.split_once("://").map_or("", |(scheme, _)| scheme);
    if !["http", "https"].contains(&scheme) {
        let summary = format!("`{}` is no address that labctl fetches from", pin.url.value);
        expansion.fault(Code::Value, summary, &pin.url.place, "this address", "write `https://…`");
        return None;
    }
    let Some(bytes) = scene.sources.pinned(&pin.sha256) else {
        let summary = format!("`{}` is not fetched yet: what it holds is not looked at", pin.url.value);
        let words = "not in the cache";
        let warning =
            crate::config::Diagnostic::warning(Code::Unfetched.as_str(), summary, pin.url.place.clone(), words);
        expansion.faults.push(warning.help("`labctl plan` fetches it"));
        return None;
    };
    let text = std::str::from_utf8(bytes).ok();
    if text.is_none() {
        let summary = format!("`{}` is no text", pin.url.value);
        let help = "manifests are YAML or JSON in UTF-8";
        expansion.fault(Code::Manifest, summary, &pin.url.place, "this file is not UTF-8", help);
    }
    text
}
