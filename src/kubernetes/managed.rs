//! Who owns which fields of an object: its `metadata.managedFields`.

use serde_json::Value;

use super::{FieldPath, Fields, MANAGER};

/// One entry of `managedFields`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name that the manager gave itself.
    pub manager: String,
    /// How it came to own them.
    pub operation: Operation,
    /// `status`, `scale`; empty for the object itself.
    pub subresource: String,
    /// The version of the object's kind in which it named the fields.
    pub api_version: String,
    /// The fields.
    pub fields: Fields,
}

/// How a manager came to own fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// By server-side apply: what it no longer applies goes.
    Apply,
    /// By any other write.
    Update,
}

impl Entry {
    /// Reads one entry; none where it is not in the format `FieldsV1`.
    pub fn parse(entry: &Value) -> Option<Self> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let operation = match entry.get("operation")?.as_str()? {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return None,
        };
        Some(Self {
            manager: text("manager"),
            operation,
            subresource: text("subresource"),
            api_version: text("apiVersion"),
            fields: Fields::parse(entry.get("fieldsV1")?)?,
        })
    }

    /// Whether it is what labctl applied.
    pub fn is_labctl(&self) -> bool {
        self.manager == MANAGER && self.operation == Operation::Apply && self.subresource.is_empty()
    }
}

/// All entries of an object that can be read.
pub fn entries(object: &Value) -> Vec<Entry> {
    let all = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Entry::parse).collect()
}

/// What labctl applied of an object; none where it has applied nothing.
pub fn applied(object: &Value) -> Option<Entry> {
    entries(object).into_iter().find(Entry::is_labctl)
}

/// The managers of a field, each once, in the order of their entries.
pub fn owners(object: &Value, path: &FieldPath) -> Vec<String> {
    let mut owners = Vec::new();
    for entry in entries(object).into_iter().filter(|entry| entry.fields.has(path)) {
        if !owners.contains(&entry.manager) {
            owners.push(entry.manager);
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment() -> Value {
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {
                "name": "web",
                "namespace": "apps",
                "managedFields": [
                    {"manager": "labctl", "operation": "Apply", "apiVersion": "apps/v1", "time": "2026-02-01T00:00:00Z",
                     "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                    {"manager": "labctl", "operation": "Update", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
                     "fieldsV1": {"f:spec": {"f:paused": {}}}},
                    {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status",
                     "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {"f:replicas": {}}}},
                    {"manager": "horizontal-pod-autoscaler", "operation": "Update", "subresource": "scale",
                     "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
                ]
            }
        })
    }

    #[test]
    fn what_labctl_applied_is_told_from_what_it_wrote_otherwise() {
        let applied = applied(&deployment()).unwrap();
        assert!(applied.fields.has(&FieldPath::fields(["spec", "replicas"])));
        assert!(!applied.fields.has(&FieldPath::fields(["spec", "paused"])));
    }

    #[test]
    fn a_field_can_have_several_managers() {
        let owners = owners(&deployment(), &FieldPath::fields(["spec", "replicas"]));
        assert_eq!(owners, ["labctl", "horizontal-pod-autoscaler"]);
    }
}
