//! The values of a Secret: all of them become slots below `/data`, and what is a secret stands nowhere else.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::slots::escape;
use crate::config::{Code, Diagnostic};
use crate::lab::{Content, Part, SecretName, Slot};
use crate::services::Draft;

/// Makes slots of the values of a Secret: `marked` are texts with slots by pointer, `encrypted` what SOPS decrypts.
/// A slot anywhere else is refused: the API gives such a field to everybody who may read the object.
pub(super) fn fill(
    draft: &mut Draft,
    mut marked: BTreeMap<String, Content>,
    encrypted: BTreeMap<String, SecretName>,
) -> Result<(), Box<Diagnostic>> {
    let place = draft.place.clone();
    let fault = |code: Code, summary: String, words: &str, help: &str| {
        Box::new(Diagnostic::error(code.as_str(), summary, place.clone(), words).help(help))
    };
    let (kind, name) = (draft.kind().to_owned(), draft.name().to_owned());
    let is_secret = kind == "Secret" && draft.json["apiVersion"] == "v1";
    if is_secret {
        // What stands in both is that of `stringData`, as the server has it.
        for (table, is_encoded) in [("data", true), ("stringData", false)] {
            let values = match draft.json.get_mut(table).map(Value::take) {
                None | Some(Value::Null) => continue,
                Some(Value::Object(values)) => values,
                Some(_) => {
                    let summary = format!("`{table}` of the Secret `{name}` is no mapping");
                    return Err(fault(Code::Manifest, summary, "this object", "write `KEY: value` below it"));
                }
            };
            for (key, value) in values {
                let pointer = format!("/{table}/{}", escape(&key));
                let slot = match (encrypted.get(&pointer), marked.remove(&pointer), &value) {
                    (Some(secret), ..) => {
                        Slot { content: Content::Parts(vec![Part::Secret(secret.clone())]), base64: !is_encoded }
                    }
                    (None, Some(_), _) if is_encoded => {
                        let summary = format!("a slot in `data` of the Secret `{name}`, whose values are base64");
                        let help = "write it in `stringData`: labctl encodes it";
                        return Err(fault(Code::Slot, summary, "this object", help));
                    }
                    (None, Some(content), _) => Slot { content, base64: true },
                    (None, None, Value::String(text)) if is_encoded => decoded(text).ok_or_else(|| {
                        let summary = format!("`data.{key}` of the Secret `{name}` is no base64");
                        fault(Code::Manifest, summary, "this object", "encode it, or write it as it is in `stringData`")
                    })?,
                    (None, None, Value::String(text)) => Slot { content: Content::text(text), base64: true },
                    (None, None, _) => {
                        let summary = format!("`{table}.{key}` of the Secret `{name}` is no text");
                        return Err(fault(Code::Manifest, summary, "this object", "write it in quotes"));
                    }
                };
                draft.slots.insert(format!("/data/{}", escape(&key)), slot);
            }
        }
        if let Some(object) = draft.json.as_object_mut() {
            object.remove("stringData");
            object.remove("data");
        }
        if !draft.slots.is_empty() {
            let keys = draft.slots.keys().filter_map(|pointer| pointer.strip_prefix("/data/"));
            let keys: Map<String, Value> =
                keys.map(|key| (key.replace("~1", "/").replace("~0", "~"), json!(""))).collect();
            draft.json["data"] = Value::Object(keys);
        }
    }
    match marked.keys().next() {
        None => Ok(()),
        Some(pointer) => {
            let summary =
                format!("a slot in `{}` of the {kind} `{name}`", pointer.trim_start_matches('/').replace('/', "."));
            let help = "secrets belong in the values of a Secret (`stringData`): what stands elsewhere is shown to everybody who may read the object; let the object name the Secret";
            Err(fault(Code::Slot, summary, "this object", help))
        }
    }
}

/// The slot of a value in `data`: one and the same for a value, whichever way it is written.
fn decoded(text: &str) -> Option<Slot> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(compact).ok()?;
    Some(match String::from_utf8(bytes) {
        Ok(text) => Slot { content: Content::text(text), base64: true },
        Err(error) => Slot { content: Content::text(STANDARD.encode(error.into_bytes())), base64: false },
    })
}
