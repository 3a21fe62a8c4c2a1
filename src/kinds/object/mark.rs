//! Marks on objects: a label by which they are found, annotations, and labctl's name as the manager of both.
//!
//! A label alone is no mark: controllers copy labels to what they make (an EndpointSlice has those of its Service).

use serde_json::{Map, Value};

use crate::kubernetes::{ADDRESS_ANNOTATION, DIGEST_ANNOTATION, FieldPath, LAB_LABEL, ORIGIN_ANNOTATION, applied};
use crate::lab::{Address, ObjectKey};
use crate::plan::{Mark, Origin};

/// The mark of an object; none where labctl has not put one there.
pub(super) fn read(object: &Value) -> Option<(ObjectKey, Mark)> {
    let lab = object.pointer("/metadata/labels")?.get(LAB_LABEL)?.as_str()?;
    let label = FieldPath::fields(["metadata", "labels", LAB_LABEL]);
    if !applied(object).is_some_and(|entry| entry.fields.has(&label)) {
        return None;
    }
    let key = ObjectKey::of(object)?;
    let annotation = |name: &str| object.pointer("/metadata/annotations").and_then(|all| all.get(name)?.as_str());
    let address = annotation(ADDRESS_ANNOTATION).and_then(|text| text.parse().ok());
    Some((
        key.clone(),
        Mark {
            lab: lab.to_owned(),
            // An address that was lost is no reason to lose the object.
            address: address.unwrap_or_else(|| Address::new(["services"]).below(key.path())),
            // Only what is known to be labctl's own is ever removed.
            origin: if annotation(ORIGIN_ANNOTATION) == Some("made") { Origin::Made } else { Origin::Adopted },
            owns: std::collections::BTreeSet::new(),
            digest: annotation(DIGEST_ANNOTATION).unwrap_or_default().to_owned(),
            inputs: None,
            pending: false,
        },
    ))
}

/// The mark that stands for the objects of a kind that can't be listed.
pub(super) fn unknown(lab: &str, address: Address) -> Mark {
    Mark {
        lab: lab.to_owned(),
        address,
        origin: Origin::Made,
        owns: std::collections::BTreeSet::new(),
        digest: String::new(),
        inputs: None,
        pending: false,
    }
}

/// Writes a mark into an object that is to be applied.
pub(super) fn write(object: &mut Value, mark: &Mark) {
    let origin = match mark.origin {
        Origin::Made => "made",
        Origin::Adopted | Origin::Released => "adopted",
    };
    let address = mark.address.to_string();
    put(object, "labels", &[(LAB_LABEL, &mark.lab)]);
    let annotations =
        [(ADDRESS_ANNOTATION, address.as_str()), (ORIGIN_ANNOTATION, origin), (DIGEST_ANNOTATION, &mark.digest)];
    put(object, "annotations", &annotations);
}

fn put(object: &mut Value, map: &str, entries: &[(&str, &str)]) {
    let Some(object) = object.as_object_mut() else { return };
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    let Some(metadata) = metadata.as_object_mut() else { return };
    let place = metadata.entry(map).or_insert(Value::Null);
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    if let Some(place) = place.as_object_mut() {
        place.extend(entries.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
    }
}
