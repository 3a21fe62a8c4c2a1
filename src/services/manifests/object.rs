//! What an object must have before an API server is asked: a kind, a name, and nothing that is the server's own.

use serde_json::Value;

use crate::config::{Code, Diagnostic, Place};

/// Fields of `metadata` that the server or kubectl writes, as JSON pointers in it.
const SERVERS: [&str; 7] = [
    "/annotations/kubectl.kubernetes.io~1last-applied-configuration",
    "/creationTimestamp",
    "/generation",
    "/managedFields",
    "/resourceVersion",
    "/selfLink",
    "/uid",
];

/// What is wrong with an object as such. What the server would not look at is taken out of it.
pub(super) fn check(json: &mut Value, place: &Place) -> Option<Diagnostic> {
    let fault = |summary: String, words: &str, help: &str| {
        Some(Diagnostic::error(Code::Manifest.as_str(), summary, place.clone(), words).help(help))
    };
    if !json.is_object() {
        let what = match json {
            Value::Array(_) => "a list",
            Value::String(_) => "a text",
            _ => "a plain value",
        };
        let help =
            "an object has `apiVersion`, `kind` and `metadata`; several stand in documents of their own, behind `---`";
        return fault(format!("{what} is no object"), "this document", help);
    }
    drop_nulls(json);
    drop_aggregated_rules(json);
    let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    if text("/apiVersion").is_some_and(|version| version.starts_with("kustomize.config.k8s.io/"))
        || (json.get("apiVersion").is_none() && json.get("resources").is_some_and(Value::is_array))
    {
        let help =
            "name the files that it lists, or a pattern that leaves it out; labctl does not build with kustomize";
        return fault("this is a file of kustomize, and no object".to_owned(), "this document", help);
    }
    for key in ["apiVersion", "kind"] {
        if text(&format!("/{key}")).is_none() {
            let help = "every object has `apiVersion` and `kind`; a file of values or of settings is none";
            return fault(format!("an object has no `{key}`"), "this document", help);
        }
    }
    let kind = text("/kind").unwrap_or_default();
    if text("/metadata/name").is_none() {
        if json.pointer("/metadata/generateName").is_some() {
            let help = "give it `name`: labctl must find again what it made";
            return fault(format!("the {kind} has `generateName` in the place of a name"), "this object", help);
        }
        return fault(format!("the {kind} has no `metadata.name`"), "this object", "add `name` below `metadata`");
    }
    if json.pointer("/metadata/namespace").is_some_and(|namespace| !namespace.is_string()) {
        return fault(format!("the namespace of the {kind} is no text"), "this object", "write it in quotes");
    }
    let metadata = &json["metadata"];
    let own: Vec<String> =
        SERVERS.iter().filter(|pointer| metadata.pointer(pointer).is_some()).map(|pointer| key(pointer)).collect();
    if !own.is_empty() {
        let (kind, name) = (kind.to_owned(), text("/metadata/name").unwrap_or_default().to_owned());
        let summary = format!("the {kind} `{name}` says {} in its `metadata`", own.join(", "));
        let help =
            "the server writes that: take it out of what `kubectl get -o yaml` has printed, and `status` with it";
        return fault(summary, "this object", help);
    }
    None
}

/// The last part of a pointer, quoted.
fn key(pointer: &str) -> String {
    format!("`{}`", pointer.rsplit('/').next().unwrap_or_default().replace("~1", "/"))
}

/// `creationTimestamp: null` stands in what Go's tools print, and means nothing.
fn drop_nulls(json: &mut Value) {
    match json {
        Value::Object(entries) => {
            entries.retain(|key, value| key != "creationTimestamp" || !value.is_null());
            entries.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// The rules of a `ClusterRole` that is put together from others are the controller's; the empty list that charts and
/// kubebuilder write there means that nobody has any in mind.
fn drop_aggregated_rules(json: &mut Value) {
    let is_aggregated = json["kind"] == "ClusterRole" && json.get("aggregationRule").is_some_and(Value::is_object);
    if is_aggregated
        && let Some(object) = json.as_object_mut()
        && object.get("rules").and_then(Value::as_array).is_some_and(Vec::is_empty)
    {
        object.remove("rules");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::drop_aggregated_rules;

    #[test]
    fn the_empty_rules_of_an_aggregated_role_are_nobodys() {
        let role = |aggregation: serde_json::Value, rules: serde_json::Value| {
            let mut role = json!({"kind": "ClusterRole", "aggregationRule": aggregation, "rules": rules});
            drop_aggregated_rules(&mut role);
            role.get("rules").cloned()
        };
        assert_eq!(role(json!({"clusterRoleSelectors": []}), json!([])), None);
        assert_eq!(role(json!(null), json!([])), Some(json!([])));
        assert_eq!(role(json!({}), json!([{"verbs": ["get"]}])), Some(json!([{"verbs": ["get"]}])));
    }
}
