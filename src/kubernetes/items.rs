//! How the items of a list are told apart.

use serde_json::Value;

use super::{Fields, Part};

/// Lists of built-in kinds that are found by other fields than a name (`+listMapKey` in `k8s.io/api`).
const KEYS: &[(&str, &[&str])] = &[
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("hostAliases", &["ip"]),
    ("conditions", &["type"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("ownerReferences", &["uid"]),
];

/// What the items of the list `field` are called, in order: by what managers say of the list, by what is known of it,
/// by their names, or by their places.
pub(super) fn parts(field: &str, items: &[Value], shape: Option<&Fields>) -> Vec<Part> {
    by_shape(items, shape)
        .or_else(|| KEYS.iter().find(|row| row.0 == field).and_then(|row| by_keys(items, row.1)))
        .or_else(|| by_ports(field, items))
        .or_else(|| by_keys(items, &["name"]))
        .unwrap_or_else(|| (0..items.len()).map(Part::Index).collect())
}

/// The items' parts in `managedFields`, where every item has one of its own there or can be given one of the same keys.
fn by_shape(items: &[Value], shape: Option<&Fields>) -> Option<Vec<Part>> {
    let shape = shape?;
    let names: Vec<&String> = shape.below().find_map(|(part, _)| match part {
        Part::Key(key) => Some(key.keys().collect()),
        _ => None,
    })?;
    let part = |item| {
        let known = shape.below().map(|(part, _)| part).find(|part| part.is_item(item)).cloned();
        known.or_else(|| Part::key_of(item, &names))
    };
    unique(items.iter().map(part).collect::<Option<Vec<_>>>()?)
}

fn by_keys(items: &[Value], names: &[&str]) -> Option<Vec<Part>> {
    unique(items.iter().map(|item| Part::key_of(item, names)).collect::<Option<Vec<_>>>()?)
}

/// Ports of a container are found by `containerPort`, those of a Service by `port`; both with a protocol that is TCP
/// where none is given.
fn by_ports(field: &str, items: &[Value]) -> Option<Vec<Part>> {
    if field != "ports" {
        return None;
    }
    let part = |item: &Value| {
        let mut item = item.clone();
        item.as_object_mut()?.entry("protocol").or_insert_with(|| "TCP".into());
        Part::key_of(&item, ["containerPort", "protocol"]).or_else(|| Part::key_of(&item, ["port", "protocol"]))
    };
    unique(items.iter().map(part).collect::<Option<Vec<_>>>()?)
}

fn unique(parts: Vec<Part>) -> Option<Vec<Part>> {
    let different: std::collections::BTreeSet<&Part> = parts.iter().collect();
    (different.len() == parts.len() && !parts.is_empty()).then_some(parts)
}
