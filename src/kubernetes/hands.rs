//! What changes hands without any other change of an object: fields of `kubectl apply` become labctl's, and labctl lets
//! go of what it owns. Both are JSON patches (RFC 6902) of metadata alone.

use serde_json::{Value, json};

use super::managed::{Entry, Operation};
use super::{ADDRESS_ANNOTATION, DIGEST_ANNOTATION, Fields, LAB_LABEL, MANAGER, ORIGIN_ANNOTATION, managed::entries};

/// The managers under which a person's `kubectl apply` stands, client-side and server-side, and the one under which the
/// API server puts what was there before anybody applied. They are nobody who would write again by himself.
pub const APPLIED_BY_HAND: &[&str] =
    &["kubectl-client-side-apply", "kubectl", "kubectl-last-applied", "before-first-apply"];

/// The managers among [`APPLIED_BY_HAND`] that own fields of an object.
pub fn applied_by_hand(object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for entry in entries(object) {
        if entry.subresource.is_empty()
            && APPLIED_BY_HAND.contains(&entry.manager.as_str())
            && !found.contains(&entry.manager)
        {
            found.push(entry.manager);
        }
    }
    found
}

/// The patch that makes the fields of `managers` labctl's own, as client-go's `csaupgrade` does; empty where they have
/// none. What was named in another version of the kind than labctl's entry belongs to nobody afterwards.
pub fn taken_over(object: &Value, managers: &[String]) -> Vec<Value> {
    let raw = raw_entries(object);
    let is_taken = |entry: &Entry| entry.subresource.is_empty() && managers.contains(&entry.manager);
    let taken: Vec<Entry> = raw.iter().filter_map(Entry::parse).filter(is_taken).collect();
    let own = raw.iter().filter_map(Entry::parse).find(Entry::is_labctl);
    let Some(version) = own.as_ref().or(taken.first()).map(|entry| entry.api_version.clone()) else {
        return Vec::new();
    };
    if taken.is_empty() {
        return Vec::new();
    }
    let mut fields = own.as_ref().map(|own| own.fields.clone()).unwrap_or_default();
    taken.iter().filter(|entry| entry.api_version == version).for_each(|entry| fields.extend(&entry.fields));
    let stays = |entry: &&Value| Entry::parse(entry).is_none_or(|entry| !entry.is_labctl() && !is_taken(&entry));
    let others: Vec<Value> = raw.iter().filter(stays).cloned().collect();
    let entry = entry(&version, &fields, time(raw, managers));
    vec![replaced(std::iter::once(entry).chain(others).collect()), version_of(object)]
}

/// The fields that labctl owns once [`taken_over`] is done, and nobody but it.
pub fn would_own(object: &Value, managers: &[String]) -> Option<Fields> {
    let all = entries(object);
    let is_taken = |entry: &&Entry| entry.subresource.is_empty() && managers.contains(&entry.manager);
    let own = all.iter().find(|entry| entry.is_labctl());
    let version = own.or_else(|| all.iter().find(is_taken))?.api_version.clone();
    let mut fields = own.map(|own| own.fields.clone()).unwrap_or_default();
    all.iter().filter(is_taken).filter(|entry| entry.api_version == version).for_each(|e| fields.extend(&e.fields));
    Some(fields)
}

/// The patch that takes labctl's marks and its entry in `managedFields` off an object; empty where it has none.
pub fn released(object: &Value) -> Vec<Value> {
    let raw = raw_entries(object);
    let is_own = |entry: &Value| Entry::parse(entry).is_some_and(|entry| entry.is_labctl());
    let mut patch = Vec::new();
    if raw.iter().any(is_own) {
        let others: Vec<Value> = raw.iter().filter(|entry| !is_own(entry)).cloned().collect();
        // The server takes an empty list for no word about managers; a list of one empty entry clears them.
        // Src: kubernetes.io, server-side apply, "Clearing managedFields".
        patch.push(replaced(if others.is_empty() { vec![json!({})] } else { others }));
    }
    let marks = [("labels", LAB_LABEL)]
        .into_iter()
        .chain([ADDRESS_ANNOTATION, ORIGIN_ANNOTATION, DIGEST_ANNOTATION].map(|name| ("annotations", name)));
    for (map, name) in marks {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        let pointer = format!("/metadata/{map}/{escaped}");
        if object.pointer(&pointer).is_some() {
            patch.push(json!({"op": "remove", "path": pointer}));
        }
    }
    if !patch.is_empty() {
        patch.push(version_of(object));
    }
    patch
}

fn raw_entries(object: &Value) -> &[Value] {
    object.pointer("/metadata/managedFields").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn replaced(entries: Vec<Value>) -> Value {
    json!({"op": "replace", "path": "/metadata/managedFields", "value": entries})
}

/// Makes the patch fail where the object has changed since: the list of managers is replaced as a whole.
fn version_of(object: &Value) -> Value {
    let version = object.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
    json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version})
}

fn entry(version: &str, fields: &Fields, time: Option<Value>) -> Value {
    let mut entry = json!({
        "manager": MANAGER,
        "operation": "Apply",
        "apiVersion": version,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields.to_json(),
    });
    if let (Some(time), Some(entry)) = (time, entry.as_object_mut()) {
        entry.insert("time".to_owned(), time);
    }
    entry
}

/// The time of labctl's entry, or of the first that becomes it.
fn time(raw: &[Value], managers: &[String]) -> Option<Value> {
    let is_concerned =
        |entry: &Entry| entry.is_labctl() || entry.subresource.is_empty() && managers.contains(&entry.manager);
    let mut concerned: Vec<&Value> =
        raw.iter().filter(|raw| Entry::parse(raw).is_some_and(|e| is_concerned(&e))).collect();
    concerned.sort_by_key(|raw| Entry::parse(raw).is_none_or(|entry| entry.operation != Operation::Apply));
    concerned.first().and_then(|raw| raw.get("time")).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::FieldPath;

    const KUBECTL: &str = "kubectl-client-side-apply";

    fn entry_of(manager: &str, operation: &str, version: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": version, "time": "2026-02-01T00:00:00Z",
               "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    fn object(entries: &[Value]) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "web", "namespace": "apps", "resourceVersion": "812", "managedFields": entries,
                "labels": {"app": "web", LAB_LABEL: "mobius"},
                "annotations": {ADDRESS_ANNOTATION: "services.web", "labctl.dev/protect": "true"}
            }
        })
    }

    fn status() -> Value {
        let mut status = entry_of("kube-controller-manager", "Update", "apps/v1", &json!({"f:status": {}}));
        status["subresource"] = "status".into();
        status
    }

    #[test]
    fn what_kubectl_applied_becomes_what_labctl_applied() {
        let kubectl = entry_of(KUBECTL, "Update", "apps/v1", &json!({"f:spec": {"f:replicas": {}}}));
        let object = object(&[kubectl, status()]);
        let patch = taken_over(&object, &applied_by_hand(&object));
        let own = entry_of("labctl", "Apply", "apps/v1", &json!({"f:spec": {"f:replicas": {}}}));
        assert_eq!(
            patch,
            [
                json!({"op": "replace", "path": "/metadata/managedFields", "value": [own, status()]}),
                json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "812"}),
            ]
        );
    }

    #[test]
    fn what_labctl_has_already_is_joined_with_it() {
        let own = entry_of("labctl", "Apply", "apps/v1", &json!({"f:spec": {"f:replicas": {}}}));
        let kubectl = entry_of(KUBECTL, "Update", "apps/v1", &json!({"f:spec": {"f:paused": {}}}));
        let older = entry_of(KUBECTL, "Update", "apps/v1beta1", &json!({"f:spec": {"f:gone": {}}}));
        let object = object(&[kubectl, own, older, status()]);
        let patch = taken_over(&object, &[KUBECTL.to_owned()]);
        let both = entry_of("labctl", "Apply", "apps/v1", &json!({"f:spec": {"f:replicas": {}, "f:paused": {}}}));
        assert_eq!(patch[0]["value"], json!([both, status()]));
        let would = would_own(&object, &[KUBECTL.to_owned()]).unwrap();
        assert!(would.has(&FieldPath::fields(["spec", "paused"])) && !would.has(&FieldPath::fields(["spec", "gone"])));
    }

    #[test]
    fn other_managers_keep_what_they_own() {
        let edit = entry_of("kubectl-edit", "Update", "apps/v1", &json!({"f:spec": {"f:replicas": {}}}));
        let object = object(&[edit, status()]);
        assert!(applied_by_hand(&object).is_empty());
        assert!(taken_over(&object, &[KUBECTL.to_owned()]).is_empty());
    }

    #[test]
    fn letting_go_takes_off_the_marks_and_the_entry_and_nothing_else() {
        let own = entry_of("labctl", "Apply", "apps/v1", &json!({"f:spec": {"f:replicas": {}}}));
        let patch = released(&object(&[own.clone(), status()]));
        assert_eq!(
            patch,
            [
                json!({"op": "replace", "path": "/metadata/managedFields", "value": [status()]}),
                json!({"op": "remove", "path": "/metadata/labels/labctl.dev~1lab"}),
                json!({"op": "remove", "path": "/metadata/annotations/labctl.dev~1address"}),
                json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "812"}),
            ]
        );
        let alone = released(&object(&[own]));
        assert_eq!(alone[0]["value"], json!([{}]), "an empty list would change nothing");
    }

    #[test]
    fn what_is_not_labctls_is_not_released() {
        let object = json!({"metadata": {"name": "web", "managedFields": [status()]}});
        assert!(released(&object).is_empty());
    }
}
