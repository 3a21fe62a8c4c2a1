//! `{{ NAME }}` in the text of a manifest: the places of secrets.
//!
//! They are found in the text, before it is read: YAML takes braces that begin a value for a mapping. A mark stands in
//! their place while it is read, and no value of a secret is ever there.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::tables::SecretReference;
use crate::config::{self, Code, Located, Named, Place};
use crate::lab::{Content, Part, SecretName};
use crate::services::{Expansion, Scene};

/// Characters for the use within programs that no text means (Unicode, noncharacters), and that YAML lets pass.
const MARK: (char, char) = ('\u{fdd0}', '\u{fdd1}');

/// The slots of one service.
#[derive(Default)]
pub(super) struct Slots {
    declared: Vec<Slot>,
}

struct Slot {
    name: Located<String>,
    secret: SecretName,
    is_used: bool,
}

impl Slots {
    /// The slots that the table declares; what names no secret is a fault.
    pub(super) fn of(table: &Named<SecretReference>, scene: &Scene<'_>, expansion: &mut Expansion) -> Self {
        let mut declared = Vec::new();
        let secrets = &scene.file.secrets;
        for (name, reference) in table.iter() {
            let secret = &reference.secret;
            if !secrets.declares(secret) {
                let known = secrets.names().map(|known| known.value.as_str());
                let help = match config::nearest(secret, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("declare it in `[secrets.{}]`", secret.value),
                };
                let summary = format!("there is no secret `{}`", secret.value);
                expansion.fault(Code::Reference, summary, &secret.place, "declared nowhere", help);
            }
            declared.push(Slot { name: name.clone(), secret: SecretName(secret.value.clone()), is_used: false });
        }
        Self { declared }
    }

    /// The text with marks in the places of the declared slots; all else in braces is the text's own.
    pub(super) fn mark<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut marked = String::new();
        let mut rest = text;
        while let Some(open) = rest.find("{{") {
            let inside = &rest[open + 2..];
            let close = inside.find("}}");
            let slot =
                close.and_then(|close| self.declared.iter().position(|slot| slot.name.value == inside[..close].trim()));
            let (Some(close), Some(slot)) = (close, slot) else {
                marked.push_str(&rest[..open + 2]);
                rest = inside;
                continue;
            };
            marked.push_str(&format!("{}{}{slot}{}", &rest[..open], MARK.0, MARK.1));
            rest = &inside[close + 2..];
        }
        if rest.len() == text.len() {
            return Cow::Borrowed(text);
        }
        marked.push_str(rest);
        Cow::Owned(marked)
    }

    /// Takes the marked texts out of an object: an empty text stays in the place of each.
    pub(super) fn take(
        &mut self,
        json: &mut Value,
        place: &Place,
        expansion: &mut Expansion,
    ) -> BTreeMap<String, Content> {
        let mut found = BTreeMap::new();
        self.walk(json, "", place, &mut found, expansion);
        found
    }

    fn walk(
        &mut self,
        json: &mut Value,
        pointer: &str,
        place: &Place,
        found: &mut BTreeMap<String, Content>,
        expansion: &mut Expansion,
    ) {
        match json {
            Value::String(text) if text.contains(MARK.0) => {
                found.insert(pointer.to_owned(), self.content(text));
                text.clear();
            }
            Value::Array(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    self.walk(item, &format!("{pointer}/{at}"), place, found, expansion);
                }
            }
            Value::Object(entries) => {
                for (key, value) in entries {
                    if key.contains(MARK.0) {
                        // It is used, in the wrong place: that is one fault, not two.
                        self.content(key);
                        let help = "write the key as it is, and the slot in a value";
                        expansion.fault(Code::Slot, "a slot can't be a key", place, "in this object", help);
                        continue;
                    }
                    self.walk(value, &format!("{pointer}/{}", escape(key)), place, found, expansion);
                }
            }
            _ => {}
        }
    }

    fn content(&mut self, text: &str) -> Content {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(MARK.0) {
            literal.push_str(before);
            let number =
                after.split_once(MARK.1).and_then(|(number, after)| Some((number.parse::<usize>().ok()?, after)));
            let slot = number.and_then(|(number, after)| Some((self.declared.get_mut(number)?, after)));
            let Some((slot, after)) = slot else {
                literal.push(MARK.0);
                rest = after;
                continue;
            };
            slot.is_used = true;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Secret(slot.secret.clone()));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Content::Parts(parts)
    }

    /// Slots that stand in none of the texts.
    pub(super) fn refuse_unused(&self, expansion: &mut Expansion) {
        // What could not be read may have a place for it.
        let is_whole = expansion.faults.is_empty();
        for slot in self.declared.iter().filter(|slot| is_whole && !slot.is_used) {
            let name = &slot.name;
            let summary = format!("no manifest has a place for the slot `{}`", name.value);
            let help = format!("write `{{{{ {} }}}}` where it belongs, or remove it from `slots`", name.value);
            expansion.fault(Code::Slot, summary, &name.place, "in none of the texts", help);
        }
    }
}

/// A key as a part of a JSON pointer (RFC 6901).
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
