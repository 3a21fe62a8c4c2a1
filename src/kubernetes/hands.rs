//! What changes hands without any other change of an object: fields of `kubectl apply` become labctl's, and labctl lets
//! go of what it owns. Both are JSON patches (RFC 6902) of metadata alone.

use serde_json::{Value, json};

use super::managed::{Entry, Operation};
use super::{
    ADDRESS_ANNOTATION, DIGEST_ANNOTATION, FieldPath, Fields, LAB_LABEL, LAST_APPLIED_ANNOTATION, MANAGER,
    ORIGIN_ANNOTATION, managed::entries,
};

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

/// The patch that makes the fields that `managers` applied labctl's own; empty where they have none.
///
/// As client-go's `csaupgrade`, with one difference: of an entry that stands for plain writes, only what
/// `kubectl apply` remembers in its annotation is taken, the rest belongs to nobody afterwards. Such an entry also has
/// the defaults that the server added when the object was made, and admission's (the class of a claim): labctl would
/// take them off with its first apply. What was named in another version of the kind than labctl's entry belongs to
/// nobody either.
pub fn taken_over(object: &Value, managers: &[String]) -> Vec<Value> {
    let raw = raw_entries(object);
    let is_taken = |entry: &Entry| entry.subresource.is_empty() && managers.contains(&entry.manager);
    if !raw.iter().filter_map(Entry::parse).any(|entry| is_taken(&entry)) {
        return Vec::new();
    }
    let Some(own) = would_own(object, managers) else { return Vec::new() };
    let stays = |entry: &&Value| Entry::parse(entry).is_none_or(|entry| !entry.is_labctl() && !is_taken(&entry));
    let others = raw.iter().filter(stays).cloned();
    let entry = (!own.fields.is_empty()).then(|| entry(&own.api_version, &own.fields, time(raw, managers)));
    let all: Vec<Value> = entry.into_iter().chain(others).collect();
    vec![replaced(if all.is_empty() { vec![json!({})] } else { all }), version_of(object)]
}

/// labctl's entry once [`taken_over`] is done; none where neither it nor one of `managers` has one.
pub fn would_own(object: &Value, managers: &[String]) -> Option<Entry> {
    let all = entries(object);
    let is_taken = |entry: &&Entry| entry.subresource.is_empty() && managers.contains(&entry.manager);
    let own = all.iter().find(|entry| entry.is_labctl());
    let api_version = own.or_else(|| all.iter().find(is_taken))?.api_version.clone();
    let mut fields = own.map(|own| own.fields.clone()).unwrap_or_default();
    for entry in all.iter().filter(is_taken).filter(|entry| entry.api_version == api_version) {
        match entry.operation {
            Operation::Apply => fields.extend(&entry.fields),
            Operation::Update => fields.extend(&remembered(object, &entry.fields)),
        }
    }
    let operation = Operation::Apply;
    Some(Entry { manager: MANAGER.to_owned(), operation, subresource: String::new(), api_version, fields })
}

/// Of these fields those that `kubectl apply` remembers, and its memory itself.
fn remembered(object: &Value, fields: &Fields) -> Fields {
    let memory = FieldPath::fields(["metadata", "annotations", LAST_APPLIED_ANNOTATION]);
    let text = memory.find(object).and_then(Value::as_str);
    let Some(text) = text else { return Fields::default() };
    let mut applied: Value = serde_json::from_str(text).unwrap_or_default();
    // The server knows a Secret's values in one place alone.
    if let Some(Value::Object(values)) = applied.get_mut("stringData").map(Value::take) {
        for (name, value) in values {
            applied["data"][name] = value;
        }
    }
    let is_remembered = |path: &FieldPath| *path == memory || path.find(&applied).is_some();
    fields.paths().into_iter().filter(is_remembered).collect()
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
    json!({"op": "replace", "path": "/metadata/managedFields", "value": Value::Array(entries)})
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
                "annotations": {
                    ADDRESS_ANNOTATION: "services.web", "labctl.dev/protect": "true",
                    LAST_APPLIED_ANNOTATION: "{\"spec\":{\"replicas\":1,\"paused\":true,\"gone\":1}}"
                }
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
        let would = would_own(&object, &[KUBECTL.to_owned()]).unwrap().fields;
        assert!(would.has(&FieldPath::fields(["spec", "paused"])) && !would.has(&FieldPath::fields(["spec", "gone"])));
    }

    #[test]
    fn what_the_server_added_when_kubectl_made_the_object_becomes_nobodys() {
        let fields = json!({
            "f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {}}},
            "f:spec": {"f:replicas": {}, "f:revisionHistoryLimit": {}, "f:strategy": {"f:type": {}}}
        });
        let kubectl = entry_of(KUBECTL, "Update", "apps/v1", &fields);
        let taken = would_own(&object(&[kubectl]), &[KUBECTL.to_owned()]).unwrap().fields;
        assert_eq!(
            taken.to_json(),
            json!({"f:metadata": {"f:annotations": {"f:kubectl.kubernetes.io/last-applied-configuration": {}}},
                   "f:spec": {"f:replicas": {}}})
        );
    }

    #[test]
    fn a_value_that_kubectl_applied_as_string_data_is_taken_over_as_data() {
        let fields = json!({"f:data": {".": {}, "f:user": {}}, "f:type": {}});
        let mut object = object(&[entry_of(KUBECTL, "Update", "v1", &fields)]);
        object["metadata"]["annotations"][LAST_APPLIED_ANNOTATION] = json!("{\"stringData\":{\"user\":\"\"}}");
        let taken = would_own(&object, &[KUBECTL.to_owned()]).unwrap().fields;
        assert!(taken.has(&FieldPath::fields(["data", "user"])) && !taken.has(&FieldPath::fields(["type"])));
    }

    #[test]
    fn without_a_memory_of_what_was_applied_nothing_is_taken_and_nobody_is_left_to_conflict() {
        let before = entry_of("before-first-apply", "Update", "apps/v1", &json!({"f:spec": {"f:replicas": {}}}));
        let mut object = object(&[before, status()]);
        object["metadata"]["annotations"].as_object_mut().unwrap().remove(LAST_APPLIED_ANNOTATION);
        let patch = taken_over(&object, &applied_by_hand(&object));
        assert_eq!(patch[0]["value"], json!([status()]));
        let mut server_side = object.clone();
        server_side["metadata"]["managedFields"] =
            json!([entry_of("kubectl", "Apply", "apps/v1", &json!({"f:spec": {"f:paused": {}}}))]);
        let taken = would_own(&server_side, &["kubectl".to_owned()]).unwrap().fields;
        assert_eq!(taken.to_json(), json!({"f:spec": {"f:paused": {}}}), "what was applied is known by itself");
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
