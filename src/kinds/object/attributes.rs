//! An object as attributes: its leaf fields by path. The values of a Secret are never among them.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::kubernetes::{FieldPath, Part, is_identity, is_noise, leaves};
use crate::lab::{Manifest, Slot};
use crate::plan::{Attributes, Value, digest};

/// The attributes of a desired object.
pub(super) fn desired(manifest: &Manifest) -> Attributes {
    of(&manifest.json, |path, value| match slot(&manifest.slots, path) {
        Some(slot) => Value::hidden(&slot.content),
        None => plain(value),
    })
}

/// The attributes of an object as it is; `masked` is the desired one with masks in the places of its slots.
pub(super) fn observed(live: &Json, manifest: &Manifest, masked: &Json) -> Attributes {
    let is_secret = is_secret(live);
    of(live, |path, value| {
        if is_secret && is_value(path) {
            match slot(&manifest.slots, path) {
                Some(slot) if path.find(masked) == Some(value) => Value::hidden(&slot.content),
                _ => Value::Differs,
            }
        } else {
            plain(value)
        }
    })
}

/// The attributes of an object that nobody desires any more.
pub(super) fn left(live: &Json) -> Attributes {
    observed(live, &Manifest::plain(Json::Null), &Json::Null)
}

fn of(object: &Json, value: impl Fn(&FieldPath, &Json) -> Value) -> Attributes {
    let mut attributes = Attributes::new();
    let mut schemas: BTreeMap<String, Vec<(String, &Json)>> = BTreeMap::new();
    for (path, found) in leaves(object).into_iter().filter(|(path, _)| !is_hidden(path)) {
        match schema(&path) {
            Some(above) => schemas.entry(above.to_string()).or_default().push((path.to_string(), found)),
            None => {
                attributes.insert(path.to_string(), value(&path, found));
            }
        }
    }
    // Thousands of fields that nobody reads: one attribute stands for them.
    let summed = schemas.into_iter().map(|(path, fields)| {
        let words = format!("{} fields, {}", fields.len(), &digest(&fields)[..12]);
        (path, Value::plain(words))
    });
    attributes.extend(summed);
    attributes
}

fn is_hidden(path: &FieldPath) -> bool {
    is_identity(path) || is_noise(path) || (1..path.parts().len()).any(|n| is_noise(&above(path, n)))
}

fn above(path: &FieldPath, length: usize) -> FieldPath {
    FieldPath::new(path.parts()[..length].iter().cloned())
}

/// The schema of a definition's version, where a path lies in one.
fn schema(path: &FieldPath) -> Option<FieldPath> {
    let at = path.parts().iter().position(|part| *part == Part::field("openAPIV3Schema"))?;
    (path.parts().first() == Some(&Part::field("spec"))).then(|| above(path, at + 1))
}

/// A field's value as an attribute's.
pub(super) fn plain(value: &Json) -> Value {
    match value {
        Json::String(text) if text.contains('\n') => Value::Text(text.clone()),
        value => Value::Plain(value.clone()),
    }
}

/// Whether an object is a Secret.
pub(super) fn is_secret(object: &Json) -> bool {
    let is = |name: &str, wanted: &str| object.get(name).and_then(Json::as_str) == Some(wanted);
    is("kind", "Secret") && is("apiVersion", "v1")
}

/// Whether a path is that of a Secret's value.
pub(super) fn is_value(path: &FieldPath) -> bool {
    matches!(path.parts().first(), Some(Part::Field(name)) if name == "data" || name == "stringData")
}

/// The slot at a path.
pub(super) fn slot<'a>(slots: &'a BTreeMap<String, Slot>, path: &FieldPath) -> Option<&'a Slot> {
    let names = path.parts().iter().map(|part| match part {
        Part::Field(name) => Some(format!("/{}", name.replace('~', "~0").replace('/', "~1"))),
        _ => None,
    });
    slots.get(&names.collect::<Option<String>>()?)
}
