//! Which lists of an object are merged item by item, and by what: what a real server reads off its schemas.
//!
//! Src: `x-kubernetes-list-map-keys` and `x-kubernetes-list-type` in the API description of Kubernetes 1.34. A list that is not
//! named here is owned whole, as it is there.

use serde_json::Value;

use crate::kubernetes::Part;

/// A list by the name of its field, and the fields that an item is known by; none for a set of plain values.
const LISTS: &[(&str, &[&str])] = &[
    ("conditions", &["type"]),
    ("containers", &["name"]),
    ("env", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("finalizers", &[]),
    ("hostAliases", &["ip"]),
    ("imagePullSecrets", &["name"]),
    ("initContainers", &["name"]),
    ("ownerReferences", &["uid"]),
    ("resizePolicy", &["resourceName"]),
    ("secrets", &["name"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("volumeDevices", &["devicePath"]),
    ("volumeMounts", &["mountPath"]),
    ("volumes", &["name"]),
    ("webhooks", &["name"]),
];

/// How the items of the list called `field` are told apart; `None` where the list is owned whole.
pub(super) fn parts(field: &str, items: &[Value]) -> Option<Vec<Part>> {
    let keys = match field {
        // One name, two schemas: a container's ports, and those of a Service.
        "ports" if items.iter().all(|item| item.get("containerPort").is_some()) => &["containerPort", "protocol"][..],
        "ports" if items.iter().all(|item| item.get("port").is_some()) => &["port", "protocol"][..],
        _ => LISTS.iter().find(|(name, _)| *name == field)?.1,
    };
    items.iter().map(|item| if keys.is_empty() { plain(item) } else { keyed(item, keys) }).collect()
}

fn plain(item: &Value) -> Option<Part> {
    (!item.is_object() && !item.is_array()).then(|| Part::value(item))
}

fn keyed(item: &Value, keys: &[&str]) -> Option<Part> {
    // The one key with a default: a port is TCP where it says nothing.
    let protocol = keys.contains(&"protocol") && item.get("protocol").is_none();
    if !protocol {
        return Part::key_of(item, keys);
    }
    let mut item = item.clone();
    item.as_object_mut()?.insert("protocol".to_owned(), "TCP".into());
    Part::key_of(&item, keys)
}
