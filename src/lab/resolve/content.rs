//! What stands in a file: a text with slots for secrets, a secret, or a file of the source tree.

use super::Resolver;
use crate::config::tables::{ContentTable, SecretReference};
use crate::config::{Brief, Code, Located, Named, sha256, stays_below};
use crate::lab::{Content, Part, SecretName};

/// Texts above this are known by their digest: nobody reads a diff of them.
const LARGEST_TEXT: usize = 256 * 1024;

/// The keys of a table that say what stands in a file.
#[derive(Clone, Copy)]
pub(super) struct ContentKeys<'a> {
    /// `content`
    pub(super) content: Option<&'a ContentTable>,
    /// `source`
    pub(super) source: Option<&'a Located<String>>,
    /// `slots`
    pub(super) slots: &'a Named<SecretReference>,
}

impl Resolver<'_> {
    /// The content; `None` without a fault only where neither key is there.
    pub(super) fn content(&mut self, keys: ContentKeys<'_>) -> Option<Content> {
        let slots = self.slots(keys.slots);
        match (keys.content, keys.source) {
            (Some(_), Some(source)) => {
                let help = "keep one of them";
                self.fault(
                    Code::Contradiction,
                    "`content` and `source` exclude each other",
                    &source.place,
                    "beside `content`",
                    help,
                );
                None
            }
            (Some(Brief::Short(text)), None) => Some(self.fill(&text.value, &slots)),
            (Some(Brief::Table(reference)), None) => {
                self.refuse_slots(&slots, "the content is a secret as a whole");
                let secret = self.secret_name(&reference.secret)?;
                Some(Content::Parts(vec![Part::Secret(secret.value)]))
            }
            (None, Some(source)) => self.source(source, &slots),
            (None, None) => {
                self.refuse_slots(&slots, "there is neither `content` nor `source`");
                None
            }
        }
    }

    fn slots(&mut self, table: &Named<SecretReference>) -> Vec<(Located<String>, SecretName)> {
        let mut slots = Vec::new();
        for (name, reference) in table.iter() {
            if let Some(secret) = self.secret_name(&reference.secret) {
                slots.push((name.clone(), secret.value));
            }
        }
        slots
    }

    fn refuse_slots(&mut self, slots: &[(Located<String>, SecretName)], why: &str) {
        for (name, _) in slots {
            let summary = format!("the slot `{}` can't be filled: {why}", name.value);
            self.fault(Code::Slot, summary, &name.place, "no place for it", "remove it from `slots`");
        }
    }

    /// Fills `{{ NAME }}` where NAME is a slot; all else in braces is the text's own.
    fn fill(&mut self, text: &str, slots: &[(Located<String>, SecretName)]) -> Content {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut used = vec![false; slots.len()];
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            let inside = &rest[open + 2..];
            let close = inside.find("}}");
            let slot = close.and_then(|close| slots.iter().position(|(name, _)| name.value == inside[..close].trim()));
            let (Some(close), Some(slot)) = (close, slot) else {
                literal.push_str(&rest[..open + 2]);
                rest = inside;
                continue;
            };
            literal.push_str(&rest[..open]);
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Secret(slots[slot].1.clone()));
            used[slot] = true;
            rest = &inside[close + 2..];
        }
        literal.push_str(rest);
        if !literal.is_empty() || parts.is_empty() {
            parts.push(Part::Text(literal));
        }
        for ((name, _), _) in slots.iter().zip(used).filter(|(_, used)| !used) {
            let summary = format!("the text has no place for the slot `{}`", name.value);
            let help = format!("write `{{{{ {} }}}}` where it belongs, or remove it from `slots`", name.value);
            self.fault(Code::Slot, summary, &name.place, "not in the text", help);
        }
        Content::Parts(parts)
    }

    fn source(&mut self, source: &Located<String>, slots: &[(Located<String>, SecretName)]) -> Option<Content> {
        let root = self.sources.root();
        let help = format!("paths are relative to the folder of {root}");
        if !stays_below(source) {
            let summary = format!("`{}` leads out of the folder of {root}", source.value);
            self.fault(Code::Source, summary, &source.place, "outside", "put the file beside or below homelab.toml");
            return None;
        }
        let bytes = match self.sources.get(source) {
            Some(Ok(bytes)) => bytes,
            Some(Err(reason)) => {
                let summary = format!("`{}` can't be read: {reason}", source.value);
                self.fault(Code::Source, summary, &source.place, "this file", help);
                return None;
            }
            None => {
                let summary = format!("there is no file `{}`", source.value);
                self.fault(Code::Source, summary, &source.place, "this file", help);
                return None;
            }
        };
        match std::str::from_utf8(bytes) {
            Ok(text) if bytes.len() <= LARGEST_TEXT => Some(self.fill(text, slots)),
            _ => {
                self.refuse_slots(slots, "the file is no text, or larger than 256 KiB");
                let sha256 = sha256(bytes);
                let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                Some(Content::Blob { source: source.value.clone(), sha256, length })
            }
        }
    }
}
