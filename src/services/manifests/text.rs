//! One text with manifests: its documents, and the objects in them.

use std::sync::Arc;

use serde_json::Value;

use super::slots::{Slots, escape};
use super::{object, secret, sops};
use crate::config::{Code, Place};
use crate::lab::Lab;
use crate::services::yaml::{self, Document};
use crate::services::{Draft, Expansion};

/// A text with manifests.
#[derive(Debug, Clone, Copy)]
pub(in crate::services) struct Text<'a> {
    /// Its path beside homelab.toml, or where it is fetched from.
    pub(in crate::services) file: &'a str,
    /// The text.
    pub(in crate::services) content: &'a str,
    /// Where homelab.toml names it, for a text from elsewhere: its own lines can't be shown.
    pub(in crate::services) origin: Option<&'a Place>,
    /// The namespace to fill in.
    pub(in crate::services) namespace: Option<&'a str>,
    /// The lab.
    pub(in crate::services) lab: &'a Lab,
}

/// An object of a document: what it is, and its JSON pointer there.
pub(super) struct Item {
    pub(super) json: Value,
    pub(super) pointer: String,
}

impl Text<'_> {
    /// Adds the objects of all documents of a text without slots.
    pub(in crate::services) fn read_plain(&self, expansion: &mut Expansion) {
        self.read(&mut Slots::default(), expansion);
    }

    /// Adds the objects of all documents.
    pub(super) fn read(&self, slots: &mut Slots, expansion: &mut Expansion) {
        for (number, document) in yaml::documents(self.content).into_iter().enumerate() {
            let place = self.place(&document, None);
            match yaml::read(&slots.mark(document.text)) {
                Ok(Value::Null) => {}
                Ok(json) => self.document(json, number, &place, slots, expansion),
                Err(fault) => {
                    let place = fault.at.map_or(place, |(line, _)| self.place(&document, Some(line)));
                    let (summary, words) = match self.origin {
                        None => (format!("`{}` is no YAML: {}", self.file, fault.message), "here".to_owned()),
                        Some(_) => {
                            (format!("`{}` is no YAML: {}", self.file, fault.message), Self::line(&document, &fault))
                        }
                    };
                    let help = "mend the text; a tool that checks YAML shows more of it";
                    expansion.fault(Code::Manifest, summary, &place, words, help);
                }
            }
        }
    }

    /// Where a fault is, for a text whose lines can't be shown.
    fn line(document: &Document<'_>, fault: &yaml::YamlFault) -> String {
        fault.at.map_or_else(
            || "in this file".to_owned(),
            |(line, _)| format!("line {} of it", document.lines_above + line),
        )
    }

    fn document(&self, mut json: Value, number: usize, place: &Place, slots: &mut Slots, expansion: &mut Expansion) {
        let is_encrypted = sops::take_key(&mut json);
        for mut item in flatten(json, String::new()) {
            let marked = slots.take(&mut item.json, place, expansion);
            if let Some(fault) = object::check(&mut item.json, place) {
                expansion.faults.push(fault);
                continue;
            }
            let sops = sops::Document { text: self, number, is_encrypted };
            let Some(encrypted) = sops.values(&mut item, place, expansion) else { continue };
            let mut draft = Draft::new(item.json, place.clone());
            draft.namespace = self.namespace.map(ToOwned::to_owned);
            if let Err(fault) = secret::fill(&mut draft, marked, &encrypted) {
                expansion.faults.push(*fault);
                continue;
            }
            expansion.drafts.push(draft);
        }
    }

    /// The place of a document's first line with content, or of a line of it counted from 1; in homelab.toml for a text
    /// from elsewhere.
    fn place(&self, document: &Document<'_>, line: Option<usize>) -> Place {
        if let Some(origin) = self.origin {
            return origin.clone();
        }
        let is_content = |line: &str| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with(['#', '%']) && line != "---"
        };
        let lines = || document.text.split_inclusive('\n');
        let at = match line {
            Some(line) => line.saturating_sub(1).min(lines().count().saturating_sub(1)),
            None => lines().position(is_content).unwrap_or(0),
        };
        let start = document.start + lines().take(at).map(str::len).sum::<usize>();
        let end = start + lines().nth(at).map_or(0, |line| line.trim_end().len());
        Place::new(&Arc::from(self.file), self.content, start..end)
    }
}

/// The objects of a document: those of a list one by one.
fn flatten(mut json: Value, pointer: String) -> Vec<Item> {
    let is_list = json["kind"].as_str().is_some_and(|kind| kind.ends_with("List"))
        && json.get("items").is_some_and(Value::is_array);
    match json.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if is_list => items
            .into_iter()
            .enumerate()
            .flat_map(|(at, item)| flatten(item, format!("{pointer}/{}/{at}", escape("items"))))
            .collect(),
        Some(items) => {
            json["items"] = items;
            vec![Item { json, pointer }]
        }
        None => vec![Item { json, pointer }],
    }
}
