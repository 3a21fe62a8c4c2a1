//! What is never deleted because it left the file.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{LAB_LABEL, PROTECT_ANNOTATION};
use crate::lab::{ApiKind, ObjectKey};

/// What must be asked before an object may be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// Nothing: it holds nothing.
    Nothing,
    /// All that is in this namespace.
    Namespace(String),
    /// All objects of this kind.
    Kind(ApiKind),
}

/// What an object holds that would go with it.
pub fn holds(object: &Value) -> Holds {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match (text("/apiVersion"), text("/kind")) {
        ("v1", "Namespace") => Holds::Namespace(text("/metadata/name").to_owned()),
        (_, "CustomResourceDefinition") => {
            // Any version that is served lists all objects.
            let kinds = super::defined(object).map(|(kinds, _)| kinds).unwrap_or_default();
            kinds.into_iter().next().map_or(Holds::Nothing, Holds::Kind)
        }
        _ => Holds::Nothing,
    }
}

/// Why an object stays whatever it holds: it is data, or somebody said so.
pub fn kept(object: &Value) -> Option<String> {
    let protect = object.pointer("/metadata/annotations").and_then(|all| all.get(PROTECT_ANNOTATION));
    if protect.is_some_and(|value| value.as_str() != Some("false")) {
        return Some(format!("it is annotated `{PROTECT_ANNOTATION}`"));
    }
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match (text("/apiVersion"), text("/kind")) {
        ("v1", "PersistentVolume") => Some("a PersistentVolume is data".to_owned()),
        ("v1", "PersistentVolumeClaim") => Some("a PersistentVolumeClaim is data".to_owned()),
        _ => None,
    }
}

/// Why an object stays because of what it holds. `is_declared` says of an object that the file still has it.
pub fn kept_by_contents(lab: &str, contents: &[Value], is_declared: impl Fn(&ObjectKey) -> bool) -> Option<String> {
    let uids: BTreeSet<&str> = contents.iter().filter_map(|object| object.pointer("/metadata/uid")?.as_str()).collect();
    let mut held: Vec<String> = contents
        .iter()
        .filter(|object| !comes_by_itself(object, &uids))
        .filter_map(|object| {
            let key = ObjectKey::of(object)?;
            let labelled = object.pointer("/metadata/labels").and_then(|labels| labels.get(LAB_LABEL));
            let leaves_too =
                labelled.and_then(Value::as_str) == Some(lab) && !is_declared(&key) && kept(object).is_none();
            (!leaves_too).then(|| key.to_string())
        })
        .collect();
    held.sort();
    let more = held.len().saturating_sub(3);
    let shown = held.iter().take(3).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match (held.len(), more) {
        (0, _) => None,
        (_, 0) => Some(format!("it holds {shown}, which would go with it")),
        (_, more) => Some(format!("it holds {shown} and {more} more, which would go with it")),
    }
}

/// Whether an object is there because something else is: owned by what is held too, or made for every namespace.
fn comes_by_itself(object: &Value, uids: &BTreeSet<&str>) -> bool {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let is_owned = owners
        .into_iter()
        .flatten()
        .any(|owner| owner.get("uid").and_then(Value::as_str).is_some_and(|uid| uids.contains(uid)));
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    is_owned
        || match (text("/kind"), text("/metadata/name")) {
            // A Lease is what a running controller writes to say that it runs.
            ("Event" | "Lease", _) | ("ServiceAccount", "default") => true,
            ("ConfigMap", name) => matches!(name, "kube-root-ca.crt" | "openshift-service-ca.crt"),
            // The controller keeps them in step with the Service that they are named after.
            ("EndpointSlice" | "Endpoints", _) => {
                let manager = object
                    .pointer("/metadata/labels")
                    .and_then(|labels| labels.get("endpointslice.kubernetes.io/managed-by"));
                text("/kind") == "Endpoints"
                    || manager.and_then(Value::as_str).is_some_and(|manager| manager.ends_with("controller.k8s.io"))
            }
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn in_namespace(kind: &str, name: &str, labels: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "apps", "uid": format!("{kind}-{name}"), "labels": labels}})
    }

    fn why(contents: &[Value]) -> Option<String> {
        kept_by_contents("mobius", contents, |key| key.name == "declared")
    }

    #[test]
    fn data_and_what_is_protected_stay() {
        let protected =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"annotations": {PROTECT_ANNOTATION: "true"}}});
        assert!(kept(&protected).unwrap().contains("labctl.dev/protect"));
        assert!(kept(&json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {}})).is_some());
        assert_eq!(
            kept(
                &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"annotations": {PROTECT_ANNOTATION: "false"}}})
            ),
            None
        );
    }

    #[test]
    fn a_namespace_goes_with_what_every_namespace_has_and_what_leaves_too() {
        let mine = json!({LAB_LABEL: "mobius"});
        let mut pod = in_namespace("Pod", "web-1", &json!({}));
        pod["metadata"]["ownerReferences"] =
            json!([{"kind": "ReplicaSet", "name": "web", "uid": "Secret-gone", "controller": true}]);
        let contents = [
            in_namespace("ConfigMap", "kube-root-ca.crt", &json!({})),
            in_namespace("ServiceAccount", "default", &json!({})),
            in_namespace("Secret", "gone", &mine),
            pod,
        ];
        assert_eq!(why(&contents), None);
    }

    #[test]
    fn a_namespace_stays_for_what_is_not_labctls_or_still_declared_or_data() {
        let mine = json!({LAB_LABEL: "mobius"});
        assert!(why(&[in_namespace("Secret", "by-hand", &json!({}))]).unwrap().contains("`Secret/apps/by-hand`"));
        assert!(why(&[in_namespace("Secret", "of-another-lab", &json!({LAB_LABEL: "other"}))]).is_some());
        assert!(why(&[in_namespace("Secret", "declared", &mine)]).is_some());
        assert!(why(&[in_namespace("PersistentVolumeClaim", "data", &mine)]).is_some());
        let many: Vec<Value> = (0..9).map(|i| in_namespace("Pod", &format!("p{i}"), &json!({}))).collect();
        assert!(why(&many).unwrap().contains("and 6 more"));
    }

    #[test]
    fn a_definition_holds_the_objects_of_its_kind() {
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": {
            "group": "example.org", "scope": "Cluster", "names": {"kind": "Widget"}, "versions": [{"name": "v1"}]}});
        assert_eq!(holds(&definition), Holds::Kind(ApiKind::new("example.org/v1", "Widget")));
        assert_eq!(holds(&json!({"apiVersion": "v1", "kind": "Secret"})), Holds::Nothing);
    }
}
