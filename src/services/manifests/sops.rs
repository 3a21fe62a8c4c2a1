//! Manifests that SOPS has encrypted: the values stay as they are until the object is sent, and `sops` decrypts them then.
//!
//! Format: <https://getsops.io/docs/>. Encrypted values read `ENC[AES256_GCM,data:…]`; the key `sops` beside the others
//! says how they are decrypted.

use std::collections::BTreeMap;

use serde_json::Value;

use super::slots::escape;
use super::text::{Item, Text};
use crate::config::{Code, Place};
use crate::lab::{SecretName, SecretSource};
use crate::services::Expansion;

/// The document that an object comes from.
pub(super) struct Document<'a> {
    pub(super) text: &'a Text<'a>,
    /// Which of the documents with content it is, from 0.
    pub(super) number: usize,
    /// Whether it has the key `sops`.
    pub(super) is_encrypted: bool,
}

/// Takes the key that SOPS adds out of a document; whether it was there.
pub(super) fn take_key(json: &mut Value) -> bool {
    let is_sops = json.get("sops").is_some_and(|sops| sops.get("mac").is_some() || sops.get("version").is_some());
    is_sops && json.as_object_mut().and_then(|entries| entries.remove("sops")).is_some()
}

impl Document<'_> {
    /// The encrypted values of an object by pointer, each as a secret of its own; `None` where something is encrypted
    /// that labctl must read, which is a fault then.
    pub(super) fn values(
        &self,
        item: &mut Item,
        place: &Place,
        expansion: &mut Expansion,
    ) -> Option<BTreeMap<String, SecretName>> {
        let mut found = Vec::new();
        encrypted(&item.json, "", &mut found);
        let kind = item.json["kind"].as_str().filter(|kind| !is_encrypted(kind)).unwrap_or("object").to_owned();
        if item.json.get("sops").is_some() {
            let help = "an item of a list can't be encrypted by itself: write it as a document of its own";
            expansion.fault(Code::Encrypted, format!("a {kind} has a key `sops`"), place, "this object", help);
            return None;
        }
        if !self.is_encrypted && found.is_empty() {
            return Some(BTreeMap::new());
        }
        let is_value = |pointer: &String| {
            let parts: Vec<&str> = pointer.split('/').collect();
            parts.len() == 3 && (parts[1] == "data" || parts[1] == "stringData")
        };
        let refusal = if self.text.origin.is_some() {
            Some(("is encrypted, and comes from elsewhere", "save the file beside homelab.toml and name it in `files`"))
        } else if !self.is_encrypted {
            Some((
                "has an encrypted value, and no key `sops` that says how it is decrypted",
                "save the file as `sops` wrote it",
            ))
        } else if kind != "Secret" || !found.iter().all(is_value) {
            let help = "encrypt the values of Secrets alone: `sops -e --encrypted-regex '^(data|stringData)$' FILE`";
            Some(("is encrypted where labctl has to read it", help))
        } else {
            None
        };
        if let Some((what, help)) = refusal {
            expansion.fault(Code::Encrypted, format!("the {kind} {what}"), place, "this object", help);
            return None;
        }
        let mut secrets = BTreeMap::new();
        for pointer in found {
            let whole = format!("{}{pointer}", item.pointer);
            let name = SecretName(format!("sops:{}#{}{whole}", self.text.file, self.number));
            let source =
                SecretSource::Sops { file: self.text.file.to_owned(), document: self.number, pointer: Some(whole) };
            if self.text.lab.secrets.contains_key(&name) {
                let summary = format!("`[secrets]` has the name that labctl gives to an encrypted value: `{name}`");
                expansion.fault(Code::Encrypted, summary, place, "this object", "give the secret another name");
                return None;
            }
            expansion.secrets.insert(name.clone(), source);
            secrets.insert(pointer, name);
        }
        Some(secrets)
    }
}

/// The pointers of all encrypted texts.
fn encrypted(json: &Value, pointer: &str, found: &mut Vec<String>) {
    match json {
        Value::String(text) if is_encrypted(text) => found.push(pointer.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| encrypted(item, &format!("{pointer}/{at}"), found));
        }
        Value::Object(entries) => {
            entries.iter().for_each(|(key, value)| encrypted(value, &format!("{pointer}/{}", escape(key)), found));
        }
        _ => {}
    }
}

/// Whether a text is one that SOPS has encrypted.
fn is_encrypted(text: &str) -> bool {
    text.starts_with("ENC[AES256_GCM,") && text.ends_with(']')
}
