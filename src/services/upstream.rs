//! The manifest of a project that labctl pins, and another one in its place.

use super::manifests::{self, Text};
use super::{Expansion, Pin, Scene};
use crate::config::table::table;
use crate::config::{Code, Located, Place};

table! {
    /// The manifest that is applied in the place of the one that labctl pins: `{ file }` or `{ url, sha256 }`.
    pub struct UpstreamTable {
        /// A file beside or below homelab.toml.
        pub file: Option<Located<String>>,
        /// Where it is fetched from.
        pub url: Option<Located<String>>,
        /// With `url`: SHA-256 of the file, as `sha256sum` prints it.
        pub sha256: Option<Located<String>>,
    }
}

/// What labctl pins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pinned {
    /// Where it is fetched from.
    pub(super) url: &'static str,
    /// SHA-256 of it.
    pub(super) sha256: &'static str,
    /// What takes its place in a simulated lab.
    pub(super) stand_in: &'static str,
}

impl Pinned {
    /// The file beside homelab.toml that the table names.
    pub(super) fn files(table: Option<&UpstreamTable>) -> Vec<&Located<String>> {
        table.and_then(|table| table.file.as_ref()).into_iter().collect()
    }

    /// The file from elsewhere, if it comes from there; `place` is that of the service.
    pub(super) fn pins(&self, table: Option<&UpstreamTable>, place: &Place) -> Vec<Pin> {
        match table {
            None => vec![Pin {
                url: Located::new(self.url.to_owned(), place.clone()),
                sha256: self.sha256.to_owned(),
                stand_in: Some(self.stand_in),
            }],
            Some(UpstreamTable { url: Some(url), sha256: Some(sha256), .. }) => {
                vec![Pin { url: url.clone(), sha256: sha256.value.to_lowercase(), stand_in: Some(self.stand_in) }]
            }
            Some(_) => Vec::new(),
        }
    }

    /// Adds the objects of the manifest.
    pub(super) fn read(
        &self,
        table: Option<&UpstreamTable>,
        place: &Place,
        scene: &Scene<'_>,
        expansion: &mut Expansion,
    ) {
        if let Some(table) = table {
            let said = (&table.file, &table.url, &table.sha256);
            let is_one = matches!(said, (Some(_), None, None) | (None, Some(_), Some(_)));
            if !is_one {
                let help = "say `{ file = \"PATH\" }`, or `{ url = \"https://…\", sha256 = \"…\" }`";
                let summary = "a manifest comes from a file, or from an address with its digest";
                expansion.fault(Code::Contradiction, summary, &table.place, "in this table", help);
                return;
            }
            if let Some(file) = &table.file {
                manifests::read_files(&[file], None, scene, expansion);
                return;
            }
        }
        for pin in self.pins(table, place) {
            let digest = table.and_then(|table| table.sha256.as_ref()).map_or(place, |sha256| &sha256.place);
            if let Some(content) = manifests::pinned(&pin, digest, scene, expansion) {
                let text =
                    Text { file: &pin.url, content, origin: Some(&pin.url.place), namespace: None, lab: scene.lab };
                text.read_plain(expansion);
            }
        }
    }
}
