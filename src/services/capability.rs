//! What services need and provide, in the same words: `load-balancer`, `namespace:ai`, `kind:IPAddressPool.metallb.io`.
//!
//! A word is matched within a cluster, as a whole. What has a name of its own has it behind a colon.

use serde_json::Value;

use super::{Draft, SERVICES};

/// Namespaces that every cluster has.
const ALWAYS: &[&str] =
    &["namespace:default", "namespace:kube-system", "namespace:kube-public", "namespace:kube-node-lease"];

/// Whether every cluster has it.
pub(super) fn is_always(word: &str) -> bool {
    ALWAYS.contains(&word)
}

/// What an object provides by being there.
pub(super) fn of(draft: &Draft) -> Vec<String> {
    let text = |pointer: &str| draft.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let name = draft.name();
    match (text("/apiVersion"), draft.kind()) {
        ("v1", "Namespace") => vec![format!("namespace:{name}")],
        ("storage.k8s.io/v1", "StorageClass") => vec![format!("storage-class:{name}")],
        (version, "CustomResourceDefinition") if version.starts_with("apiextensions.k8s.io/") => {
            vec![format!("kind:{}.{}", text("/spec/names/kind"), text("/spec/group"))]
        }
        _ => Vec::new(),
    }
}

/// The kinds of service that would provide a word.
pub(crate) fn kinds_that_provide(word: &str) -> Vec<&'static str> {
    let sort = word.split_inclusive(':').next().unwrap_or(word);
    let provides = |said: &&str| *said == word || (said.ends_with(':') && *said == sort);
    SERVICES.iter().filter(|kind| kind.provides.iter().any(provides)).map(|kind| kind.name).collect()
}
