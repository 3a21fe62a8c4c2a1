//! What tells one state of an object from another.

use serde_json::Value;

use crate::plan::digest;

/// Fields of `metadata` that move although nobody changed the object.
const MOVING: &[&str] = &["managedFields", "resourceVersion", "generation"];

/// The digest of an object without what moves by itself: its status, its version, who owns its fields. The values of a
/// Secret are not in it, as a plan that is kept must not tell whether two of them are equal; its version stands for them.
pub fn fingerprint(object: &Value) -> String {
    let mut object = object.clone();
    let is_secret = object.get("kind").and_then(Value::as_str) == Some("Secret")
        && object.get("apiVersion").and_then(Value::as_str) == Some("v1");
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        if is_secret {
            fields.remove("data");
            fields.remove("stringData");
        }
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in MOVING.iter().filter(|field| !is_secret || **field != "resourceVersion") {
            metadata.remove(*field);
        }
    }
    digest(&object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changed(object: &Value, pointer: &str, value: Value) -> bool {
        let mut other = object.clone();
        *other.pointer_mut(pointer).unwrap() = value;
        fingerprint(&other) != fingerprint(object)
    }

    #[test]
    fn a_status_moves_no_fingerprint_and_a_desire_does() {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "uid": "1", "resourceVersion": "8", "generation": 2, "managedFields": [{}]},
            "spec": {"replicas": 1}, "status": {"replicas": 1}
        });
        for pointer in ["/status", "/metadata/resourceVersion", "/metadata/generation", "/metadata/managedFields"] {
            assert!(!changed(&object, pointer, json!(9)), "{pointer}");
        }
        for pointer in ["/spec/replicas", "/metadata/uid"] {
            assert!(changed(&object, pointer, json!(9)), "{pointer}");
        }
    }

    #[test]
    fn a_secret_is_told_by_its_version_and_not_by_its_values() {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "dns", "resourceVersion": "8"},
            "data": {"token": "czNjcjN0"}, "type": "Opaque"
        });
        assert!(!changed(&secret, "/data/token", json!("b3RoZXI=")));
        assert!(changed(&secret, "/metadata/resourceVersion", json!("9")));
    }
}
