//! The values of a Secret: all of them become slots below `/data`, and what is a secret stands nowhere else.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::slots::escape;
use crate::config::{Code, Diagnostic};
use crate::lab::{Content, Part, SecretName, Slot};
use crate::services::Draft;

/// What a fault is about: its code, its summary and the remedy.
type Why = (Code, String, &'static str);

/// Makes slots of the values of a Secret: `marked` are texts with slots by pointer, `encrypted` what SOPS decrypts.
/// A slot anywhere else is refused: the API gives such a field to everybody who may read the object.
pub(super) fn fill(
    draft: &mut Draft,
    mut marked: BTreeMap<String, Content>,
    encrypted: &BTreeMap<String, SecretName>,
) -> Result<(), Box<Diagnostic>> {
    let mut filled = Ok(());
    if draft.kind() == "Secret" && draft.json["apiVersion"] == "v1" {
        filled = values(draft, &mut marked, encrypted);
    }
    let filled = filled.and_then(|()| match marked.keys().next() {
        None => Ok(()),
        Some(pointer) => {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            let summary = format!("a slot in `{field}` of the {} `{}`", draft.kind(), draft.name());
            let help = "secrets belong in the values of a Secret (`stringData`): what stands elsewhere is shown to everybody who may read the object; let the object name the Secret";
            Err((Code::Slot, summary, help))
        }
    });
    filled.map_err(|(code, summary, help)| {
        Box::new(Diagnostic::error(code.as_str(), summary, draft.place.clone(), "this object").help(help))
    })
}

/// The values of a Secret as slots; in the object an empty text stays for each.
fn values(
    draft: &mut Draft,
    marked: &mut BTreeMap<String, Content>,
    encrypted: &BTreeMap<String, SecretName>,
) -> Result<(), Why> {
    let name = draft.name().to_owned();
    let mut keys = Map::new();
    // What stands in both is that of `stringData`, as the server has it.
    for (table, is_encoded) in [("data", true), ("stringData", false)] {
        let values = match draft.json.as_object_mut().and_then(|object| object.remove(table)) {
            None | Some(Value::Null) => continue,
            Some(Value::Object(values)) => values,
            Some(_) => {
                let summary = format!("`{table}` of the Secret `{name}` is no mapping");
                return Err((Code::Manifest, summary, "write `KEY: value` below it"));
            }
        };
        for (key, value) in values {
            let pointer = format!("/{table}/{}", escape(&key));
            let said = (encrypted.get(&pointer), marked.remove(&pointer), value);
            let slot = match said {
                (Some(secret), ..) => {
                    Slot { content: Content::Parts(vec![Part::Secret(secret.clone())]), base64: !is_encoded }
                }
                (None, Some(_), _) if is_encoded => {
                    let summary = format!("a slot in `data` of the Secret `{name}`, whose values are base64");
                    return Err((Code::Slot, summary, "write it in `stringData`: labctl encodes it"));
                }
                (None, Some(content), _) => Slot { content, base64: true },
                (None, None, Value::String(text)) if is_encoded => decoded(&text).ok_or_else(|| {
                    let summary = format!("`data.{key}` of the Secret `{name}` is no base64");
                    (Code::Manifest, summary, "encode it, or write it as it is in `stringData`")
                })?,
                (None, None, Value::String(text)) => Slot { content: Content::text(text), base64: true },
                (None, None, _) => {
                    let summary = format!("`{table}.{key}` of the Secret `{name}` is no text");
                    return Err((Code::Manifest, summary, "write it in quotes"));
                }
            };
            draft.slots.insert(format!("/data/{}", escape(&key)), slot);
            keys.insert(key, json!(""));
        }
    }
    if !keys.is_empty() {
        draft.json["data"] = Value::Object(keys);
    }
    Ok(())
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
