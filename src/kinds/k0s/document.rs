//! A `ClusterConfig` as a document: which leaves it has, what k0s takes where it says nothing, and one put into another.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// What k0s takes where nothing is said (v1.36, `k0s config create`).
const DEFAULTS: [(&str, &str); 4] = [
    ("spec.network.provider", "kuberouter"),
    ("spec.network.podCIDR", "10.244.0.0/16"),
    ("spec.network.serviceCIDR", "10.96.0.0/12"),
    ("spec.storage.type", "etcd"),
];

/// What can't change once a cluster lives, and why.
const FIXED: [(&str, &str); 5] = [
    ("spec.network.provider", "k0s refuses to change the provider of a live cluster"),
    ("spec.network.podCIDR", "the pods of a live cluster have addresses of the old range"),
    ("spec.network.serviceCIDR", "the Services of a live cluster have addresses of the old range"),
    ("spec.network.clusterDomain", "the pods of a live cluster look for Services in the old domain"),
    ("spec.storage", "what is in the old storage would be left behind: the cluster would start empty"),
];

/// Keys whose values are secret wherever they stand.
const SECRETS: [&str; 3] = ["dataSource", "password", "token"];

/// Lists to which k0s and people add what they need: what is declared must be among them.
const SETS: [&str; 1] = ["spec.api.sans"];

/// The leaves by path, `spec.network.provider`; lists are leaves.
pub(super) fn leaves(document: &Json) -> BTreeMap<String, Json> {
    let mut found = BTreeMap::new();
    collect(document, "", &mut found);
    found
}

fn collect(value: &Json, at: &str, found: &mut BTreeMap<String, Json>) {
    match value {
        // A key with a dot would not be found again by its path: what holds one is a leaf as a whole.
        Json::Object(map) if at.is_empty() || !(map.is_empty() || map.keys().any(|key| key.contains('.'))) => {
            for (key, value) in map {
                collect(value, &if at.is_empty() { key.clone() } else { format!("{at}.{key}") }, found);
            }
        }
        value => drop(found.insert(at.to_owned(), value.clone())),
    }
}

/// What k0s takes where nothing is said.
pub(super) fn default(path: &str) -> Option<Json> {
    DEFAULTS.iter().find(|(known, _)| *known == path).map(|(_, value)| (*value).into())
}

/// A leaf as it is compared: a declared list that is among what is there is as declared.
pub(super) fn seen(path: &str, declared: &Json, there: Option<&Json>) -> Option<Json> {
    let there = there.cloned().or_else(|| default(path))?;
    if let (true, Some(wanted), Some(found)) = (SETS.contains(&path), declared.as_array(), there.as_array())
        && wanted.iter().all(|item| found.contains(item))
    {
        return Some(declared.clone());
    }
    Some(there)
}

/// Why a leaf can't change once the cluster lives.
pub(super) fn fixed(path: &str) -> Option<&'static str> {
    let is_within = |fixed: &str| path.strip_prefix(fixed).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    FIXED.iter().find(|(fixed, _)| is_within(fixed)).map(|(_, why)| *why)
}

/// Whether a leaf's value must not be shown or kept.
pub(super) fn is_secret(path: &str, value: &Json) -> bool {
    let is_key = |key: &str| SECRETS.iter().any(|secret| secret.eq_ignore_ascii_case(key));
    path.split('.').any(is_key) || has_secret(value)
}

fn has_secret(value: &Json) -> bool {
    match value {
        Json::Object(map) => map.iter().any(|(key, value)| is_secret(key, value)),
        Json::Array(items) => items.iter().any(has_secret),
        _ => false,
    }
}

/// A new document: the declared leaves that k0s would not take by itself, and the address that others reach the API at.
pub(super) fn new(declared: &Json, address: Option<String>) -> Json {
    let mut document = json!({
        "apiVersion": "k0s.k0sproject.io/v1beta1",
        "kind": "ClusterConfig",
        "metadata": { "name": "k0s" },
    });
    if let Some(address) = address {
        document["spec"]["api"]["address"] = address.into();
    }
    for (path, value) in leaves(declared) {
        if default(&path).as_ref() != Some(&value) {
            put(&mut document, &path, value);
        }
    }
    document
}

/// The document that is there, with the declared leaves in it; everything else stays.
pub(super) fn merged(there: &Json, declared: &Json) -> Json {
    let mut document = there.clone();
    for (path, value) in leaves(declared) {
        let found = leaves(&document).get(&path).cloned();
        if seen(&path, &value, found.as_ref()).as_ref() == Some(&value) {
            continue;
        }
        let both = match (SETS.contains(&path.as_str()), found.as_ref().and_then(Json::as_array), value.as_array()) {
            (true, Some(there), Some(wanted)) => {
                let new = wanted.iter().filter(|item| !there.contains(item));
                there.iter().chain(new).cloned().collect()
            }
            _ => value,
        };
        put(&mut document, &path, both);
    }
    document
}

/// Puts a value at a path; what is no map on the way makes room.
pub(super) fn put(document: &mut Json, path: &str, value: Json) {
    let mut at = document;
    for key in path.split('.') {
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[key];
    }
    *at = value;
}

/// As it is written.
pub(super) fn text(document: &Json) -> String {
    // JSON is YAML; where the writer fails, the text is still the document.
    serde_saphyr::to_string(document).unwrap_or_else(|_| document.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_secret, leaves, merged, new, seen};

    #[test]
    fn a_new_document_has_only_what_differs_from_the_defaults() {
        let declared = json!({"spec": {"network": {"provider": "kuberouter", "podCIDR": "10.240.0.0/16"}}});
        let document = new(&declared, Some("192.168.4.5".to_owned()));
        assert_eq!(
            document["spec"],
            json!({"api": {"address": "192.168.4.5"}, "network": {"podCIDR": "10.240.0.0/16"}})
        );
    }

    #[test]
    fn what_is_declared_goes_into_what_is_there_and_the_rest_stays() {
        let there = json!({"spec": {"api": {"sans": ["a", "b"]}, "extensions": {"helm": {"charts": [{"name": "x"}]}}}});
        let declared = json!({"spec": {"api": {"sans": ["c"]}, "telemetry": {"enabled": false}}});
        let both = merged(&there, &declared);
        assert_eq!(both["spec"]["api"]["sans"], json!(["a", "b", "c"]));
        assert_eq!(both["spec"]["telemetry"], json!({"enabled": false}));
        assert_eq!(both["spec"]["extensions"], there["spec"]["extensions"]);
        assert_eq!(leaves(&both).len(), 3);
    }

    #[test]
    fn names_that_are_among_those_that_are_there_are_as_declared() {
        let path = "spec.api.sans";
        assert_eq!(seen(path, &json!(["a"]), Some(&json!(["b", "a"]))), Some(json!(["a"])));
        assert_eq!(seen(path, &json!(["c"]), Some(&json!(["b", "a"]))), Some(json!(["b", "a"])));
        assert_eq!(seen("spec.network.podCIDR", &json!("x"), None), Some(json!("10.244.0.0/16")));
    }

    #[test]
    fn values_that_are_secret_are_known_by_their_keys() {
        assert!(is_secret("spec.storage.kine.dataSource", &json!("mysql://u:p@h")));
        assert!(is_secret("spec.extensions.helm.repositories", &json!([{"name": "a", "password": "p"}])));
        assert!(!is_secret("spec.extensions.helm.charts", &json!([{"name": "a", "values": "x: 1"}])));
    }
}
