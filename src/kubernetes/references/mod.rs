//! What an object names and therefore needs first: its namespace, the definition of its kind, what it mounts, whom it
//! runs as, what its webhook calls.
//!
//! Only what is declared together counts: a name that nothing in the file has is somebody else's.

mod names;
mod order;
mod pods;
mod webhooks;

use serde_json::Value;

pub use order::{Needs, needs};

use super::{Scope, scope};
use crate::lab::{ApiKind, ObjectKey};

/// An object that another one names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// Its kind with its group, as [`ApiKind::qualified`] has it.
    pub kind: String,
    /// Its namespace; none for an object of the whole cluster, and where any namespace will do.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl Reference {
    fn new(kind: &str, namespace: Option<&str>, name: impl Into<String>) -> Self {
        let (kind_name, group) = kind.split_once('.').unwrap_or((kind, ""));
        let version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
        let is_of_cluster = scope(&ApiKind::new(version, kind_name)) == Some(Scope::Cluster);
        let namespace = namespace.filter(|_| !is_of_cluster).map(ToOwned::to_owned);
        Self { kind: kind.to_owned(), namespace, name: name.into() }
    }

    /// Whether this is the object that is named.
    pub fn is(&self, key: &ObjectKey) -> bool {
        self.name == key.name
            && self.kind == key.kind.qualified()
            && (self.namespace.is_none() || key.namespace.is_none() || self.namespace == key.namespace)
    }
}

/// Every object that this one names by a field of its own, its namespace among them.
pub fn references(object: &Value) -> Vec<Reference> {
    let Some(key) = ObjectKey::of(object) else { return Vec::new() };
    let namespace = key.namespace.as_deref();
    let mut found: Vec<Reference> = namespace.map(|name| Reference::new("Namespace", None, name)).into_iter().collect();
    found.extend(names::of(object, &key));
    found.extend(pods::of(object, &key));
    found.retain(|reference| !reference.is(&key));
    found.sort();
    found.dedup();
    found
}

/// All values at a path like `spec.tls[].secretName`.
fn at<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut values = vec![value];
    for step in path.split('.') {
        let (name, is_list) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
        values = values.into_iter().filter_map(|value| value.get(name)).collect();
        if is_list {
            values = values.into_iter().filter_map(Value::as_array).flatten().collect();
        }
    }
    values
}

fn texts<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a str> {
    at(value, path).into_iter().filter_map(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
