//! A manifest with its slots filled, ready to be sent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::lab::{Manifest, Slot};
use crate::transport::contents::Contents;
use crate::transport::outcome::ReachError;

/// What stands in messages in the place of a secret.
const HIDDEN: &str = "(hidden)";
/// A shorter value is not looked for in messages: it would stand in any of them.
const SHORTEST: usize = 4;

/// A manifest with its slots filled.
pub(in crate::transport) struct Filled {
    object: Value,
    secrets: Vec<Zeroizing<String>>,
}

impl Filled {
    /// Fills the slots.
    pub(in crate::transport) fn new(manifest: &Manifest, contents: &Contents<'_>) -> Result<Self, ReachError> {
        let mut filled = Self { object: manifest.json.clone(), secrets: Vec::new() };
        for (pointer, slot) in &manifest.slots {
            let value = bytes(slot, contents)?;
            let place = filled.object.pointer_mut(pointer);
            let place = place.ok_or_else(|| ReachError::Garbled(format!("the manifest has no `{pointer}`")))?;
            let text = if slot.base64 {
                Zeroizing::new(STANDARD.encode(&*value))
            } else {
                let text = std::str::from_utf8(&value);
                let text = text.map_err(|_| ReachError::Secret(format!("what goes to `{pointer}` is no text")))?;
                Zeroizing::new(text.to_owned())
            };
            *place = Value::String((*text).clone());
            filled.secrets.push(text);
            if let Ok(plain) = std::str::from_utf8(&value) {
                filled.secrets.push(Zeroizing::new(plain.to_owned()));
            }
        }
        Ok(filled)
    }

    /// The object.
    pub(in crate::transport) fn object(&self) -> &Value {
        &self.object
    }

    /// The body of a request, which holds only for that state of the object where one is given.
    pub(super) fn body(&self, state: Option<(&str, &str)>) -> Zeroizing<Vec<u8>> {
        let Some((uid, version)) = state else { return Zeroizing::new(self.object.to_string().into_bytes()) };
        let mut object = self.object.clone();
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            metadata.insert("uid".to_owned(), uid.into());
            metadata.insert("resourceVersion".to_owned(), version.into());
        }
        Zeroizing::new(object.to_string().into_bytes())
    }

    /// A text of the server's without the values that were sent to it.
    pub(super) fn without_secrets(&self, text: &str) -> String {
        let long = self.secrets.iter().filter(|secret| secret.len() >= SHORTEST);
        long.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN))
    }
}

/// The value of a slot.
pub(super) fn bytes(slot: &Slot, contents: &Contents<'_>) -> Result<Zeroizing<Vec<u8>>, ReachError> {
    contents.bytes(&slot.content)
}
